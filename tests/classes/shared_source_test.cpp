// SPDX-License-Identifier: BSL-1.0
// What is particular to shared sources: their constructors, their order, and their end beside other threads. The rules
// that they share with plain ones run in shared_rules_test and stop_token_test.
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <optional>
#include <type_traits>

#include "cts/stop_token.hpp"
#include "must_end.hpp"
#include "rules.hpp"

namespace cts::test {
namespace {

static_assert(!std::is_convertible_v<shared_t, cancellation_token_source>, "explicit");
static_assert(std::is_constructible_v<cancellation_token_source, shared_t>);
static_assert(!std::is_nothrow_constructible_v<cancellation_token_source, shared_t>, "it allocates");

TEST(SharedSource, HasAStripeForEachProcessorAndAPowerOfTwo) {
  std::size_t const n = detail::stripes_of_a_shared_source();
  EXPECT_TRUE(std::has_single_bit(n)) << n;
  EXPECT_GE(n, 16u);
  EXPECT_LE(n, 256u);
  EXPECT_GE(n, (std::min)(std::size_t{std::thread::hardware_concurrency()}, std::size_t{256}));
}

TEST(SharedSource, MayHaveADelayAClockOrParents) {
  EXPECT_TRUE(cancellation_token_source(shared, 0ms).is_cancellation_requested());
  EXPECT_THROW(cancellation_token_source(shared, -5ms), std::out_of_range);
  manual_time_provider clock;
  cancellation_token_source timed(shared, 10ms, clock);
  cancellation_token_source plain;
  std::array<cancellation_token, 2> const parents{timed.token(), plain.token()};
  auto const below = cancellation_token_source::create_linked(shared, timed.token(), plain.token());
  auto const below_span = cancellation_token_source::create_linked(shared, std::span(parents));
  EXPECT_THROW(cancellation_token_source::create_linked(shared, std::span<cancellation_token const>()),
               std::invalid_argument);
  EXPECT_FALSE(below.is_cancellation_requested());
  clock.advance(10ms);
  EXPECT_TRUE(timed.is_cancellation_requested());
  EXPECT_TRUE(below.is_cancellation_requested());
  EXPECT_TRUE(below_span.is_cancellation_requested());
}

TEST(SharedSource, RunsTheCallbacksOfEachThreadNewestFirst) {  // G9
  cancellation_token_source s(shared);
  constexpr int each = 100, threads = 5;
  std::vector<std::pair<int, int>> order;
  std::vector<registration> all[threads];
  std::vector<std::thread> registrants;
  for (int t = 0; t < threads; ++t)
    registrants.emplace_back([&, t, mine = s.token()] {
      for (int i = 0; i < each; ++i)
        all[t].push_back(mine.register_callback([&order, t, i] { order.emplace_back(t, i); }));
    });
  for (auto& r : registrants) r.join();
  EXPECT_EQ(s.registration_count(), std::size_t{each * threads});
  s.cancel();
  ASSERT_EQ(order.size(), std::size_t{each * threads});
  for (int t = 0; t < threads; ++t) {
    int last = each;
    for (auto const& [thread, i] : order) {
      if (thread != t) continue;
      EXPECT_EQ(i, --last) << "thread " << t;
    }
    EXPECT_EQ(last, 0);
  }
}

TEST(SharedSource, UnregistersOnAnyThread) {  // G5
  cancellation_token_source s(shared);
  registration r = s.token().register_callback([] { FAIL(); });
  std::thread([&] { EXPECT_TRUE(r.unregister()); }).join();
  EXPECT_EQ(s.registration_count(), 0u);
  s.cancel();
}

TEST(SharedSource, LinksInEachStripePauseTheNotification) {  // S7
  cancellation_token_source s(shared);
  constexpr std::size_t threads = 6;
  std::atomic<int> runs{0};
  std::vector<std::optional<cancellation_token_source>> children(threads);
  std::vector<registration> all(threads * 3);
  std::vector<std::thread> registrants;
  for (std::size_t t = 0; t < threads; ++t)
    registrants.emplace_back([&, t, mine = s.token()] {
      all[3 * t] = mine.register_callback([&runs] { ++runs; });
      children[t].emplace(cancellation_token_source::create_linked(shared, mine));
      all[3 * t + 1] = children[t]->token().register_callback([&runs] { ++runs; });
      all[3 * t + 2] = mine.register_callback([&runs] { ++runs; });
    });
  for (auto& r : registrants) r.join();
  s.cancel();
  EXPECT_EQ(runs, static_cast<int>(3 * threads));
  for (auto const& c : children) EXPECT_TRUE(c->is_cancellation_requested());
}

// A stripe that has grown, so that segments of two sizes are below the pause.
TEST(SharedSource, ALinkInAGrownStripePausesTheNotification) {  // S7
  constexpr int below = 20;
  for (int thread = 0; thread < 3; ++thread) {
    cancellation_token_source s(shared);
    int runs = 0;
    std::vector<registration> all;
    std::optional<cancellation_token_source> child;
    std::jthread([&, mine = s.token()] {
      for (int i = 0; i < below; ++i) all.push_back(mine.register_callback([&runs] { ++runs; }));
      child.emplace(cancellation_token_source::create_linked(mine));
    }).join();
    s.cancel();
    EXPECT_EQ(runs, below);
    EXPECT_TRUE(child->is_cancellation_requested());
  }
}

/// The callable counts those that are alive: the last reference must destroy it, once.
struct counted {
  explicit counted(std::atomic<int>& n) : alive(&n) { ++*alive; }
  counted(counted const& o) : alive(o.alive) { ++*alive; }
  counted& operator=(counted const&) = default;
  ~counted() { --*alive; }
  void operator()() const {}
  std::atomic<int>* alive;
};

TEST(SharedSource, EndsBesideThreadsThatUseItsTokens) {  // G26
  constexpr int threads = 4, rounds = 200;
  std::atomic<int> alive{0};
  std::barrier<> all_here(threads + 1);
  std::optional<cancellation_token_source> s;
  std::optional<cancellation_token> t;
  std::vector<std::thread> users;
  for (int u = 0; u < threads; ++u)
    users.emplace_back([&, u] {
      for (int i = 0; i < rounds; ++i) {
        all_here.arrive_and_wait();
        {
          cancellation_token mine = *t;
          all_here.arrive_and_wait();
          for (int k = 0; k < 20; ++k) {
            cancellation_token const copy = mine;
            cancellation_callback const c(mine, [] {});
            registration r = copy.register_callback(counted(alive));
            if (k == 10 && u == 0) r.detach();
          }
        }
        all_here.arrive_and_wait();
      }
    });
  for (int i = 0; i < rounds; ++i) {
    s.emplace(shared);
    t.emplace(s->token());
    all_here.arrive_and_wait();
    all_here.arrive_and_wait();
    t.reset();
    if (i % 3 == 1) s->cancel();
    if (i % 3 == 2) s->cancel_after(0ms);
    s.reset();
    all_here.arrive_and_wait();
    if (i % 3 == 2) {  // a timer may hold it longer
      must_end const within("the timer lets go of its source");
      while (alive != 0) std::this_thread::yield();
    }
    EXPECT_EQ(alive, 0) << "the last reference did not free the state";
  }
  for (auto& u : users) u.join();
}

TEST(SharedStopSource, EndsWithItsLastCopyBesideThreadsThatUseItsTokens) {  // G26
  constexpr int threads = 4, rounds = 200;
  for (int i = 0; i < rounds; ++i) {
    std::atomic<int> runs{0};
    auto s = std::make_unique<stop_source>(shared);
    std::vector<std::thread> users;
    for (int u = 0; u < threads; ++u)
      users.emplace_back([&runs, u, t = s->get_token(), copy = std::make_unique<stop_source>(*s)]() mutable {
        for (int k = 0; k < 20; ++k) {
          stop_token const mine = t;
          stop_callback const c(mine, [&runs] { ++runs; });
          if (k == u) copy.reset();
          EXPECT_TRUE(copy == nullptr || mine.stop_possible());
        }
      });
    stop_token const last = s->get_token();
    if (i % 2 == 0) s->request_stop();
    s.reset();
    for (auto& u : users) u.join();
    EXPECT_EQ(last.stop_possible(), i % 2 == 0) << "no source is left";
  }
}

}  // namespace
}  // namespace cts::test
