// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts_models: every model as a GoogleTest case `<guarantee>/<model>`, sharded by GTEST_TOTAL_SHARDS.
///   CTS_MODEL_SCALE=x        multiplies the random executions (1)
///   CTS_MODEL_BOUND=n        adds n to the context bounds (0)
///   CTS_MODEL_FULL=1         searches everything without a bound
///   CTS_MODEL_SECONDS=s      stops each exhaustive search after s seconds (0: never), for a quick look
///   CTS_MODEL_DEEP=1         searches the large models with higher context bounds
///   CTS_MODEL_FIRST=seed     the first seed (1)
///   CTS_MODEL_ONLY=tree      only the exhaustive searches, and the tests of the checker
///   CTS_MODEL_ONLY=random    only the random ones, of the models that have any
///   --replay='G3.RegisterVersusCancel:f 12 …'   prints one execution; the token is in the failure's message
#include "harness.hpp"

namespace cts::models {
namespace {

double number(char const* name, double otherwise) {
  char const* const text = std::getenv(name);
  return text != nullptr ? std::atof(text) : otherwise;
}

bool only(char const* what) {
  char const* const text = std::getenv("CTS_MODEL_ONLY");
  return text != nullptr && text == std::string(what);
}

/// Nothing is left to find at random where two threads were searched in full.
std::uint64_t random_executions(model const& m) {
  bool const settled =
      (m.exhaustive.how == search::reduced || std::getenv("CTS_MODEL_FULL") != nullptr) && m.threads < 3;
  if (settled || m.expected == expectation::fails || only("tree")) return 0;
  return static_cast<std::uint64_t>(double(m.random) * number("CTS_MODEL_SCALE", 1));
}

std::string full_name(model const& m) { return m.guarantee + "." + m.name; }

void report(model const& m, char const* how, outcome const& o) {
  std::printf("  %-40s %-9s %12llu executions %8.2f s %8.2f M/s  %s\n", full_name(m).c_str(), how,
              static_cast<unsigned long long>(o.executions), o.seconds,
              o.seconds > 0 ? double(o.executions) / o.seconds / 1e6 : 0.0, o.verdict.c_str());
  std::fflush(stdout);
}

class case_ : public testing::Test {
 public:
  explicit case_(model const& m) : m_(m) {}
  void TestBody() override {
    plan p = m_.exhaustive;
    if (std::getenv("CTS_MODEL_DEEP") != nullptr) p.context_bound += p.deeper;
    p.context_bound += static_cast<unsigned>(number("CTS_MODEL_BOUND", 0));
    p.seconds = number("CTS_MODEL_SECONDS", 0);
    if (std::getenv("CTS_MODEL_FULL") != nullptr) p.how = search::reduced, p.executions = 0, p.one_back = false;
    outcome o;
    o.passed = o.complete = true;
    if (p.how != search::random && !only("random")) {
      o = m_.run(p);
      report(m_, (describe(p) + (o.passed && !o.complete ? " cut" : "")).c_str(), o);
      record(describe(p), o);
    }
    if (m_.expected == expectation::fails) {
      EXPECT_FALSE(o.passed) << full_name(m_) << ": " << m_.says << ": Relacy found nothing";
      return;
    }
    check(o);
    EXPECT_TRUE(!o.passed || o.complete || p.seconds > 0) << "the search was cut short";
    std::uint64_t executions = random_executions(m_);
    // After a full search random executions only look for what its reduction may have left out. A deep run, which calls
    // for them alone, has them all.
    bool const in_full = p.how == search::reduced && p.executions == 0 && o.complete;
    if (!only("random")) executions /= in_full ? 20 : 8;
    if (o.passed && executions > 0) {
      plan r;
      r.how = search::random;
      r.executions = executions;
      r.first = static_cast<std::uint64_t>(number("CTS_MODEL_FIRST", 1));
      o = m_.run(r);
      report(m_, "random", o);
      record("random", o);
      check(o);
    }
  }

 private:
  /// For the verdict that verdict.py makes of GoogleTest's JSON.
  void record(std::string const& how, outcome const& o) {
    searches_ += (searches_.empty() ? "" : ", ") + how;
    executions_ += o.executions;
    RecordProperty("searches", searches_);
    RecordProperty("executions", std::to_string(executions_));
    RecordProperty("threads", std::to_string(m_.threads));
    RecordProperty("says", m_.says);
    RecordProperty("source", m_.source);
    RecordProperty("expected", m_.expected == expectation::holds ? "holds" : "fails");
  }
  void check(outcome const& o) {
    EXPECT_TRUE(o.passed) << full_name(m_) << ": " << m_.says << "\n"
                          << o.verdict << " in execution " << o.executions << "\nreplay with\n  --replay='"
                          << full_name(m_) << ":" << o.token << "'\n"
                          << o.history;
  }
  model const& m_;
  std::string searches_;
  std::uint64_t executions_ = 0;
};

int replay(std::string const& what) {
  std::size_t const colon = what.find(':');
  for (model const& m : catalogue()) {
    if (colon == std::string::npos || full_name(m) != what.substr(0, colon)) continue;
    std::string token = what.substr(colon + 1);
    std::size_t const space = token.find(' ');
    plan p;
    p.how = token[0] == 'r' ? search::random : token[0] == 'b' ? search::bounded : search::full;
    p.one_back = token[0] == 'p';
    if (token[0] == 'b') p.context_bound = static_cast<unsigned>(std::atoi(token.c_str() + 1));
    p.replay = space == std::string::npos ? "1 " : token.substr(space + 1);
    outcome const o = m.run(p);
    std::printf("%s: %s\n%s\n", full_name(m).c_str(), o.verdict.c_str(), o.history.c_str());
    return o.passed ? 0 : 1;
  }
  std::fprintf(stderr, "--replay takes <guarantee>.<model>:<token>; the models are:\n");
  for (model const& m : catalogue()) std::fprintf(stderr, "  %s  %s\n", full_name(m).c_str(), m.says.c_str());
  return 2;
}

}  // namespace
}  // namespace cts::models

int main(int argc, char** argv) {
  using namespace cts::models;
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    std::string const arg = argv[i];
    if (arg.rfind("--replay=", 0) == 0) return replay(arg.substr(9));
  }
  for (model const& m : catalogue()) {
    if (only("random") && random_executions(m) == 0) continue;
    testing::RegisterTest(m.guarantee.c_str(), m.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [&m]() -> testing::Test* { return new case_(m); });
  }
  return RUN_ALL_TESTS();
}
