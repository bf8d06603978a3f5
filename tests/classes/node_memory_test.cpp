// SPDX-License-Identifier: BSL-1.0
/// @file
/// The memory of register_callback's nodes: how much it is, that it goes back, from whichever thread and whenever.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "cts/cts.hpp"
#include "heap.hpp"

namespace {
std::atomic<long> held = 0;  // bytes
std::atomic<long> blocks = 0;
thread_local bool failing = false;

/// Each block has its size in front of it.
void* take(std::size_t n, std::size_t alignment) noexcept {
  if (failing) return nullptr;
  std::size_t const front = alignment < 16 ? 16 : alignment;
  auto* const p = static_cast<char*>(cts::test::heap_take(n + front, alignment));
  if (p == nullptr) return nullptr;
  reinterpret_cast<std::size_t*>(p + front)[-1] = n;
  reinterpret_cast<std::size_t*>(p + front)[-2] = front;
  held += static_cast<long>(n);
  ++blocks;
  return p + front;
}
void give(void* p) noexcept {
  if (p == nullptr) return;
  std::size_t const n = static_cast<std::size_t*>(p)[-1], front = static_cast<std::size_t*>(p)[-2];
  held -= static_cast<long>(n);
  --blocks;
  cts::test::heap_give(static_cast<char*>(p) - front);
}
}  // namespace
[[gnu::noinline]] void* operator new(std::size_t n) {
  if (void* const p = take(n, 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return take(n, 1); }
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a) {
  if (void* const p = take(n, static_cast<std::size_t>(a))) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return take(n, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { give(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { give(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { give(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give(p); }
[[gnu::noinline]] void operator delete(void* p, std::nothrow_t const&) noexcept { give(p); }

namespace {

using registrations = std::vector<cts::cancellation_token_registration>;

template <std::size_t Bytes, std::size_t Alignment = alignof(void*)>
struct alignas(Alignment) sized {
  std::byte bytes[Bytes] = {};
  std::atomic<long>* ran = nullptr;
  explicit sized(std::atomic<long>& n) : ran(&n) {}
  sized(sized const& o) : ran(o.ran) {}
  void operator()() const {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % Alignment, 0U);
    ++*ran;
  }
};
/// A callable of one pointer.
struct one {
  std::atomic<long>* ran;
  void operator()() const noexcept { ++*ran; }
};

/// The most that a thread keeps of one size: a slab whose blocks are all free, and slabs that are partly free.
constexpr long kept = 3 * 65536;

registrations many(cts::cancellation_token const& t, std::size_t n, std::atomic<long>& ran) {
  registrations r;
  r.reserve(n);
  for (std::size_t i = 0; i < n; ++i) r.push_back(t.register_callback(one{&ran}));
  return r;
}

#if CTS_NODE_CACHE && !CTS_CHECKED
TEST(NodeMemory, ARegistrationTakes72BytesBeyondItsCallableAtMost) {
  if (sizeof(void*) != 8) GTEST_SKIP() << "the figure is that of 64 bits";
  std::atomic<long> ran = 0;
  constexpr std::size_t n = 100'000;
  cts::cancellation_token_source s;
  registrations r;
  r.reserve(n);
  long const before = held;
  for (std::size_t i = 0; i < n; ++i) r.push_back(s.token().register_callback(one{&ran}));
  double const each = double(held - before) / double(n) - sizeof(one);
  RecordProperty("bytes_beyond_the_callable", std::to_string(each));
  EXPECT_LE(each, 72.0);
  EXPECT_GE(each, 40.0) << "something is not counted";
}

TEST(NodeMemory, IsOfManyNodesInOneAllocation) {
  std::atomic<long> ran = 0;
  cts::cancellation_token_source s;
  registrations r = many(s.token(), 10'000, ran);
  registrations more;
  more.reserve(1000);
  long const before = blocks;
  for (int i = 0; i < 1000; ++i) more.push_back(s.token().register_callback(one{&ran}));
  EXPECT_LE(blocks - before, 40);
}
#endif

TEST(NodeMemory, GoesBackWhenItsThreadFreesTheNodes) {
  std::jthread([] {  // with a heap of its own, which no other test has filled
    std::atomic<long> ran = 0;
    long const before = held;
    for (int round = 0; round < 3; ++round) {
      cts::cancellation_token_source s;
      many(s.token(), 50'000, ran).clear();
      registrations r = many(s.token(), 50'000, ran);
      s.cancel();
    }
    EXPECT_EQ(ran, 150'000);
    EXPECT_LE(held - before, kept);
  })
      .join();
}

TEST(NodeMemory, GoesBackWhenAnotherThreadFreesTheNodes) {
  std::jthread([] {  // with a heap of its own, which no other test has filled
    std::atomic<long> ran = 0;
    long const before = held;
    {
      cts::cancellation_token_source s;
      registrations r = many(s.token(), 50'000, ran);
      std::jthread([&r] { r.clear(); }).join();
      for (int i = 0; i < 3; ++i) (void)many(s.token(), 2, ran);  // the owner finds them
    }
    EXPECT_LE(held - before, kept);
  })
      .join();
}

TEST(NodeMemory, OfAThreadThatHasEndedGoesBackSlabBySlab) {
  std::atomic<long> ran = 0;
  cts::cancellation_token_source s;
  registrations r;
  long const before = held;
  std::jthread([&] { r = many(s.token(), 50'000, ran); }).join();
  long const full = held;
  auto survivor = std::move(r[25'000]);
  r.clear();
  EXPECT_LE(held - before, (full - before) / 2) << "one node keeps its own slab only";
  s.cancel();
  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(survivor);
}

TEST(NodeMemory, HasPlaceForEverySizeAndAlignment) {
  std::atomic<long> ran = 0;
  cts::cancellation_token_source s;
  auto const t = s.token();
  registrations r;
  for (int i = 0; i < 100; ++i) {
    r.push_back(t.register_callback(one{&ran}));
    r.push_back(t.register_callback(sized<1>(ran)));
    r.push_back(t.register_callback(sized<9>(ran)));
    r.push_back(t.register_callback(sized<24>(ran)));
    r.push_back(t.register_callback(sized<25>(ran)));
    r.push_back(t.register_callback(sized<1000>(ran)));
    r.push_back(t.register_callback(sized<1, 16>(ran)));
    r.push_back(t.register_callback(sized<1, 64>(ran)));
  }
  s.cancel();
  EXPECT_EQ(ran, 800);
}

TEST(NodeMemory, AFailedAllocationChangesNothing) {
  std::atomic<long> ran = 0;
  cts::cancellation_token_source s;
  registrations r;
  r.reserve(1000);
  bool failed = false;
  for (int i = 0; i < 1000; ++i) {
    failing = i % 2 == 0;
    try {
      r.push_back(s.token().register_callback(one{&ran}));
    } catch (std::bad_alloc const&) { failed = true; }
    failing = false;
  }
  EXPECT_TRUE(failed);
  EXPECT_EQ(s.registration_count(), r.size());
  s.cancel();
  EXPECT_EQ(ran, static_cast<long>(r.size()));
}

/// Registers and frees while the objects of its thread are destroyed, after the thread's heap has ended.
struct late {
  cts::cancellation_token token;
  std::atomic<long>* ran = nullptr;
  registrations kept;
  ~late() {
    if (ran == nullptr) return;
    kept.clear();
    for (int i = 0; i < 10; ++i) kept.push_back(token.register_callback(one{ran}));
    kept.pop_back();
  }
};

TEST(NodeMemory, MayBeUsedWhileItsThreadEnds) {
  std::atomic<long> ran = 0;
  long const before = held;
  {
    cts::cancellation_token_source s;
    std::jthread([&] {
      static thread_local late last;  // before the heap, so it is destroyed after it
      last.token = s.token();
      last.ran = &ran;
      last.kept = many(s.token(), 200, ran);
    }).join();
    EXPECT_EQ(s.registration_count(), 0U);
  }
  EXPECT_LE(held - before, 0);
}

TEST(NodeMemory, GoesBetweenThreadsThatEnd) {
  std::atomic<long> ran = 0;
  cts::cancellation_token_source s;
  std::array<registrations, 4> of;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < of.size(); ++i)
      threads.emplace_back([&, i] {
        registrations mine = std::move(of[i]);
        registrations next = many(s.token(), 500, ran);
        mine.clear();  // of a thread that has ended
        of[i] = std::move(next);
      });
    threads.clear();
    std::swap(of[0], of[3]);
  }
  // And of threads that live: two pass their registrations to each other.
  std::array<std::atomic<registrations*>, 2> post{};
  std::array<std::jthread, 2> both;
  for (std::size_t i = 0; i < 2; ++i)
    both[i] = std::jthread([&, i] {
      for (int k = 0; k < 200; ++k) {
        auto* const r = new registrations(many(s.token(), 20, ran));
        delete post[1 - i].exchange(r);
        delete post[i].exchange(nullptr);
      }
    });
  for (auto& b : both) b.join();
  for (auto& p : post) delete p.exchange(nullptr);
  long const live = static_cast<long>(s.registration_count());
  EXPECT_EQ(live, 2000);
  s.cancel();
  EXPECT_EQ(ran, live);
}

/// Lives longer than the heap of the main thread; a crash at the program's end would fail the test.
struct of_the_program {
  cts::cancellation_token_source source;
  std::atomic<long> ran = 0;
  registrations r;
  ~of_the_program() {
    r.clear();
    r.push_back(source.token().register_callback(one{&ran}));
  }
} last_of_all;

TEST(NodeMemory, MayBeUsedWhileTheProgramEnds) {
  last_of_all.r = many(last_of_all.source.token(), 300, last_of_all.ran);
  EXPECT_EQ(last_of_all.source.registration_count(), 300U);
}

}  // namespace
