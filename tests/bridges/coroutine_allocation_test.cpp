// SPDX-License-Identifier: BSL-1.0
/// @file
/// What co_await cts::canceled(token) allocates. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <new>
#include <utility>

#include "cts/cancellation_token_source.hpp"
#include "cts/coroutine.hpp"
#include "heap.hpp"

namespace {
std::atomic<std::size_t> allocations = 0;
}

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const p = cts::test::heap_take(bytes, 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { cts::test::heap_give(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { cts::test::heap_give(p); }

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
TEST(Canceled, AllocatesNothingBesideTheFrame) {
  cts::cancellation_token_source source;
  auto const token = source.token();
  int steps = 0;
  std::size_t before = 0, after = 0;
  auto const body = [](cts::cancellation_token const& t, int& n, std::size_t& from, std::size_t& to) -> owned {
    from = allocations;
    co_await cts::canceled(t);
    to = allocations;
    n = 1;
  };
  owned const c = body(token, steps, before, after);
  source.cancel();
  EXPECT_EQ(steps, 1);
  EXPECT_EQ(before, after);
}

}  // namespace
