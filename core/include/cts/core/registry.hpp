// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registry: segment stacks and a flag.
///
///                flag_set, flag_help              flag_end
///     clear ───────────────────────▶ notifying ─────────────▶ complete          bits of the flag
///       │                                │ dispose by a          │ dispose       0  requested
///       │ dispose                        │ callback              │               1  complete
///       ▼                                ▼                       ▼               2  disposed
///     disposed                       disposed, requested ◀───────┘
///
///   D1  The flag never loses `requested` (G10).
///   D2  The canceller's last touch of the registry is its store of `complete`. A dispose elsewhere waits for it (G13).
///   D3  A dispose inside a callback tells the notification, which lives on the canceller's stack, that the registry is
///       gone. The canceller then touches nothing else (G13).
///   D4  A paused notification is not over: the flag and the callback's slot say so until resume() (G16, G21).
#pragma once
#ifndef CTS_CORE_REGISTRY_HPP
#define CTS_CORE_REGISTRY_HPP

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cts/core/callback.hpp"
#include "cts/core/layout.hpp"
#include "cts/core/overlap_watch.hpp"
#include "cts/core/segment_stack.hpp"
#include "cts/core/stripes.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// A registry of callbacks that run at most once, at cancel. In place; owns no callback. All verbs but dispose may be
/// called concurrently and inside a callback, which may also dispose and destroy the registry that runs it. No verb
/// throws; only a growing try_register allocates. Async-signal-safe unless checked (G11): is_cancellation_requested,
/// is_registered, is_running, use_of, count, canceller, unregister, request_cancellation; cancel if its callbacks are.
/// @tparam Stripes segment stacks that threads are spread over. 1: last in, first out over happens-before. More: no
///   common cache line between threads of different stripes, and the order is per thread. stripes_at_run_time: 1, or
///   those that the constructor is given.
/// @tparam Layout how its words lie: core/layout.hpp
template <class Platform = std_platform, std::size_t Stripes = 1, class Layout = isolated>
class basic_registry {
 public:
  /// The platform that the registry runs on.
  using platform = Platform;
  /// The callbacks that it registers.
  using callback = basic_callback<Platform>;

  /// Constant-initialized in production: a registry may be constinit.
  basic_registry() noexcept = default;
  /// A registry whose stripes are those of `row`, which must outlive it and belong to no other registry; null: one
  /// stack of its own.
  explicit basic_registry(stripe_row<Platform>* row) noexcept requires(Stripes == stripes_at_run_time) : row_(row) {
    if (row != nullptr) stripes_[0].stack.forget();  // D6
  }
  basic_registry(basic_registry const&) = delete;
  basic_registry& operator=(basic_registry const&) = delete;
  ~basic_registry() {
    word const flag = flag_.load(site::flag_await);
    if ((flag & disposed) == 0) end(flag);
  }

  /// Registers `c`, which must not be registered. What happened before is visible to the callback (G8). One
  /// read-modify-write, O(1) amortized; lock-free but for the allocator. R16, R19
  CTS_HOT register_result try_register(callback& c) noexcept {
    auto const in_flight = watch_.begin(call::try_register);
    if constexpr (Platform::checked) {
      auto* const at = c.slot_.get();
      // The registry of an earlier registration may be gone, and its slots, too.
      if (watch_.registered_with(c.registrar_.number, at, [&] { return at->peek() == core::live(c); }))
        watch_.registered_twice();
      c.registrar_.number = watch_.number();
    }
    if constexpr (Stripes > 1) {  // D5
      if (flag_.load(site::flag_poll) != clear) return refuse();
    }
    register_result const result = mine().try_register(c);
    return result == register_result::canceled ? not_here(c) : result;
  }

  /// Unregisters `c`, last registered here. One read-modify-write, O(1), never waits. R43, R44
  /// @return true: it never runs. False: it runs or ran, and the flag reads as set, or it was not registered.
  CTS_HOT bool unregister(callback& c) noexcept {
    auto const in_flight = watch_.begin(call::unregister);
    return retire(c);
  }

  /// Unregisters `c` or waits until it has returned or remove_all has handed it over: its effects are visible then.
  /// Waits for this callback only. The thread that runs the callbacks waits for the second alone. R46–R48
  void unregister_and_wait(callback& c) noexcept {
    auto const in_flight = watch_.begin(call::unregister_and_wait);
    if (!retire(c)) wait(c);
  }

