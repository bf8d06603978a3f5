// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the programs for GenMC need from the world, in two versions. With CTS_GENMC the functions are GenMC's own,
/// which its interpreter knows by name: it explores every execution that the memory model allows. Without, they are
/// real threads, and a program is run many times (threads.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#if CTS_GENMC
extern "C" {
void __VERIFIER_assert_fail(char const* says, char const* file, int line) noexcept;
void __VERIFIER_assume(bool holds) noexcept;
void* __VERIFIER_malloc_aligned(std::size_t alignment, std::size_t bytes) noexcept;
void __VERIFIER_free(void* at) noexcept;
int __VERIFIER_thread_create(void const* attributes, void* (*run)(void*), void* argument) noexcept;
void* __VERIFIER_thread_join(long thread) noexcept;
long __VERIFIER_thread_self() noexcept;
}
#else
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>
#endif

namespace cts::genmc {

using thread_function = void* (*)(void*);

#if CTS_GENMC

/// Ends the execution as an error if `holds` is false.
inline void require(bool holds, char const* says) noexcept {
  if (!holds) __VERIFIER_assert_fail(says, "", 0);
}
/// Waits until `done()`. An execution in which the thread would have to wait longer is not explored further: another
/// one has the same steps of the other threads before this one.
template <class Done>
void wait_until(Done done) noexcept {
  __VERIFIER_assume(done());
}
/// Memory that is never used again, so that an access after free is an error.
inline void before_a_step() noexcept {}
inline void* allocate(std::size_t bytes) noexcept { return __VERIFIER_malloc_aligned(8, (bytes + 7) / 8 * 8); }
inline void deallocate(void* at) noexcept { __VERIFIER_free(at); }

/// A thread; the main thread is number 0.
class thread {
 public:
  thread(thread_function run, void* argument) noexcept : id_(__VERIFIER_thread_create(nullptr, run, argument)) {}
  void join() noexcept { __VERIFIER_thread_join(id_); }

 private:
  long id_;
};
inline std::size_t thread_number() noexcept { return static_cast<std::size_t>(__VERIFIER_thread_self()); }

#else

inline char const* the_program = "";  ///< the one that runs

inline void require(bool holds, char const* says) noexcept {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", the_program, says);
  std::_Exit(1);
}
#if CTS_GENMC_DISTURBED
/// Sleeps, for a thread that has slept runs at once even if the machine is busy.
inline void stand_still(int microseconds) noexcept {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}
inline void let_others_run() noexcept { stand_still(1); }
/// Stands still before one step of 16 on average, and sometimes long.
inline void before_a_step() noexcept {
  static std::uint32_t threads = 0;
  thread_local std::uint32_t state =
      __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) * 2654435761U;  // odd factor: never 0
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;      // xorshift
  if (state % 16 == 0) stand_still(state % 128 == 0 ? 2000 : 100);
}
#else
inline void let_others_run() noexcept { std::this_thread::yield(); }
inline void before_a_step() noexcept {}
#endif
template <class Done>
void wait_until(Done done) noexcept {
  while (!done()) let_others_run();
}
inline void* allocate(std::size_t bytes) noexcept { return ::operator new(bytes, std::align_val_t(64), std::nothrow); }
inline void deallocate(void* at) noexcept { ::operator delete(at, std::align_val_t(64)); }

/// How many threads of the running program wait for each other at their start.
struct start_line {
  static void expect(int threads) noexcept { __atomic_store_n(&missing, threads, __ATOMIC_RELEASE); }
  static void wait() noexcept {
    __atomic_fetch_sub(&missing, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&missing, __ATOMIC_ACQUIRE) > 0) let_others_run();
  }
  inline static int missing = 0;
};
inline thread_local std::size_t the_number = 0;
inline std::size_t the_last_number = 0;  ///< written by the main thread

class thread {
 public:
  thread(thread_function run, void* argument)
      : thread_([run, argument, number = ++the_last_number] {
          the_number = number;
          start_line::wait();
          run(argument);
        }) {}
  void join() { thread_.join(); }

 private:
  std::thread thread_;
};
inline std::size_t thread_number() noexcept { return the_number; }

#endif

template <class T, class... Arguments>
T* make(Arguments&&... a) noexcept {
  if constexpr (sizeof...(a) == 0) return ::new (allocate(sizeof(T))) T;  // T() would write zeros first
  else return ::new (allocate(sizeof(T))) T(std::forward<Arguments>(a)...);
}
/// Destroys and frees `*t`, if there is one.
template <class T>
void drop(T*& t) noexcept {
  if (t == nullptr) return;
  T* const gone = t;
  t = nullptr;
  gone->~T();
  deallocate(gone);
}

}  // namespace cts::genmc
