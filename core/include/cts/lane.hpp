// SPDX-License-Identifier: BSL-1.0
/// @file
/// A lane: registrations of one owner in one registry, without any read-modify-write. For long-lived tokens on which
/// callbacks come and go all the time. A pair of register and unregister is a handful of plain loads and stores; a
/// cancel pays for it with one barrier that interrupts the threads of the process (protocol/asymmetric_barrier.hpp), a
/// lane each.
///
/// To its registry (more exactly: to its home, which may be what a token stands for, cancellation_lane.hpp) the lane is
/// one callback, registered when the lane is made. When cancel comes to it, it closes the lane and runs what is
/// registered there, newest first; so to the other callbacks of the registry the lane stands where it was made (G9 in
/// the lane).
///
/// The owner announces what it does in a slot, passes the light side of the barrier and looks whether the lane is
/// closed; the canceller closes the lane, passes the heavy side and looks at the slots. So
///
///   L1  what the owner did before it last found the lane open is what the canceller finds: at most the one operation
///   during which the
///       owner learns that the lane is closed is in doubt;
///   L2  that one, and every later unregister, is decided in the slot's second word, by a compare-and-swap against the
///   canceller; L3  a slot whose second word is written is never used again: a lane is closed for good; L4  a
///   registration gets a slot above all that are in use, and segments are stacked, so position is age. What is found in
///   a segment that
///       was linked after the walk had passed the place is left to its owner, who learns that it has come too late
///       (L2);
///   L5  only the owner links segments and takes them out, and none is freed before the lane is;
///   L6  a lane that is taken out of its home (try_reset) is looked at by nobody but its owner, who begins anew when it
///   learns of it, and L3
///       with it.
#pragma once
#ifndef CTS_LANE_HPP
#define CTS_LANE_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/protocol/asymmetric_barrier.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {

namespace detail {
/// Where a registration of a lane is: what is registered there, and who has decided that it runs or does not.
template <class Platform>
struct lane_slot {
  explicit lane_slot(std::uint32_t i, std::uintptr_t w = 0) noexcept : what(w), fate(0), index(i) {}
  typename Platform::template atomic<std::uintptr_t> what;  // the address of the callback; 0: none
  typename Platform::template atomic<std::uint32_t> fate;
  std::uint32_t const index;  // in its segment
};

/// The values of a lane's state.
struct lane_state {
  static constexpr std::uint32_t closed = 0;
  static constexpr std::uint32_t detached = 1;  // it was taken out of its home, or there was no memory to register it
  static constexpr std::uint32_t open = 2;
  static constexpr std::uint32_t open_one_sided = 3;  // the same; the barrier is
};

/// The step of the canceller's walk that decides which callback runs next.
struct lane_walk_order {
  /// The index of the slot that the walk visits as its `n`th in a segment: the newest registrations first (G9).
  static constexpr std::uint32_t visited(std::uint32_t n, std::uint32_t capacity) noexcept { return capacity - 1 - n; }
};
/// The step of an unregister that tells whether a callback still is in its slot.
struct lane_slot_ownership {
  /// Whether the slot, in which `found` is registered, still is the one of `mine`: another callback may have it by now.
  static constexpr bool holds(std::uintptr_t found, std::uintptr_t mine) noexcept { return found == mine; }
};
}  // namespace detail

template <class Home, class Barrier>
class basic_lane;

/// What a lane runs: derive from it or embed it. It must not move or die while registered, as core::callback.
template <class Platform>
class basic_lane_callback {
 public:
  using function = void (*)(basic_lane_callback&) noexcept;
  explicit basic_lane_callback(function run) noexcept : run_(run), slot_(nullptr) {}
  basic_lane_callback(basic_lane_callback const&) = delete;
  basic_lane_callback& operator=(basic_lane_callback const&) = delete;

 private:
  template <class, class>
  friend class basic_lane;
  typename Platform::template var<function> run_;
  typename Platform::template var<detail::lane_slot<Platform>*> slot_;
};

/// Where a lane is registered: a registry. Anything else that has these members may be a home, too.
template <class Registry>
class lane_home {
 public:
  using platform = typename Registry::platform;
  using base = core::basic_callback<platform>;
  lane_home(Registry& r) noexcept : registry_(r) {}
  core::register_result enter(base& lane) const noexcept { return registry_.try_register(lane); }
  bool unregister(base& lane) const noexcept { return registry_.unregister(lane); }
  void await_return(base& lane) const noexcept { registry_.await_return(lane); }
  bool is_running(base const& lane) const noexcept { return registry_.is_running(lane); }
  bool runs_here() const noexcept { return registry_.canceller() == platform::this_thread(); }
  bool is_cancellation_requested() const noexcept { return registry_.is_cancellation_requested(); }
  /// Asked after each callback: whether the rest shall not run.
  static bool shall_stop() noexcept { return false; }

