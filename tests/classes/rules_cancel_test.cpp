// SPDX-License-Identifier: BSL-1.0
// R1 … R42: states, tokens, register, cancel, cancel_async.
#include "rules.hpp"

#include <unordered_set>

namespace cts::test {
namespace {

// --- states ---
TEST(R1, TheFlagIsClearThenSetForGood) {
  source s;
  token const t = s.token();
  EXPECT_FALSE(s.is_cancellation_requested());
  EXPECT_FALSE(t.is_cancellation_requested());
  s.cancel();
  EXPECT_TRUE(s.is_cancellation_requested());
  s.cancel();
  s.dispose();
  EXPECT_TRUE(s.is_cancellation_requested());
  EXPECT_TRUE(t.is_cancellation_requested());
}
TEST(R2, OneOfManyCallersWins) {  // G16
  for (int round = 0; round < 50; ++round) {
    source s;
    std::atomic<int> runs{0};
    auto const r = s.token().register_callback([&] { ++runs; });
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        if (s.try_cancel()) ++winners;
        EXPECT_TRUE(s.is_cancellation_requested());
      });
    for (auto& t : threads) t.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(runs, 1);
  }
}
TEST(R3, FlagThenTimerThenHandleThenCallbacksThenTheException) {  // G18
  manual_time_provider clock;
  source s(1h, clock);
  auto const handle = s.token().wait_handle();
  std::string log;
  auto const r = s.token().register_callback([&] {
    log += s.is_cancellation_requested() ? "flag " : "no flag ";
    log += s.token().deadline() ? "armed " : "disarmed ";
    log += handle.wait_for(0s) ? "signalled" : "not signalled";
    throw 7;
  });
  EXPECT_EQ(thrown([&] { s.cancel(); }), "[7]");
  EXPECT_EQ(log, "flag disarmed signalled");
}
TEST(R4, DuringACallbackTheFlagIsSetAndTheHandleSignalled) {  // G18
  source s;
  auto const handle = s.token().wait_handle();
  bool flag = false, signalled = false;
  auto const r = s.token().register_callback([&](token t) {
    flag = t.is_cancellation_requested();
    signalled = handle.wait_for(0s);
  });
  s.cancel();
  EXPECT_TRUE(flag);
  EXPECT_TRUE(signalled);
}
TEST(R5, WithoutCallbacksCancelOnlySetsTheFlag) {
  source s;
  s.cancel();
  EXPECT_TRUE(s.is_cancellation_requested());
  source a;
  a.cancel_async().get();
  EXPECT_TRUE(a.is_cancellation_requested());
}
TEST(R6, ASetFlagDoesNotMeanThatCallbacksHaveRunOrLinksAreCanceled) {
  source p;
  source k = source::create_linked(p.token());
  bool child_was_canceled = true;
  auto const r = p.token().register_callback(
      [&] { child_was_canceled = k.is_cancellation_requested(); });  // after the link: first
  p.cancel();
  EXPECT_FALSE(child_was_canceled);
  EXPECT_TRUE(k.is_cancellation_requested());
}

