// SPDX-License-Identifier: BSL-1.0
// R43 … R56, R90 … R93: registrations, contexts, visibility.
#include "must_end.hpp"
#include "rules.hpp"

#include <unordered_set>

namespace cts::test {
namespace {

TEST(R43, UnregisterIsTrueForTheOneThatTookItBack) {  // G5
  source s;
  registration r = s.token().register_callback([] { FAIL(); });
  EXPECT_TRUE(r.unregister());
  EXPECT_FALSE(r.unregister());
  EXPECT_FALSE(registration().unregister());
  s.cancel();
  registration late = s.token().register_callback([] {});
  EXPECT_FALSE(late.unregister());
}
TEST(R43, ItIsFalseForWhatRunsAndHasRun) {  // G5
  source s;
  registration self;
  bool inside = true;
  self = s.token().register_callback([&] { inside = self.unregister(); });
  s.cancel();
  EXPECT_FALSE(inside);
  EXPECT_FALSE(self.unregister());
}
TEST(R43, ItNeverWaits) {  // G5
  source s;
  blocker b;
  registration r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  EXPECT_FALSE(r.unregister());
  b.go.open();
  canceller.join();
}
TEST(R43, ItIsFalseForWhatTryResetHasRemoved) {  // G5
  source s;
  registration r = s.token().register_callback([] { FAIL(); });
  ASSERT_TRUE(s.try_reset());
  EXPECT_FALSE(r.unregister());
  EXPECT_EQ(r.token(), s.token());
}
TEST(R44, UnregisterIsTrueOrItRan) {  // G5
  for (int round = 0; round < 300; ++round) {
    source s;
    std::atomic<int> runs{0};
    registration r = s.token().register_callback([&] { ++runs; });
    std::thread canceller([&] { s.cancel(); });
    bool const taken = r.unregister();
    canceller.join();
    EXPECT_EQ(runs, taken ? 0 : 1);
  }
}
TEST(R45, DisposingTheSourceDoesNotConsumeRegistrations) {
  registration r, q;
  {
    source s;
    r = s.token().register_callback([] { FAIL(); });
    q = s.token().register_callback([] { FAIL(); });
    s.dispose();
    EXPECT_TRUE(r.unregister());
  }
  EXPECT_TRUE(q.unregister()) << "nor does its end";
  EXPECT_FALSE(q.unregister());
}
TEST(R46, DisposeWaitsForACallbackThatRunsElsewhere) {  // G20
  source s;
  blocker b;
  std::atomic<bool> done{false};
  registration r = s.token().register_callback([&] {
    b.callback()();
    done = true;
  });
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  auto waiting = std::async(std::launch::async, [&] {
    r.dispose();
    EXPECT_TRUE(done);
  });
  EXPECT_TRUE(still_waits(waiting));
  b.go.open();
  waiting.get();
  r.dispose();  // idempotent
  canceller.join();
}
TEST(R46, SoDoTheDestructorsAndAssignment) {  // G20
  for (int kind = 0; kind < 3; ++kind) {
    source s;
    blocker b;
    std::atomic<bool> done{false};
    auto const f = [&] {
      b.callback()();
      done = true;
    };
    std::thread canceller;
    auto const start = [&] {
      canceller = std::thread([&] { s.cancel(); });
      b.running.wait();
      b.go.open();
    };
    if (kind == 0) {
      registration const r = s.token().register_callback(f);
      start();
    } else if (kind == 1) {
      cancellation_callback const c(s.token(), f);
      start();
    } else {
      registration r = s.token().register_callback(f);
      start();
      r = registration();
    }
    EXPECT_TRUE(done);
    canceller.join();
  }
}
TEST(R47, DisposeDoesNotWaitForLaterCallbacks) {  // G6
  source s;
  blocker b;
  auto const later = s.token().register_callback(b.callback());
  registration first = s.token().register_callback([] {});
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  first.dispose();  // has run; a wait for it would hang
  b.go.open();
  canceller.join();
}
TEST(R48, InsideACallbackDisposeDoesNotWait) {  // G20
  source s;
  std::string log;
  registration sibling = s.token().register_callback([&] { FAIL(); }), self, ran = registration();
  self = s.token().register_callback([&] {
    self.dispose();
    ran.dispose();
    sibling.dispose();
    log += "self";
  });
  ran = s.token().register_callback([&] { log += "ran "; });
  s.cancel();
  EXPECT_EQ(log, "ran self");
}
TEST(R48, ACallbackMayDestroyItsOwnRegistrationAndLivesUntilItReturns) {  // G20
  source s;
  auto alive = std::make_shared<int>(7);
  auto r = std::make_unique<registration>();
  std::weak_ptr<int> const watch = alive;
  *r = s.token().register_callback([&r, alive] {
    r.reset();
    EXPECT_EQ(*alive, 7);
  });
  alive.reset();
  s.cancel();
  EXPECT_TRUE(watch.expired());
  auto c = std::unique_ptr<cancellation_callback<std::function<void()>>>();
  source t;
  c = std::make_unique<cancellation_callback<std::function<void()>>>(t.token(), [&c] { c.reset(); });
  t.cancel();
  EXPECT_EQ(c, nullptr);
}
// The waits of R49 and R50 never end, so they happen in a child process that the handler ends.
void die_on_a_circle() {
  set_wait_cycle_handler([](wait_cycle const& c) noexcept {
    detail::print_wait_cycle(c);
    std::abort();
  });
}
void dispose_mutually() {
  die_on_a_circle();
  source a, b;
  gate a_runs, b_runs;
  registration ra, rb;
  ra = a.token().register_callback([&] {
    a_runs.open();
    b_runs.wait();
    rb.dispose();
  });
  rb = b.token().register_callback([&] {
    b_runs.open();
    a_runs.wait();
    ra.dispose();
  });
  std::thread other([&] { a.cancel(); });
  b.cancel();
  other.join();
}
/// Three sources in a circle: each source's callback waits for a callback of the next.
void dispose_round_about() {
  die_on_a_circle();
  source a, b, c;
  gate a_runs, b_runs, c_runs;
  registration ra, rb, rc;
  ra = a.token().register_callback([&] {
    a_runs.open();
    rb.dispose();
  });
  rb = b.token().register_callback([&] {
    b_runs.open();
    c_runs.wait();
    rc.dispose();
  });
  rc = c.token().register_callback([&] {
    c_runs.open();
    a_runs.wait();
    ra.dispose();
  });
  std::thread second([&] { b.cancel(); }), third([&] { c.cancel(); });
  b_runs.wait();
  c_runs.wait();
  a.cancel();
  second.join();
  third.join();
}
TEST(R49, ACircleOfThreeIsReported) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(dispose_round_about(), "deadlock: .*threads wait in a circle");
}
TEST(R50, MutualDisposeIsReported) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(dispose_mutually(), "deadlock: .*2 threads wait in a circle");
}
TEST(R50, AWaitThatEndsIsNotReported) {
  static std::atomic<int> reports;
  reports = 0;
  auto const before = set_wait_cycle_handler([](wait_cycle const&) noexcept { ++reports; });
  source s;
  blocker b;
  registration r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  auto waiting = std::async(std::launch::async, [&] { r.dispose(); });
  EXPECT_TRUE(still_waits(waiting));
  b.go.open();
  waiting.get();
  canceller.join();
  set_wait_cycle_handler(before);
  EXPECT_EQ(reports, 0);
}
TEST(R51, UnregisterIsSafeUnderALockThatTheCallbackTakes) {
  source s;
  std::mutex m;
  blocker b;
  registration r = s.token().register_callback([&] {
    b.running.open();
    std::lock_guard const lock(m);
  });
  std::unique_lock lock(m);
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  EXPECT_FALSE(r.unregister());
  EXPECT_FALSE(r.dispose_for(1ms)) << "and a dispose with a time-out comes back";
  lock.unlock();
  canceller.join();
  EXPECT_TRUE(r.dispose_for(0ms));
}
TEST(R52, DisposeAsyncIsReadyWhenDisposeWouldReturn) {  // G20
  source s;
  blocker b;
  registration r = s.token().register_callback(b.callback());
  registration other = s.token().register_callback([] {});
  EXPECT_EQ(other.dispose_async().wait_for(0s), std::future_status::ready);
  EXPECT_EQ(other.dispose_async().wait_for(0s), std::future_status::ready);
  EXPECT_EQ(registration().dispose_async().wait_for(0s), std::future_status::ready);
  EXPECT_NO_THROW(registration().dispose_async().get());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  auto f = r.dispose_async(), g = r.dispose_async();
  (void)r.dispose_async();  // discarded: its destructor does not wait
  EXPECT_TRUE(still_waits(f));
  b.go.open();
  f.get();
  g.get();
  EXPECT_EQ(r.dispose_async().wait_for(0s), std::future_status::ready);
  canceller.join();
}
TEST(R52, InsideTheCallbackItIsReadyAtOnce) {  // G20
  source s;
  registration self;
  bool ready = false;
  self = s.token().register_callback([&] { ready = self.dispose_async().wait_for(0s) == std::future_status::ready; });
  s.cancel();
  EXPECT_TRUE(ready);
}
TEST(R53, ManyThreadsMayUnregisterOneHandle) {
  for (int round = 0; round < 100; ++round) {
    source s;
    registration r = s.token().register_callback([] { FAIL(); });
    std::atomic<int> taken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { taken += r.unregister(); });
    for (auto& t : threads) t.join();
    EXPECT_EQ(taken, 1);
  }
}
TEST(R54, ARegistrationKnowsItsToken) {
  source s;
  token const t = s.token();
  registration r = t.register_callback([] {}), detached = t.register_callback([] {});
  EXPECT_EQ(r.token(), t);
  r.unregister();
  EXPECT_EQ(r.token(), t);
  s.dispose();
  EXPECT_EQ(r.token(), t);
  EXPECT_EQ(registration().token(), token());
  source c(0ms);
  EXPECT_EQ(c.token().register_callback([] {}).token(), token());
  detached.detach();
}
TEST(R55, RegistrationsAreEqualIfTheyAreTheSame) {
  source s;
  auto const f = [] {};
  registration a = s.token().register_callback(f), b = s.token().register_callback(f);
  EXPECT_EQ(a, a);
  EXPECT_NE(a, b);
  EXPECT_EQ(registration(), token().register_callback(f));
  registration moved = std::move(a);
  EXPECT_EQ(a, registration());
  EXPECT_NE(moved, registration());
  EXPECT_TRUE(moved.unregister());
  EXPECT_TRUE(static_cast<bool>(moved)) << "it was one";
  std::hash<registration> const hash;
  EXPECT_EQ(hash(registration()), hash(a));
}
TEST(R56, AStaleHandleDoesNotTouchItsSuccessor) {  // G5
  source s;
  registration stale = s.token().register_callback([] { FAIL(); });
  stale.unregister();
  int runs = 0;
  registration const fresh = s.token().register_callback([&] { ++runs; });
  EXPECT_FALSE(stale.unregister());
  stale.dispose();
  s.cancel();
  EXPECT_EQ(runs, 1);
}

