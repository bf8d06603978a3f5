// SPDX-License-Identifier: BSL-1.0
// Graphs of linked sources, long and wide (G16): constant stack, O(links), no allocation, and which state keeps which
// alive. R31, R57, R65–R75.
#include "heap.hpp"
#include "rules.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <random>

#if defined(__unix__)
#include <pthread.h>
#endif

namespace {
std::atomic<long> blocks{0};        // allocated now
thread_local long allocations = 0;  // by this thread, so far
thread_local bool out_of_memory = false;

void* take(std::size_t n, std::size_t alignment) noexcept {
  if (out_of_memory) return nullptr;
  ++allocations;
  ++blocks;
  return cts::test::heap_take(n, alignment);
}
void* take_or_throw(std::size_t n, std::size_t alignment) {
  if (void* const p = take(n, alignment)) return p;
  throw std::bad_alloc();
}
void give_back(void* p) noexcept {
  if (p == nullptr) return;
  --blocks;
  cts::test::heap_give(p);
}
}  // namespace

void* operator new(std::size_t n) { return take_or_throw(n, 1); }
void* operator new[](std::size_t n) { return take_or_throw(n, 1); }
void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return take(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return take_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return take(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::nothrow_t const&) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t, std::nothrow_t const&) noexcept { give_back(p); }

namespace cts::test {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(CTS_TEST_EMULATED) || defined(CTS_TEST_SHARED)
// A run under the sanitizer, or an emulator, takes ten times as long; a shared source has 3 KiB.
constexpr int many = 50'000;
#else
constexpr int many = 1'000'000;
#endif

/// Runs `f` on a thread with a stack of 128 KiB. @return how many allocations it has made
template <class F>
long on_a_small_stack(F f) {
  struct job {
    F& f;
    long allocated = 0;
    static void* run(void* p) {
      auto& j = *static_cast<job*>(p);
      long const before = allocations;
      j.f();
      j.allocated = allocations - before;
      return nullptr;
    }
  } j{f};
#if defined(__unix__)
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  EXPECT_EQ(pthread_attr_setstacksize(&attributes, 128 * 1024), 0);
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, &attributes, &job::run, &j), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
#else
  std::thread(&job::run, &j).join();
#endif
  return j.allocated;
}

/// A root, and `length` sources, each linked to the one before.
std::vector<source> chain(int length) {
  std::vector<source> all;
  all.reserve(static_cast<std::size_t>(length) + 1);
  all.emplace_back();
  for (int i = 0; i < length; ++i) all.push_back(source::create_linked(all.back().token()));
  return all;
}

// --- cancel (S7)

TEST(LongChain, IsCanceledInConstantStackWithoutAllocation) {
  auto all = chain(many);
  int order = 0, first = 0, leaf = 0;
  cancellation_callback const before(all.front().token(),
                                     [&] { first = ++order; });  // registered after the link: runs before it
  cancellation_callback const last(all.back().token(), [&] { leaf = ++order; });
  EXPECT_EQ(on_a_small_stack([&] { all.front().cancel(); }), 0);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(leaf, 2);
  for (auto const& s : all) ASSERT_TRUE(s.is_cancellation_requested());
}
TEST(LongChain, IsCanceledByATimerAndByCancelAsync) {
  for (int how = 0; how < 2; ++how) {
    auto all = chain(many / 10);
    gate done;
    auto const last = all.back().token().register_callback([&] { done.open(); });
    std::future<void> end;
    if (how == 0) all.front().cancel_after(1ms);
    else end = all.front().cancel_async();
    done.wait();
    if (how == 1) end.get();
  }
}
// R69: of each level first the callbacks registered after its link, then its child, then those before its link.
TEST(LongChain, KeepsTheOrderOfItsLinks) {
  int const length = many / 10;
  auto all = chain(0);
  std::vector<int> order;
  order.reserve(2 * static_cast<std::size_t>(length) + 2);
  std::vector<registration> keep;
  for (int i = 0; i < length; ++i) {
    keep.push_back(all.back().token().register_callback([&order, i] { order.push_back(-i); }));
    source next = source::create_linked(all.back().token());
    token const below = next.token();
    keep.push_back(all.back().token().register_callback([&order, i, below] {
      if (!below.is_cancellation_requested()) order.push_back(i);
    }));
    all.push_back(std::move(next));
  }
  on_a_small_stack([&] { all.front().cancel(); });
  ASSERT_EQ(order.size(), 2 * static_cast<std::size_t>(length));
  for (int i = 0; i < length; ++i) {
    ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
    ASSERT_EQ(order[static_cast<std::size_t>(2 * length - 1 - i)], -i);
  }
}
TEST(WideFan, IsCanceledInTheOrderOfItsLinks) {
  source root;
  int const width = 100'000;
  std::vector<source> all;
  std::vector<int> order;
  std::vector<registration> keep;
  for (int i = 0; i < width; ++i) {
    all.push_back(source::create_linked(root.token()));
    keep.push_back(all.back().token().register_callback([&order, i] { order.push_back(i); }));
  }
  order.reserve(static_cast<std::size_t>(width));
  EXPECT_EQ(on_a_small_stack([&] { root.cancel(); }), 0);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(width));
  for (int i = 0; i < width; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], width - 1 - i);
}

