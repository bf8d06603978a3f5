// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the mutation gate mutates: both tables of memory orders and both lists of structural defects. No mutant is
/// equivalent: every order and every step is needed.
#include "checker/harness.hpp"

namespace cts::models {
namespace {

add_table core_orders(core::site_table);
add_table orders_above(detail::site_table);

struct add_defects {
  add_defects() {
#define CTS_MUTATION(name, home) defects().push_back({#name, home, [](world& w) { w.defect = core::mutation::name; }});
#include "cts/core/mutations.inc"
#undef CTS_MUTATION
#define CTS_MUTATION(name, home) \
  defects().push_back({#name, home, [](world& w) { w.defect_above = detail::mutation::name; }});
#include "cts/protocol/mutations.inc"
#undef CTS_MUTATION
  }
} add_all;

}  // namespace
}  // namespace cts::models