// --- tokens ---
TEST(R7, TheDefaultTokenIsNone) {
  token const t;
  EXPECT_EQ(t, token::none());
  EXPECT_EQ(t, token(false));
  EXPECT_FALSE(t.can_be_canceled());
  EXPECT_FALSE(t.is_cancellation_requested());
  EXPECT_NO_THROW(t.throw_if_cancellation_requested());
}
TEST(R8, ATokenMayBeBornCanceled) {
  token const t(true);
  EXPECT_TRUE(t.can_be_canceled());
  EXPECT_TRUE(t.is_cancellation_requested());
  EXPECT_EQ(t, token(true));
}
TEST(R9, TokensAreEqualIfTheirSourceIs) {
  source a, b;
  EXPECT_EQ(a.token(), a.token());
  EXPECT_NE(a.token(), b.token());
  source const one(0ms), other(0ms);
  EXPECT_NE(one.token(), other.token());
  EXPECT_NE(a.token(), token());
  std::hash<token> const hash;
  EXPECT_EQ(hash(a.token()), hash(a.token()));
  EXPECT_EQ(hash(token()), hash(token::none()));
  std::unordered_set<token> const set{a.token(), b.token(), a.token(), token()};
  EXPECT_EQ(set.size(), 3u);
  token const old = a.token();
  a.dispose();
  EXPECT_TRUE(old == old);
  EXPECT_NO_THROW((void)hash(old));
}
TEST(R10, CanBeCanceledMeansThereIsASource) {
  token t;
  {
    source s;
    t = s.token();
    s.dispose();
    EXPECT_TRUE(t.can_be_canceled());
  }
  EXPECT_TRUE(t.can_be_canceled()) << "after the source is gone, too";
}
TEST(R11, ThrowIfThrowsOperationCanceledWithThisToken) {
  source s;
  token const t = s.token();
  EXPECT_NO_THROW(t.throw_if_cancellation_requested());
  s.cancel();
  s.dispose();
  try {
    t.throw_if_cancellation_requested();
    FAIL();
  } catch (operation_canceled const& e) {
    EXPECT_EQ(e.token(), t);
    EXPECT_STREQ(e.what(), "The operation was canceled.");
  }
}
TEST(R12, TheHandlesOfTheFixedTokens) {
  EXPECT_FALSE(token().wait_handle().wait_for(0s));
  EXPECT_EQ(token().wait_handle(), token::none().wait_handle());
  EXPECT_TRUE(token(true).wait_handle().wait_for(0s));
}
TEST(R13, AskingNeverThrows) {  // G8
  static_assert(noexcept(std::declval<token const&>().is_cancellation_requested()));
  static_assert(noexcept(std::declval<source const&>().is_cancellation_requested()));
  source s;
  token const t = s.token();
  s.dispose();
  EXPECT_FALSE(s.is_cancellation_requested());
  EXPECT_FALSE(t.is_cancellation_requested());
}

// --- register ---
TEST(R14, ANullCallbackIsRefusedFirst) {
  std::function<void()> const empty;
  void (*const null)() = nullptr;
  source s;
  s.cancel();
  for (token const& t : {token(), token(true), s.token()}) {
    EXPECT_THROW((void)t.register_callback(empty), std::invalid_argument);
    EXPECT_THROW((void)t.register_callback(null), std::invalid_argument);
    EXPECT_THROW((void)t.try_register(null), std::invalid_argument);
    worker_context c;
    EXPECT_THROW((void)t.register_callback(empty, c), std::invalid_argument);
    EXPECT_THROW(cancellation_callback const x(t, empty), std::invalid_argument);
  }
}
TEST(R15, ATokenThatCannotBeCanceledDropsTheCallback) {
  auto const kept = std::make_shared<int>();
  registration const r = token().register_callback([kept] { FAIL(); });
  EXPECT_EQ(r, registration());
  EXPECT_FALSE(r);
  EXPECT_EQ(kept.use_count(), 1);
}
TEST(R16, EachRegistrationIsSeparate) {
  source s;
  int runs = 0;
  auto const f = [&] { ++runs; };
  registration a = s.token().register_callback(f), b = s.token().register_callback(f);
  EXPECT_NE(a, b);
  EXPECT_TRUE(a);
  EXPECT_TRUE(a.unregister());
  s.cancel();
  EXPECT_EQ(runs, 1);
}
TEST(R17, OnACanceledTokenTheCallbackRunsHereAndNow) {
  source s;
  s.cancel();
  for (int disposed = 0; disposed < 2; ++disposed) {
    token const t = disposed == 0 ? s.token() : token(true);
    std::thread::id where;
    registration const r = t.register_callback([&] { where = std::this_thread::get_id(); });
    EXPECT_EQ(where, std::this_thread::get_id());
    EXPECT_EQ(r, registration());
    EXPECT_EQ(thrown([&] { (void)t.register_callback([] { throw 5; }); }), "5") << "not wrapped";
    EXPECT_EQ(thrown([&] { cancellation_callback const c{t, [] { throw 6; }}; }), "6");
    bool ran = false;
    cancellation_callback const c(t, [&] { ran = true; });
    EXPECT_TRUE(ran);
  }
}
TEST(R17, ItDoesNotWaitForCallbacksThatRunElsewhere) {
  source s;
  blocker b;
  auto const r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  bool ran = false;
  auto const late = s.token().register_callback([&] { ran = true; });
  EXPECT_TRUE(ran);
  b.go.open();
  canceller.join();
}
TEST(R18, WhatRunsHereAndNowUsesNoContext) {
  source s;
  s.cancel();
  worker_context c;
  std::thread::id where;
  auto const r = s.token().register_callback([&] { where = std::this_thread::get_id(); }, c);
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_EQ(c.sent, 0);
}
TEST(R19, RacingWithCancelItRunsOnExactlyOneSide) {  // G4
  for (int round = 0; round < 300; ++round) {
    source s;
    std::atomic<int> runs{0};
    std::thread canceller([&] { s.cancel(); });
    registration r = s.token().register_callback([&] { ++runs; });
    r.dispose();
    bool const here = !r;
    int const after = runs;
    canceller.join();
    EXPECT_EQ(runs, after) << "nothing comes after dispose";
    if (here) { EXPECT_EQ(runs, 1); }
    EXPECT_LE(runs, 1);
  }
}
TEST(R20, OnADisposedSourceNothingIsRegisteredAndNothingThrown) {
  source s;
  token const t = s.token();
  s.dispose();
  registration const r = t.register_callback([] { FAIL(); });
  EXPECT_EQ(r, registration());
  EXPECT_EQ(s.registration_count(), 0u);
  cancellation_callback const c(t, [] { FAIL(); });
}
TEST(R21, OnADisposedAndCanceledSourceTheCallbackRuns) {
  source s;
  token const t = s.token();
  s.cancel();
  s.dispose();
  int runs = 0;
  auto const r = t.register_callback([&] { ++runs; });
  cancellation_callback const c(t, [&] { ++runs; });
  EXPECT_EQ(runs, 2);
}
TEST(R22, RegisterRacingWithDisposeIsTolerated) {
  for (int round = 0; round < 300; ++round) {
    auto s = std::make_unique<source>();
    token const t = s->token();
    std::thread other([&] { s->dispose(); });
    registration r = t.register_callback([] { FAIL(); });
    other.join();
    s.reset();
    if (r) { EXPECT_TRUE(r.unregister()); }
  }
}
TEST(R23, InsideACallbackRegisterRunsAtOnce) {
  source s;
  std::string log;
  auto const r = s.token().register_callback([&](token t) {
    log += "(";
    auto const inner = t.register_callback([&] { log += "inner"; });
    log += ")";
  });
  s.cancel();
  EXPECT_EQ(log, "(inner)");
}

