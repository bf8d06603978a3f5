// SPDX-License-Identifier: BSL-1.0
/// @file
/// The steps of the core that a mutant replaces (core::replaced). Without the defect they are those of the core.
#pragma once

#include <cstddef>

#include "defects.hpp"

#include "cts/core/registry.hpp"

namespace cts::models {

/// scan_oldest_first (G9).
template <class P>
struct oldest_first : core::newest_first<P> {
  using base = core::newest_first<P>;
  template <class Visit>
  static bool visit_block(typename base::segment& s, std::size_t first, typename base::block const& b, Visit& visit) {
    if (!is_replaced("newest_first")) return base::visit_block(s, first, b, visit);
    for (std::size_t i = 0; i < base::block::size; ++i)
      if (!base::visit_one(s, first + i, b.words[i], visit)) return false;
    return true;
  }
};

/// stay_registered_on_failure (G15).
template <class P>
struct unnoticed_failure : core::failed_growth<P> {
  static core::register_result answer(core::basic_callback<P>& c) {
    core::register_result const result = core::failed_growth<P>::answer(c);
    return is_replaced("failed_growth") ? core::register_result::registered : result;
  }
};

/// compact_lowest_slot (G9).
template <class P>
struct lowest_slot : core::above_the_highest<P> {
  template <class Slots>
  static std::size_t find(Slots const& slots) {
    if (!is_replaced("above_the_highest")) return core::above_the_highest<P>::find(slots);
    std::size_t i = 0;
    while (i != slots.size() && slots[i].peek() != core::dead(0)) ++i;
    return i;
  }
};

/// compact_annex_last (G9).
template <class P>
struct annex_last : core::annex_first<P> {
  template <class Annex, class Slots>
  static bool scan(Annex annex, Slots slots) {
    return is_replaced("annex_first") ? slots() && annex() : core::annex_first<P>::scan(annex, slots);
  }
};

}  // namespace cts::models
