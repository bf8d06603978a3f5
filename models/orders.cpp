// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts_orders: prints the table of memory orders as docs/memory_orders.md.
#include <cstdio>

#include "cts/core/memory_orders.hpp"
#include "order_names.hpp"

namespace {
using cts::models::name_of;
char const* name_of(cts::core::operation k) {
  return k == cts::core::operation::load ? "load" : k == cts::core::operation::store ? "store" : "read-modify-write";
}
}  // namespace

int main() {
  std::puts(
      "# Memory orders\n\n"
      "Printed from `core/include/cts/core/memory_orders.hpp` by `cts_orders`; a test fails when this page and the table differ.\n"
      "Every order stronger than relaxed is weakened in the mutation gate, one step at a time; a model fails\n"
      "on each.\n\n"
      "| site | operation | order | pairs with | what breaks if it is weaker |\n|---|---|---|---|---|");
  for (cts::core::site_info const& s : cts::core::site_table)
    std::printf("| `%s` | %s | %s | %s | %s |\n", s.name, name_of(s.kind), name_of(s.order), s.partner, s.why);
}
