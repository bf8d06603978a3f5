// SPDX-License-Identifier: BSL-1.0
/// @file
/// The states of a slot. A registration's whole life is one word:
///
///                       register                    cancel               callback returned
///     dead(older gen) ───────────▶ live(callback) ──────────▶ running(callback) ────────▶ done
///            ▲      slot_publish     │        slot_take                   slot_done
///            │                       │ unregister: slot_unregister, slot_retract
///            │ new generation        ▼
///            └─────────────────── dead(this gen) ──register──▶ live (only the slot just below the frontier)
///
/// A slot is *unused* in generation g if it is dead since an earlier one; so opening a new generation frees all slots
/// of a segment at once and without writing to any of them, and no value ever comes back (no ABA).
#pragma once
#ifndef CTS_CORE_SLOT_HPP
#define CTS_CORE_SLOT_HPP

#include <cstdint>
#include <memory>
#include <type_traits>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// A slot's word. The two low bits tell the kind: 00 dead(generation), 01 live(callback), 10 running(callback), 11
/// done.
using word = std::uint64_t;

/// Generations of a segment advance by this much: room for the seal, and for the cursor (generation + index) below it.
/// The seal is above every index, so that a cursor is never of a sealed generation.
inline constexpr word generation_step = 1024;
inline constexpr word seal = 512;

inline constexpr word done = 3;

constexpr bool is_dead(word w) noexcept { return (w & 3) == 0; }
constexpr bool is_live(word w) noexcept { return (w & 3) == 1; }
constexpr bool is_unused(word w, word generation) noexcept { return is_dead(w) && w < generation; }
constexpr bool is_sealed(word generation) noexcept { return (generation & seal) != 0; }
constexpr word dead(word generation) noexcept { return generation & ~seal; }

template <class Callback>
word live(Callback const& c) noexcept {
  return word{reinterpret_cast<std::uintptr_t>(std::addressof(c))} | 1;
}
/// Names its callback, so that nobody waits for one that has inherited a slot.
template <class Callback>
word running(Callback const& c) noexcept {
  return word{reinterpret_cast<std::uintptr_t>(std::addressof(c))} | 2;
}
/// No cast where the types are the same, which -Wuseless-cast reports.
template <class Integer>
constexpr Integer narrowed(word w) noexcept {
  if constexpr (std::is_same_v<Integer, word>) return w;
  else return static_cast<Integer>(w);
}
template <class Callback>
Callback* callback_of(word w) noexcept {
  return reinterpret_cast<Callback*>(narrowed<std::uintptr_t>(w & ~word{3}));
}

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_SLOT_HPP