 private:
  Registry& registry_;
};

/// One owner at a time: calls must not overlap, from whichever threads they come; what makes one happen before the next
/// hands the lane over. Only inside a callback of the lane, whichever thread runs it, may registrations of the lane be
/// taken back while the owner does so, too; there the lane may also be destroyed, if its owner is done with it. No
/// member throws.
/// @tparam Home what cancels it
/// @tparam Barrier what owner and canceller meet in
template <class Home, class Barrier = detail::pairwise_barrier<typename Home::platform>>
class alignas(Home::platform::line) basic_lane : private Home::base {
  using platform = typename Home::platform;
  using base = core::basic_callback<platform>;
  using slot = detail::lane_slot<platform>;
  using site = detail::site;
  using walk_order = core::step<platform, detail::lane_walk_order>;
  using ownership = core::step<platform, detail::lane_slot_ownership>;

 public:
  using callback = basic_lane_callback<platform>;
  using register_result = core::register_result;

  /// Registers itself at `home`, which must outlive it. One read-modify-write; may allocate there. Further arguments
  /// are for the base.
  template <class... More>
  explicit basic_lane(Home home, More... more) noexcept
      : Home::base(&run, more...), home_(home), newest_(address(*build(inline_storage_, platform::inline_slots))) {
    current_.set(std::addressof(inline_segment()));
    frontier_.set(std::addressof(inline_segment().at(0)));
    attach();
  }
  basic_lane(basic_lane const&) = delete;
  basic_lane& operator=(basic_lane const&) = delete;
  /// What is still registered never runs. Waits, if the lane's callbacks are being run on another thread, until that
  /// has ended; not inside one of them. One read-modify-write, O(segments).
  ~basic_lane() {
    if (!home_.unregister(*this)) {
      if (home_.runs_here() && home_.is_running(*this)) *reinterpret_cast<bool*>(gone_.get()) = true;
      else home_.await_return(*this);
    }
    release_all();
  }

  /// Registers `c`. No read-modify-write (one where there is no process_barrier), O(1), waits for nothing; allocates
  /// only when there are more at once than ever before and than fit. What happened before is visible to the callback
  /// (G8). R16, R19.
  /// @return as core::basic_registry::try_register
  CTS_HOT register_result try_register(callback& c) noexcept {
    std::uint32_t const now = state_.load(site::lane_state_read);
    if (home_.is_cancellation_requested() || !is_open(now)) [[unlikely]]
      return refuse(c, now);
    slot* const at = next();
    c.slot_.set(at);
    if (at == nullptr) [[unlikely]]
      return register_result::out_of_memory;
    at->what.store(reinterpret_cast<std::uintptr_t>(std::addressof(c)), site::lane_publish);
    if (still_open(now)) [[likely]]
      return register_result::registered;
    // It may run, and be gone, unless this succeeds (L2).
    if (!decide(*at, withdrawn, site::lane_retract)) return register_result::registered;
    return refuse(c, state_.load(site::lane_state_read));
  }

  /// Takes `c` back if it has not begun to run. No read-modify-write before cancel, one after it; O(1), wait-free,
  /// never waits. R43, R44.
  /// @return true: it has not run and never will; false: it runs or ran, and then the flag reads as set, or it was not
  /// registered
  CTS_HOT bool unregister(callback& c) noexcept { return take_back(c) == taken_back::yes; }

  /// Takes `c` back, or waits until it has returned, for this one callback only, and not at all on the thread that runs
  /// the callbacks. R46–R48.
  CTS_HOT void unregister_and_wait(callback& c) noexcept {
    if (take_back(c) == taken_back::too_late) [[unlikely]]
      await_return(*c.slot_.get());
  }

 private:
  // The fate of a slot: open, then one of
  static constexpr std::uint32_t withdrawn = 1;  // it does not run
  static constexpr std::uint32_t running = 2;
  static constexpr std::uint32_t done = 3;
  static constexpr std::uint32_t closed = detail::lane_state::closed;
  static constexpr std::uint32_t detached = detail::lane_state::detached;
  static constexpr std::uint32_t open = detail::lane_state::open;
  static constexpr std::uint32_t open_one_sided = detail::lane_state::open_one_sided;

