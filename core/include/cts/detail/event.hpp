// SPDX-License-Identifier: BSL-1.0
/// @file
/// The event of wait handles: a manual-reset event, with a descriptor on request.
#pragma once
#ifndef CTS_DETAIL_EVENT_HPP
#define CTS_DETAIL_EVENT_HPP

#include <algorithm>
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

#include "cts/core/platform.hpp"
#include "cts/object_disposed.hpp"
#include "cts/protocol/memory_orders.hpp"

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

/// What an event decides under its lock.
struct event_rules {
  /// E2. Whether a signal wakes the threads that wait for this event alone.
  static bool wakes(std::size_t waiting) noexcept { return waiting != 0; }
  /// E3. Whether an observer that is added is told at once.
  static bool tells_at_once(bool signalled, bool disposed) noexcept { return signalled || disposed; }
  /// E3. Whether a descriptor is readable when it is opened.
  static bool opens_readable(bool signalled) noexcept { return signalled; }
};

/// The world of production.
struct std_event_world {
  using platform = core::std_platform;
  using mutex = std::mutex;
  using waiter_lock = std::unique_lock<std::mutex>;
  using notifier_lock = std::lock_guard<std::mutex>;
  using condition = std::condition_variable;
  using time_point = std::chrono::steady_clock::time_point;
  using descriptor = readable_descriptor;
  template <class T>
  using list = std::vector<T>;

  static bool sleep(condition& changed, waiter_lock& hold, std::optional<time_point> const& until) {
    if (until) return changed.wait_until(hold, *until) == std::cv_status::no_timeout;
    changed.wait(hold);
    return true;
  }
  template <class Event>
  static void destroy(Event* e) noexcept {
    delete e;
  }
};

/// Counts references: its state holds one, and each wait handle. Once signalled or disposed it stays so. Thread-safe.
///
///   E1  a signal sets its flag and tells everyone under the lock. A waiter asks for the flags under the lock, which it
///       gives back only by sleeping. So no signal falls between the question and the sleep;
///   E2  a waiter is counted under the lock before it sleeps. A signal that finds one wakes all;
///   E3  an observer or a descriptor that comes after the signal finds the flag;
///   E4  the last reference frees the event, after every use of the others;
///   E5  an observer is told under the lock, and leaves under the lock before it ends. So no signal reaches one that is
///       gone.
///
/// E1 to E5 are model-checked (G18, models/waits/event_models.cpp). A dispose is a signal of another flag. A template
/// over what it is made of, so that the models run it. `World` has
///   platform                      as in core/platform.hpp
///   mutex, waiter_lock, notifier_lock, condition, time_point   as for a waiting room (waits/waiting_room.hpp)
///   sleep(condition&, waiter_lock&, std::optional<time_point> const&)   sleeps until a notification or that time, or
///                                 for no reason; false: the time has come
///   descriptor                    is_open(), get(), open(), make_readable(); open may throw
///   list<T>                       push_back(T), which may throw, erase(), size(), begin(), end()
///   destroy(event*)               ends an event of the heap
template <class World>
class basic_event {
  using platform = typename World::platform;
  using rules = core::step<platform, event_rules>;
  using waiter_lock = typename World::waiter_lock;
  using notifier_lock = typename World::notifier_lock;
  template <class T>
  using field = typename platform::template var<T>;

 public:
  using time_point = typename World::time_point;

  basic_event() = default;
  basic_event(basic_event const&) = delete;
  basic_event& operator=(basic_event const&) = delete;

  void share() noexcept { refs_.fetch_add(1, site::event_share); }
  void drop() noexcept {
    constexpr std::size_t minus_one = ~std::size_t{0};
    if (refs_.fetch_add(minus_one, site::event_drop) == 1) World::destroy(this);  // E4
  }

  void signal() noexcept { set(signalled_); }
  void dispose() noexcept { set(disposed_); }

  /// Waits until the event is signalled, or until the deadline; false then. Throws object_disposed.
  bool wait(std::optional<time_point> deadline) {
    waiter_lock lock(mutex_);
    waiting_.set(waiting_.get() + 1);  // E2
    bool in_time = true;
    while (in_time && !signalled_.get() && !disposed_.get()) in_time = World::sleep(changed_, lock, deadline);  // E1
    waiting_.set(waiting_.get() - 1);
    if (disposed_.get()) throw object_disposed();
    return signalled_.get();
  }
  /// The descriptor, opened by the first call. Throws std::system_error, object_disposed.
  int descriptor() {
    notifier_lock const lock(mutex_);
    if (disposed_.get()) throw object_disposed();
    if (!descriptor_.is_open()) {
      descriptor_.open();
      if (rules::opens_readable(signalled_.get())) descriptor_.make_readable();
    }
    return descriptor_.get();
  }

  /// A thread that waits for any of several events.
  class observer {
   public:
    void notify() noexcept {
      notifier_lock const lock(mutex_);
      is_notified_.set(true);
      changed_.notify_one();
    }
    /// False: the deadline has come.
    bool wait(std::optional<time_point> deadline) {
      waiter_lock lock(mutex_);
      bool in_time = true;
      while (in_time && !is_notified_.get()) in_time = World::sleep(changed_, lock, deadline);  // E1
      return is_notified_.get();
    }

   private:
    typename World::mutex mutex_;
    typename World::condition changed_;
    field<bool> is_notified_{false};
  };
  /// Throws std::bad_alloc; then `o` was not added.
  void add(observer& o) {
    notifier_lock const lock(mutex_);
    observers_.push_back(&o);
    if (rules::tells_at_once(signalled_.get(), disposed_.get())) o.notify();  // E3
  }
  void remove(observer& o) noexcept {
    notifier_lock const lock(mutex_);  // E5
    auto const at = std::find(observers_.begin(), observers_.end(), &o);
    if (at != observers_.end()) observers_.erase(at);
  }
  /// How many threads wait for this event alone, and how many for any of several.
  std::size_t waiters() noexcept {
    notifier_lock const lock(mutex_);
    return waiting_.get() + observers_.size();
  }
  /// Throws object_disposed.
  bool is_signalled() {
    notifier_lock const lock(mutex_);
    if (disposed_.get()) throw object_disposed();
    return signalled_.get();
  }

 protected:
  friend World;
  ~basic_event() = default;

 private:
  void set(field<bool>& flag) noexcept {
    notifier_lock const lock(mutex_);  // E1
    if (flag.get()) return;
    flag.set(true);
    if (rules::wakes(waiting_.get())) changed_.notify_all();
    descriptor_.make_readable();
    for (observer* const o : observers_) o->notify();
  }

  typename platform::template atomic<std::size_t> refs_{1};
  typename World::mutex mutex_;
  typename World::condition changed_;
  field<std::size_t> waiting_{0};
  field<bool> signalled_{false};
  field<bool> disposed_{false};
  typename World::descriptor descriptor_;
  typename World::template list<observer*> observers_;
};

using event = basic_event<std_event_world>;

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_EVENT_HPP
