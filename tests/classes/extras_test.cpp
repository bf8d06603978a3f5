// SPDX-License-Identifier: BSL-1.0
// Members that .NET does not have: section "Beyond .NET" of docs/semantics.md.
#include "rules.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace cts::test {
namespace {

TEST(TryCancel, SaysWhetherItWasTheOneAndDoesNotThrowForADisposedSource) {
  source s;
  int runs = 0;
  auto const r = s.token().register_callback([&] { ++runs; });
  EXPECT_TRUE(s.try_cancel());
  EXPECT_FALSE(s.try_cancel());
  EXPECT_EQ(runs, 1);
  source d;
  d.dispose();
  EXPECT_FALSE(d.try_cancel());
  source t;
  auto const q = t.token().register_callback([] { throw 1; });
  EXPECT_EQ(thrown([&] { t.try_cancel(); }), "[1]");
}
TEST(TryRegister, NeverRunsTheCallbackItself) {
  source s;
  int runs = 0;
  auto const r = s.token().try_register([&] { ++runs; });
  ASSERT_TRUE(r);
  EXPECT_TRUE(*r);
  s.cancel();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(s.token().try_register([] { FAIL(); }));
  EXPECT_FALSE(token(true).try_register([] { FAIL(); }));
  auto const none = token().try_register([] { FAIL(); });
  ASSERT_TRUE(none) << "it is not canceled, and never will be";
  EXPECT_FALSE(*none);
}
TEST(TryRegister, RacingWithCancelItRunsOrIsRefused) {
  for (int round = 0; round < 300; ++round) {
    source s;
    std::atomic<int> runs{0};
    std::thread canceller([&] { s.cancel(); });
    auto r = s.token().try_register([&] { ++runs; });
    canceller.join();
    EXPECT_EQ(runs, r ? 1 : 0);
  }
}
TEST(IsRegistered, IsTrueUntilItRunsOrIsTakenBack) {
  source s;
  registration a, b = s.token().register_callback([] {});
  bool inside = true;
  a = s.token().register_callback([&] { inside = a.is_registered(); });
  EXPECT_TRUE(a.is_registered());
  EXPECT_EQ(s.registration_count(), 2u);
  b.unregister();
  EXPECT_FALSE(b.is_registered());
  EXPECT_EQ(s.registration_count(), 1u);
  s.cancel();
  EXPECT_FALSE(inside);
  EXPECT_FALSE(a.is_registered());
  EXPECT_FALSE(registration().is_registered());
  EXPECT_EQ(s.registration_count(), 0u);
}
TEST(DisposeFor, WaitsNoLongerThanItsTime) {
  source s;
  blocker b;
  registration r = s.token().register_callback(b.callback()), other = s.token().register_callback([] {});
  EXPECT_TRUE(other.dispose_for(0s));
  EXPECT_TRUE(registration().dispose_for(0s));
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  EXPECT_FALSE(r.dispose_for(0s));
  EXPECT_FALSE(r.dispose_for(2ms));
  EXPECT_FALSE(r.dispose_for(-1h)) << "no time at all";
  b.go.open();
  EXPECT_TRUE(r.dispose_for(std::chrono::hours::max()));
  canceller.join();
}
TEST(Reason, IsAnyValueOrException) {
  source s;
  EXPECT_FALSE(s.token().reason().has_value());
  s.cancel_with_reason(std::string("too late"));
  EXPECT_EQ(std::any_cast<std::string>(s.token().reason()), "too late");
  EXPECT_EQ(s.token().origin(), s.token());
  source e;
  e.cancel_with_reason(std::make_exception_ptr(std::runtime_error("broken")));
  EXPECT_EQ(flat(std::any_cast<std::exception_ptr>(e.token().reason())), "broken");
  source plain;
  EXPECT_EQ(plain.token().origin(), token()) << "not canceled";
  plain.cancel();
  EXPECT_FALSE(plain.token().reason().has_value());
  EXPECT_EQ(plain.token().origin(), plain.token());
  EXPECT_FALSE(token().reason().has_value());
  EXPECT_EQ(token().origin(), token());
}
TEST(Reason, TheFirstOneCounts) {
  source s;
  s.cancel_with_reason(1);
  s.cancel_with_reason(2);
  EXPECT_EQ(std::any_cast<int>(s.token().reason()), 1);
  source d;
  d.dispose();
  EXPECT_THROW(d.cancel_with_reason(1), object_disposed);
}
TEST(Reason, GoesThroughLinksAndTheException) {
  source top, other;
  source middle = source::create_linked(other.token(), top.token());
  source leaf = source::create_linked(middle.token());
  token const t = leaf.token();
  std::string seen;
  auto const r = t.register_callback([&](token mine) { seen = std::any_cast<char const*>(mine.reason()); });
  top.cancel_with_reason("shutdown");
  EXPECT_EQ(seen, "shutdown");
  try {
    t.throw_if_cancellation_requested();
    FAIL();
  } catch (operation_canceled const& e) {
    EXPECT_EQ(e.token(), t);
    EXPECT_EQ(e.origin(), top.token());
    EXPECT_STREQ(std::any_cast<char const*>(e.reason()), "shutdown");
  }
  leaf.dispose();
  middle.dispose();
  EXPECT_EQ(t.origin(), top.token()) << "also afterwards";
  source own = source::create_linked(other.token());
  own.cancel_with_reason(3);
  EXPECT_EQ(own.token().origin(), own.token());
}
TEST(Deadline, OfACanceledLinkedSourceIsNone) {
  manual_time_provider clock;
  source p(10ms, clock);
  source k = source::create_linked(p.token());
  EXPECT_TRUE(k.token().deadline());
  k.cancel();
  EXPECT_FALSE(k.token().deadline()) << "the parent's timer cannot cancel it any more";
  EXPECT_EQ(k.token().remaining(), 0ms);
  EXPECT_TRUE(p.token().deadline());
}
TEST(Deadline, IsTheEarliestOfTheSourceAndItsParents) {
  manual_time_provider clock;
  source p(10ms, clock), q(30ms, clock);
  EXPECT_EQ(p.token().deadline(), clock.now() + 10ms);
  EXPECT_EQ(q.token().remaining(), 30ms);
  source k = source::create_linked(p.token(), q.token());
  EXPECT_EQ(k.token().remaining(), 10ms);
  p.cancel_after(infinite);
  EXPECT_EQ(k.token().remaining(), 30ms);
  clock.advance(12ms);
  EXPECT_EQ(k.token().remaining(), 18ms);
  EXPECT_EQ(k.token().deadline(), q.token().deadline());
  clock.advance(18ms);
  EXPECT_TRUE(k.is_cancellation_requested());
  EXPECT_EQ(k.token().remaining(), 0ms);
  EXPECT_FALSE(p.token().deadline());
  EXPECT_FALSE(p.token().remaining());
  EXPECT_FALSE(token().deadline());
  EXPECT_FALSE(token().remaining());
  EXPECT_EQ(token(true).remaining(), 0ms);
  source s(1h);
  EXPECT_GT(s.token().remaining(), 59min);
  EXPECT_LE(s.token().remaining(), 1h);
  EXPECT_TRUE(s.token().deadline());
  token const t = s.token();
  s.dispose();
  EXPECT_FALSE(t.deadline());
}
TEST(WaitAny, IsWokenByTheFirst) {
  source a, b, c;
  std::vector<wait_handle> const all{a.token().wait_handle(), b.token().wait_handle(), c.token().wait_handle()};
  EXPECT_FALSE(wait_handle::wait_any_for(all, 0s));
  EXPECT_FALSE(wait_handle::wait_any_for(all, 1ms));
  std::thread other([&] { b.cancel(); });
  EXPECT_EQ(wait_handle::wait_any(all), 1u);
  other.join();
  EXPECT_EQ(wait_handle::wait_any_for(all, infinite), 1u);
  a.cancel();
  EXPECT_EQ(wait_handle::wait_any(all), 0u) << "the first in the list";
  c.dispose();
  EXPECT_EQ(wait_handle::wait_any(all), 0u);
  EXPECT_THROW((void)wait_handle::wait_any(std::span(all).subspan(2)), object_disposed);
  EXPECT_THROW((void)wait_handle::wait_any({}), std::invalid_argument);
  EXPECT_EQ(wait_handle::wait_any_for(std::span(all).first(2), -5s), 0u) << "a negative time does not wait";
}
TEST(Contract, SizesAndMoves) {
  static_assert(sizeof(token) == sizeof(void*) && sizeof(source) == sizeof(void*) &&
                sizeof(registration) == sizeof(void*));
  static_assert(std::is_nothrow_move_constructible_v<source> && std::is_nothrow_move_assignable_v<source> &&
                !std::is_copy_constructible_v<source>);
  static_assert(std::is_nothrow_copy_constructible_v<token> && std::is_nothrow_copy_assignable_v<token> &&
                std::is_nothrow_swappable_v<token>);
  static_assert(std::is_nothrow_move_constructible_v<registration> && !std::is_copy_constructible_v<registration>);
  static_assert(std::is_nothrow_copy_constructible_v<wait_handle> && std::is_nothrow_copy_assignable_v<wait_handle>);
  static_assert(std::is_nothrow_copy_constructible_v<operation_canceled> &&
                std::is_nothrow_copy_constructible_v<object_disposed> &&
                std::is_nothrow_copy_constructible_v<aggregate_exception>);
  static_assert(!std::is_move_constructible_v<cancellation_callback<void (*)()>>);
  source a, b;
  token const ta = a.token(), tb = b.token();
  a = std::move(b);
  EXPECT_EQ(a.token(), tb);
  EXPECT_THROW(ta.wait_handle(), object_disposed) << "assigning over it disposes";
  source c = std::move(a);
  swap(b, c);
  EXPECT_EQ(b.token(), tb);
}

#if CTS_CHECKED
std::atomic<int> misuses, leaks;
core::misuse last_misuse;
std::string last_leak;

/// A provider whose timers fire while they are armed anew, on this thread or on one of their own.
class firing_provider : public time_provider {
 public:
  explicit firing_provider(bool elsewhere) : elsewhere_(elsewhere) {}
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::unique_ptr<timer> create_timer(std::function<void()> f, std::chrono::nanoseconds) override {
    return std::make_unique<mine>(std::move(f), elsewhere_);
  }

