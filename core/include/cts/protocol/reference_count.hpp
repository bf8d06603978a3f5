// SPDX-License-Identifier: BSL-1.0
/// @file
/// The count of references to a state: in one word, or, for a shared source, in stripes and a central word until the
/// source ends (H1 to H4 of protocol/striped_count.hpp, G26).
///
///     plain:    central = references
///     shared:   central = bias + 1, the source's own; the others in the stripes
///                 └──end: mark all stripes, add their counts, take away bias + 1──▶ central = references
#pragma once
#ifndef CTS_PROTOCOL_REFERENCE_COUNT_HPP
#define CTS_PROTOCOL_REFERENCE_COUNT_HPP

#include <cstddef>
#include <cstdint>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/striped_count.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// `owner` is the address of the state that the count belongs to. A count begins with one reference, the source's.
template <class Platform>
class reference_count {
  using counts = striped_count<Platform>;

 public:
  using word = typename counts::word;

  /// @param stripes how many stand in front of the owner; 0: none
  explicit reference_count(std::size_t stripes) noexcept
      : central_(stripes == 0 ? word{1} : bias + 1),
        last_stripe_(static_cast<std::uint16_t>(stripes - (stripes != 0))) {}

  std::size_t stripes() const noexcept { return last_stripe_ == 0 ? 0 : last_stripe_ + std::size_t{1}; }

  template <site By>
  CTS_HOT void share(void* owner) noexcept {
    if (last_stripe_ != 0) [[unlikely]]
      return share_striped(owner);
    central_.fetch_add(1, By);
  }
  /// @return true: it was the last one; the caller destroys the owner
  template <site By>
  CTS_HOT bool drop(void* owner) noexcept {
    if (last_stripe_ != 0) [[unlikely]]
      return drop_striped(owner);
    return central_.fetch_add(minus_one, By) == 1;
  }
  /// Whether the source's reference is the only one; false for a shared source, which does not know.
  bool is_alone() const noexcept { return central_.load(site::refs_alone) == 1; }
  /// Drops the source's reference. Once, when the source ends. @return as drop()
  template <site By>
  bool end(void* owner) noexcept {
    if (last_stripe_ != 0) [[unlikely]]
      return end_striped(owner);
    return central_.fetch_add(minus_one, By) == 1;
  }

 private:
  static constexpr word minus_one = ~word{0};
  static constexpr word bias = word{1} << (sizeof(word) * 8 - 2);  // more than there can be references

  CTS_APART void share_striped(void* owner) noexcept {
    if (counts::mine(owner, stripes()).share()) [[unlikely]]
      central_.fetch_add(1, site::late_share);
  }
  CTS_APART bool drop_striped(void* owner) noexcept {
    return counts::mine(owner, stripes()).drop() && central_.fetch_add(minus_one, site::late_drop) == 1;
  }
  CTS_COLD bool end_striped(void* owner) noexcept {
    word const less = bias + 1 - counts::mark_all(owner, stripes());  // H3
    return central_.fetch_add(word{0} - less, site::stripes_end) == less;
  }

  typename Platform::template atomic<word> central_;
  std::uint16_t const last_stripe_;  // 0: no stripes
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_REFERENCE_COUNT_HPP
