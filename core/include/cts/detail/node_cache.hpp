// SPDX-License-Identifier: BSL-1.0
/// @file
/// One spare block a thread and size for the nodes of registrations: who registers and disposes in turns does not go to the allocator,
/// which would take longer than the rest of it. Freed when its thread ends. Not under AddressSanitizer, which would miss a use after free.
#pragma once
#ifndef CTS_DETAIL_NODE_CACHE_HPP
#define CTS_DETAIL_NODE_CACHE_HPP

#include <cstddef>
#include <new>

#include "cts/version.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define CTS_NODE_CACHE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CTS_NODE_CACHE 0
#endif
#endif
#ifndef CTS_NODE_CACHE
#define CTS_NODE_CACHE 1
#endif

namespace cts { inline namespace CTS_ABI { namespace detail {

/// The sizes: a node with a callable of 16 bytes fits, and one of 32.
inline constexpr std::size_t small_node = 88, large_node = 112;

template <std::size_t Size>
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

}  }  }  // namespace cts::detail

#endif  // CTS_DETAIL_NODE_CACHE_HPP