/// A random graph with callbacks before, between and after links, and the order in which a recursion would run these.
struct random_graph {
  struct entry {
    int callback = -1;
    int child = -1;
  };
  std::vector<source> sources;
  std::vector<std::vector<entry>> entries;
  std::vector<registration> keep;
  std::vector<int> order, expected;
  std::vector<bool> canceled;

  explicit random_graph(unsigned seed) {
    std::minstd_rand generator(seed + 1);
    auto const random = [&] { return static_cast<unsigned>(generator()); };
    int callbacks = 0;
    int const n = 2 + static_cast<int>(random() % 30);
    for (int i = 0; i < n; ++i) {
      std::vector<token> parents;
      if (i != 0)
        for (unsigned k = 1 + random() % 3; k != 0; --k) {
          auto const p = random() % static_cast<unsigned>(i);
          parents.push_back(sources[p].token());
          entries[p].push_back({-1, i});
        }
      sources.push_back(parents.empty() ? source() : source::create_linked(parents));
      entries.emplace_back();
      for (unsigned k = random() % 6; k != 0; --k) {
        auto const at = random() % sources.size();
        keep.push_back(sources[at].token().register_callback([this, callbacks] { order.push_back(callbacks); }));
        entries[at].push_back({callbacks++, -1});
      }
    }
    canceled.resize(sources.size());
  }
  void run(std::size_t at) {
    if (canceled[at]) return;
    canceled[at] = true;
    for (std::size_t i = entries[at].size(); i-- != 0;) {
      entry const e = entries[at][i];
      if (e.child >= 0) run(static_cast<std::size_t>(e.child));
      else expected.push_back(e.callback);
    }
  }
};
TEST(RandomGraph, RunsAsARecursionWould) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    random_graph g(seed);
    auto const at = seed % g.sources.size() / 2;
    g.run(at);
    g.sources[at].cancel();
    ASSERT_EQ(g.order, g.expected) << "seed " << seed;
    for (std::size_t i = 0; i < g.sources.size(); ++i)
      ASSERT_EQ(g.sources[i].is_cancellation_requested(), g.canceled[i]) << "seed " << seed;
  }
}

// R34, R72
TEST(LongChain, AnyCallbackMayEndEverythingAboveAndBelow) {
  for (int at = 0; at < 5; ++at) {
    auto all = std::make_unique<std::vector<source>>(chain(4));
    int runs = 0;
    std::vector<token> tokens;
    for (auto const& s : *all) tokens.push_back(s.token());
    auto const r = tokens[static_cast<std::size_t>(at)].register_callback([&] {
      ++runs;
      all.reset();
    });
    auto const rest = tokens[0].register_callback([&] { ++runs; });
    source& root = all->front();
    token const kept = tokens.back();
    root.cancel();
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(all, nullptr);
  }
}
TEST(LongChain, AChildThatAnotherThreadCancelsIsNotWaitedFor) {
  source root;
  source child = source::create_linked(root.token());
  source last = source::create_linked(child.token());
  blocker b;
  auto const r = last.token().register_callback(b.callback());
  std::thread other([&] { child.cancel(); });
  b.running.wait();
  root.cancel();  // returns while the other one is in the callback
  EXPECT_TRUE(last.is_cancellation_requested());
  b.go.open();
  other.join();
}
// R71, over several links.
TEST(LongChain, DisposeOfOneInTheMiddleWaitsForWhatIsBelow) {
  source root;
  source child = source::create_linked(root.token());
  source last = source::create_linked(child.token());
  blocker b;
  auto const r = last.token().register_callback(b.callback());
  std::thread canceller([&] { root.cancel(); });
  b.running.wait();
  std::future<void> disposed = std::async(std::launch::async, [&] { child.dispose(); });
  EXPECT_TRUE(still_waits(disposed));
  b.go.open();
  disposed.get();
  canceller.join();
}

