// SPDX-License-Identifier: BSL-1.0
/// @file
/// A thread's blocks of one size, which any thread may give back without a lock (G27).
///
///   owner: the thread that takes              any other thread
///   takes a block of a slab, or               gives a block back:
///     takes all that was given back             pushes it on the heap's list (heap_give), or,
///     (heap_take) and sorts it into slabs       after the end, counts it in its slab (slab_count)
///   ends: closes the list (heap_close),
///     adds in each slab how many are out (slab_note)
///
///     the list:  none ──heap_give──▶ block ──heap_give──▶ … ──heap_take──▶ none
///                  └─────────────────────┴──heap_close──▶ closed, for ever
///
///   M1  a block is either out, or on the list, or free in its slab. Only the owner moves blocks into and out of slabs.
///       The list is only pushed to and only taken as a whole, so a head that comes back does no harm.
///   M2  the owner closes the list, counts the blocks that were on it, and then adds to each slab's count how many of
///       its blocks were out. A thread that finds the list closed takes one off. The additions may come in any order:
///       the count reaches zero from above, or at the owner's addition, once, and then no block is out.
///   M3  who brings the count of a slab to zero frees the slab, and who frees the last slab frees the heap. The owner
///       counts as one slab until it has finished.
///   M4  a thread that gives a block back touches the slab and the heap only until its block is on the list or counted:
///       until then the slab has a block that is out, so both are there.
///
/// A slab whose blocks are all free goes back to the allocator, but for one.
/// A template over the world: the models run it (models/memory). `World` has
///   platform
///   block_bytes            bytes of a block
///   allocate(nth, header, count)  memory of the slab number `nth`, null if there is none; sets `count`, its blocks
///   block(slab, header, i) the i-th block of that memory
///   slab_of(block)         that memory
///   deallocate(slab)
///   destroy(heap)
#pragma once
#ifndef CTS_PROTOCOL_BLOCK_HEAP_HPP
#define CTS_PROTOCOL_BLOCK_HEAP_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "cts/core/memory_orders.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The name of an atomic operation.
enum class block_site : std::uint8_t {
  heap_look,
  heap_give,
  heap_take,
  heap_close,
  heap_note,
  slab_note,
  slab_count,
  heap_count,
  count
};

// clang-format off
/// The table, in the order of `block_site`.
inline constexpr core::site_info block_site_table[static_cast<std::size_t>(block_site::count)] = {
  {"heap_look", core::operation::load, std::memory_order_relaxed, "heap_give, heap_close",
   "nothing: the compare-and-swap, or the count, decides (G27)"},
  {"heap_give", core::operation::rmw, std::memory_order_release, "heap_take, heap_close",
   "the owner would use a block again while the thread that gave it back still does (G27)"},
  {"heap_take", core::operation::rmw, std::memory_order_acquire, "heap_give",
   "the owner would use a block again while the thread that gave it back still does (G27)"},
  {"heap_close", core::operation::rmw, std::memory_order_acquire, "heap_give",
   "the owner would read a list that it does not see (G27)"},
  {"heap_note", core::operation::store, std::memory_order_relaxed, "heap_count",
   "nothing: slab_note publishes it (G27)"},
  {"slab_note", core::operation::rmw, std::memory_order_acq_rel, "slab_count",
   "a slab would be freed that its owner or another thread still uses (G27)"},
  {"slab_count", core::operation::rmw, std::memory_order_acq_rel, "slab_count",
   "the last thread would free a slab in which another one still uses its block (G27)"},
  {"heap_count", core::operation::rmw, std::memory_order_acq_rel, "heap_count",
   "the last thread would free a heap that another one still uses (G27)"},
};
// clang-format on

constexpr core::site_info const& info(block_site s) noexcept { return block_site_table[static_cast<std::size_t>(s)]; }

template <class World>
class basic_block_heap {
  using platform = typename World::platform;
  using word = std::uintptr_t;
  template <class T>
  using field = typename platform::template var<T>;

  /// What a block is while nobody has it.
  struct free_block {
    field<free_block*> next{nullptr};
  };
  static_assert(sizeof(free_block) <= World::block_bytes);

  /// A slab's place in the owner's ring: those with room first, the full ones last.
  struct link {
    field<link*> before{this}, after{this};
  };
  /// The head of a slab. All but `heap` and `out` belongs to the owner.
  struct slab : link {
    slab(basic_block_heap& h, std::size_t blocks) noexcept : heap(h), count(blocks) {}
    basic_block_heap& heap;
    std::size_t const count;
    field<free_block*> free{nullptr};
    field<std::size_t> used{0};                              // blocks that have been out
    field<std::size_t> live{0};                              // blocks that are out, or on the list
    typename platform::template atomic<std::size_t> out{0};  // after the end: blocks that are out
  };

 public:
  basic_block_heap() noexcept = default;
  basic_block_heap(basic_block_heap const&) = delete;
  basic_block_heap& operator=(basic_block_heap const&) = delete;

  /// On the owner. Null if there is no memory.
  void* take() noexcept {
    collect();
    auto* s = static_cast<slab*>(ring_.after.get());
    if (is_end(s) || s->live.get() == s->count) {
      s = grow();
      if (s == nullptr) return nullptr;
    }
    return take_from(*s);
  }
  /// On any thread, whose own heap is `mine`; null: it has none.
  static void give_back(void* p, basic_block_heap* mine) noexcept {
    slab& s = slab_of(p);
    if (std::addressof(s.heap) != mine) return s.heap.give(s, p);
    mine->put(s, p);
    mine->collect();
  }
  /// On the owner: whether other threads have given blocks back.
  bool has_returns() const noexcept { return returned_.load(block_site::heap_look) != 0; }

