// SPDX-License-Identifier: BSL-1.0
/// @file
/// The platform of production, but a scheduler is told of each atomic operation before it is made, and of each vain
/// wait. It also carries the faults of the mutation gate (models/checker/faults.hpp), so that a search can show that it
/// finds them. A Scheduler has
///
///   step(row)   the running thread is about to make an operation at the site `row` of a table of memory orders
///   wait()      the running thread has asked in vain
///   thread()    the number of the running thread; tool::most_threads outside the threads of the run
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../../models/checker/core_steps.hpp"
#include "../../models/checker/defects.hpp"

#include "cts/core/registry.hpp"
#include "cts/protocol/lane.hpp"

namespace cts::fuzz {

/// What the platform has allocated. A run begins by clearing it.
struct memory {
  std::atomic<std::size_t> blocks{0};    // held now
  std::atomic<bool> next_fails{false};   // the next allocation fails
  std::atomic<std::size_t> failures{0};  // allocations that have failed
  void clear() {
    blocks = 0;
    next_fails = false;
    failures = 0;
  }
};
inline memory the_memory;

template <class Scheduler, std::size_t Inline, std::size_t Segment, std::size_t Prefetch = 0>
struct scheduled_platform : core::std_platform {
  static constexpr std::size_t inline_slots = Inline;
  static constexpr std::size_t segment_slots = Segment;
  static constexpr std::size_t prefetch_distance = Prefetch;
  static constexpr bool checked = false;
  struct claim_limit {
    operator unsigned() const noexcept { return models::the_world.most_claims; }
  };
  static constexpr claim_limit most_claims{};

  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T v) noexcept : word_(v) {}

    template <class Site>
    T load(Site s) const noexcept {
      auto const order = begin(s);
      if (!faulty()) return word_.load(order);
      auto const real = [&](models::step& y) { y.found = models::bits_of(word_.load(order)); };
      return models::of_bits<T>(run(s, models::step::kind::load, 0, 0, real).found);
    }
    template <class Site>
    void store(T v, Site s) noexcept {
      auto const order = begin(s);
      if (!faulty()) return word_.store(v, order);
      auto const real = [&](models::step& y) { word_.store(models::of_bits<T>(y.operand), order); };
      run(s, models::step::kind::store, models::bits_of(v), 0, real);
    }
    template <class Site>
    bool compare_exchange(T& expected, T v, Site s) noexcept {
      auto const order = begin(s);
      if (!faulty()) return word_.compare_exchange_strong(expected, v, order, std::memory_order_relaxed);
      auto const real = [&](models::step& y) {
        T wanted = models::of_bits<T>(y.expected);
        y.done = word_.compare_exchange_strong(wanted, models::of_bits<T>(y.operand), order, std::memory_order_relaxed);
        y.expected = models::bits_of(wanted);
      };
      models::step const x = run(s, models::step::kind::exchange, models::bits_of(v), models::bits_of(expected), real);
      expected = models::of_bits<T>(x.expected);
      return x.done;
    }
    template <class Site>
    T fetch_or(T v, Site s) noexcept {
      return update(v, s, [this](T w, std::memory_order o) { return word_.fetch_or(w, o); });
    }
    template <class Site>
    T fetch_and(T v, Site s) noexcept {
      return update(v, s, [this](T w, std::memory_order o) { return word_.fetch_and(w, o); });
    }
    template <class Site>
    T fetch_xor(T v, Site s) noexcept {
      return update(v, s, [this](T w, std::memory_order o) { return word_.fetch_xor(w, o); });
    }
    template <class Site>
    T fetch_add(T v, Site s) noexcept {
      return update(v, s, [this](T w, std::memory_order o) { return word_.fetch_add(w, o); });
    }

