// SPDX-License-Identifier: BSL-1.0
/// @file
/// Memory for the nodes of registrations. Each thread keeps one spare block of each size, so a thread that registers
/// and unregisters in turns does not call the allocator, which takes longer than the rest (measured: 24 ns a pair
/// instead of 40 ns). The block is freed when its thread ends.
///
/// CTS_NODE_CACHE turns it on (1) or off (0). By default it is off
///   - in position-independent code that is not for an executable (-fPIC, not -fPIE), where that makes a shared object.
///   Freeing the block
///     with its thread takes a thread_local with a destructor, and for its sake the loader keeps a plug-in in memory as
///     long as a thread lives that has registered a callback there. A library that is never unloaded may define
///     CTS_NODE_CACHE as 1;
///   - with MinGW, whose runtime deadlocks when a thread that has such an object is the last user of a DLL;
///   - under AddressSanitizer, which would miss a use after free.
/// Objects compiled with and without it may be linked together: every block comes from the allocator.
#pragma once
#ifndef CTS_DETAIL_MEMORY_NODE_CACHE_HPP
#define CTS_DETAIL_MEMORY_NODE_CACHE_HPP

#include <cstddef>
#include <new>

#include "cts/version.hpp"

#ifndef CTS_NODE_CACHE
#if defined(__SANITIZE_ADDRESS__)
#define CTS_NODE_CACHE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CTS_NODE_CACHE 0
#endif
#endif
#endif
#ifndef CTS_NODE_CACHE
#if (defined(__ELF__) && defined(__PIC__) && !defined(__PIE__)) || defined(__MINGW32__)
#define CTS_NODE_CACHE 0
#else
#define CTS_NODE_CACHE 1
#endif
#endif

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The two sizes of blocks, for nodes with callables of 16 and of 32 bytes.
inline constexpr std::size_t small_node = 88, large_node = 112;

/// @tparam Keeps makes two classes of the two settings, because objects of both may be linked together
template <std::size_t Size, bool Keeps = CTS_NODE_CACHE != 0>
class node_cache {
 public:
  static void* take() {
#if CTS_NODE_CACHE
    if (void* const p = spare_.block) {
      spare_.block = nullptr;
      return p;
    }
#endif
    return ::operator new(Size);
  }
  static void give_back(void* p) noexcept {
#if CTS_NODE_CACHE
    if (!spare_.open && !spare_.closed) [[unlikely]]
      open();
    if (spare_.block == nullptr && spare_.open) {
      spare_.block = p;
      return;
    }
#endif
    ::operator delete(p);
  }

 private:
#if CTS_NODE_CACHE
  /// Constant-initialized and trivially destructible, so that a thread can use it at any time of its life.
  struct spare {
    void* block;
    bool open;
    bool closed;
  };
  /// Frees the block when the thread ends; none is kept after that.
  struct thread_end {
    ~thread_end() {
      spare_.open = false;
      spare_.closed = true;
      ::operator delete(spare_.block);
      spare_.block = nullptr;
    }
  };
  static void open() noexcept {
    static thread_local thread_end at_the_end;
    (void)at_the_end;
    spare_.open = true;
  }
  static inline constinit thread_local spare spare_{nullptr, false, false};
#endif
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_MEMORY_NODE_CACHE_HPP
