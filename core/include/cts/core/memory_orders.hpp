// SPDX-License-Identifier: BSL-1.0
/// @file
/// The one table of memory orders. Every atomic operation of the core is named here, once, with its order, the site it
/// pairs with and the sentence that says what breaks if the order is weaker. The code asks the platform for the order
/// of a site; the documentation is printed from the table; the mutation gate weakens one row at a time and requires a
/// model to fail. No row is stronger than needed: a row the models cannot tell from a weaker one fails the gate.
///
/// Two words are handshakes of the store-buffering kind ("announce, then look"): a registrant announces itself in a
/// slot and then looks at `top` and `generation`; a canceller announces itself in `top`, a claimer in `generation`, and
/// each then looks at the slots. Both accesses of both sides are seq_cst, so at least one side sees the other. There is
/// no fence, no failure order stronger than relaxed, and no reliance on a store of the same thread continuing a release
/// sequence (only read-modify-writes do).
#pragma once
#ifndef CTS_CORE_MEMORY_ORDERS_HPP
#define CTS_CORE_MEMORY_ORDERS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The name of an atomic operation.
enum class site : std::uint8_t {
  // the flag: what pollers read
  flag_poll,
  flag_set,
  flag_help,
  flag_end,
  flag_await,
  flag_dispose,
  // who cancels
  canceller_set,
  canceller_ask,
  // top of the stack of segments, and the bit that closes it
  top_find,
  top_recheck,
  top_push,
  top_close,
  top_dispose,
  top_forget,
  // the link from a segment to the next older one
  older_link,
  older_walk,
  older_mark,
  older_unlink,
  older_unmark,
  // where a sweep for empty segments goes on
  hand_find,
  hand_keep,
  // the generation of a segment
  gen_find,
  gen_recheck,
  gen_seal,
  gen_open,
  gen_unseal,
  // where a segment's first unused slot is
  cursor_find,
  cursor_advance,
  // a slot
  slot_peek,
  slot_publish,
  slot_retract,
  slot_unregister,
  slot_too_late,
  slot_scan,
  slot_take,
  slot_done,
  slot_resume,
  slot_await,
  slot_verify,
  count
};

/// What an operation does to its word.
enum class operation : std::uint8_t { load, store, rmw };

/// One row of the table.
struct site_info {
  char const* name;
  operation kind;
  std::memory_order order;
  char const* partner;
  char const* why;
};

inline constexpr std::size_t site_count = static_cast<std::size_t>(site::count);

