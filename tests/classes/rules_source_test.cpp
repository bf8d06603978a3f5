// SPDX-License-Identifier: BSL-1.0
// R57 … R89: dispose, linked sources, timers, reset, wait handles.
#include "rules.hpp"

#include <cmath>
#include <limits>

#if defined(__linux__)
#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace cts::test {
namespace {

// --- dispose ---
TEST(R57, DisposeIsIdempotentAndDoesNotCancel) {
  source s;
  auto const r = s.token().register_callback([] { FAIL(); });
  s.dispose();
  s.dispose();
  EXPECT_FALSE(s.is_cancellation_requested());
  static_assert(noexcept(s.dispose()));
  source c;
  c.cancel();
  c.dispose();
  EXPECT_TRUE(c.is_cancellation_requested());
}
TEST(R58, WhatThrowsAfterDispose) {
  for (bool canceled : {false, true}) {
    source s;
    token const t = s.token();
    registration r = t.register_callback([] {});
    if (canceled) s.cancel();
    s.dispose();
    EXPECT_THROW((void)s.token(), object_disposed);
    EXPECT_THROW(t.wait_handle(), object_disposed);
    EXPECT_THROW(s.cancel(), object_disposed);
    EXPECT_THROW(s.cancel(true), object_disposed);
    EXPECT_THROW(s.cancel_after(1s), object_disposed);
    EXPECT_THROW(s.cancel_after(-5s), std::out_of_range) << "the argument is checked first";
    EXPECT_THROW(s.try_reset(), object_disposed);
    EXPECT_THROW(s.cancel_async().get(), object_disposed);
    EXPECT_NO_THROW({
      (void)s.is_cancellation_requested();
      (void)t.can_be_canceled();
      if (!canceled) t.throw_if_cancellation_requested();
      r.unregister();
      r.dispose();
      (void)(t == t);
      (void)source::create_linked(t);
      EXPECT_FALSE(s.try_cancel());
    });
  }
}
TEST(R59, AChildOfADisposedSourceIsNeverCanceledByIt) {
  source p;
  token const t = p.token();
  p.dispose();
  source k = source::create_linked(t);
  EXPECT_FALSE(k.is_cancellation_requested());
  k.cancel();
  EXPECT_TRUE(k.is_cancellation_requested());
}
TEST(R60, MembersMayBeCalledConcurrently) {  // G12
  for (int round = 0; round < 20; ++round) {
    source s;
    token const t = s.token();
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      while (!stop) t.register_callback([] {}).dispose();
    });
    threads.emplace_back([&] {
      while (!stop) (void)source::create_linked(t, s.token());
    });
    threads.emplace_back([&] {
      while (!stop) s.cancel_after(1h), s.cancel_after(infinite), (void)t.deadline();
    });
    threads.emplace_back([&] {
      while (!stop) (void)t.wait_handle().wait_for(0s), (void)s.registration_count();
    });
    std::this_thread::sleep_for(2ms);
    s.cancel();
    stop = true;
    for (auto& x : threads) x.join();
  }
}
TEST(R61, DisposeMayOverlapRegisterUnregisterCancelAndTheTimer) {  // G20
  for (int round = 0; round < 200; ++round) {
    auto s = std::make_unique<source>();
    token const t = s->token();
    std::atomic<int> runs{0};
    registration a = t.register_callback([&] { ++runs; }), b = t.register_callback([&] { ++runs; });
    bool threw = false, here = false;
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      try {
        s->cancel();
      } catch (object_disposed const&) { threw = true; }
    });
    threads.emplace_back([&] { registration const c = t.register_callback([&] { here = true; }); });
    s->dispose();
    for (auto& x : threads) x.join();
    EXPECT_EQ(runs, threw ? 0 : 2) << "all or none";
    EXPECT_EQ(t.is_cancellation_requested(), !threw);
  }
  for (int round = 0; round < 100; ++round) {
    source s(0.5ms * (round % 3));
    s.dispose();
  }
}
TEST(R62, WaitsOnAHandleEndWithTheSource) {  // G18
  source s;
  token const t = s.token();
  wait_handle const h = t.wait_handle();
  auto waiting = std::async(std::launch::async, [&] { h.wait(); });
  EXPECT_TRUE(still_waits(waiting));
  s.dispose();
  EXPECT_THROW(waiting.get(), object_disposed);
  EXPECT_THROW(h.wait(), object_disposed);
  EXPECT_THROW((void)h.wait_for(0s), object_disposed);
  EXPECT_THROW((void)h.native_handle(), object_disposed);
}
TEST(R62, AlsoIfTheSourceSimplyGoes) {  // G18
  auto s = std::make_unique<source>();
  wait_handle const h = s->token().wait_handle();
  s.reset();
  EXPECT_THROW(h.wait(), object_disposed);
}
TEST(R63, TheDestructorDisposes) {
  token t;
  {
    source s;
    t = s.token();
  }
  EXPECT_THROW(t.wait_handle(), object_disposed);
  static_assert(!std::has_virtual_destructor_v<source>);
}
TEST(R64, DisposeStopsTheTimer) {  // G17
  manual_time_provider clock;
  source s(5ms, clock);
  token const t = s.token();
  auto const r = t.register_callback([] { FAIL(); });
  s.dispose();
  clock.advance(1h);
  EXPECT_FALSE(t.is_cancellation_requested());
}
/// A provider whose timers fire when the test says so, even late.
class late_provider : public time_provider {
 public:
  std::function<void()> fire;
  int timers = 0, changes = 0;
  std::chrono::nanoseconds due{};
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::unique_ptr<timer> create_timer(std::function<void()> f, std::chrono::nanoseconds d) override {
    fire = std::move(f);
    due = d;
    ++timers;
    return std::make_unique<mine>(*this);
  }