// --- exceptions (G21)

// R31
TEST(LongChain, ExceptionsAreNestedAsTheLinksAre) {
  auto all = chain(3);
  std::vector<registration> keep;
  for (int i = 0; i < 4; ++i)
    keep.push_back(all[static_cast<std::size_t>(i)].token().register_callback(
        [i] { throw std::runtime_error(std::to_string(i)); }));
  try {
    all.front().cancel();
    FAIL();
  } catch (aggregate_exception const&) { EXPECT_EQ(flat(std::current_exception()), "[0 [1 [2 [3]]]]"); }
}
TEST(LongChain, OnlyTheRootStopsAtTheFirstException) {
  auto all = chain(2);
  int runs = 0;
  std::vector<registration> keep;
  keep.push_back(all[2].token().register_callback([&] { ++runs; }));
  keep.push_back(all[2].token().register_callback([] { throw std::runtime_error("below"); }));
  auto const never = all[1].token().register_callback([&] { ++runs; });
  source early;  // a callback of the root that is older than the link
  source child = source::create_linked(early.token());
  auto const r = child.token().register_callback([] { throw 1; });
  EXPECT_THROW(early.cancel(true), aggregate_exception);
  EXPECT_THROW(all.front().cancel(true), aggregate_exception);
  EXPECT_EQ(runs, 2);
}
TEST(LongChain, AnExceptionComesThroughManyLinks) {
  int const length = many / 20;
  auto all = chain(length);
  auto const r = all.back().token().register_callback([] { throw std::runtime_error("leaf"); });
  on_a_small_stack([&] {
    std::exception_ptr e;
    try {
      all.front().cancel();
      FAIL();
    } catch (aggregate_exception const& outer) {
      EXPECT_NE(std::string(outer.what()).find("more of them"), std::string::npos);
      e = outer.inner_exceptions().at(0);
    }
    int levels = 1;
    for (bool nested = true; nested; ++levels) {
      try {
        std::rethrow_exception(e);
      } catch (aggregate_exception const& a) {
        std::exception_ptr next = a.inner_exceptions().at(0);
        e = std::move(next);
      } catch (std::runtime_error const& leaf) {
        EXPECT_STREQ(leaf.what(), "leaf");
        nested = false;
      }
    }
    EXPECT_EQ(levels, length + 2);
  });
}
TEST(LongChain, WithoutMemoryForAnExceptionBadAllocComesThrough) {
  auto all = chain(3);
  auto const r = all.back().token().register_callback([] {
    out_of_memory = true;
    throw 1;
  });
  auto const last = all[2].token().register_callback([] {});
  auto const end = all.front().token().register_callback([] {});
  bool thrown = false;
  try {
    all.front().cancel();
  } catch (std::exception const&) { thrown = true; }
  out_of_memory = false;
  EXPECT_TRUE(thrown);
  for (auto const& s : all) EXPECT_TRUE(s.is_cancellation_requested());
}

// --- destroy (S5, S8)

