// SPDX-License-Identifier: BSL-1.0
// create_linked with tokens of other kinds, with a delay and with a clock (G16).
#include "heap.hpp"
#include "rules.hpp"

#include <new>
#include <optional>
#include <tuple>
#include <variant>

#include "cts/stop_token.hpp"
#include "cts/token_traits.hpp"

namespace {
thread_local long allocations = 0;  // by this thread, so far
[[gnu::noinline]] void* take(std::size_t n, std::size_t alignment) {
  ++allocations;
  if (void* const p = cts::test::heap_take(n, alignment)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void give_back(void* p) noexcept {
  if (p != nullptr) cts::test::heap_give(p);
}
}  // namespace

void* operator new(std::size_t n) { return take(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take(n, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }

namespace cts::test {
namespace {

using cause = cancellation_cause;

/// The kinds of foreign sources, with the same two members.
struct of_stop_token {
  stop_source source;
  auto token() const { return source.get_token(); }
  void cancel() { source.request_stop(); }
};
struct of_inplace_stop_token {
  inplace_stop_source source;
  auto token() const { return source.get_token(); }
  void cancel() { source.request_stop(); }
};
#if CTS_HAS_STD_STOP_TOKEN
struct of_std_stop_token {
  std::stop_source source;
  auto token() const { return source.get_token(); }
  void cancel() { source.request_stop(); }
};
using foreign_sources = ::testing::Types<of_stop_token, of_inplace_stop_token, of_std_stop_token>;
#else
using foreign_sources = ::testing::Types<of_stop_token, of_inplace_stop_token>;
#endif

template <class Foreign>
struct ForeignLink : ::testing::Test {};
TYPED_TEST_SUITE(ForeignLink, foreign_sources);

TYPED_TEST(ForeignLink, CancelsTheSourceAndRunsItsCallbacksThere) {
  TypeParam foreign;
  source const child = source::create_linked(foreign.token());
  source const below = source::create_linked(child.token());
  std::vector<int> order;
  std::thread::id ran_on;
  auto const a = child.token().register_callback([&] { order.push_back(1); });
  auto const b = below.token().register_callback([&] { order.push_back(2), ran_on = std::this_thread::get_id(); });
  auto const c = child.token().register_callback([&] { order.push_back(3); });
  EXPECT_FALSE(child.is_cancellation_requested());
  EXPECT_EQ(child.token().cause(), cause::none);
  foreign.cancel();
  EXPECT_EQ(order, (std::vector{3, 1, 2}));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(below.token().cause(), cause::requested);
  EXPECT_EQ(below.token().origin(), child.token());
}
TYPED_TEST(ForeignLink, ToACanceledTokenMakesACanceledSource) {
  TypeParam foreign;
  foreign.cancel();
  EXPECT_TRUE(source::create_linked(foreign.token()).is_cancellation_requested());
  source other;
  EXPECT_TRUE(source::create_linked(other.token(), foreign.token(), token()).is_cancellation_requested());
  EXPECT_EQ(other.registration_count(), 0u);
}
TYPED_TEST(ForeignLink, IsGoneAfterDispose) {
  auto foreign = std::make_unique<TypeParam>();
  source child = source::create_linked(foreign->token());
  int runs = 0;
  auto const r = child.token().register_callback([&] { ++runs; });
  child.dispose();
  foreign->cancel();
  EXPECT_EQ(runs, 0);
  EXPECT_FALSE(child.is_cancellation_requested());
  foreign.reset();  // an in-place source may end now
}
TYPED_TEST(ForeignLink, DisposeWaitsForACancelOnAnotherThread) {  // R71
  TypeParam foreign;
  std::optional<source> child(source::create_linked(foreign.token()));
  blocker b;
  child->token().register_callback(b.callback()).detach();
  std::thread canceller([&] { foreign.cancel(); });
  b.running.wait();
  auto disposed = std::async(std::launch::async, [&] { child.reset(); });
  EXPECT_TRUE(still_waits(disposed));
  b.go.open();
  canceller.join();
  disposed.get();
}
TYPED_TEST(ForeignLink, ACallbackMayEndTheSourceAndTheForeignOne) {
  auto foreign = std::make_unique<TypeParam>();
  std::optional<source> child(source::create_linked(foreign->token()));
  int runs = 0;
  child->token().register_callback([&] { ++runs; }).detach();
  child->token()
      .register_callback([&] {
        ++runs;
        child.reset();  // a wait would hang
      })
      .detach();
  foreign->cancel();
  EXPECT_EQ(runs, 2);
}
TYPED_TEST(ForeignLink, AContextsThreadMayDisposeTheSource) {  // R91
  TypeParam foreign;
  source child = source::create_linked(foreign.token());
  worker_context context;
  auto const r = child.token().register_callback([&] { child.dispose(); }, context);  // a wait would hang
  foreign.cancel();
  EXPECT_EQ(context.sent, 1);
}
TYPED_TEST(ForeignLink, ExceptionsOfCallbacksGoToTheErrorSink) {  // R33
  static std::string caught;
  caught.clear();
  auto const before = set_error_sink([](std::exception_ptr e) noexcept { caught = flat(e); });
  TypeParam foreign;
  source const child = source::create_linked(foreign.token());
  auto const a = child.token().register_callback([] { throw 1; });
  auto const b = child.token().register_callback([] { throw 2; });
  foreign.cancel();
  set_error_sink(before);
  EXPECT_EQ(caught, "[2 1]");
}
TYPED_TEST(ForeignLink, TheFirstOfSeveralParentsCounts) {
  TypeParam one, two;
  source own;
  source const child = source::create_linked(one.token(), own.token(), two.token());
  int runs = 0;
  auto const r = child.token().register_callback([&] { ++runs; });
  two.cancel();
  own.cancel();
  one.cancel();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(child.token().origin(), child.token());
}
TYPED_TEST(ForeignLink, CancelBesideDisposeAndCancel) {
  for (int round = 0; round < 300; ++round) {
    TypeParam foreign;
    source own;
    std::optional<source> child(source::create_linked(own.token(), foreign.token()));
    std::atomic<int> runs{0};
    token const t = child->token();
    t.register_callback([&] { ++runs; }).detach();
    std::thread a([&] { foreign.cancel(); });
    std::thread b([&] { own.cancel(); });
    child.reset();
    int const then = runs;
    a.join();
    b.join();
    EXPECT_EQ(runs, then) << "ran after dispose";
    EXPECT_LE(runs, 1);
  }
}

TEST(LinkedTokens, AreAnyMixInOneAllocation) {
  source own;
  stop_source stop;
  inplace_stop_source inplace;
#if CTS_HAS_STD_STOP_TOKEN
  std::stop_source standard;
  auto const make = [&] {
    return source::create_linked(standard.get_token(), own.token(), stop.get_token(), inplace.get_token());
  };
#else
  auto const make = [&] { return source::create_linked(own.token(), stop.get_token(), inplace.get_token()); };
#endif
  { source const warm = make(); }
  long const before = allocations;
  {
    source const child = make();
    EXPECT_EQ(allocations, before + 1);
    EXPECT_EQ(own.registration_count(), 1u);
  }
  EXPECT_EQ(allocations, before + 1);
  EXPECT_EQ(own.registration_count(), 0u);
  source const child = make();
  inplace.request_stop();
  EXPECT_TRUE(child.is_cancellation_requested());
}
TEST(LinkedTokens, ThatCannotBeCanceledAreNoLinks) {
  source const child = source::create_linked(never_stop_token(), stop_token(), inplace_stop_token(), token());
  EXPECT_FALSE(child.is_cancellation_requested());
  EXPECT_FALSE(child.token().deadline());
}

/// A token of a user's own that counts its callback objects.
struct counting_token {
  template <class F>
  struct callback_type {
    callback_type(counting_token const& t, F f) : alive(t.alive), registered(t.token, std::move(f)) { ++*alive; }
    callback_type(callback_type const&) = delete;
    callback_type& operator=(callback_type const&) = delete;
    ~callback_type() { --*alive; }
    int* alive;
    inplace_stop_callback<F> registered;
  };
  bool stop_requested() const noexcept { return token.stop_requested(); }
  bool stop_possible() const noexcept { return token.stop_possible(); }
  bool operator==(counting_token const&) const = default;
  inplace_stop_token token;
  int* alive;
};
TEST(LinkedTokens, HaveNoCallbackObjectLeftAfterDispose) {
  inplace_stop_source foreign, other;
  int alive = 0;
  source child =
      source::create_linked(counting_token{foreign.get_token(), &alive}, counting_token{other.get_token(), &alive});
  EXPECT_EQ(alive, 2);
  child.dispose();
  ASSERT_EQ(alive, 0);

  child = source::create_linked(counting_token{foreign.get_token(), &alive}, counting_token{other.get_token(), &alive});
  worker_context context;  // there dispose does not wait: the foreign canceller destroys its own
  auto const r = child.token().register_callback(
      [&] {
        child.dispose();
        EXPECT_EQ(alive, 1);
      },
      context);
  other.request_stop();
  EXPECT_EQ(alive, 0);
}
TEST(LinkedTokens, HaveNoCallbackObjectLeftIfAContextRunsCallbacksOnTheCancellersThread) {
  struct : synchronization_context {
    void send(std::function<void()> what) override { what(); }
  } here;
  inplace_stop_source other;
  auto foreign = std::make_unique<inplace_stop_source>();
  int alive = 0;
  source child =
      source::create_linked(counting_token{other.get_token(), &alive}, counting_token{foreign->get_token(), &alive});
  auto const r = child.token().register_callback(
      [&] {
        child.dispose();
        EXPECT_EQ(alive, 0);
        foreign.reset();
      },
      here);
  foreign->request_stop();
  EXPECT_EQ(foreign, nullptr);
}

/// A token of a user's own, whose callbacks are large, aligned, and refuse to be made.
struct refusing_token {
  template <class F>
  struct alignas(32) callback_type {
    template <class G>
    callback_type(refusing_token, G&&) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % 32, 0u);
      throw std::string("refused");
    }
    char room[100];
  };
  static bool stop_requested() noexcept { return false; }
  static bool stop_possible() noexcept { return true; }
  bool operator==(refusing_token const&) const = default;
};
TEST(LinkedTokens, IfOneIsRefusedNoLinkIsLeft) {
  source own;
  inplace_stop_source inplace;
  manual_time_provider clock;
  EXPECT_THROW(source::create_linked(own.token(), inplace.get_token(), refusing_token()), std::string);
  EXPECT_THROW(source::create_linked(1h, clock, own.token(), inplace.get_token(), refusing_token()), std::string);
  EXPECT_EQ(own.registration_count(), 0u);
  clock.advance(2h);
  own.cancel();
  inplace.request_stop();
}

template <class... Arguments>
concept linkable = requires(Arguments const&... a) {
  source::create_linked(a...);
};
static_assert(!linkable<> && !linkable<int> && !linkable<token, int> && !linkable<source>);
static_assert(!linkable<std::chrono::seconds> && linkable<std::chrono::seconds, token>);

TEST(LinkedWithADelay, IsCanceledByItsTimer) {
  source own;
  source child = source::create_linked(1ms, own.token());
  child.token().wait_handle().wait();
  EXPECT_EQ(child.token().cause(), cause::timeout);
  EXPECT_FALSE(own.is_cancellation_requested());
}
TEST(LinkedWithADelay, IsCanceledByItsParents) {
  manual_time_provider clock;
  source own;
  stop_source stop;
  source const a = source::create_linked(1h, clock, own.token()),
               b = source::create_linked(1h, clock, stop.get_token());
  EXPECT_TRUE(a.token().deadline());
  own.cancel();
  stop.request_stop();
  for (source const* s : {&a, &b}) {
    EXPECT_EQ(s->token().cause(), cause::requested);
    EXPECT_FALSE(s->token().deadline()) << "the timer stayed armed";
  }
  clock.advance(2h);
  EXPECT_EQ(a.token().cause(), cause::requested);
}
TEST(LinkedWithADelay, OfAClockFollowsIt) {
  manual_time_provider clock;
  source own;
  source const child = source::create_linked(std::chrono::minutes(1), clock, own.token());
  EXPECT_EQ(child.token().remaining(), 1min);
  clock.advance(1min);
  EXPECT_EQ(child.token().cause(), cause::timeout);
}
TEST(LinkedWithADelay, TakesTheDelaysOfTheConstructor) {  // R76–R78
  manual_time_provider clock;
  source own;
  source const zero = source::create_linked(0ms, clock, own.token());
  EXPECT_EQ(zero.token().cause(), cause::timeout);
  source const never = source::create_linked(infinite, clock, own.token());
  EXPECT_FALSE(never.token().deadline());
  EXPECT_EQ(own.registration_count(), 2u);
  source const tiny = source::create_linked(std::chrono::nanoseconds(1), clock, own.token());
  EXPECT_FALSE(tiny.is_cancellation_requested());
  clock.advance(1h);
  EXPECT_TRUE(tiny.is_cancellation_requested());
  EXPECT_FALSE(never.is_cancellation_requested());
}
TEST(LinkedWithADelay, RefusesOtherDelaysAndLeavesNoLink) {
  manual_time_provider clock;
  source own;
  EXPECT_THROW(source::create_linked(-2ms, own.token()), std::out_of_range);
  EXPECT_THROW(source::create_linked(std::chrono::hours::max(), clock, own.token()), std::out_of_range);
  std::string const what = thrown([&] { source::create_linked(-2ms, own.token()); });
  EXPECT_NE(what.find("create_linked"), std::string::npos) << what;
  EXPECT_EQ(own.registration_count(), 0u);
}
TEST(LinkedWithADelay, LeavesNoLinkIfItsClockRefusesTheTimer) {
  struct broken : time_provider {
    std::chrono::steady_clock::time_point now() const override { return {}; }
    std::unique_ptr<timer> create_timer(std::function<void()>, std::chrono::nanoseconds) override { throw 7; }
  } clock;
  source own;
  stop_source stop;
  EXPECT_EQ(thrown([&] { source::create_linked(1ms, clock, own.token(), stop.get_token()); }), "7");
  EXPECT_EQ(own.registration_count(), 0u);
  stop.request_stop();
}
TEST(LinkedWithADelay, IsOneAllocation) {
  source own;
  stop_source stop;
  auto const make = [&] { return source::create_linked(1h, own.token(), stop.get_token()); };
  { source const warm = make(); }
  long const before = allocations;
  { source const child = make(); }
  EXPECT_EQ(allocations, before + 1);
}
TEST(LinkedWithADelay, TimerBesideParentsAndDispose) {
  for (int round = 0; round < 300; ++round) {
    source own;
    stop_source stop;
    std::thread a([&] { own.cancel(); }), b([&] { stop.request_stop(); });
    {
      source const child = source::create_linked(std::chrono::milliseconds(round % 2), own.token(), stop.get_token());
      std::this_thread::sleep_for(std::chrono::microseconds(round * 4));
    }
    a.join();
    b.join();
  }
}

}  // namespace
}  // namespace cts::test
