// SPDX-License-Identifier: BSL-1.0
/// @file
/// An array of slots with a generation. Slots are handed out in ascending order, so position is age:
///
///   I1  below the cursor (g, i) every slot has been used in generation g;
///   I2  in one generation an unused slot never becomes unused again, so the frontier (the first unused slot) only rises;
///   I3  a registration counts only if the generation it read is still there, unsealed, after it published itself;
///   I4  a new generation is opened only by the thread that sealed the old one and then saw no live slot.
///
/// By I1 and I2 a registration that happened before another one sits below it (G9). By I3, I4 and the seq_cst handshake
/// slot_publish / gen_recheck against gen_seal / slot_verify no live registration is in a segment that is reset or moved.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"

namespace cts::core {

/// The header of a segment; its slots follow it in memory.
template <class Platform>
class segment {
 public:
  template <class T>
  using atomic = typename Platform::template atomic<T>;
  using slot = atomic<word>;

  static constexpr std::size_t bytes(std::size_t slots) noexcept { return sizeof(segment) + slots * sizeof(slot); }

  /// Builds a segment in `storage`, which has bytes(slots) bytes.
  static segment* build(void* storage, std::size_t slots) noexcept {
    segment* const s = ::new (storage) segment(slots);
    for (std::size_t i = 0; i < slots; ++i) ::new (static_cast<void*>(&s->at(i))) slot(word{0});
    return s;
  }
  static void destroy(segment* s) noexcept {
    for (std::size_t i = 0; i < s->capacity_; ++i) std::destroy_at(&s->at(i));
    std::destroy_at(s);
  }

  std::size_t capacity() const noexcept { return capacity_; }
  slot& at(std::size_t i) noexcept {
    return *reinterpret_cast<slot*>(reinterpret_cast<std::byte*>(this) + sizeof(segment) + i * sizeof(slot));
  }

  /// Where the next registration of this generation goes.
  struct place {
    slot* where;  // null: the segment is full
    word seen;    // what is in the slot now
    word cursor;  // what the cursor shall say once the slot is used; 0: it is that far already
  };

  /// Of an unsealed generation: the frontier, or the slot just below it if that one has died in this generation.
  CTS_HOT place find(word gen) noexcept {
    word const past = cursor_.load(site::cursor_find) - gen;
    std::size_t const known = past <= capacity_ ? static_cast<std::size_t>(past) : 0;  // else of another generation
    std::size_t i = known;
    if (Platform::mutation(mutation::cursor_without_generation) && past > capacity_)
      i = static_cast<std::size_t>(past % generation_step) % (capacity_ + 1);
    if (!Platform::mutation(mutation::cursor_without_generation) && i - 1 < capacity_ - 1) [[likely]] {  // as below, for the usual case
      word const here = at(i).load(site::slot_peek);
      if (is_unused(here, gen)) [[likely]] {
        if (at(i - 1).load(site::slot_peek) == gen) [[likely]]
          return {&at(i - 1), gen, 0};  // `gen`, not what was read: the compare-and-swap need not wait for the load
        return {&at(i), here, gen + i + 1};
      }
    }
    word seen = 0;
    while (i < capacity_ && !is_unused(seen = at(i).load(site::slot_peek), gen)) [[unlikely]] ++i;
    if (i == capacity_) return {nullptr, 0, 0};  // full: not even its last slot is reused, so that it can become empty
    if (i > 0 && at(i - 1).load(site::slot_peek) == gen) return {&at(i - 1), gen, i > known ? gen + i : 0};
    return {&at(i), seen, gen + i + 1};
  }

  /// Records that the slots up to and including that of `p` have been used (I1).
  void advance(place const& p) noexcept {
    if (p.cursor != 0) cursor_.store(p.cursor, site::cursor_advance);
  }

  /// Tries to take the segment out of use (I4): true if it holds no registration and the caller alone may open it again.
  bool claim(word gen) noexcept {
    if (is_sealed(gen) || !all_dead(site::slot_peek)) return false;
    word expected = gen;
    if (!generation_.compare_exchange(expected, gen | seal, site::gen_seal)) return false;
    if (Platform::mutation(mutation::claim_without_verifying) || all_dead(site::slot_verify)) return true;
    unseal();
    return false;
  }
  void unseal() noexcept { generation_.fetch_xor(seal, site::gen_unseal); }
  /// Opens the next generation: every slot is unused. Only for who claimed the segment.
  void open(word gen) noexcept {
    bool const defect = Platform::mutation(mutation::reset_without_generation);
    generation_.store(defect ? gen : gen + generation_step, site::gen_open);
  }

  /// What is left in a slot that is given back when the generation `now` is there: it counts as used in that one or, if that
  /// is sealed, in the next, which may be open by then and whose registrants have passed the slot.
  static constexpr word dead_from(word now) noexcept { return is_sealed(now) ? dead(now) + generation_step : now; }
  /// The same for who has taken a slot that was live.
  word dead_from_now() noexcept { return dead_from(generation_.load(site::gen_recheck)); }

  atomic<word> generation_{generation_step};
  atomic<std::uintptr_t> older_{0};  // the next older segment; its low bit marks that this one is on its way out of the list

 private:
  explicit segment(std::size_t slots) noexcept : capacity_(slots) {}

  bool all_dead(site how) noexcept {
    for (std::size_t i = 0; i < capacity_; ++i)
      if (!is_dead(at(i).load(how))) return false;
    return true;
  }
  std::size_t const capacity_;
  atomic<word> cursor_{0};  // generation + index: below index every slot has been used in that generation
};

}  // namespace cts::core
