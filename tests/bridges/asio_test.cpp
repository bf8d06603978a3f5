// SPDX-License-Identifier: BSL-1.0
// Asio operations that a token cancels: timers, sockets, composed operations, coroutines, many threads, and operations
// that end at the moment of the cancel. Built for standalone Asio and for Boost.Asio.
#include "cts/asio.hpp"

#include <gtest/gtest.h>

#ifdef CTS_USE_BOOST_ASIO
#include <boost/asio.hpp>
namespace net = boost::asio;
using error_code = boost::system::error_code;
using system_error = boost::system::system_error;
#else
#include <asio.hpp>
namespace net = asio;
using error_code = std::error_code;
using system_error = std::system_error;
#endif

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "cts/cts.hpp"

namespace {

using namespace std::chrono_literals;

TEST(Asio, ATimerEndsWhenTheTokenIsCanceledOnAnotherThread) {
  net::io_context context(1);
  net::steady_timer timer(context, 1h);
  cts::cancellation_token_source source;
  std::optional<error_code> result;
  std::thread::id ran_on;
  timer.async_wait(cts::bind_cancellation(source.token(), [&](error_code e) {
    result = e;
    ran_on = std::this_thread::get_id();
  }));
  std::thread canceller([&] { source.cancel(); });
  context.run();
  canceller.join();
  EXPECT_EQ(result, net::error::operation_aborted);
  EXPECT_EQ(ran_on, std::this_thread::get_id()) << "the handler must run on its executor, not on the canceller";
}

TEST(Asio, ACanceledTokenEndsTheOperationAtOnce) {
  net::io_context context(1);
  net::steady_timer timer(context, 1h);
  cts::cancellation_token_source source;
  source.cancel();
  std::optional<error_code> result;
  timer.async_wait(cts::bind_cancellation(source.token(), [&](error_code e) { result = e; }));
  EXPECT_FALSE(result) << "a handler never runs inside the initiating function";
  context.run();
  EXPECT_EQ(result, net::error::operation_aborted);
}

TEST(Asio, AnOperationThatCompletesLeavesNoRegistrationBehind) {
  net::io_context context(1);
  cts::cancellation_token_source source;
  int completed = 0;
  for (int i = 0; i < 100; ++i) {
    net::steady_timer timer(context, 0ms);
    timer.async_wait(cts::bind_cancellation(source.token(), [&](error_code e) { completed += !e; }));
    context.run();
    context.restart();
  }
  EXPECT_EQ(completed, 100);
  source.cancel();
  context.run();
}

TEST(Asio, ATokenThatCannotBeCanceledChangesNothing) {
  net::io_context context(1);
  net::steady_timer timer(context, 0ms);
  std::optional<error_code> result;
  timer.async_wait(cts::bind_cancellation(cts::cancellation_token(), [&](error_code e) { result = e; }));
  context.run();
  EXPECT_EQ(result, error_code());
}

TEST(Asio, FuturesThrowOperationAborted) {
  net::io_context context;
  auto const work = net::make_work_guard(context);
  std::thread runner([&] { context.run(); });
  net::steady_timer timer(context, 1h);
  cts::cancellation_token_source source;
  std::future<void> done = timer.async_wait(cts::bind_cancellation(source.token(), net::use_future));
  source.cancel();
  try {
    done.get();
    ADD_FAILURE() << "the wait ended without an error";
  } catch (system_error const& e) { EXPECT_EQ(e.code(), net::error::operation_aborted); }
  context.stop();
  runner.join();
}

struct connection {
  explicit connection(net::io_context& context)
      : acceptor(context, {net::ip::address_v4::loopback(), 0}), client(context), server(context) {
    client.connect(acceptor.local_endpoint());
    acceptor.accept(server);
  }
  net::ip::tcp::acceptor acceptor;
  net::ip::tcp::socket client, server;
};

TEST(Asio, AReadOfASocketEnds) {
  net::io_context context(1);
  connection c(context);
  cts::cancellation_token_source source;
  std::array<char, 8> buffer{};
  std::optional<error_code> result;
  c.client.async_read_some(net::buffer(buffer),
                           cts::bind_cancellation(source.token(), [&](error_code e, std::size_t) { result = e; }));
  source.cancel_after(1ms);
  context.run();
  EXPECT_EQ(result, net::error::operation_aborted);
}

TEST(Asio, AComposedReadEndsBetweenItsParts) {
  net::io_context context(1);
  connection c(context);
  cts::cancellation_token_source source;
  std::array<char, 8> buffer{};
  std::optional<error_code> result;
  std::size_t read = 0;
  net::async_read(c.client, net::buffer(buffer),
                  cts::bind_cancellation(source.token(), [&](error_code e, std::size_t n) {
                    result = e;
                    read = n;
                  }));
  net::write(c.server, net::buffer("abc", 3));
  while (c.client.available() != 0) context.run_one();
  std::thread([&] { source.cancel(); }).join();
  context.run();
  EXPECT_EQ(result, net::error::operation_aborted);
  EXPECT_EQ(read, 3u);
}

#if defined(ASIO_HAS_CO_AWAIT) || defined(BOOST_ASIO_HAS_CO_AWAIT)
TEST(Asio, CoroutinesSeeIt) {
  net::io_context context(1);
  cts::cancellation_token_source source;
  bool aborted = false;
  net::co_spawn(
      context,
      [&]() -> net::awaitable<void> {
        net::steady_timer timer(co_await net::this_coro::executor, 1h);
        try {
          co_await timer.async_wait(cts::bind_cancellation(source.token(), net::use_awaitable));
        } catch (system_error const& e) { aborted = e.code() == net::error::operation_aborted; }
      },
      net::detached);
  context.poll();
  std::thread([&] { source.cancel(); }).join();
  context.run();
  EXPECT_TRUE(aborted);
}
#endif

TEST(Asio, ASlotThatTheHandlerBringsAlongStillWorks) {
  net::io_context context(1);
  net::steady_timer timer(context, 1h);
  cts::cancellation_token_source source;
  net::cancellation_signal outer;
  std::optional<error_code> result;
  timer.async_wait(cts::bind_cancellation(
      source.token(), net::bind_cancellation_slot(outer.slot(), [&](error_code e) { result = e; })));
  outer.emit(net::cancellation_type::terminal);
  context.run();
  EXPECT_EQ(result, net::error::operation_aborted);
  outer.emit(net::cancellation_type::terminal);  // nothing is left in the slot
}

TEST(Asio, AnAbandonedOperationGivesItsRegistrationBack) {
  cts::cancellation_token_source source;
  {
    net::io_context context(1);
    net::steady_timer timer(context, 1h);
    timer.async_wait(cts::bind_cancellation(source.token(), [](error_code) { ADD_FAILURE() << "must not run"; }));
    context.poll();
  }
  source.cancel();
}

/// A handler whose associated memory ends with it.
struct pool {
  bool ended = false;
};
template <class T>
struct pool_allocator {
  using value_type = T;
  explicit pool_allocator(std::shared_ptr<pool> p) noexcept : of(std::move(p)) {}
  template <class U>
  pool_allocator(pool_allocator<U> const& other) noexcept : of(other.of) {}
  T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* p, std::size_t n) {
    EXPECT_FALSE(of->ended) << "memory of the handler is freed after the handler was called";
    std::allocator<T>().deallocate(p, n);
  }
  template <class U>
  bool operator==(pool_allocator<U> const& other) const noexcept {
    return of == other.of;
  }
  std::shared_ptr<pool> of;
};
struct pool_handler {
  using allocator_type = pool_allocator<int>;
  allocator_type get_allocator() const noexcept { return allocator_type(memory); }
  void operator()(error_code) const { memory->ended = true; }
  std::shared_ptr<pool> memory;
};
TEST(Asio, AnEmissionBehindTheCompletionUsesNoMemoryOfTheHandler) {
  net::io_context context(1);
  net::steady_timer timer(context, 0ms);
  cts::cancellation_token_source source;
  auto const memory = std::make_shared<pool>();
  timer.async_wait(cts::bind_cancellation(source.token(), pool_handler{memory}));
  // The timer's completion stands in the queue first, the emission behind it.
  net::post(context, [&] {
    std::this_thread::sleep_for(1ms);
    timer.cancel();
    source.cancel();
  });
  context.run();
  EXPECT_TRUE(memory->ended);
}

