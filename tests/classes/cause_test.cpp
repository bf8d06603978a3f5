// SPDX-License-Identifier: BSL-1.0
// Why a token is canceled: by a call or by a timer, also through links and in operation_canceled (G16).
#include "rules.hpp"

#include <optional>

namespace cts::test {
namespace {

using cause = cancellation_cause;

cause cause_thrown(token const& t) {
  try {
    t.throw_if_cancellation_requested();
  } catch (operation_canceled const& e) { return e.cause(); }
  return cause::none;
}

TEST(Cause, IsNoneWithoutACancel) {
  source const s(1h);
  EXPECT_EQ(s.token().cause(), cause::none);
  EXPECT_EQ(token().cause(), cause::none);
  EXPECT_EQ(operation_canceled().cause(), cause::none);
  EXPECT_EQ(operation_canceled(s.token()).cause(), cause::none);
}
TEST(Cause, OfACallIsRequested) {
  source armed(1h), asynchronous, reasoned;
  armed.cancel();
  asynchronous.cancel_async().wait();
  reasoned.cancel_with_reason(1);
  for (source const* s : {&armed, &asynchronous, &reasoned}) {
    EXPECT_EQ(s->token().cause(), cause::requested);
    EXPECT_EQ(cause_thrown(s->token()), cause::requested);
  }
  EXPECT_EQ(token(true).cause(), cause::requested);
}
TEST(Cause, OfATimerIsTimeout) {
  source constructed(1ms), armed, moved(1h);
  armed.cancel_after(1ms);
  moved.cancel_after(0ms);
  for (source* s : {&constructed, &armed, &moved}) {
    s->token().wait_handle().wait();
    EXPECT_EQ(s->token().cause(), cause::timeout);
    EXPECT_EQ(cause_thrown(s->token()), cause::timeout);
    EXPECT_FALSE(s->token().reason().has_value());
    EXPECT_EQ(s->token().origin(), s->token());
  }
}
TEST(Cause, OfATimerOfAClockIsTimeout) {
  manual_time_provider clock;
  source const s(10ms, clock);
  clock.advance(9ms);
  EXPECT_EQ(s.token().cause(), cause::none);
  clock.advance(1ms);
  EXPECT_EQ(s.token().cause(), cause::timeout);
}
TEST(Cause, OfATimeThatHasPassedAlreadyIsTimeout) {
  source const zero(0ms);
  EXPECT_EQ(zero.token().cause(), cause::timeout);
  source overdue;
  std::optional<cause> inside;
  auto const r = overdue.token().register_callback([&](token const& t) { inside = t.cause(); });
  overdue.cancel_at(std::chrono::steady_clock::now() - 1s);
  EXPECT_EQ(overdue.token().cause(), cause::timeout);
  EXPECT_EQ(inside, cause::timeout) << "a callback knows it already";
}
TEST(Cause, TheFirstOneCounts) {
  manual_time_provider clock;
  source called(10ms, clock), timed(10ms, clock);
  called.cancel();
  clock.advance(1s);
  timed.cancel_with_reason(std::string("late"));
  EXPECT_EQ(called.token().cause(), cause::requested);
  EXPECT_EQ(timed.token().cause(), cause::timeout);
  EXPECT_FALSE(timed.token().reason().has_value());
}
TEST(Cause, GoesThroughLinks) {
  manual_time_provider clock;
  source timed(10ms, clock), user;
  auto both = source::create_linked(timed.token(), user.token());
  auto below = source::create_linked(both.token());
  auto other = source::create_linked(user.token());
  std::optional<cause> inside;
  auto const r = below.token().register_callback([&](token const& t) { inside = t.cause(); });
  clock.advance(10ms);
  user.cancel();
  EXPECT_EQ(both.token().cause(), cause::timeout);
  EXPECT_EQ(below.token().cause(), cause::timeout);
  EXPECT_EQ(inside, cause::timeout);
  EXPECT_EQ(below.token().origin(), timed.token());
  EXPECT_EQ(other.token().cause(), cause::requested);
}
TEST(Cause, OutlivesItsSources) {
  token t;
  {
    manual_time_provider clock;
    source timed(10ms, clock);
    source child = source::create_linked(timed.token());
    t = child.token();
    clock.advance(10ms);
  }
  EXPECT_EQ(t.cause(), cause::timeout);
}
TEST(Cause, StaysAfterDispose) {
  manual_time_provider clock;
  source timed(10ms, clock), called(10ms, clock), never(10ms, clock);
  token const t = timed.token(), c = called.token(), n = never.token();
  called.cancel();
  never.dispose();
  clock.advance(10ms);
  timed.dispose();
  called.dispose();
  EXPECT_EQ(t.cause(), cause::timeout);
  EXPECT_EQ(c.cause(), cause::requested);
  EXPECT_EQ(n.cause(), cause::none);
}
TEST(Cause, OfATimerBesideACallIsTheWinners) {
  for (int round = 0; round < 300; ++round) {
    source s(1ms);
    token const t = s.token();
    auto const child = source::create_linked(t);
    std::thread poller([&] {
      cause seen = cause::none;
      while ((seen = child.token().cause()) == cause::none) std::this_thread::yield();
      EXPECT_EQ(seen, t.cause());
    });
    std::this_thread::sleep_for(std::chrono::microseconds(700 + round));
    bool const won = s.try_cancel();
    EXPECT_EQ(t.cause(), won ? cause::requested : cause::timeout);
    poller.join();
    EXPECT_EQ(child.token().cause(), t.cause());
  }
}

}  // namespace
}  // namespace cts::test
