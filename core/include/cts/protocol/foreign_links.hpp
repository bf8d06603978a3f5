// SPDX-License-Identifier: BSL-1.0
/// @file
/// The links of a child to tokens of other kinds, as a std::stop_token (S9 of protocol/state.hpp; G16).
///
///     ·──a callback object is made──▶ linked ──dispose: end──▶ destroyed
///                                       └──the foreign cancel runs it──▶ cancel() ──▶ the child's callbacks have run
///
/// A foreign notification cannot be paused. So the child's notification is nested in it, on the foreign canceller's
/// stack (S7 holds below the child). What the child's callbacks throw cannot leave a foreign callback: it goes where
/// the exceptions of a timer's callbacks go (R33).
///
/// The derived class has the callback objects. Their destructors take a callback back, or wait until it has returned if
/// another thread runs it, and may be called from inside the callback. What is here stays until the child is destroyed,
/// because a callback may dispose the child.
#pragma once
#ifndef CTS_PROTOCOL_FOREIGN_LINKS_HPP
#define CTS_PROTOCOL_FOREIGN_LINKS_HPP

#include <cstddef>
#include <cstdint>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// In the allocation of the child, behind its links.
/// @tparam Parts those of basic_state
template <class Parts, class State>
class basic_foreign_links {
  using platform = typename Parts::platform;

 public:
  basic_foreign_links(basic_foreign_links const&) = delete;
  basic_foreign_links& operator=(basic_foreign_links const&) = delete;
  ~basic_foreign_links() = default;

  /// The bytes behind the links of a state that an object of this size needs, at most.
  static constexpr std::size_t room_for(std::size_t bytes) noexcept { return bytes != 0 ? bytes + line : 0; }
  /// The object of a state with links up to `end`: on the next cache line.
  static basic_foreign_links& behind(void* end) noexcept {
    auto const at = (reinterpret_cast<std::uintptr_t>(end) + line - 1) / line * line;
    return *reinterpret_cast<basic_foreign_links*>(at);
  }

  /// For dispose: destroys the callback objects, once.
  void end() noexcept {
    // TRICKY: no wait for a foreign canceller that is inside the send() of a synchronization context, which has brought
    // a callback of the child to this thread. Its own callback object is destroyed when that callback is over. The
    // context orders the accesses.
    bool const sent = child_.delegate_.is_this_thread() && child_.registry().canceller() != platform::this_thread();
    std::size_t const late = sent ? runs_.get() : none;
    if (late != none) ends_late_.set(true);
    destroy_callbacks_(*this, late);
  }

 protected:
  static constexpr std::size_t none = ~std::size_t{0};
  /// Destroys each callback object that is still there, but for that of the link `except`.
  using destroyer = void (*)(basic_foreign_links&, std::size_t except) noexcept;
  basic_foreign_links(State& child, destroyer d) noexcept : child_(child), destroy_callbacks_(d) {}

  /// For the callback of a link: cancels the child and runs its callbacks. *this may be gone then.
  void cancel(std::size_t link) noexcept {
    State& child = child_;
    child.template share<site::link_share>();  // it is alive: its dispose waits for this callback
    if (child.request_cancellation(status::word{0}, true) == request_result::won) {
      runs_.set(link);
      typename Parts::failures failed;
      child.notify(failed, false);
      runs_.set(none);
      if (ends_late_.get()) destroy_callbacks_(*this, none);
      if (failed.any()) Parts::unhandled(failed);
    }
    child.template drop<site::link_drop>();
  }

 private:
  static constexpr std::size_t line = platform::line;

  State& child_;
  destroyer const destroy_callbacks_;
  typename platform::template var<std::size_t> runs_{none};  // the link that runs the child's callbacks
  typename platform::template var<bool> ends_late_{false};   // and whose object is destroyed afterwards
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_FOREIGN_LINKS_HPP
