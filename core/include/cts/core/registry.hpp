// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registry: register, unregister, cancel, poll, dispose. Five verbs on one or more ledgers and one flag.
///
/// In place and non-owning: the caller keeps the registry alive until every other operation has completed ("Dispose
/// comes last"). All verbs but dispose may be called concurrently, from anywhere, also from inside a callback; a
/// callback may in addition dispose and destroy the registry that runs it. No verb throws; only a growing try_register
/// allocates.
#pragma once
#ifndef CTS_CORE_REGISTRY_HPP
#define CTS_CORE_REGISTRY_HPP

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cts/core/callback.hpp"
#include "cts/core/overlap_watch.hpp"
#include "cts/core/segment_stack.hpp"
#include "cts/core/memory_orders.hpp"
#include "cts/core/platform.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// @tparam Platform what it runs on
/// @tparam Stripes ledgers that threads are spread over. 1: the order is LIFO over happens-before. More, for registries
///   that many threads share: threads on different stripes write no common cache line, and the order is LIFO per
///   thread.
template <class Platform = std_platform, std::size_t Stripes = 1>
class basic_registry {
  static_assert(Stripes > 0);

 public:
  using platform = Platform;
  using callback = basic_callback<Platform>;

  /// A registry that is not canceled and has no registrations. The constructor is constexpr if the platform's words
  /// are, as in production: a registry of static storage can then be declared constinit, and initializers of other
  /// files may use it.
  basic_registry() noexcept = default;
  basic_registry(basic_registry const&) = delete;
  basic_registry& operator=(basic_registry const&) = delete;
  ~basic_registry() {
    word const flag = flag_.load(site::flag_await);
    if ((flag & disposed) == 0) leave(flag);
  }

  /// Registers `c`. One read-modify-write; O(1) amortized; lock-free but for the allocator. Waits for nothing.
  /// What happened before is visible to the callback (G8). R16, R19.
  /// `c` must not be registered already (checked builds report it; else only its second registration can be
  /// unregistered).
  /// @return registered: cancel will run it, or is running it; canceled: cancel came first, it does not run;
  /// out_of_memory:
  ///   the registry would have had to grow, nothing has changed; disposed: the registry was disposed uncanceled.
  CTS_HOT register_result try_register(callback& c) noexcept {
    auto const in_flight = watch_.enter(verb::try_register);
    if constexpr (Platform::checked) {
      auto* const at = c.slot_.get();
      // The registry of an earlier registration may be gone, and its slots, too.
      if (watch_.registered_with(c.registrar_.number, at, [&] { return at->load(site::slot_peek) == core::live(c); }))
        watch_.registered_twice();
      c.registrar_.number = watch_.number();
    }
    if constexpr (Stripes > 1) {  // a stripe may still be open when the flag is set
      if (flag_.load(site::flag_poll) != clear) return refuse();
    }
    register_result const result = mine().enter(c);
    return result == register_result::canceled ? refuse() : result;
  }

  /// Takes `c` back if it has not begun to run. One read-modify-write; O(1), wait-free. Never waits. R43, R44.
  /// `c` must not have been registered last in another registry that is gone by now.
  /// @return true: it has not run and never will; false: it runs or ran, and then the flag reads as set, or it was not
  /// registered (that is no error).
  CTS_HOT bool unregister(callback& c) noexcept {
    auto const in_flight = watch_.enter(verb::unregister);
    return retire(c);
  }

  /// Takes `c` back, or waits until it has returned: afterwards it is not running, will not run, and its effects are
  /// visible. Waits for this one callback only, and not at all on the thread that runs the callbacks. R46–R48.
  void unregister_and_wait(callback& c) noexcept {
    auto const in_flight = watch_.enter(verb::unregister_and_wait);
    if (!retire(c)) wait(c);
  }

  /// The second half of unregister_and_wait: what comes after an unregister that has returned false. No
  /// read-modify-write.
  void await_return(callback& c) noexcept {
    auto const in_flight = watch_.enter(verb::unregister_and_wait);
    wait(c);
  }

  /// Runs what is registered, newest first, each callback once, on this thread. One read-modify-write a stripe and one
  /// a callback. What happened before is visible to the callbacks and to every thread that reads the flag as set. R2,
  /// R25, R26.
  /// @return true for the one call that did it, after its callbacks have returned; false, at once, for every other.
  bool cancel() noexcept {
    return cancel([] { return false; });
  }

