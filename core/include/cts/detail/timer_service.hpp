// SPDX-License-Identifier: BSL-1.0
/// @file
/// The system's timers: one queue and one thread for the process.
///
/// The thread starts with the first timer that is armed. At the end of the program, or when the shared library that has these
/// objects is unloaded, it is joined (detached if that end comes from the thread itself); from then on timers can be armed but do
/// not fire. A forked child begins without the thread and starts its own with the first timer that it arms.
#pragma once
#ifndef CTS_DETAIL_TIMER_SERVICE_HPP
#define CTS_DETAIL_TIMER_SERVICE_HPP

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include "cts/detail/timer_queue.hpp"
#include "cts/time_provider.hpp"

namespace cts { inline namespace CTS_ABI {

/// What becomes of an exception that leaves a callback which a timer ran. R33.
using error_sink = void (*)(std::exception_ptr) noexcept;

namespace detail {
CTS_SHARED_SYMBOL inline std::atomic<error_sink> the_error_sink{nullptr};

/// Hands the exception to the error sink or ends the process.
inline void report_unhandled(std::exception_ptr e) noexcept {
  if (error_sink const sink = the_error_sink.load()) return sink(std::move(e));
  std::rethrow_exception(std::move(e));  // out of noexcept: std::terminate, which names it
}
}  // namespace detail

/// Installs what is called with an exception that leaves a callback run by a timer (null: std::terminate, the default); returns
/// the one before. Thread-safe. R33.
inline error_sink set_error_sink(error_sink sink) noexcept { return detail::the_error_sink.exchange(sink); }

namespace detail {

class timer_service {
 public:
  using clock = std::chrono::steady_clock;

  /// Never destroyed: who disarms a timer while static objects are destroyed finds it.
  CTS_SHARED_SYMBOL static timer_service& instance() {
    static timer_service* const only = make();
    return *only;
  }

  /// Throws std::bad_alloc, and std::system_error if no thread can be started; then nothing has changed.
  void arm(timer_entry& e, clock::time_point due) {
    std::unique_lock lock(mutex_);
    if (!running_ && !over_) start();
    if (queue_.arm(e, due) && asleep_) {
      lock.unlock();
      wake_->notify_one();
    }
  }
  /// @return whether it has never fired
  bool disarm(timer_entry& e) noexcept {
    std::lock_guard const lock(mutex_);
    queue_.disarm(e);
    return !e.has_fired;
  }

 private:
  timer_service() = default;
  CTS_SHARED_SYMBOL static timer_service* make() {
    static char storage alignas(timer_service)[sizeof(timer_service)];
    auto* const s = ::new (static_cast<void*>(storage)) timer_service;
#if !defined(_WIN32)
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); }, [] { instance().forked(); });
#endif
    return s;
  }
  /// Joins the thread at exit and when the library is unloaded.
  struct guard {
    ~guard() { instance().stop(); }
  };

  CTS_SHARED_SYMBOL void start() {
    static guard const at_exit;
    running_ = true;
    try {
      thread_ = new (thread_storage_) std::thread([this] { run(); });
    } catch (...) {
      running_ = false;
      throw;
    }
  }
  void stop() noexcept {
    {
      std::lock_guard const lock(mutex_);
      over_ = true;
      if (!running_) return;
      running_ = false;
    }
    wake_->notify_one();
    if (thread_->get_id() == std::this_thread::get_id()) thread_->detach();
    else thread_->join();
  }
  /// In the child only the thread that forked is left, and it holds the lock.
  void forked() noexcept {
    running_ = false;
    asleep_ = false;
    wake_ = ::new (static_cast<void*>(wake_storage_)) std::condition_variable;  // the old one may have a waiter that is not there
    mutex_.unlock();
  }
  void run() noexcept {
    std::unique_lock lock(mutex_);
    while (!over_) {
      if (timer_entry* const e = queue_.pop(clock::now())) {
        lock.unlock();
        e->fire(*e);
        lock.lock();
        continue;
      }
      auto const next = queue_.next();
      asleep_ = true;
      if (next) wake_->wait_until(lock, *next);
      else wake_->wait(lock);
      asleep_ = false;
    }
  }

  std::mutex mutex_;
  timer_queue queue_;
  bool running_ = false;
  bool over_ = false;
  bool asleep_ = false;
  alignas(std::condition_variable) unsigned char wake_storage_[sizeof(std::condition_variable)];
  std::condition_variable* wake_ = ::new (static_cast<void*>(wake_storage_)) std::condition_variable;
  alignas(std::thread) unsigned char thread_storage_[sizeof(std::thread)];
  std::thread* thread_ = nullptr;
};

/// A timer of time_provider::system() for everybody.
class system_timer final : public time_provider::timer {
 public:
  explicit system_timer(std::function<void()> fire) : shot_(new shot(std::move(fire))) {}
  ~system_timer() override {
    timer_service::instance().disarm(*shot_);
    shot_->drop();
  }
  bool change(std::chrono::nanoseconds due) override;

 private:
  struct shot : timer_entry {
    explicit shot(std::function<void()> f) : timer_entry(&acquire_it, &fire_it), what(std::move(f)) {}
    std::function<void()> what;
    std::atomic<int> refs{1};  // the timer's, and one for each shot on its way
    void drop() noexcept {
      if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    static void acquire_it(timer_entry& e) noexcept {
      static_cast<shot&>(e).refs.fetch_add(1, std::memory_order_relaxed);  // under the lock, so the timer has its own still
    }
    static void fire_it(timer_entry& e) noexcept {
      auto& s = static_cast<shot&>(e);
      try {
        s.what();
      } catch (...) {
        report_unhandled(std::current_exception());
      }
      s.drop();
    }
  };
  shot* const shot_;
};

/// When something is due that is due in `delay`; the end of time if that is beyond it.
inline timer_service::clock::time_point due_in(std::chrono::nanoseconds delay) noexcept {
  auto const now = timer_service::clock::now();
  return delay > (timer_service::clock::time_point::max)() - now ? (timer_service::clock::time_point::max)() : now + delay;
}

inline bool system_timer::change(std::chrono::nanoseconds due) {
  if (due < std::chrono::nanoseconds::zero()) timer_service::instance().disarm(*shot_);
  else timer_service::instance().arm(*shot_, due_in(due));
  return true;
}

class system_time_provider final : public time_provider {
 public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) override {
    auto t = std::make_unique<system_timer>(std::move(fire));
    t->change(due);
    return t;
  }
};

}  // namespace detail

inline time_provider& time_provider::system() {
  static detail::system_time_provider* const only = [] {
    static char storage alignas(detail::system_time_provider)[sizeof(detail::system_time_provider)];
    return ::new (static_cast<void*>(storage)) detail::system_time_provider;
  }();
  return *only;
}

}  }  // namespace cts

#endif  // CTS_DETAIL_TIMER_SERVICE_HPP
