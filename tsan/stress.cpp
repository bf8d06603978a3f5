// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stress of the registry: every pair of verbs against each other, churn, order (G9), and registries destroyed by their
/// own callback (G13). A callback is freed as soon as the registry has released it, so AddressSanitizer sees each late
/// access.
#include "stress.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

namespace {

using namespace stress;
using cts::core::basic_registry;
using cts::core::register_result;

using standard = basic_registry<>;
using striped = cts::core::striped_registry;
template <std::size_t Inline, std::size_t More>
using small = basic_registry<small_platform<Inline, More>>;
using striped_small = basic_registry<small_platform<1, 2>, 2>;
using small_compact = basic_registry<small_platform<2, 1>, 1, cts::core::compact>;

/// One callback and what its owner knows of it. Only the owner's thread touches it, and after the round thread 0.
template <class Registry>
struct entry {
  enum class state { absent, registered, refused, unregistered, awaited } is = state::absent;
  std::unique_ptr<probe<Registry>> cb;
  record rec;

  void try_register(Registry& r, verdict& v) {
    cb = std::make_unique<probe<Registry>>(r, rec, v);
    cb->payload = 42;
    is = r.try_register(*cb) == register_result::registered ? state::registered : state::refused;
    if (is == state::registered) return;
    if (!r.is_cancellation_requested()) ++v.stale;  // G8: refused, yet the flag reads as clear
    retire();
  }
  void unregister(Registry& r) {
    if (is != state::registered || !r.unregister(*cb)) return;
    is = state::unregistered;
    retire();
  }
  void unregister_and_wait(Registry& r, verdict& v) {
    if (is != state::registered) return;
    r.unregister_and_wait(*cb);
    is = state::awaited;
    if (rec.begun.load(std::memory_order_relaxed) != rec.ended.load(std::memory_order_relaxed)) ++v.late;
    if (rec.plain_effect > 1) ++v.duplicated;  // a plain read: the wait must make it visible (G6)
    retire();
  }
  void retire() {
    rec.retired.store(true, std::memory_order_relaxed);
    cb.reset();
  }
  /// After the cancel.
  void judge(verdict& v) const {
    if (rec.begun != rec.ended || rec.begun != rec.plain_effect) ++v.late;
    if (rec.begun > 1) ++v.duplicated;
    if (is == state::registered && rec.begun == 0) ++v.lost;
    if ((is == state::refused || is == state::unregistered || is == state::absent) && rec.begun != 0) ++v.late;
  }
};

enum class act { try_register, grow, unregister, unregister_and_wait, cancel, poll };
constexpr char const* names[] = {"register", "grow", "unregister", "unregister_and_wait", "cancel", "poll"};

/// Each round has a fresh registry. Threads 0 and 1 do one verb each, and thread 2 cancels in every other round.
template <class Registry>
void pair(act first, act second, verdict& v) {
  constexpr std::size_t kept = 3;    // callbacks of each thread that are registered before the round
  constexpr std::size_t fresh = 12;  // callbacks of each thread that it registers in the round: they need a new segment
  struct world {
    Registry registry;
    entry<Registry> owned[2][kept + fresh];
    entry<Registry> shared;  // both threads unregister it
    unsigned before_cancel[3] = {};
    std::atomic<unsigned> winners{0};
    std::atomic<unsigned> unregistered{0};
  };
  std::unique_ptr<world> w;
  rng delays[3] = {rng(1), rng(2), rng(3)};

  auto const cancel = [&](unsigned me) {
    w->before_cancel[me] = 42;
    if (w->registry.cancel()) w->winners.fetch_add(1, std::memory_order_relaxed);
    if (!w->registry.is_cancellation_requested()) ++v.stale;
  };
  auto const verb = [&](act a, unsigned me) {
    Registry& r = w->registry;
    auto& own = w->owned[me];
    switch (a) {
      case act::try_register:
        for (std::size_t i = kept; i < kept + 2; ++i) own[i].try_register(r, v);
        break;
      case act::grow:
        for (std::size_t i = kept; i < kept + fresh; ++i) own[i].try_register(r, v);
        break;
      case act::unregister:
        for (std::size_t i = kept; i-- > 0;) own[i].unregister(r);
        if (first == act::unregister && second == act::unregister && r.unregister(*w->shared.cb))
          w->unregistered.fetch_add(1);
        break;
      case act::unregister_and_wait:
        for (std::size_t i = 0; i < kept; ++i) own[i].unregister_and_wait(r, v);
        break;
      case act::cancel: cancel(me); break;
      case act::poll: {
        bool seen = false;
        for (int i = 0; i < 40; ++i) {
          bool const now = r.is_cancellation_requested();
          if (seen && !now) ++v.stale;
          seen = now;
        }
        break;
      }
    }
  };
  run_rounds(
      3,
      [&](std::uint64_t) {
        w = std::make_unique<world>();
        for (std::size_t i = 0; i < kept; ++i)
          for (auto& own : w->owned) own[i].try_register(w->registry, v);
        w->shared.try_register(w->registry, v);
      },
      [&](unsigned me, std::uint64_t n) {
        for (auto spins = delays[me].below(me == 2 ? 400 : 60); spins > 0; --spins)
          std::atomic_signal_fence(std::memory_order_seq_cst);
        if (me == 2 && n % 2 == 0) cancel(2);
        if (me == 0) verb(first, 0);
        if (me == 1) verb(second, 1);
      },
      [&](std::uint64_t n) {
        ++v.rounds;
        bool const canceled = n % 2 == 0 || first == act::cancel || second == act::cancel;
        if (w->registry.is_cancellation_requested() != canceled) ++v.stale;
        if (!canceled) cancel(0);
        if (w->winners != 1) ++v.winners;
        if (w->unregistered > 1) ++v.duplicated;
        if (w->unregistered == 1) w->shared.is = entry<Registry>::state::unregistered;
        for (auto& own : w->owned)
          for (auto& e : own) e.judge(v);
        w->shared.judge(v);
        w->registry.dispose();
        w.reset();
      });
}

class every_pair : public ::testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(every_pair, on_the_standard_registry) {
  verdict v;
  pair<standard>(static_cast<act>(std::get<0>(GetParam())), static_cast<act>(std::get<1>(GetParam())), v);
  expect_clean(v);
}
TEST_P(every_pair, on_small_segments) {
  verdict v;
  pair<small<1, 1>>(static_cast<act>(std::get<0>(GetParam())), static_cast<act>(std::get<1>(GetParam())), v);
  expect_clean(v);
}
TEST_P(every_pair, on_stripes) {
  verdict v;
  pair<striped_small>(static_cast<act>(std::get<0>(GetParam())), static_cast<act>(std::get<1>(GetParam())), v);
  expect_clean(v);
}

std::vector<std::tuple<int, int>> all_pairs() {
  std::vector<std::tuple<int, int>> pairs;
  for (int a = 0; a < 6; ++a)
    for (int b = a; b < 6; ++b) pairs.emplace_back(a, b);
  return pairs;
}
INSTANTIATE_TEST_SUITE_P(verbs, every_pair, ::testing::ValuesIn(all_pairs()), [](auto const& info) {
  return std::string(names[std::get<0>(info.param)]) + "_and_" + names[std::get<1>(info.param)];
});

template <class Registry>
class any_registry : public ::testing::Test {};
using registries =
    ::testing::Types<standard, small<1, 1>, small<1, 2>, small<2, 3>, small_compact, striped, striped_small>;
class registry_names {
 public:
  template <class T>
  static std::string GetName(int i) {
    constexpr char const* all[] = {
        "standard", "segments_of_1_and_1", "segments_of_1_and_2", "segments_of_2_and_3", "compact",
        "striped",  "striped_small"};
    return all[i];
  }
};
TYPED_TEST_SUITE(any_registry, registries, registry_names);

/// Four threads register and unregister at random on one registry, so that it grows, resets and moves segments all the
/// time. Then cancel runs each remaining callback once (G2, G3), those of a thread newest first (G9).
TYPED_TEST(any_registry, churns_and_then_runs_last_in_first_out) {
  using Registry = TypeParam;
  constexpr unsigned threads = 4;
  constexpr std::uint64_t window = 200;
  struct item : probe<Registry> {
    using probe<Registry>::probe;
    unsigned thread = 0;
    std::uint64_t serial = 0;
    std::uint64_t* newest_run = nullptr;  // the serial of this thread's callback that ran last
    record own;
  };
  verdict v;
  for (auto const end = std::chrono::steady_clock::now() + duration(); std::chrono::steady_clock::now() < end;) {
    auto const registry = std::make_unique<Registry>();
    std::uint64_t last_run[threads];
    std::fill(std::begin(last_run), std::end(last_run), UINT64_MAX);
    std::vector<std::unique_ptr<item>> live[threads];
    auto const stop = std::min(end, std::chrono::steady_clock::now() + duration() / 6);
    {
      std::vector<std::jthread> all;
      for (unsigned me = 0; me < threads; ++me)
        all.emplace_back([&, me] {
          rng dice(me + 7 * v.rounds + 1);
          record unused;
          auto& mine = live[me];
          std::uint64_t serial = 0;
          std::uint64_t goal = window;
          for (unsigned n = 0; n % 64 != 0 || std::chrono::steady_clock::now() < stop; ++n) {
            if (n % 512 == 0) goal = dice.below(4) == 0 ? 0 : dice.below(window);
            if (mine.size() < goal || (mine.empty() && dice.below(2) == 0)) {
              auto c = std::make_unique<item>(*registry, unused, v, [](probe<Registry>& p) {
                auto& self = static_cast<item&>(p);
                if (self.serial >= *self.newest_run) ++self.out->disordered;
                *self.newest_run = self.serial;
              });
              c->rec = &c->own;
              c->payload = 42;
              c->thread = me;
              c->serial = serial++;
              c->newest_run = &last_run[me];
              if (registry->try_register(*c) != register_result::registered) ++v.lost;
              mine.push_back(std::move(c));
            } else if (!mine.empty()) {
              std::size_t const at = dice.below(3) == 0 ? dice.below(mine.size()) : mine.size() - 1;
              if (dice.below(8) == 0) registry->unregister_and_wait(*mine[at]);
              else if (!registry->unregister(*mine[at])) ++v.late;
              mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(at));  // freed at once
            }
          }
        });
    }
    ++v.rounds;
    if (!registry->cancel()) ++v.winners;
    for (auto& mine : live)
      for (auto& c : mine) {
        if (c->own.begun == 0) ++v.lost;
        if (c->own.begun > 1) ++v.duplicated;
      }
  }
  expect_clean(v);
}

