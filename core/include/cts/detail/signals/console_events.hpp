// SPDX-License-Identifier: BSL-1.0
/// @file
/// How a console event of Windows becomes a cancel: the system calls the handler on a thread of its own, which cancels.
#pragma once
#ifndef CTS_DETAIL_SIGNALS_CONSOLE_EVENTS_HPP
#define CTS_DETAIL_SIGNALS_CONSOLE_EVENTS_HPP

#include "cts/detail/unhandled.hpp"
#include "cts/version.hpp"

#if defined(_WIN32)

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

/// As <windows.h> declares it, without its macros.
extern "C" __declspec(dllimport) int __stdcall SetConsoleCtrlHandler(int(__stdcall*)(unsigned long), int);

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// One for each watcher; the handler shares it.
struct console_state {
  console_state(std::initializer_list<int> n, void (*c)(console_state&)) : numbers(n), cancel(c) {}
  bool has(int number) const noexcept { return std::find(numbers.begin(), numbers.end(), number) != numbers.end(); }
  std::vector<int> const numbers;
  void (*const cancel)(console_state&);
  std::atomic<int> first{0};
};

/// The watchers of this module.
class console_watchers {
 public:
  static console_watchers& all() {
    static auto* const only = new console_watchers;  // never destroyed: the system calls the handler until the end
    return *only;
  }
  /// Throws std::system_error, std::bad_alloc.
  void add(std::shared_ptr<console_state> s) {
    std::lock_guard const hold(mutex_);
    for (auto const& other : states_)
      for (int const n : s->numbers)
        if (other->has(n))
          throw std::system_error(std::make_error_code(std::errc::device_or_resource_busy),
                                  "cts::signal_cancellation: another object has the signal");
    states_.reserve(states_.size() + 1);
    if (states_.empty() && ::SetConsoleCtrlHandler(&handle, 1) == 0)
      throw std::system_error(std::make_error_code(std::errc::operation_not_supported),
                              "cts::signal_cancellation: no handler can be set");
    states_.push_back(std::move(s));
  }
  void remove(std::shared_ptr<console_state> const& s) noexcept {
    std::lock_guard const hold(mutex_);
    states_.erase(std::find(states_.begin(), states_.end(), s));
    if (states_.empty()) ::SetConsoleCtrlHandler(&handle, 0);
  }

 private:
  /// The events are those of SetConsoleCtrlHandler: 0 Ctrl+C, 1 Ctrl+Break, 2 close, 5 logoff, 6 shutdown.
  static int number_of(unsigned long what) noexcept { return what == 0 ? SIGINT : what == 1 ? SIGBREAK : SIGTERM; }
  std::shared_ptr<console_state> find(int number) {
    std::lock_guard const hold(mutex_);
    for (auto const& s : states_)
      if (s->has(number)) return s;
    return nullptr;
  }
  /// @return 1: the event has been dealt with; 0: the next handler's turn, at last the default action
  static int __stdcall handle(unsigned long what) noexcept {
    int const number = number_of(what);
    std::shared_ptr<console_state> const s = all().find(number);
    int none = 0;
    if (s == nullptr || !s->first.compare_exchange_strong(none, number)) return 0;
    try {
      s->cancel(*s);
    } catch (...) { detail::report_unhandled(std::current_exception()); }
    return 1;
  }
  std::mutex mutex_;
  std::vector<std::shared_ptr<console_state>> states_;
};

/// @tparam Source has token() and cancel()
template <class Source>
class signal_watcher {
  struct shared : console_state {
    explicit shared(std::initializer_list<int> n)
        : console_state(n, [](console_state& s) { static_cast<shared&>(s).source.cancel(); }) {}
    Source source;
  };

 public:
  explicit signal_watcher(std::initializer_list<int> numbers) : state_(std::make_shared<shared>(numbers)) {
    if (numbers.size() == 0) throw std::invalid_argument("cts::signal_cancellation: no signal was named");
    for (int const n : numbers)
      if (n != SIGINT && n != SIGTERM && n != SIGBREAK)
        throw std::invalid_argument("cts::signal_cancellation: Windows has SIGINT, SIGTERM and SIGBREAK");
    console_watchers::all().add(state_);
  }
  signal_watcher(signal_watcher const&) = delete;
  signal_watcher& operator=(signal_watcher const&) = delete;
  ~signal_watcher() { console_watchers::all().remove(state_); }
  auto token() const noexcept { return state_->source.token(); }
  int signal() const noexcept { return state_->first.load(); }

 private:
  std::shared_ptr<shared> const state_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // defined(_WIN32)

#endif  // CTS_DETAIL_SIGNALS_CONSOLE_EVENTS_HPP
