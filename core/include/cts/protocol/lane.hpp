// SPDX-License-Identifier: BSL-1.0
/// @file
/// The protocol of lanes (G22): registrations of one owner that come and go without a read-modify-write.
///
/// Its home, a registry or a token's state, holds the lane as one callback, registered when the lane is made. When the
/// canceller comes to this callback, it closes the lane and runs the registrations in it, newest first. To the other
/// callbacks of the home the lane stands where it was made (G9).
///
/// The owner and the canceller meet in a handshake of the store-buffering kind. A barrier
/// (protocol/asymmetric_barrier.hpp) takes the place of the registry's seq_cst operations; its light side is the
/// owner's and may cost nothing:
///
///     owner                               canceller
///     1  lane_publish or lane_withdraw    1  lane_state_set: closed
///     2  barrier_light                    2  barrier_heavy
///     3  lane_state_read                  3  lane_scan of each slot
///
///   L1  If step 3 of the owner still finds the lane open, step 3 of the canceller sees the owner's announcement. So at
///       most one operation of the owner is in doubt: the one that finds the lane closed (G3, G5).
///   L2  This operation, and every later unregister, is decided in the slot's fate: the owner and the canceller
///       compare-and-swap it, and only the winner goes on with the callback (G2, G4, G5).
///   L3  A slot whose fate is written is never used again, because a closed lane is never opened again.
///   L4  Position is age (protocol/lane_segments.hpp), and the walk goes from the newest slot to the oldest (G9). The
///       walk skips a segment that was linked behind its back: a registration there is the one in doubt, and its owner
///       retracts it.
///   L5  Only the owner links and unlinks segments, and none is freed before the lane (G13).
///   L6  Once the home has removed the lane (try_reset), only the owner reads its slots. Its next registration empties
///       them with plain stores and registers the lane again. With that, L3 begins anew.
///
/// The lane's state, set by lane_state_set:
///
///                            cancel
///     ┌──────────▶ open ────────────────▶ closed
///     │              │
///     │              │ try_reset, or no memory to register the lane at home
///     │              ▼
///     └────────── detached
///       the owner's next registration
///
/// The two words of a slot:
///
///     registered   0 ──lane_publish──▶ callback ──lane_withdraw──▶ 0          the owner's plain stores
///
///     fate         undecided ──lane_retract, lane_unregister──▶ withdrawn      the owner, in a closed lane
///                      └────────lane_take──▶ running ──lane_done──▶ done       the canceller
#pragma once
#ifndef CTS_PROTOCOL_LANE_HPP
#define CTS_PROTOCOL_LANE_HPP

#include <cstdint>
#include <limits>
#include <memory>

#include "cts/core/registry.hpp"
#include "cts/protocol/asymmetric_barrier.hpp"
#include "cts/protocol/lane_segments.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The values of a lane's state. The owner tells them apart by one comparison: from `open` on the lane is open.
struct lane_state {
  static constexpr std::uint32_t closed = 0;
  static constexpr std::uint32_t detached = 1;        // removed from its home, or never registered there
  static constexpr std::uint32_t open = 2;            // the owner calls light()
  static constexpr std::uint32_t open_one_sided = 3;  // the owner calls order(), which is no instruction
};
/// The values of a slot's fate.
struct lane_fate {
  static constexpr std::uint32_t undecided = 0;
  static constexpr std::uint32_t withdrawn = 1;  // it never runs
  static constexpr std::uint32_t running = 2;
  static constexpr std::uint32_t done = 3;  // it has returned
};

/// The step of the canceller's walk that decides which callback runs next.
struct lane_walk_order {
  /// The index of the slot that the walk visits as its `n`th in a segment: the newest registration first (G9, L4).
  static constexpr std::uint32_t visited(std::uint32_t n, std::uint32_t capacity) noexcept { return capacity - 1 - n; }
};
/// The step of an unregister that tells whether a callback still is in its slot.
struct lane_slot_ownership {
  /// Whether `found`, which is registered in the slot, is `mine`. Another callback may have the slot by now.
  static constexpr bool holds(std::uintptr_t found, std::uintptr_t mine) noexcept { return found == mine; }
};
}  // namespace detail

template <class Home, class Barrier>
class basic_lane;

/// What a lane runs. Derive from it or embed it. It must not move or die while it is registered, as core::callback.
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
  typename Platform::template var<detail::lane_slot<Platform>*> slot_;  // of its last registration; null: none
};