  /// Waits as unregister_and_wait does, after an unregister that has returned false.
  void await_return(callback& c) noexcept {
    auto const in_flight = watch_.begin(call::unregister_and_wait);
    wait(c);
  }

  /// Runs the callbacks on this thread, newest first, each once. What happened before is visible to them and to every
  /// thread that reads the flag as set. One read-modify-write a stripe and one a callback. R2, R25, R26
  /// @return true for the one call that did it, after the callbacks; false, at once, for every other (G1)
  bool cancel() noexcept {
    return cancel([] { return false; });
  }

  /// The same; if `stop()`, asked after each callback, is true, the rest never run. R29, R30
  template <class Stop>
  bool cancel(Stop stop) noexcept {
    auto in_flight = watch_.begin(call::cancel);
    auto* const top = request();
    if (top == nullptr) return false;
    notify<false>(top, stop, in_flight, nullptr);
    return true;
  }

  /// The first half of cancel: sets the flag and refuses registrations, but runs nothing. R3, R37, R41
  /// @return true for the one call, of this and cancel, that did it: run_callbacks() must follow.
  bool request_cancellation() noexcept {
    auto const in_flight = watch_.begin(call::cancel);
    bool const first = all().close();
    if (first) flag_.store(notifying, site::flag_set);
    else help();
    return first;
  }

  /// For a thread that knows another one in or before request_cancellation(): refuses registrations and sets the flag.
  void help_request() noexcept {
    auto const in_flight = watch_.begin(call::cancel);
    static_cast<void>(all().close());
    help();  // not a store: the other thread may have run the callbacks by now
  }

  /// The second half, once, on any thread. Asks `stop()` before the first callback, too.
  template <class Stop>
  void run_callbacks(Stop stop) noexcept {
    auto in_flight = watch_.begin(call::cancel);
    notify<false>(stop() ? nullptr : stripes_[0].stack.top(), stop, in_flight, nullptr);
  }

  /// Where a notification has paused.
  struct pause {
    void* segment = nullptr;  ///< of the paused callback, or the stack if its slot is in place there
    void* slot = nullptr;     ///< of the paused callback
    [[no_unique_address]] typename core::stripes<Platform, Stripes, Layout>::note stripe{};  ///< of these
  };
  /// The same, but returns when a callback has called pause_here(). That callback counts as running until resume(at),
  /// which must follow on the same thread, before dispose. So a chain of registries needs no stack frame for each.
  /// @return the callback; nullptr when the notification is over
  template <class Stop>
  callback* run_callbacks(Stop stop, pause& at) noexcept {
    auto in_flight = watch_.begin(call::cancel);
    return notify<true>(stop() ? nullptr : stripes_[0].stack.top(), stop, in_flight, std::addressof(at));
  }
  /// Pauses the notification: the last call of a callback that run_callbacks(stop, pause) runs.
  void pause_here() noexcept { current().now = notification::state::paused; }
  /// Finishes the paused callback, which may be gone, asks `stop()`, and goes on with those below it.
  template <class Stop>
  callback* resume(pause& at, Stop stop) noexcept {
    auto in_flight = watch_.resume(call::cancel);
    static_cast<slot*>(at.slot)->finish_paused();
    return notify_on(at, stop, in_flight);
  }

  /// Unregisters all that has not begun to run, newest first; what is registered meanwhile may stay or go. Calls
  /// `removed(callback&)` for each, which may destroy it if its try_register has returned, but must not use this
  /// registry or wait for its callbacks; then `then()`, which may. O(slots), or more while segments move. R84
  template <class Removed, class Then = nothing_else>
  void remove_all(Removed removed, Then then = {}) noexcept {
    auto const in_flight = watch_.begin(call::unregister);
    all().scan([&](auto& from, auto& at, word w) noexcept {
      callback& c = *core::callback_of<callback>(w);
      if (!at.take(w, core::held(c))) return true;
      removed(c);
      at.keep();  // so that the segment stays, and what then() registers comes above
      then();
      from.give_back(at);
      return true;
    });
  }

  /// Whether `c`, last registered here, waits for cancel. A snapshot.
  bool is_registered(callback const& c) const noexcept {
    auto const* const at = c.slot_.get();
    return at != nullptr && at->peek() == core::live(c);
  }

