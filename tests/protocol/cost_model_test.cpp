// SPDX-License-Identifier: BSL-1.0
// The cost model of docs/cost_model.md: each figure of its tables is counted here, exactly, and compared with the
// page. With CTS_PRINT_COST_MODEL in the environment the test prints the tables as they should be.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "counting_platform.hpp"
#include "cts/any_token.hpp"
#include "cts/cts.hpp"
#include "cts/lane.hpp"
#include "cts/stop_token.hpp"
#include "node.hpp"
#include "stepper.hpp"

#if CTS_TEST_STEPPER
[[gnu::noinline]] void* operator new(std::size_t n) {
  ++cts::test::allocations_so_far;
  if (void* const p = std::malloc(n)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  ++cts::test::allocations_so_far;
  return std::aligned_alloc(static_cast<std::size_t>(a), (n + static_cast<std::size_t>(a) - 1) /
                                                             static_cast<std::size_t>(a) * static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
#endif

namespace {

using cts::test::cost;
using cts::test::counting_platform;
using cts::test::counts;
using row = std::vector<std::string>;

/// The rows of the table that follows <!-- name --> in the page, by their first cell.
std::map<std::string, row> page_table(std::string const& name) {
  std::ifstream file(CTS_PERFORMANCE_PAGE);
  EXPECT_TRUE(file) << CTS_PERFORMANCE_PAGE;
  std::map<std::string, row> rows;
  std::string line;
  while (std::getline(file, line) && line != "<!-- " + name + " -->") {}
  for (int n = 0; std::getline(file, line) && line.starts_with('|'); ++n) {
    if (n < 2) continue;  // head
    row r;
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) {
      std::size_t const a = cell.find_first_not_of(' '), b = cell.find_last_not_of(' ');
      r.push_back(a == std::string::npos ? "" : cell.substr(a, b - a + 1));
    }
    rows[r.at(0)] = r;
  }
  return rows;
}

/// The counted rows must be the rows of the page: the same figures, and no row more or less.
class CostModel : public testing::Test {
 protected:
  void open(std::string const& table) {
    stated_ = page_table(table);
    if (print_) std::printf("<!-- %s -->\n", table.c_str());
  }
  void check(row counted) {
    if (sizeof(void*) < 8) fit_lines(counted);
    std::string line = "|";
    for (std::string const& cell : counted) line += " " + cell + " |";
    if (print_) std::printf("%s\n", line.c_str());
    auto const at = stated_.find(counted[0]);
    if (at == stated_.end()) {
      ADD_FAILURE() << "the page has no row\n" << line;
      return;
    }
    EXPECT_EQ(at->second, counted) << "the page should say\n" << line;
    stated_.erase(at);
  }
  void TearDown() override {
    for (auto const& r : stated_) ADD_FAILURE() << "nothing is counted for the page's row " << r.first;
  }

 private:
  static constexpr std::size_t lines_cell = 4;  // of the core's table, which alone has six

  /// The page counts the cache lines of 64-bit targets. On other targets objects are smaller, so fewer lines are
  /// accepted as well.
  void fit_lines(row& counted) const {
    auto const at = stated_.find(counted[0]);
    if (at == stated_.end() || at->second.size() != 6 || counted.size() != 6) return;
    if (std::stoul(counted[lines_cell]) < std::stoul(at->second[lines_cell]))
      counted[lines_cell] = at->second[lines_cell];
  }

  std::map<std::string, row> stated_;
  bool const print_ = std::getenv("CTS_PRINT_COST_MODEL") != nullptr;
};

// --- the core, on a platform that counts ---

class CoreCostModel : public CostModel {
 protected:
  template <class F>
  void count(char const* what, F operation) {
    counts const c = cost(operation);
    check({what, std::to_string(c.rmws), std::to_string(c.loads), std::to_string(c.stores),
           std::to_string(c.lines.size()), std::to_string(c.allocations)});
  }
};

using node = cts::test::counted<counting_platform>;

TEST_F(CoreCostModel, IsWhatThePageSays) {
  open("core");
  {
    auto const r = std::make_unique<cts::core::basic_registry<counting_platform>>();
    std::deque<node> all(10'000);
    node n;
    count("register the first", [&] { (void)r->try_register(n); });
    count("unregister", [&] { r->unregister(n); });
    count("register again", [&] { (void)r->try_register(n); });
    r->unregister(n);
    count("poll", [&] { (void)r->is_cancellation_requested(); });
    for (auto& a : all) (void)r->try_register(a);
    (void)r->try_register(n);
    r->unregister(n);
    count("register again, 10,000 live", [&] { (void)r->try_register(n); });
    count("unregister, 10,000 live", [&] { r->unregister(n); });
    count("unregister the oldest of 10,000", [&] { r->unregister(all.front()); });
    r->cancel();
    count("register after cancel", [&] { (void)r->try_register(n); });
    count("unregister after cancel", [&] { r->unregister(all.back()); });
    count("unregister and wait after cancel", [&] { r->unregister_and_wait(all[1]); });
    count("a second cancel", [&] { r->cancel(); });
  }
  {
    std::unique_ptr<cts::core::basic_registry<counting_platform>> r;
    count("create", [&] { r = std::make_unique<cts::core::basic_registry<counting_platform>>(); });
    node all[8];
    for (auto& a : all) (void)r->try_register(a);
    count("cancel, 8 callbacks", [&] { r->cancel(); });
    count("dispose", [&] { r->dispose(); });
    r = std::make_unique<cts::core::basic_registry<counting_platform>>();
    count("cancel, none", [&] { r->cancel(); });
  }
  {
    auto const r = std::make_unique<cts::core::basic_registry<counting_platform, 16>>();
    node n;
    (void)r->try_register(n);
    r->unregister(n);
    count("striped: register", [&] { (void)r->try_register(n); });
    count("striped: unregister", [&] { r->unregister(n); });
    count("striped: cancel, none", [&] { r->cancel(); });
  }
  {
    using stripe_row = cts::core::stripe_row<counting_platform>;
    using registry = cts::core::basic_registry<counting_platform, cts::core::stripes_at_run_time>;
    void* const storage = counting_platform::allocate(stripe_row::bytes(16));
    stripe_row* const stripes = stripe_row::build(storage, 16);
    {
      registry r(stripes);
      node n;
      (void)r.try_register(n);
      r.unregister(n);
      count("shared: register", [&] { (void)r.try_register(n); });
      count("shared: unregister", [&] { r.unregister(n); });
      count("shared: cancel, none, 16 stripes", [&] { r.cancel(); });
    }
    stripe_row::destroy(stripes);
    counting_platform::deallocate(storage, stripe_row::bytes(16));
  }
  using registry = cts::core::basic_registry<counting_platform>;
  struct free_barrier {
    static constexpr bool one_sided() noexcept { return true; }
    static void order() noexcept {}
    static void light() noexcept {}
    static void heavy() noexcept {}
  };
  struct lane_node : cts::basic_lane_callback<counting_platform> {
    lane_node()
        : cts::basic_lane_callback<counting_platform>([](cts::basic_lane_callback<counting_platform>&) noexcept {}) {}
  };
  {
    auto const r = std::make_unique<registry>();
    std::unique_ptr<cts::basic_lane<cts::lane_home<registry>, free_barrier>> l;
    count("make a lane", [&] { l = std::make_unique<cts::basic_lane<cts::lane_home<registry>, free_barrier>>(*r); });
    lane_node n;
    (void)l->try_register(n);
    l->unregister(n);
    count("lane: register", [&] { (void)l->try_register(n); });
    count("lane: unregister", [&] { l->unregister(n); });
    (void)l->try_register(n);
    count("lane: cancel, 1 callback", [&] { r->cancel(); });
    count("lane: unregister after cancel", [&] { l->unregister(n); });
  }
  {
    auto const r = std::make_unique<registry>();
    auto const l = std::make_unique<cts::basic_lane<cts::lane_home<registry>>>(*r);
    lane_node n;
    (void)l->try_register(n);
    l->unregister(n);
    count("lane without membarrier: register", [&] { (void)l->try_register(n); });
    count("lane without membarrier: unregister", [&] { l->unregister(n); });
  }
}

// --- the classes, by their machine code ---

#if CTS_TEST_STEPPER

class ClassCostModel : public CostModel {
 protected:
  template <class P, class F>
  void count(char const* what, P prepare, F operation) {
    auto const s = cts::test::step_through(prepare, operation);
    ASSERT_TRUE(s) << what << ": the child did not finish";
    check({what, std::to_string(s->rmws), std::to_string(s->allocations), std::to_string(s->system_calls)});
  }
  /// Skips where the system does not let a process trace its child. Any other trouble is a failure.
  void SetUp() override {
    if (!cts::test::can_step()) GTEST_SKIP() << "the system does not let a process trace its child";
  }
};

struct quiet {
  void operator()() const noexcept {}
};

TEST_F(ClassCostModel, IsWhatThePageSays) {
  open("classes");
  {
    using source = cts::cancellation_token_source;
    std::optional<source> s, parent, other;
    std::optional<cts::cancellation_token> t, second;
    std::optional<cts::cancellation_callback<quiet>> c;
    std::deque<cts::cancellation_callback<quiet>> many;
    cts::cancellation_token_registration r;
    auto const fresh = [&] {
      c.reset();
      r = {};
      t.reset();
      s.emplace();
      t.emplace(s->token());
    };
    count(
        "source: create", [&] { s.reset(); }, [&] { s.emplace(); });
    count(
        "source: destroy", [&] { s.emplace(); }, [&] { s.reset(); });
    count(
        "source: token()",
        [&] {
          second.reset();
          s.emplace();
        },
        [&] { second.emplace(s->token()); });
    count(
        "token: copy",
        [&] {
          fresh();
          second.reset();
        },
        [&] { second.emplace(*t); });
    count("token: poll", fresh, [&] { (void)t->is_cancellation_requested(); });
    count("cancellation_callback: register", fresh, [&] { c.emplace(*t, quiet{}); });
    count("cancellation_callback: the token moved in", fresh, [&] { c.emplace(std::move(*t), quiet{}); });
    count(
        "cancellation_callback: unregister",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
        },
        [&] { c.reset(); });
    count("register_callback", fresh, [&] { r = t->register_callback(quiet{}); });
    count(
        "registration: dispose",
        [&] {
          fresh();
          r = t->register_callback(quiet{});
        },
        [&] { r.dispose(); });
    count(
        "registration: unregister",
        [&] {
          fresh();
          r = t->register_callback(quiet{});
        },
        [&] { r.unregister(); });
    count("source: cancel, none", fresh, [&] { s->cancel(); });
    count(
        "source: cancel, 1 cancellation_callback",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
        },
        [&] { s->cancel(); });
    count(
        "source: cancel, 11 cancellation_callbacks",
        [&] {
          fresh();
          many.clear();
          for (int i = 0; i < 11; ++i) many.emplace_back(*t, quiet{});
        },
        [&] { s->cancel(); });
    many.clear();
    count(
        "source: cancel, 1 register_callback",
        [&] {
          fresh();
          r = t->register_callback(quiet{});
        },
        [&] { s->cancel(); });
    count(
        "cancellation_callback: on a canceled token",
        [&] {
          fresh();
          s->cancel();
        },
        [&] { c.emplace(*t, quiet{}); });
    count(
        "register_callback: on a canceled token",
        [&] {
          fresh();
          s->cancel();
        },
        [&] { r = t->register_callback(quiet{}); });
    count(
        "cancellation_callback: unregister after cancel",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
          s->cancel();
        },
        [&] { c.reset(); });
    count(
        "source: cancel_after and back, before it is due",
        [&] {
          s.emplace();
          s->cancel_after(std::chrono::hours(1));
        },
        [&] { s->cancel_after(std::chrono::hours(1)), s->cancel_after(cts::infinite); });
    count(
        "source: create with a delay", [&] { s.reset(); }, [&] { s.emplace(std::chrono::hours(1)); });
    count(
        "source: the first cancel_after", [&] { s.emplace(); }, [&] { s->cancel_after(std::chrono::hours(1)); });
    count(
        "source: link to two parents",
        [&] {
          s.reset();
          parent.emplace();
          other.emplace();
        },
        [&] { s.emplace(source::create_linked(parent->token(), other->token())); });
    count(
        "source: destroy, linked to two parents",
        [&] {
          parent.emplace();
          other.emplace();
          s.emplace(source::create_linked(parent->token(), other->token()));
        },
        [&] { s.reset(); });
  }
  {
    std::optional<cts::cancellation_token_source> s;
    std::optional<cts::cancellation_token> t, second;
    std::optional<cts::cancellation_callback<quiet>> c;
    cts::cancellation_token_registration r;
    auto const fresh = [&] {
      c.reset();
      second.reset();
      r = {};
      t.reset();
      s.emplace(cts::shared);
      t.emplace(s->token());
    };
    count(
        "shared source: create", [&] { s.reset(); }, [&] { s.emplace(cts::shared); });
    count("shared source: token()", fresh, [&] { second.emplace(s->token()); });
    count("shared token: copy", fresh, [&] { second.emplace(*t); });
    count("shared token: poll", fresh, [&] { (void)t->is_cancellation_requested(); });
    count("shared cancellation_callback: register", fresh, [&] { c.emplace(*t, quiet{}); });
    count("shared cancellation_callback: the token moved in", fresh, [&] { c.emplace(std::move(*t), quiet{}); });
    count(
        "shared cancellation_callback: unregister",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
        },
        [&] { c.reset(); });
    count("shared register_callback", fresh, [&] { r = t->register_callback(quiet{}); });
    count(
        "shared registration: unregister",
        [&] {
          fresh();
          r = t->register_callback(quiet{});
        },
        [&] { r.unregister(); });
  }
  {
    std::optional<cts::stop_source> s;
    std::optional<cts::stop_token> t;
    std::optional<cts::stop_callback<quiet>> c;
    auto const fresh = [&] {
      c.reset();
      t.reset();
      s.emplace(cts::shared);
      t.emplace(s->get_token());
    };
    count("shared stop_callback: register", fresh, [&] { c.emplace(*t, quiet{}); });
    count(
        "shared stop_callback: unregister",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
        },
        [&] { c.reset(); });
  }
  {
    std::optional<cts::stop_source> s;
    std::optional<cts::stop_token> t, second;
    std::optional<cts::stop_callback<quiet>> c;
    auto const fresh = [&] {
      c.reset();
      t.reset();
      s.emplace();
      t.emplace(s->get_token());
    };
    count(
        "stop_source: create", [&] { s.reset(); }, [&] { s.emplace(); });
    count(
        "stop_source: destroy", [&] { s.emplace(); }, [&] { s.reset(); });
    count(
        "stop_token: copy",
        [&] {
          fresh();
          second.reset();
        },
        [&] { second.emplace(*t); });
    count("stop_token: poll", fresh, [&] { (void)t->stop_requested(); });
    count("stop_callback: register", fresh, [&] { c.emplace(*t, quiet{}); });
    count("stop_callback: the token moved in", fresh, [&] { c.emplace(std::move(*t), quiet{}); });
    count(
        "stop_callback: unregister",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
        },
        [&] { c.reset(); });
    count(
        "stop_source: request_stop, 1 callback",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
        },
        [&] { s->request_stop(); });
    count(
        "stop_callback: on a stopped token",
        [&] {
          fresh();
          s->request_stop();
        },
        [&] { c.emplace(*t, quiet{}); });
    count(
        "stop_callback: unregister after the stop",
        [&] {
          fresh();
          c.emplace(*t, quiet{});
          s->request_stop();
        },
        [&] { c.reset(); });
  }
  {
    std::optional<cts::inplace_stop_source> s;
    std::optional<cts::inplace_stop_callback<quiet>> c;
    auto const fresh = [&] {
      c.reset();
      s.emplace();
    };
    count("inplace_stop_callback: register", fresh, [&] { c.emplace(s->get_token(), quiet{}); });
    count(
        "inplace_stop_callback: unregister",
        [&] {
          fresh();
          c.emplace(s->get_token(), quiet{});
        },
        [&] { c.reset(); });
    count(
        "inplace_stop_source: request_stop, 1 callback",
        [&] {
          fresh();
          c.emplace(s->get_token(), quiet{});
        },
        [&] { s->request_stop(); });
    count(
        "inplace_stop_callback: unregister after the stop",
        [&] {
          fresh();
          c.emplace(s->get_token(), quiet{});
          s->request_stop();
        },
        [&] { c.reset(); });
  }
  {
    using two = cts::any_of_token<cts::inplace_stop_token, cts::inplace_stop_token>;
    std::optional<cts::inplace_stop_source> a, b;
    std::optional<two> t;
    std::optional<two::callback_type<quiet>> c;
    auto const sources = [&] {
      c.reset();
      t.reset();
      a.emplace();
      b.emplace();
    };
    auto const make = [&] { t.emplace(cts::any_token(a->get_token(), b->get_token())); };
    auto const fresh = [&] {
      sources();
      make();
    };
    auto const registered = [&] {
      fresh();
      c.emplace(*t, quiet{});
    };
    count("any_token of two in place: make", sources, make);
    count("any_token of two in place: poll", fresh, [&] { (void)t->stop_requested(); });
    count("any_token of two in place: register", fresh, [&] { c.emplace(*t, quiet{}); });
    count("any_token of two in place: unregister", registered, [&] { c.reset(); });
    count("any_token of two in place: a parent's request_stop", registered, [&] { a->request_stop(); });
  }
  {
    cts::core::registry registry;
    std::optional<cts::lane> l;
    std::optional<cts::lane_registration<quiet>> c;
    auto const fresh = [&] {
      c.reset();
      l.emplace(registry);
    };
    cts::cancellation_token_source source;
    std::optional<cts::cancellation_lane> m;
    std::optional<cts::cancellation_lane_callback<quiet>> d;
    auto const fresh_of_token = [&] {
      d.reset();
      m.emplace(source.token());
    };
    count(
        "cancellation_lane: make",
        [&] {
          d.reset();
          m.reset();
        },
        [&] { m.emplace(source.token()); });
    count("cancellation_lane_callback: register", fresh_of_token, [&] { d.emplace(*m, quiet{}); });
    count(
        "cancellation_lane_callback: unregister",
        [&] {
          fresh_of_token();
          d.emplace(*m, quiet{});
        },
        [&] { d.reset(); });
    count("lane_registration: register", fresh, [&] { c.emplace(*l, quiet{}); });
    count(
        "lane_registration: unregister",
        [&] {
          fresh();
          c.emplace(*l, quiet{});
        },
        [&] { c.reset(); });
  }
}

#endif

}  // namespace
