// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the states of production are made of.
#pragma once
#ifndef CTS_DETAIL_PARTS_HPP
#define CTS_DETAIL_PARTS_HPP

#include <any>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/detail/checked/checks.hpp"
#include "cts/detail/event.hpp"
#include "cts/detail/failures.hpp"
#include "cts/protocol/state.hpp"
#include "cts/detail/timers/system_alarm.hpp"
#include "cts/detail/timers/system_timers.hpp"
#include "cts/detail/checked/waits.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct std_parts;
using state = basic_state<std_parts>;
using node = basic_node<core::std_platform>;

/// What cancel was told.
struct alignas(cause_alignment) reason {
  explicit reason(std::any v) : value(std::move(v)) {}
  std::any value;
};

/// A timer of a time_provider that is not the system's, and the way from it to the state. The provider's shot holds
/// this, not the state: it may come late. No code of the provider runs under the lock.
class custom_timer {
 public:
  custom_timer(time_provider& c, state* target) noexcept : clock(c), target_(target) {}
  time_provider& clock;

  void set(std::shared_ptr<time_provider::timer> t) noexcept {
    std::lock_guard const lock(mutex_);
    if (target_ != nullptr) timer_.swap(t);  // else it has fired at once
  }
  void arm(std::chrono::nanoseconds due) {
    std::shared_ptr<time_provider::timer> t;
    {
      std::lock_guard const lock(mutex_);
      t = timer_;
    }
    if (t != nullptr) t->change(due);
  }
  /// From here on it does not fire. A shot of this very thread that is on its way keeps the provider's timer, unless it
  /// is the last.
  void close(bool last) noexcept {
    std::shared_ptr<time_provider::timer> gone;
    std::lock_guard const lock(mutex_);
    target_ = nullptr;
    if (last || firing_ != core::std_platform::this_thread()) gone.swap(timer_);
  }
  void fire() noexcept;

 private:
  std::mutex mutex_;
  state* target_;  // null: closed
  std::shared_ptr<time_provider::timer> timer_;
  std::uintptr_t firing_ = 0;
};

/// The timer of a state: the system's, or one of the source's own time_provider.
class alarm {
 public:
  explicit alarm(state& owner) noexcept : owner_(owner), system_(std::addressof(owner)) {}
  ~alarm() {
    if (custom_ != nullptr) custom_->close(true);
  }

  /// Takes timers of `clock` from now on, armed already. Nobody else knows the state yet. Throws what `clock` throws.
  void use(time_provider& clock, std::chrono::nanoseconds due) {
    note(clock.now(), due);
    custom_ = std::make_shared<custom_timer>(clock, std::addressof(owner_));
    std::shared_ptr<time_provider::timer> t = clock.create_timer(
        [c = custom_] {
          auto const held = c;  // a callback may destroy the timer, and this function with it
          held->fire();
        },
        due);
    if (t == nullptr) throw std::invalid_argument("the time_provider has created no timer (null)");
    custom_->set(std::move(t));
  }
  /// See basic_state::arm for `wanted`. Throws std::system_error, or what the provider throws. Negative: disarms.
  template <class Wanted>
  void arm(std::chrono::nanoseconds due, Wanted wanted) {
    if (custom_ != nullptr) return arm_custom(due, wanted);
    if (due < std::chrono::nanoseconds::zero()) return disarm();
    auto const at = detail::due_in(due);
    try {
      system_.arm(at, [this, at, &wanted] {
        if (!wanted()) return false;
        due_.store(at.count(), std::memory_order_relaxed);
        return true;
      });
    } catch (...) {  // it is not armed; the caller still holds the state
      due_.store(never, std::memory_order_relaxed);
      throw;
    }
  }
  void disarm() noexcept {
    due_.store(never, std::memory_order_relaxed);
    if (custom_ != nullptr) custom_->close(false);  // R3: cancel takes the timer away
    else system_.disarm();
  }
  /// Disarms the system's timer; false if it has ever fired, or if it is another provider's (R84).
  bool reset() noexcept {
    if (custom_ != nullptr || !system_.disarm()) return false;
    due_.store(never, std::memory_order_relaxed);
    return true;
  }

  using count = std::chrono::nanoseconds::rep;
  static constexpr count never = (std::chrono::steady_clock::time_point::max)().time_since_epoch().count();
  /// When it is due by its clock, `never` if it is not armed.
  count due() const noexcept { return due_.load(std::memory_order_relaxed); }
  /// Null: the system's.
  time_provider* clock() const noexcept { return custom_ != nullptr ? std::addressof(custom_->clock) : nullptr; }
  std::chrono::steady_clock::time_point now() const {
    return custom_ != nullptr ? custom_->clock.now() : std::chrono::steady_clock::now();
  }

