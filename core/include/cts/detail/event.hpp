// SPDX-License-Identifier: BSL-1.0
/// @file
/// The event of wait handles: a manual-reset event, with a descriptor on request.
#pragma once
#ifndef CTS_DETAIL_EVENT_HPP
#define CTS_DETAIL_EVENT_HPP

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

#if defined(__linux__)
#include <sys/eventfd.h>
#include <unistd.h>
#elif !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

#include "cts/object_disposed.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A descriptor that becomes readable and stays so: an eventfd on Linux, the end of a pipe on other POSIX systems.
class readable_descriptor {
 public:
  readable_descriptor() = default;
  readable_descriptor(readable_descriptor const&) = delete;
  readable_descriptor& operator=(readable_descriptor const&) = delete;
  bool is_open() const noexcept { return ends_[0] != -1; }
  int get() const noexcept { return ends_[0]; }
#if defined(_WIN32)
  void open() {
    throw std::system_error(std::make_error_code(std::errc::function_not_supported),
                            "cts::wait_handle has no descriptor here");
  }
  void make_readable() noexcept {}
#else
  /// Throws std::system_error.
  void open() {
#if defined(__linux__)
    ends_[0] = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool const failed = ends_[0] == -1;
#else
    bool const failed = ::pipe(ends_) != 0;
    for (int const end : ends_)
      if (!failed) {
        ::fcntl(end, F_SETFD, FD_CLOEXEC);
        ::fcntl(end, F_SETFL, O_NONBLOCK);
      }
#endif
    if (failed) throw std::system_error(errno, std::generic_category(), "cts::wait_handle: no descriptor");
  }
  void make_readable() noexcept {
    std::uint64_t const one = 1;
    int const end = ends_[1] != -1 ? ends_[1] : ends_[0];
    if (end != -1) [[maybe_unused]]
      auto const n = ::write(end, &one, sizeof one);  // it fails only if the descriptor is readable already
  }
  ~readable_descriptor() {
    for (int const end : ends_)
      if (end != -1) ::close(end);
  }
#endif

 private:
  int ends_[2] = {-1, -1};
};

/// Counts references: its state holds one, and each wait handle. Once signalled or disposed it stays so. Thread-safe.
class event {
 public:
  void share() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void drop() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // after every use of the others
  }

  void signal() noexcept { set(signalled_); }
  void dispose() noexcept { set(disposed_); }

  /// Waits until the event is signalled, or until the deadline; false then. Throws object_disposed.
  bool wait(std::optional<std::chrono::steady_clock::time_point> deadline) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    auto const over = [this] { return signalled_ || disposed_; };
    bool came = true;
    if (deadline) came = changed_.wait_until(lock, *deadline, over);
    else changed_.wait(lock, over);
    --waiting_;
    if (disposed_) throw object_disposed();
    return came;
  }
  /// The descriptor, opened by the first call. Throws std::system_error, object_disposed.
  int descriptor() {
    std::lock_guard const lock(mutex_);
    if (disposed_) throw object_disposed();
    if (!descriptor_.is_open()) {
      descriptor_.open();
      if (signalled_) descriptor_.make_readable();
    }
    return descriptor_.get();
  }

  /// A thread that waits for any of several events.
  class observer {
   public:
    void notify() noexcept {
      std::lock_guard const lock(mutex_);
      is_notified_ = true;
      changed_.notify_one();
    }
    /// False: the deadline has come.
    bool wait(std::optional<std::chrono::steady_clock::time_point> deadline) {
      std::unique_lock lock(mutex_);
      auto const is_notified = [this] { return is_notified_; };
      if (deadline) return changed_.wait_until(lock, *deadline, is_notified);
      changed_.wait(lock, is_notified);
      return true;
    }

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_notified_ = false;
  };
  /// Throws std::bad_alloc; then `o` was not added.
  void add(observer& o) {
    std::lock_guard const lock(mutex_);
    observers_.push_back(&o);
    if (signalled_ || disposed_) o.notify();
  }
  void remove(observer& o) noexcept {
    std::lock_guard const lock(mutex_);
    auto const at = std::find(observers_.begin(), observers_.end(), &o);
    if (at != observers_.end()) observers_.erase(at);
  }
  /// How many threads wait for this event alone, and how many for any of several.
  std::size_t waiters() noexcept {
    std::lock_guard const lock(mutex_);
    return waiting_ + observers_.size();
  }
  /// Throws object_disposed.
  bool is_signalled() {
    std::lock_guard const lock(mutex_);
    if (disposed_) throw object_disposed();
    return signalled_;
  }

 private:
  ~event() = default;
  void set(bool& flag) noexcept {
    std::lock_guard const lock(mutex_);
    if (flag) return;
    flag = true;
    if (waiting_ != 0) changed_.notify_all();
    descriptor_.make_readable();
    for (observer* const o : observers_) o->notify();
  }

  std::atomic<std::size_t> refs_{1};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
  bool signalled_ = false;
  bool disposed_ = false;
  readable_descriptor descriptor_;
  std::vector<observer*> observers_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_EVENT_HPP
