// SPDX-License-Identifier: BSL-1.0
// Every operation interrupted at every atomic step by every other one, with the smallest segments. One thread plays
// all: the hook runs the other operation to its end, so this covers the interleavings in which the others do not wait
// for the first.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "node.hpp"
#include "stepping_platform.hpp"

namespace {

using namespace cts::core;
using cts::test::on_step;
using cts::test::stepping_platform;

/// An operation: 'r' registers, 'u' unregisters, 'c' cancels.
struct op {
  char verb;
  int who = -1;
};

std::string show(op o) { return std::string(1, o.verb) + (o.who < 0 ? "" : std::to_string(o.who)); }
std::string show(std::vector<op> const& ops) {
  std::string s;
  for (op o : ops) s += show(o) + ' ';
  return s;
}

/// One registry and its history, in the order of begins and ends.
template <class Platform>
class world {
 public:
  explicit world(int population) {
    for (int i = 0; i < population; ++i) all_.push_back(std::make_unique<fate>(*this, i));
  }

  void perform(op o) {
    switch (o.verb) {
      case 'r': {
        fate& f = *all_[static_cast<std::size_t>(o.who)];
        if (f.registering || f.registered) return;  // the interrupted one itself
        f.registering = true;
        f.begin = ++clock_;
        register_result const result = registry_.try_register(f);
        f.end = ++clock_;
        f.registering = false;
        f.result = result;
        f.registered = result == register_result::registered;
        if (result == register_result::canceled && !registry_.is_cancellation_requested())
          complain("canceled, but the flag is clear");
        if (result != register_result::registered && result != register_result::canceled) complain("strange result");
        break;
      }
      case 'u': {
        fate& f = *all_[static_cast<std::size_t>(o.who)];
        if (f.registering) return;
        bool const was = f.registered && f.runs == 0;
        bool const taken = registry_.unregister(f);
        if (taken && !f.registered) complain("unregistered what was not registered");
        if (was && !taken && f.registered && f.runs == 0 && canceling_ == 0)
          complain("unregister failed though nobody ran it");
        if (taken) {
          f.registered = false;
          f.unregistered = true;
        }
        break;
      }
      case 'c': {
        ++canceling_;
        if (registry_.cancel()) ++winners_;
        --canceling_;
        break;
      }
    }
  }

  /// Checks G1 to G5 and G9, when all operations are over and cancel has run.
  std::string verdict() {
    if (winners_ != 1) complain(std::to_string(winners_) + " winners");
    for (auto const& a : all_) {
      int const expected = a->registered ? 1 : 0;
      if (a->runs != expected)
        complain(std::to_string(a->name) + " ran " + std::to_string(a->runs) + " times, not " +
                 std::to_string(expected));
    }
    for (auto const& a : all_)
      for (auto const& b : all_)
        if (a->runs == 1 && b->runs == 1 && a->end < b->begin && a->ran < b->ran)
          complain(std::to_string(a->name) + " ran before " + std::to_string(b->name) + ", which is newer");
    return complaints_;
  }

 private:
  struct fate : basic_callback<Platform> {
    fate(world& w, int n) noexcept : basic_callback<Platform>(&run), where(&w), name(n) {}
    static void run(basic_callback<Platform>& c) noexcept {
      auto& self = static_cast<fate&>(c);
      ++self.runs;
      self.ran = ++self.where->clock_;
      if (!self.where->registry_.is_cancellation_requested()) self.where->complain("runs, but the flag is clear");
    }
    world* where;
    int name;
    int runs = 0;
    int begin = 0, end = 1 << 30, ran = 0;
    bool registering = false, registered = false, unregistered = false;
    register_result result{};
  };
  void complain(std::string const& s) { complaints_ += s + "; "; }