 private:
  struct mine : timer {
    explicit mine(late_provider& p) : of(p) {}
    ~mine() override { --of.timers; }
    bool change(std::chrono::nanoseconds d) override {
      of.due = d;
      ++of.changes;
      return true;
    }
    late_provider& of;
  };
};
TEST(R64, AShotThatComesAfterDisposeRunsNothing) {  // G17
  late_provider clock;
  std::function<void()> shot;
  {
    source s(5ms, clock);
    auto const r = s.token().register_callback([] { FAIL(); });
    shot = clock.fire;
    s.dispose();
    EXPECT_EQ(clock.timers, 0);
    EXPECT_NO_THROW(shot());
  }
  EXPECT_NO_THROW(shot()) << "nor after the source's end";
}

// --- linked sources ---
TEST(R65, AChildIsCanceledByAnyOfItsParentsOnce) {  // G16
  for (std::size_t which = 0; which < 5; ++which) {
    source p[5];
    source k = which < 4 ? source::create_linked(p[0].token(), p[1].token(), token(), p[2].token(), p[3].token(),
                                                 p[4].token(), p[0].token())
                         : source::create_linked(std::vector<token>{p[4].token()});
    int runs = 0;
    auto const r = k.token().register_callback([&] { ++runs; });
    p[which].cancel();
    EXPECT_EQ(runs, 1);
    for (auto& s : p) s.cancel();
    EXPECT_EQ(runs, 1);
  }
  source plain = source::create_linked(token(), token());
  EXPECT_FALSE(plain.is_cancellation_requested());
  plain.cancel();
}
template <class... T>
concept linkable = requires(T const&... t) {
  source::create_linked(t...);
};
TEST(R66, WithoutTokensThereIsNoLink) {
  static_assert(!linkable<>);
  static_assert(linkable<token> && linkable<token, token, token>);
  EXPECT_THROW((void)source::create_linked(std::span<token const>()), std::invalid_argument);
}
TEST(R67, ACanceledParentMakesACanceledChild) {
  source a, b;
  a.cancel();
  source k = source::create_linked(a.token(), b.token());
  EXPECT_TRUE(k.is_cancellation_requested());
  EXPECT_EQ(b.registration_count(), 1u) << "later parents are registered all the same";
  EXPECT_TRUE(source::create_linked(token(true)).is_cancellation_requested());
}
TEST(R68, AChildsCancelAndAParentsDisposeStayTheirOwn) {
  source p;
  source k = source::create_linked(p.token());
  k.cancel();
  EXPECT_FALSE(p.is_cancellation_requested());
  source q;
  source m = source::create_linked(q.token());
  q.dispose();
  EXPECT_FALSE(m.is_cancellation_requested());
}
TEST(R69, ALinkIsOneEntryInItsParentsOrder) {  // G21
  source p;
  std::string log;
  source k;
  auto const a = p.token().register_callback([&] { log += k.is_cancellation_requested() ? "A+" : "A-"; });
  k = source::create_linked(p.token());
  auto const b = p.token().register_callback([&] { log += k.is_cancellation_requested() ? "B+" : "B-"; });
  auto const c = k.token().register_callback([&] { log += "C"; });
  p.cancel();
  EXPECT_EQ(log, "B-CA+");
}
TEST(R70, OnlyDisposeUnlinks) {  // G16
  source a, b;
  {
    source k = source::create_linked(a.token(), b.token());
    a.cancel();
    EXPECT_EQ(b.registration_count(), 1u);
  }
  EXPECT_EQ(b.registration_count(), 0u);
  for (int i = 0; i < 100000; ++i) (void)source::create_linked(b.token());
  EXPECT_EQ(b.registration_count(), 0u) << "a long-lived parent keeps nothing";
}
TEST(R71, DisposeOfAChildWaitsForTheLinkThatRuns) {  // G16
  source p;
  source k = source::create_linked(p.token());
  blocker b;
  auto const r = k.token().register_callback(b.callback());
  std::thread canceller([&] { p.cancel(); });
  b.running.wait();
  auto waiting = std::async(std::launch::async, [&] { k.dispose(); });
  EXPECT_TRUE(still_waits(waiting));
  b.go.open();
  waiting.get();
  canceller.join();
}
TEST(R72, InsideAChildsCallbackItDoesNotWait) {  // G16
  source p;
  auto k = std::make_unique<source>(source::create_linked(p.token()));
  int runs = 0;
  auto const a = k->token().register_callback([&] { ++runs; });
  auto const b = k->token().register_callback([&] { k.reset(); });
  p.cancel();
  EXPECT_EQ(runs, 1) << "the rest still run";
}
TEST(R73, AChildMayGoAfterItsParents) {  // G16
  auto p = std::make_unique<source>();
  source k = source::create_linked(p->token());
  p->cancel();
  p.reset();
  EXPECT_NO_THROW(k.dispose());
  auto q = std::make_unique<source>();
  source m = source::create_linked(q->token());
  q.reset();
  m.dispose();
}
TEST(R74, AChildsDisposeNeverThrowsIntoItsParentsCancel) {  // G16
  for (int round = 0; round < 300; ++round) {
    source p;
    auto k = std::make_unique<source>(source::create_linked(p.token()));
    std::thread canceller([&] { EXPECT_NO_THROW(p.cancel()); });
    k.reset();
    canceller.join();
  }
}
TEST(R75, ResettingAParentDisconnectsItsChildren) {
  source p;
  source k = source::create_linked(p.token());
  EXPECT_TRUE(p.try_reset());
  p.cancel();
  EXPECT_FALSE(k.is_cancellation_requested());
  k.dispose();
  source q;
  source m = source::create_linked(q.token());
  EXPECT_TRUE(m.try_reset()) << "a child keeps its links";
  q.cancel();
  EXPECT_TRUE(m.is_cancellation_requested());
}