// --- cancel ---
TEST(R24, CancelOfADisposedSourceThrows) {
  source a, b;
  b.cancel();
  a.dispose();
  b.dispose();
  EXPECT_THROW(a.cancel(), object_disposed);
  EXPECT_THROW(a.cancel(true), object_disposed);
  EXPECT_THROW(b.cancel(), object_disposed) << "also if it was canceled";
  EXPECT_FALSE(a.is_cancellation_requested());
}
TEST(R25, LaterCancelsReturnAtOnce) {  // G1
  source s;
  int runs = 0;
  auto const r = s.token().register_callback([&] {
    ++runs;
    s.cancel();  // reentrant
    throw 1;
  });
  EXPECT_EQ(thrown([&] { s.cancel(); }), "[1]");
  EXPECT_NO_THROW(s.cancel());
  EXPECT_EQ(runs, 1);
}
TEST(R25, ASecondCancelDoesNotWaitForRunningCallbacks) {  // G1
  source s;
  blocker b;
  auto const r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  s.cancel();  // else this hangs
  b.go.open();
  canceller.join();
}
TEST(R26, CallbacksRunOnTheCancellingThreadLastFirst) {  // G9
  source s;
  std::string log;
  std::vector<registration> all;
  std::thread::id const here = std::this_thread::get_id();
  for (char c = 'a'; c <= 'z'; ++c)
    all.push_back(s.token().register_callback([&log, c, here] {
      EXPECT_EQ(std::this_thread::get_id(), here);
      log += c;
    }));
  std::thread([&] { all.push_back(s.token().register_callback([&] { log += '!'; })); }).join();
  s.cancel();
#if CTS_TEST_SHARED  // in order for each thread; between threads in any
  EXPECT_EQ(std::erase(log, '!'), 1u);
  log.insert(log.begin(), '!');
#endif
  EXPECT_EQ(log, "!zyxwvutsrqponmlkjihgfedcba");
}
TEST(R26, TheOrderIsThatOfTheWholeSourceAfterReuse) {  // G9
  source s;
  std::string log;
  auto const add = [&](char c) { return s.token().register_callback([&log, c] { log += c; }); };
  registration a = add('1'), b = add('2'), c = add('3'), d = add('4');
  a.dispose();
  registration const e = add('5');
  s.cancel();
  EXPECT_EQ(log, "5432");
}
TEST(R27, WhatHasNotRunYetCanStillBeUnregistered) {  // G5
  source s;
  registration first = s.token().register_callback([] { FAIL(); });
  bool taken = false;
  auto const second = s.token().register_callback([&] { taken = first.unregister(); });
  s.cancel();
  EXPECT_TRUE(taken);
}
TEST(R28, ExceptionsAreCollectedInTheOrderOfExecution) {
  source s;
  std::vector<registration> all;
  for (int i = 1; i <= 12; ++i) all.push_back(s.token().register_callback([i] { throw i; }));
  cancellation_callback const c(s.token(), [] { throw std::runtime_error("last"); });
  EXPECT_EQ(thrown([&] { s.cancel(); }), "[last 12 11 10 9 8 7 6 5 4 3 2 1]");
  source one;
  auto const r = one.token().register_callback([] { throw 1; });
  EXPECT_EQ(thrown([&] { one.cancel(false); }), "[1]") << "an aggregate even for one";
}
TEST(R29, ThrowOnFirstEndsWithTheFirstException) {
  source s;
  auto const a = s.token().register_callback([] { FAIL(); });
  auto const b = s.token().register_callback([] { throw 2; });
  int runs = 0;
  auto const c = s.token().register_callback([&] { ++runs; });
  EXPECT_EQ(thrown([&] { s.cancel(true); }), "2") << "as it was";
  EXPECT_EQ(runs, 1);
  EXPECT_NO_THROW(s.cancel());
  EXPECT_TRUE(s.is_cancellation_requested());
}
TEST(R30, WhatThrowOnFirstHasLeftCanBeUnregisteredOnce) {
  source s;
  registration a = s.token().register_callback([] { FAIL(); });
  auto const b = s.token().register_callback([] { throw 2; });
  EXPECT_EQ(thrown([&] { s.cancel(true); }), "2");
  EXPECT_TRUE(a.unregister());
  EXPECT_FALSE(a.unregister());
}
TEST(R31, AggregatesAreNotFlattened) {  // G21
  source p;
  auto const p0 = p.token().register_callback([] { throw std::runtime_error("p0"); });
  source k = source::create_linked(p.token());
  auto const k1 = k.token().register_callback([] { throw std::runtime_error("k1"); });
  auto const p2 = p.token().register_callback([] { throw std::runtime_error("p2"); });
  EXPECT_EQ(thrown([&] { p.cancel(); }), "[p2 [k1] p0]");
}
TEST(R32, ALinkThrowsItsAggregateThroughThrowOnFirst) {  // G21
  source p;
  auto const p0 = p.token().register_callback([] { FAIL(); });
  source k = source::create_linked(p.token());
  auto const k1 = k.token().register_callback([] { throw 1; });
  auto const k2 = k.token().register_callback([] { throw 2; });
  EXPECT_EQ(thrown([&] { p.cancel(true); }), "[2 1]");
}
TEST(R33, AnExceptionOnATimerGoesToTheErrorSink) {
  static std::promise<std::string> told;
  told = {};
  auto const before = set_error_sink([](std::exception_ptr e) noexcept { told.set_value(flat(e)); });
  source s;
  auto const r = s.token().register_callback([] { throw 3; });
  s.cancel_after(0ms);
  EXPECT_EQ(told.get_future().get(), "[3]");
  set_error_sink(before);
}
TEST(R33DeathTest, WithoutASinkItEndsTheProcess) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        manual_time_provider clock;
        source s(1ms, clock);
        auto const r = s.token().register_callback([] { throw std::runtime_error("from a timer"); });
        clock.advance(1ms);
      },
      "");
}
TEST(R34, ACallbackMayDisposeOrDestroyTheSource) {  // G13
  auto s = std::make_unique<source>();
  std::string log;
  auto const a = s->token().register_callback([&] { log += "a"; });
  auto const b = s->token().register_callback([&] { s.reset(); });
  auto const c = s->token().register_callback([&] { s->dispose(); });
  EXPECT_NO_THROW(s->cancel());
  EXPECT_EQ(log, "a");
  EXPECT_EQ(s, nullptr);
}
TEST(R35, ACallbackGetsATokenOfItsSource) {
  source s;
  token got;
  auto const r = s.token().register_callback([&](token t) { got = t; });
  s.cancel();
  EXPECT_EQ(got, s.token());
  struct both {
    std::string& log;
    void operator()() const { log += "without"; }
    void operator()(token) const { log += "with"; }
  };
  std::string log;
  auto const b = s.token().register_callback(both{log});
  EXPECT_EQ(log, "with");
}