  /// The same, but asks `stop()` after each callback; once it says true the rest stay registered and never run. R29,
  /// R30.
  template <class Stop>
  bool cancel(Stop stop) noexcept {
    auto in_flight = watch_.enter(verb::cancel);
    auto* const top = request();
    if (top == nullptr) return false;
    notify<false>(top, stop, in_flight, nullptr);
    return true;
  }

  /// The first half of cancel: from here on the flag is set and registrations are refused, but nothing has run yet, and
  /// what is registered can still be unregistered. R3, R37, R41. Every call returns with the flag set. @return true for
  /// the one call (of this and cancel) that did it: it must see to it that run_callbacks() is called, unless the
  /// callers have agreed otherwise on who does.
  bool request_cancellation() noexcept {
    auto const in_flight = watch_.enter(verb::cancel);
    bool const first = ledgers_[0].ledger.close() != nullptr;
    for (std::size_t i = 1; i < Stripes; ++i) ledgers_[i].ledger.close();
    help();  // not a store: the callers may have agreed on another one, whose callbacks have run by now
    return first;
  }

  /// The second half, once, on any thread that the request happened before. Asks `stop()` before the first callback,
  /// too. Dispose comes after it.
  template <class Stop>
  void run_callbacks(Stop stop) noexcept {
    auto in_flight = watch_.enter(verb::cancel);
    notify<false>(stop() ? nullptr : ledgers_[0].ledger.top(), stop, in_flight, nullptr);
  }

  /// Where a notification stands that has paused.
  struct pause {
    void* segment = nullptr;
    void* slot = nullptr;
  };
  /// The same, but a callback may end with pause_here(): then this returns it, and `at` says how to go on. Its slot
  /// says that it runs until resume(at) is called, on the same thread, which must come; until then the registry must
  /// not be disposed. So a registry whose callbacks cancel others is notified in its turn without one stack frame a
  /// registry.
  /// @return nullptr when the notification is over
  template <class Stop>
  callback* run_callbacks(Stop stop, pause& at) noexcept {
    auto in_flight = watch_.enter(verb::cancel);
    return notify<true>(stop() ? nullptr : ledgers_[0].ledger.top(), stop, in_flight, std::addressof(at));
  }
  /// For a callback that this registry runs on this thread, as the last thing that it does. Of a registry that is run
  /// by run_callbacks(stop, pause).
  void pause_here() noexcept { reinterpret_cast<course*>(course_.get())->now = fate::paused; }
  /// Finishes the callback that has paused at `at`, asks `stop()`, and goes on with those below it. O(1) more than
  /// without the pause. The callback may be gone.
  template <class Stop>
  callback* resume(pause& at, Stop stop) noexcept {
    auto in_flight = watch_.again(verb::cancel);
    auto& slot = *static_cast<typename segment::slot*>(at.slot);
    slot.store(done, site::slot_resume);
    return notify_on(at, stop, in_flight);
  }

  /// Takes back everything that is registered and has not begun to run, newest first, as unregister does, and calls
  /// `removed(callback&)` for each, which may destroy it but must not come back to this registry. What is registered
  /// meanwhile may stay. One read-modify-write a callback; O(slots), waits for nothing. R84.
  template <class Removed>
  void remove_all(Removed removed) noexcept {
    auto const in_flight = watch_.enter(verb::unregister);
    for (auto& l : ledgers_)
      l.ledger.scan(l.ledger.top(), [&](auto& from, auto& slot, word w) noexcept {
        word expected = w;
        if (!slot.compare_exchange(expected, core::running(*core::callback_of<callback>(w)), site::slot_take))
          return true;
        removed(*core::callback_of<callback>(w));
        slot.store(from.dead_from_now(), site::slot_done);
        return true;
      });
  }

  /// Whether `c`, which was registered here last, is waiting for cancel. A plain load; may be out of date at once.
  bool is_registered(callback const& c) const noexcept {
    auto const* const at = c.slot_.get();
    return at != nullptr && at->load(site::slot_peek) == core::live(c);
  }

  /// Whether `c`, which was registered here last, runs just now. A plain load; reading false after unregister() has
  /// returned false makes the effects of `c` visible. R46.
  bool is_running(callback const& c) const noexcept {
    auto const* const at = c.slot_.get();
    return at != nullptr && at->load(site::slot_await) == core::running(c);
  }

  /// How many callbacks are registered. O(slots); a snapshot that concurrent operations may make old at once.
  std::size_t count() noexcept {
    std::size_t n = 0;
    for (auto& l : ledgers_) l.ledger.scan(l.ledger.top(), [&n](auto&, auto&, word) noexcept { return ++n != 0; });
    return n;
  }

