// SPDX-License-Identifier: BSL-1.0
/// @file
/// One spare block a thread and size for the nodes of registrations: who registers and disposes in turns does not go to
/// the allocator, which would take longer than the rest of it (measured: 24 ns a pair instead of 40). Freed when its
/// thread ends.
///
/// CTS_NODE_CACHE switches it, 0 or 1. By default there is none
///   - in position-independent code that is not for an executable (-fPIC, not -fPIE), where that makes a shared object.
///   Freeing the block
///     with its thread takes a thread_local with a destructor, and for its sake the loader keeps a plug-in in memory as
///     long as a thread lives that has registered a callback there. A library that is never unloaded may define
///     CTS_NODE_CACHE as 1;
///   - with MinGW, whose runtime deadlocks when a thread that has such an object is the last user of a DLL;
///   - under AddressSanitizer, which would miss a use after free.
/// Objects compiled with and without it may be mixed: a block is the allocator's either way.
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

/// The sizes: a node with a callable of 16 bytes fits, and one of 32.
inline constexpr std::size_t small_node = 88, large_node = 112;

/// @tparam Keeps names the switch, so that the two kinds are two classes where objects of both are linked
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
  /// Constant-initialized and trivially destructible, so that access is a plain one at any time of the thread's life.
  struct spare {
    void* block;
    bool open;
    bool closed;
  };
  struct end {
    ~end() {
      spare_.open = false;
      spare_.closed = true;
      ::operator delete(spare_.block);
      spare_.block = nullptr;
    }
  };
  static void open() noexcept {
    static thread_local end at_the_end;
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
