// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the models of the timer service (G17): timers, a job, and the service between them.
#pragma once

#include <chrono>
#include <functional>
#include <new>
#include <system_error>

#include "timers/timer_steps.hpp"

namespace cts::models::timer_stage {

using P = platform<1, 1>;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds never = (nanoseconds::max)();

/// A timer in the model's memory. `held` counts the references of the service (W3).
template <class Service>
struct shot : Service::entry {
  shot() : Service::entry(actions_of_shots) {}
  P::var<int> runs{0};
  int held = 0;
  nanoseconds due{0};
  std::function<void()> then;

  static shot& of(detail::timer_entry& e) noexcept { return static_cast<shot&>(e); }
  static void acquire(detail::timer_entry& e) noexcept { of(e).hold(1); }
  static void release(detail::timer_entry& e) noexcept { of(e).hold(-1); }
  static void fire(detail::timer_entry& e) noexcept {
    shot& s = of(e);
    require(s.held > 0, "a timer fires without a reference");
    require(timer_world<P>::now() >= s.due, "a timer fires early");
    s.runs.set(s.runs.get() + 1);
    if (s.then) s.then();
    s.hold(-1);
  }
  void hold(int n) noexcept {
    the_reduction.touch(reduction::ends, true);
    held += n;
  }
  static constexpr detail::timer_actions actions_of_shots{&acquire, &release, &fire};
};

struct job : detail::background_job {
  job() : background_job(&ran) {}
  P::var<int> runs{0};
  baton done;
  static void ran(detail::background_job& j) noexcept {
    auto& me = static_cast<job&>(j);
    me.runs.set(me.runs.get() + 1);
    me.done.pass(1);
  }
};

/// A service, three timers and a job.
template <std::size_t Partitions = 1>
struct crew {
  using service_type = model_timer_service<timer_world<P, Partitions>>;
  using timer_type = shot<service_type>;
  service_type* service = nullptr;
  timer_type* timers[3] = {};
  job* posted_job = nullptr;
  bool armed[3] = {};  // by caller: arm() has not thrown
  bool posted = false;
  baton fired;
  int last = -1;       // the caller that has armed last
  unsigned lives = 0;  // how many threads have run

  /// @param threads how many threads can be started
  void open(unsigned threads) {
    now = execution{};
    the_time = {};
    the_time.available = threads;
    service = ::new (P::allocate(sizeof(service_type))) service_type;
    for (timer_type*& x : timers) x = ::new (P::allocate(sizeof(timer_type))) timer_type;
    posted_job = ::new (P::allocate(sizeof(job))) job;
    posted_job->done.reset();
    fired.reset();
    armed[0] = armed[1] = armed[2] = posted = false;
    last = -1;
    lives = 0;
  }
  /// Threads without work end at once, and every wait may end by time.
  void rush() {
    the_time.rushes = true;
    the_time.horizon = never;
  }
  /// A thread is started and does not run yet.
  void start() {
    arm(0, 0ns);
    service->disarm(*timers[0]);
    lives = 1;
  }
  bool arm(unsigned i, nanoseconds due) { return arm(i, i, due); }
  /// Caller `k` arms timer `i`. @return whether arm() has not thrown
  bool arm(unsigned k, unsigned i, nanoseconds due) {
    bool ok = false;
    timers[i]->due = due;
    try {
      service->arm(*timers[i], due, [this, k] {
        last = static_cast<int>(k);
        return true;
      });
      ok = true;
    } catch (std::system_error const&) {}
    the_reduction.touch(reduction::ends, true);
    return armed[k] = ok;
  }
  void post() {
    posted = service->post(*posted_job);
    if (!posted) job::ran(*posted_job);
  }
  /// Runs the threads that were started and have not run.
  void run_the_rest() {
    for (; lives < the_time.started; ++lives) service->run_thread();
  }
  void end() { the_time.end(); }
  int runs(unsigned i) { return timers[i]->runs.get(); }
  void close() {
    require(service->threads() == 0, "a thread is counted that is not there");
    for (timer_type*& x : timers) {
      require(x->held == 0, "a reference is left");
      x->~shot();
      P::deallocate(x, sizeof *x);
    }
    posted_job->~job();
    P::deallocate(posted_job, sizeof *posted_job);
    service->~service_type();
    P::deallocate(service, sizeof *service);
  }
};

}  // namespace cts::models::timer_stage
