// SPDX-License-Identifier: BSL-1.0
// Each allocation of the classes fails once: the operation then throws and changes nothing, or completes all the same.
// Also counts the allocations.
#include <span>

#include "heap.hpp"
#include "rules.hpp"

namespace {
thread_local long allocations = 0;
thread_local long failing = -1;  // the number of allocations that succeed before one fails; -1: none fails
thread_local bool for_ever = false;

void* take(std::size_t n, std::size_t alignment) {
  if (failing == 0) {
    if (!for_ever) failing = -1;
    return nullptr;
  }
  if (failing > 0) --failing;
  ++allocations;
  return cts::test::heap_take(n, alignment);
}
void* take_or_throw(std::size_t n, std::size_t alignment) {
  if (void* const p = take(n, alignment)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t n) { return take_or_throw(n, 1); }
void* operator new[](std::size_t n) { return take_or_throw(n, 1); }
void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return take(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return take(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { cts::test::heap_give(p); }
void operator delete[](void* p) noexcept { cts::test::heap_give(p); }
void operator delete(void* p, std::size_t) noexcept { cts::test::heap_give(p); }
void operator delete[](void* p, std::size_t) noexcept { cts::test::heap_give(p); }
void operator delete(void* p, std::align_val_t) noexcept { cts::test::heap_give(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { cts::test::heap_give(p); }
void operator delete(void* p, std::nothrow_t const&) noexcept { cts::test::heap_give(p); }
void operator delete(void* p, std::align_val_t, std::nothrow_t const&) noexcept { cts::test::heap_give(p); }

namespace cts::test {
namespace {

/// Calls `f` until it succeeds; its first, second, … allocation fails in turn. Calls `check` after each failure.
/// Expects one failure at least.
template <class F, class Check>
void fail_each(F f, Check check) {
  long k = 0;
  for (bool done = false; !done; ++k) {
    ASSERT_LT(k, 100);
    failing = k;
    try {
      f();
      done = failing >= 0 || k > 50;
    } catch (std::bad_alloc const&) {}
    failing = -1;
    if (!done) check();
  }
  EXPECT_GT(k, 1);
}
template <class F>
long count(F f) {
  long const before = allocations;
  f();
  return allocations - before;
}

#if defined(_WIN32)
constexpr long thread_end =
    1;  // MinGW allocates for the destructor of each thread_local: one for each size of spare nodes
#else
constexpr long thread_end = 0;
#endif

TEST(Allocations, AreFew) {
  EXPECT_EQ(count([] { source s; }), 1);
  source p, q;
  token const tp = p.token(), tq = q.token();
  EXPECT_EQ(count([&] { (void)source::create_linked(tp); }), 1);
  EXPECT_EQ(count([&] { (void)source::create_linked(tp, tq); }), 1);
  EXPECT_EQ(count([&] { (void)source::create_linked(tp, tq, tp, tq, tp); }), 1);
  struct thirty_two {
    char bytes[32];
    void operator()() const {}
  };
  EXPECT_LE(count([&] { auto const r = tp.register_callback(thirty_two{}); }), 2 + thread_end) << "a heap and a slab";
  EXPECT_EQ(count([&] {
              auto const a = tp.register_callback([] {}), b = tp.register_callback(thirty_two{}),
                         c = tp.register_callback([] {});
            }),
            2 + thread_end)
      << "a heap and a slab of the smaller size";
  EXPECT_EQ(count([&] { cancellation_callback const c(tp, [] {}); }), 0);
  EXPECT_EQ(count([&] {
              cancellation_callback const a(tp, [] {});
              cancellation_callback const b(tp, [](token) {});
              p.cancel();
            }),
            0);
  EXPECT_EQ(count([&] { auto const r = tp.register_callback(thirty_two{}); }), 0) << "canceled: nothing to keep";
  q.cancel_after(1h);
  EXPECT_EQ(count([&] { q.cancel_after(2h), q.cancel_after(infinite), q.cancel_after(1h); }), 0);
  EXPECT_EQ(
      count([&] { (void)q.token().is_cancellation_requested(), (void)q.token().deadline(), (void)q.try_cancel(); }), 0);
}
TEST(AllocationFailureAbove, OfASource) {
  fail_each([] { source s; }, [] {});
  fail_each([] { source s(1h); }, [] {});
  manual_time_provider clock;
  fail_each([&] { source s(1h, clock); }, [] {});
  clock.advance(24h);
}
constexpr unsigned few = 4;  // registrations that need no memory of the registry
/// Links a source to two others by `link`, which must leave nothing if it fails.
template <class Link>
void fail_each_link(Link link) {
  source p, q;
  std::vector<registration> crowd;
  for (unsigned i = 0; i < few; ++i)
    crowd.push_back(q.token().register_callback([] {}));  // the next one makes the registry grow
  fail_each(
      [&] {
        source const child = link(p.token(), q.token());
        EXPECT_EQ(p.registration_count(), 1u);
        EXPECT_EQ(q.registration_count(), few + 1) << "it has failed in silence";
      },
      [&] {
        EXPECT_EQ(p.registration_count(), 0u);
        EXPECT_EQ(q.registration_count(), few);
      });
}
TEST(AllocationFailureAbove, OfALink) {
  fail_each_link([](token const& p, token const& q) { return source::create_linked(p, q); });
}
TEST(AllocationFailureAbove, OfALinkToOneOfASpan) {
  fail_each_link([](token const& p, token const& q) {
    token const both[] = {p, q};
    return source::create_linked(std::span<token const>(both));
  });
}
TEST(AllocationFailureAbove, OfARegistration) {
  auto const kept = std::make_shared<int>();
  auto const f = [kept] {};
  {
    source other;  // the thread has memory for such nodes from here on, so that the registry's is what fails
    auto const r = other.token().register_callback(f);
  }
  source s;
  std::vector<registration> crowd;
  for (unsigned i = 0; i < few; ++i) crowd.push_back(s.token().register_callback([] {}));
  fail_each(
      [&] {
        auto const r = s.token().register_callback(f);
        EXPECT_TRUE(r) << "it has failed in silence";
      },
      [&] {
        EXPECT_EQ(s.registration_count(), few);
        EXPECT_EQ(kept.use_count(), 2);
      });
  crowd.clear();
  for (unsigned i = 0; i < few; ++i) crowd.push_back(s.token().register_callback([] {}));
  source t;
  std::vector<std::unique_ptr<cancellation_callback<void (*)()>>> all;
  for (unsigned i = 0; i < few; ++i)
    all.push_back(std::make_unique<cancellation_callback<void (*)()>>(t.token(), [] {}));
  fail_each(
      [&] {
        cancellation_callback const c(t.token(), [] {});
        EXPECT_EQ(t.registration_count(), few + 1) << "it has failed in silence";
      },
      [&] { EXPECT_EQ(t.registration_count(), few); });
}
TEST(AllocationFailureAbove, OfAWaitHandle) {
  source s;
  fail_each([&] { (void)s.token().wait_handle(); }, [] {});
  s.cancel();
  EXPECT_TRUE(s.token().wait_handle().wait_for(0s));
  std::vector<wait_handle> const all{s.token().wait_handle()};
  fail_each(
      [&] {
        source u;
        std::vector<wait_handle> const two{u.token().wait_handle(), s.token().wait_handle()};
        EXPECT_EQ(wait_handle::wait_any(two), 1u);
      },
      [] {});
}
TEST(AllocationFailureAbove, OfCancelWithReason) {
  fail_each(
      [] {
        source s;
        try {
          s.cancel_with_reason(
              std::string("a string that does not fit into itself, so that it needs memory of its own"));
        } catch (std::bad_alloc const&) {
          EXPECT_FALSE(s.is_cancellation_requested());
          throw;
        }
      },
      [] {});
}
TEST(AllocationFailureAbove, OfCancelLosesNoCallback) {
  // without memory std::bad_alloc replaces the exceptions; every callback runs and cancel throws
  for (long k = 0; k < 12; ++k) {
    source s;
    int runs = 0;
    std::vector<registration> crowd;
    for (int i = 0; i < 8; ++i)
      crowd.push_back(s.token().register_callback([&] {
        ++runs;
        throw 1;
      }));
    failing = k;
    for_ever = true;
    EXPECT_ANY_THROW(s.cancel());
    for_ever = false;
    failing = -1;
    EXPECT_EQ(runs, 8);
  }
}
TEST(AllocationFailureAbove, OfAsynchronousCancelAndDisposeNeverTerminates) {
  for (long k = 0; k < 12; ++k) {
    auto s = std::make_unique<source>();
    std::atomic<int> runs{0};
    auto r = s->token().register_callback([&] { ++runs; });
    failing = k;
    for_ever = true;
    std::future<void> f;
    bool threw = false;
    try {
      f = s->cancel_async();
    } catch (std::bad_alloc const&) { threw = true; }
    for_ever = false;
    failing = -1;
    EXPECT_FALSE(threw);
    bool canceled = true;
    try {
      f.get();
    } catch (...) { canceled = false; }
    EXPECT_EQ(s->is_cancellation_requested(), canceled);
    r.dispose();
    EXPECT_EQ(runs, canceled ? 1 : 0);
  }
  source s;
  blocker b;
  auto r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  failing = 0;
  for_ever = true;
  auto f = r.dispose_async();
  for_ever = false;
  failing = -1;
  EXPECT_TRUE(still_waits(f));
  b.go.open();
  f.get();
  canceller.join();
}
TEST(AllocationFailureAbove, OfTheFirstCancelAfter) {
  source first(1h);  // starts the thread
  source s;
  int runs = 0;
  auto const r = s.token().register_callback([&runs] { ++runs; });
  fail_each([&] { s.cancel_after(1h); },
            [&] {
              EXPECT_FALSE(s.token().deadline());
              EXPECT_FALSE(s.is_cancellation_requested());
              EXPECT_EQ(s.registration_count(), 1u);
            });
  EXPECT_TRUE(s.token().deadline());
  s.cancel();
  EXPECT_EQ(runs, 1);
}
TEST(AllocationFailureAbove, CancelAfterNeedsMemoryOnceAtMost) {
  source first(1h);  // starts the thread
  std::vector<std::unique_ptr<source>> crowd;
  for (int i = 0; i < 3000; ++i) {
    if (i % 2 == 0) {
      crowd.push_back(std::make_unique<source>(1h));
    } else {
      crowd.push_back(std::make_unique<source>());
      crowd.back()->cancel_after(1h);
    }
    failing = 0;
    EXPECT_NO_THROW(crowd.back()->cancel_after(2h));
    EXPECT_EQ(failing, 0) << "it has allocated";
    failing = -1;
  }
}
TEST(Allocations, OfATimer) {
  EXPECT_EQ(count([] { source s(1h); }), 1) << "the timer is in the source's allocation";
  EXPECT_EQ(count([] { source s(infinite); }), 1);
  source s;
  EXPECT_EQ(count([&] { s.cancel_after(1h); }), 1);
  EXPECT_EQ(count([&] { s.cancel_after(infinite), s.cancel_after(1h); }), 0);
  source canceled;
  canceled.cancel();
  EXPECT_EQ(count([&] { canceled.cancel_after(1h); }), 0) << "R81";
}

}  // namespace
}  // namespace cts::test
