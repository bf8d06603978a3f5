// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state that a source, its tokens and its registrations share: a registry, a count of references, a status word,
/// an event, a timer and the links to its parents, in one allocation. The status word is drawn in protocol/status.hpp.
/// A shared source has stripes in front of it (protocol/striped_count.hpp).
///
///   S1  The thread that sets `canceled` is the only winner. It disarms the timer, signals the event and runs the
///       callbacks. A thread that loses returns with the registry's flag set (G16, G18).
///   S2  A thread makes a reference only from one that it holds. A due timer takes its reference under its wheel's
///       lock; ending the source takes the same lock before it drops the reference that the timer copies (G17). A
///       canceller relies on the reference of its caller. If that is the source's, and a callback ends the source, it
///       leaves the reference in the canceller's frame; so no callback frees the state under its canceller.
///   S3  An event or a timer is first announced in the status word; then its thread looks for cancel and dispose.
///       Cancel and dispose first announce themselves in that word; then they look for the event and the timer. All
///       four are read-modify-writes of one word, so the second of any two sees the first (G17, G18).
///   S4  A link is registered in its parent until its child is disposed. Dispose unregisters the link or waits until it
///       has returned, so a parent never reaches into a child that is gone. Until then a child holds its parents (G16).
///   S5  A disposed child holds one parent at most, the one whose link has canceled it, until the child is destroyed.
///       It releases the others once no link can run any more. So chains shrink as their sources end, and the way to
///       the cause stays (G16).
///   S6  A reader of links (visit_above) announces itself in the status word before it looks at them, unless the state
///       is disposed. Dispose announces itself in the same word. If both are there, the later of the two to finish with
///       the links releases the parents. Readers come one at a time. A reader leaves a state only after those that it
///       reached through it, so a state that it has not left holds each one that it looks at (G16).
///   S7  A notification never calls another. A link that has canceled its child pauses its parent's notification. The
///       loop of notification.hpp runs the child's callbacks and then resumes the parent. Each state on the way
///       holds a reference to itself, its link's slot says "running", and that link keeps where the parent's
///       notification stands. So the length of the way costs no stack and no memory (G16, G21).
///   S8  Destroying a state may release others. They are destroyed on the stack up to `most_nested` deep, and by a loop
///       beyond (protocol/dying_list.hpp). Up to that depth a foreign destructor sees everything that it releases
///       destroyed when it returns; beyond it that comes later (G16).
///   S9  A link to a foreign token is a callback object of that token (protocol/foreign_links.hpp), from the making of
///       the child to its dispose, which waits for it (G16).
///
///     registry: flag …, a gap │ slots │ refs, status, the rest │ the timer of a state made with one, or links
///
/// A template over its parts, so that the models run it. `Parts` has
///   platform                               as in core/platform.hpp
///   event, make_event()                    share(), drop(), signal(), dispose(); make_event may throw
///   alarm                                  alarm(state&), disarm(), reset(), and functions to arm it (see arm())
///   failures                               any(), add_aggregate(failures&)
///   make_failures(), destroy_failures(f)   make_failures does not fail
///   reason, destroy_reason(r)              a reason that cancel is given; alignas(cause_alignment)
///   waiting                                waiting(state&, callback&): a scope around a wait for a callback
///   one_reader                             a lock: one for all states
///   dying(), most_nested                   the calling thread's dying_list; how many destructions may nest
///   extras                                 more members of a state
///   allocate(bytes), deallocate(p)         allocate throws std::bad_alloc; ..._lines: aligned to a cache line
#pragma once
#ifndef CTS_PROTOCOL_STATE_HPP
#define CTS_PROTOCOL_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "cts/core/registry.hpp"
#include "cts/protocol/ancestors.hpp"
#include "cts/protocol/delegate.hpp"
#include "cts/protocol/dying_list.hpp"
#include "cts/protocol/foreign_links.hpp"
#include "cts/protocol/link.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/node.hpp"
#include "cts/protocol/notification.hpp"
#include "cts/protocol/own_alarm.hpp"
#include "cts/protocol/parents.hpp"
#include "cts/protocol/reference.hpp"
#include "cts/protocol/reference_count.hpp"
#include "cts/protocol/shared_event.hpp"
#include "cts/protocol/state_shape.hpp"
#include "cts/protocol/status.hpp"
#include "cts/protocol/striped_count.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

