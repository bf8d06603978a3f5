// SPDX-License-Identifier: BSL-1.0
/// @file
/// co_await cts::canceled(token). G24
#include "cts/coroutine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "cts/aggregate_exception.hpp"
#include "cts/cancellation_token_source.hpp"

namespace {

/// A coroutine that starts at once, stays at its end, and belongs to its owner.
struct owned {
  struct promise_type {
    owned get_return_object() { return owned(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  explicit owned(std::coroutine_handle<promise_type> h) : handle(h) {}
  owned(owned&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  owned& operator=(owned&&) = delete;
  ~owned() { destroy(); }
  void destroy() {
    if (handle) std::exchange(handle, nullptr).destroy();
  }
  bool done() const { return handle.done(); }
  std::coroutine_handle<promise_type> handle;
};
/// A coroutine that ends by itself.
struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

/// Runs what it is given on one thread.
class loop {
 public:
  loop() : thread_([this] { run(); }) {}
  ~loop() {
    post(nullptr);
    thread_.join();
  }
  void post(std::function<void()> f) {
    std::lock_guard const hold(mutex_);
    queue_.push_back(std::move(f));
    changed_.notify_one();
  }
  std::thread::id id() const { return thread_.get_id(); }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !queue_.empty(); });
      auto const f = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (!f) return;
      f();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::thread thread_;
};
/// An executor that posts to a loop. std::function wants copies, so the resumption is shared.
struct on_loop {
  loop* to;
  void operator()(cts::resumption r) const {
    to->post([r = std::make_shared<cts::resumption>(std::move(r))] { (*r)(); });
  }
};

owned wait_for(cts::cancellation_token token, int& steps) {
  steps = 1;
  co_await cts::canceled(std::move(token));
  steps = 2;
}

static_assert(std::is_move_constructible_v<cts::resumption> && !std::is_copy_constructible_v<cts::resumption>);
static_assert(!std::is_copy_constructible_v<cts::resume_gate>);

TEST(Canceled, IsReadyIfTheTokenIsCanceled) {
  int steps = 0;
  owned const c = wait_for(cts::cancellation_token(true), steps);
  EXPECT_EQ(steps, 2);
  EXPECT_TRUE(c.done());
}

TEST(Canceled, SuspendsUntilCancelAndResumesInside) {
  cts::cancellation_token_source source;
  int steps = 0;
  owned const c = wait_for(source.token(), steps);
  EXPECT_EQ(steps, 1);
  EXPECT_FALSE(c.done());
  EXPECT_EQ(source.registration_count(), 1U);
  source.cancel();
  EXPECT_EQ(steps, 2);
  EXPECT_TRUE(c.done());
}

TEST(Canceled, NeverResumesForATokenThatCannotBeCanceled) {
  int steps = 0;
  owned const c = wait_for(cts::cancellation_token::none(), steps);
  EXPECT_EQ(steps, 1);
}

TEST(Canceled, IsResumedByTheThreadThatCancels) {
  cts::cancellation_token_source source;
  std::thread::id resumed_on;
  auto const body = [](cts::cancellation_token token, std::thread::id& where) -> owned {
    co_await cts::canceled(token);
    where = std::this_thread::get_id();
  };
  owned const c = body(source.token(), resumed_on);
  std::thread canceller([&] { source.cancel(); });
  auto const id = canceller.get_id();
  canceller.join();
  EXPECT_EQ(resumed_on, id);
}

TEST(Canceled, ALocalFrameMayEndInsideTheCancel) {
  cts::cancellation_token_source source;
  int ended = 0;
  struct at_end {
    int& n;
    ~at_end() { ++n; }
  };
  auto const body = [](cts::cancellation_token token, int& n) -> detached {
    at_end const e{n};
    co_await cts::canceled(token);
  };
  for (int i = 0; i < 5; ++i) body(source.token(), ended);
  EXPECT_EQ(ended, 0);
  source.cancel();
  EXPECT_EQ(ended, 5);
}

TEST(Canceled, ACoroutineMayEndTheSource) {
  auto source = std::make_unique<cts::cancellation_token_source>();
  auto const body = [](std::unique_ptr<cts::cancellation_token_source>& s) -> detached {
    co_await cts::canceled(s->token());
    s.reset();
  };
  body(source);
  source->cancel();
  EXPECT_EQ(source, nullptr);
}

TEST(Canceled, DestroyingASuspendedFrameTakesTheRegistrationBack) {
  cts::cancellation_token_source source;
  int steps = 0;
  {
    owned const c = wait_for(source.token(), steps);
    EXPECT_EQ(source.registration_count(), 1U);
  }
  EXPECT_EQ(source.registration_count(), 0U);
  source.cancel();
  EXPECT_EQ(steps, 1);
}

TEST(Canceled, OneCoroutineAfterTheOtherCancel) {
  std::array<cts::cancellation_token_source, 3> sources;
  int steps = 0;
  auto const body = [](std::array<cts::cancellation_token_source, 3>& all, int& n) -> owned {
    for (auto& s : all) {
      co_await cts::canceled(s.token());
      ++n;
    }
  };
  owned const c = body(sources, steps);
  for (auto& s : sources) {
    int const before = steps;
    s.cancel();
    EXPECT_EQ(steps, before + 1);
  }
  EXPECT_TRUE(c.done());
}

TEST(Canceled, AnExceptionThatLeavesTheCoroutineIsCollectedByCancel) {
  cts::cancellation_token_source source;
  auto const body = [](cts::cancellation_token token) -> owned {
    co_await cts::canceled(token);
    token.throw_if_cancellation_requested();
  };
  owned const c = body(source.token());
  try {
    source.cancel();
    FAIL() << "the exception of the coroutine is lost";
  } catch (cts::aggregate_exception const& e) {
    ASSERT_EQ(e.inner_exceptions().size(), 1U);
    EXPECT_THROW(std::rethrow_exception(e.inner_exceptions()[0]), cts::operation_canceled);
  }
  EXPECT_TRUE(c.done());
}

TEST(CanceledOnAnExecutor, ResumesThere) {
  loop there;
  cts::cancellation_token_source source;
  std::atomic<bool> done = false;
  std::thread::id resumed_on;
  auto const body = [](cts::cancellation_token token, on_loop e, std::thread::id& where,
                       std::atomic<bool>& end) -> detached {
    co_await cts::canceled(token, e);
    where = std::this_thread::get_id();
    end = true;
  };
  body(source.token(), on_loop{&there}, resumed_on, done);
  source.cancel();
  while (!done) std::this_thread::yield();
  EXPECT_EQ(resumed_on, there.id());
}

TEST(CanceledOnAnExecutor, TakesMoveOnlyExecutors) {
  cts::cancellation_token_source source;
  std::optional<cts::resumption> kept;
  bool done = false;
  auto const body = [](cts::cancellation_token token, std::optional<cts::resumption>& to, bool& end) -> owned {
    // Named, because GCC 12 destroys what a lambda in the operand of co_await has captured twice.
    auto keep = [&to, p = std::make_unique<int>(1)](cts::resumption r) { to.emplace(std::move(r)); };
    co_await cts::canceled(token, std::move(keep));
    end = true;
  };
  owned const c = body(source.token(), kept, done);
  source.cancel();
  ASSERT_TRUE(kept.has_value());
  EXPECT_FALSE(done);
  (*kept)();
  EXPECT_TRUE(done);
}

TEST(CanceledOnAnExecutor, OutlivesTheFrameThatHeldIt) {
  cts::cancellation_token_source source;
  int read = 0;
  auto const body = [](cts::cancellation_token token, int& to) -> detached {
    auto at_once = [&to, p = std::make_unique<int>(7)](cts::resumption r) {
      r();  // the coroutine ends, and its frame with it
      to = *p;
    };
    co_await cts::canceled(token, std::move(at_once));
  };
  body(source.token(), read);
  source.cancel();
  EXPECT_EQ(read, 7);
}

TEST(CanceledOnAnExecutor, AResumptionThatIsDroppedLeavesTheFrameToItsOwner) {
  cts::cancellation_token_source source;
  bool done = false;
  auto const body = [](cts::cancellation_token token, bool& end) -> owned {
    co_await cts::canceled(token, [](cts::resumption) {});
    end = true;
  };
  {
    owned const c = body(source.token(), done);
    source.cancel();
    EXPECT_FALSE(c.done());
  }
  EXPECT_FALSE(done);
}

TEST(CanceledOnAnExecutor, ItsExceptionIsCollectedByCancel) {
  cts::cancellation_token_source source;
  auto const body = [](cts::cancellation_token token) -> owned {
    co_await cts::canceled(token, [](cts::resumption) { throw std::runtime_error("full"); });
  };
  owned const c = body(source.token());
  EXPECT_THROW(source.cancel(), cts::aggregate_exception);
  EXPECT_FALSE(c.done());
}

TEST(ResumeGate, LetsEitherSideHaveTheFrame) {
  cts::cancellation_token_source canceled_first, closed_first;
  cts::resume_gate a, b;
  int steps = 0;
  auto const body = [](cts::cancellation_token token, cts::resume_gate& gate, int& n) -> owned {
    co_await cts::canceled(token, gate);
    ++n;
  };
  owned first = body(canceled_first.token(), a, steps);
  canceled_first.cancel();
  EXPECT_FALSE(a.close());
  EXPECT_EQ(steps, 1);
  owned second = body(closed_first.token(), b, steps);
  EXPECT_TRUE(b.close());
  closed_first.cancel();
  EXPECT_EQ(steps, 1);
  EXPECT_FALSE(second.done());
}

// --- beside the cancel ---

TEST(CanceledStress, ACoroutineThatSuspendsBesideTheCancelGoesOnOnce) {
  for (int i = 0; i < 3000; ++i) {
    cts::cancellation_token_source source;
    auto const resumed = std::make_shared<std::atomic<int>>(0);
    std::atomic<bool> begun = false;
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      source.cancel();
    });
    auto const body = [](cts::cancellation_token token, std::shared_ptr<std::atomic<int>> n) -> detached {
      int local = 41;
      co_await cts::canceled(std::move(token));
      if (++local == 42) ++*n;
    };
    begun = true;
    body(source.token(), resumed);
    canceller.join();
    EXPECT_EQ(*resumed, 1);
  }
}

TEST(CanceledStress, AFrameThatIsDestroyedBesideTheCancelIsDestroyedOrResumed) {
  int destroyed = 0;
  for (int i = 0; i < 3000; ++i) {
    cts::cancellation_token_source source;
    cts::resume_gate gate;
    std::atomic<int> resumed = 0;
    std::atomic<bool> begun = false;
    auto const body = [](cts::cancellation_token token, cts::resume_gate& g, std::atomic<int>& n) -> owned {
      co_await cts::canceled(std::move(token), g);
      ++n;
    };
    owned c = body(source.token(), gate, resumed);
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      source.cancel();
    });
    begun = true;
    if (i % 3 == 0) std::this_thread::yield();
    bool const mine = gate.close();
    if (mine) c.destroy();
    canceller.join();
    EXPECT_EQ(resumed, mine ? 0 : 1);
    destroyed += mine ? 1 : 0;
  }
  RecordProperty("destroyed", destroyed);
}