  /// Slots follow it in memory. The plain fields are the owner's.
  struct segment {
    segment(std::uint32_t n) noexcept : capacity(n) {}
    slot& at(std::uint32_t i) noexcept { return reinterpret_cast<slot*>(this + 1)[i]; }
    typename platform::template atomic<std::uintptr_t> older{0};  // the next older segment
    typename platform::template atomic<core::word> age{0};        // larger: linked later
    typename platform::template var<segment*> newer{nullptr};     // the other way; of a spare one: the next spare
    typename platform::template var<std::uint32_t> live{
        0};  // how many registrations there are, but for the newest segment
    std::uint32_t const capacity;
    slot floor{0, 1};  // just below the first one, in use for ever
  };
  /// The slots follow the segment, so nothing may follow the floor in it. (Types of models have no offsets; theirs have
  /// one alignment.)
  static constexpr bool ends_with_its_floor() noexcept {
    if constexpr (std::is_standard_layout_v<segment>) return offsetof(segment, floor) + sizeof(slot) == sizeof(segment);
    else return alignof(segment) == alignof(slot);
  }

  static constexpr std::size_t bytes(std::size_t n) noexcept { return sizeof(segment) + n * sizeof(slot); }
  static segment* build(void* storage, std::uint32_t n) noexcept {
    static_assert(ends_with_its_floor(), "the floor must be the slot before the first one");
    segment* const s = ::new (storage) segment(n);
    for (std::uint32_t i = 0; i < n; ++i) ::new (static_cast<void*>(std::addressof(s->at(i)))) slot(i);
    return s;
  }
  static void destroy(segment* s) noexcept {
    for (std::uint32_t i = 0; i < s->capacity; ++i) std::destroy_at(std::addressof(s->at(i)));
    std::destroy_at(s);
  }
  static std::uintptr_t address(segment& s) noexcept { return reinterpret_cast<std::uintptr_t>(std::addressof(s)); }
  static segment* segment_at(std::uintptr_t link) noexcept { return reinterpret_cast<segment*>(link); }
  static segment& segment_of(slot& at) noexcept {
    return reinterpret_cast<segment*>(std::addressof(at) - at.index)[-1];
  }
  segment& inline_segment() noexcept { return *static_cast<segment*>(static_cast<void*>(inline_storage_)); }

  static bool is_open(std::uint32_t state) noexcept { return state >= open; }
  /// The owner's look after it has announced what it does (L1); `now` is what it has read before.
  CTS_HOT bool still_open(std::uint32_t now) noexcept {
    if (now == open_one_sided) [[likely]]
      Barrier::order();
    else barrier_.light();
    return state_.load(site::lane_state_read) == now;
  }
  /// L2: once for each slot.
  static bool decide(slot& at, std::uint32_t fate, site s) noexcept {
    std::uint32_t expected = 0;
    return at.fate.compare_exchange(expected, fate, s);
  }

  enum class taken_back : std::uint8_t { yes, too_late, not_there };
  CTS_HOT taken_back take_back(callback& c) noexcept {
    slot* const at = c.slot_.get();
    std::uintptr_t const mine = reinterpret_cast<std::uintptr_t>(std::addressof(c));
    if (at == nullptr || !ownership::holds(at->what.load(site::lane_peek), mine)) [[unlikely]]
      return taken_back::not_there;  // its slot may be another one's by now
    std::uint32_t const now = state_.load(site::lane_state_read);
    if (is_open(now)) [[likely]] {
      at->what.store(0, site::lane_withdraw);
      if (still_open(now)) [[likely]] {
        give_back(*at);
        return taken_back::yes;
      }
      if (decide(*at, withdrawn, site::lane_unregister)) return taken_back::yes;
      // The canceller has it: who asks again must find it.
      at->what.store(mine, site::lane_restore);
      return taken_back::too_late;
    }
    return decide(*at, withdrawn, site::lane_unregister) ? taken_back::yes : taken_back::too_late;
  }

  CTS_COLD void await_return(slot& at) noexcept {
    if (home_.runs_here()) return;
    platform::await(detail::wait::lane_callback_returns, [&at] { return at.fate.load(site::lane_await) != running; });
  }