// --- timers ---
TEST(R76, DelaysHaveARange) {
  using ms = std::chrono::duration<double, std::milli>;
  source s;
  for (auto const bad :
       {ms(-2), ms(4294967295.0), ms(std::nan("")), ms(std::numeric_limits<double>::infinity()), ms(-1e300)}) {
    EXPECT_THROW(s.cancel_after(bad), std::out_of_range);
    EXPECT_THROW(source x(bad), std::out_of_range);
  }
  EXPECT_THROW(s.cancel_after(std::chrono::hours::max()), std::out_of_range);
  EXPECT_THROW(s.cancel_after(std::chrono::hours::min()), std::out_of_range);
  EXPECT_THROW(s.cancel_after(std::chrono::nanoseconds::min()), std::out_of_range);
  EXPECT_NO_THROW(s.cancel_after(4294967294ms));
  EXPECT_NO_THROW(s.cancel_after(ms(4294967294.9)));
  EXPECT_NO_THROW(s.cancel_after(ms(-1.9)));
  EXPECT_FALSE(s.token().deadline()) << "-1.9 ms is -1, never";
  try {
    s.cancel_after(-2ms);
    FAIL();
  } catch (std::out_of_range const& e) {
    EXPECT_NE(std::string(e.what()).find("4294967294"), std::string::npos) << e.what();
  }
  source z(ms(-0.5));
  EXPECT_TRUE(z.is_cancellation_requested()) << "-0.5 ms is 0";
}
TEST(R77, MinusOneIsNever) {
  manual_time_provider clock;
  source s(infinite, clock);
  EXPECT_FALSE(s.token().deadline());
  s.cancel_after(5ms);
  s.cancel_after(infinite);
  clock.advance(1h);
  EXPECT_FALSE(s.is_cancellation_requested());
  source t(infinite);
  EXPECT_FALSE(t.is_cancellation_requested());
}
TEST(R78, ADelayOfZeroIsBornCanceled) {
  late_provider clock;
  source s(0ms, clock);
  EXPECT_TRUE(s.is_cancellation_requested());
  EXPECT_EQ(clock.timers, 0);
  int runs = 0;
  auto const r = s.token().register_callback([&] { ++runs; });
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(source(0s).is_cancellation_requested());
  source tiny(10us, clock);
  EXPECT_FALSE(tiny.is_cancellation_requested()) << "a positive one is armed";
  EXPECT_EQ(clock.due.count(), 0);
  clock.fire();
  EXPECT_TRUE(tiny.is_cancellation_requested());
}
TEST(R79, CancelAfterZeroCancelsElsewhere) {
  source s;
  std::promise<std::thread::id> where;
  auto const r = s.token().register_callback([&] { where.set_value(std::this_thread::get_id()); });
  s.cancel_after(0ms);
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}
TEST(R80, ANewDelayReplacesTheOldOneCountedFromNow) {
  manual_time_provider clock;
  source s(infinite, clock);
  s.cancel_after(10ms);
  clock.advance(5ms);
  s.cancel_after(10ms);
  clock.advance(9ms);
  EXPECT_FALSE(s.is_cancellation_requested());
  s.cancel_after(3ms);
  clock.advance(2ms);
  EXPECT_FALSE(s.is_cancellation_requested());
  clock.advance(1ms);
  EXPECT_TRUE(s.is_cancellation_requested());
  source t;
  t.cancel_after(1h);
  t.cancel_after(1ms);
  t.token().wait_handle().wait();
}
TEST(R81, OnACanceledSourceCancelAfterDoesNothing) {  // G17
  source s;
  s.cancel();
  EXPECT_NO_THROW(s.cancel_after(1ms));
  EXPECT_FALSE(s.token().deadline());
  s.dispose();
  EXPECT_THROW(s.cancel_after(1ms), object_disposed);
  for (int round = 0; round < 200; ++round) {
    source r;
    std::thread other([&] { r.cancel_after(0ms); });
    r.cancel();
    other.join();
  }
}
TEST(R82, ACancelBeforeItIsDueStopsTheTimer) {
  late_provider clock;
  source s(5ms, clock);
  s.cancel();
  EXPECT_EQ(clock.timers, 0) << "it is taken away";
  EXPECT_NO_THROW(clock.fire());
}
TEST(R82, AnArmedTimerEndsWithItsSource) {
  token t;
  {
    source s(50ms);
    t = s.token();
  }
  EXPECT_FALSE(t.is_cancellation_requested());
  EXPECT_FALSE(t.deadline());
}
TEST(R83, AProvidersTimersAreUsed) {
  late_provider clock;
  source s(7ms, clock);
  EXPECT_EQ(clock.timers, 1);
  EXPECT_EQ(clock.due, 7ms);
  s.cancel_after(9ms);
  EXPECT_EQ(clock.changes, 1);
  EXPECT_EQ(clock.due, 9ms);
  std::thread([&] { clock.fire(); }).join();
  EXPECT_TRUE(s.is_cancellation_requested());
  source u(1h, time_provider::system());
  EXPECT_TRUE(u.try_reset()) << "the system's provider is the internal timer";
}
TEST(R83, AProviderThatFailsLeavesNothing) {
  struct broken : time_provider {
    std::chrono::steady_clock::time_point now() const override { return {}; }
    std::unique_ptr<timer> create_timer(std::function<void()>, std::chrono::nanoseconds) override { throw 8; }
  } clock;
  EXPECT_EQ(thrown([&] { source s(1s, clock); }), "8");
  struct null : broken {
    std::unique_ptr<timer> create_timer(std::function<void()>, std::chrono::nanoseconds) override { return nullptr; }
  } none;
  EXPECT_THROW(source s(1s, none), std::invalid_argument);
  struct eager : broken {
    std::unique_ptr<timer> create_timer(std::function<void()> f, std::chrono::nanoseconds) override {
      f();
      struct nothing : timer {
        bool change(std::chrono::nanoseconds) override { return true; }
      };
      return std::make_unique<nothing>();
    }
  } at_once;
  EXPECT_TRUE(source(1s, at_once).is_cancellation_requested());
}
TEST(R84, TryResetMakesItAsNew) {  // G19
  source s(1h);
  token const t = s.token();
  auto const kept = std::make_shared<int>();
  registration r = t.register_callback([kept] { FAIL(); });
  cancellation_callback const c(t, [] { FAIL(); });
  EXPECT_TRUE(s.try_reset());
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_FALSE(r.unregister());
  EXPECT_EQ(r.token(), t);
  EXPECT_FALSE(t.deadline());
  EXPECT_EQ(s.registration_count(), 0u);
  int runs = 0;
  auto const again = t.register_callback([&] { ++runs; });
  s.cancel();
  EXPECT_EQ(runs, 1) << "the same token works on";
}
TEST(R84, WhenItCannotBeReset) {  // G19
  source canceled;
  canceled.cancel();
  EXPECT_FALSE(canceled.try_reset());
  source disposed;
  disposed.dispose();
  EXPECT_THROW(disposed.try_reset(), object_disposed);
  manual_time_provider clock;
  source custom(1h, clock);
  int runs = 0;
  auto const r = custom.token().register_callback([&] { ++runs; });
  EXPECT_FALSE(custom.try_reset());
  custom.cancel();
  EXPECT_EQ(runs, 1) << "and nothing has changed";
  source never(infinite, clock);
  EXPECT_FALSE(never.try_reset());
  source fired(1ms);
  fired.token().wait_handle().wait();
  EXPECT_FALSE(fired.try_reset());
}
TEST(R85, TryResetRacingWithCancelIsMemorySafe) {  // G19
  for (int round = 0; round < 300; ++round) {
    source s;
    std::atomic<int> runs{0};
    auto const kept = std::make_shared<int>();
    registration r = s.token().register_callback([&, kept] { ++runs; });
    std::thread other([&] { (void)s.try_reset(); });
    s.cancel();
    other.join();
    r.dispose();
    EXPECT_LE(runs, 1);
    EXPECT_EQ(kept.use_count(), 1);
  }
}
TEST(R86, AfterAResetTheTimerIsUsedAgain) {
  source s(1h);
  EXPECT_TRUE(s.try_reset());
  s.cancel_after(1ms);
  s.token().wait_handle().wait();
  EXPECT_TRUE(s.is_cancellation_requested());
}