// clang-format off
/// The table, in the order of `site`. A failed compare-and-swap is relaxed everywhere.
inline constexpr site_info site_table[site_count] = {
  {"flag_poll", operation::load, std::memory_order_acquire, "flag_set, flag_help",
   "a thread that reads the flag as set would not see what was written before cancel (G8)"},
  {"flag_set", operation::store, std::memory_order_release, "flag_poll",
   "a poller would read the flag as set and not see what was written before cancel (G8)"},
  {"flag_help", operation::rmw, std::memory_order_release, "flag_poll",
   "a poller that reads the flag from a helper would not see what the helper learned from top_close (G8)"},
  {"flag_end", operation::store, std::memory_order_release, "flag_await",
   "dispose on another thread would free what the canceller still touches (G13)"},
  {"flag_await", operation::load, std::memory_order_acquire, "flag_end",
   "dispose on another thread would free what the canceller still touches (G13)"},
  {"flag_dispose", operation::store, std::memory_order_relaxed, "none",
   "nothing: dispose comes last, whoever orders it after the others orders this too (G12)"},

  {"canceller_set", operation::store, std::memory_order_relaxed, "canceller_ask",
   "nothing: only the thread that wrote its own name may find it (G7)"},
  {"canceller_ask", operation::load, std::memory_order_relaxed, "canceller_set",
   "nothing: every other value means that somebody else runs the callbacks (G7)"},

  {"top_find", operation::load, std::memory_order_acquire, "top_push, top_close",
   "a registrant would enter a segment whose construction it does not see, or be refused without seeing what was written before cancel (G8)"},
  {"top_recheck", operation::load, std::memory_order_seq_cst, "top_close",
   "a registration and a cancel would miss each other: the callback is lost (G3)"},
  {"top_push", operation::rmw, std::memory_order_release, "top_find, top_close",
   "registrants and the canceller would enter a segment whose construction they do not see (G8)"},
  {"top_close", operation::rmw, std::memory_order_seq_cst, "top_recheck, top_find",
   "a registration and a cancel would miss each other: the callback is lost (G3)"},
  {"top_dispose", operation::load, std::memory_order_relaxed, "none",
   "nothing: dispose comes last (G12)"},
  {"top_forget", operation::store, std::memory_order_relaxed, "none",
   "nothing: dispose comes last (G12)"},

  {"older_link", operation::store, std::memory_order_release, "older_walk",
   "a walker standing on a segment that moves would enter one whose construction it does not see (G14)"},
  {"older_walk", operation::load, std::memory_order_acquire, "older_link",
   "a walker standing on a segment that moves would enter one whose construction it does not see (G14)"},
  {"older_mark", operation::rmw, std::memory_order_relaxed, "older_unlink",
   "nothing: the link's modification order alone decides between two threads that unlink neighbours (G14)"},
  {"older_unlink", operation::rmw, std::memory_order_acquire, "older_unmark",
   "who takes a segment out from below one that has just been pushed would read top as it was before that push, and link the segment to itself (G11)"},
  {"older_unmark", operation::rmw, std::memory_order_release, "older_unlink, older_walk",
   "who takes a segment out from below this one would read top as it was before this one was pushed, and link the segment to itself (G11)"},

  {"hand_find", operation::load, std::memory_order_acquire, "hand_keep",
   "a registrant would go on with another one's sweep in a segment whose construction it does not see (G14)"},
  {"hand_keep", operation::store, std::memory_order_release, "hand_find",
   "a registrant would go on with another one's sweep in a segment whose construction it does not see (G14)"},

  {"gen_find", operation::load, std::memory_order_acquire, "gen_open",
   "a registrant would take a slot for used that the reset has freed, and leave a hole below its own (G9)"},
  {"gen_recheck", operation::load, std::memory_order_seq_cst, "gen_seal",
   "a registration and a claim would miss each other: the callback sits in a segment that moves away (G3)"},
  {"gen_seal", operation::rmw, std::memory_order_seq_cst, "gen_recheck",
   "a registration and a claim would miss each other: the callback sits in a segment that moves away (G3)"},
  {"gen_open", operation::store, std::memory_order_release, "gen_find",
   "a registrant would take a slot for used that the reset has freed, and leave a hole below its own (G9)"},
  {"gen_unseal", operation::rmw, std::memory_order_relaxed, "gen_find",
   "nothing: it continues the release sequence of gen_open (G9)"},

  {"cursor_find", operation::load, std::memory_order_acquire, "cursor_advance",
   "a registrant would skip slots whose use its successors do not see, and they would register below it (G9)"},
  {"cursor_advance", operation::store, std::memory_order_release, "cursor_find",
   "a registrant would skip slots whose use its successors do not see, and they would register below it (G9)"},

  {"slot_peek", operation::load, std::memory_order_relaxed, "slot_publish",
   "nothing: the compare-and-swap that follows decides (G2)"},
  {"slot_publish", operation::rmw, std::memory_order_seq_cst, "slot_scan, slot_verify, slot_take",
   "a registration and a cancel would miss each other, or the callback would run without seeing what was written before register (G3, G8)"},
  {"slot_retract", operation::rmw, std::memory_order_relaxed, "slot_take",
   "nothing: who wins the slot is decided by its modification order, and the winner is the only one to touch the callback (G4)"},
  {"slot_unregister", operation::rmw, std::memory_order_relaxed, "slot_take",
   "nothing: who wins the slot is decided by its modification order, and the winner is the only one to touch the callback (G5)"},
  {"slot_too_late", operation::load, std::memory_order_acquire, "slot_take",
   "an unregister that fails because cancel came first could read the flag as clear (G8)"},
  {"slot_scan", operation::load, std::memory_order_seq_cst, "slot_publish",
   "a registration and a cancel would miss each other: the callback is lost (G3)"},
  {"slot_take", operation::rmw, std::memory_order_acq_rel, "slot_publish, slot_too_late",
   "the callback would run without seeing what was written before register, or who could not unregister it would read the flag as clear (G8)"},
  {"slot_done", operation::store, std::memory_order_release, "slot_await",
   "a waiting unregister would return without the callback's effects being visible (G6)"},
  {"slot_resume", operation::store, std::memory_order_release, "slot_await",
   "a waiting unregister would return without the effects of a callback that has paused being visible (G6)"},
  {"slot_await", operation::load, std::memory_order_acquire, "slot_done, slot_resume",
   "a waiting unregister would return without the callback's effects being visible (G6)"},
  {"slot_verify", operation::load, std::memory_order_seq_cst, "slot_publish",
   "a registration and a claim would miss each other: the callback sits in a segment that moves away (G3)"},
};
// clang-format on

/// The row of a site.
constexpr site_info const& info(site s) noexcept { return site_table[static_cast<std::size_t>(s)]; }

/// The name of a wait.
enum class wait : std::uint8_t {
  callback_returns,  ///< unregister_and_wait, for the callback that a canceller runs (G6)
  canceller_leaves   ///< dispose, for the canceller that has run the last callback (G13)
};
struct wait_info {
  char const* name;
};
constexpr wait_info info(wait w) noexcept {
  return {w == wait::callback_returns ? "callback_returns" : "canceller_leaves"};
}

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_MEMORY_ORDERS_HPP