  /// Whether `is(address)` is true for the address of a callback that is registered. Touches no callback. O(slots); a
  /// snapshot.
  template <class Is>
  bool any_registered(Is is) noexcept {
    bool found = false;
    for (auto& l : ledgers_)
      l.ledger.scan(l.ledger.top(), [&](auto&, auto&, word w) noexcept {
        return !(found = is(static_cast<void const*>(callback_of<callback>(w))));
      });
    return found;
  }

  /// The thread that runs the callbacks now, or did last; 0: none yet. A plain load; may be out of date at once.
  std::uintptr_t canceller() const noexcept { return canceller_.load(site::canceller_ask); }

  /// Whether cancel has been called: a plain load of a line that no registrant writes. Never goes back. R1, R13.
  /// Reading true makes what happened before cancel visible.
  bool is_cancellation_requested() const noexcept {
    auto const in_flight = watch_.enter(verb::is_cancellation_requested);
    return (flag_.load(site::flag_poll) & requested) != 0;
  }

  /// Frees what the registry has grown. Must come last: every other operation has completed, but for the cancel whose
  /// callback calls this, and for one on another thread whose last callback has returned (dispose then waits until that
  /// cancel has left the registry). Does not cancel. Idempotent; the destructor calls it. No read-modify-write. R57,
  /// R60.
  void dispose() noexcept {
    word const flag = flag_.load(site::flag_await);
    if ((flag & disposed) != 0) return;
    leave(flag);
    for (auto& l : ledgers_) l.ledger.forget();
    flag_.store((flag & requested) | disposed, site::flag_dispose);
  }

 private:
  // The flag: clear, then notifying (callbacks run), then complete. Disposed is a bit beside them.
  static constexpr word clear = 0;
  static constexpr word requested = 1;
  static constexpr word notifying = 1;
  static constexpr word complete = 3;
  static constexpr word disposed = 4;

  using segment = core::segment<Platform>;
  struct alignas(Platform::line) stripe {
    core::ledger<Platform> ledger;
  };

  static bool holds(void const* self, void const* slot) noexcept {
    for (auto const& l : static_cast<basic_registry const*>(self)->ledgers_)
      if (l.ledger.holds(slot)) return true;
    return false;
  }

  core::ledger<Platform>& mine() noexcept {
    if constexpr (Stripes == 1) return ledgers_[0].ledger;
    else return ledgers_[Platform::thread_index() % Stripes].ledger;
  }

  /// Waits for a canceller on its way out, or tells one that is above on this thread's stack; frees what has grown.
  CTS_HOT void leave(word flag) noexcept {
    bool const inside = flag == notifying && !wait_for_canceller();
    watch_.dispose(inside);
    if (inside) reinterpret_cast<course*>(course_.get())->now = fate::gone;
    for (auto& l : ledgers_) l.ledger.release_grown();
  }
  /// False, without waiting, on the canceller's own thread.
  CTS_COLD bool wait_for_canceller() noexcept {
    if (is_canceller()) return false;
    Platform::await(core::wait::canceller_leaves, [this] { return flag_.load(site::flag_await) == complete; });
    return true;
  }

  bool is_canceller() const noexcept { return canceller_.load(site::canceller_ask) == Platform::this_thread(); }

  /// Closes the registry and sets the flag. Returns where to begin to the one thread that did it, else null.
  segment* request() noexcept {
    segment* const top = ledgers_[0].ledger.close();
    if (top == nullptr) {
      help();
      return nullptr;
    }
    for (std::size_t i = 1; i < Stripes; ++i) ledgers_[i].ledger.close();
    flag_.store(notifying, site::flag_set);
    return top;
  }

  /// What has become of the notification inside the callback that has just run. On the stack of who runs the callbacks.
  enum class fate : unsigned char { goes_on, gone, paused };
  struct course {
    fate now = fate::goes_on;
    callback* last = nullptr;  // paused in it
    pause* at = nullptr;
  };

