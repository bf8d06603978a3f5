// SPDX-License-Identifier: BSL-1.0
// G18: the event of wait handles by itself: who is woken, its references, its descriptor, its observers.
#include "cts/detail/event.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#endif

#include "cts/detail/wait_any.hpp"
#include "must_end.hpp"

namespace cts::test {
namespace {

using namespace std::chrono_literals;
using detail::event;
using clock = std::chrono::steady_clock;

/// An event with one reference.
class owned {
 public:
  owned() = default;
  owned(owned const&) = delete;
  owned& operator=(owned const&) = delete;
  ~owned() { event_->drop(); }
  event* operator->() const { return event_; }
  event& operator*() const { return *event_; }

 private:
  event* const event_ = new event;
};

/// Whether a wait of `e` has ended with object_disposed.
bool ends_disposed(event& e, std::optional<clock::time_point> until) {
  try {
    e.wait(until);
  } catch (object_disposed const&) { return true; }
  return false;
}

/// `n` threads wait for an event. Then `act` is called, and all of them must come back.
int threads_that_end_disposed(int n, std::optional<clock::time_point> until, std::function<void(event&)> act) {
  owned e;
  std::atomic<int> disposed{0};
  must_end const within(std::to_string(n) + " threads wait for an event");
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back([&] { disposed += ends_disposed(*e, until) ? 1 : 0; });
  while (e->waiters() != static_cast<std::size_t>(n)) std::this_thread::yield();
  act(*e);
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(e->waiters(), 0u) << "it still counts threads that have gone";
  return disposed;
}

TEST(Event, WakesEveryThreadThatWaits) {
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(threads_that_end_disposed(n, std::nullopt, [](event& e) { e.signal(); }), 0);
    EXPECT_EQ(threads_that_end_disposed(n, clock::now() + 1h, [](event& e) { e.signal(); }), 0);
  }
}
TEST(Event, DisposeWakesEveryThreadThatWaits) {
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(threads_that_end_disposed(n, std::nullopt, [](event& e) { e.dispose(); }), n);
    EXPECT_EQ(threads_that_end_disposed(n, clock::now() + 1h, [](event& e) { e.dispose(); }), n);
  }
}
TEST(Event, ADeadlineEndsAWait) {
  owned const e;
  EXPECT_FALSE(e->wait(clock::now()));
  EXPECT_FALSE(e->wait(clock::now() + 1ms));
  EXPECT_EQ(e->waiters(), 0u);
}
TEST(Event, StaysSignalledAndDisposed) {
  owned const e;
  EXPECT_FALSE(e->is_signalled());
  e->signal();
  e->signal();
  EXPECT_TRUE(e->is_signalled());
  EXPECT_TRUE(e->wait(std::nullopt));
  EXPECT_TRUE(e->wait(clock::now()));
  e->dispose();
  EXPECT_THROW(e->wait(std::nullopt), object_disposed);
  EXPECT_THROW(e->wait(clock::now()), object_disposed);
  EXPECT_THROW(e->is_signalled(), object_disposed);
  EXPECT_THROW(e->descriptor(), object_disposed);
}

// --- observers ---
bool is_told(event::observer& o) { return o.wait(clock::now()); }

TEST(EventObserver, IsToldBySignalAndDispose) {
  for (bool const disposes : {false, true}) {
    owned const e;
    event::observer a, b, late, left;
    e->add(a);
    e->add(left);
    e->add(b);
    EXPECT_EQ(e->waiters(), 3u);
    e->remove(left);
    EXPECT_EQ(e->waiters(), 2u);
    EXPECT_FALSE(is_told(a));
    disposes ? e->dispose() : e->signal();
    e->add(late);
    EXPECT_TRUE(is_told(a));
    EXPECT_TRUE(is_told(b));
    EXPECT_TRUE(is_told(late)) << "it came after the signal";
    EXPECT_FALSE(is_told(left)) << "it was removed before";
    for (event::observer* const o : {&late, &b, &a}) e->remove(*o);
    EXPECT_EQ(e->waiters(), 0u);
  }
}
TEST(EventObserver, IsWoken) {
  for (bool const limited : {false, true}) {
    owned const e;
    event::observer o;
    e->add(o);
    must_end const within("a thread waits for any of several events");
    std::thread waiter([&] { EXPECT_TRUE(o.wait(limited ? std::optional(clock::now() + 1h) : std::nullopt)); });
    std::this_thread::sleep_for(5ms);  // so that it usually sleeps
    e->signal();
    waiter.join();
    e->remove(o);
  }
}

