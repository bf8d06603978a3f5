// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts_orders: prints the table of memory orders as docs/memory_orders.md.
#include <cstdio>

#include "cts/core/memory_orders.hpp"
#include "cts/protocol/block_heap.hpp"
#include "cts/protocol/joint_callback.hpp"
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
    std::printf("| <a id=\"%s\"></a>`%s` | %s | %s | %s | %s |\n", s.name, s.name, name_of(s.kind), name_of(s.order),
                s.partner, s.why);
}

int main() {
  std::puts(
      "# Memory orders\n\n"
      "Each atomic operation of the model-checked parts has a name, its *site*. This page lists the order of each "
      "site, the\n"
      "sites it pairs with, and what breaks if the order is weaker. Counters and hints that only steer a policy have "
      "none, and\n"
      "neither have the parts that are not model-checked.\n\n"
      "The mutation gate weakens every order stronger than relaxed, one step at a time, and a model fails on each. To "
      "see "
      "the\n"
      "failure for one site, run `cts_mutants --gtest_filter='*slot_scan*'` ([how to read it](histories.md)).\n\n"
      "`cts_orders` prints this page from `core/include/cts/core/memory_orders.hpp`,\n"
      "`core/include/cts/protocol/memory_orders.hpp` and `core/include/cts/protocol/joint_callback.hpp`. A test fails "
      "when the page and the tables differ.");
  print("The core", cts::core::site_table);
  print("Built on the core", cts::detail::site_table);
  print("One function with several parents", cts::detail::joint_site_table);
  print("Memory of nodes", cts::detail::block_site_table);
}