/// A provider whose timers own their function, and may call it at once.
class owning_provider : public time_provider {
 public:
  bool at_once = false;
  std::function<void()>* last = nullptr;  // the function of the newest timer
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::unique_ptr<timer> create_timer(std::function<void()> f, std::chrono::nanoseconds) override {
    auto t = std::make_unique<mine>(*this, std::move(f));
    last = &t->fire;
    return t;
  }

 private:
  struct mine : timer {
    mine(owning_provider& p, std::function<void()> f) : of(p), fire(std::move(f)) {}
    bool change(std::chrono::nanoseconds) override {
      if (of.at_once) fire();
      return true;
    }
    owning_provider& of;
    std::function<void()> fire;
  };
};
TEST(R34, ACallbackThatATimerRunsMayDestroyTheSourceAndWithItTheTimer) {
  owning_provider clock;
  auto s = std::make_unique<source>(1h, clock);
  s->token().register_callback([&] { s.reset(); }).detach();
  (*clock.last)();
  EXPECT_EQ(s, nullptr);
}
TEST(R34, AlsoWhileCancelAfterHasNotReturned) {
  owning_provider clock;
  auto s = std::make_unique<source>(infinite, clock);
  s->token().register_callback([&] { s.reset(); }).detach();
  clock.at_once = true;
  s->cancel_after(1h);
  EXPECT_EQ(s, nullptr);
  for (int round = 0; round < 200; ++round) {  // the timer's thread may be as fast
    gate gone;
    s = std::make_unique<source>();
    s->token().register_callback([&] { s.reset(), gone.open(); }).detach();
    s->cancel_after(0ms);
    gone.wait();
  }
}
/// A provider whose timers' destructor would wait for a call of their function on another thread.
class waiting_provider : public time_provider {
 public:
  std::function<void()> shot;
  int timers = 0, waits = 0;
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::unique_ptr<timer> create_timer(std::function<void()> f, std::chrono::nanoseconds) override {
    shot = std::move(f);
    return std::make_unique<mine>(*this);
  }
  void fire() {
    caller_ = std::this_thread::get_id();
    shot();
    caller_ = {};
  }

