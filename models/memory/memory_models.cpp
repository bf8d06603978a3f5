// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of blocks that other threads give back (G27): the heap of production (protocol/block_heap.hpp) with slabs
/// of two blocks. A block that is out holds a field, so whoever uses a block that another thread still has is found, as
/// is whoever touches a slab or a heap that is gone.
#include "checker/harness.hpp"

#include "cts/protocol/block_heap.hpp"

namespace cts::models {
namespace {

using P = platform<1, 1>;

/// What a block is used for.
using content = P::var<int>;

struct block_world {
  using platform = P;
  static constexpr std::size_t block_bytes = 256;
  static constexpr std::size_t blocks = 2;
  static constexpr std::size_t most = 8;
  static constexpr std::size_t head = 1024;
  static_assert(sizeof(content) <= block_bytes);

  static inline char* slabs[most];
  static void* allocate(std::size_t, std::size_t header, std::size_t& count) {
    require(header <= head, "the head of a slab is larger than the model thinks");
    count = blocks;
    for (char*& s : slabs)
      if (s == nullptr) return s = static_cast<char*>(P::allocate(head + blocks * block_bytes));
    return nullptr;
  }
  static void* block(void* slab, std::size_t, std::size_t i) {
    return static_cast<char*>(slab) + head + i * block_bytes;
  }
  static void* slab_of(void* block) {
    for (char* s : slabs)
      if (s != nullptr && block >= s && block < s + head + blocks * block_bytes) return s;
    require(false, "a block of no slab");
    return nullptr;
  }
  static void deallocate(void* slab) {
    the_reduction.touch(reduction::ends, true);
    for (char*& s : slabs)
      if (s == slab) s = nullptr;
    P::deallocate(slab, head + blocks * block_bytes);
  }
  template <class Heap>
  static void destroy(Heap* heap) {
    the_reduction.touch(reduction::ends, true);
    heap->~Heap();
    P::deallocate(heap, sizeof *heap);
  }
};
using heap = detail::basic_block_heap<block_world>;

/// A heap whose owner is thread 0, and blocks that are out.
struct yard {
  heap* h = nullptr;
  content* out[4] = {};   // that other threads give back
  content* kept[4] = {};  // that the owner has
  std::size_t taken = 0;

  void open(std::size_t blocks) {
    now = execution{};
    now.lifetimes = true;
    for (char*& s : block_world::slabs) s = nullptr;
    for (content*& c : kept) c = nullptr;
    taken = 0;
    h = ::new (P::allocate(sizeof(heap))) heap;
    for (std::size_t i = 0; i < blocks; ++i) out[i] = ::new (h->take()) content(1);
  }
  void take() {
    auto* const c = ::new (h->take()) content(1);
    for (content const* other : kept) require(c != other, "a block was taken twice");
    kept[taken++] = c;
  }
  /// On a thread whose own heap is `mine`.
  static void give_back(content* c, heap* mine) {
    c->set(c->get() + 1);
    c->~content();
    heap::give_back(c, mine);
  }
  void give_back_kept() {
    while (taken != 0) give_back(kept[--taken], h);
  }
  void close() {
    give_back_kept();
    h->end();
    for (char const* s : block_world::slabs) require(s == nullptr, "a slab stays when every block is back");
  }
};

struct return_vs_take : rl::test_suite<return_vs_take, 2>, yard {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 1) {
      give_back(out[0], nullptr);
      return;
    }
    take();
    take();
  }
  void after() {
    give_back(out[1], h);
    close();
  }
};
add<return_vs_take> m1("G27", "ReturnVersusTake",
                       "a block that another thread gives back is taken once, after its use (M1)", full(), 0);

struct two_returns_vs_take : rl::test_suite<two_returns_vs_take, 3>, yard {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i > 0) {
      give_back(out[i - 1], nullptr);
      return;
    }
    take();
    take();
  }
  void after() { close(); }
};
add<two_returns_vs_take> m2("G27", "TwoReturnsVersusTake", "two threads give back beside an owner that takes (M1, M4)",
                            large(2), 200000);

