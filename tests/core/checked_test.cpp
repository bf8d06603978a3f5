// SPDX-License-Identifier: BSL-1.0
// Checked builds report operations that overlap or follow dispose, and callbacks registered twice, with both sides
// named. G12.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "node.hpp"
#include "stepping_platform.hpp"

static_assert(CTS_CHECKED == 1 && cts::core::std_platform::checked, "build this with CTS_CHECKED=1");

namespace {

using namespace cts::core;
using cts::test::on_step;
using action = cts::test::action<>;

std::mutex mutex;
std::vector<misuse> reports;
void collect(misuse const& m) noexcept {
  std::lock_guard const lock(mutex);
  reports.push_back(m);
}

class Checked : public testing::Test {
 protected:
  void SetUp() override {
    reports.clear();
    before = set_misuse_handler(&collect);
  }
  void TearDown() override {
    on_step = nullptr;
    set_misuse_handler(before);
  }
  static void expect_report(misuse::kind what, verb reporter, verb other) {
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].what, what);
    EXPECT_STREQ(name(reports[0].reporter), name(reporter));
    EXPECT_STREQ(name(reports[0].other), name(other));
    EXPECT_NE(reports[0].registry, nullptr);
  }
  misuse_handler before = nullptr;
};
class CheckedDeathTest : public Checked {};

constexpr auto overlap = misuse::kind::overlaps_dispose;
constexpr auto twice = misuse::kind::registered_twice;

TEST_F(Checked, RegisterAfterDisposeIsReported) {
  registry r;
  action a;
  r.dispose();
  (void)r.try_register(a);
  expect_report(overlap, verb::try_register, verb::dispose);
}

TEST_F(Checked, AReportNamesTheRegistry) {
  registry r;
  action a;
  r.dispose();
  (void)r.try_register(a);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].registry, &r);
}

TEST_F(Checked, UnregisterAfterDisposeIsReported) {
  registry r;
  action a;
  (void)r.try_register(a);
  r.dispose();
  r.unregister(a);
  expect_report(overlap, verb::unregister, verb::dispose);
}

TEST_F(Checked, UnregisterAndWaitAfterDisposeIsReported) {
  registry r;
  action a;
  (void)r.try_register(a);
  r.dispose();
  r.unregister_and_wait(a);
  expect_report(overlap, verb::unregister_and_wait, verb::dispose);
}

TEST_F(Checked, CancelAfterDisposeIsReported) {
  registry r;
  r.dispose();
  r.cancel();
  expect_report(overlap, verb::cancel, verb::dispose);
}

// R13
TEST_F(Checked, PollAfterDisposeIsAllowed) {
  registry r;
  r.dispose();
  EXPECT_FALSE(r.is_cancellation_requested());
  EXPECT_TRUE(reports.empty());
}

// R57
TEST_F(Checked, DisposeTwiceIsAllowed) {
  registry r;
  r.dispose();
  r.dispose();
  EXPECT_TRUE(reports.empty());
}

TEST_F(Checked, RegisteringTwiceIsReported) {
  registry r;
  action a;
  (void)r.try_register(a);
  (void)r.try_register(a);
  expect_report(twice, verb::try_register, verb::try_register);
}

TEST_F(Checked, RegisteringInTwoRegistriesIsReported) {
  registry r;
  cts::core::striped_registry s;
  action a;
  (void)s.try_register(a);
  (void)r.try_register(a);
  expect_report(twice, verb::try_register, verb::try_register);
  EXPECT_EQ(reports.front().registry, &r);
}

TEST_F(Checked, RegisteringInTwoRegistriesIsReportedWhereTheFirstHasGrown) {
  registry r, s;
  std::vector<action> others(100);
  for (action& o : others) (void)r.try_register(o);
  action a;
  (void)r.try_register(a);
  (void)s.try_register(a);
  expect_report(twice, verb::try_register, verb::try_register);
}

