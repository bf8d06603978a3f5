// SPDX-License-Identifier: BSL-1.0
/// @file
/// Looks at every slot of a registry, for reports (dump.hpp). It stands above the registry, so that the registry has no
/// code for it.
#pragma once
#ifndef CTS_CORE_INSPECTOR_HPP
#define CTS_CORE_INSPECTOR_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "cts/core/registry.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// A slot as it was read, together with the generation of its segment.
struct slot_snapshot {
  void const* slot;
  std::size_t stripe;
  std::size_t index;         ///< in its segment: the larger, the newer
  std::uint64_t generation;  ///< 1 for a segment that was never reset
  bool sealed;               ///< a registrant is looking whether the segment is empty
  word found;

  /// Whether the callback waits for cancel.
  bool live() const noexcept { return is_live(found); }
  /// Whether the callback runs.
  bool running() const noexcept { return (found & 3) == 2 && found != kept; }
  /// The callback, which may be gone: not to be dereferenced.
  void const* callback() const noexcept {
    return reinterpret_cast<void const*>(narrowed<std::uintptr_t>(found & ~word{3}));
  }
};

template <class Platform, std::size_t InlineSlots>
struct inspector<segment_stack<Platform, InlineSlots>> {
  /// Calls `visit(slot, index, generation)` for each slot, the newest first, until `visit` returns false.
  template <class Visit>
  static bool visit_slots(segment_stack<Platform, InlineSlots>& stack, Visit visit) noexcept {
    for (auto* s = stack.top(); s != nullptr; s = s->older()) {
      word const gen = s->generation();
      for (std::size_t i = s->capacity(); i-- != 0;)
        if (!visit(s->at(i), i, gen)) return false;
    }
    return true;
  }
};

template <class Platform, std::size_t Gap>
struct inspector<compact_stack<Platform, Gap>> {
  using stack_type = compact_stack<Platform, Gap>;

  /// The same; the slots in place have no generation.
  template <class Visit>
  static bool visit_slots(stack_type& stack, Visit visit) noexcept {
    auto const top = stack.top_.load(site::top_find) & ~stack_type::closed;
    if (top != 0 && !inspector<typename stack_type::annex_stack>::visit_slots(stack_type::annex_of(top), visit))
      return false;
    for (std::size_t i = stack.slots_.size(); i-- != 0;)
      if (!visit(stack.slots_[i], i, generation_step)) return false;
    return true;
  }
};

template <class Platform, std::size_t Stripes, class Layout>
struct inspector<basic_registry<Platform, Stripes, Layout>> {
  using registry = basic_registry<Platform, Stripes, Layout>;
  /// Calls `visit(slot_snapshot)` for each slot, the newest of a stripe first, until `visit` returns false. Loads only;
  /// may overlap every operation but dispose. A slot whose segment moves to the top meanwhile may be visited twice.
  template <class Visit>
  static void visit_slots(registry& r, Visit visit) noexcept {
    r.all().each([&visit](auto& stack, std::size_t stripe) {
      auto const visit_slot = [&](auto& at, std::size_t index, word gen) {
        return visit(
            slot_snapshot{std::addressof(at), stripe, index, gen / generation_step, is_sealed(gen), at.peek()});
      };
      return inspector<std::remove_reference_t<decltype(stack)>>::visit_slots(stack, visit_slot);
    });
  }
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_INSPECTOR_HPP
