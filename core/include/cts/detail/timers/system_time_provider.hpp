// SPDX-License-Identifier: BSL-1.0
/// @file
/// The system's time_provider: the steady clock, and timers of the process's timer service.
#pragma once
#ifndef CTS_DETAIL_TIMERS_SYSTEM_TIME_PROVIDER_HPP
#define CTS_DETAIL_TIMERS_SYSTEM_TIME_PROVIDER_HPP

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "cts/detail/timers/system_timers.hpp"
#include "cts/detail/unhandled.hpp"
#include "cts/time_provider_interface.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A timer of time_provider::system(), for any caller.
class system_timer final : public time_provider::timer {
 public:
  explicit system_timer(std::function<void()> fire) : shot_(new shot(std::move(fire))) {}
  ~system_timer() override {
    the_timer_service::get().disarm(*shot_);
    shot_->drop();
  }
  bool change(std::chrono::nanoseconds due) override {
    if (due < std::chrono::nanoseconds::zero()) the_timer_service::get().disarm(*shot_);
    else the_timer_service::get().arm(*shot_, detail::due_in(due), [] { return true; });
    return true;
  }

 private:
  /// The part that a callback on its way keeps alive when the timer is destroyed.
  struct shot : timer_service::entry {
    explicit shot(std::function<void()> f) : timer_service::entry(actions_of_shots), function(std::move(f)) {}
    std::function<void()> function;
    std::atomic<int> references{1};  // the timer's, and one for each callback on its way
    void drop() noexcept {
      if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    static void acquire(timer_entry& e) noexcept {
      static_cast<shot&>(e).references.fetch_add(1, std::memory_order_relaxed);  // the timer still has its own
    }
    static void release(timer_entry& e) noexcept { static_cast<shot&>(e).drop(); }
    static void fire(timer_entry& e) noexcept {
      auto& s = static_cast<shot&>(e);
      try {
        s.function();
      } catch (...) { detail::report_unhandled(std::current_exception()); }
      s.drop();
    }
    static constexpr timer_actions actions_of_shots{&acquire, &release, &fire};
  };
  shot* const shot_;
};

class CTS_SHARED_SYMBOL system_time_provider final : public time_provider {
 public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) override {
    auto t = std::make_unique<system_timer>(std::move(fire));
    t->change(due);
    return t;
  }
};

}  // namespace detail

inline time_provider& time_provider::system() {
  static detail::system_time_provider* const only = [] {
    alignas(detail::system_time_provider) static unsigned char storage[sizeof(detail::system_time_provider)];
    return ::new (static_cast<void*>(storage)) detail::system_time_provider;
  }();
  return *only;
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SYSTEM_TIME_PROVIDER_HPP