TEST(Asio, ASlotOfTheHandlerMayBeEmittedAfterAnAbandonedOperation) {
  cts::cancellation_token_source source;
  net::cancellation_signal outer;
  {
    net::io_context context(1);
    net::steady_timer timer(context, 1h);
    timer.async_wait(cts::bind_cancellation(source.token(), net::bind_cancellation_slot(outer.slot(), [](error_code) {
                                              ADD_FAILURE() << "must not run";
                                            })));
  }
  outer.emit(net::cancellation_type::terminal);
}

/// An operation that keeps its handler in `kept`, or drops it if that is null, and never starts.
template <class Token>
void never_starts(std::shared_ptr<void>* kept, Token&& token) {
  auto initiation = [kept](auto handler) {
    if (kept != nullptr) *kept = std::make_shared<decltype(handler)>(std::move(handler));
  };
  net::async_initiate<std::decay_t<Token>, void(error_code)>(std::move(initiation), token);
}

TEST(Asio, AnOperationThatIsDroppedBeforeItStartsIsGone) {
  for (bool const canceled : {false, true}) {
    net::io_context context(1);
    cts::cancellation_token_source source;
    if (canceled) source.cancel();
    never_starts(nullptr,
                 cts::bind_cancellation(source.token(), net::bind_executor(context.get_executor(), [](error_code) {
                                          ADD_FAILURE() << "must not run";
                                        })));
    EXPECT_EQ(source.registration_count(), 0U);
    source.cancel();
    context.run();
  }
}

