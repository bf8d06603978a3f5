// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts_orders: prints the table of memory orders as docs/memory_orders.md.
#include <cstdio>

#include "cts/core/memory_orders.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "checker/order_names.hpp"

namespace {
using cts::models::name_of;
char const* name_of(cts::core::operation k) {
  return k == cts::core::operation::load ? "load" : k == cts::core::operation::store ? "store" : "read-modify-write";
}
}  // namespace

template <std::size_t N>
void print(char const* title, cts::core::site_info const (&table)[N]) {
  std::printf(
      "\n## %s\n\n| site | operation | order | pairs with | what breaks if it is weaker |\n|---|---|---|---|---|\n",
      title);
  for (cts::core::site_info const& s : table)
    std::printf("| `%s` | %s | %s | %s | %s |\n", s.name, name_of(s.kind), name_of(s.order), s.partner, s.why);
}

int main() {
  std::puts(
      "# Memory orders\n\n"
      "Printed from `core/include/cts/core/memory_orders.hpp` and `core/include/cts/protocol/memory_orders.hpp` by "
      "`cts_orders`; a test fails\n"
      "when this page and the tables differ. Every order stronger than relaxed is weakened in the mutation gate, one "
      "step at a\n"
      "time; a model fails on each.");
  print("The core", cts::core::site_table);
  print("What is built on it", cts::detail::site_table);
}
