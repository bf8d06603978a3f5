// SPDX-License-Identifier: BSL-1.0
/// @file
/// A count of references in stripes, for an owner that many threads use (G26): a thread counts in its stripe,
/// and the owner has a central count beside (protocol/reference_count.hpp). The stripes stand in front of their owner,
/// in one allocation with it and with the row of its registry:
///
///     row of the registry's stripes │ counts: stripe n-1 … stripe 0 │ owner
///
///     a stripe's word:   bit  … 1                                               0
///                        references taken here, less those dropped here         mark
///
///     counting ──stripe_mark──▶ marked            share and drop are stripe_share and stripe_drop in both
///
///   H1  A reference is counted once: in the word of a stripe that has no mark, or in the central count. A thread that
///       finds no mark has counted. A thread that finds the mark counts in the central count, too.
///   H2  Each stripe is marked once, by the thread that ends the source. The read-modify-write that marks it returns
///       its count; no thread reads that count again.
///   H3  The central count has a bias until all stripes are marked and their counts are added to it. So it comes to
///       zero only when no reference is left, and only once.
///   H4  A thread that shares or drops holds a counted reference until its last access (S2, K4). So a thread that finds
///       the mark may use the central count: the owner is still there.
///
/// A thread may drop what another has taken, so a stripe may count below zero; the sum does not.
#pragma once
#ifndef CTS_PROTOCOL_STRIPED_COUNT_HPP
#define CTS_PROTOCOL_STRIPED_COUNT_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "cts/core/stripes.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The part of a count that the threads of one stripe write, on a cache line of its own.
template <class Platform>
class alignas(Platform::line) count_stripe {
 public:
  using word = std::uintptr_t;

  /// True: the stripe is marked (H1).
  CTS_HOT bool share() noexcept { return is_marked(word_.fetch_add(one, site::stripe_share)); }
  CTS_HOT bool drop() noexcept { return is_marked(word_.fetch_add(word{0} - one, site::stripe_drop)); }
  /// Marks the stripe (H2). @return what it has counted; below zero, as a word does it: modulo its range
  word mark() noexcept {
    word const before = word_.fetch_or(marked, site::stripe_mark);
    return static_cast<word>(static_cast<std::intptr_t>(before) >> 1);
  }

 private:
  static constexpr word marked = 1;
  static constexpr word one = 2;
  static bool is_marked(word w) noexcept { return (w & marked) != 0; }

  typename Platform::template atomic<word> word_{0};
};

/// The stripes in front of an owner. Static functions of the owner's address and the number of stripes, a power of two,
/// which the owner keeps. 0: there are none, and nothing is in front.
template <class Platform>
class striped_count {
  using stripe = count_stripe<Platform>;

 public:
  using row = core::stripe_row<Platform>;
  using word = typename stripe::word;

  /// The bytes in front of an owner with n stripes: a multiple of a line.
  static constexpr std::size_t bytes(std::size_t n) noexcept { return n != 0 ? row::bytes(n) + n * sizeof(stripe) : 0; }
  /// Builds n stripes in `block`, which has the alignment of a line.
  /// @return the place of the owner, which is aligned as the block
  static void* build(void* block, std::size_t n) noexcept {
    if (n == 0) return block;
    row::build(block, n);
    void* const owner = static_cast<std::byte*>(block) + bytes(n);
    for (std::size_t i = 0; i < n; ++i) ::new (static_cast<void*>(std::addressof(at(owner, i)))) stripe;
    return owner;
  }
  /// Ends the stripes of an owner that is destroyed. @return the block
  static void* release(void* owner, std::size_t n) noexcept {
    if (n == 0) return owner;
    for (std::size_t i = 0; i < n; ++i) std::destroy_at(std::addressof(at(owner, i)));
    row* const all = row_of(owner, n);
    row::destroy(all);
    return all;
  }
  static row* row_of(void* owner, std::size_t n) noexcept {
    if (n == 0) return nullptr;
    void* const block = static_cast<std::byte*>(owner) - bytes(n);
    return static_cast<row*>(block);
  }

  /// The stripe of the calling thread.
  CTS_HOT static stripe& mine(void* owner, std::size_t n) noexcept {
    return at(owner, Platform::thread_index() & (n - 1));
  }
  /// Marks every stripe. @return what they have counted
  static word mark_all(void* owner, std::size_t n) noexcept {
    word sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += at(owner, i).mark();
    return sum;
  }

 private:
  CTS_HOT static stripe& at(void* owner, std::size_t i) noexcept {
    // As a number: the compiler knows nothing of what stands in front of an owner.
    return *reinterpret_cast<stripe*>(reinterpret_cast<std::uintptr_t>(owner) - (i + 1) * sizeof(stripe));
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_STRIPED_COUNT_HPP