// A registry becomes known to the others when the first callback is registered, which may happen on two threads at
// once.
TEST_F(Checked, RegisteringTwiceIsReportedWhereTwoThreadsRegisteredFirst) {
  for (int round = 0; round < 200; ++round) {
    reports.clear();
    registry first, second;
    action a[2];
    std::atomic<int> ready{0};
    auto const enter = [&](action& mine) {
      ready.fetch_add(1);
      while (ready.load() < 2) std::this_thread::yield();
      (void)first.try_register(mine);
    };
    std::thread other([&] { enter(a[1]); });
    enter(a[0]);
    other.join();
    ASSERT_TRUE(reports.empty());
    (void)second.try_register(a[0]);
    (void)second.try_register(a[1]);
    ASSERT_EQ(reports.size(), 2u) << "round " << round;
    EXPECT_EQ(reports[0].what, twice);
    EXPECT_EQ(reports[1].what, twice);
  }
}

TEST_F(Checked, ADisposedRegistryIsForgottenEvenIfItsFirstRegistrationComesTooLate) {
  action a;
  {
    registry r;
    r.dispose();
    (void)r.try_register(a);
    expect_report(overlap, verb::try_register, verb::dispose);
    reports.clear();
  }
  registry s;
  (void)s.try_register(a);
  EXPECT_TRUE(reports.empty());
}

// R57: callbacks that a registry held when it was disposed are free.
TEST_F(Checked, RegisteringAgainAfterTheFirstRegistryIsDisposedIsAllowed) {
  registry r, s;
  std::vector<action> all(100);
  for (action& a : all) (void)r.try_register(a);
  r.dispose();
  for (action& a : all) (void)s.try_register(a);
  EXPECT_TRUE(reports.empty());
}

// The new registry has the address of one that is gone, and is of another type.
TEST_F(Checked, RegisteringAgainWhereAnotherRegistryWasIsAllowed) {
  using striped = cts::core::striped_registry;
  alignas(striped) std::byte storage[sizeof(striped)];
  std::vector<action> all(16);
  striped* const gone = ::new (storage) striped;
  for (action& a : all) std::thread([&] { (void)gone->try_register(a); }).join();  // each on a stripe of its own
  std::destroy_at(gone);
  registry* const now = ::new (storage) registry;
  for (action& a : all) (void)now->try_register(a);
  EXPECT_TRUE(reports.empty());
  std::destroy_at(now);
}

TEST_F(Checked, RegisteringAgainAfterUnregisterIsAllowed) {
  registry r, s;
  action a;
  (void)r.try_register(a);
  r.unregister(a);
  (void)r.try_register(a);
  r.unregister(a);
  (void)s.try_register(a);
  s.cancel();
  (void)s.try_register(a);
  EXPECT_TRUE(reports.empty());
}

// R43: no error
TEST_F(Checked, UnregisteringWhatIsNotRegisteredIsAllowed) {
  registry r;
  action a;
  r.unregister(a);
  r.unregister_and_wait(a);
  (void)r.try_register(a);
  r.unregister(a);
  r.unregister(a);
  EXPECT_TRUE(reports.empty());
}

// Run under AddressSanitizer: the memory of the first registry is gone.
TEST_F(Checked, RegisteringAgainAfterTheFirstRegistryIsGoneIsAllowed) {
  std::vector<std::unique_ptr<action>> all;
  for (int i = 0; i < 100; ++i) all.push_back(std::make_unique<action>());
  auto first = std::make_unique<registry>();
  for (auto& a : all) (void)first->try_register(*a);
  first.reset();
  registry second;
  for (auto& a : all) EXPECT_EQ(second.try_register(*a), register_result::registered);
  EXPECT_TRUE(reports.empty());
}

// G7, G13
TEST_F(Checked, DisposeInsideACallbackIsAllowed) {
  registry r;
  action a([&] { r.dispose(); });
  (void)r.try_register(a);
  EXPECT_TRUE(r.cancel());
  EXPECT_TRUE(reports.empty());
}

// G13
TEST_F(Checked, DestroyingTheRegistryInsideACallbackIsAllowed) {
  auto r = std::make_unique<registry>();
  action older;
  action a([&] { r.reset(); });
  (void)r->try_register(older);
  (void)r->try_register(a);
  EXPECT_TRUE(r->cancel());
  EXPECT_TRUE(reports.empty());
}

TEST_F(Checked, EveryVerbInsideACallbackIsAllowed) {
  registry r;
  action older, late;
  action a([&] {
    r.unregister(older);
    (void)r.try_register(late);
    r.cancel();
    r.unregister_and_wait(a);
    (void)r.is_cancellation_requested();
  });
  (void)r.try_register(older);
  (void)r.try_register(a);
  EXPECT_TRUE(r.cancel());
  r.dispose();
  EXPECT_TRUE(reports.empty());
}

