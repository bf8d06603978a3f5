// SPDX-License-Identifier: BSL-1.0
/// @file
/// The table of memory orders: each atomic operation of the core is a site with its order, its partner and what breaks
/// if the order is weaker. The code asks for the order of a site, the documentation is printed from the table, and the
/// mutation gate weakens each order stronger than relaxed: a model must fail.
///
/// Two handshakes are of the store-buffering kind. A registrant publishes itself in a slot, then rereads `top` and
/// `generation`. A canceller closes `top`, a claimer seals `generation`; each then reads the slots. All these accesses
/// are seq_cst, so at least one side sees the other. There is no fence, a failed compare-and-swap is relaxed, and only
/// read-modify-writes continue a release sequence.
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
  // the flag that pollers read
  flag_poll,
  flag_set,
  flag_help,
  flag_end,
  flag_await,
  flag_dispose,
  // the thread that runs the callbacks
  canceller_set,
  canceller_ask,
  // top of the stack of segments, and the bit that closes it
  top_find,
  top_recheck,
  top_push,
  top_close,
  top_dispose,
  top_forget,
  // the link to the next older segment
  older_link,
  older_walk,
  older_mark,
  older_unlink,
  older_unmark,
  // where the next sweep begins
  hand_find,
  hand_keep,
  // a segment's generation
  gen_find,
  gen_recheck,
  gen_seal,
  gen_open,
  gen_unseal,
  // a segment's cursor
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
  char const* name;         ///< the site's name
  operation kind;           ///< what it does
  std::memory_order order;  ///< its order
  char const* partner;      ///< the sites that it pairs with
  char const* why;          ///< what breaks if the order is weaker
};

/// How many sites there are.
inline constexpr std::size_t site_count = static_cast<std::size_t>(site::count);

/// Sentences of several rows.
namespace breaks {
inline constexpr char const* poll =
    "a poller that reads the flag as set would not see what happened before cancel (G8)";
inline constexpr char const* end = "dispose on another thread would free what the canceller still touches (G13)";
inline constexpr char const* last = "nothing: dispose comes last (G12)";
inline constexpr char const* lost = "a registration and a cancel would miss each other: the callback is lost (G3)";
inline constexpr char const* moved =
    "a registration and a claim would miss each other: the callback sits in a segment that moves away (G3)";
inline constexpr char const* walk =
    "a walker on a segment that moves would enter one whose construction it does not see (G14)";
inline constexpr char const* unlink =
    "a thread unlinking the segment below a newly pushed one could read the old top and link its segment to itself "
    "(G11)";
inline constexpr char const* sweep =
    "a registrant would continue another one's sweep in a segment whose construction it does not see (G14)";
inline constexpr char const* hole =
    "a registrant would mistake a slot that the new generation has freed for a used one, and leave a hole below its "
    "own (G9)";
inline constexpr char const* below =
    "a registrant would skip slots whose use its successors do not see, and they would register below it (G9)";
inline constexpr char const* effects =
    "a waiting unregister would return without the callback's effects being visible (G6)";
}  // namespace breaks