/// A registry as the home of lanes. A class with the same members can be a home, too.
template <class Registry>
class lane_home {
 public:
  using platform = typename Registry::platform;
  using base = core::basic_callback<platform>;  ///< the callback that the lane is in its home
  // NOLINTNEXTLINE(google-explicit-constructor): a registry is a home
  lane_home(Registry& r) noexcept : registry_(r) {}
  core::register_result try_register(base& lane) const noexcept { return registry_.try_register(lane); }
  bool unregister(base& lane) const noexcept { return registry_.unregister(lane); }
  /// What comes after an unregister that has returned false: waits until the lane's callback has returned.
  void await_return(base& lane) const noexcept { registry_.await_return(lane); }
  bool is_running(base const& lane) const noexcept { return registry_.is_running(lane); }
  /// Whether the calling thread runs the callbacks of this home.
  bool runs_here() const noexcept { return registry_.canceller() == platform::this_thread(); }
  bool is_cancellation_requested() const noexcept { return registry_.is_cancellation_requested(); }
  /// Whether the remaining callbacks of the lane stay unrun. The canceller asks after each callback.
  static bool shall_stop() noexcept { return false; }

 private:
  Registry& registry_;
};

/// A lane; lane.hpp has the one of production. Thread-safety: one owner at a time. Calls must not overlap, from
/// whichever threads they come. What orders the last call of one owner before the first of the next hands the lane
/// over. There is one exception: a callback of the lane may unregister registrations of the lane while the owner does
/// so, too, and it may destroy the lane if the owner is done with it. No member throws.
/// @tparam Home where the lane is registered, see lane_home
/// @tparam Barrier where owner and canceller meet, see protocol/asymmetric_barrier.hpp
template <class Home, class Barrier = detail::pairwise_barrier<typename Home::platform>>
class alignas(Home::platform::line) basic_lane : private Home::base {
  using platform = typename Home::platform;
  using base = core::basic_callback<platform>;
  using segments = detail::lane_segments<platform>;
  using segment = typename segments::segment;
  using slot = typename segments::slot;
  using site = detail::site;
  using lane_state = detail::lane_state;
  using lane_fate = detail::lane_fate;
  using walk_order = core::step<platform, detail::lane_walk_order>;
  using ownership = core::step<platform, detail::lane_slot_ownership>;

 public:
  using callback = basic_lane_callback<platform>;
  using register_result = core::register_result;

  /// Registers the lane at `home`, which must outlive it. One read-modify-write; may allocate there.
  /// @param more further arguments of Home::base
  template <class... More>
  explicit basic_lane(Home home, More... more) noexcept : Home::base(&run, more...), home_(home) {
    attach();
  }
  basic_lane(basic_lane const&) = delete;
  basic_lane& operator=(basic_lane const&) = delete;
  /// Unregisters the lane; a callback that is still registered never runs. Waits until the lane's callbacks have
  /// returned if another thread runs them, but never inside one of them. One read-modify-write, O(segments).
  ~basic_lane() {
    if (!home_.unregister(*this)) {
      if (home_.runs_here() && home_.is_running(*this)) *reinterpret_cast<bool*>(segments_.gone.get()) = true;
      else home_.await_return(*this);
    }
  }

  /// Registers `c`. Waits for nothing. O(1), without a read-modify-write (one if the barrier is not one-sided);
  /// allocates only if more callbacks are registered at once than ever before and than fit. What happened before is
  /// visible to the callback (G8). R16, R19.
  /// @return as core::basic_registry::try_register
  CTS_HOT register_result try_register(callback& c) noexcept {
    std::uint32_t const now = state_.load(site::lane_state_read);
    if (home_.is_cancellation_requested() || !is_open(now)) [[unlikely]]
      return refuse(c, now);
    slot* const at = segments_.claim();
    c.slot_.set(at);
    if (at == nullptr) [[unlikely]]
      return register_result::out_of_memory;
    at->registered.store(address(c), site::lane_publish);
    if (is_still_open(now)) [[likely]]
      return register_result::registered;
    // TRICKY: `c` must not be touched unless the retract succeeds; it may be running, or gone (L2, G4).
    if (!decide(*at, lane_fate::withdrawn, site::lane_retract)) return register_result::registered;
    return refuse(c, state_.load(site::lane_state_read));
  }

  /// Unregisters `c` if it has not begun to run. Never waits. O(1), wait-free, without a read-modify-write before
  /// cancel and with one after it. R43, R44.
  /// @return true: `c` has not run and never will. False: it runs or ran, and then the flag reads as set (G8), or it
  /// was not registered.
  CTS_HOT bool unregister(callback& c) noexcept { return withdraw(c) == withdrawal::succeeded; }

  /// Unregisters `c`, or waits until it has returned (G6). Waits for this one callback only, and never on the thread
  /// that runs the callbacks (G7). R46–R48.
  CTS_HOT void unregister_and_wait(callback& c) noexcept {
    if (withdraw(c) == withdrawal::too_late) [[unlikely]]
      await_return(*c.slot_.get());
  }

  /// The lane that has `b` as its base. A removal from the home is given the base.
  static basic_lane& from(typename Home::base& b) noexcept { return static_cast<basic_lane&>(b); }
  /// Tells the lane that it was removed from its home, as basic_registry::remove_all does. Its registrations never run,
  /// and the owner's next registration registers the lane again. For the thread that removed it. O(1). R84.
  void taken_out() noexcept { state_.store(lane_state::detached, site::lane_state_set); }

