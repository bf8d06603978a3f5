// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer service as the models run it (G17): the service that ships, on timer_world, with the steps that a mutant
/// replaces. Each step does what it does in production unless the running mutant names it (defects.cpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "timers/timer_world.hpp"

#include "cts/detail/timers/timer_service.hpp"

namespace cts::models {

struct model_moves : detail::wheel_moves {
  /// Of a number, so that one entry of a bucket can be all that a wheel compares.
  struct limit {
    operator unsigned() const { return is_replaced("wheel_looks_at_one") ? 1 : wheel_moves::most_compared; }
  };
  static constexpr limit most_compared{};

  static bool has_begun(tick start, tick time) noexcept {
    return is_replaced("wheel_runs_ahead") || wheel_moves::has_begun(start, time);
  }
  static position begin_spreading(position at, std::size_t bucket) noexcept {
    return is_replaced("wheel_stands_still") ? position{at.now, bucket} : wheel_moves::begin_spreading(at, bucket);
  }
  static position after_unlink(position at, std::size_t bucket, bool is_empty) noexcept {
    return wheel_moves::after_unlink(at, bucket, is_empty || is_replaced("wheel_spreads_one"));
  }
  static std::uint64_t without(std::uint64_t used, std::size_t bucket) noexcept {
    return is_replaced("wheel_forgets_level") ? 0 : wheel_moves::without(used, bucket);
  }
  static tick earliest(bool all_compared, tick least, tick start) noexcept {
    return wheel_moves::earliest(all_compared || is_replaced("wheel_looks_at_one"), least, start);
  }
};

class model_wheel : public detail::basic_timer_wheel<model_moves> {
  using base = detail::basic_timer_wheel<model_moves>;

 public:
  void arm(detail::timer_entry& e, tick due) noexcept {
    the_time.mine().start_failed = false;
    base::arm(e, due);
  }
  void disarm(detail::timer_entry& e) noexcept {
    if (is_replaced("disarmed_in_vain")) return;
    if (is_replaced("refused_stays_armed") && std::exchange(the_time.mine().start_failed, false)) return;
    base::disarm(e);
  }
  tick next() const noexcept { return is_replaced("looks_into_one_wheel") && number_ != 0 ? never : base::next(); }
  detail::timer_entry* pop(tick time, unsigned& steps) noexcept {
    the_time.mine().pops = true;
    detail::timer_entry* const e = base::pop(time, steps);
    the_time.mine().pops = false;
    if (e != nullptr && is_replaced("shot_leaves_no_trace")) e->has_fired = false;
    return e;
  }

 private:
  unsigned const number_ = the_time.wheels++;
};

struct model_rules : detail::crew_rules {
  static detail::crew_answer answer(detail::crew_state const& crew, detail::crew_call call) noexcept {
    return crew_rules::answer(crew, taken_for(call));
  }
  static bool is_served(bool has_keeper, detail::crew_call call) noexcept {
    return crew_rules::is_served(has_keeper, taken_for(call));
  }
  static bool keeps_threads(bool stopping) noexcept {
    return crew_rules::keeps_threads(stopping || is_replaced("stop_is_final"));
  }
  static bool is_still_armed(bool is_armed, std::uint32_t latest, std::uint32_t arming) noexcept {
    return crew_rules::is_still_armed(is_armed, is_replaced("refused_takes_all") ? arming : latest, arming);
  }
  static detail::keeper_step after_look(bool found, bool has_job, bool is_over, bool was_called) noexcept {
    return crew_rules::after_look(found, has_job && !is_replaced("job_lost_at_stop"), is_over,
                                  was_called && !is_replaced("timer_ignores_pokes"));
  }
  static detail::watcher_care before_callback(bool has_watcher, bool is_starting, bool has_job,
                                              nanoseconds watcher_wakes, nanoseconds callback_overruns) noexcept {
    if (!has_watcher && is_replaced("run_without_watcher")) return detail::watcher_care::nothing;
    return crew_rules::before_callback(has_watcher, is_starting, has_job, watcher_wakes, callback_overruns);
  }
  static bool runs_before_callback(bool has_job) noexcept {
    return crew_rules::runs_before_callback(has_job && !is_replaced("jobs_after_callback"));
  }
  static detail::watcher_step watch(bool keeper_is_busy, bool is_time) noexcept {
    return crew_rules::watch(keeper_is_busy, is_time && !(keeper_is_busy && is_replaced("watcher_waits_on")));
  }
  static detail::head_count after_failed_start(detail::head_count heads) noexcept {
    return is_replaced("failed_start_counts") ? heads : crew_rules::after_failed_start(heads);
  }
  static bool stop_waits_for(bool is_busy, bool has_called_stop) noexcept {
    return crew_rules::stop_waits_for(is_busy && !is_replaced("stop_forsakes_callbacks"), has_called_stop);
  }
  static unsigned threads_to_await(unsigned threads, bool one_is_calling) noexcept {
    return crew_rules::threads_to_await(threads, one_is_calling && !is_replaced("stop_waits_for_itself"));
  }