// clang-format off
/// The table, in the order of `site`.
inline constexpr site_info site_table[site_count] = {
  {"flag_poll", operation::load, std::memory_order_acquire, "flag_set, flag_help", breaks::poll},
  {"flag_set", operation::store, std::memory_order_release, "flag_poll", breaks::poll},
  {"flag_help", operation::rmw, std::memory_order_release, "flag_poll", breaks::poll},
  {"flag_end", operation::store, std::memory_order_release, "flag_await", breaks::end},
  {"flag_await", operation::load, std::memory_order_acquire, "flag_end", breaks::end},
  {"flag_dispose", operation::store, std::memory_order_relaxed, "none", breaks::last},

  {"canceller_set", operation::store, std::memory_order_relaxed, "canceller_ask",
   "nothing: a thread compares it with its own name only (G7)"},
  {"canceller_ask", operation::load, std::memory_order_relaxed, "canceller_set",
   "nothing: every other value means that another thread runs the callbacks (G7)"},

  {"top_find", operation::load, std::memory_order_acquire, "top_push, top_close",
   "a registrant would enter a segment whose construction it does not see, or be refused without seeing what "
   "happened before cancel (G8)"},
  {"top_recheck", operation::load, std::memory_order_seq_cst, "top_close", breaks::lost},
  {"top_push", operation::rmw, std::memory_order_acq_rel, "top_find, top_close, top_push",
   "registrants and the canceller would enter a segment whose construction they do not see (G8), or a walker on the "
   "pushed one would be led to such a segment (G14)"},
  {"top_close", operation::rmw, std::memory_order_seq_cst, "top_recheck, top_find", breaks::lost},
  {"top_dispose", operation::load, std::memory_order_relaxed, "none", breaks::last},
  {"top_forget", operation::store, std::memory_order_relaxed, "none", breaks::last},

  {"older_link", operation::store, std::memory_order_release, "older_walk", breaks::walk},
  {"older_walk", operation::load, std::memory_order_acquire, "older_link", breaks::walk},
  {"older_mark", operation::rmw, std::memory_order_relaxed, "older_unlink",
   "nothing: the link's modification order alone decides between two threads that unlink neighbours (G14)"},
  {"older_unlink", operation::rmw, std::memory_order_acquire, "older_unmark", breaks::unlink},
  {"older_unmark", operation::rmw, std::memory_order_release, "older_unlink, older_walk", breaks::unlink},

  {"hand_find", operation::load, std::memory_order_acquire, "hand_keep", breaks::sweep},
  {"hand_keep", operation::store, std::memory_order_release, "hand_find", breaks::sweep},

  {"gen_find", operation::load, std::memory_order_acquire, "gen_open", breaks::hole},
  {"gen_recheck", operation::load, std::memory_order_seq_cst, "gen_seal", breaks::moved},
  {"gen_seal", operation::rmw, std::memory_order_seq_cst, "gen_recheck", breaks::moved},
  {"gen_open", operation::store, std::memory_order_release, "gen_find", breaks::hole},
  {"gen_unseal", operation::rmw, std::memory_order_relaxed, "gen_find",
   "nothing: it continues the release sequence of gen_open (G9)"},

  {"cursor_find", operation::load, std::memory_order_acquire, "cursor_advance", breaks::below},
  {"cursor_advance", operation::store, std::memory_order_release, "cursor_find", breaks::below},

  {"slot_peek", operation::load, std::memory_order_relaxed, "slot_publish",
   "nothing: the compare-and-swap that follows decides (G2)"},
  {"slot_publish", operation::rmw, std::memory_order_seq_cst, "slot_scan, slot_verify, slot_take",
   "a registration and a cancel would miss each other, or the callback would not see what happened before register "
   "(G3, G8)"},
  {"slot_retract", operation::rmw, std::memory_order_relaxed, "slot_take",
   "nothing: the slot's modification order decides who wins, and only the winner touches the callback (G4)"},
  {"slot_unregister", operation::rmw, std::memory_order_relaxed, "slot_take",
   "nothing: the slot's modification order decides who wins, and only the winner touches the callback (G5)"},
  {"slot_too_late", operation::load, std::memory_order_acquire, "slot_take",
   "an unregister that fails because cancel came first could read the flag as clear (G8), or a registration that was "
   "taken late would be followed by one below it (G9)"},
  {"slot_scan", operation::load, std::memory_order_seq_cst, "slot_publish", breaks::lost},
  {"slot_take", operation::rmw, std::memory_order_acq_rel, "slot_publish, slot_too_late",
   "the callback would not see what happened before register, or who comes too late would not know of the cancel "
   "(G8, G9)"},
  {"slot_done", operation::store, std::memory_order_release, "slot_await", breaks::effects},
  {"slot_resume", operation::store, std::memory_order_release, "slot_await", breaks::effects},
  {"slot_await", operation::load, std::memory_order_acquire, "slot_done, slot_resume", breaks::effects},
  {"slot_verify", operation::load, std::memory_order_seq_cst, "slot_publish", breaks::moved},
};
// clang-format on

/// The row of a site.
constexpr site_info const& info(site s) noexcept { return site_table[static_cast<std::size_t>(s)]; }

/// The name of a wait.
enum class wait : std::uint8_t {
  callback_returns,  ///< in unregister_and_wait (G6)
  canceller_leaves   ///< in dispose (G13)
};
/// What a wait is called.
struct wait_info {
  char const* name;  ///< the wait's name
};
/// The name of a wait.
constexpr wait_info info(wait w) noexcept {
  return {w == wait::callback_returns ? "callback_returns" : "canceller_leaves"};
}

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_MEMORY_ORDERS_HPP
