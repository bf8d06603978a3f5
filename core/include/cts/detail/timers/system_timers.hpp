// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer service of the process, its threads, and their end.
///
///   threads  They are named "cts-timer". They block all signals except those that a fault of their own code raises
///            (SIGSEGV and its like, for crash handlers), so a thread of the program receives the process's signals.
///   exit     When static objects are destroyed, idle threads end, and running callbacks are awaited for at most
///            exit_patience. Meanwhile timers fire, because those callbacks may wait for them. A timer that is armed
///            after that does not fire, unless a later one is armed: that one starts a thread, which serves both as
///            long as the process lives. ELF: a shared object that has a service stays loaded from then on.
///   unload   When the shared object that holds these functions is unloaded, its static objects are destroyed, too. Its
///            threads and their callbacks are then awaited without a bound, because their code would be gone. A
///            callback that needs the loader's lock meanwhile (dlopen, or the first use of a thread_local with a
///            destructor) waits for the unloading thread for ever. Windows: a thread holds a reference to its module,
///            so FreeLibrary does not wait and the module goes with its last thread.
///   fork     The child has no library thread. Armed timers stay armed. The first timer that the child arms starts a
///            thread, which serves all of them.
#pragma once
#ifndef CTS_DETAIL_TIMERS_SYSTEM_TIMERS_HPP
#define CTS_DETAIL_TIMERS_SYSTEM_TIMERS_HPP

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#if defined(__ELF__)
#include <dlfcn.h>
#include <semaphore.h>
#endif
#endif

#include "cts/core/platform.hpp"
#include "cts/detail/timers/system_world.hpp"
#include "cts/detail/timers/timer_service.hpp"

#if defined(_WIN32)
extern "C" {  // TRICKY: not <windows.h>, whose macros every user would get; the same types, as a user may include both
__declspec(dllimport) void* __stdcall CreateThread(struct _SECURITY_ATTRIBUTES*, std::size_t,
                                                   unsigned long(__stdcall*)(void*), void*, unsigned long,
                                                   unsigned long*);
__declspec(dllimport) int __stdcall CloseHandle(void*);
__declspec(dllimport) void __stdcall FreeLibraryAndExitThread(struct HINSTANCE__*, unsigned long);
__declspec(dllimport) int __stdcall FreeLibrary(struct HINSTANCE__*);
__declspec(dllimport) int __stdcall GetModuleHandleExW(unsigned long, wchar_t const*, struct HINSTANCE__**);
__declspec(dllimport) struct HINSTANCE__* __stdcall GetModuleHandleW(wchar_t const*);
}
#elif defined(__ELF__)
/// Registers an exit handler with the C++ runtime (Itanium C++ ABI, 3.3.6.3). TRICKY: under a name of its own, because
/// standard libraries declare __cxa_atexit differently.
extern "C" int cts_register_at_exit(void (*f)(void*), void* argument, void* module) __asm__("__cxa_atexit");
/// References that are weak unless the program has others: a C library may have these functions in a library of its
/// own, which nothing else may need. TRICKY: not [[gnu::weak]], which would make the user's own calls in the same file
/// weak, too, and let a linker leave that library out.
[[gnu::weakref("dladdr")]] static int cts_find_object(void const* address, void* info);
[[gnu::weakref("dlopen")]] static void* cts_load_object(char const* file, int flags);
#endif