// --- the callable's life ---
TEST(R46, TheCallableIsDestroyedWhenItIsTakenBackOrHasRun) {  // G20
  auto const kept = std::make_shared<int>();
  source s;
  registration a = s.token().register_callback([kept] {}), b = s.token().register_callback([kept] {}),
               c = s.token().register_callback([kept] {});
  EXPECT_EQ(kept.use_count(), 4);
  a.unregister();
  EXPECT_EQ(kept.use_count(), 3);
  b.dispose();
  EXPECT_EQ(kept.use_count(), 2);
  s.cancel();
  EXPECT_EQ(kept.use_count(), 1);
}
TEST(R46, WhatIsLeftBehindLivesAsLongAsTheSourceAndItsTokens) {  // G20
  auto const kept = std::make_shared<int>();
  token t;
  {
    source s;
    t = s.token();
    t.register_callback([kept] { FAIL(); }).detach();
    EXPECT_EQ(s.registration_count(), 1u);
  }
  EXPECT_EQ(kept.use_count(), 2);
  t = token();
  EXPECT_EQ(kept.use_count(), 1);
  source s;
  int runs = 0;
  s.token().register_callback([&, kept] { ++runs; }).detach();
  s.cancel();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(kept.use_count(), 1);
}
TEST(R46, ACallableMayOwnItsOwnRegistration) {  // G20
  enum way { by_cancel, by_reset, by_unregister, by_dispose, by_dispose_async, by_dispose_for };
  for (way const how : {by_cancel, by_reset, by_unregister, by_dispose, by_dispose_async, by_dispose_for}) {
    source s;
    auto self = std::make_shared<registration>();
    std::weak_ptr<registration> const watch = self;
    *self = s.token().register_callback([self] {});
    registration& r = *self;
    self.reset();
    switch (how) {
      case by_cancel: s.cancel(); break;
      case by_reset: EXPECT_TRUE(s.try_reset()); break;
      case by_unregister: EXPECT_TRUE(r.unregister()); break;
      case by_dispose: r.dispose(); break;
      case by_dispose_async: r.dispose_async().get(); break;
      case by_dispose_for: EXPECT_TRUE(r.dispose_for(1h)); break;
    }
    EXPECT_TRUE(watch.expired()) << how;
  }
}
/// A callable whose destructor lets another thread come to its dispose().
struct ends_slowly {
  gate* begun;
  std::atomic<bool>* ended;
  ends_slowly(gate& b, std::atomic<bool>& e) : begun(&b), ended(&e) {}
  ends_slowly(ends_slowly&& o) noexcept : begun(std::exchange(o.begun, nullptr)), ended(o.ended) {}
  ~ends_slowly() {
    if (begun == nullptr) return;
    begun->open();
    std::this_thread::sleep_for(10ms);
    *ended = true;
  }
  void operator()() const {}
};
TEST(R46, DisposeReturnsAfterTheCallablesDestructorOnAnotherThread) {  // G20
  for (bool const resets : {true, false}) {
    source s;
    gate begun;
    std::atomic<bool> ended = false;
    registration r = s.token().register_callback(ends_slowly(begun, ended));
    std::thread other([&] {
      bool const taken_back = resets ? s.try_reset() : r.unregister();
      EXPECT_TRUE(taken_back);
    });
    begun.wait();
    r.dispose();
    EXPECT_TRUE(ended) << resets;
    EXPECT_TRUE(r.dispose_for(0s));
    other.join();
  }
}
TEST(R46, ACallableThatTryResetDestroysMayDisposeAnyRegistration) {  // G19, G20
  source s;
  registration a, b;
  int destroyed = 0;
  auto const disposing = [&](registration& other) {
    auto const ends = [&destroyed, &other](int* p) {
      delete p;
      if (++destroyed != 1) return;
      other.dispose();  // would wait for itself, if it waited
      EXPECT_EQ(destroyed, 2);
    };
    return [held = std::unique_ptr<int, decltype(ends)>(new int, ends)] {};
  };
  a = s.token().register_callback(disposing(b));
  b = s.token().register_callback(disposing(a));
  EXPECT_TRUE(s.try_reset());
  EXPECT_EQ(destroyed, 2);
}
TEST(R46, MoveOnlyCallablesAreFine) {  // G20
  source s;
  auto p = std::make_unique<int>(4);
  int got = 0;
  auto const r = s.token().register_callback([p = std::move(p), &got]() mutable { got = *p; });
  struct once {
    int& got;
    once(int& g) : got(g) {}
    once(once&&) = default;
    void operator()() && { got += 10; }
  };
  auto const q = s.token().register_callback(once(got));
  cancellation_callback const c(s.token(), once(got));
  s.cancel();
  EXPECT_EQ(got, 4);  // the callback that runs last assigns
}