/// The same with a cancel in the middle of the churn: no callback runs that was refused or unregistered (G4, G5).
TYPED_TEST(any_registry, is_cancelled_in_the_middle_of_churn) {
  using Registry = TypeParam;
  constexpr unsigned threads = 4;
  struct world {
    Registry registry;
    std::vector<std::unique_ptr<entry<Registry>>> live[threads];
    std::atomic<bool> stop{false};
  };
  verdict v;
  std::unique_ptr<world> w;
  run_rounds(
      threads, [&](std::uint64_t) { w = std::make_unique<world>(); },
      [&](unsigned me, std::uint64_t n) {
        rng dice(me + n * threads);
        Registry& r = w->registry;
        if (me == 0) {
          for (auto spins = dice.below(20000); spins > 0; --spins) std::atomic_signal_fence(std::memory_order_seq_cst);
          if (!r.cancel()) ++v.winners;
          return;
        }
        auto& mine = w->live[me];
        for (int i = 0; i < 3000 && !(i % 16 == 0 && r.is_cancellation_requested()); ++i) {
          if (mine.empty() || (mine.size() < 24 && dice.below(2) == 0)) {
            mine.push_back(std::make_unique<entry<Registry>>());
            mine.back()->try_register(r, v);
          } else {
            auto& e = *mine[dice.below(mine.size())];
            if (dice.below(2) == 0) e.unregister(r);
            else e.unregister_and_wait(r, v);
            if (e.is != entry<Registry>::state::registered) {
              e.judge(v);
              std::swap(*std::find_if(mine.begin(), mine.end(), [&](auto& p) { return p.get() == &e; }), mine.back());
              mine.pop_back();
            }
          }
        }
      },
      [&](std::uint64_t) {
        ++v.rounds;
        for (auto& mine : w->live)
          for (auto& e : mine) e->judge(v);
        w.reset();
      });
  expect_clean(v);
}

