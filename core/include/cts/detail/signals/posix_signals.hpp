// SPDX-License-Identifier: BSL-1.0
/// @file
/// How a POSIX signal becomes a cancel: the handler writes a byte into a pipe, a thread reads it and cancels.
///
/// The handler runs on any thread, between any two instructions. It uses only what POSIX calls async-signal-safe
/// (write, getpid, sigaction, raise) and lock-free atomics:
///   - it counts itself in handlers_running, and only then reads the table. The end of a watcher first puts the former
///     handlers back, then clears the table, then waits until no handler runs. So a handler that has found a watcher
///     keeps it alive. One that finds none raises the signal again, for the handler that is there now, but once
///     for each watcher: a handler that the program has set since may call this one for ever;
///   - the first signal of a watcher sets its number and writes the byte. Every later one, and every one in a
///     child made by fork, which has no such thread, sets the default action and raises the signal again: it is
///     delivered when the handler returns.
#pragma once
#ifndef CTS_DETAIL_SIGNALS_POSIX_SIGNALS_HPP
#define CTS_DETAIL_SIGNALS_POSIX_SIGNALS_HPP

#include "cts/detail/callable.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/unhandled.hpp"
#include "cts/version.hpp"

#if !defined(_WIN32)

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdisabled-macro-expansion"  // glibc: sa_handler is a macro of a member so named
#endif

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A pipe whose ends are closed by exec. Throws std::system_error.
class signal_pipe {
 public:
  signal_pipe() {
#if defined(__linux__)
    int const failed = ::pipe2(ends_, O_CLOEXEC);  // so that no exec beside it inherits them
#else
    int const failed = ::pipe(ends_);
#endif
    if (failed != 0) throw std::system_error(errno, std::generic_category(), "cts::signal_cancellation: no pipe");
#if !defined(__linux__)
    for (int const end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
#endif
  }
  signal_pipe(signal_pipe const&) = delete;
  signal_pipe& operator=(signal_pipe const&) = delete;
  ~signal_pipe() {
    for (int const end : ends_) ::close(end);
  }
  /// Async-signal-safe. At most two bytes are ever written, so it does not block.
  void write(char byte) noexcept {
    while (::write(ends_[1], &byte, 1) == -1 && errno == EINTR) {}
  }
  /// Waits in poll, which a handler interrupts in every build: ThreadSanitizer would delay the handler during read.
  char read() noexcept {
    ::pollfd end{ends_[0], POLLIN, 0};
    while (::poll(&end, 1, -1) == -1 && errno == EINTR) {}
    char byte = 0;
    while (::read(ends_[0], &byte, 1) == -1 && errno == EINTR) {}
    return byte;
  }

 private:
  int ends_[2] = {-1, -1};
};

/// What the handler and the thread share with the watcher.
struct signal_state {
  static constexpr char ends = 0, canceled = 1;
  signal_pipe pipe;
  std::atomic<int> first{0};  // the number of the first signal
  ::pid_t const process = ::getpid();
  /// Whether this is a child of the process that has made it. Async-signal-safe.
  bool is_forked() const noexcept { return ::getpid() != process; }
};

inline constexpr int most_signals = 128;
/// Who watches a signal.
CTS_SHARED_SYMBOL inline std::atomic<signal_state*> watched_by[most_signals]{};
/// A signal that found no watcher was raised again since the last watcher of its number.
CTS_SHARED_SYMBOL inline std::atomic<bool> passed_on[most_signals]{};
CTS_SHARED_SYMBOL inline std::atomic<int> handlers_running{0};
/// The process that handlers_running counts for. A child inherits the handlers of threads that it has not.
CTS_SHARED_SYMBOL inline std::atomic<::pid_t> counted_in{0};
static_assert(std::atomic<signal_state*>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
                  std::atomic<bool>::is_always_lock_free,
              "a signal handler may use lock-free atomics only");

inline void set_default_action(int number) noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(number, &action, nullptr);
}
/// The handler.
CTS_SHARED_SYMBOL inline void handle_signal(int number) {
  int const error = errno;
  handlers_running.fetch_add(1);
  signal_state* const s = watched_by[number].load();
  bool first = false;
  if (s != nullptr && !s->is_forked()) {
    int none = 0;
    first = s->first.compare_exchange_strong(none, number);
    if (first) s->pipe.write(signal_state::canceled);
  }
  if (s != nullptr && !first) detail::set_default_action(number);
  handlers_running.fetch_sub(1);
  bool const passes_on = s != nullptr ? !first : !passed_on[number].exchange(true);
  if (passes_on) ::raise(number);
  errno = error;
}

