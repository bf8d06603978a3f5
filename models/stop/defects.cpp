// SPDX-License-Identifier: BSL-1.0
/// @file
/// The defects of stop states that the mutation gate builds in: G28.
#include "checker/defects.hpp"

#include "cts/core/registry.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts::models::stop {
namespace {

using detail::site;

constexpr std::uint64_t owner = 1, source = (std::uint64_t{1} << 32) | owner;
constexpr std::uint64_t bias = std::uint64_t{1} << 30;
constexpr std::uint64_t not_last = 3 * source;  // of the counts, before a drop

std::uint64_t negative(std::uint64_t n) { return 0 - n; }
/// The running thread runs the callbacks of a request.
bool in_request() { return recall(core::site::canceller_set) != nullptr && recall(core::site::flag_end) == nullptr; }

void owners() {
  add_defect("stop_every_drop_is_the_last", "G28", "every drop of a token frees the state (K1)",
             {fault_at{&info(site::stop_drop), [](step& x) {
                         x.perform(x);
                         if (x.operand == negative(owner)) x.found = owner;
                       }}});
  add_defect("stop_no_drop_is_the_last", "G28", "no drop frees the state (K1)",
             {returns(site::stop_drop, [](std::uint64_t) { return not_last; })});
  add_defect("stop_drop_in_two_steps", "G28", "a source's drop counts the owner down before the source (K2)",
             {fault_at{&info(site::stop_drop), [](step& x) {
                         if (x.operand != negative(source)) return x.perform(x);
                         x.operand = negative(owner);
                         x.perform(x);
                         std::uint64_t const before = x.found;
                         x.operand = negative(source - owner);
                         x.perform(x);
                         x.found = before;
                       }}});
  add_defect("stop_source_counts_no_owner", "G28", "a copy of a source is no owner (K2)",
             {writes(site::stop_share, [](std::uint64_t n) { return n == source ? source - owner : n; })});
  add_defect("stop_possible_asks_flag_first", "G28",
             "stop_possible looks for a request before it looks for sources (K3)", {replaces("sources_first")});
  add_defect("stop_possible_for_ever", "G28", "a stop counts as possible without a source (K3)",
             {returns(site::stop_ask, [](std::uint64_t found) { return found | source; })});
  add_defect("stop_possible_wants_two_sources", "G28", "a stop counts as impossible with one source left (K3)",
             {returns(site::stop_ask, [](std::uint64_t found) { return found - (source - owner); })});
  add_defect("stop_copy_not_counted", "G28", "the copy of a token is not counted (K4)",
             {fault_at{&info(site::stop_share), [](step& x) {
                         if (x.operand != owner) x.perform(x);
                       }}});
  add_defect(
      "stop_alone_with_a_token", "G28", "a source that is the last one takes itself for the last owner (K4)",
      {returns(site::stop_alone, [](std::uint64_t found) { return found / (source - owner) == 1 ? source : found; })});
}

void requests() {
  add_defect("stop_request_owns_nothing", "G28", "a source that ends in a callback is dropped at once (K5)",
             {when(follows(core::site::flag_poll), answers(core::site::canceller_ask, 0))});
  add_defect("stop_left_by_another_thread", "G28", "another thread leaves its source to the running request (K5)",
             {when(follows(core::site::flag_poll), fault_at{&info(core::site::canceller_ask), [](step& x) {
                                                              x.perform(x);
                                                              if (x.found != 0) x.found = the_tool.running_thread() + 1;
                                                            }})});
  add_defect("stop_left_twice", "G28", "a second source that ends in a callback is left to the request, too (K5)",
             {when(in_request, fault_at{&info(site::stop_drop), [](step& x) {
                                          if (x.operand == negative(source)) x.found = not_last;
                                          else x.perform(x);
                                        }})});
  add_defect("stop_request_keeps_the_source", "G28", "the request does not drop the source that was left to it (K5)",
             {when(follows(core::site::flag_end), answers(site::stop_drop, not_last))});
}

void shared() {
  add_defect("stop_bias_forgotten", "G28", "a drop that finds the mark judges the owners without their bias (K6)",
             {returns(site::stop_late_drop, [](std::uint64_t found) { return found & ~bias; })});
  add_defect("stop_late_share_forgotten", "G28", "a thread that finds the mark does not share in the owners (K6)",
             {drops(site::stop_late_share)});
  add_defect("stop_late_drop_forgotten", "G28", "a thread that finds the mark does not drop in the owners (K6)",
             {answers(site::stop_late_drop, not_last)});
  add_defect("stop_any_source_ends_stripes", "G28", "each source that ends marks the stripes (K6)",
             {returns(site::stop_end, [](std::uint64_t) { return source; })});
  add_defect("stop_no_source_ends_stripes", "G28", "the last source marks no stripe (K6)",
             {returns(site::stop_end, [](std::uint64_t) { return not_last; })});
  add_defect("stop_stripes_count_twice", "G28", "the last source adds the stripes' counts with the wrong sign (K6)",
             {writes(site::stop_end_stripes, [](std::uint64_t minus) { return negative(2 * bias) - minus; })});
  add_defect("stop_end_keeps_the_bias", "G28", "the last source adds the counts and leaves the bias (K6)",
             {writes(site::stop_end_stripes, [](std::uint64_t minus) { return minus + bias; })});
  add_defect("stop_end_is_no_owner", "G28", "the end of the stripes never frees the state (K6)",
             {returns(site::stop_end_stripes, [](std::uint64_t) { return not_last; })});
}

struct add_defects {
  add_defects() {
    owners();
    requests();
    shared();
  }
} const all;

}  // namespace
}  // namespace cts::models::stop
