// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stress of the bridges: each beside cancels that come at any moment. Nothing may be lost: every wait ends, every
/// coroutine goes on or is destroyed, every callback runs at most once. A lost wake-up hangs, and the test's time ends.
#include "stress.hpp"

#include <gtest/gtest.h>

#if __has_include(<asio.hpp>)
#define ASIO_DISABLE_FENCED_BLOCK  // ThreadSanitizer knows no fences; the operations are ordered by locks anyway
#include <asio.hpp>

#include "cts/asio.hpp"
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <csignal>
#endif

#include <array>
#include <coroutine>
#include <deque>
#include <exception>
#include <mutex>
#include <sstream>

#include "cts/cancel_on_exit.hpp"
#include "cts/coroutine.hpp"
#include "cts/cts.h"
#include "cts/cts.hpp"
#include "cts/dump.hpp"
#include "cts/jthread.hpp"
#include "cts/posix_signal.hpp"
#include "cts/std_stop_token.hpp"
#include "cts/stop_token.hpp"
#include "cts/wait.hpp"

namespace {

using namespace stress;
using namespace std::chrono_literals;

/// Repeats `round(n)` until the time is over.
template <class Round>
std::uint64_t repeat(Round round) {
  auto const deadline = std::chrono::steady_clock::now() + duration();
  std::uint64_t n = 0;
  for (; std::chrono::steady_clock::now() < deadline; ++n) round(n);
  return n;
}

TEST(bridges, jthreads_are_stopped_and_joined) {
  std::uint64_t const rounds = repeat([](std::uint64_t n) {
    std::atomic<int> called = 0, seen = 0;
    {
      cts::jthread worker([&](cts::stop_token token) {
        cts::stop_callback const c(token, [&] { ++called; });
        while (!token.stop_requested()) std::this_thread::yield();
        ++seen;
      });
      cts::jthread const other([&, source = worker.get_stop_source()]() mutable {
        if (n % 2 == 0) source.request_stop();
      });
      if (n % 3 == 0) worker.request_stop();
    }
    EXPECT_EQ(seen, 1);
    EXPECT_LE(called, 1);  // 0: stopped before it registered, and then it is called in place
  });
  EXPECT_GT(rounds, 0U);
}

TEST(bridges, waits_lose_no_cancel_and_no_notification) {
  std::uint64_t const rounds = repeat([](std::uint64_t n) {
    std::mutex mutex;
    cts::condition_variable_any changed;
    std::deque<int> queue;
    cts::cancellation_token_source source;
    cts::stop_source stop;
    int sum = 0;
    std::thread consumer([&, token = source.token()] {
      std::unique_lock lock(mutex);
      while (changed.wait(lock, token, [&] { return !queue.empty(); })) {
        sum += queue.front();
        queue.pop_front();
      }
    });
    std::thread sleeper([&] { cts::sleep_for(source.token(), 1h); });
    std::thread any([&] {
      std::array const tokens{source.token(), source.token()};
      n % 2 == 0 ? cts::wait_any(stop.get_token(), source.token()) : cts::wait_any(tokens);
    });
    for (int i = 1; i <= 3; ++i) {
      std::lock_guard const hold(mutex);
      queue.push_back(i);
      changed.notify_one();
    }
    source.cancel();
    consumer.join();
    sleeper.join();
    any.join();
    EXPECT_EQ(sum, 6);
  });
  EXPECT_GT(rounds, 0U);
}

struct task {
  struct promise_type {
    task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> frame;
};
task await_gate(cts::cancellation_token token, cts::resume_gate& gate, std::atomic<int>& resumed) {
  co_await cts::canceled(token, gate);
  ++resumed;
}

TEST(bridges, coroutines_go_on_or_are_destroyed) {
  std::unique_ptr<cts::cancellation_token_source> source;
  std::unique_ptr<cts::resume_gate> gate;
  task waiting{};
  std::atomic<int> resumed = 0;
  bool closed = false;
  std::uint64_t rounds = 0;
  run_rounds(
      2,
      [&](std::uint64_t) {
        source = std::make_unique<cts::cancellation_token_source>();
        gate = std::make_unique<cts::resume_gate>();
        resumed = 0;
        closed = false;
        waiting = await_gate(source->token(), *gate, resumed);
      },
      [&](unsigned me, std::uint64_t) {
        if (me == 0) source->cancel();
        else if (gate->close()) {
          closed = true;
          waiting.frame.destroy();
        }
      },
      [&](std::uint64_t) {
        EXPECT_EQ(resumed, closed ? 0 : 1);
        if (!closed) waiting.frame.destroy();
        ++rounds;
      });
  EXPECT_GT(rounds, 0U);
}

task await_executor(cts::cancellation_token token, std::vector<std::thread>& threads, std::atomic<int>& resumed) {
  auto executor = [&threads](cts::resumption r) { threads.emplace_back([r = std::move(r)]() mutable { r(); }); };
  co_await cts::canceled(token, executor);
  ++resumed;
}

TEST(bridges, coroutines_go_on_through_an_executor) {
  EXPECT_GT(repeat([](std::uint64_t) {
              cts::cancellation_token_source source;
              std::vector<std::thread> threads;
              std::atomic<int> resumed = 0;
              task const waiting = await_executor(source.token(), threads, resumed);
              source.cancel();
              for (auto& t : threads) t.join();
              EXPECT_EQ(resumed, 1);
              waiting.frame.destroy();
            }),
            0U);
}

#if CTS_HAS_STD_STOP_TOKEN
TEST(bridges, std_stop_tokens_hear_of_every_cancel) {
  EXPECT_GT(repeat([](std::uint64_t n) {
              cts::cancellation_token_source source;
              auto bridge = std::make_unique<cts::std_stop_bridge>(source.token());
              std::stop_token const token = bridge->get_token();
              std::atomic<int> called = 0;
              std::thread canceller([&] { source.cancel(); });
              std::stop_callback const c(token, [&] { ++called; });
              if (n % 2 == 0) bridge.reset();
              canceller.join();
              if (n % 2 != 0) {
                EXPECT_TRUE(token.stop_requested());
                EXPECT_EQ(called, 1);
              }
              EXPECT_LE(called, 1);
            }),
            0U);
}
#endif

TEST(bridges, scopes_cancel_at_their_end) {
  EXPECT_GT(repeat([](std::uint64_t) {
              cts::cancellation_token_source source;
              cts::jthread const helper([token = source.token()] { cts::sleep_for(token, 1h); });
              cts::cancel_on_exit const guard(source);
            }),
            0U);
}

#if __has_include(<asio.hpp>)
TEST(bridges, asio_operations_complete_once) {
  EXPECT_GT(repeat([](std::uint64_t n) {
              asio::thread_pool pool(2);
              cts::cancellation_token_source source;
              std::atomic<int> completed = 0;
              constexpr int operations = 8;
              std::vector<std::unique_ptr<asio::steady_timer>> timers;
              for (int i = 0; i < operations; ++i) {
                auto const strand = asio::make_strand(pool);
                auto const due = i % 2 == 0 ? std::chrono::microseconds((n * 7 + static_cast<unsigned>(i)) % 50)
                                            : std::chrono::microseconds(1h);
                timers.push_back(std::make_unique<asio::steady_timer>(strand, due));
                timers.back()->async_wait(cts::bind_cancellation(
                    source.token(), asio::bind_executor(strand, [&](asio::error_code) { ++completed; })));
              }
              source.cancel();
              pool.join();
              EXPECT_EQ(completed, operations);
            }),
            0U);
}
#endif

#if defined(__unix__) || defined(__APPLE__)
TEST(bridges, signals_cancel_once) {
  EXPECT_GT(repeat([](std::uint64_t) {
              std::atomic<int> ran = 0;
              cts::signal_cancellation const stop({SIGUSR1});
              cts::cancellation_callback const c(stop.token(), [&] { ++ran; });
              std::raise(SIGUSR1);
              EXPECT_FALSE(cts::sleep_for(stop.token(), 1h));
              while (ran == 0) std::this_thread::yield();
              EXPECT_EQ(ran, 1);
              EXPECT_EQ(stop.signal(), SIGUSR1);
            }),
            0U);
}
#endif

void count_run(void* to) { ++*static_cast<std::atomic<int>*>(to); }

TEST(bridges, the_c_interface_loses_nothing) {
  EXPECT_GT(repeat([](std::uint64_t n) {
              cts_source *source = nullptr, *child = nullptr;
              cts_token *token = nullptr, *of_child = nullptr;
              cts_registration* registration = nullptr;
              std::atomic<int> ran = 0;
              ASSERT_EQ(cts_source_create(&source), CTS_OK);
              ASSERT_EQ(cts_token_of(source, &token), CTS_OK);
              cts_token const* const parents[] = {token};
              ASSERT_EQ(cts_source_create_linked(parents, 1, &child), CTS_OK);
              ASSERT_EQ(cts_token_of(child, &of_child), CTS_OK);
              ASSERT_EQ(cts_register(of_child, &count_run, &ran, &registration), CTS_OK);
              std::thread waiter([&] { EXPECT_EQ(cts_token_wait_ms(of_child, -1), CTS_OK); });
              std::thread canceller([&] { EXPECT_EQ(cts_source_cancel(source), CTS_OK); });
              if (n % 2 == 0) cts_registration_dispose(registration);
              int const before = ran;
              waiter.join();
              canceller.join();
              if (n % 2 == 0) EXPECT_EQ(ran, before);
              else EXPECT_EQ(ran, 1);
              if (n % 2 != 0) cts_registration_dispose(registration);
              cts_token_destroy(of_child);
              cts_token_destroy(token);
              cts_source_destroy(child);
              cts_source_destroy(source);
            }),
            0U);
}

TEST(bridges, dumps_beside_everything) {
  EXPECT_GT(repeat([](std::uint64_t) {
              cts::cancellation_token_source parent;
              auto source = cts::cancellation_token_source::create_linked(parent.token());
              std::thread user([&, token = source.token()] {
                for (int i = 0; i < 20; ++i) {
                  cts::cancellation_callback const a(token, [] {});
                  auto const b = token.register_callback([] {});
                }
              });
              std::thread canceller([&] { parent.cancel(); });
              for (int i = 0; i < 5; ++i) {
                std::ostringstream out;
                cts::dump(source, out);
                EXPECT_NE(out.str().find(" links=1 "), std::string::npos);
              }
              user.join();
              canceller.join();
            }),
            0U);
}

}  // namespace