  basic_registry<Platform> registry_;
  std::vector<std::unique_ptr<fate>> all_;
  int clock_ = 0;
  int winners_ = 0;
  int canceling_ = 0;
  std::string complaints_;
};

constexpr int population = 10;
constexpr int newcomer = 6;  // registers in the operation under test
constexpr int late = 9;      // registers afterwards

/// Runs `setup`, then `outer` with `first` before its step `j` and `second` before step `k` (steps of `first` count
/// too), then a late registration and a cancel. Returns the steps made, or 0 after a failure.
template <class Platform>
std::size_t once(std::vector<op> const& setup, op outer, op first, std::size_t j, op second, std::size_t k) {
  world<Platform> w(population);
  for (op o : setup) w.perform(o);
  std::size_t steps = 0;
  std::string trace;
  on_step = [&](site s) {
    std::size_t const here = steps++;
    if (here == j) {
      trace += show(first) + " before " + info(s).name + "; ";
      w.perform(first);
    }
    if (here == k) {
      trace += show(second) + " before " + info(s).name + "; ";
      w.perform(second);
    }
  };
  w.perform(outer);
  on_step = nullptr;
  w.perform({'r', late});
  w.perform({'c'});
  std::string const v = w.verdict();
  if (v.empty()) return steps;
  ADD_FAILURE() << v << "\nafter " << show(setup) << "\nin " << show(outer) << ": " << trace;
  return 0;
}

constexpr std::size_t never = static_cast<std::size_t>(-1);

/// Every step of `outer`, or every pair of steps, interrupted by the operations of `others`.
template <class Platform>
void explore(std::vector<op> const& setup, op outer, std::vector<op> const& others, bool pairs) {
  for (op first : others) {
    std::size_t steps = 1;
    for (std::size_t j = 0; j < steps; ++j) {
      steps = once<Platform>(setup, outer, first, j, {'c'}, never);
      if (steps == 0) return;
      if (!pairs) continue;
      for (op second : others) {
        std::size_t inner = steps;
        for (std::size_t k = j; k < inner; ++k) {
          inner = once<Platform>(setup, outer, first, j, second, k);
          if (inner == 0) return;
        }
      }
    }
  }
}

#if defined(CTS_TEST_EMULATED)
constexpr int most_of_pairs = 2;  // 7 registries instead of 31: an emulator takes minutes for all
#else
constexpr int most_of_pairs = 4;
#endif

/// Registries that are empty, half full, full, full of the dead, with empty segments below, with holes.
std::vector<std::vector<op>> setups(int most) {
  std::vector<std::vector<op>> all;
  for (int live = 0; live <= most; ++live) {
    std::vector<op> fill;
    for (int i = 0; i < live; ++i) fill.push_back({'r', i});
    for (unsigned gone = 0; gone < 1u << live; ++gone) {
      std::vector<op> s = fill;
      for (int i = 0; i < live; ++i)
        if ((gone >> i & 1) != 0) s.push_back({'u', i});
      all.push_back(s);
    }
  }
  return all;
}

template <class Platform>
class Stepping : public testing::Test {
 protected:
  void TearDown() override { on_step = nullptr; }
  void interrupt(op outer, std::vector<op> const& others, bool pairs) {
    for (auto const& s : setups(pairs ? most_of_pairs : 6)) {
      explore<Platform>(s, outer, others, pairs);
      if (this->HasFailure()) return;
    }
  }
};
using Sizes =
    testing::Types<stepping_platform<1, 1>, stepping_platform<1, 2>, stepping_platform<2, 1>, stepping_platform<2, 2>>;
TYPED_TEST_SUITE(Stepping, Sizes);

// G3, G4, G9
TYPED_TEST(Stepping, RegisterMeetsCancelAtEveryStep) { this->interrupt({'r', newcomer}, {{'c'}}, false); }

// G3, G9
TYPED_TEST(Stepping, RegisterMeetsRegisterAtEveryStep) { this->interrupt({'r', newcomer}, {{'r', 7}}, false); }

// G3, G5, G9
TYPED_TEST(Stepping, RegisterMeetsUnregisterAtEveryStep) {
  this->interrupt({'r', newcomer}, {{'u', 0}, {'u', 2}, {'u', 4}}, false);
}

// G3, G4, G5, G9
TYPED_TEST(Stepping, RegisterMeetsTwoOthersAtEveryPairOfSteps) {
  this->interrupt({'r', newcomer}, {{'c'}, {'r', 7}, {'r', 8}, {'u', 7}, {'u', 1}, {'u', 3}}, true);
}

// G1, G2, G3, G4, G5
TYPED_TEST(Stepping, CancelMeetsTwoOthersAtEveryPairOfSteps) {
  this->interrupt({'c'}, {{'c'}, {'r', 7}, {'u', 7}, {'u', 1}, {'u', 3}}, true);
}

// G5
TYPED_TEST(Stepping, UnregisterMeetsTwoOthersAtEveryPairOfSteps) {
  this->interrupt({'u', 0}, {{'c'}, {'r', 7}, {'u', 0}, {'u', 1}}, true);
}

// ------------------------------------------------------------------------------------- single steps that have names

using platform = stepping_platform<1, 1>;
using stepping_registry = basic_registry<platform>;
using action = cts::test::action<platform>;

/// Runs `f` before the next step at `s`, once.
void at(site s, std::function<void()> f) {
  on_step = [s, f](site here) {
    if (here != s) return;
    on_step = nullptr;
    f();
  };
}

// G4: cancel between publishing and the second look has already run it
TEST(Step, CancelBetweenPublishAndRecheckRunsIt) {
  stepping_registry r;
  action a;
  at(site::top_recheck, [&] { r.cancel(); });
  EXPECT_EQ(r.try_register(a), register_result::registered);
  EXPECT_EQ(a.runs, 1);
}

// G4: cancel before publishing: the registrant takes itself back
TEST(Step, CancelBeforePublishRefusesIt) {
  stepping_registry r;
  action a;
  at(site::slot_publish, [&] { r.cancel(); });
  EXPECT_EQ(r.try_register(a), register_result::canceled);
  EXPECT_EQ(a.runs, 0);
  EXPECT_FALSE(r.unregister(a));
}

// R19, G8: a refused registrant reads the flag as set, even before the canceller has set it
TEST(Step, ARefusedRegistrantReadsTheFlagAsSet) {
  stepping_registry r;
  action a;
  register_result result{};
  bool flag = false;
  at(site::canceller_set, [&] {
    result = r.try_register(a);
    flag = r.is_cancellation_requested();
  });
  EXPECT_TRUE(r.cancel());
  EXPECT_EQ(result, register_result::canceled);
  EXPECT_TRUE(flag);
}

// R25, G8
TEST(Step, ALosingCancelReadsTheFlagAsSet) {
  stepping_registry r;
  bool result = true, flag = false;
  at(site::canceller_set, [&] {
    result = r.cancel();
    flag = r.is_cancellation_requested();
  });
  EXPECT_TRUE(r.cancel());
  EXPECT_FALSE(result);
  EXPECT_TRUE(flag);
}

// I3, G3: a registrant that publishes into a segment which is sealed at that moment starts over
TEST(Step, SealBetweenFindAndPublishIsNoticed) {
  stepping_registry r;
  action a, b, c;
  (void)r.try_register(a);
  r.unregister(a);
  at(site::slot_publish, [&] {
    (void)r.try_register(b);  // takes the slot
    r.unregister(b);
    (void)r.try_register(c);
  });
  EXPECT_EQ(r.try_register(a), register_result::registered);
  r.cancel();
  EXPECT_EQ(a.runs + b.runs + c.runs, 2);
}

// --------------------------------------------------------------- waiting: only for one's own callback (R46, R47,
// design G7)

/// A canceller on its own thread, with `blocker` registered and running until the end of the scope.
class running_canceller {
 public:
  running_canceller(stepping_registry& r, action& blocker) {
    blocker.set([this] {
      started_.set_value();
      released_.get_future().wait();
    });
    thread_ = std::thread([&r] { r.cancel(); });
    started_.get_future().wait();
  }
  ~running_canceller() {
    released_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> started_, released_;
  std::thread thread_;
};

/// Whether unregister_and_wait(c) waits although no thread runs `c`. It runs on a thread of its own, so that the test
/// ends.
bool waits_for_nothing(stepping_registry& r, action& c, std::unique_ptr<running_canceller>& canceller) {
  cts::test::waits = 0;
  auto done = std::async(std::launch::async, [&] { r.unregister_and_wait(c); });
  bool waited = false;
  while (done.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready && !waited)
    waited = cts::test::waits != 0;
  canceller.reset();
  done.get();
  return waited || cts::test::waits != 0;
}

// G6, G7: its slot has a new tenant, which runs
TEST(Waiting, OfOneUnregisteredBeforeDoesNotWaitForTheNextTenantOfItsSlot) {
  stepping_registry r;
  action old_tenant, tenant;
  ASSERT_EQ(r.try_register(old_tenant), register_result::registered);
  ASSERT_TRUE(r.unregister(old_tenant));
  ASSERT_EQ(r.try_register(tenant), register_result::registered);
  auto canceller = std::make_unique<running_canceller>(r, tenant);
  EXPECT_FALSE(waits_for_nothing(r, old_tenant, canceller)) << "it waits for a callback that is not its own";
}

// G6, G7: it lost the slot to another one, then cancel came
TEST(Waiting, OfOneThatWasRefusedDoesNotWaitForWhoGotTheSlot) {
  stepping_registry r;
  action refused, tenant;
  std::unique_ptr<running_canceller> canceller;
  at(site::slot_publish, [&] {
    EXPECT_EQ(r.try_register(tenant), register_result::registered);
    at(site::top_find, [&] { canceller = std::make_unique<running_canceller>(r, tenant); });
  });
  ASSERT_EQ(r.try_register(refused), register_result::canceled);
  on_step = nullptr;
  EXPECT_FALSE(waits_for_nothing(r, refused, canceller)) << "it waits for a callback that is not its own";
}

}  // namespace