  /// What is done with `c`, last registered here. None after a failed unregister() makes its effects visible. R46
  slot_use use_of(callback const& c) const noexcept {
    auto const* const at = c.slot_.get();
    return at != nullptr ? at->use_of(c) : slot_use::none;
  }
  /// Whether `c`, last registered here, runs now. R46
  bool is_running(callback const& c) const noexcept { return use_of(c) == slot_use::running; }

  /// How many callbacks are registered. O(slots), a snapshot. If segments move meanwhile, it may count some twice.
  std::size_t count() noexcept {
    std::size_t n = 0;
    all().scan([&n](auto&, auto&, word) noexcept { return ++n != 0; });
    return n;
  }

  /// Whether `is(address)` is true for the address of a registered callback. O(slots), a snapshot.
  template <class Is>
  bool any_registered(Is is) noexcept {
    return !all().scan([&](auto&, auto&, word w) noexcept { return !is(core::callback_of<callback>(w)); });
  }

  /// Whether cancel has been called and its callbacks have not all returned. For a thread that runs one of them, exact.
  bool is_notifying() const noexcept { return flag_.load(site::flag_poll) == notifying; }

  /// The thread that runs the callbacks or did last; 0: none yet.
  std::uintptr_t canceller() const noexcept { return canceller_.load(site::canceller_ask); }

  /// Whether cancel has been called. One load; true makes what happened before cancel visible. R1, R13
  bool is_cancellation_requested() const noexcept {
    auto const in_flight = watch_.begin(call::is_cancellation_requested);
    return (flag_.load(site::flag_poll) & requested) != 0;
  }

  /// Frees what the registry has grown; does not cancel. Comes after every other operation but a cancel whose callbacks
  /// have returned, which it waits for, or whose callback calls this (G12). Idempotent. R57, R60
  void dispose() noexcept {
    word const flag = flag_.load(site::flag_await);
    if ((flag & disposed) != 0) return;
    end(flag);
    all().forget();
    flag_.store((flag & requested) | disposed, site::flag_dispose);
  }

 private:
  static constexpr word clear = 0;
  static constexpr word requested = 1;
  static constexpr word notifying = 1;
  static constexpr word complete = 3;
  static constexpr word disposed = 4;

  using stack = typename Layout::template stack<Platform>;
  using place = typename stack::place;
  using slot = basic_slot<Platform>;
  using call = registry_call;
  friend inspector<basic_registry>;
  static constexpr std::size_t alignment = Layout::template alignment<Platform>;
  using stripes = core::stripes<Platform, Stripes, Layout>;

  static bool holds(void const* self, void const* slot) noexcept {
    return const_cast<basic_registry*>(static_cast<basic_registry const*>(self))->all().holds(slot);
  }

  stripes all() noexcept { return {stripes_, row_.get()}; }
  stack& mine() noexcept { return stripes_[Stripes > 1 ? Platform::thread_index() % stripes::own : 0].stack; }
  bool is_canceller() const noexcept { return canceller_.load(site::canceller_ask) == Platform::this_thread(); }

  // --- register and unregister ---
  /// For a registrant that finds its stack closed: the registry is canceled or disposed, or it has a row (D6).
  register_result not_here(callback& c) noexcept {
    if constexpr (Stripes == stripes_at_run_time) {
      if (auto* const row = row_.get()) return register_in(*row, c);
    }
    return refuse();
  }
  CTS_APART register_result register_in(stripe_row<Platform>& row, callback& c) noexcept {
    if (flag_.load(site::flag_poll) != clear) return refuse();  // D5
    register_result const result = row.mine().try_register(c);
    return result == register_result::canceled ? refuse() : result;
  }
  CTS_COLD register_result refuse() noexcept {
    if ((flag_.load(site::flag_poll) & (disposed | requested)) == disposed) return register_result::disposed;
    help();
    return register_result::canceled;
  }
  /// Makes sure that the flag is set before the caller reports "canceled" (G8).
  void help() noexcept {
    word expected = clear;
    if (flag_.load(site::flag_poll) == clear) flag_.compare_exchange(expected, notifying, site::flag_help);
  }

  bool retire(callback& c) noexcept {
    auto* const at = c.slot_.get();
    return at != nullptr && at->unregister(core::live(c), c.dead_.get());
  }
  CTS_COLD void wait(callback& c) noexcept {
    auto* const at = c.slot_.get();
    slot_use const use = at != nullptr ? at->use_of(c) : slot_use::none;
    if (use == slot_use::none || (use == slot_use::running && is_canceller())) return;  // G7
    word const taken = use == slot_use::held ? core::held(c) : core::running(c);
    Platform::await(core::wait::callback_returns, [at, taken] { return !at->still(taken); });
  }

