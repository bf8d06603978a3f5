// SPDX-License-Identifier: BSL-1.0
// G20: the memory of operations that must not fail.
#include "cts/detail/memory/reserve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "heap.hpp"
#include "must_end.hpp"

namespace {
std::atomic<bool> no_memory{false};  // for what asks without an exception
// TRICKY: not inlined, because GCC would take the two for a mismatch.
[[gnu::noinline]] void* take(std::size_t n) noexcept { return cts::test::heap_take(n, 1); }
[[gnu::noinline]] void give_back(void* p) noexcept { cts::test::heap_give(p); }
}  // namespace

void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return no_memory ? nullptr : take(n); }
void* operator new(std::size_t n) {
  if (void* const p = take(n)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, std::nothrow_t const&) noexcept { give_back(p); }

namespace cts::test {
namespace {

using detail::reserve;
constexpr std::size_t blocks = 64;

TEST(Reserve, HasBlocksWhereThereIsNoMemory) {
  must_end const within("64 blocks of the reserve are taken, twice");
  for (int round = 0; round < 2; ++round) {  // the second round takes those that came back
    no_memory = true;
    std::set<void*> taken;
    for (std::size_t i = 0; i < blocks; ++i) {
      void* const p = reserve::take(reserve::size);
      std::fill_n(static_cast<unsigned char*>(p), reserve::size, static_cast<unsigned char>(i));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignof(std::max_align_t), 0u);
      EXPECT_TRUE(taken.insert(p).second) << "a block was given to two";
    }
    no_memory = false;
    for (void* const p : taken) reserve::give_back(p);
  }
}
TEST(Reserve, IsNotTouchedWhereThereIsMemory) {
  std::vector<void*> taken;
  for (std::size_t i = 0; i < 3 * blocks; ++i) taken.push_back(reserve::take(reserve::size));  // else it waits
  for (void* const p : taken) reserve::give_back(p);
}
TEST(Reserve, WaitsForABlockIfAllAreTaken) {
  must_end const within("a thread takes a block that another gives back");
  no_memory = true;
  std::vector<void*> taken;
  for (std::size_t i = 0; i < blocks; ++i) taken.push_back(reserve::take(1));
  std::atomic<void*> got{nullptr};
  std::thread waiter([&] { got = reserve::take(1); });
  void* const last = taken.back();
  taken.pop_back();
  reserve::give_back(last);
  waiter.join();
  no_memory = false;
  EXPECT_EQ(got.load(), last);
  reserve::give_back(got.load());
  for (void* const p : taken) reserve::give_back(p);
}
TEST(Reserve, RefusesWhatIsLargerThanABlock) {
  no_memory = true;
  EXPECT_THROW(reserve::take(reserve::size + 1), std::bad_alloc);
  no_memory = false;
  reserve::give_back(reserve::take(reserve::size + 1));
}

}  // namespace
}  // namespace cts::test