namespace cts {
inline namespace CTS_ABI {
namespace detail {

using timer_service = basic_timer_service<system_world>;

/// How long the end of the program waits for callbacks of timers and of cancel_async.
inline constexpr std::chrono::milliseconds exit_patience{100};

/// The process's timer service. It is never destroyed: static objects may disarm timers while they are destroyed.
class the_timer_service {
 public:
  CTS_SHARED_SYMBOL static timer_service& get() {
    static timer_service& only = make();
    return only;
  }
  /// Registers the end of the program, or of the shared object. Called when the first thread is started.
  CTS_SHARED_SYMBOL static void register_end() {
    static end const at_end;
    static bool const watches = at_end.watch_for_exit();
    static_cast<void>(watches);
  }
#if !defined(_WIN32)
  /// The beginning of each thread. It is code of the shared object that holds the service and registers the end,
  /// whichever shared object has asked for the thread.
  CTS_SHARED_SYMBOL static void* run_thread(void* service) noexcept {
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
  /// TRICKY: not inlined. The functions that it leaves in the service and with pthread_atfork must be those of the
  /// shared object that holds the service, whichever asks first.
  CTS_COLD CTS_SHARED_SYMBOL static timer_service& make() {
    alignas(timer_service) static unsigned char storage[sizeof(timer_service)];
    auto* const s = ::new (static_cast<void*>(storage)) timer_service;
#if !defined(_WIN32)
    ::pthread_atfork([] { get().lock_all(); }, [] { get().unlock_all(); }, [] { get().forget_threads(); });
#endif
    return *s;
  }

#if defined(__ELF__)
  /// TRICKY: a destructor of a static object is not told whether the process ends or only its shared object is
  /// unloaded. A handler registered for a module that does not exist runs at exit alone, and before the destructor,
  /// because it is registered after it. The handler must not be code of this shared object, which may be gone by then:
  /// it is the C library's sem_post, on memory that is never freed.
  class end {
   public:
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
        stay_loaded();  // another static object may unload this shared object after this
        get().stop(system_world::now() + exit_patience);
        return;
      }
      if (!get().stop(system_world::now() + std::chrono::seconds(5)))
        std::fputs(
            "cts: a shared object is being unloaded and waits for a callback of a timer or of cancel_async, which is "
            "its code\n",
            stderr);
      get().stop((std::chrono::nanoseconds::max)());  // joins the last thread, too
    }

   private:
    /// Keeps this shared object loaded from here on: a callback may run for ever, and a timer that is armed later
    /// starts a thread.
    static void stay_loaded() noexcept {
#if defined(RTLD_NOLOAD) && defined(RTLD_NODELETE)
      struct {  // Dl_info
        char const* file;
        void* base;
        char const* symbol;
        void* address;
      } found{};
      if (&cts_find_object == nullptr || &cts_load_object == nullptr)
        return;  // a program that is linked without a loader unloads nothing
      if (cts_find_object(reinterpret_cast<void*>(&run_thread), &found) != 0 && found.file != nullptr)
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
    ~end() {
      if (is_of_program()) get().stop(system_world::now() + exit_patience);
    }
#if defined(_WIN32)
    /// Another module than the program's is not unloaded while there is a thread, which holds a reference to it. When
    /// the process ends, the threads are gone before, with whatever locks they held.
    static bool is_of_program() noexcept {
      struct HINSTANCE__* mine = nullptr;
      constexpr unsigned long from_address = 4, unchanged = 2;
      return ::GetModuleHandleExW(from_address | unchanged, reinterpret_cast<wchar_t const*>(&get), &mine) != 0 &&
             mine == ::GetModuleHandleW(nullptr);
    }
#else
    static bool is_of_program() noexcept { return true; }
#endif
  };
#endif
};

#if defined(_WIN32)
template <class Service>
int system_world::start(Service& service) noexcept {
  the_timer_service::register_end();
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
  struct HINSTANCE__* mine = nullptr;  // with a reference, which the thread gives back
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
  the_timer_service::register_end();
  ::sigset_t all, before;
  ::sigfillset(&all);
  for (int const own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) ::sigdelset(&all, own);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread begins with the mask of the one that starts it
  ::pthread_t name;
  int const error = ::pthread_create(&name, nullptr, &the_timer_service::run_thread, std::addressof(service));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error == 0 && !joins) ::pthread_detach(name);
  return error;
}
#endif

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SYSTEM_TIMERS_HPP
