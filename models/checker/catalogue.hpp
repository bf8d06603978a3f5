// SPDX-License-Identifier: BSL-1.0
/// @file
/// The catalogue of all models, the tables of memory orders and the defects: the mutation gate weakens the ones and
/// builds in the others.
#pragma once

#include "faults.hpp"
#include "run.hpp"

namespace cts::models {

/// Whether a model must hold, or must fail because it shows a misuse.
enum class expectation { holds, fails };

struct model {
  std::string guarantee;  // G1 … G21, or a name of the user's own
  std::string name;
  std::string says;
  std::string source;  // the file that it is in
  unsigned threads;
  expectation expected;
  plan exhaustive;       // the tree search of a default run
  std::uint64_t random;  // random executions of a default run
  std::function<outcome(plan const&)> run;
};

inline std::vector<model>& catalogue() {
  static std::vector<model> all;
  return all;
}

template <class Suite>
struct add {
  add(char const* guarantee, char const* name, char const* says, plan exhaustive, std::uint64_t random,
      expectation e = expectation::holds, char const* file = __builtin_FILE()) {
    std::string const full = std::string(guarantee) + "." + name, path = file;
    catalogue().push_back({guarantee, name, says, path.substr(path.find_last_of("/\\") + 1),
                           Suite::params::thread_count, e, exhaustive, random,
                           [full](plan const& p) { return models::run<Suite>(p, full); }});
  }
};

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
