// SPDX-License-Identifier: BSL-1.0
/// @file
/// Reports about the program that uses cts, and the handlers that receive them.
///
///   report          found in                      without a handler
///   leak            checked builds (CTS_CHECKED)  a line on stderr
///   wait_cycle      all builds                    a line on stderr
///   misuse          checked builds                a line on stderr, then abort()
///   an exception    all builds                    std::terminate()
///
/// A process has one handler of each kind, shared by its shared objects. Each set_… function is thread-safe, waits for
/// nothing and returns the handler that was installed before. A null pointer reinstalls the default.
///
/// This header includes nothing above core/, so that every storey can report.
#pragma once
#ifndef CTS_DIAGNOSTICS_HPP
#define CTS_DIAGNOSTICS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "cts/core/overlap_watch.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Something that is never freed, or a callback that never runs. Checked builds report it.
struct leak {
  /// The kinds of leaks. A token deeper inside a callable or a reason, behind a pointer of its own, is not found.
  enum class kind : std::uint8_t {
    never_runs,  ///< A registration is neither unregistered nor detached when its source is disposed without having
                 ///< been canceled.
    callable_holds_source,  ///< A callable left behind by detach() holds a token of its own source, which therefore
                            ///< lives for ever.
    callable_holds_child,   ///< The same with a token of a source that is linked to its own, or with that source.
    reason_holds_source     ///< A source is canceled with a reason that holds its own token, or the token of a source
                            ///< that it has canceled.
  };
  void const* source;            ///< The identity of the source.
  char const* file;              ///< The source file that made the registration; "" for a reason.
  unsigned line;                 ///< The line in `file`; 0 for a reason.
  kind what = kind::never_runs;  ///< The kind of this leak.
};
/// Receives leaks: from dispose(), once for each registration, or from cancel_with_reason(). It must not use the
/// source.
using leak_handler = void (*)(leak const&) noexcept;
/// Installs the handler of leaks. Thread-safe.
/// @return the handler that was installed before
inline leak_handler set_leak_handler(leak_handler handler) noexcept;

/// A thread is about to wait for a callback that, through one or more such waits, waits for that thread. R49, R50.
struct wait_cycle {
  std::size_t threads;    ///< The number of threads that wait in the circle.
  void const* source;     ///< The identity of the source whose callback the reporting thread waits for.
  std::uintptr_t waiter;  ///< The identity of the reporting thread.
  std::uintptr_t runner;  ///< The identity of the thread that runs that callback.
};
/// Receives wait cycles, on the thread that closes the circle, before it waits. The wait continues when the handler
/// returns. It must not use cts.
using wait_cycle_handler = void (*)(wait_cycle const&) noexcept;
/// Installs the handler of wait cycles. Thread-safe.
/// @return the handler that was installed before
inline wait_cycle_handler set_wait_cycle_handler(wait_cycle_handler handler) noexcept;

/// An operation that overlaps or follows dispose, or a callback that is registered twice. Checked builds report it.
using core::misuse;
/// Receives misuse, on the thread that noticed it. If it returns, the operation continues with undefined results.
using core::misuse_handler;
/// Installs the handler of misuse. Thread-safe.
using core::set_misuse_handler;

/// Receives an exception that leaves a callback run by a timer. R33.
using error_sink = void (*)(std::exception_ptr) noexcept;
/// Installs the receiver of exceptions that leave a callback run by a timer. Thread-safe. R33.
/// @return the sink that was installed before; null: std::terminate()
inline error_sink set_error_sink(error_sink sink) noexcept;

// The handlers and their defaults.
namespace detail {

inline void print_leak(leak const& found) noexcept {
  if (found.what == leak::kind::never_runs)
    std::fprintf(stderr, "cts: source %p is disposed while a callback is registered that will never run: %s:%u\n",
                 found.source, found.file, found.line);
  else if (found.what == leak::kind::reason_holds_source)
    std::fprintf(stderr,
                 "cts: source %p lives for ever: its reason holds its own token, or the token of a source that it has "
                 "canceled\n",
                 found.source);
  else
    std::fprintf(
        stderr, "cts: source %p is disposed but lives for ever: a detached callback holds a token of %s: %s:%u\n",
        found.source, found.what == leak::kind::callable_holds_source ? "this source" : "a source that is linked to it",
        found.file, found.line);
}
inline void print_wait_cycle(wait_cycle const& found) noexcept {
  std::fprintf(stderr,
               "cts: deadlock: thread %#zx disposes a registration or a linked source and waits for a callback of "
               "source %p; thread %#zx runs that callback and waits for the first thread (%zu threads wait in a "
               "circle)\n",
               static_cast<std::size_t>(found.waiter), found.source, static_cast<std::size_t>(found.runner),
               found.threads);
}
CTS_SHARED_SYMBOL inline std::atomic<leak_handler> the_leak_handler{print_leak};
CTS_SHARED_SYMBOL inline std::atomic<wait_cycle_handler> the_wait_cycle_handler{print_wait_cycle};
CTS_SHARED_SYMBOL inline std::atomic<error_sink> the_error_sink{nullptr};

}  // namespace detail

inline leak_handler set_leak_handler(leak_handler handler) noexcept {
  return detail::the_leak_handler.exchange(handler != nullptr ? handler : detail::print_leak);
}
inline wait_cycle_handler set_wait_cycle_handler(wait_cycle_handler handler) noexcept {
  return detail::the_wait_cycle_handler.exchange(handler != nullptr ? handler : detail::print_wait_cycle);
}
inline error_sink set_error_sink(error_sink sink) noexcept { return detail::the_error_sink.exchange(sink); }

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DIAGNOSTICS_HPP