 private:
  static detail::crew_call taken_for(detail::crew_call call) noexcept {
    return is_replaced("post_pokes_like_arm") ? detail::crew_call::timer : call;
  }
};

template <class World>
struct model_events : detail::crew_events<World> {
  using base = detail::crew_events<World>;
  void keeper_is_called() noexcept {
    if (!is_replaced("poke_without_waking")) base::keeper_is_called();
  }
  void callback_begins() noexcept {
    if (!is_replaced("watcher_not_told")) base::callback_begins();
  }
  void awaited_callback_returns() noexcept {
    if (!is_replaced("waited_for_untold")) base::awaited_callback_returns();
  }
  void threads_shall_end() noexcept {
    if (!is_replaced("stop_wakes_nobody")) base::threads_shall_end();
  }
  void thread_ends() noexcept {
    if (!is_replaced("end_untold")) base::thread_ends();
  }
};

}  // namespace cts::models

namespace cts {
inline namespace CTS_ABI {
namespace core {
template <std::size_t I, std::size_t S, std::size_t F>
struct replaced<models::platform<I, S, F>, cts::detail::crew_rules> {
  using type = models::model_rules;
};
template <std::size_t I, std::size_t S, std::size_t F>
struct replaced<models::platform<I, S, F>, cts::detail::timer_wheel> {
  using type = models::model_wheel;
};
template <std::size_t I, std::size_t S, std::size_t F, class World>
struct replaced<models::platform<I, S, F>, cts::detail::crew_events<World>> {
  using type = models::model_events<World>;
};
}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

namespace cts::models {

/// The timer service that the models run.
template <class World>
class model_timer_service : public detail::basic_timer_service<World> {
  using base = detail::basic_timer_service<World>;

 public:
  /// W3: takes and gives back the owner's references, unless a defect forgets it.
  class entry : public base::entry {
   public:
    explicit entry(detail::timer_actions const& owner) noexcept : base::entry(actions_of_entries), owner_(owner) {}

   private:
    static bool holds_owner() noexcept {
      if (is_replaced("fire_without_reference")) return false;
      return the_time.mine().pops || !is_replaced("poke_without_reference");
    }
    static detail::timer_actions const& owner_of(detail::timer_entry& e) noexcept {
      return static_cast<entry&>(e).owner_;
    }
    static void acquire(detail::timer_entry& e) noexcept {
      if (holds_owner()) owner_of(e).acquire(e);
    }
    static void release(detail::timer_entry& e) noexcept {
      if (holds_owner()) owner_of(e).release(e);
    }
    static void fire(detail::timer_entry& e) noexcept {
      if (is_replaced("fire_without_reference")) owner_of(e).acquire(e);  // too late
      owner_of(e).fire(e);
    }
    static constexpr detail::timer_actions actions_of_entries{&acquire, &release, &fire};
    detail::timer_actions const& owner_;
  };

  bool post(detail::background_job& job) noexcept {
    the_time.mine().start_failed = false;
    bool const accepted = base::post(job);
    if (is_replaced("refused_stays_posted")) return true;
    return accepted && !(is_replaced("refused_although_run") && the_time.mine().start_failed);
  }
};

/// The life of the k-th library thread, if it is started.
template <class Service>
void live(Service& service, unsigned k) {
  Service::platform::await([k] {
    the_reduction.touch(reduction::others, false);
    return the_time.started > k || the_time.over;
  });
  if (the_time.started > k) service.run_thread();
}

}  // namespace cts::models