TEST(LongChain, OfAliveSourcesIsDestroyedInConstantStack) {
  auto all = chain(many);
  token last = all.back().token();
  long const before = blocks;
  EXPECT_EQ(on_a_small_stack([&] { all.clear(); }), 0);
  EXPECT_EQ(blocks, before - many) << "the token keeps one state, and none above";
  last = token();
  EXPECT_EQ(blocks, before - many - 1);
}
TEST(LongChain, OfCanceledSourcesIsHeldByTheLastAndDestroyedInConstantStack) {
  long const none = blocks;
  std::optional<std::vector<source>> all(chain(many));
  token last = all->back().token();
  token root = all->front().token();
  EXPECT_EQ(on_a_small_stack([&] { all->front().cancel_with_reason(7); }), 1) << "the reason";
  all.reset();
  token first;
  EXPECT_EQ(on_a_small_stack([&] { first = last.origin(); }), 0);
  EXPECT_EQ(first, root);
  std::any why;
  on_a_small_stack([&] { why = last.reason(); });
  EXPECT_EQ(std::any_cast<int>(why), 7);
  first = token();
  root = token();
  EXPECT_EQ(on_a_small_stack([&] { last = token(); }), 0);
  EXPECT_EQ(blocks, none);
}
TEST(LongChain, ShrinksAsItsSourcesEnd) {
  source current;
  long const before = blocks;
  for (int i = 0; i < 1000; ++i) current = source::create_linked(current.token());
  EXPECT_EQ(blocks, before + 1) << "a level keeps the one above, and that keeps none";
}
// Foreign code holds each source: a reason, a callable that was left behind, a callback that owns the next source.
TEST(LongChain, HeldThroughReasonsIsDestroyedInConstantStack) {
  long const none = blocks;
  token first;
  for (int i = 0; i < many / 2; ++i) {
    source s;
    if (i != 0) s.cancel_with_reason(std::exchange(first, token()));
    first = s.token();
  }
  on_a_small_stack([&] { first = token(); });
  EXPECT_EQ(blocks, none);
}
TEST(LongChain, HeldThroughExceptionsIsDestroyedInConstantStack) {
  long const none = blocks;
  token first;
  for (int i = 0; i < many / 10; ++i) {
    source s;
    if (i != 0) s.cancel_with_reason(std::make_exception_ptr(operation_canceled(std::exchange(first, token()))));
    first = s.token();
  }
  on_a_small_stack([&] { first = token(); });
  EXPECT_EQ(blocks, none);
}
TEST(LongChain, HeldThroughCallablesLeftBehindIsDestroyedInConstantStack) {
  long none = blocks;
  token first;
  for (int i = 0; i < many / 2; ++i) {
    source s;
    if (i != 0) s.token().register_callback([held = std::exchange(first, token())] {}).detach();
    first = s.token();
  }
  on_a_small_stack([&] { first = token(); });
  {
    source s;
    auto const r = s.token().register_callback([held = token()] {});  // this thread finds what another one gave back
  }
  EXPECT_LE(blocks, none + 2) << "only the thread's heap of nodes and one slab are left";
}
TEST(LongChain, OfCallbacksThatOwnTheNextSourceIsDestroyedInConstantStack) {
  long none = blocks;
  source first;
  for (int i = 0; i < many / 2; ++i) {
    source s;
    s.token().register_callback([next = std::move(first)]() mutable { next.cancel(); }).detach();
    first = std::move(s);
  }
  on_a_small_stack([&] { source const end = std::move(first); });
  {
    source s;
    auto const r = s.token().register_callback([held = token()] {});  // this thread finds what another one gave back
  }
  EXPECT_LE(blocks, none + 2) << "only the thread's heap of nodes and one slab are left";
}
// S8: a source that a foreign destructor ends is destroyed when that returns, unless destructions are deeply nested.
TEST(Destroy, IsOverWhenTheLastReferenceHasGone) {
  int gone = 0;
  struct mark {
    int* gone;
    explicit mark(int& g) : gone(&g) {}
    mark(mark&& o) noexcept : gone(std::exchange(o.gone, nullptr)) {}
    ~mark() {
      if (gone != nullptr) ++*gone;
    }
    void operator()() const {}
  };
  struct outer {
    int* gone;
    bool* seen;
    std::unique_ptr<source> inner;
    ~outer() {
      if (inner == nullptr) return;
      inner.reset();
      *seen = *gone == 1;
    }
    outer(outer&&) = default;
    outer(int* g, bool* s, std::unique_ptr<source> i) : gone(g), seen(s), inner(std::move(i)) {}
    void operator()() const {}
  };
  bool seen = false;
  {
    source s;
    auto inner = std::make_unique<source>();
    inner->token().register_callback(mark(gone)).detach();
    s.token().register_callback(outer(&gone, &seen, std::move(inner))).detach();
  }
  EXPECT_EQ(gone, 1);
  EXPECT_TRUE(seen);
}
// The documented use: a group is canceled with the exception that ended one of its own scopes.
TEST(Reason, OfAGroupMayBeTheExceptionOfItsOwnChild) {
  auto const request = [](int how) {
    source group;
    try {
      source scope = source::create_linked(group.token());
      scope.cancel();
      scope.token().throw_if_cancellation_requested();
    } catch (operation_canceled const& e) {
      if (how == 0) group.cancel_with_reason(std::current_exception());
      else group.cancel_with_reason(e.token());
    }
  };
  for (int how = 0; how < 2; ++how) {
    request(how);
    long const before = blocks;
    for (int i = 0; i < 10; ++i) request(how);
    EXPECT_EQ(blocks, before) << how;
  }
}
TEST(Dispose, LetsGoOfTheParentsThatHaveNotCanceledIt) {
  long const none = blocks;
  {
    std::optional<source> a(std::in_place), b(std::in_place);
    token ta = a->token();
    source child = source::create_linked(a->token(), b->token(), a->token());
    token const t = child.token();
    b->cancel_with_reason(std::string("b"));
    a.reset();
    b.reset();
    child.dispose();
    EXPECT_EQ(std::any_cast<std::string>(t.reason()), "b");
    EXPECT_FALSE(ta.is_cancellation_requested());
    long const with = blocks;
    ta = token();
    EXPECT_EQ(blocks, with - 1) << "nothing else keeps it";
  }
  EXPECT_EQ(blocks, none);
}
TEST(Dispose, MayDestroyParentsWhoseCallablesOwnTheChild) {
  auto child = std::make_shared<std::optional<source>>();
  {
    source parent;
    *child = source::create_linked(parent.token());
    parent.token().register_callback([child] {}).detach();
  }
  std::weak_ptr<std::optional<source>> const watch = child;
  source* const s = &**child;
  child.reset();  // the parent's state keeps it, and it keeps the parent's
  s->dispose();
  EXPECT_TRUE(watch.expired());
}