 private:
  struct mine : timer {
    mine(std::function<void()> f, bool e) : fire(std::move(f)), elsewhere(e) {}
    bool change(std::chrono::nanoseconds) override {
      auto const held = fire;
      if (elsewhere) std::thread(held).join();
      else held();
      return true;
    }
    std::function<void()> fire;
    bool elsewhere;
  };
  bool const elsewhere_;
};
TEST(Checked, ADisposeThatOverlapsACallIsReported) {
  auto const before = core::set_misuse_handler([](core::misuse const& m) noexcept {
    ++misuses;
    last_misuse = m;
  });
  misuses = 0;
  {
    source s;
    blocker b;
    auto const r = s.token().register_callback(b.callback());
    std::thread canceller([&] { s.cancel(); });
    b.running.wait();
    s.dispose();
    EXPECT_EQ(misuses, 1);
    EXPECT_EQ(last_misuse.reporter, core::verb::dispose);
    EXPECT_EQ(last_misuse.other, core::verb::cancel);
    b.go.open();
    canceller.join();
  }
  misuses = 0;
  {  // allowed: a dispose inside a callback, by a timer, by a link, and calls one after the other
    auto s = std::make_unique<source>();
    auto const r = s->token().register_callback([&] { s.reset(); });
    s->cancel();
    source p;
    source k = source::create_linked(p.token());
    blocker b;
    auto const q = k.token().register_callback(b.callback());
    std::thread canceller([&] { p.cancel(); });
    b.running.wait();
    std::thread disposer([&] { k.dispose(); });
    b.go.open();
    disposer.join();
    canceller.join();
    EXPECT_THROW(k.cancel(), object_disposed);
    source t(1ms);
  }
  {  // and inside a try_reset
    struct ends_it {
      std::unique_ptr<source> owned;
      void operator()() const {}
    };
    auto s = std::make_unique<source>();
    source& it = *s;
    it.token().register_callback(ends_it{std::move(s)}).detach();
    EXPECT_TRUE(it.try_reset());
  }
  worker_context context;
  for (bool const elsewhere :
       {false, true}) {  // and in a callback, while the cancel or the cancel_after has not returned
    auto s = std::make_unique<source>();
    auto r = s->token().register_callback([&] { s.reset(); }, context);
    s->cancel();
    EXPECT_EQ(s, nullptr);
    firing_provider clock(elsewhere);
    s = std::make_unique<source>(1h, clock);
    r = s->token().register_callback([&] { s.reset(); });
    s->cancel_after(1h);
    EXPECT_EQ(s, nullptr);
    s = std::make_unique<source>(1h, clock);
    r = s->token().register_callback([&] { s.reset(); }, context);
    s->cancel_after(1h);
    EXPECT_EQ(s, nullptr);
  }
  {  // and of a cancel_async that has not returned
    auto s = std::make_unique<source>();
    auto const r = s->token().register_callback([&] { s.reset(); });
    s->cancel_async([](auto run) { std::thread(std::move(run)).join(); }).wait();
  }
  EXPECT_EQ(misuses, 0);
  {
    source s;
    blocker b;
    std::shared_ptr<blocker> blocks(&b, [](blocker* by) { by->callback()(); });
    s.token().register_callback([blocks = std::move(blocks)] {}).detach();
    std::thread resets([&] { s.try_reset(); });
    b.running.wait();
    source other;  // a call of this thread on another source is no excuse
    auto const r = other.token().register_callback([&] { s.dispose(); });
    other.cancel();
    EXPECT_EQ(misuses, 1);
    EXPECT_STREQ(name(last_misuse.other), "try_reset");
    b.go.open();
    resets.join();
  }
  core::set_misuse_handler(before);
}
TEST(Checked, ARegistrationThatOutlivesItsSourceIsReportedWithItsPlace) {
  auto const before = set_leak_handler([](leak const& l) noexcept {
    ++leaks;
    last_leak = std::string(l.file) + ":" + std::to_string(l.line);
  });
  leaks = 0;
  registration r;
  unsigned line = 0;
  {
    source s;
    r = s.token().register_callback([] {}), line = __LINE__;
    auto const fine = s.token().register_callback([] {});
    registration taken = s.token().register_callback([] {});
    taken.unregister();
    s.token().register_callback([] {}).detach();
    {
      cancellation_callback const c(s.token(), [] {});
    }
    registration gone = s.token().register_callback([] {});
    gone = registration();
  }
  EXPECT_EQ(leaks, 1);
  EXPECT_NE(last_leak.find("extras_test.cpp:" + std::to_string(line)), std::string::npos) << last_leak;
  {
    source s;
    auto const q = s.token().register_callback([] {});
    s.cancel();
    r = registration();
  }
  EXPECT_EQ(leaks, 1) << "canceled: nothing is left";
  set_leak_handler(before);
}
std::vector<leak::kind> kept;
/// Calls `f`, which leaks on purpose.
template <class F>
void leaking(F f) {
#if defined(__SANITIZE_ADDRESS__)
  __lsan_disable();
#endif
  f();
#if defined(__SANITIZE_ADDRESS__)
  __lsan_enable();
#endif
}
TEST(Checked, WhatKeepsItsOwnSourceAliveIsReported) {
  using kind = leak::kind;
  auto const before = set_leak_handler([](leak const& l) noexcept { kept.push_back(l.what); });
  auto const reported = [](auto make) {
    kept.clear();
    leaking(make);
    return kept;
  };
  struct holder {
    std::shared_ptr<int> other;
    token t;
    void operator()() const {}
  };
  EXPECT_EQ(reported([] {
              source s;
              s.token().register_callback(holder{nullptr, s.token()}).detach();
            }),
            std::vector{kind::callable_holds_source});
  EXPECT_EQ(reported([] {
              source s, child = source::create_linked(token(), s.token());
              s.token().register_callback([child = std::move(child)]() mutable { child.cancel(); }).detach();
            }),
            std::vector{kind::callable_holds_child});
  EXPECT_EQ(reported([] {
              source s;
              s.cancel_with_reason(s.token());
            }),
            std::vector{kind::reason_holds_source});
  EXPECT_EQ(reported([] {
              source group, scope = source::create_linked(group.token());
              group.cancel_with_reason(std::make_exception_ptr(operation_canceled(scope.token())));
            }),
            std::vector{kind::reason_holds_source});
  EXPECT_EQ(reported([] {
              source a;
              source b;
              source c;
              a.cancel_with_reason(b.token());
              b.cancel_with_reason(std::make_exception_ptr(operation_canceled(c.token())));
              c.cancel_with_reason(a.token());  // closes the ring
            }),
            std::vector{kind::reason_holds_source});
  set_leak_handler(before);
}
TEST(Checked, WhatEndsIsNotReported) {
  auto const before = set_leak_handler([](leak const& l) noexcept { kept.push_back(l.what); });
  kept.clear();
  struct holder {
    std::shared_ptr<int> other;
    token t;
    void operator()() const {}
  };
  {
    source s;
    s.token().register_callback(holder{nullptr, s.token()}).detach();
    s.cancel();  // the callback has run and is gone
    source other;
    source const t;
    t.token().register_callback(holder{nullptr, other.token()}).detach();
    registration r = t.token().register_callback(holder{nullptr, t.token()});
    r.unregister();
    source u, group;
    u.cancel_with_reason(other.token());
    source scope = source::create_linked(group.token());
    scope.cancel();
    group.cancel_with_reason(std::make_exception_ptr(operation_canceled(scope.token())));
  }
  EXPECT_TRUE(kept.empty());
  set_leak_handler(before);
}
#endif

}  // namespace
}  // namespace cts::test