template <class Parts>
class basic_state {
 public:
  using platform = typename Parts::platform;
  using registry_type = core::basic_registry<platform, core::stripes_at_run_time, core::spaced>;
  using callback = core::basic_callback<platform>;
  using node = basic_node<platform>;
  using event = typename Parts::event;
  using alarm = typename Parts::alarm;
  using failures = typename Parts::failures;
  using reason = typename Parts::reason;
  using extras = typename Parts::extras;
  using foreign_links = basic_foreign_links<Parts, basic_state>;
  static auto& dying() noexcept { return Parts::dying(); }

  /// @return a state with one reference, whose links lead to no parent. One allocation; throws std::bad_alloc.
  static basic_state* create(state_shape const& shape = {}) {
    std::size_t const bytes =
        bytes_before_timer(shape.links) + (shape.timer ? sizeof(alarm) : 0) + foreign_links::room_for(shape.foreign);
    std::size_t const n = shape.stripes;
    void* const block = n == 0 ? Parts::allocate(bytes) : Parts::allocate_lines(stripes::bytes(n) + bytes);
    return ::new (stripes::build(block, n)) basic_state(shape);
  }
  /// The same in static storage. It is never destroyed, as nobody drops its first reference.
  static basic_state* create_static(void* storage) noexcept { return ::new (storage) basic_state({}); }
  basic_state(basic_state const&) = delete;
  basic_state& operator=(basic_state const&) = delete;

  // --- references (S2) ---
  template <site By = site::refs_share>
  void share() noexcept {
    refs_.template share<By>(this);
  }
  template <site By = site::refs_drop>
  CTS_HOT void drop() noexcept {
    if (refs_.template drop<By>(this)) [[unlikely]]
      destroy();
  }
  /// A reference for a scope in which the source may end.
  using reference = basic_reference<basic_state>;

  // --- cancel (S1) ---
  bool is_cancellation_requested() const noexcept { return registry_.is_cancellation_requested(); }
  bool is_disposed() const noexcept { return (status_.load(site::status_peek) & status::disposed) != 0; }
  /// Whether it was canceled because its own time was up.
  bool is_timed_out() const noexcept { return status::is_canceled_by_timer(status_.load(site::status_ask)); }

  /// The first half of cancel (R2, R3a–c). The caller holds a reference; if it wins, it calls notify() and keeps the
  /// reference until that has returned. That of the source is enough: a callback may end the source all the same.
  /// @param cause null, or a reason; if this call wins, the state owns it, else the caller still does
  request_result request_cancellation(reason* cause) noexcept {
    return request_cancellation(status::cause_of(cause), false);
  }
  /// The same because the time is up. `late`: by the timer, which may cancel a disposed source (R64). Then no callback
  /// runs, and it has not won.
  request_result request_timeout(bool late) noexcept { return request_cancellation(status::cause_of_timer, late); }

  /// The second half (R3d–g), on any thread that the first half happened before. Runs the callbacks of this state, and
  /// those of the states below at the turn of their links (R69). Constant stack; allocates only to keep exceptions. S7.
  void notify(failures& f, bool stop_on_first) noexcept { notification::run(*this, f, stop_on_first); }
  /// The second half if registry().count() was 0 after the first. Runs nothing: a registrant that is on its way finds
  /// the registry closed, and retracts.
  void notify_nobody() noexcept {
    registry_.run_callbacks([] { return true; });
  }
  /// For the thread that runs callbacks: whether the one that has just run is the last, because it has thrown (R29).
  bool shall_stop() const noexcept {
    return frame_.get() != nullptr && frame_.get()->stop_on_first && failures_.get()->any();
  }
  /// For the callback that is running: where it leaves its exception.
  failures& collector() noexcept {
    if (failures_.get() == nullptr) failures_.set(Parts::make_failures());
    return *failures_.get();
  }