// --- deadline (S6)

TEST(Deadline, OfALongChain) {
  auto all = chain(many);
  all.front().cancel_after(1h);
  token const last = all.back().token();
  EXPECT_EQ(on_a_small_stack([&] {
              EXPECT_TRUE(last.deadline().has_value());
              EXPECT_TRUE(last.remaining().has_value());
            }),
            0);
  all.front().cancel_after(infinite);
  EXPECT_FALSE(last.deadline().has_value());
}
// 2^64 ways lead from the last source to the first.
TEST(Deadline, OfADiamondOf64Layers) {
  manual_time_provider clock;
  std::vector<source> keep;
  keep.emplace_back(1h, clock);
  token t = keep.back().token();
  for (int layer = 0; layer < 64; ++layer) {
    keep.push_back(source::create_linked(t));
    token const scope = keep.back().token();
    keep.push_back(source::create_linked(t, scope));
    t = keep.back().token();
  }
  EXPECT_TRUE(t.deadline().has_value());
  EXPECT_EQ(t.remaining(), 1h);
  keep[64].cancel_after(1min);
  EXPECT_LE(t.remaining(), 1min);
  keep.front().cancel();
  EXPECT_TRUE(t.is_cancellation_requested());
  EXPECT_EQ(t.remaining(), 0ns);
}
void deadlines_by_many_clocks(std::mt19937 random) {
  constexpr std::size_t n = 30;
  std::vector<std::unique_ptr<manual_time_provider>> clocks;
  std::vector<std::chrono::minutes> due;
  for (std::size_t i = 0; i < n; ++i) {
    clocks.push_back(std::make_unique<manual_time_provider>());
    due.emplace_back(100 + i);
  }
  std::shuffle(clocks.begin(), clocks.end(), random);  // found in no order of their addresses,
  std::shuffle(due.begin(), due.end(), random);        // nor of their due times
  std::vector<source> parents;
  std::vector<token> tokens;
  for (std::size_t i = 0; i < n; ++i) {
    parents.emplace_back(due[i], *clocks[i]);
    tokens.push_back(parents.back().token());
    parents.emplace_back(std::chrono::minutes(200), *clocks[i]);
    tokens.push_back(parents.back().token());
  }
  source const child = source::create_linked(tokens);
  while (!due.empty()) {
    EXPECT_EQ(child.token().remaining(), *std::min_element(due.begin(), due.end())) << due.size() << " clocks";
    due.pop_back();
    parents[2 * due.size()].dispose();
    parents[2 * due.size() + 1].dispose();
  }
  EXPECT_FALSE(child.token().remaining().has_value());
}
TEST(Deadline, ByMoreClocksThanAreAskedAtOnce) {
  for (unsigned seed = 1; seed <= 10; ++seed) deadlines_by_many_clocks(std::mt19937(seed));
}
/// A clock that calls a function when it is asked.
class odd_clock : public manual_time_provider {
 public:
  std::function<void()> when_asked;
  std::chrono::steady_clock::time_point now() const override {
    if (when_asked) when_asked();
    return manual_time_provider::now();
  }
};
TEST(Deadline, AClockMayThrowAndMayAskForDeadlines) {
  odd_clock clock;
  source parent(1h, clock);
  source child = source::create_linked(parent.token());
  token const t = child.token();
  clock.when_asked = [] { throw std::runtime_error("clock"); };
  EXPECT_THROW((void)t.remaining(), std::runtime_error);
  std::optional<std::chrono::steady_clock::time_point> inside;
  clock.when_asked = [&] { inside = t.deadline(); };
  EXPECT_EQ(t.remaining(), 1h);
  EXPECT_TRUE(inside.has_value());
  clock.when_asked = nullptr;
  child.dispose();
  EXPECT_FALSE(t.remaining().has_value());
}
// R75: a parent that has cut its children off by try_reset does not cancel them when its timer fires.
TEST(Deadline, OfAParentWhoseTryResetHasCutTheLinkIsNone) {
  source parent, other(2h);
  source child = source::create_linked(parent.token());
  source both = source::create_linked(parent.token(), other.token(), child.token());
  parent.cancel_after(1h);
  EXPECT_LE(both.token().remaining(), 1h);
  ASSERT_TRUE(parent.try_reset());
  parent.cancel_after(1h);
  EXPECT_FALSE(child.token().deadline().has_value());
  EXPECT_FALSE(child.token().remaining().has_value());
  EXPECT_GT(both.token().remaining(), 1h) << "the other parent's";
  child.cancel_after(30min);
  EXPECT_LE(both.token().remaining(), 30min) << "the child's own";
  parent.cancel();
  EXPECT_FALSE(both.is_cancellation_requested());
}
// UBSan reports the overflow.
TEST(Deadline, OfAClockThatJumpsDoesNotOverflow) {
  using time_point = std::chrono::steady_clock::time_point;
  struct : time_provider {
    time_point shown{};
    time_point now() const override { return shown; }
    std::unique_ptr<timer> create_timer(std::function<void()>, std::chrono::nanoseconds) override {
      struct nothing : timer {
        bool change(std::chrono::nanoseconds) override { return true; }
      };
      return std::make_unique<nothing>();
    }
  } clock;
  for (time_point const first : {(time_point::min)(), time_point(), (time_point::max)() - 1h}) {
    clock.shown = first;
    source const s(5s, clock);
    source const child = source::create_linked(s.token());
    EXPECT_EQ(child.token().remaining(), 5s);
    clock.shown = (time_point::min)();
    EXPECT_EQ(child.token().remaining(), first == (time_point::min)() ? 5s : (std::chrono::nanoseconds::max)());
    clock.shown = (time_point::max)();
    EXPECT_EQ(child.token().remaining(), 0s);
  }
}
TEST(Threads, DeadlinesAreAskedForWhileSourcesEnd) {
  for (int round = 0; round < 300; ++round) {
    std::vector<source> all;
    all.emplace_back(1h);
    for (int i = 0; i < 20; ++i) {
      token const t = all.back().token();
      source const& other = all[static_cast<std::size_t>(i) / 2];
      all.push_back(source::create_linked(t, other.token()));
    }
    token const last = all.back().token(), middle = all[10].token();
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (token const& t : {last, middle})
      readers.emplace_back([&stop, t] {
        while (!stop) (void)t.deadline(), (void)t.remaining(), (void)t.origin();
      });
    if (round % 3 == 0) all[5].cancel();
    if (round % 2 == 0) all.clear();
    else
      while (!all.empty()) all.pop_back();
    stop = true;
    for (auto& r : readers) r.join();
  }
}
TEST(Threads, CancelsMeetInAGraphWhileSourcesEnd) {
  for (int round = 0; round < 300; ++round) {
    source a, b;
    std::vector<source> all;
    std::atomic<int> runs{0};
    all.push_back(source::create_linked(a.token(), b.token()));
    std::vector<registration> keep;
    for (int i = 0; i < 10; ++i) {
      token const t = all.back().token();
      all.push_back(source::create_linked(t, i % 2 == 0 ? a.token() : b.token()));
    }
    token const last = all.back().token();
    keep.push_back(last.register_callback([&] { ++runs; }));
    std::thread one([&] { a.cancel(); }), two([&] { b.cancel(); }), three([&] {
      for (std::size_t i = 0; i < 10; i += 2) all[i].dispose();
    });
    one.join();
    two.join();
    three.join();
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(last.is_cancellation_requested());
  }
}

template <class S>
concept gives_a_token = requires(S&& s) {
  std::forward<S>(s).token();
};
static_assert(gives_a_token<source&> && gives_a_token<source const&>);
static_assert(!gives_a_token<source> && !gives_a_token<source const>, "a temporary's timer would never fire");

}  // namespace
}  // namespace cts::test
