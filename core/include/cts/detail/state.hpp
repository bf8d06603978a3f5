// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a source, its tokens and its registrations share: a registry, a count of references, one word, an event, a timer and the
/// links to its parents, in one allocation.
///
///   word: ·──word_cancel──▶ canceled, with the cause      ·──word_dispose──▶ disposed      (either, both, in either order)
///         ·──word_watch──▶ watched: there is an event     ·──word_arm──▶ timed: there may be an armed timer
///
///   S1  who sets `canceled` is the one winner: it alone disarms the timer, signals the event and runs the callbacks; who loses
///       returns with the registry's flag set;
///   S2  a reference is made from one that its maker holds. A timer that is due makes its own from that of the source, under the
///       timers' lock, which the source's end takes before it drops that one. What runs callbacks holds a reference, so no callback can
///       take the state away from under it;
///   S3  who wants to be told of cancel and dispose (an event, a timer) announces itself in the word and then looks whether they
///       have come; cancel and dispose announce themselves in the word and then look who wants to be told. All are
///       read-modify-writes of one word, so the second of any two sees the first;
///   S4  a link is registered in its parent as long as its child is not disposed; disposing the child takes it back or waits for
///       it, so a parent never reaches into a child that is gone; a child holds its parents.
///
/// A template over what it is made of, so that the models run it: `Parts` has
///   platform                          as in core/platform.hpp
///   event                             share(), drop(), signal(), dispose(); made by make_event()
///   alarm                             alarm(state&), disarm(), reset(), and whatever arms it
///   failures                          any(), add_aggregate(failures&)
///   reason                            what cancel may be told; alignas(cause_alignment); destroyed by destroy_reason(reason*)
///   waiting                           a scope around a wait for a callback on another thread: waiting(state&, callback&)
///   extras                            what else a state holds
///   allocate(bytes), deallocate(p)    throws std::bad_alloc
#pragma once
#ifndef CTS_DETAIL_STATE_HPP
#define CTS_DETAIL_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/detail/orders.hpp"
#include "cts/detail/registration_node.hpp"

namespace cts { inline namespace CTS_ABI { namespace detail {

/// Reasons are aligned so that their address leaves room for the bits of the word.
inline constexpr std::size_t cause_alignment = 64;

/// What a call that cancels, arms or resets is told.
enum class verdict : std::uint8_t {
  won,      ///< it is the one that does it
  lost,     ///< the source was canceled before
  disposed  ///< the source is disposed
};

template <class Parts>
class basic_state {
 public:
  using platform = typename Parts::platform;
  using registry_type = core::basic_registry<platform>;
  using callback = core::basic_callback<platform>;
  using node = basic_node<platform>;  // the only callbacks that this registry gets
  using event = typename Parts::event;
  using alarm = typename Parts::alarm;
  using failures = typename Parts::failures;
  using reason = typename Parts::reason;
  using extras = typename Parts::extras;
  using word = std::uintptr_t;

  /// @return a state with one reference and `links` links to no parent. One allocation; throws std::bad_alloc.
  static basic_state* create(std::size_t links = 0) {
    void* const at = Parts::allocate(sizeof(basic_state) + links * sizeof(link));
    return ::new (at) basic_state(links);
  }
  /// The same in static storage: it is never destroyed, as nobody drops its first reference.
  static basic_state* create_static(void* storage) noexcept { return ::new (storage) basic_state(0); }
  basic_state(basic_state const&) = delete;
  basic_state& operator=(basic_state const&) = delete;

  // --- references ---
  void share() noexcept { refs_.fetch_add(1, site::refs_share); }
  CTS_HOT void drop() noexcept {
    if (refs_.fetch_add(~std::uintptr_t{0}, site::refs_drop) == 1) [[unlikely]]
      destroy();
  }

  /// A reference, for as long as what runs meanwhile may end the source.
  class reference {
   public:
    explicit reference(basic_state& s) noexcept : state_(s) { s.share(); }
    reference(reference const&) = delete;
    reference& operator=(reference const&) = delete;
    ~reference() { state_.drop(); }

   private:
    basic_state& state_;
  };

  // --- cancel ---
  bool is_cancellation_requested() const noexcept { return registry_.is_cancellation_requested(); }
  bool is_disposed() const noexcept { return (word_.load(site::word_glance) & disposed) != 0; }