  // --- dispose ---
  /// Unregisters the links, stops the timer, closes the event, releases the parents that have not canceled it (S4, S5).
  /// Waits for a link that runs on another thread. The first call alone does this. O(links). R57, R71.
  void dispose() noexcept {
    status::word const before = status_.fetch_or(status::disposed, site::status_dispose);
    if ((before & status::disposed) != 0) return;
    if (foreign_) foreign().end();
    for (std::size_t i = 0; i < link_count_; ++i) parents::unlink(*this, i);
    if ((before & status::timed) != 0) alarm_.get().disarm();
    if ((before & status::watched) != 0) event_.get()->dispose();
    if (link_count_ != 0 && ancestors::end_unlinking(*this, before)) parents::release(*this);  // *this may be gone
  }
  /// The end of the source: disposes the state and drops the source's reference.
  CTS_HOT void dispose_and_drop() noexcept {
    bool const inside = registry_.is_notifying() && runs_here();
    // A thread that holds the only reference skips dispose if no link and no timer can come back: nobody can tell.
    if (!inside && refs_.is_alone() && !foreign_ &&
        (status_.load(site::status_peek) & (status::timed | status::watched)) == 0 &&
        (link_count_ == 0 || (!is_disposed() && parents::leave(*this))))
      return destroy();
    dispose();
    if (!inside || !notification::leave_source(*this)) drop_source();
  }
  void drop_source() noexcept { refs_.template end<site::refs_drop>(this) ? destroy() : void(); }  // once

  // --- registrations ---
  /// Registers `c` unless the source is disposed (R20). The caller holds a reference for `c`.
  CTS_HOT core::register_result try_register(node& c) noexcept {
    if (is_disposed()) [[unlikely]]
      return is_cancellation_requested() ? core::register_result::canceled : core::register_result::disposed;
    return registry_.try_register(c);
  }
  /// Unregisters `c` or, if it runs on another thread, waits until it has returned. R46–R48.
  CTS_HOT void unregister_and_wait(callback& c) noexcept {
    // After a cancel most callbacks have run: two loads are cheaper than a compare-and-swap that fails.
    bool const over = is_cancellation_requested() && !registry_.is_registered(c);
    if (over || !registry_.unregister(c)) [[unlikely]]
      await_return(c);
  }
  /// After an unregister that came too late: waits until `c` has returned or is taken out; R48 says who does not.
  CTS_COLD void await_return(callback& c) noexcept {
    if (!detail::is_used_elsewhere(*this, c)) return;
    typename Parts::waiting const on(*this, c);
    registry_.await_return(c);
  }
  /// Whether this thread runs the callbacks, as their canceller or on its behalf (R47, R91).
  bool runs_here() const noexcept {
    return registry_.canceller() == platform::this_thread() || delegate_.is_this_thread();
  }
  registry_type& registry() noexcept { return registry_; }
  registry_type const& registry() const noexcept { return registry_; }
  void note_detached() noexcept {  // its line is the registrants' too, so it is written once
    if ((status_.load(site::status_peek) & status::detached) == 0)
      status_.fetch_or(status::detached, site::status_detach);
  }

  /// A scope in which a synchronization context runs a callback on this thread. R91.
  using delegate = basic_delegation<basic_state>;
  /// The thread that runs the callbacks now, or did last. For reports.
  std::uintptr_t runner() const noexcept {
    std::uintptr_t const other = delegate_.thread();
    return other != 0 ? other : registry_.canceller();
  }

  // --- the event (S3, G18) ---
  /// @return the event, made if there is none, with a reference for the caller; null if the source is disposed
  /// Throws what make_event throws. R87, R88.
  event* watch() {
    return event_.watch(status_, [this] { set_flag(); });
  }