 private:
  struct mine : timer {
    explicit mine(waiting_provider& p) : of(p) { ++of.timers; }
    ~mine() override {
      --of.timers;
      if (of.caller_ != std::thread::id() && of.caller_ != std::this_thread::get_id()) ++of.waits;
    }
    bool change(std::chrono::nanoseconds) override { return true; }
    waiting_provider& of;
  };
  std::thread::id caller_;
};
TEST(R83, TheProvidersTimerDoesNotOutliveTheSource) {
  waiting_provider clock;
  auto s = std::make_unique<source>(5ms, clock);
  token const t = s->token();
  auto const r = t.register_callback([&] { s.reset(); });
  clock.fire();
  EXPECT_EQ(clock.timers, 0);
}
TEST(R83, ASourceKeepsAProvidersTimerThatHasFired) {
  waiting_provider clock;
  source s(5ms, clock);
  clock.fire();
  EXPECT_EQ(clock.timers, 1) << "its own function has destroyed it";
  s.dispose();
  EXPECT_EQ(clock.timers, 0);
}
TEST(R91, InsideAContextDisposeLeavesTheProvidersTimerToItsCall) {
  waiting_provider clock;
  worker_context context;
  source s(5ms, clock);
  source child = source::create_linked(s.token());
  auto const a = s.token().register_callback([&] { EXPECT_EQ(clock.timers, 1); }, context);
  auto const b = child.token().register_callback([&] { s.dispose(); }, context);
  clock.fire();
  EXPECT_EQ(clock.waits, 0);
  EXPECT_EQ(clock.timers, 0);
}
/// A callable whose destructor registers another one.
struct comes_again {
  source* with = nullptr;
  int* destroyed = nullptr;
  int* runs = nullptr;
  comes_again(source& s, int& d, int& r) : with(&s), destroyed(&d), runs(&r) {}
  comes_again(comes_again&& o) noexcept : with(std::exchange(o.with, nullptr)), destroyed(o.destroyed), runs(o.runs) {}
  ~comes_again() {
    if (with == nullptr) return;
    ++*destroyed;
    with->token().register_callback([r = runs] { ++*r; }).detach();
  }
  void operator()() const {}
};
TEST(R84, WhatADestructorRegistersComesToAnEnd) {  // G5, G19
  for (int n : {1, 2, 3, 5, 9, 64, 65, 85, 93, 113, 141, 281}) {
    source s;
    int destroyed = 0, runs = 0;
    for (int i = 0; i < n; ++i) s.token().register_callback(comes_again(s, destroyed, runs)).detach();
    EXPECT_TRUE(s.try_reset());
    EXPECT_EQ(destroyed, n);
    s.cancel();
#if CTS_TEST_SHARED
    EXPECT_LE(runs, n);  // those in a later stripe are removed
#else
    EXPECT_EQ(runs, n);
#endif
  }
}
TEST(R84, WhatTryResetDestroysMayOwnTheSource) {
  auto s = std::make_shared<source>();
  source& it = *s;
  s->token().register_callback([] {}).detach();
  s->token().register_callback([s] {}).detach();
  s->token().register_callback([] {}).detach();
  s.reset();
  EXPECT_TRUE(it.try_reset());
}

