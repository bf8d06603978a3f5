// SPDX-License-Identifier: BSL-1.0
/// @file
/// The mutants: tables of memory orders, whose orders the gate weakens, and defects, which it builds in. Without
/// Relacy: tests/fuzz builds the same defects into the code that it runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "faults.hpp"

namespace cts::models {

/// The mutant that the running model is built with: a row of a table whose order is weaker, or a defect.
struct world {
  core::site_info const* weakened = nullptr;
  std::memory_order weaker = std::memory_order_seq_cst;
  models::faults faults;     // at sites, waits and steps
  unsigned most_claims = 3;  // of every platform
  bool is_mutant() const { return weakened != nullptr || !faults.empty() || most_claims != 3; }
};
inline world the_world;

/// Whether the running mutant replaces the step `name` (faults.hpp).
inline bool is_replaced(char const* name) {
  for (step_fault const& f : the_world.faults.replaced)
    if (f.name == name) return true;
  return false;
}

/// For the mutation gate (mutants.cpp): tables of memory orders, defects, and mutants that are known to change nothing,
/// with the proof.
struct table {
  core::site_info const* rows;
  std::size_t size;
};
struct defect {
  std::string name;
  std::string home;  // whose models are asked first
  std::string says;  // what the defective code does
  std::function<void(world&)> build;
  defect(std::string n, std::string g, std::function<void(world&)> b)
      : name(std::move(n)), home(std::move(g)), build(std::move(b)) {}
  defect(std::string n, std::string g, std::string what, std::vector<flaw> flaws)
      : name(std::move(n)), home(std::move(g)), says(std::move(what)), build([all = std::move(flaws)](world& w) {
          for (flaw const& f : all) w.faults.add(f);
        }) {}
  defect(std::string n, std::string g, std::vector<flaw> flaws, std::vector<flaw> more = {})
      : defect(std::move(n), std::move(g), "", std::move(flaws)) {
    build = [first = std::move(build), all = std::move(more)](world& w) {
      first(w);
      for (flaw const& f : all) w.faults.add(f);
    };
  }
};
struct equivalent {
  std::string name;
  std::string proof;
};
inline std::vector<table>& tables() {
  static std::vector<table> all;
  return all;
}
inline std::vector<defect>& defects() {
  static std::vector<defect> all;
  return all;
}
inline std::vector<equivalent>& equivalents() {
  static std::vector<equivalent> all;
  return all;
}
/// Adds a defect to the gate: its name, the guarantee whose models are asked first, what the defective code does, and
/// how (faults.hpp). Example: add_defect("flag_dropped", "G10", "cancel does not set the flag",
/// {drops(site::flag_set)});
inline void add_defect(std::string name, std::string home, std::string says, std::vector<flaw> flaws) {
  defects().push_back({std::move(name), std::move(home), std::move(says), std::move(flaws)});
}
inline void add_defect(std::string name, std::string home, std::vector<flaw> flaws) {
  defects().push_back({std::move(name), std::move(home), std::move(flaws)});
}
/// A defect that is a property of the world, not of a site.
inline void add_defect(std::string name, std::string home, std::string says, std::function<void(world&)> build) {
  defects().push_back({std::move(name), std::move(home), std::move(build)});
  defects().back().says = std::move(says);
}
/// The defect of that name; null if there is none.
inline defect const* find_defect(std::string const& name) {
  for (defect const& d : defects())
    if (d.name == name) return &d;
  return nullptr;
}
struct add_table {
  template <std::size_t N>
  explicit add_table(core::site_info const (&rows)[N]) {
    tables().push_back({rows, N});
  }
};

}  // namespace cts::models