  // --- the timer (S3, G17) ---
  /// Null: it was never set.
  alarm* timer() const noexcept { return alarm_.find(); }
  /// Sets the timer by `set(alarm, wanted)` unless the source is canceled or disposed. `set` asks `wanted()` under the
  /// lock that disarms the timer, and arms it only if that is true. Throws what `set` throws, or std::bad_alloc if
  /// there is no timer yet. The timer may fire at once, and a callback end the source.
  template <class Set>
  request_result arm(Set set) {
    return alarm_.arm(*this, status_, set);
  }
  /// Disarms the timer and removes all registrations without running them (G19). R84. That may end the source.
  request_result try_reset() noexcept {
    status::word const now = status_.load(site::status_ask);
    if ((now & status::disposed) != 0) return request_result::disposed;
    if ((now & status::canceled) != 0) return request_result::lost;
    if ((now & status::timed) != 0 && !alarm_.get().reset()) return request_result::lost;
    reference const held(*this);
    detail::abandon_all<registry_type, node>(registry_);
    return request_result::won;
  }

  // --- links (S4) ---
  /// Makes the i-th link of a state that no other thread knows. If the parent is canceled, so is this one on return.
  /// @return false if there is no memory
  bool link_to(std::size_t i, basic_state& parent) noexcept { return parents::link_to(*this, i, parent); }
  /// The links to foreign tokens (S9), if create() was asked for room for them.
  foreign_links& foreign() noexcept {
    return foreign_links::behind(static_cast<std::byte*>(timer_place()) + (own_timer_ ? sizeof(alarm) : 0));
  }
  /// Calls `visit(state&)` at least once for each state that can still cancel this one: itself and those that its links
  /// lead to. Leaves out each state that is canceled, disposed or cut off by a try_reset of the parent, and those that
  /// are only reached through it. O(links), constant stack, no allocation. A state without links takes no lock; else
  /// `visit` runs under the lock of all readers, and must not call this function. S6.
  template <class Visit>
  void visit_above(Visit visit) noexcept {
    if (link_count_ != 0) return ancestors::visit(*this, visit);
    if (!is_over()) visit(*this);
  }
  /// Whether a state at `address` is linked to this one by one of its first links. O(registrations); for checks.
  bool is_parent_of(std::uintptr_t address) noexcept { return parents::is_linked_from(*this, address); }
  /// Calls `visit(state, reason*)` for the state canceled first, through the links, or returns false. O(links).
  template <class Visit>
  bool cause(Visit visit) const {
    return parents::cause(*this, visit);
  }
  extras& more() noexcept { return extras_; }
  extras const& more() const noexcept { return extras_; }

 private:
  using link = basic_link<basic_state>;
  using notification = detail::notification<Parts, basic_state>;
  using ancestors = detail::ancestors<Parts, basic_state>;
  using parents = detail::parents<Parts, basic_state>;
  friend inspector<basic_state>;
  using stripes = striped_count<platform>;
  friend link;
  friend ancestors;
  friend delegate;
  friend notification;
  friend parents;
  friend foreign_links;
  friend state_list<basic_state>;
  friend dying_list<basic_state>;
  explicit basic_state(state_shape const& shape) noexcept
      : registry_(stripes::row_of(this, shape.stripes)),
        refs_(shape.stripes),
        own_timer_(shape.timer),
        foreign_(shape.foreign != 0),
        link_count_(static_cast<std::uint32_t>(shape.links)),
        alarm_(shape.timer ? timer_place() : nullptr, *this) {
    for (std::size_t i = 0; i < link_count_; ++i) ::new (static_cast<void*>(&link_at(i))) link(*this);
  }
  ~basic_state() {
    for (std::size_t i = 0; i < link_count_; ++i) link_at(i).~link();
    if (foreign_) foreign().~foreign_links();
    alarm_.end(own_timer_);
  }
  /// What is so many bytes behind the begin of this state, in its allocation: links, its timer, foreign links.
  void* at(std::size_t offset) const noexcept {
    return const_cast<std::byte*>(reinterpret_cast<std::byte const*>(this)) + offset;
  }
  static constexpr std::size_t bytes_before_timer(std::size_t links) noexcept {
    return (sizeof(basic_state) + links * sizeof(link) + alignof(alarm) - 1) / alignof(alarm) * alignof(alarm);
  }
  void* timer_place() const noexcept { return at(bytes_before_timer(link_count_)); }