/// The owner takes, gives back and takes again, so that a head of the list comes back while a thread pushes.
struct return_vs_reuse : rl::test_suite<return_vs_reuse, 3>, yard {
  content* again = nullptr;
  void before() {
    open(3);
    again = nullptr;
  }
  void thread(unsigned i) {
    if (i > 0) {
      give_back(out[i - 1], nullptr);
      return;
    }
    take();
    take();
    give_back_kept();
  }
  void after() {
    give_back(out[2], h);
    close();
  }
};
add<return_vs_reuse> m3("G27", "ReturnVersusReuse", "an owner frees slabs while others give back (M1, M4)", large(2),
                        200000);

struct return_vs_end : rl::test_suite<return_vs_end, 2>, yard {
  void before() { open(1); }
  void thread(unsigned i) {
    if (i == 0) h->end();
    else give_back(out[0], nullptr);
  }
  void after() {
    for (char const* s : block_world::slabs) require(s == nullptr, "a slab stays when every block is back");
  }
};
add<return_vs_end> m4("G27", "ReturnVersusEnd", "a block comes back beside its owner's end: all memory goes (M2, M3)",
                      full(), 0);

/// Two slabs: one goes with its last block while the other is still in use.
struct two_returns_vs_end : rl::test_suite<two_returns_vs_end, 3>, yard {
  void before() { open(3); }
  void thread(unsigned i) {
    if (i == 0) {
      h->end();
      return;
    }
    give_back(out[i - 1], nullptr);
    if (i == 1) give_back(out[2], nullptr);
  }
  void after() {
    for (char const* s : block_world::slabs) require(s == nullptr, "a slab stays when every block is back");
  }
};
add<two_returns_vs_end> m5("G27", "TwoReturnsVersusEnd", "the same with two threads and two slabs (M2, M3, M4)",
                           large(2), 200000);

struct returns_after_end : rl::test_suite<returns_after_end, 2>, yard {
  void before() {
    open(3);
    h->end();
  }
  void thread(unsigned i) { give_back(out[i], nullptr); }
  void after() {
    give_back(out[2], nullptr);
    for (char const* s : block_world::slabs) require(s == nullptr, "a slab stays when every block is back");
  }
};
add<returns_after_end> m6("G27", "ReturnsAfterTheEnd", "two threads give back what outlives its owner (M3)", full(), 0);

struct add_memory_defects {
  add_memory_defects() {
    using enum detail::block_site;
    auto const says = [](std::uint64_t bits) { return [bits](std::uint64_t) { return bits; }; };
    // M1
    add_defect("return_without_compare", "G27",
               "a block is put on the list without a look whether the list has changed", {overwrites(heap_give)});
    add_defect("take_forgets_the_list", "G27", "the owner takes the list and forgets it",
               {returns(heap_take, says(0))});
    // M2
    add_defect("return_after_the_end", "G27", "a block is put on the list of an owner that has ended",
               {returns(heap_look, [](std::uint64_t found) { return found & ~std::uint64_t{1}; })});
    add_defect("end_forgets_the_list", "G27", "the owner's end does not count what was on the list",
               {returns(heap_close, says(0))});
    add_defect("end_notes_nothing", "G27", "the owner does not note how many blocks of a slab are out",
               {writes(slab_note, says(0))});
    // M3
    add_defect("first_block_frees_the_slab", "G27", "a slab goes with the first block that comes back",
               {returns(slab_count, says(1))});
    add_defect("last_block_keeps_the_slab", "G27", "no block that comes back frees its slab",
               {returns(slab_count, says(2))});
    add_defect("first_slab_frees_the_heap", "G27", "the heap goes with its first slab", {returns(heap_count, says(1))});
  }
} const add_defects;
add_table const orders(detail::block_site_table);

}  // namespace
}  // namespace cts::models
