// SPDX-License-Identifier: BSL-1.0
/// @file
/// Memory for operations that must not fail: the futures of cancel_async and dispose_async. It comes from operator new,
/// or, if that fails, from a small reserve. If the reserve is used up, too, the calling thread waits until some of it
/// is given back.
#pragma once
#ifndef CTS_DETAIL_MEMORY_RESERVE_HPP
#define CTS_DETAIL_MEMORY_RESERVE_HPP

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Thread-safe.
class reserve {
 public:
  static constexpr std::size_t size = 256;

  /// Throws std::bad_alloc if `bytes` is more than a block of the reserve has and operator new fails.
  static void* take(std::size_t bytes) {
    if (void* const p = ::operator new(bytes, std::nothrow)) return p;
    if (bytes > size) throw std::bad_alloc();
    for (;; std::this_thread::yield()) {
      std::lock_guard const lock(mutex());
      for (block& b : blocks())
        if (!b.used) {
          b.used = true;
          return b.bytes;
        }
    }
  }
  static void give_back(void* p) noexcept {
    for (block& b : blocks())
      if (p == b.bytes) {
        std::lock_guard const lock(mutex());
        b.used = false;
        return;
      }
    ::operator delete(p);
  }

 private:
  struct block {
    alignas(std::max_align_t) unsigned char bytes[size];
    bool used = false;
  };
  using all = block[64];
  CTS_SHARED_SYMBOL static all& blocks() noexcept {
    static all b;
    return b;
  }
  CTS_SHARED_SYMBOL static std::mutex& mutex() noexcept {
    static std::mutex m;
    return m;
  }
};

/// A standard allocator on the reserve.
template <class T>
struct reserve_allocator {
  using value_type = T;
  reserve_allocator() noexcept = default;
  template <class U>  // NOLINTNEXTLINE(google-explicit-constructor): allocators of two types convert
  reserve_allocator(reserve_allocator<U> const&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(reserve::take(n * sizeof(T))); }
  void deallocate(T* p, std::size_t) noexcept { reserve::give_back(p); }
  friend bool operator==(reserve_allocator const&, reserve_allocator const&) noexcept { return true; }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_MEMORY_RESERVE_HPP