/// An executor that ends soon, while a thread is in its post().
struct mortal_executor {
  struct life {
    std::atomic<bool> in_post{false}, abandoned{false}, posted{false};
  };
  net::io_context& context() const noexcept { return *context_; }
  void on_work_started() const noexcept {}
  void on_work_finished() const noexcept {}
  template <class F, class Allocator>
  void post(F&&, Allocator const&) const {
    life_->in_post = true;
    while (!life_->abandoned) std::this_thread::yield();
    std::this_thread::sleep_for(
        20ms);  // the test is exact if the other thread waits, and likely to fail if it does not
    life_->posted = true;
  }
  template <class F, class Allocator>
  void dispatch(F&& f, Allocator const& a) const {
    post(std::forward<F>(f), a);
  }
  template <class F, class Allocator>
  void defer(F&& f, Allocator const& a) const {
    post(std::forward<F>(f), a);
  }
  [[maybe_unused]] friend bool operator==(mortal_executor const& a, mortal_executor const& b) noexcept {
    return a.life_ == b.life_;
  }
  net::io_context* context_;
  std::shared_ptr<life> life_;
};

/// The canceller stands in post(), on an executor that lives only as long as its operations. The end of the handler
/// waits for it.
TEST(Asio, TheEndOfAnAbandonedOperationWaitsForTheEmissionThatIsBeingPosted) {
  net::io_context context(1);
  auto const life = std::make_shared<mortal_executor::life>();
  cts::cancellation_token_source source;
  std::shared_ptr<void> kept;
  never_starts(
      &kept, cts::bind_cancellation(source.token(), net::bind_executor(mortal_executor{&context, life}, [](error_code) {
                                      ADD_FAILURE() << "must not run";
                                    })));
  ASSERT_NE(kept, nullptr);
  std::thread canceller([&] { source.cancel(); });
  while (!life->in_post) std::this_thread::yield();
  life->abandoned = true;
  kept.reset();
  EXPECT_TRUE(life->posted) << "the executor may end now, and the canceller still uses it";
  canceller.join();
}

TEST(Asio, TheHandlersStrandIsWhereTheEmissionRuns) {
  net::thread_pool pool(4);
  auto const strand = net::make_strand(pool.get_executor());
  net::steady_timer timer(strand, 1h);
  cts::cancellation_token_source source;
  std::promise<bool> inside;
  net::post(strand, [&] {
    timer.async_wait(cts::bind_cancellation(source.token(), net::bind_executor(strand, [&](error_code) {
                                              inside.set_value(strand.running_in_this_thread());
                                            })));
  });
  source.cancel();
  EXPECT_TRUE(inside.get_future().get());
  pool.join();
}

// Every operation completes exactly once, however its end and the cancel meet.
TEST(Asio, OperationsThatEndAtTheMomentOfTheCancel) {
  net::thread_pool pool(3);
  for (int round = 0; round < 300; ++round) {
    cts::cancellation_token_source source;
    std::atomic<int> completed{0};
    constexpr int operations = 8;
    std::promise<void> all;
    std::vector<std::unique_ptr<net::steady_timer>> timers;
    for (int i = 0; i < operations; ++i) {
      auto const strand = net::make_strand(pool.get_executor());
      timers.push_back(std::make_unique<net::steady_timer>(strand, std::chrono::microseconds(i * 10)));
      net::post(strand, [&, strand, timer = timers.back().get(), token = source.token()] {
        timer->async_wait(cts::bind_cancellation(token, net::bind_executor(strand, [&](error_code) {
                                                   if (++completed == operations) all.set_value();
                                                 })));
      });
    }
    source.cancel();
    ASSERT_EQ(all.get_future().wait_for(60s), std::future_status::ready);
    EXPECT_EQ(completed, operations);
  }
  pool.join();
}

#if defined(ASIO_HAS_CO_AWAIT) || defined(BOOST_ASIO_HAS_CO_AWAIT)
TEST(Asio, ManyConnectionsOnManyThreads) {
  net::io_context context;
  cts::cancellation_token_source source;
  std::vector<std::unique_ptr<connection>> connections;
  std::atomic<int> aborted{0};
  for (int i = 0; i < 20; ++i) {
    connections.push_back(std::make_unique<connection>(context));
    net::co_spawn(
        net::make_strand(context),
        [&, c = connections.back().get()]() -> net::awaitable<void> {
          std::array<char, 64> buffer{};
          try {
            for (;;)
              co_await net::async_read(c->client, net::buffer(buffer),
                                       cts::bind_cancellation(source.token(), net::use_awaitable));
          } catch (system_error const& e) { aborted += e.code() == net::error::operation_aborted; }
        },
        net::detached);
  }
  std::vector<std::thread> runners;
  for (int i = 0; i < 3; ++i) runners.emplace_back([&] { context.run(); });
  std::this_thread::sleep_for(5ms);
  source.cancel();
  for (std::thread& t : runners) t.join();
  EXPECT_EQ(aborted, 20);
}
#endif

}  // namespace