  /// The first half of cancel (R2, R3a–c): whoever wins must call notify(), and hold a reference until that has returned.
  /// @param cause nullptr, or what the state then owns; owned by the caller still if it does not win
  verdict begin(reason* cause) noexcept { return begin(reinterpret_cast<word>(cause), false); }
  /// The same for the timer, whom R64 lets cancel a disposed source: then no callback runs, and it has not won.
  verdict begin_late() noexcept { return begin(0, true); }
  /// The second half (R3d–g), on any thread that begin() happened before.
  void notify(failures& f, bool stop_on_first) noexcept {
    failures_.set(&f);
    stop_on_first_.set(stop_on_first);
    if (platform::mutation(mutation::dispose_drops_callbacks) && is_disposed()) return registry_.run_callbacks([] { return true; });
    registry_.run_callbacks([this] { return shall_stop(); });
    if (platform::mutation(mutation::signal_after_callbacks))
      if (event* const e = event_.load(site::event_find)) e->signal();
  }
  /// Whether the callback that has just run is the last, as it has thrown (R29). For what runs callbacks.
  bool shall_stop() const noexcept { return stop_on_first_.get() && failures_.get()->any(); }
  /// Where the callback that is running leaves its exception.
  failures& collector() noexcept { return *failures_.get(); }

  // --- dispose ---
  /// Unlinks, stops the timer, closes the event. Waits for a link that is running on another thread. Once. R57, R71.
  void dispose() noexcept {
    word const before = word_.fetch_or(disposed, site::word_dispose);
    if ((before & disposed) != 0) return;
    for (std::size_t i = 0; i < link_count_ && !platform::mutation(mutation::never_unlink); ++i) unlink(i);
    if ((before & timed) != 0) alarm_.disarm();
    if ((before & watched) != 0) event_.load(site::event_take)->dispose();
  }
  /// What the source's end does: dispose, and drop its reference.
  CTS_HOT void end() noexcept {
    // Alone, with nothing that could come back: nobody can tell whether it was disposed.
    word const told = platform::mutation(mutation::end_although_timed) ? watched : timed | watched;
    if (refs_.load(site::refs_alone) == 1 && link_count_ == 0 && (word_.load(site::word_glance) & told) == 0)
      return destroy();
    dispose();
    drop();
  }

  // --- registrations ---
  /// Registers `c`, for whose memory the caller holds a reference, unless the source is disposed (R20).
  CTS_HOT core::register_result enter(node& c) noexcept {
    if (is_disposed()) [[unlikely]]
      return is_cancellation_requested() ? core::register_result::canceled : core::register_result::disposed;
    return registry_.try_register(c);
  }
  /// Takes `c` back or, if it runs on another thread, waits until it has returned. R46–R48.
  CTS_HOT void leave(callback& c) noexcept {
    // After a cancel most have run: two loads are cheaper than a compare-and-swap that fails.
    bool const over = is_cancellation_requested() && !registry_.is_registered(c);
    if (over || !registry_.unregister(c)) [[unlikely]]
      await_return(c);
  }
  CTS_COLD void await_return(callback& c) noexcept {
    if (!registry_.is_running(c) || runs_here()) return;
    typename Parts::waiting const on(*this, c);
    registry_.await_return(c);
  }
  /// Whether this thread runs the callbacks, as their canceller or on behalf of it (R47, R91).
  bool runs_here() const noexcept { return registry_.canceller() == platform::this_thread() || is_delegate(); }
  registry_type& registry() noexcept { return registry_; }
  registry_type const& registry() const noexcept { return registry_; }
  void note_detached() noexcept { word_.fetch_or(detached, site::word_detach); }

  /// While a synchronization context runs a callback on this thread, the thread counts as the one that runs the callbacks. R91.
  class delegate {
   public:
    explicit delegate(basic_state& s) noexcept : state_(s), before_(s.delegate_.load(site::delegate_ask)) {
      s.delegate_.store(platform::this_thread(), site::delegate_set);
    }
    delegate(delegate const&) = delete;
    delegate& operator=(delegate const&) = delete;
    ~delegate() {
      if (!platform::mutation(mutation::delegate_not_restored)) state_.delegate_.store(before_, site::delegate_set);
    }

   private:
    basic_state& state_;
    std::uintptr_t const before_;
  };
  std::uintptr_t runner() const noexcept {
    std::uintptr_t const other = delegate_.load(site::delegate_ask);
    return other != 0 ? other : registry_.canceller();
  }

