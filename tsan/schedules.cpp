// SPDX-License-Identifier: BSL-1.0
/// @file
/// Schedule fuzzing of the shipped templates on real threads: the programs of models/genmc/programs and the scenes of
/// schedules_scenes.cpp, scheduled as schedules_turns.hpp says. A finding names its program and seed, which replay it.
///
///     schedules run COUNT [FROM]         COUNT schedules, the programs in turn, with the seeds FROM, FROM + 1, …
///     schedules defects BOUND [NAME…]    how many schedules until each defect is found
///                                        (models/…/defects.cpp). Fails if one is not found within BOUND, or not
///                                        again by its seed. Those listed below are searched only if they are named
///     schedules weakened BOUND [NAME…]   the same for orders that are one step weaker; it never fails
///     schedules replays                  each seed makes the same schedule twice
///
/// With CTS_SCHEDULE_SEED=PROGRAM:SEED it runs this schedule, with CTS_SCHEDULE_DEFECT=NAME built in.
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "genmc/program.hpp"

namespace {

using namespace cts;
using schedules::listed;

/// What no schedule of these programs can show, and why.
struct exempt {
  char const* name;
  char const* why;
};
constexpr exempt exempt_defects[] = {
    {"too_late_without_acquire", "needs weak memory: the flag that is read next orders the same"},
    {"registers_on_unawares", "needs weak memory: the failed exchange orders the same"},
    {"lane_without_light_barrier", "needs weak memory: a load that overtakes a store"},
    {"lane_without_heavy_barrier", "needs weak memory: a load that overtakes a store"},
    {"mark_after_reading", "its two halves are one step here"},
    {"stop_drop_in_two_steps", "its two halves are one step here"},
    {"lane_runs_what_moved", "needs weak memory: an owner that finds its lane open although the walk has begun"},
};
char const* why_exempt(std::string const& name) {
  for (exempt const& e : exempt_defects)
    if (name == e.name) return e.why;
  return nullptr;
}

/// Where a process is; a parent reads it when its child has ended.
struct place {
  unsigned long schedules;
  char program[64];
  unsigned long long seed;
  char what[160];
};
place* here = nullptr;

/// One schedule of a program. Its serial schedules come first: they measure it.
void play(listed& p, unsigned long long seed) {
  if (seed >= p.threads && p.serial_steps == 0)
    for (unsigned i = 0; i < p.threads; ++i) play(p, i);
  std::strncpy(here->program, p.name, sizeof here->program - 1);
  here->seed = seed;
  ++here->schedules;
  ::alarm(60);  // of a thread that comes to no site
  models::forget_records();
  schedules::prepare({seed, p.threads, p.serial_steps, p.lock_free});
  p.once();
  if (seed < p.threads) p.serial_steps = (std::max)(p.serial_steps, schedules::crew::instance().steps);
}
std::vector<listed*> const& programs() {
  static std::vector<listed*> const all = [] {
    std::vector<listed*> found;
    for (listed* p = listed::first; p != nullptr; p = p->next) found.push_back(p);
    std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return std::strcmp(a->name, b->name) < 0; });
    return found;
  }();
  return all;
}
void play_all(unsigned long count, unsigned long long from) {
  for (unsigned long long seed = from; here->schedules < count; ++seed)
    for (listed* p : programs())
      if (here->schedules < count) play(*p, seed);
}

// --- findings of a child process ---

