// SPDX-License-Identifier: BSL-1.0
/// @file
/// The mutation gate: every order of the tables is replaced by every weaker one, and every structural defect is built
/// in, one at a time. Each mutant must be killed by a model. A survivor fails the gate unless it is listed as
/// equivalent with its proof; a listed one that is killed fails it too.
#include <algorithm>
#include <filesystem>
#include <fstream>  // before Relacy, which takes errno away
#include <optional>

#include "harness.hpp"
#include "order_names.hpp"

namespace cts::models {
namespace {

struct mutant {
  std::string name;
  std::string home;  // the guarantee whose models are asked first
  std::function<void(world&)> build;
};

/// The strictly weaker orders that are legal for the operation, strongest first.
std::vector<std::memory_order> weaker(core::operation kind, std::memory_order o) {
  using enum std::memory_order;
  std::vector<std::memory_order> const all = kind == core::operation::load ? std::vector{seq_cst, acquire, relaxed}
                                             : kind == core::operation::store
                                                 ? std::vector{seq_cst, release, relaxed}
                                                 : std::vector{seq_cst, acq_rel, acquire, release, relaxed};
  std::vector<std::memory_order> result;
  for (std::memory_order w : all) {
    bool const below = o == seq_cst   ? w != seq_cst
                       : o == acq_rel ? w != seq_cst && w != acq_rel
                                      : o != relaxed && w == relaxed;
    if (below) result.push_back(w);
  }
  return result;
}

std::vector<mutant> all_mutants() {
  std::vector<mutant> result;
  for (table const& t : tables())
    for (std::size_t i = 0; i < t.size; ++i) {
      core::site_info const& row = t.rows[i];
      std::string const why = row.why;
      std::size_t const at = why.rfind('(');
      std::string const home = at == std::string::npos ? "" : why.substr(at + 1, why.find_first_of(",)", at) - at - 1);
      for (std::memory_order o : weaker(row.kind, row.order))
        result.push_back(
            {std::string(row.name) + " " + name_of(row.order) + " -> " + name_of(o), home, [&row, o](world& w) {
               w.weakened = &row;
               w.weaker = o;
             }});
    }
  for (defect const& d : defects()) result.push_back({d.name, d.home, d.build});
  return result;
}

struct kill {
  std::string by, says, how, what, token, history;
  std::uint64_t execution = 0;
};

/// How many steps there are after the threads have started.
std::size_t length(std::string const& history) {
  std::size_t const started = history.find("[BEFORE END]"), apart = history.find("thread 0:");
  return static_cast<std::size_t>(std::count(
      history.begin() + static_cast<std::ptrdiff_t>(started == std::string::npos ? 0 : started),
      apart == std::string::npos ? history.end() : history.begin() + static_cast<std::ptrdiff_t>(apart), '\n'));
}

/// Runs `c` under the mutant that is built in, and keeps the execution that kills it if it is shorter than the known
/// one.
void attempt(model const& c, plan const& p, std::optional<kill>& found) {
  outcome const o = c.run(p);
  if (o.passed || (found && length(found->history) <= length(o.history))) return;
  found = kill{c.guarantee + "." + c.name, c.says, describe(p), o.verdict, o.token, o.history, o.executions};
}

/// Of each model the first execution with the fewest preemptions, and of these the shortest.
void shorten(std::vector<model const*> const& models, double seconds, std::optional<kill>& found) {
  for (unsigned bound = 0; bound < 4; ++bound) {
    std::optional<kill> best;
    for (model const* c : models) {
      plan p;
      p.how = search::bounded;
      p.context_bound = bound;
      p.seconds = seconds / double(models.size());
      attempt(*c, p, best);
    }
    if (best) {
      found = best;
      return;
    }
  }
}

std::optional<kill> hunt(mutant const& m, double patience) {
  std::vector<model const*> order;
  for (model const& c : catalogue())
    if (c.expected == expectation::holds) order.push_back(&c);
  auto home = std::stable_partition(order.begin(), order.end(), [&](model const* c) { return c->guarantee == m.home; });
  the_world = {};
  m.build(the_world);
  std::optional<kill> found;
  for (double const scale : {0.02, 0.2, 1.0}) {  // first a glance at every model, then a longer look
    for (model const* c : order) {
      plan r;
      r.how = search::random;
      r.executions = static_cast<std::uint64_t>(150000 * patience * scale);
      attempt(*c, r, found);
      if (found) break;
      plan t = c->exhaustive;
      if (t.how == search::random) continue;
      t.context_bound += t.deeper;
      if (t.executions == 0) t.seconds = 1.0 * patience * scale;
      attempt(*c, t, found);
      if (found) break;
    }
    if (found) break;
  }
  if (char const* const seconds = std::getenv("CTS_MUTANT_SHORTEST"); seconds != nullptr && found) {
    std::string const by = found->by;
    home = std::stable_partition(home, order.end(), [&](model const* c) { return c->guarantee + "." + c->name == by; });
    shorten({order.begin(), home}, std::atof(seconds), found);
  }
  the_world = {};
  return found;
}

/// Leaves the execution that killed a mutant where the page of histories looks for it.
void keep(std::string const& file, mutant const& m, kill const& k) {
  char const* const folder = std::getenv("CTS_HISTORIES");
  if (folder == nullptr) return;
  std::filesystem::create_directories(folder);
  std::ofstream(std::filesystem::path(folder) / (file + ".txt"))
      << "mutant: " << m.name << "\nmodel: " << k.by << "\nsays: " << k.says << "\ntoken: " << k.token << "\n"
      << k.history;
}

class case_ : public testing::Test {
 public:
  case_(mutant const& m, std::string file) : m_(m), file_(std::move(file)) {}
  void TestBody() override {
    char const* const text = std::getenv("CTS_MUTANT_PATIENCE");
    double const patience = text != nullptr ? std::atof(text) : 1;
    auto const listed = std::find_if(equivalents().begin(), equivalents().end(),
                                     [&](equivalent const& e) { return m_.name == e.name; });
    bool const is_listed = listed != equivalents().end();
    std::optional<kill> const k = hunt(m_, is_listed ? patience * 0.25 : patience);
    RecordProperty("mutant", m_.name);
    if (k) {
      std::printf("%-40s %-36s %-8s %10llu  %s\n", m_.name.c_str(), k->by.c_str(), k->how.c_str(),
                  static_cast<unsigned long long>(k->execution), k->what.c_str());
      RecordProperty("killed_by", k->by);
      RecordProperty("search", k->how);
      RecordProperty("execution", std::to_string(k->execution));
      RecordProperty("finding", k->what);
      RecordProperty("history", file_);
      keep(file_, m_, *k);
      EXPECT_FALSE(is_listed) << "it is listed as equivalent: " << (is_listed ? listed->proof : "");
    } else if (is_listed) {
      std::printf("%-40s equivalent: %s\n", m_.name.c_str(), listed->proof.c_str());
      RecordProperty("equivalent", listed->proof);
    } else {
      ADD_FAILURE() << m_.name << " SURVIVED: no model has failed on it";
    }
    std::fflush(stdout);
  }

 private:
  mutant const& m_;
  std::string file_;
};

}  // namespace
}  // namespace cts::models

/// cts_mutants: each mutant as a GoogleTest case `<home>/<mutant>`, sharded by GTEST_TOTAL_SHARDS.
///   CTS_MUTANT_PATIENCE=x    multiplies how long each model is tried (1)
///   CTS_HISTORIES=folder     keeps the execution that killed each
///   CTS_MUTANT_SHORTEST=s    looks for one with fewer preemptions, s seconds for each number of them up to three
int main(int argc, char** argv) {
  using namespace cts::models;
  testing::InitGoogleTest(&argc, argv);
  static std::vector<mutant> const mutants = all_mutants();
  for (mutant const& m : mutants) {
    std::string name = m.name;  // without the characters of a filter
    if (std::size_t const arrow = name.find(" -> "); arrow != std::string::npos) name.replace(arrow, 4, ".");
    std::replace(name.begin(), name.end(), ' ', '.');
    testing::RegisterTest(m.home.empty() ? "Mutants" : m.home.c_str(), name.c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [&m, name]() -> testing::Test* { return new case_(m, name); });
  }
  return RUN_ALL_TESTS();
}