  // --- cancel ---
  /// @param late whether a disposed source may still be canceled
  request_result request_cancellation(status::word cause, bool late) noexcept {
    status::word before = status_.load(site::status_ask);
    for (;;) {
      if ((before & status::disposed) != 0 && !late) return request_result::disposed;
      if ((before & status::canceled) != 0) {
        set_flag();
        return request_result::lost;
      }
      if (status_.compare_exchange(before, before | status::canceled | cause, site::status_cancel)) break;
      before = status_.load(site::status_ask);  // again: a failed exchange orders nothing
    }
    registry_.request_cancellation();
    if ((before & status::disposed) != 0) [[unlikely]] {  // R64
      notify_nobody();
      return request_result::lost;
    }
    if ((before & status::timed) != 0) alarm_.get().disarm();
    if ((before & status::watched) != 0) event_.get()->signal();
    return request_result::won;
  }
  /// S1, for a thread that finds `canceled`: the winner may not have come to the registry's flag yet.
  void set_flag() noexcept {
    if (!is_cancellation_requested()) registry_.help_request();
  }

  // --- links ---
  bool is_over() const noexcept { return is_disposed() || is_cancellation_requested(); }
  link& link_at(std::size_t i) const noexcept { return static_cast<link*>(at(sizeof(basic_state)))[i]; }
  std::size_t index_of(link const& l) const noexcept { return static_cast<std::size_t>(&l - &link_at(0)); }
  /// The link that has canceled this state. There is one.
  link& cause_link() const noexcept { return link_at(status::link_index(status_.load(site::status_peek))); }

  // --- destruction (S8) ---
  CTS_APART void destroy() noexcept {
    status::word const now = status_.load(site::status_peek);
    bool const bare = now == 0 && link_count_ == 0 && !own_timer_ && !foreign_ && refs_.stripes() == 0;
    if (bare) return this->~basic_state(), Parts::deallocate(this);  // S3: there is no event and no timer
    if (status::releases_nothing<reason>(now)) return take_down(now);
    auto& dying = Parts::dying();
    if (dying.nested == Parts::most_nested) return dying.defer(*this);
    ++dying.nested;
    take_down(now);
    --dying.nested;
    destroy_deferred(dying);
  }
  /// Destroys the deferred states, unless a destruction further up the stack will.
  static void destroy_deferred(auto& dying) noexcept {
    if (dying.nested == Parts::most_nested) return;
    ++dying.nested;
    while (basic_state* const s = dying.take()) s->take_down(s->status_.load(site::status_peek));
    --dying.nested;
  }
  void take_down(status::word now) noexcept {
    if ((now & status::detached) != 0) detail::abandon_all<registry_type, node>(registry_);
    if (event* const e = event_.get()) e->drop();
    if (reason* const r = status::reason_in<reason>(now)) Parts::destroy_reason(r);
    basic_state* const above = status::is_canceled_by_link(now) ? cause_link().parent : nullptr;  // still held: S5
    std::size_t const n = refs_.stripes();
    this->~basic_state();
    if (n == 0) Parts::deallocate(this);
    else Parts::deallocate_lines(stripes::release(this, n));
    if (above != nullptr) above->template drop<site::parent_drop>();
  }

  template <class T>
  using atomic = typename platform::template atomic<T>;

  registry_type registry_;
  reference_count<platform> refs_;
  atomic<status::word> status_{0};
  basic_shared_event<Parts> event_;
  typename platform::template var<failures*> failures_{nullptr};                // exceptions of the running callbacks
  typename platform::template var<canceller_frame<platform>*> frame_{nullptr};  // null: of a link's child
  basic_delegate<platform> delegate_;
  bool const own_timer_;  // its timer is in its allocation
  bool const foreign_;    // there are foreign_links behind the links
  std::uint32_t const link_count_;
  typename platform::template var<basic_state*> next_dying_{nullptr};  // in a dying_list
  basic_own_alarm<Parts, basic_state> alarm_;
  [[no_unique_address]] extras extras_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_STATE_HPP
