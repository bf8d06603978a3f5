// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a source is doing at this moment, as text for a log. The only header of the classes that includes <ostream>.
///
///     cts::cancellation_token_source 0x5581c0 canceled=no disposed=no timer=1250ms waiters=1 links=1 registered=2
///     running=1
///       link 0 to=0x5580c0
///       running callback=0x5583a0 generation=1 slot=2 thread=0x7f21c0
///       registered callback=0x558340 generation=1 slot=1
///       registered callback=0x5582e0 generation=1 slot=0
///
/// The first line has these words, in this order, with one blank between two:
///
///   address           the identity of the source: that of leak, wait_cycle and every token of it
///   canceled=         no, yes, or link:I, the index of the link whose parent has canceled it
///   cause=            only if it is canceled: requested or timeout, of the source that was canceled first
///   origin=           only with link: the identity of the source that was canceled first
///   disposed=         no or yes
///   timer=            none; the time left, in whole milliseconds, rounded down, at least 0ms; or at:N\@C for a
///                     timer of the time_provider at address C that is due when that clock shows N nanoseconds
///   waiters=          threads that wait for its wait handle, or for one of its callbacks to return
///   links=            parents of create_linked; a parent that can never be canceled counts, too
///   registered=       callbacks that wait for the cancel, linked sources included
///   running=          callbacks that run at this moment: more than one only in a linked chain
///
/// Then a line for each link (to=none if its parent was disposed before), and for each callback that runs or is
/// registered, newest first, at most 64 of them: its address, the generation of its segment and its slot in it, which
/// together tell two registrations at one address apart; of one that runs, the thread that runs the callbacks. If there
/// are more callbacks, a last line says `and N more`.
#pragma once
#ifndef CTS_DUMP_HPP
#define CTS_DUMP_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

#include "cts/cancellation_token_source.hpp"
#include "cts/core/inspector.hpp"
#include "cts/detail/callable.hpp"
#include "cts/detail/checked/waits.hpp"
#include "cts/detail/parts.hpp"
#include "cts/protocol/inspector.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The text of dump(). Each part is a snapshot of its own.
class source_report {
  using look = inspector<state>;

 public:
  explicit source_report(state& s) : state_(s) {
    collect();
    summary();
    links();
    callbacks();
  }
  std::string const& text() const noexcept { return text_; }

 private:
  static constexpr std::size_t most_callbacks = 64;

  void number(std::uintmax_t n) { text_ += std::to_string(n); }
  void address(std::uintptr_t a) {
    static constexpr char digits[] = "0123456789abcdef";
    std::array<char, 2 * sizeof a> reversed{};
    std::size_t n = 0;
    do {
      reversed[n++] = digits[a % 16];
      a /= 16;
    } while (a != 0);
    text_ += "0x";
    while (n != 0) text_ += reversed[--n];
  }
  void address(void const* p) { address(reinterpret_cast<std::uintptr_t>(p)); }

  void collect() {
    core::inspector<state::registry_type>::visit_slots(state_.registry(), [this](core::slot_snapshot const& s) {
      if (!s.live() && !s.running()) return true;
      // A segment that moves to the top is met again: in a list this short each slot is noted once.
      for (std::size_t i = 0; i < noted_; ++i)
        if (found_[i].slot == s.slot) return true;
      ++(s.live() ? registered_ : running_);
      if (noted_ == found_.size()) return ++more_ < most_counted;
      found_[noted_++] = s;
      return true;
    });
  }

  void summary() {
    text_ = "cts::cancellation_token_source ";
    address(std::addressof(state_));
    status::word const now = look::status_of(state_);
    text_ += " canceled=";
    bool const by_link = status::is_canceled_by_link(now);
    if (by_link) {
      text_ += "link:";
      number(status::link_index(now));
    } else text_ += (now & status::canceled) != 0 ? "yes" : "no";
    if ((now & status::canceled) != 0)
      state_.cause([&](state const& first, reason const*) {
        text_ += first.is_timed_out() ? " cause=timeout" : " cause=requested";
        if (!by_link) return;
        text_ += " origin=";
        address(std::addressof(first));
      });
    text_ += (now & status::disposed) != 0 ? " disposed=yes" : " disposed=no";
    timer();
    text_ += " waiters=";
    event* const e = look::event(state_);
    number((e != nullptr ? e->waiters() : 0) + wait_record::waiting_for(std::addressof(state_)));
    text_ += " links=";
    number(look::links(state_));
    text_ += " registered=";
    number(registered_);
    text_ += " running=";
    number(running_);
    text_ += '\n';
  }
  void timer() {
    text_ += " timer=";
    alarm::count const due = detail::due_of(state_);
    if (due == alarm::never) {
      text_ += "none";
    } else if (time_provider* const clock = state_.timer()->clock(); clock != nullptr) {
      text_ += "at:" + std::to_string(due) + '@';
      address(clock);  // not asked for its time: that would be foreign code
    } else {
      auto const now = std::chrono::steady_clock::now().time_since_epoch();
      auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(due) - now);
      text_ += std::to_string((std::max)(left.count(), decltype(left)::rep{0})) + "ms";
    }
  }
  void links() {
    for (std::size_t i = 0; i < look::links(state_); ++i) {
      text_ += "  link ";
      number(i);
      text_ += " to=";
      if (void const* const parent = look::parent(state_, i); parent != nullptr) address(parent);
      else text_ += "none";
      text_ += '\n';
    }
  }
  void callbacks() {
    for (std::size_t i = 0; i < noted_; ++i) {
      text_ += found_[i].live() ? "  registered callback=" : "  running callback=";
      address(found_[i].callback());
      text_ += " generation=";
      number(found_[i].generation);
      text_ += " slot=";
      number(found_[i].index);
      if (found_[i].running()) {
        text_ += " thread=";
        address(state_.runner());
      }
      text_ += '\n';
    }
    if (more_ != 0) {
      text_ += "  and ";
      number(more_);
      text_ += " more\n";
    }
  }

  static constexpr std::size_t most_counted = 1'000'000'000;  // so that the walk ends, whatever moves beside it
  state& state_;
  std::array<core::slot_snapshot, most_callbacks> found_;
  std::size_t noted_ = 0;
  std::size_t registered_ = 0;
  std::size_t running_ = 0;
  std::size_t more_ = 0;
  std::string text_;
};

}  // namespace detail

/// Writes what `source` is doing, in the format at the head of this header, by one call of out.write.
///
/// For logs: the lines may be read by a program, and words may be added at the end of a line. Thread-safe beside every
/// member of the source, its tokens and its registrations, but not beside the destructor, a move or an assignment of
/// `source`, as all members. Each word is a snapshot of its own moment. It touches no callback, which may be gone, and
/// calls no foreign code but `out`. Takes the locks of the wait handle and of the list of waiting threads for an
/// instant; waits for nothing else. O(registrations at their peak + links).
/// @throws std::bad_alloc, and what `out` throws
inline void dump(cancellation_token_source const& source, std::ostream& out) {
  detail::state* const s = detail::token_access::state_of(source);
  if (s == nullptr) {
    static constexpr char moved[] = "cts::cancellation_token_source 0x0\n";
    out.write(moved, sizeof moved - 1);
    return;
  }
  detail::source_report const report(*s);
  out.write(report.text().data(), static_cast<std::streamsize>(report.text().size()));
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DUMP_HPP