  // --- cancel ---
  /// Closes the registry and sets the flag. Null but for the one thread that did it (G1).
  place* request() noexcept {
    place* const top = all().close_first();
    if (top == nullptr) return help(), nullptr;
    all().close_rest();
    flag_.store(notifying, site::flag_set);
    return top;
  }

  /// On the stack of the thread that runs the callbacks; a callback may change it.
  struct notification {
    enum class state : unsigned char { goes_on, registry_gone, paused };
    state now = state::goes_on;
    callback* paused_in = nullptr;
    pause* at = nullptr;
    [[no_unique_address]] typename stripes::note stripe{};
  };
  notification& current() noexcept { return *reinterpret_cast<notification*>(notification_.get()); }

  template <bool MayPause, class Stop, class Scope>
  CTS_HOT callback* notify(place* top, Stop& stop, Scope& in_flight, pause* at) noexcept {
    canceller_.store(Platform::this_thread(), site::canceller_set);
    notification n{notification::state::goes_on, nullptr, at, {}};
    notification_.set(reinterpret_cast<std::uintptr_t>(std::addressof(n)));
    auto const run = [&](auto& in, auto& here, word w) noexcept {
      return run_one<MayPause>(in, here, w, n) && !stop();
    };
    if (top != nullptr) all().notify(top, run, n.stripe);
    return end_notification(n, in_flight);
  }
  /// The same from where it has paused.
  template <class Stop, class Scope>
  callback* notify_on(pause& at, Stop& stop, Scope& in_flight) noexcept {
    notification n{notification::state::goes_on, nullptr, std::addressof(at), at.stripe};
    notification_.set(reinterpret_cast<std::uintptr_t>(std::addressof(n)));
    auto const run = [&](auto& in, auto& here, word w) noexcept { return run_one<true>(in, here, w, n) && !stop(); };
    auto& here = *static_cast<slot*>(at.slot);
    if (!stop()) all().notify_on(at.segment, here, run, n.stripe);
    return end_notification(n, in_flight);
  }
  template <class Scope>
  CTS_HOT callback* end_notification(notification const& n, Scope& in_flight) noexcept {
    if (n.now == notification::state::registry_gone || n.now == notification::state::paused) [[unlikely]] {
      in_flight.forget();
      return n.paused_in;
    }
    in_flight.end();
    flag_.store(complete, site::flag_end);  // D2
    return nullptr;
  }

  /// False: the registry is gone, or the notification pauses.
  template <bool MayPause, class In>
  bool run_one(In& in, slot& here, word w, notification& n) noexcept {
    callback& c = *core::callback_of<callback>(w);
    if (!here.take(w, core::running(c))) return true;
    c.run_.get()(c);
    if (n.now != notification::state::goes_on) [[unlikely]] {
      if (MayPause && n.now == notification::state::paused) {  // D4
        *n.at = {std::addressof(in), std::addressof(here), n.stripe};
        n.paused_in = std::addressof(c);
      }
      return false;  // D3
    }
    here.finish();
    return true;
  }

  // --- dispose ---
  CTS_HOT void end(word flag) noexcept {
    bool const inside = flag == notifying && detach_canceller();
    watch_.dispose(inside);
    all().release_grown();
  }
  /// Waits for a departing canceller (D2) or, inside its callback, tells it that the registry is gone (D3): true.
  CTS_COLD bool detach_canceller() noexcept {
    if (is_canceller()) {
      current().now = notification::state::registry_gone;
      return true;
    }
    Platform::await(core::wait::canceller_leaves, [this] { return flag_.load(site::flag_await) == complete; });
    return false;
  }

  // The pollers' words: written by cancel and dispose only.
  alignas(alignment) typename Platform::template atomic<word> flag_{clear};
  typename Platform::template atomic<std::uintptr_t> canceller_{0};
  typename Platform::template var<std::uintptr_t> notification_{0};  // the address of the current one
  [[no_unique_address]] overlap_watch<Platform::checked> watch_{this, &holds};
  [[no_unique_address]] row_of<Platform, Stripes> row_;
  // The registrants' words.
  stripe<Platform, Layout> stripes_[stripes::own];
};

/// The registry of production.
using registry = basic_registry<>;

/// For a registry that many threads share.
using striped_registry = basic_registry<std_platform, 16>;

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_REGISTRY_HPP