// -------------------------------------------------------- dispose in the middle of another operation, seen by either
// side

using platform = cts::test::stepping_platform<4, 4, true>;
using stepping_registry = basic_registry<platform>;
using stepping_action = cts::test::action<platform>;

void dispose_at(site s, stepping_registry& r) {
  on_step = [s, &r](site here) {
    if (here != s) return;
    on_step = nullptr;
    r.dispose();
  };
}

TEST_F(Checked, DisposeDuringRegisterIsReported) {
  stepping_registry r;
  stepping_action a;
  dispose_at(site::slot_publish, r);
  (void)r.try_register(a);
  expect_report(overlap, verb::dispose, verb::try_register);
}

TEST_F(Checked, DisposeDuringUnregisterIsReported) {
  stepping_registry r;
  stepping_action a;
  (void)r.try_register(a);
  dispose_at(site::slot_unregister, r);
  r.unregister(a);
  expect_report(overlap, verb::dispose, verb::unregister);
}

TEST_F(Checked, DisposeDuringUnregisterAndWaitIsReported) {
  stepping_registry r;
  stepping_action a;
  (void)r.try_register(a);
  dispose_at(site::slot_unregister, r);
  r.unregister_and_wait(a);
  expect_report(overlap, verb::dispose, verb::unregister_and_wait);
}

TEST_F(Checked, DisposeDuringCancelIsReported) {
  stepping_registry r;
  dispose_at(site::top_close, r);
  r.cancel();
  expect_report(overlap, verb::dispose, verb::cancel);
}

TEST_F(Checked, DisposeDuringPollIsReported) {
  stepping_registry r;
  dispose_at(site::flag_poll, r);
  (void)r.is_cancellation_requested();
  expect_report(overlap, verb::dispose, verb::is_cancellation_requested);
}

// A callback disposes while another thread is in another verb: its own cancel is not to blame, the other one is.
TEST_F(Checked, DisposeInsideACallbackDuringAnotherVerbIsReported) {
  stepping_registry r;
  stepping_action a([&] { r.dispose(); });
  stepping_action late;
  (void)r.try_register(a);
  on_step = [&](site here) {
    if (here != site::top_find) return;
    on_step = nullptr;
    r.cancel();
  };
  (void)r.try_register(late);
  expect_report(overlap, verb::dispose, verb::try_register);
}

// "…and for one on another thread whose last callback has returned (dispose then waits until that cancel has left)":
// the canceller stands between its last callback and the end of cancel.
TEST_F(Checked, DisposeAfterTheLastCallbackHasReturnedIsAllowed) {
  stepping_registry r;
  stepping_action a;
  (void)r.try_register(a);
  std::atomic<bool> returned{false};
  cts::test::waits = 0;
  std::thread canceller([&] {
    on_step = [&](site here) {  // the step after slot_done
      if (here != site::slot_done) return;
      on_step = [&](site) {
        on_step = nullptr;
        returned.store(true);
        for (int i = 0; i < 2000 && cts::test::waits == 0; ++i)
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
      };
    };
    r.cancel();
  });
  while (!returned.load()) std::this_thread::yield();
  r.unregister_and_wait(a);  // documented: it has returned
  r.dispose();
  canceller.join();
  for (auto const& m : reports) ADD_FAILURE() << name(m.reporter) << " reports " << name(m.other);
}

// -------------------------------------------------------------------------------------------------------- the handler

TEST_F(Checked, InstallingAHandlerReturnsTheOneBefore) {
  EXPECT_EQ(set_misuse_handler(nullptr), &collect);
  EXPECT_EQ(set_misuse_handler(&collect), &abort_on_misuse);
}

TEST_F(CheckedDeathTest, TheDefaultNamesBothSidesAndAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  set_misuse_handler(nullptr);
  EXPECT_DEATH(
      {
        registry r;
        r.dispose();
        r.cancel();
      },
      "cancel overlaps or follows dispose");
}

TEST_F(CheckedDeathTest, TheDefaultNamesADoubleRegistrationAndAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  set_misuse_handler(nullptr);
  EXPECT_DEATH(
      {
        registry r;
        action a;
        (void)r.try_register(a);
        (void)r.try_register(a);
      },
      "registered that is registered already");
}

}  // namespace