// --- wait handles ---
TEST(R87, TheHandleIsMadeOnce) {  // G18
  source s;
  wait_handle const a = s.token().wait_handle(), b = s.token().wait_handle(), c = a;
  EXPECT_EQ(a, b);
  EXPECT_EQ(a, c);
  EXPECT_FALSE(a.wait_for(0s));
  EXPECT_FALSE(a.wait_for(1ms));
  EXPECT_FALSE(a.wait_until(std::chrono::system_clock::now() + 1ms));
  s.cancel();
  EXPECT_TRUE(b.wait_for(0s));
  EXPECT_TRUE(b.wait_for(infinite)) << "a negative time does not wait";
  EXPECT_TRUE(b.wait_until(std::chrono::steady_clock::time_point::min() + 1h));
  EXPECT_TRUE(b.wait_for(std::chrono::hours::max()));
  a.wait();
  EXPECT_TRUE(a.wait_for(0s)) << "it stays signalled";
  EXPECT_TRUE(a.wait_for(-2ms));
}
TEST(R88, MakingItAndCancelDoNotMissEachOther) {  // G18
  for (int round = 0; round < 500; ++round) {
    source s;
    token const t = s.token();
    std::thread other([&] { s.cancel(); });
    t.wait_handle().wait();  // hangs if the cancel is missed
    other.join();
  }
}
TEST(R89, ItIsSignalledAfterTheFlagAndBeforeAnyCallback) {  // G18
  source s;
  blocker b;
  auto const r = s.token().register_callback(b.callback());
  wait_handle const h = s.token().wait_handle();
  std::thread canceller([&] { s.cancel(); });
  h.wait();  // hangs if callbacks come first, because this one returns only afterwards
  EXPECT_TRUE(s.is_cancellation_requested());
  b.go.open();
  canceller.join();
}
#if defined(__linux__)
TEST(R87, ItHasADescriptorForPollAndEpoll) {  // G18
  for (int when = 0; when < 3; ++when) {
    auto s = std::make_unique<source>();
    wait_handle const h = s->token().wait_handle();
    if (when == 0) s->cancel();
    pollfd p{h.native_handle(), POLLIN, 0};
    EXPECT_EQ(h.native_handle(), p.fd);
    int const e = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event want{};
    want.events = EPOLLIN;
    ASSERT_EQ(::epoll_ctl(e, EPOLL_CTL_ADD, p.fd, &want), 0);
    if (when != 0) {
      EXPECT_EQ(::poll(&p, 1, 0), 0);
      if (when == 1) s->cancel();
      else s.reset();  // a disposed handle is readable too
    }
    EXPECT_EQ(::poll(&p, 1, -1), 1);
    EXPECT_TRUE(p.revents & POLLIN);
    epoll_event got{};
    EXPECT_EQ(::epoll_wait(e, &got, 1, -1), 1);
    ::close(e);
  }
}
TEST(R79, AForkedChildHasTimersOfItsOwn) {
  source first(1ms);  // starts the thread
  first.token().wait_handle().wait();
  pid_t const child = ::fork();
  if (child == 0) {
    source s(1ms);
    bool const ok = s.token().wait_handle().wait_for(10s);
    ::_exit(ok ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
TEST(R79, TheTimersThreadEndsWithTheProgram) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        static source armed(1h);
        source fired(1ms);
        fired.token().wait_handle().wait();
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        source s;
        auto const r = s.token().register_callback([] { std::exit(8); });  // runs on the timer's thread
        s.cancel_after(0ms);
        gate().wait();
      },
      testing::ExitedWithCode(8), "");
}
#if defined(CTS_TIMER_PLUGIN)
TEST(R79, ASharedLibraryWithTimersMayBeUnloaded) {
  for (int round = 0; round < 3; ++round) {
    void* const library = ::dlopen(CTS_TIMER_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    auto const wait = reinterpret_cast<int (*)()>(::dlsym(library, "cts_plugin_waits_for_its_timer"));
    ASSERT_NE(wait, nullptr);
    EXPECT_EQ(wait(), 1);
    EXPECT_EQ(::dlclose(library), 0);
    EXPECT_EQ(::dlopen(CTS_TIMER_PLUGIN, RTLD_NOW | RTLD_NOLOAD), nullptr)
        << "it is still loaded: the test shows nothing";
  }
}
#endif
#endif

}  // namespace
}  // namespace cts::test