  register_result attach() noexcept {
    register_result const r = home_.enter(*this);
    if (r == register_result::canceled) state_.store(closed, site::lane_state_set);
    else if (r != register_result::registered) state_.store(detached, site::lane_state_set);
    return r;
  }
  /// The lane is closed; or it is not registered and may be now.
  CTS_COLD register_result refuse(callback& c, std::uint32_t now) noexcept {
    c.slot_.set(nullptr);
    if (home_.is_cancellation_requested() || now == closed) return register_result::canceled;
    begin_anew();
    state_.store(opened(), site::lane_state_set);
    register_result const r = attach();
    return r == register_result::registered ? try_register(c) : r;
  }
  /// L6: nobody looks at what was registered any more.
  void begin_anew() noexcept {
    segment* const only = current_.get();
    for (segment* s = only; s != nullptr;) {
      segment* const below = segment_at(s->older.load(site::lane_peek));
      for (std::uint32_t i = 0; i < s->capacity; ++i) {
        s->at(i).what.store(0, site::lane_clear);
        s->at(i).fate.store(0, site::lane_clear_fate);
      }
      if (s != only) {
        s->newer.set(spare_.get());
        spare_.set(s);
      }
      s = below;
    }
    only->older.store(0, site::lane_link);
    frontier_.set(std::addressof(only->at(0)));
  }
  std::uint32_t opened() const noexcept { return barrier_.one_sided() ? open_one_sided : open; }

  // --- the owner's side ---

  /// A slot above all that are live; null if there is no memory. Callbacks that come and go one at a time stay in one
  /// place, where nothing is written but the slot itself.
  CTS_HOT slot* next() noexcept {
    slot* const at = frontier_.get();
    if (at->what.load(site::lane_peek) != 0) return above(at);
    return at[-1].what.load(site::lane_peek) == 0 ? lowest(at) : at;
  }
  /// The lowest slot above all that are in use: a burst needs no more room than the last one.
  CTS_COLD slot* lowest(slot* at) noexcept {
    while (at[-1].what.load(site::lane_peek) == 0) --at;
    frontier_.set(at);
    return at;
  }
  CTS_HOT slot* above(slot* at) noexcept {
    segment& s = *current_.get();
    if (at->index + 1 == s.capacity) [[unlikely]] {
      if (!make_room(s)) return nullptr;
      at = frontier_.get();
    } else {
      frontier_.set(++at);
    }
    return at;
  }
  /// Puts an empty segment on top of `below`, whose last slot is in use.
  CTS_COLD bool make_room(segment& below) noexcept {
    segment* s = spare_.get();
    if (s != nullptr) {
      spare_.set(s->newer.get());
    } else {
      void* const storage = platform::allocate(bytes(platform::segment_slots));
      if (storage == nullptr) return false;
      s = build(storage, platform::segment_slots);
    }
    std::uint32_t live = 0;
    for (std::uint32_t i = 0; i < below.capacity; ++i) live += below.at(i).what.load(site::lane_peek) != 0 ? 1U : 0U;
    below.live.set(live);
    below.newer.set(s);
    s->newer.set(nullptr);
    serial_.set(serial_.get() + 1);
    s->age.store(serial_.get(), site::lane_age_set);
    s->older.store(address(below), site::lane_link);
    newest_.store(address(*s), site::lane_link);
    current_.set(s);
    frontier_.set(std::addressof(s->at(0)));
    return true;
  }
  /// The end of the registration in `at`.
  CTS_HOT void give_back(slot& at) noexcept {
    if (std::addressof(at) != frontier_.get()) give_back_other(at);
  }
  CTS_HOT void give_back_other(slot& at) noexcept {
    segment& s = segment_of(at);
    if (std::addressof(s) != current_.get()) [[unlikely]]
      give_back_below(s);
  }
  CTS_COLD void give_back_below(segment& s) noexcept {
    std::uint32_t const live = s.live.get() - 1;
    s.live.set(live);
    if (live != 0) return;
    segment* const above = s.newer.get();
    segment* const below = segment_at(s.older.load(site::lane_peek));
    above->older.store(reinterpret_cast<std::uintptr_t>(below), site::lane_link);
    if (below != nullptr) below->newer.set(above);
    s.newer.set(spare_.get());
    spare_.set(std::addressof(s));
  }

  // --- the canceller's side ---

  static void run(base& b) noexcept { static_cast<basic_lane&>(b).close(); }
  void close() noexcept {
    state_.store(closed, site::lane_state_set);
    barrier_.heavy();
    bool gone = false;
    gone_.set(reinterpret_cast<std::uintptr_t>(&gone));
    core::word age = (std::numeric_limits<core::word>::max)();
    for (segment* s = segment_at(newest_.load(site::lane_walk)); s != nullptr;
         s = segment_at(s->older.load(site::lane_walk))) {
      for (std::uint32_t n = 0; n < s->capacity; ++n) {
        std::uint32_t const i = walk_order::visited(n, s->capacity);
        prefetch_ahead(*s, i);
        slot& at = s->at(i);
        std::uintptr_t const what = at.what.load(site::lane_scan);
        if (what == 0) continue;
        core::word const linked = s->age.load(site::lane_age_read);
        if (linked > age) continue;  // L4
        age = linked;
        if (!decide(at, running, site::lane_take)) continue;
        callback& c = *reinterpret_cast<callback*>(what);
        c.run_.get()(c);
        if (gone) return;
        at.fate.store(done, site::lane_done);
        if (home_.shall_stop()) return;
      }
    }
  }