  // --- the event ---
  /// @return the event, with a reference for the caller; nullptr if the source is disposed. Throws what make_event throws. R87, R88.
  event* watch() {
    word now = word_.load(site::word_ask);
    if ((now & disposed) != 0) return nullptr;
    event* e = event_.load(site::event_find);
    if (e == nullptr) {
      event* const fresh = Parts::make_event();
      if (event_.compare_exchange(e, fresh, site::event_publish)) {
        e = fresh;
      } else if (platform::mutation(mutation::replace_event)) {
        event_.compare_exchange(e, fresh, site::event_publish);
        e = fresh;
      } else {
        fresh->drop();
        e = event_.load(site::event_find);
      }
    }
    e->share();
    bool const silent = platform::mutation(mutation::watch_without_announcing);
    if ((now & watched) == 0) now = silent ? word_.load(site::word_ask) : word_.fetch_or(watched, site::word_watch);
    if ((now & canceled) != 0) {
      if (!platform::mutation(mutation::signal_without_flag)) set_flag();
      e->signal();  // R89
    }
    if ((now & disposed) != 0) {
      e->dispose();
      e->drop();
      return nullptr;
    }
    return e;
  }

  // --- the timer ---
  alarm& timer() noexcept { return alarm_; }
  /// Sets the timer by `set()` unless the source is canceled or disposed. Throws what `set` throws. The timer may fire at once, and a
  /// callback end the source.
  template <class Set>
  verdict arm(Set set) {
    if (platform::mutation(mutation::arm_without_reference)) return do_arm(set);
    reference const held(*this);
    return do_arm(set);
  }
  /// Disarms the timer and removes all registrations without running them. R84. What it destroys may end the source.
  verdict try_reset() noexcept {
    word const now = word_.load(site::word_ask);
    if ((now & disposed) != 0) return verdict::disposed;
    if ((now & canceled) != 0) return verdict::lost;
    if ((now & timed) != 0 && !alarm_.reset()) return verdict::lost;
    reference const held(*this);
    detail::abandon_all<registry_type, node>(registry_);
    return verdict::won;
  }

  // --- links ---
  std::size_t links() const noexcept { return link_count_; }
  basic_state* parent(std::size_t i) const noexcept { return link_at(i).parent; }
  /// Makes the i-th link, of a state that is new. If the parent is canceled, so is this one when it returns.
  /// @return false if there is no memory
  bool link_to(std::size_t i, basic_state& to) noexcept {
    link& l = link_at(i);
    if (!platform::mutation(mutation::link_without_parent)) to.share();
    l.parent = &to;
    core::register_result const result = to.enter(l);  // disposed is as good as registered: R59
    if (result == core::register_result::canceled) l.run();  // nobody has registered with this one yet
    return result != core::register_result::out_of_memory;
  }

  // --- the cause ---
  /// Calls `visit(state, reason*)` for the state that was canceled first, through the links; false if this one is not canceled.
  template <class Visit>
  bool cause(Visit visit) const {
    word const now = word_.load(site::word_ask);
    if ((now & canceled) == 0) return false;
    if ((now & linked) != 0) return link_at(now / cause_alignment).parent->cause(visit);
    visit(*this, reinterpret_cast<reason*>(now & ~(cause_alignment - 1)));
    return true;
  }

  extras& more() noexcept { return extras_; }
  extras const& more() const noexcept { return extras_; }

 private:
  static constexpr word canceled = 1;
  static constexpr word disposed = 2;
  static constexpr word linked = 4;  // canceled by a link: the rest is its index, not a reason
  static constexpr word timed = 8;
  static constexpr word watched = 16;
  static constexpr word detached = 32;  // a registration has no handle any more

  /// The callback that a parent runs to cancel its child.
  struct link : node {
    explicit link(basic_state& c) noexcept : node(&ran), child(c) {}
    basic_state* parent = nullptr;
    basic_state& child;

    static void ran(callback& c) noexcept { static_cast<link&>(c).run(); }
    void run() noexcept {
      basic_state& below = child;
      basic_state& above = *parent;
      bool const counted = !platform::mutation(mutation::link_without_reference);
      if (counted) below.share();  // it is not gone: its dispose waits for this (S4)
      word const index = static_cast<word>(this - &below.link_at(0));
      if (below.begin(index * cause_alignment | linked, true) == verdict::won) {
        failures f;
        below.notify(f, false);
        if (f.any() && !platform::mutation(mutation::swallow_failures)) above.collector().add_aggregate(f);  // R31, R32
      }
      if (counted) below.drop();
    }
  };

  explicit basic_state(std::size_t links) noexcept : link_count_(links) {
    for (std::size_t i = 0; i < links; ++i) ::new (static_cast<void*>(&link_at(i))) link(*this);
  }
  ~basic_state() {
    for (std::size_t i = 0; i < link_count_; ++i) {
      if (basic_state* const p = link_at(i).parent; p != nullptr && !platform::mutation(mutation::link_without_parent)) p->drop();
      link_at(i).~link();
    }
  }

  link& link_at(std::size_t i) const noexcept {
    void* const end = const_cast<std::byte*>(reinterpret_cast<std::byte const*>(this)) + sizeof(basic_state);
    return static_cast<link*>(end)[i];
  }

  CTS_COLD void destroy() noexcept {
    word const now = word_.load(site::word_glance);
    if ((now & detached) != 0) detail::abandon_all<registry_type, node>(registry_);
    if (event* const e = event_.load(site::event_take)) e->drop();
    if ((now & (canceled | linked)) == canceled) Parts::destroy_reason(reinterpret_cast<reason*>(now & ~(cause_alignment - 1)));
    this->~basic_state();
    Parts::deallocate(this);
  }

  verdict begin(word cause, bool late) noexcept {
    word before = word_.load(site::word_ask);
    for (;;) {
      if ((before & disposed) != 0 && !late) return verdict::disposed;
      if ((before & canceled) != 0) {
        if (!platform::mutation(mutation::lose_without_flag)) set_flag();
        return verdict::lost;
      }
      if (word_.compare_exchange(before, before | canceled | cause, site::word_cancel)) break;
      if (!platform::mutation(mutation::believe_failed_exchange))
        before = word_.load(site::word_ask);  // what a failed exchange reads is ordered after nothing
    }
    if (platform::mutation(mutation::signal_before_flag) && (before & watched) != 0) event_.load(site::event_take)->signal();
    registry_.request_cancellation();
    if ((before & disposed) != 0) [[unlikely]] {  // R64
      registry_.run_callbacks([] { return true; });
      return verdict::lost;
    }
    if ((before & timed) != 0) alarm_.disarm();
    if ((before & watched) != 0 && !platform::mutation(mutation::signal_after_callbacks)) event_.load(site::event_take)->signal();
    return verdict::won;
  }

  /// S1: for who finds it canceled, whose winner may not have come to the flag yet.
  void set_flag() noexcept {
    if (!is_cancellation_requested()) registry_.request_cancellation();
  }

  template <class Set>
  verdict do_arm(Set& set) {
    word now = word_.load(site::word_ask);
    if ((now & timed) == 0) now = word_.fetch_or(timed, site::word_arm);
    if ((now & disposed) != 0) return verdict::disposed;
    if ((now & canceled) != 0) return verdict::lost;
    set();
    if (platform::mutation(mutation::arm_without_second_look)) return verdict::won;
    if ((word_.load(site::word_glance) & (canceled | disposed)) != 0) alarm_.disarm();
    return verdict::won;
  }

  void unlink(std::size_t i) noexcept {
    link& l = link_at(i);
    if (l.parent == nullptr || l.parent->registry_.unregister(l)) return;
    // On a thread to which a synchronization context has brought one of this one's callbacks, below this very link, its end waits
    // for us.
    if (is_delegate() && (word_.load(site::word_glance) & ~(cause_alignment - 1)) == i * cause_alignment &&
        (word_.load(site::word_glance) & linked) != 0)
      return;
    if (!platform::mutation(mutation::unlink_without_waiting)) l.parent->await_return(l);
  }
  bool is_delegate() const noexcept { return delegate_.load(site::delegate_ask) == platform::this_thread(); }

  template <class T>
  using atomic = typename platform::template atomic<T>;

  registry_type registry_;
  alignas(platform::line) atomic<std::uintptr_t> refs_{1};
  atomic<word> word_{0};
  atomic<event*> event_{nullptr};
  typename platform::template var<failures*> failures_{nullptr};
  typename platform::template var<bool> stop_on_first_{false};
  atomic<std::uintptr_t> delegate_{0};
  std::size_t const link_count_;
  alarm alarm_{*this};
  [[no_unique_address]] extras extras_;
};

}  }  }  // namespace cts::detail

#endif  // CTS_DETAIL_STATE_HPP