 private:
  static std::uintptr_t address(callback& c) noexcept { return reinterpret_cast<std::uintptr_t>(std::addressof(c)); }
  static bool is_open(std::uint32_t s) noexcept { return s >= lane_state::open; }

  // --- the owner's side ---

  register_result attach() noexcept {
    register_result const r = home_.try_register(*this);
    if (r == register_result::canceled) state_.store(lane_state::closed, site::lane_state_set);
    else if (r != register_result::registered) state_.store(lane_state::detached, site::lane_state_set);
    return r;
  }
  std::uint32_t opened() const noexcept { return barrier_.one_sided() ? lane_state::open_one_sided : lane_state::open; }

  /// Steps 2 and 3 of the owner's handshake (L1). `before` is the state that the owner has read before it announced.
  CTS_HOT bool is_still_open(std::uint32_t before) noexcept {
    if (before == lane_state::open_one_sided) [[likely]]
      Barrier::order();
    else barrier_.light();
    return state_.load(site::lane_state_read) == before;
  }
  /// L2. False if the other side has decided.
  static bool decide(slot& at, std::uint32_t how, site s) noexcept {
    std::uint32_t expected = lane_fate::undecided;
    return at.fate.compare_exchange(expected, how, s);
  }

  /// What comes of a registration in a lane that is not open: canceled if the lane is closed. A detached lane is
  /// registered at home again, and then the registration goes on (L6).
  CTS_COLD register_result refuse(callback& c, std::uint32_t now) noexcept {
    c.slot_.set(nullptr);
    if (home_.is_cancellation_requested() || now == lane_state::closed) return register_result::canceled;
    segments_.clear();
    state_.store(opened(), site::lane_state_set);
    register_result const r = attach();
    return r == register_result::registered ? try_register(c) : r;
  }

  enum class withdrawal : std::uint8_t { succeeded, too_late, not_registered };
  CTS_HOT withdrawal withdraw(callback& c) noexcept {
    slot* const at = c.slot_.get();
    std::uintptr_t const mine = address(c);
    if (at == nullptr || !ownership::holds(at->registered.load(site::lane_peek), mine)) [[unlikely]]
      return withdrawal::not_registered;
    std::uint32_t const now = state_.load(site::lane_state_read);
    if (!is_open(now)) [[unlikely]]
      return decide(*at, lane_fate::withdrawn, site::lane_unregister) ? withdrawal::succeeded : withdrawal::too_late;
    at->registered.store(0, site::lane_withdraw);
    if (is_still_open(now)) [[likely]] {
      segments_.release(*at);
      return withdrawal::succeeded;
    }
    if (decide(*at, lane_fate::withdrawn, site::lane_unregister)) return withdrawal::succeeded;
    at->registered.store(mine, site::lane_restore);  // a later unregister_and_wait must find the callback (G6)
    return withdrawal::too_late;
  }

  CTS_COLD void await_return(slot& at) noexcept {
    if (home_.runs_here()) return;
    platform::await(detail::wait::lane_callback_returns,
                    [&at] { return at.fate.load(site::lane_await) != lane_fate::running; });
  }

  // --- the canceller's side ---

  static void run(base& b) noexcept { static_cast<basic_lane&>(b).close_and_run(); }
  /// Closes the lane and runs its registrations, newest first, until the lane is gone or home_.shall_stop().
  void close_and_run() noexcept {
    state_.store(lane_state::closed, site::lane_state_set);
    barrier_.heavy();
    bool gone = false;
    segments_.gone.set(reinterpret_cast<std::uintptr_t>(&gone));
    core::word age = (std::numeric_limits<core::word>::max)();  // of the last segment in which something was found
    for (segment* s = segments_.walk_newest(); s != nullptr; s = s->walk_older()) {
      for (std::uint32_t n = 0; n < s->capacity; ++n) {
        std::uint32_t const i = walk_order::visited(n, s->capacity);
        s->prefetch_below(i);
        slot& at = s->at(i);
        std::uintptr_t const found = at.registered.load(site::lane_scan);
        if (found == 0) continue;
        core::word const linked = s->age.load(site::lane_age_read);
        if (linked > age) continue;  // linked behind the walk's back (L4)
        age = linked;
        if (!decide(at, lane_fate::running, site::lane_take)) continue;
        callback& c = *reinterpret_cast<callback*>(found);
        c.run_.get()(c);
        if (gone) return;  // a callback destroyed the lane (G13)
        at.fate.store(lane_fate::done, site::lane_done);
        if (home_.shall_stop()) return;
      }
    }
  }

  // The first cache line: what the owner reads all the time. The canceller writes it once.
  Home home_;
  Barrier barrier_;
  typename platform::template atomic<std::uint32_t> state_{opened()};
  segments segments_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_LANE_HPP