TEST(CanceledStress, TheOwnersLoopDestroysBesideCancelsOfOthers) {
  loop there;
  for (int i = 0; i < 500; ++i) {
    cts::cancellation_token_source source;
    auto const gate = std::make_shared<cts::resume_gate>();
    std::atomic<int> resumed = 0, destroyed = 0;
    auto const body = [](cts::cancellation_token token, loop& l, std::shared_ptr<cts::resume_gate> g,
                         std::atomic<int>& n) -> owned {
      auto const post = [&l, g](cts::resumption r) {
        l.post([g, r = std::make_shared<cts::resumption>(std::move(r))] {
          if (g->try_pass()) (*r)();
        });
      };
      co_await cts::canceled(std::move(token), post);
      ++n;
    };
    std::optional<owned> c;
    std::atomic<bool> made = false, ended = false;
    there.post([&] {
      c.emplace(body(source.token(), there, gate, resumed));
      made = true;
    });
    while (!made) std::this_thread::yield();
    std::thread canceller([&] { source.cancel(); });
    there.post([&] {
      if (gate->close()) ++destroyed;
      c.reset();  // suspended for good, or at its end
      ended = true;
    });
    canceller.join();
    while (!ended) std::this_thread::yield();
    std::atomic<bool> drained = false;
    there.post([&] { drained = true; });
    while (!drained) std::this_thread::yield();
    EXPECT_EQ(resumed + destroyed, 1);
  }
}

}  // namespace