/// The handlers that a watcher has replaced.
class replaced_handlers {
 public:
  explicit replaced_handlers(signal_state& s) noexcept : state_(s) {}
  replaced_handlers(replaced_handlers const&) = delete;
  replaced_handlers& operator=(replaced_handlers const&) = delete;
  ~replaced_handlers() { put_back(); }
  /// Afterwards no handler uses the state.
  void put_back() noexcept {
    for (entry const& e : entries_) put_back(e);
    for (entry const& e : entries_) watched_by[e.number].store(nullptr);
    while (handlers_running.load() != 0 && !state_.is_forked()) std::this_thread::yield();
    entries_.clear();
  }
  /// Throws std::system_error, std::bad_alloc.
  void replace(int number) {
    for (entry const& e : entries_)
      if (e.number == number) return;  // named twice
    entries_.reserve(entries_.size() + 1);
    signal_state* nobody = nullptr;
    if (!watched_by[number].compare_exchange_strong(nobody, &state_))
      throw std::system_error(std::make_error_code(std::errc::device_or_resource_busy),
                              "cts::signal_cancellation: another object has the signal");
    if (::pid_t const process = ::getpid(); counted_in.exchange(process) != process) handlers_running.store(0);
    passed_on[number].store(false);
    struct sigaction action {};
    action.sa_handler = &handle_signal;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    entry e{number, {}};
    if (::sigaction(number, &action, &e.before) != 0) {
      int const error = errno;
      watched_by[number].store(nullptr);
      throw std::system_error(error, std::generic_category(), "cts::signal_cancellation: the signal cannot be caught");
    }
    entries_.push_back(e);
  }

 private:
  struct entry {
    int number;
    struct sigaction before;
  };
  void put_back(entry const& e) const noexcept {
    struct sigaction now {};
    ::sigaction(e.number, nullptr, &now);
    bool const ours = now.sa_handler == &handle_signal || (now.sa_handler == SIG_DFL && state_.first.load() != 0);
    if (ours) ::sigaction(e.number, &e.before, nullptr);
  }
  signal_state& state_;
  std::vector<entry> entries_;
};

/// In its scope, threads are made that receive no signals but `numbers` and those of faults.
class mask_for_new_thread {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a list of numbers is no such object
  explicit mask_for_new_thread(std::initializer_list<int> numbers) noexcept {
    ::sigset_t blocked;
    ::sigfillset(&blocked);
    for (int const n : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) ::sigdelset(&blocked, n);
    for (int const n : numbers) ::sigdelset(&blocked, n);
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  mask_for_new_thread(mask_for_new_thread const&) = delete;
  mask_for_new_thread& operator=(mask_for_new_thread const&) = delete;
  ~mask_for_new_thread() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  ::sigset_t before_;
};

/// @tparam Source cancellation_token_source
template <class Source>
class signal_watcher {
  struct shared : signal_state {
    Source source;
  };

 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a list of numbers is no such object
  explicit signal_watcher(std::initializer_list<int> numbers) : state_(std::make_shared<shared>()), handlers_(*state_) {
    if (numbers.size() == 0) throw std::invalid_argument("cts::signal_cancellation: no signal was named");
    for (int const n : numbers)
      if (n <= 0 || n >= most_signals) throw std::invalid_argument("cts::signal_cancellation: not a signal's number");
    for (int const n : numbers) handlers_.replace(n);
    mask_for_new_thread const mask(numbers);
    thread_ = std::thread([state = state_] { watch(*state); });
  }
  signal_watcher(signal_watcher const&) = delete;
  signal_watcher& operator=(signal_watcher const&) = delete;
  ~signal_watcher() {
    handlers_.put_back();  // first: a signal that comes earlier still cancels
    bool const forked = state_->is_forked();
    if (!forked) state_->pipe.write(signal_state::ends);
    bool const in_callback =
        thread_.get_id() == std::this_thread::get_id() || signal_watcher::runs_callbacks_here(token());
    // TRICKY: a forked child has none of its parent's threads, and a thread of its own may have got this one's name. So
    // the object is left alone: neither joined nor detached nor destroyed.
    if (forked) ::new (static_cast<void*>(inherited_)) std::thread(std::move(thread_));
    else if (in_callback) thread_.detach();
    else thread_.join();
  }
  // NOLINTNEXTLINE(bugprone-exception-escape): a source that is not disposed has a token
  auto token() const noexcept { return state_->source.token(); }
  int signal() const noexcept { return state_->first.load(); }

 private:
  /// Whether callbacks run, and a synchronization context has brought one to the calling thread. R91.
  template <class Token>
  static bool runs_callbacks_here(Token const& token) noexcept {
    auto const& s = *token_access::state_of(token);
    return s.registry().is_notifying() && s.runs_here();
  }
  static void watch(shared& s) noexcept {
    if (s.pipe.read() != signal_state::canceled) return;
    try {
      s.source.cancel();
    } catch (...) { detail::report_unhandled(std::current_exception()); }
  }
  std::shared_ptr<shared> const state_;
  replaced_handlers handlers_;
  std::thread thread_;
  alignas(std::thread) std::byte inherited_[sizeof(std::thread)];
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#endif  // !defined(_WIN32)

#endif  // CTS_DETAIL_SIGNALS_POSIX_SIGNALS_HPP