   private:
    static bool faulty() noexcept { return !models::the_world.faults.empty(); }
    template <class Site>
    static std::memory_order begin(Site s) noexcept {
      core::site_info const& row = info(s);
      Scheduler::step(row);
      return models::the_world.weakened == &row ? models::the_world.weaker : row.order;
    }
    template <class Site, class F>
    T update(T v, Site s, F combine) noexcept {
      auto const order = begin(s);
      if (!faulty()) return combine(v, order);
      auto const real = [&](models::step& y) {
        y.found = models::bits_of(combine(models::of_bits<T>(y.operand), order));
      };
      return models::of_bits<T>(run(s, models::step::kind::update, models::bits_of(v), 0, real).found);
    }
    /// Performs the step, with the first fault of the running mutant at its site if there is one.
    template <class Site, class Real>
    models::step run(Site s, models::step::kind what, std::uint64_t operand, std::uint64_t expected, Real& real) const {
      models::step x;
      x.what = what;
      x.operand = operand;
      x.expected = expected;
      x.word = models::any_word(
          const_cast<atomic*>(this),
          [](void* w) { return models::bits_of(static_cast<atomic*>(w)->word_.load(std::memory_order_relaxed)); },
          [](void* w, std::uint64_t v) {
            static_cast<atomic*>(w)->word_.store(models::of_bits<T>(v), std::memory_order_release);
          });
      x.perform = real;
      core::site_info const& row = info(s);
      models::fault const* wrong = nullptr;
      for (models::fault_at const& f : models::the_world.faults.steps)
        if (f.site == &row) wrong = &f.what;
      if (wrong != nullptr) (*wrong)(x);
      else x.perform(x);
      models::remember(row, x);
      return x;
    }
    std::atomic<T> word_;
  };

  static std::uintptr_t this_thread() noexcept { return Scheduler::thread() + 1; }
  static std::size_t thread_index() noexcept { return Scheduler::thread(); }

  template <class Wait, class Done>
  static void await(Wait w, Done done) noexcept {
    auto const wait = [&done] {
      while (!done()) Scheduler::wait();
    };
    for (models::wait_fault const& f : models::the_world.faults.waits)
      if (f.name == info(w).name) return f.instead(wait);
    wait();
  }
  static void back_off() noexcept {}

  static void* allocate(std::size_t bytes) noexcept {
    if (the_memory.next_fails.exchange(false, std::memory_order_relaxed)) {
      the_memory.failures.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    the_memory.blocks.fetch_add(1, std::memory_order_relaxed);
    return core::std_platform::allocate(bytes);
  }
  static void deallocate(void* p, std::size_t bytes) noexcept {
    the_memory.blocks.fetch_sub(1, std::memory_order_relaxed);
    core::std_platform::deallocate(p, bytes);
  }
};

/// Makes the scheduler the tool that faults ask.
template <class Scheduler>
void serve_faults() {
  models::the_tool = {[] { return Scheduler::thread(); }, [] { Scheduler::wait(); },
                      [](void* callback) { static_cast<void>(*static_cast<unsigned char volatile*>(callback)); }};
}

/// The lane's steps, wrong if the running mutant replaces them.
struct walk_order : detail::lane_walk_order {
  static std::uint32_t visited(std::uint32_t n, std::uint32_t capacity) {
    return models::is_replaced("lane_walk_order") ? n : detail::lane_walk_order::visited(n, capacity);
  }
};
struct slot_ownership : detail::lane_slot_ownership {
  static bool holds(std::uintptr_t found, std::uintptr_t mine) {
    return models::is_replaced("lane_slot_ownership") || detail::lane_slot_ownership::holds(found, mine);
  }
};

}  // namespace cts::fuzz

namespace cts {
inline namespace CTS_ABI {
namespace core {
template <class S, std::size_t I, std::size_t N, std::size_t P>
struct replaced<fuzz::scheduled_platform<S, I, N, P>, newest_first<fuzz::scheduled_platform<S, I, N, P>>> {
  using type = models::oldest_first<fuzz::scheduled_platform<S, I, N, P>>;
};
template <class S, std::size_t I, std::size_t N, std::size_t P>
struct replaced<fuzz::scheduled_platform<S, I, N, P>, failed_growth<fuzz::scheduled_platform<S, I, N, P>>> {
  using type = models::unnoticed_failure<fuzz::scheduled_platform<S, I, N, P>>;
};
template <class S, std::size_t I, std::size_t N, std::size_t P>
struct replaced<fuzz::scheduled_platform<S, I, N, P>, cts::detail::lane_walk_order> {
  using type = fuzz::walk_order;
};
template <class S, std::size_t I, std::size_t N, std::size_t P>
struct replaced<fuzz::scheduled_platform<S, I, N, P>, cts::detail::lane_slot_ownership> {
  using type = fuzz::slot_ownership;
};
}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts
