// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a source, its tokens and its registrations share: a registry, a count of references, one word, an event, a
/// timer and the links to its parents, in one allocation.
///
///   word: ·──word_cancel──▶ canceled, with the cause      ·──word_dispose──▶ disposed      (either, both, in either
///   order)
///         ·──word_watch──▶ watched: there is an event     ·──word_arm──▶ timed: there may be an armed timer
///
///   S1  who sets `canceled` is the one winner: it alone disarms the timer, signals the event and runs the callbacks;
///   who loses
///       returns with the registry's flag set;
///   S2  a reference is made from one that its maker holds. A due timer takes its reference under the lock of its
///   wheel; ending the
///       source takes the same lock before it drops the reference that the timer's was made from. What runs callbacks
///       holds a reference, so no callback can take the state away from under it;
///   S3  who wants to be told of cancel and dispose (an event, a timer) announces itself in the word and then looks
///   whether they
///       have come; cancel and dispose announce themselves in the word and then look who wants to be told. All are
///       read-modify-writes of one word, so the second of any two sees the first;
///   S4  a link is registered in its parent as long as its child is not disposed; disposing the child takes it back or
///   waits for
///       it, so a parent never reaches into a child that is gone; a child holds its parents until then;
///   S5  a disposed child holds one parent at most, the one whose link has canceled it, until it is destroyed. It lets
///   go of the others
///       when no link of its can run any more. So chains shrink as their sources end, and the way to the cause stays;
///   S6  a reader of links (visit_above) announces itself in the word, unless the state is disposed, before it looks at
///   them. Dispose
///       announces itself in the same word; if it finds a reader there, the later of the two to be done with the links
///       lets go of the parents. Readers come one at a time, and leave a state only after those that they have reached
///       through it: so what they look at is held by what they have not left;
///   S7  a notification never calls another: a link that has canceled its child pauses the notification of its parent
///   (core/registry.hpp).
///       The one loop in notify() goes down to the child, and when that is done up again. Each state on the way holds a
///       reference to itself, its link's slot says "running", and where its parent's notification stands is in that
///       link: the way back is the way to the cause. So its length costs no stack and no memory;
///   S8  what destroying a state lets go of is destroyed by a loop, not by recursion, once `most_nested` destructions
///   are on the stack:
///       up to there foreign destructors see what they let go of destroyed when they return, beyond it happens after
///       them.
///
/// A template over what it is made of, so that the models run it: `Parts` has
///   platform                          as in core/platform.hpp
///   event                             share(), drop(), signal(), dispose(); made by make_event()
///   alarm                             alarm(state&), disarm(), reset(), and whatever arms it (see arm())
///   failures                          any(), add_aggregate(failures&); make_failures(), which does not fail, and
///   destroy_failures(failures*) reason                            what cancel may be told; alignas(cause_alignment);
///   destroyed by destroy_reason(reason*) waiting                           a scope around a wait for a callback on
///   another thread: waiting(state&, callback&) one_reader                        a lock: one for all states dying(),
///   most_nested              the calling thread's dying_list; how many destructions may nest extras what else a state
///   holds allocate(bytes), deallocate(p)    throws std::bad_alloc
#pragma once
#ifndef CTS_PROTOCOL_STATE_HPP
#define CTS_PROTOCOL_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/registration_node.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Reasons are aligned so that their address leaves room for the bits of the word.
inline constexpr std::size_t cause_alignment = 128;

/// What a call that cancels, arms or resets is told.
enum class verdict : std::uint8_t {
  won,      ///< it is the one that does it
  lost,     ///< the source was canceled before
  disposed  ///< the source is disposed
};

/// The states that a thread is about to destroy. Constant-initialized and trivially destructible, so that a thread has
/// it at any time.
template <class State>
struct dying_list {
  State* first = nullptr;
  unsigned nested = 0;  // destructions on the thread's stack
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

  /// The first half of cancel (R2, R3a–c): whoever wins must call notify(), and hold a reference until that has
  /// returned.
  /// @param cause nullptr, or what the state then owns; owned by the caller still if it does not win
  verdict begin(reason* cause) noexcept { return begin(reinterpret_cast<word>(cause), false); }
  /// The same for the timer, whom R64 lets cancel a disposed source: then no callback runs, and it has not won.
  verdict begin_late() noexcept { return begin(0, true); }
  /// The second half (R3d–g), on any thread that begin() happened before. Runs this one's callbacks, and those of the
  /// states below it where their links come (R69). Constant stack; allocates only to keep exceptions. S7.
  void notify(failures& f, bool stop_on_first) noexcept {
    failures_.set(&f);
    stop_on_first_.set(stop_on_first);
    if (platform::mutation(mutation::dispose_drops_callbacks) && is_disposed())
      return registry_.run_callbacks([] { return true; });
    pause at;
    callback* last = run_callbacks(at);
    for (basic_state* s = this; last != nullptr || s != this;) {
      if (last != nullptr) {
        link& down = static_cast<link&>(static_cast<node&>(*last));
        down.stands = at;
        s = &down.child;
        last = s->run_callbacks(at);
      } else {
        at = s->cause_link().stands;
        s = s->rise();
        last = s->registry_.resume(at, [s] { return s->shall_stop(); });
      }
    }
    if (platform::mutation(mutation::signal_after_callbacks))
      if (event* const e = event_.load(site::event_find)) e->signal();
  }
  /// The same, but runs nothing: for the case that registry().count() was 0 after begin(). A registrant that is on its
  /// way still finds the registry closed, and takes itself back.
  void notify_nobody() noexcept {
    registry_.run_callbacks([] { return true; });
  }
  /// Whether the callback that has just run is the last, as it has thrown (R29). For what runs callbacks.
  bool shall_stop() const noexcept { return stop_on_first_.get() && failures_.get()->any(); }
  /// Where the callback that is running leaves its exception.
  failures& collector() noexcept {
    if (failures_.get() == nullptr) failures_.set(Parts::make_failures());
    return *failures_.get();
  }

  // --- dispose ---
  /// Unlinks, stops the timer, closes the event, lets go of the parents that have not canceled it. Waits for a link
  /// that is running on another thread. Once. O(links). R57, R71.
  void dispose() noexcept {
    word const before = word_.fetch_or(disposed, site::word_dispose);
    if ((before & disposed) != 0) return;
    for (std::size_t i = 0; i < link_count_ && !platform::mutation(mutation::never_unlink); ++i) unlink(i);
    if ((before & timed) != 0) alarm_.disarm();
    if ((before & watched) != 0) event_.load(site::event_take)->dispose();
    if (link_count_ != 0 && is_last_at_links(before)) let_go();  // *this may be gone
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

  /// While a synchronization context runs a callback on this thread, the thread counts as the one that runs the
  /// callbacks. R91.
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
  /// @return the event, with a reference for the caller; nullptr if the source is disposed. Throws what make_event
  /// throws. R87, R88.
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
  /// Sets the timer by `set(wanted)` unless the source is canceled or disposed; `wanted()` says whether that is still
  /// so, and is asked under the lock that disarms it. Throws what `set` throws. The timer may fire at once, and a
  /// callback end the source.
  template <class Set>
  verdict arm(Set set) {
    word now = word_.load(site::word_ask);
    if ((now & timed) == 0) now = word_.fetch_or(timed, site::word_arm);
    if ((now & disposed) != 0) return verdict::disposed;
    if ((now & canceled) != 0) return verdict::lost;
    set([this] {
      return (word_.load(site::word_glance) & (canceled | disposed)) == 0 ||
             platform::mutation(mutation::arm_without_looking);
    });
    return verdict::won;
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
  /// Makes the i-th link, of a state that is new. If the parent is canceled, so is this one when it returns.
  /// @return false if there is no memory
  bool link_to(std::size_t i, basic_state& to) noexcept {
    link& l = link_at(i);
    if (!platform::mutation(mutation::link_without_parent)) to.share();
    l.parent = &to;
    core::register_result const result = to.enter(l);
    if (result == core::register_result::canceled) {  // nobody has registered with this one yet
      failures none;
      if (begin(i * cause_alignment | linked, true) == verdict::won) notify(none, false);
    }
    if (result != core::register_result::disposed) return result != core::register_result::out_of_memory;
    if (!platform::mutation(mutation::link_without_parent)) to.drop();  // R59: it will never be canceled
    l.parent = nullptr;
    return true;
  }
  /// Calls `visit(state&)` at least once for each state that can still cancel this one: itself and those that its links
  /// lead to, but for what is canceled, disposed or cut off by a try_reset of the parent, and what is only reached
  /// through that. O(links), constant stack, no allocation. Without links no lock; else `visit` runs under the one lock
  /// of all readers, and must not come back here.
  template <class Visit>
  void visit_above(Visit visit) noexcept {
    if (link_count_ == 0) {
      if (!is_over()) visit(*this);
      return;
    }
    basic_state* left_to_us = nullptr;
    {
      typename Parts::one_reader const alone;
      basic_state* seen = nullptr;  // the last first: none before those that were reached through it
      basic_state* found = nullptr;
      if (begin_reading()) found = chain(nullptr);
      while (found != nullptr) {
        basic_state& s = *found;
        found = s.next();
        seen = s.chain(seen);
        visit(s);
        for (std::size_t i = 0; i < s.link_count_; ++i) {
          basic_state* const p = s.link_at(i).parent;
          if (p == nullptr || p->is_over() || !p->registry_.is_registered(s.link_at(i)))
            continue;  // try_reset has cut it off: R75
          if (p->link_count_ == 0) visit(*p);
          else if (p->begin_reading()) found = p->chain(found);
        }
      }
      if (platform::mutation(mutation::reader_leaves_below_first)) {
        for (basic_state* s = std::exchange(seen, nullptr); s != nullptr;)
          seen = std::exchange(s, s->next())->chain(seen);
      }
      while (seen != nullptr) {
        basic_state& s = *seen;
        seen = s.next();
        if (!s.end_reading() || platform::mutation(mutation::reader_never_lets_go)) continue;
        s.share();
        left_to_us = s.chain(left_to_us);
      }
    }
    while (left_to_us != nullptr) {  // without the lock: what is destroyed may call anything
      basic_state& s = *left_to_us;
      left_to_us = s.next();
      s.let_go();
      s.drop();
    }
  }

  /// Whether `address` is that of a state which is linked to this one by one of its first links. O(registrations); for
  /// checks.
  bool is_parent_of(std::uintptr_t address) noexcept {
    constexpr std::size_t first = 16;
    return registry_.any_registered([address](void const* at) {
      auto const offset = reinterpret_cast<std::uintptr_t>(at) - address;
      return offset >= sizeof(basic_state) && offset < sizeof(basic_state) + first * sizeof(link);
    });
  }

  // --- the cause ---
  /// Calls `visit(state, reason*)` for the state that was canceled first, through the links; false if this one is not
  /// canceled. O(links on the way), constant stack.
  template <class Visit>
  bool cause(Visit visit) const {
    basic_state const* s = this;
    word now = word_.load(site::word_ask);
    if ((now & canceled) == 0) return false;
    while ((now & linked) != 0) {
      s = s->link_at(now / cause_alignment).parent;  // held as long as its child (S5)
      now = s->word_.load(site::word_ask);
    }
    visit(*s, reinterpret_cast<reason*>(now & ~(cause_alignment - 1)));
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
  static constexpr word reading = 64;   // a reader is at the links (S6)

  using pause = typename registry_type::pause;

  /// The callback that a parent runs to cancel its child.
  struct link : node {
    explicit link(basic_state& c) noexcept : node(&ran), child(c) {}
    basic_state* parent = nullptr;
    basic_state& child;
    pause stands;  // the parent's notification, while the child's runs: of the thread that does both (S7)
    typename platform::template var<basic_state*> next{nullptr};  // of the first link: in a reader's list (S6)

    static void ran(callback& c) noexcept { static_cast<link&>(c).run(); }
    void run() noexcept {
      basic_state& below = child;
      below.hold_for_link();  // it is not gone: its dispose waits for this (S4)
      word const index = static_cast<word>(this - &below.link_at(0));
      if (below.begin(index * cause_alignment | linked, true) == verdict::won) parent->registry_.pause_here();
      else below.drop_for_link();
    }
  };
  void hold_for_link() noexcept {
    if (!platform::mutation(mutation::link_without_reference)) share();
  }
  void drop_for_link() noexcept {
    if (!platform::mutation(mutation::link_without_reference)) drop();
  }
  /// The link that has canceled this one. It is there.
  link& cause_link() const noexcept { return link_at(word_.load(site::word_glance) / cause_alignment); }

  callback* run_callbacks(pause& at) noexcept {
    return registry_.run_callbacks([this] { return shall_stop(); }, at);
  }
  /// From a state whose notification is over to the parent that has canceled it. *this may be gone then.
  basic_state* rise() noexcept {
    basic_state& above = *cause_link().parent;
    if (failures* const f = failures_.get()) {
      if (!platform::mutation(mutation::swallow_failures)) above.collector().add_aggregate(*f);  // R31, R32
      Parts::destroy_failures(f);
    }
    drop_for_link();
    return &above;
  }

  explicit basic_state(std::size_t links) noexcept : link_count_(links) {
    for (std::size_t i = 0; i < links; ++i) ::new (static_cast<void*>(&link_at(i))) link(*this);
  }
  ~basic_state() {
    for (std::size_t i = 0; i < link_count_; ++i) link_at(i).~link();
  }

  link& link_at(std::size_t i) const noexcept {
    void* const end = const_cast<std::byte*>(reinterpret_cast<std::byte const*>(this)) + sizeof(basic_state);
    return static_cast<link*>(end)[i];
  }

  CTS_COLD void destroy() noexcept {
    word const now = word_.load(site::word_glance);
    bool const alone = link_count_ == 0 && (now & (detached | timed)) == 0 && reason_in(now) == nullptr;
    if (alone) return take_down(now);  // calls no foreign code, lets go of nothing
    dying_list<basic_state>& dying = Parts::dying();
    if (dying.nested == Parts::most_nested) return put_off(dying);
    ++dying.nested;
    take_down(now);
    --dying.nested;
    destroy_all(dying);
  }
  /// S8. A state that dies is not in the list of a reader any more.
  void put_off(dying_list<basic_state>& dying) noexcept {
    next_dying_.set(dying.first);
    dying.first = this;
  }
  /// Destroys what was put off, unless a destruction further up the stack will.
  static void destroy_all(dying_list<basic_state>& dying) noexcept {
    if (dying.nested == Parts::most_nested || platform::mutation(mutation::forget_the_dying)) return;
    ++dying.nested;
    while (basic_state* const s = dying.first) {
      dying.first = s->next_dying_.get();
      s->take_down(s->word_.load(site::word_glance));
    }
    --dying.nested;
  }
  void take_down(word now) noexcept {
    if ((now & detached) != 0) detail::abandon_all<registry_type, node>(registry_);
    if (event* const e = event_.load(site::event_take)) e->drop();
    if (reason* const r = reason_in(now)) Parts::destroy_reason(r);
    basic_state* const above = (now & linked) != 0 ? cause_link().parent : nullptr;  // the last one that it holds (S5)
    this->~basic_state();
    Parts::deallocate(this);
    if (above != nullptr && !platform::mutation(mutation::link_without_parent) &&
        !platform::mutation(mutation::let_go_of_cause))
      above->drop();
  }
  static reason* reason_in(word now) noexcept {
    return (now & (canceled | linked)) == canceled ? reinterpret_cast<reason*>(now & ~(cause_alignment - 1)) : nullptr;
  }

  // --- letting go of parents ---
  /// For dispose, which has unlinked: whether it lets go of the parents, and not a reader. S6.
  bool is_last_at_links(word before) noexcept {
    if ((before & reading) == 0 || platform::mutation(mutation::let_go_beside_reader)) return true;
    return (word_.fetch_and(~reading, site::word_unlinked) & reading) == 0;
  }
  /// S5. No link can run any more but one that is above on the stack, and that one has canceled this. What is destroyed
  /// may end this source: so that happens when the links are behind us.
  void let_go() noexcept {
    if (platform::mutation(mutation::never_let_go) || platform::mutation(mutation::link_without_parent)) return;
    dying_list<basic_state>& dying = Parts::dying();
    unsigned const nested = std::exchange(dying.nested, Parts::most_nested);
    word const now = word_.load(site::word_glance);
    link const* const kept =
        (now & linked) != 0 && !platform::mutation(mutation::let_go_of_cause) ? &cause_link() : nullptr;
    for (std::size_t i = 0; i < link_count_; ++i)
      if (link const& l = link_at(i); l.parent != nullptr && &l != kept) l.parent->drop();
    dying.nested = nested;
    destroy_all(dying);
  }

  // --- readers ---
  bool is_over() const noexcept { return is_disposed() || is_cancellation_requested(); }
  /// False if it is disposed, or if it has been reached already.
  bool begin_reading() noexcept {
    word now = word_.load(site::word_glance);
    for (;;) {
      if ((now & (disposed | reading)) != 0) return false;
      if (platform::mutation(mutation::read_without_announcing)) return true;
      if (word_.compare_exchange(now, now | reading, site::word_read)) return true;
    }
  }
  /// Whether dispose has been done with the links before, and has left the parents to the reader.
  bool end_reading() noexcept {
    if (platform::mutation(mutation::read_without_announcing)) return false;
    return (word_.fetch_and(~reading, site::word_leave) & reading) == 0;
  }
  basic_state* next() const noexcept { return link_at(0).next.get(); }
  basic_state* chain(basic_state* after) noexcept {
    link_at(0).next.set(after);
    return this;
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
    if (platform::mutation(mutation::signal_before_flag) && (before & watched) != 0)
      event_.load(site::event_take)->signal();
    registry_.request_cancellation();
    if ((before & disposed) != 0) [[unlikely]] {  // R64
      notify_nobody();
      return verdict::lost;
    }
    if ((before & timed) != 0) alarm_.disarm();
    if ((before & watched) != 0 && !platform::mutation(mutation::signal_after_callbacks))
      event_.load(site::event_take)->signal();
    return verdict::won;
  }

  /// S1: for who finds it canceled, whose winner may not have come to the flag yet.
  void set_flag() noexcept {
    if (!is_cancellation_requested()) registry_.request_cancellation();
  }

  void unlink(std::size_t i) noexcept {
    link& l = link_at(i);
    if (l.parent == nullptr || l.parent->registry_.unregister(l)) return;
    // On a thread to which a synchronization context has brought one of this one's callbacks, below this very link, its
    // end waits for us.
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
  typename platform::template var<basic_state*> next_dying_{nullptr};
  alarm alarm_{*this};
  [[no_unique_address]] extras extras_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_STATE_HPP
