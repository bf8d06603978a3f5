// SPDX-License-Identifier: BSL-1.0
// cancel_async(executor) and post_to(executor, f).
#include <deque>
#include <optional>
#include <set>

#include "cts/post_to.hpp"
#include "cts/stop_token.hpp"
#include "cts/token_traits.hpp"
#include "rules.hpp"

namespace cts::test {
namespace {

/// A move-only function, as an executor keeps it.
class task {
 public:
  template <class F>
  explicit task(F f) : call_(std::make_unique<holder<F>>(std::move(f))) {
    static_assert(!std::is_copy_constructible_v<F> && std::is_nothrow_destructible_v<F>);
  }
  void operator()() { call_->run(); }

 private:
  struct base {
    virtual ~base() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct holder : base {
    explicit holder(F f) : f_(std::move(f)) {}
    void run() override { f_(); }
    F f_;
  };
  std::unique_ptr<base> call_;
};
/// An executor that keeps what it is given until it is told to run it.
struct queue {
  std::deque<task> tasks;
  auto executor() {
    return [this](auto f) { tasks.emplace_back(std::move(f)); };
  }
  int run() {
    int n = 0;
    for (; !tasks.empty(); ++n) {
      task t = std::move(tasks.front());
      tasks.pop_front();
      t();
    }
    return n;
  }
};
bool is_ready(std::future<void> const& f) { return f.wait_for(0s) == std::future_status::ready; }

TEST(CancelAsyncOnAnExecutor, LeavesTheCallbacksToIt) {
  queue q;
  source s;
  std::vector<int> order;
  auto const a = s.token().register_callback([&] { order.push_back(1); });
  auto const b = s.token().register_callback([&] { order.push_back(2); });
  auto c = s.token().register_callback([&] { order.push_back(3); });
  auto done = s.cancel_async(q.executor());
  EXPECT_TRUE(s.is_cancellation_requested());
  EXPECT_TRUE(order.empty());
  EXPECT_FALSE(is_ready(done));
  EXPECT_TRUE(c.unregister()) << "it has not begun: R41";
  EXPECT_EQ(q.run(), 1);
  EXPECT_EQ(order, (std::vector{2, 1}));
  EXPECT_TRUE(is_ready(done));
  EXPECT_EQ(thrown([&] { done.get(); }), "nothing");
  EXPECT_EQ(s.token().cause(), cancellation_cause::requested);
}
TEST(CancelAsyncOnAnExecutor, MayRunThemAtOnce) {
  source s;
  int runs = 0;
  auto const a = s.token().register_callback([&] { ++runs; });
  EXPECT_TRUE(is_ready(s.cancel_async([](auto f) { f(); })));
  EXPECT_EQ(runs, 1);
}
TEST(CancelAsyncOnAnExecutor, IsNotAskedIfThereIsNothingToDo) {  // R36, R38, R40
  auto const never = [](auto) { FAIL(); };
  source empty, canceled, disposed;
  canceled.cancel();
  disposed.dispose();
  EXPECT_TRUE(is_ready(empty.cancel_async(never)));
  EXPECT_TRUE(empty.is_cancellation_requested());
  EXPECT_TRUE(is_ready(canceled.cancel_async(never)));
  EXPECT_THROW(disposed.cancel_async(never).get(), object_disposed);
}
TEST(CancelAsyncOnAnExecutor, TheFutureHasTheExceptionsOfTheCallbacks) {
  queue q;
  source s;
  auto const a = s.token().register_callback([] { throw 1; });
  auto const b = s.token().register_callback([] { throw 2; });
  auto done = s.cancel_async(q.executor());
  q.run();
  EXPECT_EQ(thrown([&] { done.get(); }), "[2 1]");
}
TEST(CancelAsyncOnAnExecutor, ThatDropsTheFunctionRunsTheCallbacksThere) {
  source s;
  int runs = 0;
  auto const a = s.token().register_callback([&] { ++runs; });
  auto done = s.cancel_async([](auto) {});
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(is_ready(done));

  auto q = std::make_unique<queue>();
  source later;
  auto const b = later.token().register_callback([&] { ++runs; });
  done = later.cancel_async(q->executor());
  EXPECT_EQ(runs, 1);
  q.reset();
  EXPECT_EQ(runs, 2);
  EXPECT_TRUE(is_ready(done));
}
TEST(CancelAsyncOnAnExecutor, ThatThrowsHasLostNoCallback) {
  source s;
  int runs = 0;
  auto const a = s.token().register_callback([&] { ++runs; });
  EXPECT_EQ(thrown([&] { s.cancel_async([](auto) { throw 5; }); }), "5");
  EXPECT_TRUE(s.is_cancellation_requested());
  EXPECT_EQ(runs, 1);

  queue q;
  source kept;
  auto const b = kept.token().register_callback([&] { ++runs; });
  EXPECT_EQ(thrown([&] {
              kept.cancel_async([&](auto f) {
                q.executor()(std::move(f));
                throw 6;
              });
            }),
            "6");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(q.run(), 1);
  EXPECT_EQ(runs, 2);
}
TEST(CancelAsyncOnAnExecutor, RunsThemIfTheSourceIsDisposedMeanwhile) {  // R42
  queue q;
  int runs = 0;
  std::optional<source> s(std::in_place);
  auto const a = s->token().register_callback([&] { ++runs; });
  auto done = s->cancel_async(q.executor());
  s.reset();
  q.run();
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(is_ready(done));
}
TEST(CancelAsyncOnAnExecutor, ACallbackThatItRunsAtOnceMayEndTheSource) {  // R34
  std::optional<source> s(std::in_place);
  s->token().register_callback([&] { s.reset(); }).detach();
  EXPECT_TRUE(is_ready(s->cancel_async([](auto f) { f(); })));
}
TEST(CancelAsyncOnAnExecutor, ANullOneIsRefusedBeforeAnythingIsDone) {
  source s;
  std::function<void(std::shared_ptr<int>)> const other;
  void (*null)(detail::posted_cancel) = nullptr;
  EXPECT_THROW(s.cancel_async(null), std::invalid_argument);
  EXPECT_FALSE(s.is_cancellation_requested());
}
TEST(CancelAsyncOnAnExecutor, OnAnotherThreadBesideDispose) {
  for (int round = 0; round < 200; ++round) {
    std::optional<source> s(std::in_place);
    std::atomic<int> runs{0};
    s->token().register_callback([&] { ++runs; }).detach();
    std::thread worker;
    auto done = s->cancel_async([&](auto f) { worker = std::thread(std::move(f)); });
    s.reset();
    done.wait();
    EXPECT_EQ(runs, 1);
    worker.join();
  }
}

TEST(PostTo, GivesTheCallbackToTheExecutor) {
  queue q;
  source s;
  std::vector<int> order;
  auto const a = s.token().register_callback(post_to(q.executor(), [&] { order.push_back(1); }));
  auto const b = s.token().register_callback([&] { order.push_back(2); });
  s.cancel();
  EXPECT_EQ(order, (std::vector{2}));
  EXPECT_EQ(q.run(), 1);
  EXPECT_EQ(order, (std::vector{2, 1}));
}
TEST(PostTo, PassesTheTokenIfTheCallbackTakesOne) {  // R35
  queue q;
  source s;
  token seen;
  int both = 0;
  struct takes_both {
    int* n;
    void operator()() const { *n = 1; }
    void operator()(token const&) const { *n = 2; }
  };
  auto const a = s.token().register_callback(post_to(q.executor(), [&](token t) { seen = std::move(t); }));
  auto const b = s.token().register_callback(post_to(q.executor(), takes_both{&both}));
  s.cancel();
  q.run();
  EXPECT_EQ(seen, s.token());
  EXPECT_EQ(both, 2);
}
TEST(PostTo, IsForEveryRegistrationOfEveryToken) {
  queue q;
  int runs = 0;
  auto const count = [&] { ++runs; };
  source s;
  stop_source stop;
  inplace_stop_source inplace;
  cancellation_callback const a(s.token(), post_to(q.executor(), count));
  auto const b = s.token().try_register(post_to(q.executor(), count));
  stop_callback const c(stop.get_token(), post_to(q.executor(), count));
  inplace_stop_callback const d(inplace.get_token(), post_to(q.executor(), count));
#if CTS_HAS_STD_STOP_TOKEN
  std::stop_source standard;
  std::stop_callback const e(standard.get_token(), post_to(q.executor(), count));
  standard.request_stop();
#else
  ++runs;
#endif
  s.cancel();
  stop.request_stop();
  inplace.request_stop();
  EXPECT_LE(runs, 1);
  q.run();
  EXPECT_EQ(runs, 5);
}
TEST(PostTo, WhatIsTakenBackBeforeTheCancelNeverRuns) {
  queue q;
  source s;
  auto a = s.token().register_callback(post_to(q.executor(), [] { FAIL(); }));
  EXPECT_TRUE(a.unregister());
  s.cancel();
  EXPECT_EQ(q.run(), 0);
}
TEST(PostTo, WhatIsOnItsWayRunsAfterDispose) {
  queue q;
  auto const runs = std::make_shared<int>(0);
  {
    source s;
    auto a = s.token().register_callback(post_to(q.executor(), [runs] { ++*runs; }));
    s.cancel();
    EXPECT_FALSE(a.unregister());
    a.dispose();  // does not wait for the executor
  }
  EXPECT_EQ(*runs, 0);
  q.run();
  EXPECT_EQ(*runs, 1);
  EXPECT_EQ(runs.use_count(), 1) << "the callback has been destroyed";
}
TEST(PostTo, ACanceledTokenPostsAtOnce) {
  queue q;
  int runs = 0;
  EXPECT_FALSE(token(true).register_callback(post_to(q.executor(), [&] { ++runs; })));
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(q.run(), 1);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(thrown([] { (void)token(true).register_callback(post_to([](auto) { throw 3; }, [] { FAIL(); })); }), "3");
}
TEST(PostTo, AnExecutorThatThrowsIsCollected) {  // R28
  source s;
  int runs = 0;
  auto const a = s.token().register_callback([&] { ++runs; });
  auto const b = s.token().register_callback(post_to([](auto) { throw 4; }, [] { FAIL() << "it was dropped"; }));
  EXPECT_EQ(thrown([&] { s.cancel(); }), "[4]");
  EXPECT_EQ(runs, 1);
}
TEST(PostTo, AnExecutorThatDropsTheFunctionHasDestroyedTheCallback) {
  source s;
  auto const held = std::make_shared<int>(0);
  auto const a = s.token().register_callback(post_to([](auto) {}, [held] { FAIL() << "it was dropped"; }));
  s.cancel();
  EXPECT_EQ(held.use_count(), 1);
}
TEST(PostTo, AnExceptionOfTheCallbackIsTheExecutors) {
  queue q;
  source s;
  auto const a = s.token().register_callback(post_to(q.executor(), [] { throw 8; }));
  s.cancel();
  EXPECT_EQ(thrown([&] { q.run(); }), "8");
}
/// An executor that uses itself after it has run what it was given.
struct at_once {
  at_once() { alive.insert(this); }
  at_once(at_once const&) { alive.insert(this); }
  at_once& operator=(at_once const&) = default;
  ~at_once() { alive.erase(this); }
  template <class F>
  void operator()(F f) const {
    f();
    EXPECT_TRUE(alive.contains(this));
  }
  static inline std::set<at_once const*> alive;
};
TEST(PostTo, AnExecutorThatRunsAtOnceMayEndTheRegistration) {
  source s;
  std::function<void()> end;
  auto const run = [&end] { end(); };
  using callback = cancellation_callback<decltype(post_to(at_once(), run))>;
  auto c = std::make_unique<callback>(s.token(), post_to(at_once(), run));
  end = [&c] { c.reset(); };
  s.cancel();
  EXPECT_EQ(c, nullptr);
}
TEST(PostTo, TakesWhatIsMoveOnlyOrCalledOnce) {
  queue q;
  source s;
  int seen = 0;
  struct once {
    std::unique_ptr<int> value;
    int* seen;
    void operator()() && { *seen += *value; }
  };
  auto const a = s.token().register_callback(post_to(q.executor(), once{std::make_unique<int>(5), &seen}));
  auto const b =
      s.token().register_callback(post_to([move_only = std::make_unique<int>(0)](auto f) { f(); }, [&] { ++seen; }));
  s.cancel();
  q.run();
  EXPECT_EQ(seen, 6);
}
TEST(PostTo, RefusesNull) {
  using function = void (*)();
  auto const run = [](auto f) { f(); };
  EXPECT_THROW((void)post_to(run, function(nullptr)), std::invalid_argument);
  EXPECT_THROW((void)post_to(run, std::function<void()>()), std::invalid_argument);
  std::function<void(std::function<void()>)> const null;
  EXPECT_THROW((void)post_to(null, [] {}), std::invalid_argument);
}

}  // namespace
}  // namespace cts::test
