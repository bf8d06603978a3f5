// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer service of the process, on the operating system's threads.
///
///   threads    They are named "cts-timer" and block every signal but those that a fault of their own code raises
///   (SIGSEGV and its
///              like, for crash handlers), so a signal that is sent to the process reaches a thread of the program.
///   exit       When static objects are destroyed, idle threads end, and callbacks that run are waited for, at most
///   exit_patience; meanwhile
///              timers fire, as those callbacks may wait for them. What is armed then does not fire any more, unless
///              another timer is armed later: that starts a thread again, which serves both for as long as the process
///              lasts. ELF: a shared object that has a service stays loaded from then on, whoever closes it.
///   unload     When the shared object that has these functions is unloaded, its static objects are destroyed, too. Its
///   threads, and with
///              them every callback that runs, are then waited for without a bound, since their code would be gone; a
///              callback that needs the loader's lock meanwhile (dlopen, the first use of a thread_local with a
///              destructor) would wait for the unloading thread. Windows: a thread holds a reference to its module
///              instead, so FreeLibrary does not wait and the module goes with its last thread.
///   fork       The child has no library thread. What is armed in it stays armed; the first timer that the child arms
///   starts a thread,
///              which serves all of them.
#pragma once
#ifndef CTS_DETAIL_TIMERS_SYSTEM_TIMERS_HPP
#define CTS_DETAIL_TIMERS_SYSTEM_TIMERS_HPP

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#include <time.h>
#if defined(__ELF__)
#include <dlfcn.h>
#include <semaphore.h>
#endif
#endif

#include "cts/core/platform.hpp"
#include "cts/detail/timers/timer_service.hpp"
#include "cts/diagnostics.hpp"
#include "cts/time_provider.hpp"

#if defined(_WIN32)
extern "C" {  // <windows.h> would bring its macros to everybody
__declspec(dllimport) void* __stdcall CreateThread(void*, std::size_t, unsigned long(__stdcall*)(void*), void*,
                                                   unsigned long, unsigned long*);
__declspec(dllimport) int __stdcall CloseHandle(void*);
__declspec(dllimport) void __stdcall FreeLibraryAndExitThread(struct HINSTANCE__*, unsigned long);
__declspec(dllimport) int __stdcall FreeLibrary(struct HINSTANCE__*);
__declspec(dllimport) int __stdcall GetModuleHandleExW(unsigned long, wchar_t const*, struct HINSTANCE__**);
__declspec(dllimport) struct HINSTANCE__* __stdcall GetModuleHandleW(wchar_t const*);
}
#elif defined(__ELF__)
/// The exit handlers of the C++ runtime (Itanium C++ ABI, 3.3.6.3), under a name of ours: standard libraries declare it
/// differently.
extern "C" int cts_register_at_exit(void (*f)(void*), void* argument, void* module) __asm__("__cxa_atexit");
/// References that are weak unless the program has others: a C library may have these in a library of its own, which
/// nobody else may need. TRICKY: not [[gnu::weak]], which would make the user's own calls in the same file weak, too,
/// and let a linker leave that library out.
[[gnu::weakref("dladdr")]] static int cts_find_object(void const* address, void* info);
[[gnu::weakref("dlopen")]] static void* cts_load_object(char const* file, int flags);
#endif