// --- contexts ---
TEST(R90, NothingOfTheCallersContextIsCaptured) {
  static thread_local int ambient = 0;
  source s;
  ambient = 1;
  int seen = 0;
  auto const r = s.token().register_callback([&] { seen = ambient++; });
  ambient = 2;
  s.cancel();
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(ambient, 3);
}
TEST(R91, TheContextRunsTheCallbackAndTheCancellerWaits) {  // G21
  source s;
  worker_context c;
  std::thread::id where;
  auto const r = s.token().register_callback(
      [&](token t) {
        where = std::this_thread::get_id();
        EXPECT_EQ(t, s.token());
      },
      c);
  s.cancel();
  EXPECT_NE(where, std::thread::id());
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_EQ(c.sent, 1);
}
TEST(R91, WhatIsThrownThroughSendIsTheCallbacks) {  // G21
  source s;
  worker_context c;
  auto const a = s.token().register_callback([] { throw 1; }, c);
  struct broken : synchronization_context {
    void send(std::function<void()>) override { throw 2; }
  } d;
  auto const b = s.token().register_callback([] { FAIL(); }, d);
  EXPECT_EQ(thrown([&] { s.cancel(); }), "[2 1]");
}
TEST(R91, TheContextsThreadCountsAsTheOneThatRunsCallbacks) {  // G21
  source s;
  worker_context c;
  registration self, sibling;
  self = s.token().register_callback([&] { self.dispose(), sibling.dispose(); }, c);  // a wait would hang
  sibling = s.token().register_callback([] {}, c);
  s.cancel();
}
TEST(R91, AfterAThrowingSendNobodyIsTakenForTheOwner) {  // G21
  source s;
  worker_context c;
  registration self;
  self = s.token().register_callback([&] { self.dispose(); });  // P7: in .NET it waits for itself for ever
  auto const thrower = s.token().register_callback([] { throw 1; }, c);
  EXPECT_EQ(thrown([&] { s.cancel(); }), "[1]");
}
TEST(R91, InsideAContextTheChildMayBeDisposed) {  // G21
  source p;
  source k = source::create_linked(p.token());
  worker_context c;
  auto const r = k.token().register_callback([&] { k.dispose(); }, c);
  p.cancel();
  EXPECT_TRUE(k.is_cancellation_requested());
}
TEST(R91, InsideAContextEveryStateAboveMayEnd) {  // G16, G21
  for (int ends = 0; ends < 7; ++ends) {
    worker_context c;
    auto top = std::make_unique<source>();
    auto middle = std::make_unique<source>(source::create_linked(top->token()));
    auto leaf = std::make_unique<source>(source::create_linked(middle->token()));
    leaf->token()
        .register_callback(
            [&] {
              must_end const waits("the end of a source in a context");
              if (ends % 2 == 0) leaf.reset();
              if (ends % 3 == 0) middle.reset();
              if (ends < 4) top.reset();
            },
            c)
        .detach();
    top->cancel();
    EXPECT_EQ(c.sent, 1);
  }
}
TEST(R92, TheEquivalents) {
  static_assert(std::is_abstract_v<synchronization_context>);
  static_assert(std::is_base_of_v<std::exception, aggregate_exception>);
  static_assert(std::is_same_v<decltype(std::declval<aggregate_exception const&>().inner_exceptions()),
                               std::vector<std::exception_ptr> const&>);
  static_assert(std::is_same_v<decltype(std::declval<source&>().cancel_async()), std::future<void>>);
}

// --- visibility (TSan checks the same in tsan/) ---
TEST(R93, WhatHappenedBeforeIsSeen) {  // G8
  for (int round = 0; round < 200; ++round) {
    source s;
    int before_register = 0, before_cancel = 0, by_callback = 0;
    before_register = 1;
    registration r = s.token().register_callback([&] {
      EXPECT_EQ(before_register, 1);
      EXPECT_EQ(before_cancel, 1);
      by_callback = 1;
    });
    std::thread poller([&, t = s.token()] {
      while (!t.is_cancellation_requested()) std::this_thread::yield();
      EXPECT_EQ(before_cancel, 1);
    });
    std::thread waiter([&, h = s.token().wait_handle()] {
      h.wait();
      EXPECT_EQ(before_cancel, 1);
    });
    std::thread canceller([&] {
      before_cancel = 1;
      s.cancel();
    });
    bool const ran = !r.unregister();
    if (ran) {
      r.dispose();
      EXPECT_EQ(by_callback, 1) << "by dispose";
    }
    canceller.join();
    EXPECT_EQ(by_callback, ran ? 1 : 0) << "by cancel's return";
    poller.join();
    waiter.join();
  }
}

}  // namespace
}  // namespace cts::test
