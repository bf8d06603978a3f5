// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stress of lanes (G22): an owner at work and a canceller beside it. A callback is freed as soon as the lane has
/// released it, so AddressSanitizer sees each late access. With the barrier of the operating system and with the
/// pairwise one, and with segments of several sizes.
#include "stress.hpp"

#include <gtest/gtest.h>

#include "cts/lane.hpp"

namespace {

using namespace stress;
using cts::core::register_result;

template <class Platform, class Barrier>
struct lanes {
  using registry = cts::core::basic_registry<Platform>;
  using lane = cts::basic_lane<cts::lane_home<registry>, Barrier>;
  using base = cts::basic_lane_callback<Platform>;

  /// The runs of one callback; outlives it.
  struct record {
    std::atomic<int> runs{0};
    std::atomic<bool> retired{false};
    int effect = 0;  // plain: a waiter must see it (G6)
    long nth = 0;
  };
  struct callback : base {
    callback(record& r, registry& on, verdict& v, long& clock) noexcept
        : base(&run), rec(r), registry_(on), v_(v), clock_(clock) {}
    int payload = 0;
    record& rec;

   private:
    static void run(base& b) noexcept {
      auto& c = static_cast<callback&>(b);
      record& r = c.rec;
      if (r.retired.load(std::memory_order_relaxed)) ++c.v_.late;
      if (r.runs.fetch_add(1, std::memory_order_relaxed) != 0) ++c.v_.duplicated;
      if (c.payload != 42 || !c.registry_.is_cancellation_requested()) ++c.v_.stale;
      ++r.effect;
      r.nth = ++c.clock_;
    }
    registry& registry_;
    verdict& v_;
    long& clock_;
  };

  /// Does as little as possible between the lane's own steps, so that cancel meets each of them before the store
  /// buffers have drained.
  static void run_bare(verdict& v) {
    struct bare : base {
      bare() noexcept : base(&ran) {}
      std::atomic<int> runs{0};
      static void ran(base& b) noexcept { ++static_cast<bare&>(b).runs; }
    };
    auto const end = std::chrono::steady_clock::now() + duration();
    registry* r = nullptr;
    bare callbacks[2];
    std::atomic<bool> stop{false};
    spin_barrier gate(2);
    std::thread canceller([&] {
      rng mine(5);
      for (;;) {
        gate.arrive_and_wait();
        if (stop) return;
        linger(mine.below(3000));
        r->cancel();
        gate.arrive_and_wait();
      }
    });
    while (std::chrono::steady_clock::now() < end) {
      registry fresh;
      r = &fresh;
      lane l(fresh);
      for (bare& c : callbacks) c.runs.store(0, std::memory_order_relaxed);
      gate.arrive_and_wait();
      bool in = true, out = true;
      std::size_t i = 0;
      do {
        i = 1 - i;
        in = l.try_register(callbacks[i]) == register_result::registered;
        out = in && l.unregister(callbacks[i]);
      } while (out);
      gate.arrive_and_wait();
      if (in && callbacks[i].runs == 0) ++v.lost;
      if (callbacks[i].runs > 1) ++v.duplicated;
      if ((!in && callbacks[i].runs != 0) || callbacks[1 - i].runs != 0) ++v.late;
      ++v.rounds;
    }
    stop = true;
    gate.arrive_and_wait();
    canceller.join();
  }

  static void linger(std::uint64_t n) {
    for (; n != 0; --n) std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  static void run(verdict& v) {
    rng random(3);
    auto const end = std::chrono::steady_clock::now() + duration();
    std::unique_ptr<registry> r;
    std::atomic<bool> stop{false};
    spin_barrier gate(2);
    std::thread canceller([&] {
      rng mine(5);
      for (;;) {
        gate.arrive_and_wait();
        if (stop) return;
        linger(mine.below(20'000));
        r->cancel();
        gate.arrive_and_wait();
      }
    });
    while (std::chrono::steady_clock::now() < end) {
      r = std::make_unique<registry>();
      auto l = std::make_unique<lane>(*r);
      struct entry {
        std::unique_ptr<record> rec = std::make_unique<record>();
        std::unique_ptr<callback> cb;
        bool registered = false, unregistered = false;
        long order = 0;
      };
      long clock = 0, registrations = 0;
      std::vector<entry> all(12);
      gate.arrive_and_wait();
      for (int step = 0; step < 60; ++step) {
        entry& e = all[random.below(all.size())];
        if (e.cb == nullptr) {
          if (e.registered) continue;
          e.cb = std::make_unique<callback>(*e.rec, *r, v, clock);
          e.cb->payload = 42;
          e.order = ++registrations;
          if (l->try_register(*e.cb) == register_result::registered) {
            e.registered = true;
            continue;
          }
          if (!r->is_cancellation_requested()) ++v.stale;
          e.rec->retired = true;
          e.cb.reset();
          break;
        }
        if (random.below(2) == 0) {
          if (!l->unregister(*e.cb)) {
            if (!r->is_cancellation_requested()) ++v.stale;
            l->unregister_and_wait(*e.cb);
            if (e.rec->effect != 1) ++v.late;
          } else {
            e.unregistered = true;
          }
        } else {
          l->unregister_and_wait(*e.cb);
          if (e.rec->effect == 0) e.unregistered = true;
        }
        e.rec->retired = true;
        e.cb.reset();
        if (e.unregistered && e.rec->runs == 0) e = entry();  // registers anew
      }
      if (random.below(2) == 0) {
        for (entry& e : all)
          if (e.cb != nullptr) {
            l->unregister_and_wait(*e.cb);
            e.unregistered = e.rec->effect == 0;
            e.rec->retired = true;
            e.cb.reset();
          }
        l.reset();  // perhaps beside the cancel
      }
      gate.arrive_and_wait();
      for (entry const& a : all) {
        int const want = a.registered && !a.unregistered ? 1 : 0;
        if (a.rec->runs < want) ++v.lost;
        if (a.rec->runs > want) ++v.late;
        for (entry const& b : all)
          if (a.rec->runs == 1 && b.rec->runs == 1 && a.order < b.order && a.rec->nth < b.rec->nth) ++v.disordered;
      }
      l.reset();
      ++v.rounds;
    }
    stop = true;
    gate.arrive_and_wait();
    canceller.join();
  }
};

template <class Lanes>
class LaneStress : public testing::Test {};
using cts::detail::pairwise_barrier;
using cts::detail::process_barrier;
using kinds = testing::Types<lanes<cts::core::std_platform, process_barrier>,
                             lanes<cts::core::std_platform, pairwise_barrier<cts::core::std_platform>>,
                             lanes<small_platform<1, 1>, process_barrier>,
                             lanes<small_platform<1, 1>, pairwise_barrier<small_platform<1, 1>>>,
                             lanes<small_platform<2, 3>, process_barrier>>;
TYPED_TEST_SUITE(LaneStress, kinds);

TYPED_TEST(LaneStress, OwnerBesideCancel) {
  verdict v;
  TypeParam::run(v);
  expect_clean(v);
}
TYPED_TEST(LaneStress, BareStepsBesideCancel) {
  verdict v;
  TypeParam::run_bare(v);
  expect_clean(v);
}

}  // namespace
