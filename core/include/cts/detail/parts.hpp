// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state of a source in production: protocol/state.hpp with the parts that it needs. The models run the same
/// protocol with parts of their own.
#pragma once
#ifndef CTS_DETAIL_PARTS_HPP
#define CTS_DETAIL_PARTS_HPP

#include <any>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/detail/checked/registration_list.hpp"
#include "cts/detail/checked/source_calls.hpp"
#include "cts/detail/checked/waits.hpp"
#include "cts/detail/event.hpp"
#include "cts/detail/failures.hpp"
#include "cts/detail/timers/alarm.hpp"
#include "cts/detail/timers/system_alarm.hpp"
#include "cts/detail/timers/system_timers.hpp"
#include "cts/detail/unhandled.hpp"
#include "cts/protocol/state.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct std_parts;
using state = basic_state<std_parts>;
using node = basic_node<core::std_platform>;
using alarm = basic_alarm<state, basic_system_alarm<std_parts, timer_service>>;

/// The reason that cancel_with_reason was given.
struct alignas(cause_alignment) reason {
  explicit reason(std::any v) : value(std::move(v)) {}
  std::any value;
};

/// What checked builds watch of a source. Empty in release builds.
struct source_checks : registration_list, source_calls {};

/// See protocol/state.hpp for the meaning of each part.
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

  static event* make_event() { return new detail::event; }
  static void destroy_reason(reason* r) noexcept { delete r; }
  static failures* make_failures() noexcept {
    failures* const f = new (std::nothrow) failures;
    return f != nullptr ? f : &failures::lost();
  }
  static void destroy_failures(failures* f) noexcept {
    if (!f->is_lost()) delete f;
  }

  /// The lock of all readers of links. Held for O(links), without a call to foreign code.
  class one_reader {
   public:
    one_reader() : hold_(mutex()) {}

   private:
    /// Never destroyed, because tokens may be asked while the program ends.
    CTS_SHARED_SYMBOL static std::mutex& mutex() noexcept {
      alignas(std::mutex) static std::byte memory[sizeof(std::mutex)];
      static std::mutex& m = *::new (static_cast<void*>(memory)) std::mutex;
      return m;
    }
    std::lock_guard<std::mutex> const hold_;
  };

  static constexpr unsigned most_nested = 8;
  static dying_list<state>& dying() noexcept { return dying_; }

  /// A wait for a callback that another thread runs.
  class waiting : wait_record {
   public:
    waiting(state const& s, core::callback const& c) noexcept;
    ~waiting() { end(); }

   private:
    static thread runner(wait_record const& r) noexcept;
    state const& state_;
    core::callback const& callback_;
  };

  /// Not the aligned operator new, which common allocators serve from a slow path: no part needs more alignment.
  static void* allocate(std::size_t bytes) { return ::operator new(bytes); }
  static void deallocate(void* p) noexcept { ::operator delete(p); }
  /// For stripes. Asks for one line more and keeps the block's address in the word before the aligned part.
  static void* allocate_lines(std::size_t bytes) {
    constexpr std::size_t line = core::std_platform::line;
    static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= sizeof(void*));
    void* const block = ::operator new(bytes + line);
    auto const at = (reinterpret_cast<std::uintptr_t>(block) + line) & ~(line - 1);
    reinterpret_cast<void**>(at)[-1] = block;
    return reinterpret_cast<void*>(at);
  }
  static void deallocate_lines(void* p) noexcept { ::operator delete(static_cast<void**>(p)[-1]); }

 private:
  // Shared: a removal that begins in one shared object may ask in another whether it is one (N3).
  CTS_SHARED_SYMBOL static inline constinit thread_local dying_list<state> dying_{};
};

inline std_parts::waiting::waiting(state const& s, core::callback const& c) noexcept
    : wait_record(core::std_platform::this_thread(), &s, &runner), state_(s), callback_(c) {
  begin();
}
inline wait_record::thread std_parts::waiting::runner(wait_record const& r) noexcept {
  auto const& w = static_cast<waiting const&>(r);
  return w.state_.registry().is_running(w.callback_) ? w.state_.runner() : 0;
}

/// When the state's timer is due; `never` if it is not armed.
inline alarm::count due_of(state const& s) noexcept {
  alarm const* const a = s.timer();
  return a != nullptr ? a->due() : alarm::never;
}

/// The state of none(), for its wait handle: never canceled. R12.
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
    s->request_cancellation(nullptr);
    s->notify(none, false);
    return s;
  }();
  return only;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_PARTS_HPP
