// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stands in for models/genmc/verifier.hpp: the programs for GenMC, scheduled on real threads (schedules_turns.hpp).
/// Memory is counted, so that a leak shows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "../../schedules_turns.hpp"

namespace cts::genmc {

inline void require(bool holds, char const* says) noexcept {
  if (!holds) schedules::complain(says);
}
template <class Done>
void wait_until(Done done) noexcept {
  while (!done()) schedules::wait();
}

inline std::atomic<long> held{0};        ///< blocks of memory
inline void before_a_step() noexcept {}  // each step may hand over the turn anyway
inline void* allocate(std::size_t bytes) noexcept {
  held.fetch_add(1, std::memory_order_relaxed);
  return ::operator new(bytes, std::align_val_t(64), std::nothrow);
}
inline void deallocate(void* at) noexcept {
  held.fetch_sub(1, std::memory_order_relaxed);
  ::operator delete(at, std::align_val_t(64));
}

/// The main thread is number 0.
inline std::size_t thread_number() noexcept {
  unsigned const n = schedules::thread();
  return n == schedules::outside ? 0 : n + 1;
}

template <class T, class... Arguments>
T* make(Arguments&&... a) noexcept {
  if constexpr (sizeof...(a) == 0) return ::new (allocate(sizeof(T))) T;
  else return ::new (allocate(sizeof(T))) T(std::forward<Arguments>(a)...);
}
/// Destroys and frees `*t`, if there is one.
template <class T>
void drop(T*& t) noexcept {
  if (t == nullptr) return;
  T* const gone = std::exchange(t, nullptr);
  gone->~T();
  deallocate(gone);
}

}  // namespace cts::genmc
