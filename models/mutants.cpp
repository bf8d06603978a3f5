// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts_mutants, the mutation gate: every order of the table is replaced by every weaker one, and every structural defect is
/// built in, one at a time. Each mutant must be killed by a model. A survivor fails the gate unless it is listed below as
/// equivalent with its proof; a listed one that is killed fails it too.
#include "harness.hpp"
#include "order_names.hpp"

#include <algorithm>
#include <optional>

namespace cts::models {
namespace {

struct mutant {
  std::string name;
  std::string home;  // the guarantee whose models are asked first
  std::function<void(world&)> build;
};

struct equivalent {
  char const* name;
  char const* proof;
};
std::vector<equivalent> const equivalents = {};  // none: every order and every step is needed

/// The strictly weaker orders that are legal for the operation, strongest first.
std::vector<std::memory_order> weaker(core::operation kind, std::memory_order o) {
  using enum std::memory_order;
  std::vector<std::memory_order> const all = kind == core::operation::load    ? std::vector{seq_cst, acquire, relaxed}
                                             : kind == core::operation::store ? std::vector{seq_cst, release, relaxed}
                                                                              : std::vector{seq_cst, acq_rel, acquire, release, relaxed};
  std::vector<std::memory_order> result;
  for (std::memory_order w : all) {
    bool const below = o == seq_cst ? w != seq_cst : o == acq_rel ? w != seq_cst && w != acq_rel : o != relaxed && w == relaxed;
    if (below) result.push_back(w);
  }
  return result;
}

struct structural {
  char const* name;
  char const* home;
  std::function<void(world&)> build;
};
structural const structurals[] = {
#define CTS_MUTATION(name, home) {#name, home, [](world& w) { w.defect = core::mutation::name; }},
#include "cts/core/mutations.inc"
#undef CTS_MUTATION
#define CTS_MUTATION(name, home) {#name, home, [](world& w) { w.defect_above = detail::mutation::name; }},
#include "cts/detail/mutations.inc"
#undef CTS_MUTATION
};

/// A mutant for each order of a table that can be weaker.
template <std::size_t N>
void weaken(std::vector<mutant>& to, core::site_info const (&table)[N], std::memory_order (world::*orders)[N]) {
  for (std::size_t i = 0; i < N; ++i) {
    core::site_info const& row = table[i];
    std::string const why = row.why;
    std::size_t const at = why.rfind("(G");
    std::string const home = why.substr(at + 1, why.find_first_of(",)", at) - at - 1);
    for (std::memory_order o : weaker(row.kind, row.order))
      to.push_back({std::string(row.name) + " " + name_of(row.order) + " -> " + name_of(o), home,
                    [orders, i, o](world& w) { (w.*orders)[i] = o; }});
  }
}

std::vector<mutant> all_mutants() {
  std::vector<mutant> result;
  weaken(result, core::site_table, &world::orders);
  weaken(result, detail::site_table, &world::orders_above);
  for (structural const& s : structurals) result.push_back({s.name, s.home, s.build});
  return result;
}

struct kill {
  std::string by, how, what;
  std::uint64_t execution = 0;
};

std::optional<kill> hunt(mutant const& m, double patience) {
  std::vector<model const*> order;
  for (model const& c : catalogue())
    if (c.expected == expectation::holds) order.push_back(&c);
  std::stable_partition(order.begin(), order.end(), [&](model const* c) { return c->guarantee == m.home; });
  the_world.reset();
  m.build(the_world);
  std::optional<kill> found;
  auto const attempt = [&](model const& c, plan const& p, char const* how) {
    if (found) return;
    outcome const o = c.run(p);
    if (!o.passed) found = kill{c.guarantee + "." + c.name, how, o.verdict, o.executions};
  };
  for (double const scale : {0.02, 0.2, 1.0}) {  // first a glance at every model, then a longer look
    for (model const* c : order) {
      plan r;
      r.how = search::random;
      r.executions = static_cast<std::uint64_t>(150000 * patience * scale);
      attempt(*c, r, "random");
      plan t = c->exhaustive;
      t.seconds = 1.0 * patience * scale;
      attempt(*c, t, describe(t).c_str());
      if (found) break;
    }
    if (found) break;
  }
  the_world.reset();
  return found;
}

int gate(std::string const& only, double patience) {
  std::vector<mutant> const mutants = all_mutants();
  int killed = 0, equal = 0, wrong = 0, skipped = 0;
  std::size_t const shards = std::getenv("GTEST_TOTAL_SHARDS") ? std::strtoul(std::getenv("GTEST_TOTAL_SHARDS"), nullptr, 10) : 1;
  std::size_t const shard = std::getenv("GTEST_SHARD_INDEX") ? std::strtoul(std::getenv("GTEST_SHARD_INDEX"), nullptr, 10) : 0;
  std::printf("%-40s %-36s %-8s %10s  %s\n", "mutant", "killed by", "search", "execution", "finding");
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    mutant const& m = mutants[i];
    if (i % shards != shard || (!only.empty() && m.name.find(only) == std::string::npos)) {
      ++skipped;
      continue;
    }
    std::fprintf(stderr, "mutant %zu of %zu: %s\n", i + 1, mutants.size(), m.name.c_str());
    auto const listed = std::find_if(equivalents.begin(), equivalents.end(), [&](equivalent const& e) { return m.name == e.name; });
    bool const is_listed = listed != equivalents.end();
    std::optional<kill> const k = hunt(m, is_listed ? patience * 0.25 : patience);
    if (k) {
      std::printf("%-40s %-36s %-8s %10llu  %s\n", m.name.c_str(), k->by.c_str(), k->how.c_str(),
                  static_cast<unsigned long long>(k->execution), k->what.c_str());
      ++killed;
      if (is_listed) {
        std::printf("  FAILED: it is listed as equivalent: %s\n", listed->proof);
        ++wrong;
      }
    } else if (is_listed) {
      std::printf("%-40s equivalent: %s\n", m.name.c_str(), listed->proof);
      ++equal;
    } else {
      std::printf("%-40s SURVIVED\n", m.name.c_str());
      ++wrong;
    }
    std::fflush(stdout);
  }
  std::printf("%d killed, %d equivalent, %d wrong, %d elsewhere\n", killed, equal, wrong, skipped);
  return wrong == 0 && killed + equal > 0 ? 0 : 1;
}

}  // namespace
}  // namespace cts::models

/// cts_mutants [--only=part of a name] [--patience=x]; sharded by GTEST_TOTAL_SHARDS and GTEST_SHARD_INDEX.
int main(int argc, char** argv) {
  std::string only;
  double patience = 1;
  for (int i = 1; i < argc; ++i) {
    std::string const arg = argv[i];
    if (arg.rfind("--only=", 0) == 0) only = arg.substr(7);
    else if (arg.rfind("--patience=", 0) == 0) patience = std::atof(arg.c_str() + 11);
    else {
      std::fprintf(stderr, "%s: takes --only=NAME and --patience=X\n", arg.c_str());
      return 2;
    }
  }
  return cts::models::gate(only, patience);
}
