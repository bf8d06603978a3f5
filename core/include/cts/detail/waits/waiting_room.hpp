// SPDX-License-Identifier: BSL-1.0
/// @file
/// The protocol of every wait that a token can interrupt: one mutex, one condition, and callbacks that notify.
///
///   waiter                                        canceller                       notifier
///   registers `wake` with the token               sets the token's flag           changes what is waited for,
///   asks the token, asks the predicate            runs `wake`:                    under the user's lock
///   locks the room                                  locks the room                locks the room
///   asks the token again           (V1)             notifies all       (V2)       notifies             (V2)
///   unlocks the user's lock        (V3)             unlocks the room              unlocks the room
///   sleeps, which unlocks the room
///
///   V1  the waiter asks the token after it has registered and under the room's lock. If the answer is no, the flag is
///       set later, so `wake` is run, and it gets the lock only when the waiter sleeps: it wakes the waiter;
///   V2  every notification is made under the room's lock, so that it cannot fall between V1 and the sleep;
///   V3  the user's lock is unlocked only under the room's lock. A notifier that changes the predicate under the user's
///       lock therefore gets the room's lock only when the waiter sleeps;
///   V4  the waiter locks the user's lock again only after it has unlocked the room, and no callback takes the user's
///       lock: a notifier may hold that one, and the canceller need not wait for it.
///
/// V1 to V4 are model-checked (G23, models/waits). A template over what it is made of, so that the models run it.
/// `World` has
///   mutex
///   waiter_lock, notifier_lock   made from a mutex, which they lock until they die; waiter_lock has unlock()
///   condition                    wait(waiter_lock&), wait_until(waiter_lock&, time_point), notify_one(), notify_all()
///   time_point
#pragma once
#ifndef CTS_DETAIL_WAITS_WAITING_ROOM_HPP
#define CTS_DETAIL_WAITS_WAITING_ROOM_HPP

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "cts/detail/timers/duration.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The world of production.
struct std_wait_world {
  using mutex = std::mutex;
  using waiter_lock = std::unique_lock<std::mutex>;
  using notifier_lock = std::lock_guard<std::mutex>;
  using condition = std::condition_variable;
  using time_point = std::chrono::steady_clock::time_point;
};

/// When a wait ends by time: never.
struct without_end {
  static std::optional<std::chrono::steady_clock::time_point> end() noexcept { return std::nullopt; }
  static bool has_come() noexcept { return false; }
};

/// When `Clock` shows `when` or more. The clock is read again before each sleep, because it may be set meanwhile.
template <class Clock, class Duration>
struct until_point {
  std::chrono::time_point<Clock, Duration> when;
  char const* caller;

  /// In the condition's clock; nothing if that is more than a hundred years away. Throws std::out_of_range for NaN, and
  /// what reading the clock throws.
  std::optional<std::chrono::steady_clock::time_point> end() const {
    return detail::end_of_wait(detail::time_between(Clock::now().time_since_epoch(), when.time_since_epoch(), caller),
                               caller);
  }
  bool has_come() const { return Clock::now() >= when; }
};

/// After `time`, counted from the construction.
class after_time {
 public:
  /// Throws std::out_of_range for NaN.
  template <class Rep, class Period>
  after_time(std::chrono::duration<Rep, Period> time, char const* caller) : end_(detail::end_of_wait(time, caller)) {}
  std::optional<std::chrono::steady_clock::time_point> end() const noexcept { return end_; }
  bool has_come() const noexcept { return end_ && std::chrono::steady_clock::now() >= *end_; }

 private:
  std::optional<std::chrono::steady_clock::time_point> end_;
};

/// For waits that hold no lock of the user.
struct no_lock {
  static void lock() noexcept {}
  static void unlock() noexcept {}
};

template <class World>
class basic_waiting_room {
  using waiter_lock = typename World::waiter_lock;
  using notifier_lock = typename World::notifier_lock;

 public:
  /// What is registered with a token. V2
  struct wake {
    basic_waiting_room* room;
    void operator()() const noexcept { room->notify_all(); }
  };

  basic_waiting_room() = default;
  basic_waiting_room(basic_waiting_room const&) = delete;
  basic_waiting_room& operator=(basic_waiting_room const&) = delete;

  void notify_one() noexcept {
    notifier_lock const hold(mutex_);
    changed_.notify_one();
  }
  void notify_all() noexcept {
    notifier_lock const hold(mutex_);
    changed_.notify_all();
  }

  /// Sleeps once, with `user` unlocked, until a notification or `end`, or for no reason; not at all if `stopped()`,
  /// which is asked under the room's lock. The program ends if `user` cannot be locked again.
  template <class Lock, class Stopped>
  void sleep(Lock& user, std::optional<typename World::time_point> const& end, Stopped const& stopped) noexcept {
    waiter_lock hold(mutex_);
    if (stopped()) return;  // V1
    user.unlock();          // V3
    if (end) changed_.wait_until(hold, *end);
    else changed_.wait(hold);
    hold.unlock();  // V4
    user.lock();
  }

  /// Sleeps until `ready()` or until `token` is stopped or the time has come. `Registration` is what registers `wake`.
  /// @return ready()
  template <class Registration, class Lock, class Token, class Until, class Stopped, class Ready>
  bool wait_registered(Lock& user, Token const& token, Until const& until, Stopped const& stopped, Ready& ready) {
    Registration const on_stop(token, wake{this});  // V1
    return wait(user, until, stopped, ready);
  }

  /// Sleeps until `ready()`, asked under `user`, is true, `stopped()` is, or the time has come. The caller has
  /// registered `wake` with everything that `stopped` asks. [thread.condvarany.intwait]
  /// @return ready()
  template <class Lock, class Until, class Stopped, class Ready>
  bool wait(Lock& user, Until const& until, Stopped const& stopped, Ready& ready) {
    while (!stopped()) {
      if (ready()) return true;
      sleep(user, until.end(), stopped);
      if (until.has_come()) break;
    }
    return ready();
  }

 private:
  typename World::mutex mutex_;
  typename World::condition changed_;
};

using waiting_room = basic_waiting_room<std_wait_world>;

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_WAITS_WAITING_ROOM_HPP
