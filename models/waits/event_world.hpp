// SPDX-License-Identifier: BSL-1.0
/// @file
/// The event of wait handles (detail/event.hpp) as the models run it (G18): the template that ships, on the lock and
/// the condition of wait_world.hpp. notify_one wakes all: an observer has one waiter.
///
/// Faults of this world: "event_unlocked" (only waiters take the lock), "event_wakes_nobody" (a signal sets its
/// flag only), "event_keeps_observers" (an observer that leaves is still told), "event_sleeps_late" (a waiter gives the
/// lock back before it sleeps), "event_sets_no_descriptor". The others are steps of the event.
#pragma once

#include <vector>

#include "waits/wait_world.hpp"

#include "cts/detail/event.hpp"

namespace cts::models {

struct model_event_rules : detail::event_rules {
  static bool wakes(std::size_t waiting) noexcept {
    return is_replaced("event_wakes_one_alone") ? waiting == 1 : event_rules::wakes(waiting);
  }
  static bool tells_at_once(bool signalled, bool disposed) noexcept {
    return !is_replaced("event_forgets_late_observers") && event_rules::tells_at_once(signalled, disposed);
  }
  static bool opens_readable(bool signalled) noexcept {
    return !is_replaced("event_opens_unreadable") && event_rules::opens_readable(signalled);
  }
};

}  // namespace cts::models

template <std::size_t InlineSlots, std::size_t SegmentSlots, std::size_t Prefetch>
struct cts::core::replaced<cts::models::platform<InlineSlots, SegmentSlots, Prefetch>, cts::detail::event_rules> {
  using type = cts::models::model_event_rules;
};

namespace cts::models {

struct event_world : wait_world {
  using platform = models::platform<1, 1>;

  class condition : public wait_world::condition {
   public:
    void notify_one() { notify_all(); }
    void notify_all() {
      if (!is_replaced("event_wakes_nobody")) wait_world::condition::notify_all();
    }
  };
  class notifier_lock {
   public:
    explicit notifier_lock(mutex& m) : mutex_(m), held_(!is_replaced("event_unlocked")) {
      if (held_) mutex_.lock();
    }
    ~notifier_lock() {
      if (held_) mutex_.unlock();
    }
    notifier_lock(notifier_lock const&) = delete;
    notifier_lock& operator=(notifier_lock const&) = delete;

   private:
    mutex& mutex_;
    bool const held_;
  };
  /// get(): whether it is readable.
  struct descriptor {
    platform::var<bool> opened{false}, readable{false};
    bool is_open() const { return opened.get(); }
    int get() const { return readable.get() ? 1 : 0; }
    void open() { opened.set(true); }
    void make_readable() {
      if (is_open() && !is_replaced("event_sets_no_descriptor")) readable.set(true);
    }
  };
  /// A race if two threads use it beside each other.
  template <class T>
  class list {
    using iterator = typename std::vector<T>::const_iterator;

   public:
    void push_back(T value) {
      changes_.set(changes_.get() + 1);
      all_.push_back(value);
    }
    void erase(iterator at) {
      changes_.set(changes_.get() + 1);
      if (!is_replaced("event_keeps_observers")) all_.erase(at);
      else ++left_;
    }
    std::size_t size() const { return static_cast<std::size_t>(end() - begin()) - left_; }
    iterator begin() const { return (void)changes_.get(), all_.begin(); }
    iterator end() const { return all_.end(); }

   private:
    platform::var<int> changes_{0};
    std::vector<T> all_;
    std::size_t left_ = 0;  // of all_, for the fault
  };

  static bool sleep(condition& changed, waiter_lock& hold, std::optional<time_point> const& until) {
    if (is_replaced("event_sleeps_late")) {
      hold.release();
      hold.lock();
    }
    if (until) changed.wait_until(hold, *until);
    else changed.wait(hold);
    return !until.has_value();
  }
  template <class Event>
  static void destroy(Event* e) {
    the_reduction.touch_all();  // Relacy finds a later use of its lock, not an earlier one
    e->~Event();
    platform::deallocate(e, sizeof *e);
  }
};
using model_event = detail::basic_event<event_world>;

inline model_event* make_event() { return ::new (event_world::platform::allocate(sizeof(model_event))) model_event; }
inline bool is_disposed(model_event& e) {
  try {
    (void)e.is_signalled();
  } catch (object_disposed const&) { return true; }
  return false;
}

}  // namespace cts::models