namespace cts {
inline namespace CTS_ABI {

namespace detail {

/// Hands the exception to the error sink or ends the process.
inline void report_unhandled(std::exception_ptr e) noexcept {
  if (error_sink const sink = the_error_sink.load()) return sink(std::move(e));
  std::rethrow_exception(std::move(e));  // out of noexcept: std::terminate, which names it
}

/// What timers of production run on.
struct system_world {
  using platform = core::std_platform;
  using mutex = std::mutex;
  static constexpr std::size_t partitions = 16;

  class condition {
   public:
    void wait_until(std::unique_lock<std::mutex>& hold, std::chrono::nanoseconds until) {
      // An hour at most, so that no implementation overflows; the caller looks again.
      auto const latest = now() + std::chrono::hours(1);
      where_->wait_until(hold, std::chrono::steady_clock::time_point((std::min)(until, latest)));
    }
    void notify_one() noexcept { where_->notify_one(); }
    void notify_all() noexcept { where_->notify_all(); }
    /// After fork: the one before may have waiters that are not there.
    void forget_waiters() noexcept { where_ = make(); }

   private:
    std::condition_variable* make() noexcept { return ::new (static_cast<void*>(storage_)) std::condition_variable; }
    alignas(std::condition_variable) unsigned char storage_[sizeof(std::condition_variable)];
    std::condition_variable* where_ = make();  // never destroyed, as the service
  };

  static std::chrono::nanoseconds now() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

  template <class Service>
  static int start(Service& service) noexcept;

#if defined(_WIN32)
  static constexpr bool joins = false;
  using thread_name = int;
#else
#if defined(__SANITIZE_THREAD__)
#define CTS_DETACHES_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CTS_DETACHES_THREADS 1
#endif
#endif
#if defined(CTS_DETACHES_THREADS)
  /// ThreadSanitizer reports a thread that has ended and that nobody has joined yet when the process ends. So its
  /// threads are detached, and an unload waits for the last instructions of the last one.
  static constexpr bool joins = false;
  struct last_instructions {
    last_instructions() noexcept {}
    ~last_instructions() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }
  };
#undef CTS_DETACHES_THREADS
#else
  static constexpr bool joins = true;
  struct last_instructions {};  // are over when it is joined
#endif
  using thread_name = ::pthread_t;
  static thread_name self() noexcept { return ::pthread_self(); }
  static void join(thread_name t) noexcept { ::pthread_join(t, nullptr); }
  /// Waits no longer than until then: destructors of the thread's thread_local objects may need what the calling thread
  /// has.
  static void join(thread_name t, std::chrono::nanoseconds until) noexcept {
    if (until == (std::chrono::nanoseconds::max)()) return join(t);
#if defined(__GLIBC__)
    ::timespec end{};
    ::clock_gettime(CLOCK_REALTIME, &end);
    auto const at = std::chrono::seconds(end.tv_sec) + std::chrono::nanoseconds(end.tv_nsec) +
                    (std::max)(until - now(), std::chrono::nanoseconds::zero());
    end.tv_sec = std::chrono::floor<std::chrono::duration<decltype(end.tv_sec)>>(at).count();
    end.tv_nsec = std::chrono::duration_cast<std::chrono::duration<decltype(end.tv_nsec), std::nano>>(
                      at % std::chrono::seconds(1))
                      .count();
    if (::pthread_timedjoin_np(t, nullptr, &end) == 0) return;
#endif
    ::pthread_detach(t);
  }
#endif
};

using timer_service = basic_timer_service<system_world>;

/// How long the end of the program waits for callbacks that timers and cancel_async are running.
inline constexpr std::chrono::milliseconds exit_patience{100};

/// The process's timer service. Never destroyed: whoever disarms a timer while static objects are destroyed finds it.
class the_timer_service {
 public:
  CTS_SHARED_SYMBOL static timer_service& get() {
    static timer_service& only = make();
    return only;
  }
  /// Once a thread has been asked for: what is to be done at the end of the program, or of the shared object.
  CTS_SHARED_SYMBOL static void see_to_the_end() {
    static end const at_end;
    static bool const watches = at_end.watch_for_exit();
    static_cast<void>(watches);
  }
#if !defined(_WIN32)
  /// What a thread begins with. Of the shared object that has the service and sees to the end, whoever has asked for
  /// the thread.
  CTS_SHARED_SYMBOL static void* life_of_thread(void* service) noexcept {
#if defined(__APPLE__)
    ::pthread_setname_np("cts-timer");
#elif defined(__linux__)
    ::pthread_setname_np(::pthread_self(), "cts-timer");
#endif
    static_cast<timer_service*>(service)->run_thread();
    return nullptr;
  }
#endif

 private:
  /// Not inlined: what it leaves in the service, and with atfork, is of the shared object that has the service, whoever
  /// asks first.
  CTS_COLD CTS_SHARED_SYMBOL static timer_service& make() {
    alignas(timer_service) static unsigned char storage[sizeof(timer_service)];
    auto* const s = ::new (static_cast<void*>(storage)) timer_service;
#if !defined(_WIN32)
    ::pthread_atfork([] { get().lock_all(); }, [] { get().unlock_all(); }, [] { get().forget_threads(); });
#endif
    return *s;
  }

#if defined(_WIN32)
  /// A module that is not the program's cannot be unloaded while there is a thread, which holds a reference to it; and
  /// when the process ends its threads are gone before, with whatever locks they held.
  struct end {
    end() noexcept = default;
    bool watch_for_exit() const noexcept { return false; }
    ~end() {
      struct HINSTANCE__* mine = nullptr;
      constexpr unsigned long from_address = 4, unchanged = 2;
      if (::GetModuleHandleExW(from_address | unchanged, reinterpret_cast<wchar_t const*>(&get), &mine) != 0 &&
          mine == ::GetModuleHandleW(nullptr))
        get().stop(system_world::now() + exit_patience);
    }
  };
#elif defined(__ELF__)
  /// TRICKY: a destructor of a static object is not told whether the process ends or only its shared object. A handler
  /// that is registered for a module that there is not runs at exit alone; and as it is registered after the
  /// destructor, it runs before it. It must not be code of this shared object, which may be gone by then: so it is the
  /// C library's sem_post, on memory that stays.
  struct end {
    end() noexcept : exiting_(static_cast<::sem_t*>(std::malloc(sizeof(::sem_t)))) {
      if (exiting_ != nullptr) ::sem_init(exiting_, 0, 0);
    }
    bool watch_for_exit() const noexcept {
      return exiting_ != nullptr &&
             cts_register_at_exit(reinterpret_cast<void (*)(void*)>(reinterpret_cast<void*>(&::sem_post)), exiting_,
                                  exiting_) == 0;
    }
    ~end() {
      bool const exiting = exiting_ == nullptr || ::sem_trywait(exiting_) == 0;
      if (exiting) {
        stay();  // another static object may unload this shared object after this
        get().stop(system_world::now() + exit_patience);
        return;
      }
      if (!get().stop(system_world::now() + std::chrono::seconds(5)))
        std::fputs(
            "cts: a shared object is being unloaded and waits for a callback of a timer or of cancel_async, which is "
            "its code\n",
            stderr);
      get().stop((std::chrono::nanoseconds::max)());  // joins the last one, too
    }

   private:
    /// From here on this shared object is not unloaded any more: a callback may run for ever, and a timer that is armed
    /// starts a thread.
    static void stay() noexcept {
#if defined(RTLD_NOLOAD) && defined(RTLD_NODELETE)
      struct {  // Dl_info
        char const* file;
        void* base;
        char const* symbol;
        void* address;
      } found{};
      if (&cts_find_object == nullptr || &cts_load_object == nullptr)
        return;  // a program that is linked without a loader unloads nothing
      if (cts_find_object(reinterpret_cast<void*>(&life_of_thread), &found) != 0 && found.file != nullptr)
        cts_load_object(found.file, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
#endif
    }

    ::sem_t* const exiting_;
    [[no_unique_address, maybe_unused]] system_world::last_instructions after_the_threads_{};
  };
#else
  struct end {
    end() noexcept = default;
    bool watch_for_exit() const noexcept { return false; }
    ~end() { get().stop(system_world::now() + exit_patience); }
  };
#endif
};

#if defined(_WIN32)
template <class Service>
int system_world::start(Service& service) noexcept {
  the_timer_service::see_to_the_end();
  struct life {
    static unsigned long __stdcall run(void* s) {
      static_cast<Service*>(s)->run_thread();
      struct HINSTANCE__* mine = nullptr;
      constexpr unsigned long from_address = 4, unchanged = 2;
      ::GetModuleHandleExW(from_address | unchanged, reinterpret_cast<wchar_t const*>(&run), &mine);
      ::FreeLibraryAndExitThread(mine, 0);
      return 0;
    }
  };
  struct HINSTANCE__* mine = nullptr;
  constexpr unsigned long from_address = 4;
  if (::GetModuleHandleExW(from_address, reinterpret_cast<wchar_t const*>(&life::run), &mine) == 0) return EAGAIN;
  void* const handle = ::CreateThread(nullptr, 0, &life::run, std::addressof(service), 0, nullptr);
  if (handle == nullptr) {
    ::FreeLibrary(mine);
    return EAGAIN;
  }
  ::CloseHandle(handle);
  return 0;
}
#else
template <class Service>
int system_world::start(Service& service) noexcept {
  the_timer_service::see_to_the_end();
  ::sigset_t all, before;
  ::sigfillset(&all);
  for (int const own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) ::sigdelset(&all, own);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // a thread begins with the mask of the one that starts it
  ::pthread_t name;
  int const error = ::pthread_create(&name, nullptr, &the_timer_service::life_of_thread, std::addressof(service));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error == 0 && !joins) ::pthread_detach(name);
  return error;
}
#endif

/// A timer of time_provider::system() for everybody.
class system_timer final : public time_provider::timer {
 public:
  explicit system_timer(std::function<void()> fire) : shot_(new shot(std::move(fire))) {}
  ~system_timer() override {
    the_timer_service::get().disarm(*shot_);
    shot_->drop();
  }
  bool change(std::chrono::nanoseconds due) override;

 private:
  struct shot : timer_service::entry {
    explicit shot(std::function<void()> f) : timer_service::entry(actions_of_shots), what(std::move(f)) {}
    std::function<void()> what;
    std::atomic<int> refs{1};  // the timer's, and one for each shot on its way
    void drop() noexcept {
      if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    static void acquire(timer_entry& e) noexcept {
      static_cast<shot&>(e).refs.fetch_add(1, std::memory_order_relaxed);  // the timer has its own still
    }
    static void release(timer_entry& e) noexcept { static_cast<shot&>(e).drop(); }
    static void fire(timer_entry& e) noexcept {
      auto& s = static_cast<shot&>(e);
      try {
        s.what();
      } catch (...) { report_unhandled(std::current_exception()); }
      s.drop();
    }
    static constexpr timer_actions actions_of_shots{&acquire, &release, &fire};
  };
  shot* const shot_;
};

/// When something is due that is due in `delay`; the end of time if that is beyond it.
inline std::chrono::nanoseconds due_in(std::chrono::nanoseconds delay) noexcept {
  auto const now = system_world::now();
  return delay > (std::chrono::nanoseconds::max)() - now ? (std::chrono::nanoseconds::max)() : now + delay;
}

inline bool system_timer::change(std::chrono::nanoseconds due) {
  if (due < std::chrono::nanoseconds::zero()) the_timer_service::get().disarm(*shot_);
  else the_timer_service::get().arm(*shot_, due_in(due), [] { return true; });
  return true;
}

class CTS_SHARED_SYMBOL system_time_provider final : public time_provider {
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
    alignas(detail::system_time_provider) static unsigned char storage[sizeof(detail::system_time_provider)];
    return ::new (static_cast<void*>(storage)) detail::system_time_provider;
  }();
  return *only;
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SYSTEM_TIMERS_HPP
