// SPDX-License-Identifier: BSL-1.0
/// @file
/// A platform that calls a hook before each atomic operation, so that a test can run another operation at exactly that
/// step. Sizes are small, so that growth, reset and recycling are reached at once. The hook is called on the thread
/// that makes the step.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "cts/core/registry.hpp"

namespace cts::test {

inline thread_local std::function<void(core::site)> on_step;  // empty: no hook
inline std::atomic<int> waits{0};                             // how often a thread had to wait

template <std::size_t Inline, std::size_t Segment, bool Checked = false>
struct stepping_platform : core::std_platform {
  static constexpr std::size_t inline_slots = Inline;
  static constexpr std::size_t segment_slots = Segment;
  static constexpr bool checked = Checked;

  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T v) noexcept : word_(v) {}
    T load(core::site s) const noexcept { return step(s), word_.load(s); }
    void store(T v, core::site s) noexcept { step(s), word_.store(v, s); }
    bool compare_exchange(T& e, T v, core::site s) noexcept { return step(s), word_.compare_exchange(e, v, s); }
    T fetch_or(T v, core::site s) noexcept { return step(s), word_.fetch_or(v, s); }
    T fetch_xor(T v, core::site s) noexcept { return step(s), word_.fetch_xor(v, s); }

   private:
    static void step(core::site s) {
      if (on_step) {
        auto const hook = on_step;  // it may replace itself
        hook(s);
      }
    }
    core::std_platform::atomic<T> word_;
  };

  template <class Wait, class Done>
  static void await(Wait wait, Done done) noexcept {
    if (!done()) waits.fetch_add(1);
    core::std_platform::await(wait, done);
  }
};

}  // namespace cts::test