// --- any of several ---
std::optional<std::size_t> any_of(std::vector<event*> const& all, std::optional<clock::time_point> until) {
  return detail::wait_any(
      std::span<event* const>(all), [](event* e) -> event& { return *e; }, until);
}
TEST(EventsAny, IsTheLowestThatIsSignalled) {
  owned const a, b, c;
  std::vector<event*> const all{&*a, &*b, &*c};
  EXPECT_EQ(any_of(all, clock::now()), std::nullopt);
  EXPECT_EQ(any_of(all, clock::now() + 1ms), std::nullopt);
  c->signal();
  EXPECT_EQ(any_of(all, std::nullopt), 2u);
  b->signal();
  EXPECT_EQ(any_of(all, std::nullopt), 1u);
  for (event* const e : all) EXPECT_EQ(e->waiters(), 0u) << "an observer is left behind";
}
TEST(EventsAny, IsWokenByEachOfThem) {
  for (std::size_t which = 0; which < 3; ++which) {
    owned const a, b, c;
    std::vector<event*> const all{&*a, &*b, &*c};
    must_end const within("a thread waits for any of three events");
    std::thread waiter([&] { EXPECT_EQ(any_of(all, std::nullopt), which); });
    for (event* const e : all)
      while (e->waiters() == 0) std::this_thread::yield();
    all[which]->signal();
    waiter.join();
    for (event* const e : all) EXPECT_EQ(e->waiters(), 0u) << "an observer is left behind";
  }
}
TEST(EventsAny, ThrowsIfOneIsDisposed) {
  owned const a, b;
  b->dispose();
  EXPECT_THROW(any_of({&*a, &*b}, std::nullopt), object_disposed);
  EXPECT_EQ(a->waiters(), 0u) << "an observer is left behind";
  EXPECT_EQ(b->waiters(), 0u) << "an observer is left behind";
}

#if defined(__linux__)
// --- the descriptor ---
bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1; }
bool is_readable(int descriptor) {
  ::pollfd p{descriptor, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}
TEST(EventDescriptor, IsReadableOnceSignalledOrDisposed) {
  {
    owned const e;
    int const d = e->descriptor();
    EXPECT_EQ(e->descriptor(), d) << "there is one";
    EXPECT_FALSE(is_readable(d));
    e->signal();
    EXPECT_TRUE(is_readable(d));
    EXPECT_TRUE(is_readable(d)) << "it stays so";
    e->dispose();
    EXPECT_TRUE(is_readable(d));
  }
  {
    owned const e;
    int const d = e->descriptor();
    e->dispose();
    EXPECT_TRUE(is_readable(d));
  }
  {
    owned const e;
    e->signal();
    EXPECT_TRUE(is_readable(e->descriptor())) << "it was opened after the signal";
  }
}
TEST(EventDescriptor, IsNeitherInheritedNorBlocks) {
  owned const e;
  int const d = e->descriptor();
  EXPECT_NE(::fcntl(d, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(d, F_GETFL) & O_NONBLOCK, 0);
}
TEST(EventDescriptor, IsClosedWithTheLastReference) {
  auto* const e = new event;
  int const d = e->descriptor();
  e->share();
  e->share();
  e->drop();
  EXPECT_TRUE(is_open(d));
  e->drop();
  EXPECT_TRUE(is_open(d)) << "one reference is left";
  e->drop();
  EXPECT_FALSE(is_open(d));
}
TEST(EventDescriptor, ThatCannotBeOpenedMayBeTriedAgain) {
  owned const e;
  e->signal();
  ::rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  ::rlimit const none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  try {
    e->descriptor();
    ADD_FAILURE() << "a descriptor beyond the limit";
  } catch (std::system_error const& x) { EXPECT_EQ(x.code(), std::errc::too_many_files_open); }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(is_readable(e->descriptor()));
}
#endif

}  // namespace
}  // namespace cts::test
