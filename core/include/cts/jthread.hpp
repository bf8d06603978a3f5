// SPDX-License-Identifier: BSL-1.0
/// @file
/// std::jthread on cts::stop_token: a thread that is asked to stop and joined by its destructor.
///
/// Members, constraints, exception specifications and semantics are those of [thread.jthread.class]. It needs nothing
/// of the standard's <stop_token>, so it exists where the standard library has none (libc++ 14, Apple's).
#pragma once
#ifndef CTS_JTHREAD_HPP
#define CTS_JTHREAD_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <memory>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "cts/stop_token.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A thread with a stop source of its own. [thread.jthread.class]
/// Different objects, and get_stop_source, get_stop_token and request_stop of the same one, may be used by several
/// threads at once.
class jthread {
 public:
  /// The name of a thread. [thread.jthread.class]
  using id = std::thread::id;
  /// The handle of the system. [thread.jthread.class]
  using native_handle_type = std::thread::native_handle_type;

  /// No thread and no stop state. [thread.jthread.cons]
  jthread() noexcept : source_(nostopstate) {}
  /// Starts a thread that calls a copy of `f` with a token of this object's source and copies of `args`; without the
  /// token if `f` cannot be called so. The copies are made here, and their exceptions leave here; an exception of the
  /// call ends the program. One allocation for the stop state, and those of std::thread. Throws std::bad_alloc;
  /// std::system_error (resource_unavailable_try_again) if no thread can be started. [thread.jthread.cons]
  template <class F, class... Args>
  requires(!std::is_same_v<std::remove_cvref_t<F>, jthread>) explicit jthread(F&& f, Args&&... args)
      : thread_(start(source_, std::forward<F>(f), std::forward<Args>(args)...)) {}
  jthread(jthread const&) = delete;
  /// Takes over the thread and the stop state; `other` has none afterwards. [thread.jthread.cons]
  jthread(jthread&& other) noexcept = default;
  /// Requests a stop and joins, if there is a thread. [thread.jthread.cons]
  // NOLINTNEXTLINE(bugprone-exception-escape): a join that fails ends the program
  ~jthread() { stop_and_join(); }

  jthread& operator=(jthread const&) = delete;
  /// Requests a stop of its own thread and joins it, if there is one, and only then takes over `other`'s.
  /// Assigning an object to itself does nothing. [thread.jthread.cons]
  // NOLINTNEXTLINE(bugprone-exception-escape): a join that fails ends the program
  jthread& operator=(jthread&& other) noexcept {
    if (this == std::addressof(other)) return *this;
    stop_and_join();
    source_ = std::move(other.source_);
    thread_ = std::move(other.thread_);
    return *this;
  }

  /// Exchanges threads and stop states. [thread.jthread.mem]
  void swap(jthread& other) noexcept {
    source_.swap(other.source_);
    thread_.swap(other.thread_);
  }
  /// Exchanges threads and stop states. [thread.jthread.special]
  friend void swap(jthread& a, jthread& b) noexcept { a.swap(b); }

  /// Whether there is a thread that is neither joined nor detached. [thread.jthread.mem]
  [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
  /// Waits for the thread; requests no stop. Throws std::system_error: resource_deadlock_would_occur on the thread
  /// itself, invalid_argument if there is none. [thread.jthread.mem]
  void join() {
    // Asked here, because not every system's join finds it (musl waits for ever, ThreadSanitizer aborts).
    if (joinable() && get_id() == std::this_thread::get_id())
      throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur), "cts::jthread::join");
    thread_.join();
  }
  /// Lets the thread run on by itself. It keeps its token; get_stop_source() can still request the stop. Throws
  /// std::system_error (invalid_argument) if there is no thread. [thread.jthread.mem]
  void detach() { thread_.detach(); }
  /// The thread's id; id() if there is none. [thread.jthread.mem]
  [[nodiscard]] id get_id() const noexcept { return thread_.get_id(); }
  /// The handle of the thread, as std::thread has it. [thread.jthread.mem]
  [[nodiscard]] native_handle_type native_handle() { return thread_.native_handle(); }

  /// A source of the thread's stop state; it has none if this object was made without a thread. [thread.jthread.stop]
  [[nodiscard]] stop_source get_stop_source() noexcept { return source_; }
  /// A token of the thread's stop state. [thread.jthread.stop]
  [[nodiscard]] stop_token get_stop_token() const noexcept { return source_.get_token(); }
  /// Requests a stop and runs the callbacks on the calling thread. Does not wait for this object's thread.
  /// @return whether this call has made the request. [thread.jthread.stop]
  bool request_stop() noexcept { return source_.request_stop(); }

  /// How many threads can run at once, or 0 if that is not known. [thread.jthread.static]
  [[nodiscard]] static unsigned hardware_concurrency() noexcept { return std::thread::hardware_concurrency(); }

 private:
  template <class F, class... Args>
  static std::thread start(stop_source const& source, F&& f, Args&&... args) {
    static_assert(std::is_constructible_v<std::decay_t<F>, F>, "jthread: F must be copied or moved to the thread");
    static_assert((std::is_constructible_v<std::decay_t<Args>, Args> && ...),
                  "jthread: the arguments must be copied or moved to the thread");
    if constexpr (std::is_invocable_v<std::decay_t<F>, stop_token, std::decay_t<Args>...>) {
      return std::thread(std::forward<F>(f), source.get_token(), std::forward<Args>(args)...);
    } else {
      static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>,
                    "jthread: F must be callable with the arguments, or with a cts::stop_token and the arguments");
      return std::thread(std::forward<F>(f), std::forward<Args>(args)...);
    }
  }
  // NOLINTNEXTLINE(bugprone-exception-escape): a join that fails ends the program
  void stop_and_join() noexcept {
    if (!joinable()) return;
    request_stop();
    join();
  }

  stop_source source_;  // first: the thread gets a token of it
  std::thread thread_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_JTHREAD_HPP
