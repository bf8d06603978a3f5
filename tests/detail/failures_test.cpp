// SPDX-License-Identifier: BSL-1.0
// R28, R29, R31: the exceptions of one cancel, with and without memory for them.
#include "cts/detail/failures.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "heap.hpp"

namespace {
bool no_memory = false;
// TRICKY: not inlined, because GCC would take the two for a mismatch.
[[gnu::noinline]] void* take(std::size_t n) {
  if (void* const p = no_memory ? nullptr : cts::test::heap_take(n, 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void give_back(void* p) noexcept { cts::test::heap_give(p); }
}  // namespace

void* operator new(std::size_t n) { return take(n); }
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }

namespace cts::test {
namespace {

using detail::failures;

/// The numbers that were thrown; -1 for std::bad_alloc, -2 for an aggregate.
std::vector<int> numbers_in(std::vector<std::exception_ptr> const& all) {
  std::vector<int> found;
  for (std::exception_ptr const& e : all) try {
      std::rethrow_exception(e);
    } catch (int i) { found.push_back(i); } catch (std::bad_alloc const&) {
      found.push_back(-1);
    } catch (aggregate_exception const&) { found.push_back(-2); }
  return found;
}
std::vector<int> thrown_by(failures& f) {
  try {
    f.throw_all();
  } catch (aggregate_exception const& a) { return numbers_in(a.inner_exceptions()); }
}
void add(failures& f, int first, int last) {
  for (int i = first; i <= last; ++i) f.add(std::make_exception_ptr(i));
}

TEST(Failures, KeepsAllInTheirOrder) {
  failures f;
  EXPECT_FALSE(f.any());
  add(f, 1, 7);
  EXPECT_TRUE(f.any());
  EXPECT_EQ(thrown_by(f), (std::vector{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(thrown_by(f), (std::vector{1, 2, 3, 4, 5, 6, 7})) << "they are still there";
  try {
    f.throw_first();
  } catch (int i) { EXPECT_EQ(i, 1); }
}
TEST(Failures, TheFirstFourNeedNoMemory) {
  failures f;
  no_memory = true;
  add(f, 1, 4);
  no_memory = false;
  EXPECT_EQ(thrown_by(f), (std::vector{1, 2, 3, 4}));
}
TEST(Failures, ABadAllocStandsForTheLostOnes) {
  failures f;
  no_memory = true;
  add(f, 1, 6);
  no_memory = false;
  EXPECT_EQ(thrown_by(f), (std::vector{1, 2, 3, 4, -1}));
  add(f, 7, 7);
  EXPECT_EQ(thrown_by(f), (std::vector{1, 2, 3, 4, 7, -1}));
}
TEST(Failures, WithoutMemoryForTheirCollectionBadAllocIsThrown) {
  failures f;
  add(f, 1, 2);
  no_memory = true;
  EXPECT_THROW(f.throw_all(), std::bad_alloc);
  no_memory = false;
}
TEST(Failures, ThoseOfAnotherCancelAreOneAggregate) {
  failures child, parent;
  add(child, 1, 5);
  add(parent, 6, 6);
  parent.add_aggregate(child);
  add(parent, 7, 7);
  EXPECT_EQ(thrown_by(parent), (std::vector{6, -2, 7}));
  failures lost;
  no_memory = true;
  lost.add_aggregate(child);
  no_memory = false;
  EXPECT_EQ(thrown_by(lost), (std::vector{-1})) << "no memory for the aggregate";
}
TEST(Failures, AggregatesInAggregatesAreDestroyedInConstantStack) {
  std::exception_ptr e = std::make_exception_ptr(7);
  for (int i = 0; i < 200'000; ++i)
    e = std::make_exception_ptr(aggregate_exception(std::vector<std::exception_ptr>{std::move(e)}));
  e = nullptr;  // else the stack overflows
}
TEST(Failures, OfACancelWithoutMemoryForACollectionAreOneBadAlloc) {
  failures& f = failures::lost();
  EXPECT_TRUE(f.is_lost());
  EXPECT_TRUE(f.any());
  add(f, 1, 6);
  EXPECT_EQ(thrown_by(f), (std::vector{-1})) << "it is shared: nothing is added";
  failures const other;
  EXPECT_FALSE(other.is_lost());
}

}  // namespace
}  // namespace cts::test