/// The last callback destroys the registry and itself. Other threads have just unregistered its siblings (G13).
TYPED_TEST(any_registry, dies_in_its_last_callback) {
  using Registry = TypeParam;
  struct world {
    std::unique_ptr<Registry> registry = std::make_unique<Registry>();
    entry<Registry> siblings[3][10];
    std::atomic<int> busy{2};
    struct last : probe<Registry> {
      using probe<Registry>::probe;
      world* home = nullptr;
    };
    std::unique_ptr<last> destroyer;
    record rec;
  };
  verdict v;
  std::unique_ptr<world> w;
  run_rounds(
      3,
      [&](std::uint64_t) {
        w = std::make_unique<world>();
        w->destroyer = std::make_unique<typename world::last>(*w->registry, w->rec, v, [](probe<Registry>& p) {
          world& home = *static_cast<typename world::last&>(p).home;
          while (home.busy.load(std::memory_order_acquire) != 0) std::this_thread::yield();
          home.registry.reset();
          home.destroyer.reset();
        });
        w->destroyer->home = w.get();
        w->destroyer->payload = 42;
        if (w->registry->try_register(*w->destroyer) != register_result::registered) ++v.lost;
        for (auto& of_thread : w->siblings)
          for (auto& e : of_thread) e.try_register(*w->registry, v);
      },
      [&](unsigned me, std::uint64_t) {
        if (me == 0) {
          if (!w->registry->cancel()) ++v.winners;
          return;
        }
        for (auto& e : w->siblings[me]) {
          if (me == 1) e.unregister(*w->registry);
          else e.unregister_and_wait(*w->registry, v);
        }
        w->busy.fetch_sub(1, std::memory_order_acq_rel);
      },
      [&](std::uint64_t) {
        ++v.rounds;
        if (w->rec.begun != 1) ++v.lost;
        for (auto& of_thread : w->siblings)
          for (auto& e : of_thread) e.judge(v);
        w.reset();
      });
  expect_clean(v);
}