 public:
  /// The lane whose base this is: what a removal is given.
  static basic_lane& from(typename Home::base& b) noexcept { return static_cast<basic_lane&>(b); }
  /// For who has taken the lane out of its home, as basic_registry::remove_all does: what is registered in it never
  /// runs. The owner's next registration that this happened before registers the lane again. O(1). R84.
  void taken_out() noexcept { state_.store(detached, site::lane_state_set); }

 private:
  CTS_HOT static void prefetch_ahead(segment& s, std::uint32_t i) noexcept {
    constexpr std::uint32_t distance = platform::prefetch_distance;
    if constexpr (distance > 0) {
      if (i + 1 == s.capacity)
        for (std::uint32_t k = i - (i < distance ? i : distance); k < i; ++k) prefetch(s, k);
      if (i >= distance) prefetch(s, i - distance);
    }
  }
  CTS_HOT static void prefetch(segment& s, std::uint32_t i) noexcept {
    platform::prefetch(reinterpret_cast<void const*>(s.at(i).what.load(site::lane_peek)));
  }

  void release_all() noexcept {
    for (bool spare : {false, true}) {
      segment* s = spare ? spare_.get() : current_.get();
      while (s != nullptr) {
        segment* const following = spare ? s->newer.get() : segment_at(s->older.load(site::lane_peek));
        if (s != std::addressof(inline_segment())) release(*s);
        s = following;
      }
    }
    destroy(std::addressof(inline_segment()));
  }
  static void release(segment& s) noexcept {
    std::size_t const size = bytes(s.capacity);
    destroy(std::addressof(s));
    platform::deallocate(std::addressof(s), size);
  }

  // The first line: what the owner reads all the time. The canceller writes it once.
  Home home_;
  Barrier barrier_;
  typename platform::template atomic<std::uint32_t> state_{opened()};
  typename platform::template var<slot*> frontier_{nullptr};    // in the newest segment: nothing above it is in use
  typename platform::template var<segment*> current_{nullptr};  // the newest segment
  typename platform::template var<segment*> spare_{nullptr};
  typename platform::template var<core::word> serial_{0};
  typename platform::template atomic<std::uintptr_t> newest_;  // the same as current_, for the canceller
  typename platform::template var<std::uintptr_t> gone_{
      0};  // a bool of the run that is under way: a callback destroyed the lane
  alignas(segment) std::byte inline_storage_[bytes(platform::inline_slots)];
};

/// Of production.
using lane_callback = basic_lane_callback<core::std_platform>;
using lane = basic_lane<lane_home<core::registry>, detail::process_barrier>;

/// Calls its function when the lane's registry is canceled, or in the constructor if it has been; what
/// std::stop_callback is to a stop token. No allocation, immovable. Made and destroyed by the lane's owner; inside a
/// callback of the lane it may be destroyed, too.
template <class F>
class [[nodiscard]] lane_registration : private lane_callback {
  static_assert(std::is_nothrow_invocable_v<F&>, "F must be callable as f() and not throw: the core has no exceptions");

 public:
  /// Registers `f`. Throws std::bad_alloc if the lane cannot grow (in code that is built without exceptions:
  /// std::terminate), and what moving `f` throws. Costs and waits as lane::try_register.
  CTS_HOT lane_registration(lane& l, F f) : lane_callback(&run), lane_(l), f_(std::move(f)) {
    core::register_result const result = lane_.try_register(*this);
    if (result == core::register_result::registered) [[likely]]
      return;  // it may have run and destroyed *this
    if (result == core::register_result::out_of_memory) {
#if defined(__cpp_exceptions)
      throw std::bad_alloc();
#else
      std::terminate();
#endif
    }
    if (result == core::register_result::canceled) f_();
  }
  lane_registration(lane_registration const&) = delete;
  lane_registration& operator=(lane_registration const&) = delete;
  /// Takes the function back, or waits until it has returned, as lane::unregister_and_wait. R46.
  CTS_HOT ~lane_registration() { lane_.unregister_and_wait(*this); }

 private:
  static void run(lane_callback& c) noexcept { static_cast<lane_registration&>(c).f_(); }
  lane& lane_;
  [[no_unique_address]] F f_;
};

template <class F>
lane_registration(lane&, F) -> lane_registration<F>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_LANE_HPP
