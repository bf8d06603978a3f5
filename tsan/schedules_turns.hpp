// SPDX-License-Identifier: BSL-1.0
/// @file
/// Real threads that take turns: one at a time has the token, and hands it on at the sites that a seed picks. So a seed
/// replays a schedule exactly.
///
/// TRICKY: schedules_turns.cpp is compiled without sanitizers and hands the token over by futexes. ThreadSanitizer sees
/// no order in that, only the one that the checked code makes, although the threads never run at the same time.
///
/// How a seed schedules n threads:
///
///     the first n seeds   serially: one thread to its end, then the next. They measure the number of steps
///     half of the rest    probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): random priorities,
///                         and at 3 random steps the running thread falls below all others
///     the others          the same, and one thread stands still until the others have ended;
///                         turns of fixed lengths, over and over, which show steps that undo each other for ever;
///                         or a random thread after one step of four
#pragma once

#include <cstdint>

#include "cts/core/memory_orders.hpp"

namespace schedules {

inline constexpr unsigned most_threads = 3;
inline constexpr unsigned outside = 8;  ///< the number of a thread that takes no turns

/// Told of what is wrong; does not return.
extern void complain(char const* what) noexcept;

/// The schedule of one execution.
struct plan {
  std::uint64_t seed = 0;
  unsigned threads = 0;
  unsigned steps = 0;      ///< as many as the serial schedules have
  bool lock_free = false;  ///< no thread may have to wait for one that stands still
};

/// By the main thread: begins an execution. Until run() its own steps are counted, so that it cannot run for ever.
void prepare(plan const& p) noexcept;
/// By the main thread: lets the threads run, and returns when all have left.
void run() noexcept;
/// How many steps the execution had.
unsigned steps() noexcept;
/// A number that tells schedules apart: of the sites in their order, with their threads.
std::uint64_t trace() noexcept;

/// By thread `me`: returns when it is to begin.
void enter(unsigned me) noexcept;
/// By a thread at its end.
void leave() noexcept;

/// The number of the calling thread.
unsigned thread() noexcept;
/// The calling thread is about to make a step. `row` null: one of the program's own, which may write.
void step(cts::core::site_info const* row) noexcept;
/// The calling thread has asked in vain for something that another thread must do.
void wait() noexcept;
/// The same, but it goes on if all others wait: of a directed scene. False then.
bool wait_if_others_go_on() noexcept;

}  // namespace schedules
