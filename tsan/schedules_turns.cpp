// SPDX-License-Identifier: BSL-1.0
/// @file
/// See schedules_turns.hpp. All state belongs to the thread that has the token.
#include "schedules_turns.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace schedules {
namespace {

constexpr unsigned main_thread = most_threads, nobody = ~0u;
constexpr unsigned patience = 20000;  // steps of an execution, before it counts as one without an end
constexpr unsigned changes = 3;       // of priorities, in a schedule

enum class mode : unsigned char { serial, priorities, stands_still, in_turns, at_random };

struct member {
  int priority = 0;
  bool done = false;
  bool still = false;  // until the others have ended
  bool waits = false;
  bool patient = true;      // false: it goes on if nobody else does
  std::uint64_t asked = 0;  // the moves when it asked in vain
  std::uint64_t again = 0;  // the moves at which it asks again
  unsigned turn = 0;        // the length of its turns
};

struct state {
  plan now;
  mode how = mode::serial;
  member all[most_threads];
  unsigned change_at[changes] = {};
  unsigned still_at = 0;
  unsigned left_of_turn = 0;
  int lowest = 0;
  unsigned left = 0;
  unsigned steps = 0;
  std::uint64_t moves = 0;  // steps that may have written something
  std::uint64_t random = 0;
  std::uint64_t trace = 0;
  bool running = false;
} the;

int tokens[most_threads + 1] = {};
thread_local unsigned the_number = outside;

void give(unsigned to) noexcept {
  __atomic_store_n(&tokens[to], 1, __ATOMIC_RELEASE);
  ::syscall(SYS_futex, &tokens[to], FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}
void take(unsigned me) noexcept {
  while (__atomic_exchange_n(&tokens[me], 0, __ATOMIC_ACQUIRE) == 0)
    ::syscall(SYS_futex, &tokens[me], FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
}

std::uint64_t dice() noexcept {  // splitmix64
  std::uint64_t z = the.random += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
unsigned below(unsigned n) noexcept { return static_cast<unsigned>(dice() % n); }

/// The thread of the highest priority among those for which `may(member)` holds; nobody: there is none.
template <class May>
unsigned highest(May may) noexcept {
  unsigned best = nobody;
  for (unsigned i = 0; i < the.now.threads; ++i) {
    member const& m = the.all[i];
    if (!m.done && may(m) && (best == nobody || m.priority > the.all[best].priority)) best = i;
  }
  return best;
}
bool is_ready(member const& m) noexcept { return !m.still && (!m.waits || the.moves >= m.again); }

/// The thread that goes on.
unsigned choose() noexcept {
  unsigned who = highest(is_ready);
  if (who == nobody) who = highest([](member const& m) { return !m.still && the.moves > m.asked; });
  if (who == nobody) who = highest([](member const& m) { return !m.still && !m.patient; });
  if (who != nobody) return who;
  who = highest([](member const& m) { return m.still; });
  if (who == nobody) complain("the threads wait for each other");
  bool const others_wait = highest([](member const& m) { return !m.still; }) != nobody;
  if (others_wait && the.now.lock_free) complain("a thread waits for one that stands still (G11)");
  for (member& m : the.all) m.still = false;
  return who;
}
/// In turns of fixed lengths: the next thread that is ready.
unsigned next_of(unsigned me) noexcept {
  for (unsigned k = 1; k <= the.now.threads; ++k) {
    unsigned const i = (me + k) % the.now.threads;
    if (!the.all[i].done && is_ready(the.all[i])) {
      the.left_of_turn = the.all[i].turn;
      return i;
    }
  }
  return choose();
}
unsigned any_of_them() noexcept {
  unsigned const from = below(the.now.threads);
  for (unsigned k = 0; k < the.now.threads; ++k) {
    unsigned const i = (from + k) % the.now.threads;
    if (!the.all[i].done && is_ready(the.all[i])) return i;
  }
  return choose();
}

/// Hands the token from `me` to `to`.
void hand_over(unsigned me, unsigned to) noexcept {
  the.all[to].waits = false;
  if (to == me) return;
  give(to);
  take(me);
}

/// Who makes the next step, after the running thread `me` has come to a site.
unsigned decide(unsigned me) noexcept {
  member& m = the.all[me];
  switch (the.how) {
    case mode::serial: return me;
    case mode::in_turns:
      if (the.left_of_turn-- != 0) return me;
      return next_of(me);
    case mode::at_random: return below(4) == 0 ? any_of_them() : me;
    case mode::stands_still:
      if (the.steps == the.still_at) m.still = true;
      [[fallthrough]];
    case mode::priorities:
    default:
      for (unsigned const at : the.change_at)
        if (the.steps == at) m.priority = --the.lowest;
      return choose();
  }
}

void draw_priorities() noexcept {
  unsigned const n = the.now.threads;
  unsigned order[most_threads] = {0, 1, 2};
  if (the.how == mode::serial) {
    for (unsigned i = 0; i < n; ++i) the.all[(static_cast<unsigned>(the.now.seed) + i) % n].priority = int(n - i);
    return;
  }
  for (unsigned i = n; i > 1; --i) {
    unsigned const k = below(i), swapped = order[i - 1];
    order[i - 1] = order[k];
    order[k] = swapped;
  }
  for (unsigned i = 0; i < n; ++i) the.all[order[i]].priority = int(i) + 1;
}

mode draw_mode() noexcept {
  if (the.now.seed < the.now.threads) return mode::serial;
  unsigned const d = below(8);
  return d < 4 ? mode::priorities : d < 6 ? mode::stands_still : d == 6 ? mode::in_turns : mode::at_random;
}

}  // namespace

void prepare(plan const& p) noexcept {
  the = state();
  the.now = p;
  the.random = p.seed;
  the.left = p.threads;
  the.how = draw_mode();
  draw_priorities();
  unsigned const k = p.steps == 0 ? 1 : p.steps;
  for (unsigned& at : the.change_at) at = 1 + below(k);
  the.still_at = 1 + below(k);
  for (member& m : the.all) m.turn = below(12);
}
void run() noexcept {
  the.steps = 0;
  the.running = true;
  unsigned const first = choose();
  the.left_of_turn = the.all[first].turn;
  give(first);
  take(main_thread);
  the.running = false;
}
unsigned steps() noexcept { return the.steps; }
std::uint64_t trace() noexcept { return the.trace; }

void enter(unsigned me) noexcept {
  the_number = me;
  take(me);
}
void leave() noexcept {
  unsigned const me = the_number;
  the.all[me].done = true;
  ++the.moves;
  give(--the.left == 0 ? main_thread : [] {
    unsigned const next = choose();
    the.all[next].waits = false;
    return next;
  }());
}

unsigned thread() noexcept { return the_number; }

void step(cts::core::site_info const* row) noexcept {
  if (++the.steps > patience) complain("no end: threads wait, or undo each other's steps, for ever");
  if (!the.running) return;
  unsigned const me = the_number;
  hand_over(me, decide(me));
  std::uint64_t const what = reinterpret_cast<std::uintptr_t>(row) / sizeof(void*);
  the.trace = (the.trace ^ (what * 8 + me)) * 0x100000001B3u;
  if (row == nullptr || row->kind != cts::core::operation::load) ++the.moves;
}
void wait() noexcept {
  if (!the.running) complain("a wait that nobody can end");
  unsigned const me = the_number;
  member& m = the.all[me];
  m.waits = true;
  m.asked = the.moves;
  m.again = the.moves + 1 + below(6);
  hand_over(me, choose());
}
bool wait_if_others_go_on() noexcept {
  member& m = the.all[the_number];
  m.patient = false;
  wait();
  m.patient = true;
  return the.moves > m.asked;
}

}  // namespace schedules