 private:
  void note(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds due) noexcept {
    using time_point = std::chrono::steady_clock::time_point;
    bool const ends = due >= due.zero() && (now < time_point() || due < (time_point::max)() - now);
    due_.store(ends ? (now + due).time_since_epoch().count() : never, std::memory_order_relaxed);
  }
  template <class Wanted>
  void arm_custom(std::chrono::nanoseconds due, Wanted& wanted);

  state& owner_;
  basic_system_alarm<std_parts, timer_service> system_;
  std::shared_ptr<custom_timer> custom_;  // set before anybody else knows the state
  std::atomic<count> due_{never};         // for who asks for the deadline; decides about nothing
};

struct std_parts {
  using platform = core::std_platform;
  using event = detail::event;
  using alarm = detail::alarm;
  using failures = detail::failures;
  using reason = detail::reason;
  using extras = source_checks;

  static timer_service& timers() noexcept { return the_timer_service::get(); }
  static void unhandled(failures& failed) noexcept {
    try {
      failed.throw_all();
    } catch (...) { detail::report_unhandled(std::current_exception()); }
  }

  static failures* make_failures() noexcept {
    failures* const f = new (std::nothrow) failures;
    return f != nullptr ? f : &failures::lost();
  }
  static void destroy_failures(failures* f) noexcept {
    if (!f->is_lost()) delete f;
  }

  /// Held for O(links) and without calling foreign code.
  class one_reader {
   public:
    one_reader() : hold_(mutex()) {}

   private:
    /// Never destroyed: tokens may be asked at any time of the program's end.
    CTS_SHARED_SYMBOL static std::mutex& mutex() noexcept {
      alignas(std::mutex) static std::byte memory[sizeof(std::mutex)];
      static std::mutex& m = *::new (static_cast<void*>(memory)) std::mutex;
      return m;
    }
    std::lock_guard<std::mutex> const hold_;
  };

  static constexpr unsigned most_nested = 8;
  static dying_list<state>& dying() noexcept { return dying_; }

  static event* make_event() { return new detail::event; }
  static void destroy_reason(reason* r) noexcept { delete r; }

  class waiting : wait_record {
   public:
    waiting(state const& s, core::callback const& c) noexcept;
    ~waiting() { leave(); }

   private:
    static std::uintptr_t runner(wait_record const& r) noexcept;
    state const& state_;
    core::callback const& callback_;
  };

  // Not the aligned operator new: common allocators serve that from a slow path. What is needed beyond the guaranteed
  // alignment is asked for and skipped; where the block begins stands before it.
  static void* allocate(std::size_t bytes) {
    constexpr std::size_t line = core::std_platform::line;
    static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= sizeof(void*));
    void* const block = ::operator new(bytes + line);
    auto const at = (reinterpret_cast<std::uintptr_t>(block) + line) & ~(line - 1);
    reinterpret_cast<void**>(at)[-1] = block;
    return reinterpret_cast<void*>(at);
  }
  static void deallocate(void* p) noexcept { ::operator delete(static_cast<void**>(p)[-1]); }

 private:
  static inline constinit thread_local dying_list<state> dying_{};
};

inline std_parts::waiting::waiting(state const& s, core::callback const& c) noexcept
    : wait_record(core::std_platform::this_thread(), &s, &runner), state_(s), callback_(c) {
  enter();
}
inline std::uintptr_t std_parts::waiting::runner(wait_record const& r) noexcept {
  auto const& w = static_cast<waiting const&>(r);
  return w.state_.registry().is_running(w.callback_) ? w.state_.runner() : 0;
}

inline void custom_timer::fire() noexcept {
  state* s;
  {
    std::lock_guard const lock(mutex_);
    s = target_;
    if (s == nullptr) return;
    s->share();  // under the lock, which the source's end takes first
    firing_ = core::std_platform::this_thread();
  }
  detail::cancel_by_timer(*s);
  std::lock_guard const lock(mutex_);
  firing_ = 0;
}

template <class Wanted>
void alarm::arm_custom(std::chrono::nanoseconds due, Wanted& wanted) {
  state::reference const held(owner_);  // the provider may fire at once
  custom_->arm(due);
  note(custom_->clock.now(), due);
  if (!wanted()) disarm();  // custom_timer's lock orders this look and the disarming of a canceller
}

/// The state behind none(): never canceled. For its wait handle. R12.
CTS_SHARED_SYMBOL inline state* never_state() noexcept {
  alignas(state) static unsigned char storage[sizeof(state)];
  static state* const only = state::create_static(storage);
  return only;
}
/// The state of all tokens that are born canceled. R8.
CTS_SHARED_SYMBOL inline state* canceled_state() noexcept {
  alignas(state) static unsigned char storage[sizeof(state)];
  static state* const only = [] {
    state* const s = state::create_static(storage);
    failures none;
    s->begin(nullptr);
    s->notify(none, false);
    return s;
  }();
  return only;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_PARTS_HPP
