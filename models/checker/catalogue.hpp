// SPDX-License-Identifier: BSL-1.0
/// @file
/// The catalogue of all models. The mutation gate asks them about each mutant (defects.hpp).
#pragma once

#include "defects.hpp"
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

}  // namespace cts::models