  /// @tparam MayPause whether the callbacks may call pause_here()
  template <bool MayPause, class Stop, class Scope>
  CTS_HOT callback* notify(segment* top, Stop& stop, Scope& in_flight, pause* at) noexcept {
    canceller_.store(Platform::this_thread(), site::canceller_set);
    course way{fate::goes_on, nullptr, at};
    course_.set(reinterpret_cast<std::uintptr_t>(std::addressof(way)));
    auto const run = [&](auto& in, auto& slot, word w) noexcept {
      return run_one<MayPause>(in, slot, w, way) && !stop();
    };
    bool go_on = top != nullptr && ledgers_[0].ledger.scan(top, run);
    for (std::size_t i = 1; i < Stripes && go_on; ++i) go_on = ledgers_[i].ledger.scan(ledgers_[i].ledger.top(), run);
    return end_notification(way, in_flight);
  }
  /// The same from where it has paused.
  template <class Stop, class Scope>
  callback* notify_on(pause& at, Stop& stop, Scope& in_flight) noexcept {
    course way{fate::goes_on, nullptr, std::addressof(at)};
    course_.set(reinterpret_cast<std::uintptr_t>(std::addressof(way)));
    auto const run = [&](auto& in, auto& slot, word w) noexcept { return run_one<true>(in, slot, w, way) && !stop(); };
    auto& in = *static_cast<segment*>(at.segment);
    auto& slot = *static_cast<typename segment::slot*>(at.slot);
    bool go_on = !stop();
    std::size_t i = 0;
    while (Stripes > 1 && !ledgers_[i].ledger.holds(std::addressof(slot))) ++i;
    go_on = go_on && ledgers_[i].ledger.scan_on(in, slot, run);
    while (++i < Stripes && go_on) go_on = ledgers_[i].ledger.scan(ledgers_[i].ledger.top(), run);
    return end_notification(way, in_flight);
  }
  template <class Scope>
  CTS_HOT callback* end_notification(course const& way, Scope& in_flight) noexcept {
    bool const gone = way.now == fate::gone;
    if (gone || way.now == fate::paused) [[unlikely]] {
      in_flight.forget();
      return way.last;
    }
    in_flight.leave();
    flag_.store(complete, site::flag_end);  // the last touch: a dispose on another thread may wait for it
    return nullptr;
  }

  /// Sees to it that who was told "canceled" reads the flag as set, even if the canceller has not come to it yet.
  void help() noexcept {
    word expected = clear;
    if (flag_.load(site::flag_poll) == clear) flag_.compare_exchange(expected, notifying, site::flag_help);
  }

  CTS_COLD register_result refuse() noexcept {
    if ((flag_.load(site::flag_poll) & (disposed | requested)) == disposed) return register_result::disposed;
    help();
    return register_result::canceled;
  }

  /// live → dead
  bool retire(callback& c) noexcept {
    auto* const at = c.slot_.get();
    if (at == nullptr) return false;
    word expected = core::live(c);
    if (at->compare_exchange(expected, c.dead_.get(), site::slot_unregister)) [[likely]]
      return true;
    // Who is told that cancel was faster reads the flag as set.
    static_cast<void>(at->load(site::slot_too_late));
    return false;
  }

  CTS_COLD void wait(callback& c) noexcept {
    auto* const at = c.slot_.get();
    if (at == nullptr) return;
    word const mine = core::running(c);
    if (at->load(site::slot_await) != mine) return;
    if (is_canceller()) return;
    Platform::await(core::wait::callback_returns, [at, mine] { return at->load(site::slot_await) != mine; });
  }

  /// live → running → done, or as far as running if it pauses. False if the registry is gone or the notification
  /// pauses.
  template <bool MayPause, class Segment, class Slot>
  bool run_one(Segment& in, Slot& slot, word w, course& way) noexcept {
    word expected = w;
    callback& c = *core::callback_of<callback>(w);
    if (!slot.compare_exchange(expected, core::running(c), site::slot_take)) return true;
    c.run_.get()(c);
    if (way.now != fate::goes_on) [[unlikely]] {
      if (MayPause && way.now == fate::paused) {
        *way.at = {std::addressof(in), std::addressof(slot)};
        way.last = std::addressof(c);
        return false;
      }
      return false;
    }
    slot.store(done, site::slot_done);
    return true;
  }

  // The pollers' line: written by cancel and dispose only.
  alignas(Platform::line) typename Platform::template atomic<word> flag_{clear};
  typename Platform::template atomic<std::uintptr_t> canceller_{0};
  typename Platform::template var<std::uintptr_t> course_{0};  // of the cancel that runs
  [[no_unique_address]] overlap_watch<Platform::checked> watch_{this, &holds};
  // The registrants' lines.
  stripe ledgers_[Stripes];
};

using registry = basic_registry<>;

/// For a registry that many threads share.
using striped_registry = basic_registry<std_platform, 16>;

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_REGISTRY_HPP