/// Another thread disposes and frees the registry when the last callback announces that it is about to return (G13).
TYPED_TEST(any_registry, is_disposed_after_its_last_callback) {
  using Registry = TypeParam;
  struct world {
    std::unique_ptr<Registry> registry = std::make_unique<Registry>();
    entry<Registry> others[8];
    record rec;
    std::atomic<bool> last{false};
    struct herald : probe<Registry> {
      using probe<Registry>::probe;
      world* home = nullptr;
    };
    std::unique_ptr<herald> first;
  };
  verdict v;
  std::unique_ptr<world> w;
  run_rounds(
      2,
      [&](std::uint64_t) {
        w = std::make_unique<world>();
        w->first = std::make_unique<typename world::herald>(*w->registry, w->rec, v, [](probe<Registry>& p) {
          static_cast<typename world::herald&>(p).home->last.store(true, std::memory_order_release);
        });
        w->first->home = w.get();
        w->first->payload = 42;
        if (w->registry->try_register(*w->first) != register_result::registered) ++v.lost;
        for (auto& e : w->others) e.try_register(*w->registry, v);
      },
      [&](unsigned me, std::uint64_t) {
        if (me == 0) {
          if (!w->registry->cancel()) ++v.winners;
          return;
        }
        while (!w->last.load(std::memory_order_acquire)) std::this_thread::yield();
        w->registry.reset();
      },
      [&](std::uint64_t) {
        ++v.rounds;
        for (auto& e : w->others) e.judge(v);
        w.reset();
      });
  expect_clean(v);
}

}  // namespace
