// SPDX-License-Identifier: BSL-1.0
/// @file
/// The defects of shared sources that the mutation gate builds in: G26.
#include "state/scene.hpp"

namespace cts::models::shared {
namespace {

using detail::site;

constexpr std::uint64_t mark = 1;      // of a stripe's word
constexpr std::uint64_t not_last = 2;  // of the central count, before a drop

template <class Site>
auto been_at(Site s) {
  return [s] { return recall(s) != nullptr; };
}
std::uint64_t without_bias(std::uint64_t central) { return central & ~(std::uint64_t{3} << (sizeof(void*) * 8 - 2)); }

struct add_defects {
  add_defects() {
    add_defect("mark_dropped", "G26", "the source's end takes a stripe's count and leaves no mark (H1)",
               {drops(site::stripe_mark)});
    add_defect("mark_after_reading", "G26", "the source's end reads a stripe's count before it marks the stripe (H2)",
               {fault_at{&info(site::stripe_mark), [](step& x) {
                           std::uint64_t const before = x.word.load();
                           x.perform(x);
                           x.found = before;
                         }}});
    add_defect("one_stripe_marked", "G26", "the source's end forgets all stripes but the first (H2)",
               {when(been_at(site::stripe_mark), answers(site::stripe_mark, 0))});
    add_defect("moved_count_lost", "G26", "the source's end does not add what the stripes have counted (H3)",
               {returns(site::stripe_mark, [](std::uint64_t) { return std::uint64_t{0}; })});
    add_defect("count_below_zero_lost", "G26", "a stripe that counts below zero is taken for an empty one (H3)",
               {returns(site::stripe_mark, [](std::uint64_t found) {
                 return static_cast<std::int64_t>(found) < 0 ? found & mark : found;
               })});
    add_defect("bias_forgotten", "G26", "a drop that finds the mark judges the central count without its bias (H3)",
               {returns(site::late_drop, &without_bias)});
    add_defect("late_share_forgotten", "G26", "a thread that finds the mark does not share in the central count (H1)",
               {drops(site::late_share)});
    add_defect("late_drop_forgotten", "G26", "a thread that finds the mark does not drop in the central count (H1)",
               {answers(site::late_drop, not_last)});
    add_defect("flag_not_looked_at", "G4", "a registrant of a stripe does not look at the flag first (D5)",
               {when(follows(core::site::top_find), answers(core::site::flag_poll, 0))});
  }
} const all;

}  // namespace
}  // namespace cts::models::shared
