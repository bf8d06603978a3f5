// SPDX-License-Identifier: BSL-1.0
/// @file
/// Memory for what must not fail for want of it: futures of cancel_async and dispose_async. From operator new while
/// there is some, else from a small reserve; when that is used up too, who asks waits until some of it comes back.
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

class reserve {
 public:
  static constexpr std::size_t size = 256;

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

template <class T>
struct reserve_allocator {
  using value_type = T;
  reserve_allocator() noexcept = default;
  template <class U>
  reserve_allocator(reserve_allocator<U> const&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(reserve::take(n * sizeof(T))); }
  void deallocate(T* p, std::size_t) noexcept { reserve::give_back(p); }
  friend bool operator==(reserve_allocator const&, reserve_allocator const&) noexcept { return true; }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_MEMORY_RESERVE_HPP
