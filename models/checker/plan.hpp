// SPDX-License-Identifier: BSL-1.0
/// @file
/// A plan says how a model is searched and how long; an outcome says what the search found.
#pragma once

#include "relacy.hpp"

namespace cts::models {

/// full: every execution; reduced: of executions that differ only in the order of steps that commute, one; bounded:
/// every execution with at most so many preemptions; random.
enum class search { full, reduced, bounded, random };

struct plan {
  search how = search::full;
  unsigned context_bound = 4;    // of the bounded search
  std::uint64_t executions = 0;  // 0: until the search is complete (random: required)
  std::uint64_t first = 1;       // the first seed of a random search
  double seconds = 0;            // 0: no limit; else the search stops there and is not complete
  bool one_back = false;         // full, reduced: a load goes back one store at most, as in a bounded search
  unsigned deeper = 0;           // a deep run adds it to the bound
  std::string replay{};          // a token: run that execution alone and print it
};

inline plan full() { return {search::reduced}; }
/// The first executions of a full search, for a model that has too many. In them one thread runs far at the beginning.
inline plan first(std::uint64_t executions) {
  plan p = full();
  p.executions = executions;
  p.one_back = true;
  return p;
}
inline plan bounded(unsigned bound) { return {search::bounded, bound}; }
/// Random executions only, for a model that has too many even without a preemption.
inline plan chance() { return {search::random}; }
/// A low bound and random executions, for a model whose full search takes days. A deep run adds `deeper` to the bound,
/// each step of which has ten to a hundred times as many executions.
inline plan large(unsigned bound = 2, unsigned deeper = 1) {
  plan p = bounded(bound);
  p.deeper = deeper;
  return p;
}

struct outcome {
  bool passed = false;
  bool complete = false;  // the tree is exhausted, or all the random executions were run
  std::string verdict;
  std::uint64_t executions = 0;
  double seconds = 0;
  std::string token;
  std::string history;
};

/// The first word of a replay token.
inline std::string letter(plan const& p) {
  switch (p.how) {
    case search::random: return "r ";
    case search::full:
    case search::reduced: return p.one_back ? "p " : "f ";
    case search::bounded: break;
  }
  return "b" + std::to_string(p.context_bound) + " ";
}
/// The same for people.
inline std::string describe(plan const& p) {
  switch (p.how) {
    case search::random: return "random";
    case search::full: return "full";
    case search::reduced: return p.executions == 0 ? "full (s)" : "first";
    case search::bounded: break;
  }
  return "cb " + std::to_string(p.context_bound);
}

/// Stops a search at its budget and shows its progress.
struct meter {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now(), last = start;
  std::uint64_t count = 0;
  std::uint64_t limit = 0;
  double seconds = 0;
  bool cut = false;
  std::string name;

  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
  bool over() {
    ++count;
    if (limit != 0 && count >= limit) return cut = true;
    if ((count & 1023) != 0) return false;
    auto const t = std::chrono::steady_clock::now();
    if (seconds > 0 && elapsed() >= seconds) return cut = true;
    if (t - last >= std::chrono::seconds(10)) {
      last = t;
      std::fprintf(stderr, "  %s: %llu executions, %.0f s", name.c_str(), static_cast<unsigned long long>(count),
                   elapsed());
      if (limit != 0) std::fprintf(stderr, ", %.0f s left", elapsed() * double(limit - count) / double(count));
      std::fprintf(stderr, "\n");
    }
    return false;
  }
};
inline meter the_meter;

}  // namespace cts::models
