// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the waiting room of production (detail/waits/waiting_room.hpp) runs on in the models: a lock, a condition, a
/// token that is the registry itself, and waits that end by time.
///
/// The condition orders nothing and never wakes for no reason, so that a notification which comes too early or not at
/// all is a livelock. notify_one wakes all: models that use it have one waiter.
///
/// Faults of this world are named like waits: "room_notify" (a notifier takes no lock), "room_enter" (a waiter takes
/// the lock only when it sleeps), "room_leave" (a waiter gives the lock back last), "room_register" (a waiter does not
/// register).
#pragma once

#include "checker/harness.hpp"
#include "timers/timer_world.hpp"

#include "cts/detail/waits/waiting_room.hpp"

namespace cts::models {

/// Which threads are inside the room, for faults.
inline bool in_room[reduction::most];
inline void set_in_room(bool is) { in_room[rl::thread_index()] = is; }

struct wait_world {
  using mutex = lock_word;
  using time_point = int;

  class waiter_lock {
   public:
    explicit waiter_lock(mutex& m) : mutex_(m) {
      if (!is_replaced("room_enter")) lock();
    }
    ~waiter_lock() {
      if (held_) release();
    }
    void unlock() {
      if (!is_replaced("room_leave")) release();
    }
    void lock() {
      if (held_) return;
      mutex_.lock();
      held_ = true;
      set_in_room(true);
    }
    void release() {
      held_ = false;
      set_in_room(false);
      mutex_.unlock();
    }

   private:
    mutex& mutex_;
    bool held_ = false;
  };

  class notifier_lock {
   public:
    explicit notifier_lock(mutex& m) : mutex_(m), held_(!is_replaced("room_notify")) {
      if (held_) mutex_.lock();
    }
    ~notifier_lock() {
      if (held_) mutex_.unlock();
    }

   private:
    mutex& mutex_;
    bool const held_;
  };

  class condition {
   public:
    condition() {
      rl::preemption_disabler const unpublished(rl::ctx());
      notifications_.store(0, rl::mo_relaxed, RL_INFO);
    }
    void wait(waiter_lock& hold) { sleep(hold, false); }
    /// Ends by time if it is not notified, however late that is.
    void wait_until(waiter_lock& hold, time_point) { sleep(hold, true); }
    void notify_one() { notify_all(); }
    void notify_all() {
      announced const step(this, true, rl::mo_relaxed);
      notifications_.fetch_add(1, rl::mo_relaxed, rl::debug_info("notify", __FILE__, __LINE__));
    }

   private:
    void sleep(waiter_lock& hold, bool ends) {
      hold.lock();
      unsigned const before = count();
      hold.release();
      while (count() == before && !ends) {
        the_reduction.wait();
        rl::yield(1, RL_INFO);
      }
      hold.lock();
    }
    /// The newest value: a condition is no word that a thread can read late.
    unsigned count() {
      announced const step(this, true, rl::mo_relaxed);
      return notifications_.fetch_add(0, rl::mo_relaxed, rl::debug_info("notified?", __FILE__, __LINE__));
    }
    rl::atomic<unsigned> notifications_;
  };
};

/// When a wait ends: never, or after its first sleep.
struct never_ends {
  static std::optional<int> end() { return std::nullopt; }
  static bool has_come() { return false; }
};
struct ends_by_time {
  static std::optional<int> end() { return 0; }
  static bool has_come() { return true; }
};

/// A registration on a bare registry, as every token of production has one.
template <class Platform, class Room>
class room_registration : core::basic_callback<Platform> {
  using callback = core::basic_callback<Platform>;
  using registry = core::basic_registry<Platform>;

 public:
  room_registration(registry* token, typename Room::wake wake) : callback(&ran), token_(*token), wake_(wake) {
    if (is_replaced("room_register")) return;
    is_registered_ = token_.try_register(*this) == core::register_result::registered;
    if (!is_registered_) wake_();
  }
  ~room_registration() {
    if (is_registered_) token_.unregister_and_wait(*this);
  }

 private:
  static void ran(callback& c) noexcept { static_cast<room_registration&>(c).wake_(); }
  registry& token_;
  typename Room::wake wake_;
  bool is_registered_ = false;
};

}  // namespace cts::models