  /// On the owner, which takes no more blocks. Destroys the heap, now or with its last block. M2, M3
  void end() noexcept {
    collect();
    slabs_.store(number_.get() + 1, block_site::heap_note);
    for (auto* b = blocks(returned_.fetch_or(closed, block_site::heap_close)); b != nullptr;) {
      free_block* const next = b->next.get();
      b->~free_block();
      count(slab_of(b));
      b = next;
    }
    for (link* l = ring_.after.get(); l != std::addressof(ring_);) {
      link* const next = l->after.get();
      note(*static_cast<slab*>(l));
      l = next;
    }
    count_slab();
  }

 private:
  static constexpr word closed = 1;
  static free_block* blocks(word list) noexcept { return reinterpret_cast<free_block*>(list & ~closed); }
  static slab& slab_of(void* p) noexcept { return *static_cast<slab*>(World::slab_of(p)); }
  bool is_end(link* l) const noexcept { return l == std::addressof(ring_); }

  // --- any thread ---

  void give(slab& s, void* p) noexcept {
    auto* const b = ::new (p) free_block;
    for (word now = returned_.load(block_site::heap_look); (now & closed) == 0;
         now = returned_.load(block_site::heap_look)) {
      b->next.set(blocks(now));
      if (returned_.compare_exchange(now, reinterpret_cast<word>(b), block_site::heap_give)) return;  // M4
    }
    b->~free_block();
    count(s);
  }
  /// One block of `s` has come back after the end. M3
  static void count(slab& s) noexcept {
    if (s.out.fetch_add(~std::size_t{0}, block_site::slab_count) == 1) destroy_last(s);
  }
  static void destroy_last(slab& s) noexcept {
    basic_block_heap& heap = s.heap;
    destroy(s);
    heap.count_slab();
  }
  static void destroy(slab& s) noexcept {
    if constexpr (!std::is_trivially_destructible_v<free_block>)  // in the models
      for (auto* b = s.free.get(); b != nullptr;) {
        free_block* const next = b->next.get();
        b->~free_block();
        b = next;
      }
    s.~slab();
    World::deallocate(std::addressof(s));
  }
  void count_slab() noexcept {
    if (slabs_.fetch_add(~std::size_t{0}, block_site::heap_count) == 1) World::destroy(this);
  }

  // --- the owner ---

  /// At the end. M2
  static void note(slab& s) noexcept {
    std::size_t const live = s.live.get();
    if (s.out.fetch_add(live, block_site::slab_note) + live == 0) destroy_last(s);
  }

  /// Sorts what other threads have given back into its slabs.
  void collect() noexcept {
    if (!has_returns()) return;
    for (auto* b = blocks(returned_.fetch_and(0, block_site::heap_take)); b != nullptr;) {
      free_block* const next = b->next.get();
      b->~free_block();
      put(slab_of(b), b);
      b = next;
    }
  }
  void* take_from(slab& s) noexcept {
    if (std::addressof(s) == empty_.get()) empty_.set(nullptr);
    void* p = s.free.get();
    if (auto* const b = static_cast<free_block*>(p)) {
      s.free.set(b->next.get());
      b->~free_block();
    } else {
      p = World::block(std::addressof(s), sizeof(slab), s.used.get());
      s.used.set(s.used.get() + 1);
    }
    s.live.set(s.live.get() + 1);
    if (s.live.get() == s.count) move_between(s, *ring_.before.get(), ring_);
    return p;
  }
  void put(slab& s, void* p) noexcept {
    auto* const b = ::new (p) free_block;
    b->next.set(s.free.get());
    s.free.set(b);
    if (s.live.get() == s.count) move_between(s, ring_, *ring_.after.get());
    s.live.set(s.live.get() - 1);
    if (s.live.get() == 0) retire(s);
  }
  /// Keeps one slab whose blocks are all free.
  void retire(slab& s) noexcept {
    if (empty_.get() == nullptr) return empty_.set(std::addressof(s));
    take_out(s);
    number_.set(number_.get() - 1);
    destroy(s);
  }
  /// A slab more, in front. Null if there is no memory.
  slab* grow() noexcept {
    std::size_t blocks_in = 0;
    void* const memory = World::allocate(number_.get(), sizeof(slab), blocks_in);
    if (memory == nullptr) return nullptr;
    auto* const s = ::new (memory) slab(*this, blocks_in);
    number_.set(number_.get() + 1);
    put_between(*s, ring_, *ring_.after.get());
    return s;
  }
  static void take_out(link& l) noexcept {
    l.before.get()->after.set(l.after.get());
    l.after.get()->before.set(l.before.get());
  }
  static void put_between(link& l, link& before, link& after) noexcept {
    l.before.set(std::addressof(before));
    l.after.set(std::addressof(after));
    before.after.set(std::addressof(l));
    after.before.set(std::addressof(l));
  }
  /// To the front or to the back of the ring, of which one of the two neighbours is the head.
  void move_between(link& l, link& before, link& after) noexcept {
    if (std::addressof(before) == std::addressof(l) || std::addressof(after) == std::addressof(l)) return;
    take_out(l);
    put_between(l, before, after);
  }

  typename platform::template atomic<word> returned_{0};      // what other threads gave back
  typename platform::template atomic<std::size_t> slabs_{0};  // since the end: slabs that are there
  link ring_;
  field<slab*> empty_{nullptr};   // the slab whose blocks are all free, if there is one
  field<std::size_t> number_{0};  // of slabs
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_BLOCK_HEAP_HPP
