// SPDX-License-Identifier: BSL-1.0
/// @file
/// A slot: the whole life of a registration in one word.
///
///                      publish                take                    finish
///     dead(older gen) ─────────▶ live(c) ───────────────▶ running(c) ─────────▶ done
///           ▲                      │ │ hold                   resume finishes a callback that has paused
///           │  unregister, retract │ └──────▶ held(c) ── keep ─▶ kept
///           │                      ▼                              │ release
///           └── new generation ── dead(this gen) ◀────────────────┘
///                                  └── publish ─▶ live (only just below the frontier)
///
/// A slot is *unused* in generation g if its word is dead with a generation below g. So a new generation frees every
/// slot of its segment at once, and no value comes back (no ABA).
///
///     bits            63 … 10     9      8 … 2     1 0
///     dead            generation  0      0         0 0
///     live(c)         address of the callback c    0 1
///     running(c)      address of the callback c    1 0     holds c: nothing waits for a later callback of the slot
///     held(c)         address of the callback c    1 1     by remove_all, which hands c over
///     kept            0           0      0         1 0     c has left; remove_all goes on below this slot
///     done            0           0      0         1 1
///     a generation    number      sealed 0         0 0
///     a cursor        generation  0      index (bits 8 … 0)
#pragma once
#ifndef CTS_CORE_SLOT_HPP
#define CTS_CORE_SLOT_HPP

#include <cstdint>
#include <memory>
#include <type_traits>

#include "cts/core/memory_orders.hpp"
#include "cts/core/platform.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

using word = std::uint64_t;

inline constexpr word generation_step = 1024;
inline constexpr word seal = 512;  // above every index, so no cursor belongs to a sealed generation
inline constexpr word done = 3;
inline constexpr word kept = 2;

constexpr bool is_dead(word w) noexcept { return (w & 3) == 0; }
constexpr bool is_live(word w) noexcept { return (w & 3) == 1; }
constexpr bool is_unused(word w, word generation) noexcept { return is_dead(w) && w < generation; }
constexpr bool is_sealed(word generation) noexcept { return (generation & seal) != 0; }
constexpr word dead(word generation) noexcept { return generation & ~seal; }

template <class Callback>
word live(Callback const& c) noexcept {
  return word{reinterpret_cast<std::uintptr_t>(std::addressof(c))} | 1;
}
template <class Callback>
word running(Callback const& c) noexcept {
  return word{reinterpret_cast<std::uintptr_t>(std::addressof(c))} | 2;
}
template <class Callback>
word held(Callback const& c) noexcept {
  return word{reinterpret_cast<std::uintptr_t>(std::addressof(c))} | 3;
}
/// What is done with a callback that is not registered any more.
enum class slot_use : std::uint8_t {
  none,     ///< nothing
  running,  ///< the canceller runs it
  held      ///< a remove_all hands it over
};
/// Casts only where the types differ: -Wuseless-cast reports the rest.
template <class Integer>
constexpr Integer narrowed(word w) noexcept {
  if constexpr (std::is_same_v<Integer, word>) return w;
  else return static_cast<Integer>(w);
}
template <class Callback>
Callback* callback_of(word w) noexcept {
  return reinterpret_cast<Callback*>(narrowed<std::uintptr_t>(w & ~word{3}));
}

/// The word and its transitions; false: nothing has changed.
template <class Platform>
class basic_slot {
 public:
  constexpr explicit basic_slot(word w) noexcept : word_(w) {}

  CTS_HOT word read(site how) const noexcept { return word_.load(how); }
  CTS_HOT word peek() const noexcept { return word_.load(site::slot_peek); }

  /// seen → live, by a registrant.
  CTS_HOT bool publish(word seen, word live) noexcept { return word_.compare_exchange(seen, live, site::slot_publish); }
  /// live → dead, by a registrant that came too late. False: a canceller has taken the callback (G4).
  bool retract(word live, word dead) noexcept { return word_.compare_exchange(live, dead, site::slot_retract); }
  /// live → dead, by the owner (G5).
  CTS_HOT bool unregister(word live, word dead) noexcept {
    if (word_.compare_exchange(live, dead, site::slot_unregister)) [[likely]]
      return true;
    // TRICKY: the load orders the caller after the canceller, so that it reads the flag as set (G8).
    static_cast<void>(word_.load(site::slot_too_late));
    return false;
  }
  /// live → running, by a canceller; live → held, by remove_all (G2).
  CTS_HOT bool take(word live, word taken) noexcept { return word_.compare_exchange(live, taken, site::slot_take); }
  /// running → done (G6).
  CTS_HOT void finish() noexcept { word_.store(done, site::slot_done); }
  /// The same for a callback that has paused.
  void finish_paused() noexcept { word_.store(done, site::slot_resume); }
  /// held → kept, by remove_all.
  void keep() noexcept { word_.store(kept, site::slot_done); }
  /// kept → dead, by remove_all.
  void release(word dead) noexcept { word_.store(dead, site::slot_done); }
  /// None makes the effects of `c` visible (G6).
  template <class Callback>
  slot_use use_of(Callback const& c) const noexcept {
    word const now = word_.load(site::slot_await);
    return now == core::running(c) ? slot_use::running : now == core::held(c) ? slot_use::held : slot_use::none;
  }
  /// The same of a callback that may be gone. False: none.
  bool still(word taken) const noexcept { return word_.load(site::slot_await) == taken; }

 private:
  typename Platform::template atomic<word> word_;
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_SLOT_HPP
