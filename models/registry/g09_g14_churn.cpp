// SPDX-License-Identifier: BSL-1.0
/// @file
/// Undirected: four threads register and unregister what they draw, a fifth cancels at some time and pauses where it
/// draws it. What a thread registered later runs before what it registered earlier (G9), each once (G2, G3), and no
/// walk enters a segment that it does not see whole (G14).
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

template <class P, int Operations, std::size_t Stripes = 1, class Layout = core::isolated>
struct churn : rl::test_suite<churn<P, Operations, Stripes, Layout>, 5>, stage<P, Stripes, Layout> {
  static constexpr unsigned livelock_after = 60000;
  static constexpr unsigned churners = 4;
  static constexpr std::size_t each = 2;  // nodes of a thread
  static constexpr unsigned steps = 18;   // of an operation, about
  using pause = typename stage<P, Stripes, Layout>::registry::pause;
  unsigned turn[churners * each];  // of its last registration, among those of its thread
  bool pauses[churners * each];
  unsigned operations;

  void before() {
    this->open(churners * each);
    operations = 0;
    for (std::size_t k = 0; k < churners * each; ++k) {
      turn[k] = 0;
      this->registered[k] = this->unregistered[k] = false;
      this->nodes[k]->then = [this, k](auto&) {
        if (pauses[k]) this->shared->pause_here();
      };
    }
  }
  void thread(unsigned i) {
    if (i == churners) return cancel();
    unsigned turns = 0;
    for (int n = 0; n < Operations; ++n, ++operations) {
      std::size_t const k = i * each + rl::rand(each);
      if (!this->registered[k] || this->unregistered[k]) {
        if (!this->try_register(k)) return;
        turn[k] = ++turns;
      } else if (rl::rand(4) != 0 && !this->unregister(k)) {
        return;
      }
    }
  }
  void cancel() {
    for (bool& p : pauses) p = rl::rand(2) == 0;
    unsigned const after = rl::rand(churners * Operations);
    hold_until([&] { return operations >= after; }, static_cast<int>(after * steps));
    this->shared->request_cancellation();
    pause at;
    auto* c = this->shared->run_callbacks([] { return false; }, at);
    while (c != nullptr) {
      hold_until([] { return false; }, static_cast<int>(rl::rand(60)));
      c = this->shared->resume(at, [] { return false; });
    }
  }
  void after() {
    for (std::size_t k = 0; k < churners * each; ++k) this->exactly_once(k, true);
    for (std::size_t a = 0; a < churners * each; ++a)
      for (std::size_t b = a / each * each; b < (a / each + 1) * each; ++b)
        if (turn[a] > turn[b] && turn[b] != 0) this->later_runs_first(a, b);
    this->close();
  }
};

struct in_two_stripes : tiny {
  static std::size_t thread_index() noexcept { return rl::thread_index() % 2; }
};
add<churn<tiny, 7>> g14r("G14", "Churn", "four threads register and unregister at random, a fifth cancels and pauses",
                         chance(), 400000);
add<churn<tiny, 8, 1, core::compact>> g14s("G14", "CompactChurn", "the same, slots in place and the annex", chance(),
                                           400000);
add<churn<in_two_stripes, 8, 2>> g14t("G14", "ChurnInStripes", "the same in two stripes", chance(), 400000);

}  // namespace
}  // namespace cts::models
