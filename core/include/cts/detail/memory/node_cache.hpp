// SPDX-License-Identifier: BSL-1.0
/// @file
/// Memory for the nodes of registrations: each thread has a heap of blocks of each size (protocol/block_heap.hpp, G27)
/// and one spare block before it. A thread that registers and unregisters in turns touches only the spare. Nodes
/// registered one after the other lie side by side, so a cancel walks through few pages. Any thread may free a node.
///
/// Kept memory: a thread keeps one spare block and one slab of each size whose blocks are all free, 64 KiB at most; the
/// slabs double from 4 KiB. Other slabs go back to operator delete with their last block. Blocks that other threads
/// gave back are sorted when the owner next registers a callback or frees a node, and when it ends. After a thread's
/// end each slab goes back with its last block.
///
/// Callables of more than 32 bytes or of an alignment above 8 have nodes from operator new.
///
/// CTS_NODE_CACHE turns it on (1) or off (0); off, every node comes from operator new. By default it is off
///   - in position-independent code that is not for an executable (-fPIC, not -fPIE), where that makes a shared object.
///   Ending the heap with its thread takes a thread_local with a destructor, and for its sake the loader keeps a
///   plug-in in memory as long as a thread lives that has registered a callback there. A library that is never unloaded
///   may define CTS_NODE_CACHE as 1;
///   - with MinGW, whose runtime deadlocks when a thread that has such an object is the last user of a DLL;
///   - under AddressSanitizer, which would miss a use after free. For valgrind turn it off.
/// Objects compiled with and without it may be linked together: a node knows how to free itself.
#pragma once
#ifndef CTS_DETAIL_MEMORY_NODE_CACHE_HPP
#define CTS_DETAIL_MEMORY_NODE_CACHE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "cts/core/platform.hpp"
#include "cts/protocol/block_heap.hpp"

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

#if CTS_NODE_CACHE
/// The world of production of basic_block_heap. A slab is one allocation. In it lie pages, aligned to their size, each
/// with the address of the slab at its head; so a block finds its slab without memory of its own.
template <std::size_t Size>
struct node_world {
  using platform = core::std_platform;
  static constexpr std::size_t block_bytes = Size;
  static constexpr std::size_t page = 2048, page_head = 64;
  static constexpr std::size_t per_page = (page - page_head) / Size;
  static constexpr std::size_t first_slab = 4096, doublings = 4, slabs_of_a_size = 4;
  static constexpr std::size_t allocators_own = 32;  // left to the allocator of what would be a power of two
  static_assert(Size % alignof(void*) == 0 && per_page > 0);

  static void* allocate(std::size_t nth, std::size_t header, std::size_t& count) noexcept {
    std::size_t const bytes = (first_slab << (std::min)(nth / slabs_of_a_size, doublings)) - allocators_own;
    void* const slab = ::operator new(bytes, std::nothrow);
    if (slab == nullptr) return nullptr;
    std::uintptr_t const end = address(slab) + bytes;
    for (std::uintptr_t p = first_page(slab, header); p + page_head + Size <= end; p += page) {
      *reinterpret_cast<void**>(p) = slab;
      count += (std::min)(per_page, (end - p - page_head) / Size);
    }
    return slab;
  }
  static void* block(void* slab, std::size_t header, std::size_t i) noexcept {
    return reinterpret_cast<void*>(first_page(slab, header) + i / per_page * page + page_head + i % per_page * Size);
  }
  static void* slab_of(void* block) noexcept { return *reinterpret_cast<void**>(address(block) & ~(page - 1)); }
  static void deallocate(void* slab) noexcept { ::operator delete(slab); }
  template <class Heap>
  static void destroy(Heap* heap) noexcept {
    delete heap;
  }

 private:
  static std::uintptr_t address(void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
  static std::uintptr_t first_page(void* slab, std::size_t header) noexcept {
    return (address(slab) + header + page - 1) & ~(std::uintptr_t{page} - 1);
  }
};

/// Blocks of `Size` bytes for the calling thread.
template <std::size_t Size>
class node_cache {
  using heap = basic_block_heap<node_world<Size>>;

 public:
  /// Throws std::bad_alloc.
  static void* take() {
    if (void* const p = mine_.spare) {
      mine_.spare = nullptr;
      return p;
    }
    if (void* const p = mine_.ended ? take_after_the_end() : take_from_heap()) return p;
    throw std::bad_alloc();
  }
  static void give_back(void* p) noexcept {
    if (!mine_.open && !mine_.ended) [[unlikely]]
      open();
    if (mine_.spare == nullptr && mine_.open && (mine_.own == nullptr || !mine_.own->has_returns())) {
      mine_.spare = p;
      return;
    }
    heap::give_back(p, mine_.own);
  }

 private:
  /// Constant-initialized and trivially destructible, so that a thread can use it at any time of its life.
  struct of_thread {
    void* spare;
    heap* own;
    bool open;
    bool ended;
  };
  struct thread_end {
    ~thread_end() {
      mine_.open = false;
      mine_.ended = true;
      if (mine_.spare != nullptr) heap::give_back(mine_.spare, mine_.own);
      if (mine_.own != nullptr) mine_.own->end();
      mine_.spare = nullptr;
      mine_.own = nullptr;
    }
  };
  static void open() noexcept {
    static thread_local thread_end at_the_end;
    (void)at_the_end;
    mine_.open = true;
  }
  static void* take_from_heap() noexcept {
    if (!mine_.open) open();
    if (mine_.own == nullptr) mine_.own = new (std::nothrow) heap;
    return mine_.own != nullptr ? mine_.own->take() : nullptr;
  }
  /// For what registers while the thread ends: a heap that has ended at once goes with its block.
  static void* take_after_the_end() noexcept {
    auto* const h = new (std::nothrow) heap;
    if (h == nullptr) return nullptr;
    void* const p = h->take();
    h->end();
    return p;
  }
  static inline constinit thread_local of_thread mine_{nullptr, nullptr, false, false};
};
#endif

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_MEMORY_NODE_CACHE_HPP