struct finding {
  bool found = false;
  place at{};
};
/// Runs `what()` in a process of its own. Found: it has ended otherwise than by returning.
template <class F>
finding in_child(bool quiet, F what) {
  *here = place();
  std::fflush(stdout);
  pid_t const child = ::fork();
  if (child == 0) {
    if (quiet && std::getenv("CTS_SCHEDULE_VERBOSE") == nullptr)
      static_cast<void>(std::freopen("/dev/null", "w", stderr));
    what();
    std::_Exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  finding f;
  f.found = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  f.at = *here;
  if (f.found && f.at.what[0] == 0) {
    if (WIFSIGNALED(status)) std::snprintf(f.at.what, sizeof f.at.what, "signal %d", WTERMSIG(status));
    else std::snprintf(f.at.what, sizeof f.at.what, "the sanitizer ended the process");
  }
  return f;
}
listed* program_named(std::string const& name) {
  for (listed* p : programs())
    if (name == p->name) return p;
  std::fprintf(stderr, "no program is called %s\n", name.c_str());
  std::exit(2);
}

/// Searches with the mutant that `build` makes, and prints a row. Wrong: not found, or not found again by its seed.
template <class Build>
bool search(std::string const& name, unsigned long bound, Build build, char const* exempt) {
  finding const f = in_child(true, [&] {
    build(models::the_world);
    play_all(bound, 0);
  });
  if (!f.found) {
    std::printf("%-36s not within %lu schedules%s%s\n", name.c_str(), bound, exempt != nullptr ? ": " : "",
                exempt != nullptr ? exempt : "");
    return exempt != nullptr;
  }
  finding const again = in_child(true, [&] {
    build(models::the_world);
    play(*program_named(f.at.program), f.at.seed);
  });
  // ThreadSanitizer forgets accesses, so a serial schedule, played first, may show now what it did not show before.
  bool const same = again.found && (again.at.seed == f.at.seed || again.at.seed < program_named(f.at.program)->threads);
  std::printf("%-36s %8lu  %s:%llu  %s%s\n", name.c_str(), f.at.schedules, f.at.program, f.at.seed, f.at.what,
              same ? "" : "   NOT FOUND AGAIN BY ITS SEED");
  return same;
}
bool run_all(unsigned long count, unsigned long long from) {
  finding const f = in_child(false, [&] { play_all(count, from); });
  if (!f.found) std::printf("%lu schedules of %zu programs: right\n", f.at.schedules, programs().size());
  else std::printf("%s\n  found by CTS_SCHEDULE_SEED=%s:%llu\n", f.at.what, f.at.program, f.at.seed);
  return !f.found;
}
bool is_asked_for(std::string const& name, char** from, char** end) {
  return from == end || std::any_of(from, end, [&](char* asked) { return name == asked; });
}
bool all_defects(unsigned long bound, char** from, char** end) {
  bool right = true;
  for (models::defect const& d : models::defects()) {
    char const* const why = why_exempt(d.name);
    if (why != nullptr && from == end) std::printf("%-36s not searched: %s\n", d.name.c_str(), why);
    else if (is_asked_for(d.name, from, end)) right &= search(d.name, bound, d.build, why);
  }
  return right;
}

/// The orders that are one step weaker.
std::vector<std::memory_order> weaker(core::site_info const& row) {
  using enum core::operation;
  switch (row.order) {
    case std::memory_order_seq_cst:
      if (row.kind == rmw) return {std::memory_order_acq_rel};
      return {row.kind == load ? std::memory_order_acquire : std::memory_order_release};
    case std::memory_order_acq_rel: return {std::memory_order_acquire, std::memory_order_release};
    case std::memory_order_acquire:
    case std::memory_order_release: return {std::memory_order_relaxed};
    default: return {};
  }
}
char const* name_of(std::memory_order o) {
  switch (o) {
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "relaxed";
  }
}
void all_weakened(unsigned long bound, char** from, char** end) {
  for (models::table const& t : models::tables())
    for (core::site_info const* row = t.rows; row != t.rows + t.size; ++row)
      for (std::memory_order const o : weaker(*row)) {
        std::string const name = std::string(row->name) + "=" + name_of(o);
        if (!is_asked_for(row->name, from, end)) continue;
        search(
            name, bound,
            [&](models::world& w) {
              w.weakened = row;
              w.weaker = o;
            },
            "");
      }
}

bool all_replays() {
  unsigned long schedules = 0;
  for (listed* p : programs())
    for (unsigned long long seed = 0; seed < 12; ++seed) {
      play(*p, seed);
      std::uint64_t const first = schedules::crew::instance().trace;
      play(*p, seed);
      ++schedules;
      if (schedules::crew::instance().trace == first) continue;
      std::printf("%s:%llu makes two schedules\n", p->name, seed);
      return false;
    }
  std::printf("%lu seeds make the same schedule twice\n", schedules);
  return true;
}

int one_schedule(std::string const& which) {
  if (char const* const name = std::getenv("CTS_SCHEDULE_DEFECT")) {
    models::defect const* const d = models::find_defect(name);
    if (d == nullptr) return std::fprintf(stderr, "no defect is called %s\n", name), 2;
    d->build(models::the_world);
  }
  std::size_t const colon = which.find(':');
  if (colon == std::string::npos) return std::fprintf(stderr, "CTS_SCHEDULE_SEED is PROGRAM:SEED\n"), 2;
  play(*program_named(which.substr(0, colon)), std::strtoull(which.c_str() + colon + 1, nullptr, 10));
  std::printf("%s: right, %u steps\n", which.c_str(), schedules::crew::instance().steps);
  return 0;
}

/// All threads on one processor: handing the token over is then one switch.
void stay_on_one_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

}  // namespace

void schedules::complain(char const* what) noexcept {
  std::strncpy(here->what, what, sizeof here->what - 1);
  std::fprintf(stderr, "%s:%llu: %s\n", here->program, here->seed, what);
  std::_Exit(1);
}

int main(int argc, char** argv) {
  void* const shared = ::mmap(nullptr, sizeof(place), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  here = ::new (shared) place();
  stay_on_one_processor();
  fuzz::serve_faults<genmc::turns>();
  int result = 2;
  std::string const what = argc > 1 ? argv[1] : "";
  unsigned long const count = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (char const* const seed = std::getenv("CTS_SCHEDULE_SEED")) {
    result = one_schedule(seed);
  } else if (what == "run" && count != 0) {
    result = run_all(count, argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0) ? 0 : 1;
  } else if (what == "defects" && count != 0) {
    result = all_defects(count, argv + 3, argv + argc) ? 0 : 1;
  } else if (what == "weakened" && count != 0) {
    all_weakened(count, argv + 3, argv + argc);
    result = 0;
  } else if (what == "replays") {
    result = all_replays() ? 0 : 1;
  } else {
    std::fprintf(stderr,
                 "usage: schedules run COUNT [FROM] | defects BOUND [NAME…] | weakened BOUND [NAME…] | replays\n");
  }
  std::fflush(stdout);
  std::_Exit(result);
}