// --- cancel_async ---
TEST(R36, OnADisposedSourceTheFutureHoldsTheError) {
  source s;
  s.dispose();
  std::future<void> f;
  EXPECT_NO_THROW(f = s.cancel_async());
  EXPECT_THROW(f.get(), object_disposed);
  source c;
  c.cancel();
  c.dispose();
  EXPECT_THROW(c.cancel_async().get(), object_disposed);
}
TEST(R37, TheFlagTheTimerAndTheHandleAreSetBeforeItReturns) {
  manual_time_provider clock;
  source s(1h, clock);
  auto const handle = s.token().wait_handle();
  blocker b;
  auto const r = s.token().register_callback(b.callback());
  auto f = s.cancel_async();
  EXPECT_TRUE(s.is_cancellation_requested());
  EXPECT_TRUE(handle.wait_for(0s));
  EXPECT_FALSE(s.token().deadline());
  b.go.open();
  f.get();
}
TEST(R38, WithoutCallbacksItIsReadyAtOnce) {
  source s;
  s.token().register_callback([] { FAIL(); }).dispose();
  EXPECT_EQ(s.cancel_async().wait_for(0s), std::future_status::ready);
}
TEST(R39, CallbacksRunElsewhereInOrderAndTheFutureHoldsTheirExceptions) {
  source s;
  std::thread::id where;
  auto const a = s.token().register_callback([&] { throw 1; });
  auto const b = s.token().register_callback([&] { where = std::this_thread::get_id(); });
  auto const c = s.token().register_callback([&] { throw 3; });
  auto f = s.cancel_async();
  EXPECT_EQ(thrown([&] { f.get(); }), "[3 1]");
  EXPECT_NE(where, std::this_thread::get_id());
}
TEST(R40, IfItIsCanceledAlreadyItIsReadyAtOnce) {
  source s;
  blocker b;
  auto const r = s.token().register_callback(b.callback());
  auto first = s.cancel_async();
  b.running.wait();
  EXPECT_EQ(s.cancel_async().wait_for(0s), std::future_status::ready);
  EXPECT_TRUE(still_waits(first));
  b.go.open();
  first.get();
}
TEST(R41, WhatHasNotBegunCanBeTakenBackAndWhatComesRunsAtOnce) {  // G20
  source s;
  auto left = s.token().register_callback([] { FAIL(); });
  blocker b;
  auto const r = s.token().register_callback(b.callback());
  auto f = s.cancel_async();
  EXPECT_TRUE(left.unregister());
  bool ran = false;
  auto const late = s.token().register_callback([&] { ran = true; });
  EXPECT_TRUE(ran);
  b.go.open();
  f.get();
}
TEST(R42, DisposeAfterCancelAsyncLosesNothing) {  // G20
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> runs{0};
    std::future<void> f;
    registration a, b;
    {
      source s;
      a = s.token().register_callback([&] { ++runs; });
      b = s.token().register_callback([&] { ++runs; });
      f = s.cancel_async();
      s.dispose();
    }
    f.get();
    EXPECT_EQ(runs, 2);
  }
}
TEST(R42, TheFutureMayBeDiscarded) {  // G20
  gate over;
  source s;
  auto const r = s.token().register_callback([&] { over.open(); });
  (void)s.cancel_async();
  over.wait();
}

}  // namespace
}  // namespace cts::test
