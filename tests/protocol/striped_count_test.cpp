// SPDX-License-Identifier: BSL-1.0
// Shared sources: no thread writes a line that another one's hot path touches, exactly one thread sees the last
// reference, and what all that costs in bytes.
#include "cts/protocol/striped_count.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <set>
#include <vector>
#include <type_traits>

#include "cts/core/registry.hpp"
#include "cts/protocol/reference_count.hpp"

namespace cts::test {
namespace {

/// Records the lines that are read and written. The test chooses the thread's index.
struct locating : core::std_platform {
  inline static std::set<std::uintptr_t> read, written;
  inline static std::size_t index = 0;
  static std::size_t thread_index() noexcept { return index; }

  static std::uintptr_t line_of(void const* p) { return reinterpret_cast<std::uintptr_t>(p) / line; }

  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T v) noexcept : word_(v) {}
    template <class Site>
    T load(Site s) const {
      read.insert(line_of(this));
      return word_.load(s);
    }
    template <class Site>
    void store(T v, Site s) {
      written.insert(line_of(this));
      word_.store(v, s);
    }
    template <class Site>
    bool compare_exchange(T& e, T v, Site s) {
      written.insert(line_of(this));
      return word_.compare_exchange(e, v, s);
    }
    template <class Site>
    T fetch_or(T v, Site s) {
      written.insert(line_of(this));
      return word_.fetch_or(v, s);
    }
    template <class Site>
    T fetch_xor(T v, Site s) {
      written.insert(line_of(this));
      return word_.fetch_xor(v, s);
    }
    template <class Site>
    T fetch_add(T v, Site s) {
      written.insert(line_of(this));
      return word_.fetch_add(v, s);
    }

   private:
    core::std_platform::atomic<T> word_;
  };
  template <class T>
  class hint {
   public:
    constexpr explicit hint(T v) noexcept : word_(v) {}
    T get() const noexcept {
      read.insert(line_of(this));
      return word_.get();
    }
    void set(T v) noexcept {
      written.insert(line_of(this));
      word_.set(v);
    }
    void add(T v) noexcept {
      written.insert(line_of(this));
      word_.add(v);
    }

   private:
    core::std_platform::hint<T> word_;
  };
};

/// The parts of a state that pairs and copies use.
template <class Platform>
struct alignas(core::std_platform::line) owner {
  using stripes = detail::striped_count<Platform>;
  using registry = core::basic_registry<Platform, core::stripes_at_run_time>;

  explicit owner(std::size_t n) : all(stripes::row_of(this, n)), refs(n) {}
  registry all;
  detail::reference_count<Platform> refs;

  static owner* create(std::size_t n) {
    void* const block = Platform::allocate(stripes::bytes(n) + sizeof(owner));
    return ::new (stripes::build(block, n)) owner(n);
  }
  void share() { refs.template share<detail::site::refs_share>(this); }
  bool drop() { return refs.template drop<detail::site::refs_drop>(this); }
  bool end() { return refs.template end<detail::site::refs_drop>(this); }
  static void destroy(owner* o, std::size_t n) {
    o->~owner();
    Platform::deallocate(stripes::release(o, n), 0);
  }
};

template <class Platform>
struct silent : core::basic_callback<Platform> {
  silent() : core::basic_callback<Platform>([](core::basic_callback<Platform>&) noexcept {}) {}
};

struct footprint {
  std::set<std::uintptr_t> read, written;
};
/// Copies a token, registers `crowd` callbacks and takes them back, and drops the token, as thread `index`.
footprint lines_of(owner<locating>& o, std::size_t index, std::size_t crowd) {
  locating::index = index;
  std::vector<silent<locating>> callbacks(crowd);
  locating::read.clear();
  locating::written.clear();
  for (int round = 0; round < 3; ++round) {
    o.share();
    for (auto& c : callbacks) EXPECT_EQ(o.all.try_register(c), core::register_result::registered);
    for (auto& c : callbacks) EXPECT_TRUE(o.all.unregister(c));
    EXPECT_FALSE(o.drop());
  }
  return {locating::read, locating::written};
}

template <class Set>
std::size_t common(Set const& a, Set const& b) {
  std::vector<std::uintptr_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

TEST(Shared, ThreadsOfDifferentStripesWriteNoLineThatTheOtherTouches) {
  constexpr std::size_t n = 4;
  for (std::size_t const crowd : {1u, 8u, 100u}) {
    owner<locating>* const o = owner<locating>::create(n);
    footprint const a = lines_of(*o, 0, crowd), b = lines_of(*o, 1, crowd), c = lines_of(*o, n, crowd);
    EXPECT_FALSE(a.written.empty());
    EXPECT_EQ(common(a.written, b.written), 0u) << crowd;
    EXPECT_EQ(common(a.written, b.read), 0u) << crowd;
    EXPECT_EQ(common(a.read, b.written), 0u) << crowd;
    EXPECT_NE(common(a.written, c.written), 0u) << "n threads beyond, a stripe is used again";
    EXPECT_TRUE(o->end());
    owner<locating>::destroy(o, n);
  }
}

TEST(Shared, TheLastReferenceIsSeenOnce) {
  constexpr std::size_t n = 2;
  owner<locating>* const o = owner<locating>::create(n);
  auto const as = [](std::size_t i) { locating::index = i; };
  as(0);
  o->share();
  o->share();
  as(1);
  EXPECT_FALSE(o->drop());  // below zero in its stripe
  EXPECT_FALSE(o->end());
  as(0);
  o->share();  // late
  EXPECT_FALSE(o->drop());
  as(1);
  EXPECT_TRUE(o->drop());
  owner<locating>::destroy(o, n);
}

TEST(Shared, APlainCountHasNoStripes) {
  alignas(64) static std::byte here[64];
  auto& count = *::new (static_cast<void*>(here)) detail::reference_count<locating>(0);
  EXPECT_EQ(count.stripes(), 0u);
  EXPECT_TRUE(count.is_alone());
  count.share<detail::site::refs_share>(here);
  EXPECT_FALSE(count.drop<detail::site::refs_drop>(here));
  EXPECT_TRUE(count.end<detail::site::refs_drop>(here));
}

TEST(Shared, BytesOfAStripe) {
  if (sizeof(void*) != 8) GTEST_SKIP() << "the page counts the bytes of 64-bit targets";
  EXPECT_EQ(detail::striped_count<core::std_platform>::bytes(16), 64u + 16 * (64 + 128));
  using plain = core::basic_registry<core::std_platform>;
  using either = core::basic_registry<core::std_platform, core::stripes_at_run_time>;
  EXPECT_EQ(sizeof(either), sizeof(plain)) << "a registry that may have a row is as large as one that may not";
}

}  // namespace
}  // namespace cts::test
