// SPDX-License-Identifier: BSL-1.0
// [thread.stoptoken], clause by clause. Tests of the part that std::stop_token has too run over both libraries, which
// shows that the tests are right. Tests of the part that the in-place classes share run over those as well.
#include "cts/stop_token.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "heap.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored \
    "-Wmaybe-uninitialized"  // g++ 12 sees it in every std::optional of a class with a destructor
#endif

// --- allocations are counted, and may fail

namespace {
std::atomic<long> blocks_held{0}, blocks_made{0};
std::atomic<bool> no_memory{false};

void* take_block(std::size_t bytes, std::size_t alignment) noexcept {
  if (no_memory.load(std::memory_order_relaxed)) return nullptr;
  void* const p = cts::test::heap_take(bytes, alignment);
  if (p == nullptr) return nullptr;
  blocks_held.fetch_add(1, std::memory_order_relaxed);
  blocks_made.fetch_add(1, std::memory_order_relaxed);
  return p;
}
void give_block_back(void* p) noexcept {
  if (p == nullptr) return;
  blocks_held.fetch_sub(1, std::memory_order_relaxed);
  cts::test::heap_give(p);
}
void* take_block_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* const p = take_block(bytes, alignment); p != nullptr) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t n) { return take_block_or_throw(n, 1); }
void* operator new[](std::size_t n) { return take_block_or_throw(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take_block_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return take_block(n, 1); }
void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return take_block(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { give_block_back(p); }
void operator delete[](void* p) noexcept { give_block_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_block_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_block_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_block_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_block_back(p); }

namespace {

using namespace std::chrono_literals;

struct with_std {
  static constexpr bool is_cts = false;
  static constexpr bool is_shared = true;
  using source = std::stop_source;
  using token = std::stop_token;
  template <class F>
  using callback = std::stop_callback<F>;
  using nostopstate_t = std::nostopstate_t;
  static constexpr nostopstate_t nostopstate = std::nostopstate;
};
struct with_cts {
  static constexpr bool is_cts = true;
  static constexpr bool is_shared = true;
  using source = cts::stop_source;
  using token = cts::stop_token;
  template <class F>
  using callback = cts::stop_callback<F>;
  using nostopstate_t = cts::nostopstate_t;
  static constexpr nostopstate_t nostopstate = cts::nostopstate;
};
/// A shared source where a test makes a source.
struct shared_source : cts::stop_source {
  shared_source() : cts::stop_source(cts::shared) {}
  using cts::stop_source::stop_source;
};
struct with_shared : with_cts {
  using source = shared_source;
};
struct in_place {
  static constexpr bool is_shared = false;
  using source = cts::inplace_stop_source;
  using token = cts::inplace_stop_token;
  template <class F>
  using callback = cts::inplace_stop_callback<F>;
};

struct names {
  template <class T>
  static std::string GetName(int) {
    if constexpr (std::is_same_v<T, with_std>) return "std";
    else if constexpr (std::is_same_v<T, with_cts>) return "cts";
    else if constexpr (std::is_same_v<T, with_shared>) return "shared";
    else return "inplace";
  }
};

struct nothing {
  void operator()() const noexcept {}
};
using function = std::function<void()>;

// --- types, known at compile time

struct left {};
struct right {};
/// A function that can be made from a left&, which may throw, or from a right&&, which does not.
struct picky {
  explicit picky(left&) noexcept(false) {}
  explicit picky(right&&) noexcept {}
  void operator()() const {}
};

template <class From, class To>
concept implicitly_from_braces = requires(void (&take)(To)) {
  take({});
};

template <class Token>
constexpr bool token_conforms() {
  // [stoptoken.general]: regular, and nothing throws
  static_assert(std::regular<Token>);
  static_assert(std::is_nothrow_default_constructible_v<Token>);
  static_assert(std::is_nothrow_copy_constructible_v<Token>);
  static_assert(std::is_nothrow_move_constructible_v<Token>);
  static_assert(std::is_nothrow_copy_assignable_v<Token>);
  static_assert(std::is_nothrow_move_assignable_v<Token>);
  static_assert(std::is_nothrow_destructible_v<Token>);
  static_assert(std::is_nothrow_swappable_v<Token>);
  static_assert(requires(Token t, Token const c) {
    { c.stop_requested() }
    noexcept->std::same_as<bool>;
    { c.stop_possible() }
    noexcept->std::same_as<bool>;
    { t.swap(t) }
    noexcept->std::same_as<void>;
    { c == c } -> std::same_as<bool>;
    { c != c } -> std::same_as<bool>;
  });
  static_assert(sizeof(Token) == sizeof(void*));
  return true;
}
static_assert(token_conforms<std::stop_token>());
static_assert(token_conforms<cts::stop_token>());
static_assert(token_conforms<cts::inplace_stop_token>());
static_assert(std::is_trivially_copyable_v<cts::inplace_stop_token>);
static_assert(noexcept(std::declval<cts::stop_token const&>() == std::declval<cts::stop_token const&>()));

template <class Source, class Token>
constexpr bool source_makes_requests() {
  static_assert(requires(Source s, Source const c) {
    { c.get_token() }
    noexcept->std::same_as<Token>;
    { c.stop_possible() }
    noexcept->std::same_as<bool>;
    { c.stop_requested() }
    noexcept->std::same_as<bool>;
    { s.request_stop() }
    noexcept->std::same_as<bool>;
  });
  static_assert(std::is_nothrow_destructible_v<Source>);
  return true;
}
static_assert(source_makes_requests<std::stop_source, std::stop_token>());
static_assert(source_makes_requests<cts::stop_source, cts::stop_token>());
static_assert(source_makes_requests<cts::inplace_stop_source, cts::inplace_stop_token>());

template <class With>
constexpr bool shared_source_conforms() {
  using source = typename With::source;
  using none = typename With::nostopstate_t;
  // [stopsource.general], [stopsource.cons]
  static_assert(std::semiregular<source> && std::equality_comparable<source>);
  static_assert(!std::is_nothrow_default_constructible_v<source>, "it allocates");
  static_assert(std::is_nothrow_copy_constructible_v<source>);
  static_assert(std::is_nothrow_move_constructible_v<source>);
  static_assert(std::is_nothrow_copy_assignable_v<source>);
  static_assert(std::is_nothrow_move_assignable_v<source>);
  static_assert(std::is_nothrow_swappable_v<source>);
  static_assert(std::is_nothrow_constructible_v<source, none>);
  static_assert(!std::is_convertible_v<none, source>, "explicit");
  static_assert(requires(source s, source const c) {
    { s.swap(s) }
    noexcept->std::same_as<void>;
    { c == c }
    noexcept->std::same_as<bool>;
    { c != c }
    noexcept->std::same_as<bool>;
  });
  static_assert(sizeof(source) == sizeof(void*));
  // [thread.stoptoken.syn]
  static_assert(std::is_empty_v<none> && std::is_nothrow_default_constructible_v<none>);
  static_assert(!implicitly_from_braces<void, none>, "explicit");
  static_assert(std::is_same_v<decltype(With::nostopstate), none const>);
  return true;
}
static_assert(shared_source_conforms<with_std>());
static_assert(shared_source_conforms<with_cts>());
static_assert(!std::is_convertible_v<cts::shared_t, cts::stop_source>, "explicit");
static_assert(std::is_empty_v<cts::shared_t> && !implicitly_from_braces<void, cts::shared_t>, "explicit");

// [stopsource.inplace.general]
static_assert(std::is_nothrow_default_constructible_v<cts::inplace_stop_source>);
static_assert(!std::is_copy_constructible_v<cts::inplace_stop_source> &&
              !std::is_move_constructible_v<cts::inplace_stop_source>);
static_assert(!std::is_copy_assignable_v<cts::inplace_stop_source> &&
              !std::is_move_assignable_v<cts::inplace_stop_source>);
static_assert(cts::inplace_stop_source::stop_possible());

template <class With>
constexpr bool callback_conforms() {
  using token = typename With::token;
  using simple = typename With::template callback<nothing>;
  using choosy = typename With::template callback<picky>;
  // [stopcallback.general]
  static_assert(std::is_same_v<typename simple::callback_type, nothing>);
  static_assert(std::is_same_v<typename With::template callback<nothing&>::callback_type, nothing&>);
  static_assert(!std::is_default_constructible_v<simple>);
  static_assert(!std::is_copy_constructible_v<simple> && !std::is_move_constructible_v<simple>);
  static_assert(!std::is_copy_assignable_v<simple> && !std::is_move_assignable_v<simple>);
  static_assert(std::is_nothrow_destructible_v<simple>);
  // [stopcallback.cons]: constraints
  static_assert(std::is_constructible_v<simple, token, nothing>);
  static_assert(std::is_constructible_v<simple, token&, nothing&>);
  static_assert(std::is_constructible_v<simple, token const&, nothing const&>);
  static_assert(std::is_constructible_v<simple, token const, nothing>);
  static_assert(!std::is_constructible_v<simple, token>);
  static_assert(!std::is_constructible_v<simple, token, int>);
  static_assert(!std::is_constructible_v<simple, token const&, int>);
  static_assert(!std::is_constructible_v<choosy, token, left>);
  static_assert(!std::is_constructible_v<choosy, token const&, right&>);
  static_assert(!std::is_constructible_v<typename With::template callback<nothing&>, token, nothing>);
  // noexcept if making the function is noexcept
  static_assert(std::is_constructible_v<choosy, token, left&> &&
                !std::is_nothrow_constructible_v<choosy, token, left&>);
  static_assert(std::is_constructible_v<choosy, token const&, left&> &&
                !std::is_nothrow_constructible_v<choosy, token const&, left&>);
  static_assert(std::is_nothrow_constructible_v<choosy, token, right>);
  static_assert(std::is_nothrow_constructible_v<choosy, token const&, right>);
  return true;
}
static_assert(callback_conforms<with_std>());
static_assert(callback_conforms<with_cts>());
static_assert(callback_conforms<in_place>());

template <class T>
concept converts_from_braces_of_two = requires(void (&take)(T), typename T::callback_type f) {
  take({cts::stop_token(), f});
};
static_assert(!converts_from_braces_of_two<cts::stop_callback<nothing>>, "explicit");

// The deduction guides: by value, so that arrays and functions decay. [stopcallback.general]
void free_function() {}
template <template <class> class Callback, class Token>
constexpr bool guides_decay() {
  nothing f;
  nothing const g;
  static_assert(std::is_same_v<decltype(Callback(Token(), f)), Callback<nothing>>);
  static_assert(std::is_same_v<decltype(Callback(Token(), g)), Callback<nothing>>);
  static_assert(std::is_same_v<decltype(Callback(Token(), nothing())), Callback<nothing>>);
  static_assert(std::is_same_v<decltype(Callback(Token(), free_function)), Callback<void (*)()>>);
  (void)f, (void)g;
  return true;
}
static_assert(guides_decay<std::stop_callback, std::stop_token>());
static_assert(guides_decay<cts::stop_callback, cts::stop_token>());
static_assert(guides_decay<cts::inplace_stop_callback, cts::inplace_stop_token>());

// The concepts. [stoptoken.concepts]
static_assert(cts::stoppable_token<cts::stop_token>);
static_assert(cts::stoppable_token<cts::inplace_stop_token>);
static_assert(cts::stoppable_token<cts::never_stop_token>);
static_assert(!cts::stoppable_token<int>);
static_assert(!cts::unstoppable_token<cts::stop_token>);
static_assert(!cts::unstoppable_token<cts::inplace_stop_token>);
static_assert(cts::unstoppable_token<cts::never_stop_token>);
static_assert(cts::stoppable_source<cts::stop_source>);
static_assert(cts::stoppable_source<cts::inplace_stop_source>);
static_assert(!cts::stoppable_source<cts::stop_token>);
static_assert(cts::stoppable_callback_for<nothing, cts::stop_token>);
static_assert(cts::stoppable_callback_for<nothing, cts::inplace_stop_token>);
static_assert(cts::stoppable_callback_for<nothing, cts::never_stop_token>);
static_assert(cts::stoppable_callback_for<picky, cts::stop_token, left&>);
static_assert(!cts::stoppable_callback_for<picky, cts::stop_token, left>);
static_assert(!cts::stoppable_callback_for<int, cts::stop_token>);
static_assert(std::is_same_v<cts::stop_callback_for_t<cts::stop_token, nothing>, cts::stop_callback<nothing>>);
static_assert(
    std::is_same_v<cts::stop_callback_for_t<cts::inplace_stop_token, nothing>, cts::inplace_stop_callback<nothing>>);

/// A token with one requirement missing.
struct without_callback_type {
  bool stop_requested() const noexcept { return false; }
  bool stop_possible() const noexcept { return false; }
  bool operator==(without_callback_type const&) const = default;
};
struct with_throwing_poll : without_callback_type {
  template <class>
  using callback_type = nothing;
  bool stop_requested() const { return false; }
  bool operator==(with_throwing_poll const&) const = default;
};
struct with_everything : without_callback_type {
  template <class>
  using callback_type = nothing;
  bool operator==(with_everything const&) const = default;
};
static_assert(!cts::stoppable_token<without_callback_type>);
static_assert(!cts::stoppable_token<with_throwing_poll>);
static_assert(cts::stoppable_token<with_everything>);

// [stoptoken.never]
static_assert(!cts::never_stop_token::stop_requested() && !cts::never_stop_token::stop_possible());
static_assert(cts::never_stop_token() == cts::never_stop_token());
static_assert(std::is_empty_v<cts::never_stop_token>);
static_assert(std::is_nothrow_constructible_v<cts::stop_callback_for_t<cts::never_stop_token, nothing>,
                                              cts::never_stop_token, nothing>);

// --- sources and tokens that share a state: std and cts

template <class With>
struct Shared : testing::Test {};
using shared_kinds = testing::Types<with_std, with_cts, with_shared>;
TYPED_TEST_SUITE(Shared, shared_kinds, names);

#define CTS_NAMES                                             \
  using source [[maybe_unused]] = typename TypeParam::source; \
  using token [[maybe_unused]] = typename TypeParam::token

// [stoptoken.general]
TYPED_TEST(Shared, ATokenOfNoStateIsNeverStopped) {
  CTS_NAMES;
  token const t;
  EXPECT_FALSE(t.stop_possible());
  EXPECT_FALSE(t.stop_requested());
  EXPECT_EQ(t, token());
}

// [stopsource.cons]
TYPED_TEST(Shared, ASourceOfNoStateMakesNoRequest) {
  CTS_NAMES;
  source s(TypeParam::nostopstate);
  EXPECT_FALSE(s.stop_possible());
  EXPECT_FALSE(s.stop_requested());
  EXPECT_FALSE(s.request_stop());
  EXPECT_FALSE(s.stop_requested());
  EXPECT_EQ(s.get_token(), token());
  EXPECT_EQ(s, source(TypeParam::nostopstate));
  source copy(s), moved(std::move(copy));
  copy = moved;
  moved = std::move(copy);
  EXPECT_EQ(moved, s);
}

// [stopsource.cons]
TYPED_TEST(Shared, ANewSourceIsNotStopped) {
  CTS_NAMES;
  source const s;
  EXPECT_TRUE(s.stop_possible());
  EXPECT_FALSE(s.stop_requested());
  token const t = s.get_token();
  EXPECT_TRUE(t.stop_possible());
  EXPECT_FALSE(t.stop_requested());
}

// [stopsource.mem]
TYPED_TEST(Shared, ARequestIsSeenByAllWhoShareTheState) {
  CTS_NAMES;
  source s, copy(s);
  token const before = s.get_token();
  EXPECT_TRUE(s.request_stop());
  EXPECT_TRUE(s.stop_requested());
  EXPECT_TRUE(copy.stop_requested());
  EXPECT_TRUE(before.stop_requested());
  EXPECT_TRUE(copy.get_token().stop_requested());
  EXPECT_TRUE(before.stop_possible());
  EXPECT_TRUE(s.stop_possible());
}

// [stopsource.mem]
TYPED_TEST(Shared, OnlyTheFirstRequestIsMade) {
  CTS_NAMES;
  source s, copy(s);
  EXPECT_TRUE(copy.request_stop());
  EXPECT_FALSE(copy.request_stop());
  EXPECT_FALSE(s.request_stop());
}

TYPED_TEST(Shared, StatesAreSeparate) {
  CTS_NAMES;
  source a, b;
  a.request_stop();
  EXPECT_FALSE(b.stop_requested());
  EXPECT_FALSE(b.get_token().stop_requested());
  EXPECT_NE(a, b);
  EXPECT_NE(a.get_token(), b.get_token());
}

// [stoptoken.concepts]: equal if they refer to the same state, or to none
TYPED_TEST(Shared, EqualityIsThatOfTheState) {
  CTS_NAMES;
  source a, b, none(TypeParam::nostopstate);
  source const copy(a);
  EXPECT_TRUE(a == copy);
  EXPECT_FALSE(a != copy);
  EXPECT_TRUE(a != b);
  EXPECT_TRUE(a != none);
  EXPECT_TRUE(a.get_token() == copy.get_token());
  EXPECT_TRUE(a.get_token() != b.get_token());
  EXPECT_TRUE(a.get_token() != token());
  EXPECT_TRUE(none.get_token() == token());
}

TYPED_TEST(Shared, AMovedFromSourceHasNoState) {
  CTS_NAMES;
  source a;
  token const t = a.get_token();
  source b(std::move(a));
  EXPECT_FALSE(a.stop_possible());
  EXPECT_FALSE(a.request_stop());
  EXPECT_EQ(b.get_token(), t);
  EXPECT_TRUE(t.stop_possible());
  a = std::move(b);
  EXPECT_FALSE(b.stop_possible());
  EXPECT_EQ(a.get_token(), t);
  EXPECT_TRUE(a.request_stop());
  EXPECT_TRUE(t.stop_requested());
}

TYPED_TEST(Shared, AMovedFromTokenHasNoState) {
  CTS_NAMES;
  source s;
  token a = s.get_token();
  token b(std::move(a));
  EXPECT_EQ(a, token());
  EXPECT_EQ(b, s.get_token());
  a = std::move(b);
  EXPECT_EQ(b, token());
  EXPECT_EQ(a, s.get_token());
}

TYPED_TEST(Shared, AssignmentTakesTheOtherState) {
  CTS_NAMES;
  source a, b;
  token const of_a = a.get_token();
  token t = of_a;
  t = b.get_token();
  EXPECT_EQ(t, b.get_token());
  token const& alias = t;
  t = alias;
  EXPECT_EQ(t, b.get_token()) << "to itself";
  a = b;
  EXPECT_EQ(a, b);
  EXPECT_FALSE(of_a.stop_possible()) << "the only source of the first state is gone";
  source const& same = a;
  a = same;
  EXPECT_EQ(a, b) << "to itself";
  EXPECT_TRUE(t.stop_possible());
}

// libstdc++ 12 does not count the source that is overwritten.
TEST(StopSource, MoveAssignmentDropsTheSourceThatIsAssignedOver) {
  cts::stop_source a, b;
  cts::stop_token const of_a = a.get_token(), of_b = b.get_token();
  a = std::move(b);
  EXPECT_FALSE(of_a.stop_possible());
  EXPECT_TRUE(of_b.stop_possible());
}

TEST(StopSource, MoveAssignmentToItselfChangesNothing) {
  cts::stop_source a;
  cts::stop_token const t = a.get_token();
  cts::stop_source& same = a;
  a = std::move(same);
  EXPECT_EQ(a.get_token(), t);
  EXPECT_TRUE(t.stop_possible());
  cts::stop_token u = t;
  cts::stop_token& itself = u;
  u = std::move(itself);
  EXPECT_EQ(u, t);
}

// [stoptoken.mem], [stopsource.mem]
TYPED_TEST(Shared, SwapExchangesTheStates) {
  CTS_NAMES;
  source a, b;
  token ta = a.get_token(), tb = b.get_token();
  ta.swap(tb);
  EXPECT_EQ(ta, b.get_token());
  EXPECT_EQ(tb, a.get_token());
  swap(ta, tb);
  EXPECT_EQ(ta, a.get_token());
  a.swap(b);
  EXPECT_EQ(a.get_token(), tb);
  EXPECT_EQ(b.get_token(), ta);
  swap(a, b);
  EXPECT_EQ(a.get_token(), ta);
  std::ranges::swap(a, b);
  EXPECT_EQ(a.get_token(), tb);
}

// [stoptoken.mem]
TYPED_TEST(Shared, WithoutSourcesAStopIsNotPossible) {
  CTS_NAMES;
  std::optional<source> first(std::in_place), second(*first);
  token const t = first->get_token();
  first.reset();
  EXPECT_TRUE(t.stop_possible()) << "there is another one";
  second.reset();
  EXPECT_FALSE(t.stop_possible());
  EXPECT_FALSE(t.stop_requested());
  EXPECT_EQ(t, token(t)) << "it still has its state";
  EXPECT_NE(t, token());
}

// [stoptoken.mem]
TYPED_TEST(Shared, AfterARequestAStopStaysPossibleWithoutSources) {
  CTS_NAMES;
  std::optional<source> s(std::in_place);
  token const t = s->get_token();
  s->request_stop();
  s.reset();
  EXPECT_TRUE(t.stop_possible());
  EXPECT_TRUE(t.stop_requested());
}

TYPED_TEST(Shared, TokensAndCallbacksAreNoSources) {
  CTS_NAMES;
  std::optional<source> s(std::in_place);
  token const t = s->get_token();
  typename TypeParam::template callback<nothing> const c(t, nothing());
  s.reset();
  EXPECT_FALSE(t.stop_possible());
}

// A callback of a token that can no longer be stopped never runs.
TYPED_TEST(Shared, ACallbackThatNobodyCanCallIsNotCalled) {
  CTS_NAMES;
  std::optional<source> s(std::in_place);
  token t = s->get_token();
  s.reset();
  int runs = 0;
  {
    auto const count = [&] { ++runs; };
    typename TypeParam::template callback<decltype(count)> const c(t, count), d(std::move(t), count), e(token(), count);
  }
  EXPECT_EQ(runs, 0);
}

// [stopcallback.cons]: only a registered callback takes the state of an rvalue token
TYPED_TEST(Shared, ACallbackTakesTheStateOfAnRvalueOnlyIfItIsRegistered) {
  CTS_NAMES;
  source s;
  token t = s.get_token(), u = s.get_token(), v = s.get_token();
  typename TypeParam::template callback<nothing> const a(t, nothing());
  EXPECT_EQ(t, s.get_token()) << "not an rvalue";
  typename TypeParam::template callback<nothing> const b(std::move(u), nothing());
  EXPECT_EQ(u, token());
  s.request_stop();
  typename TypeParam::template callback<nothing> const c(std::move(v), nothing());
  EXPECT_EQ(v, s.get_token()) << "not registered";
}

// The last owner frees the state, of whatever kind it is. K1
TYPED_TEST(Shared, TheLastOwnerFreesTheState) {
  CTS_NAMES;
  using callback = typename TypeParam::template callback<nothing>;
  long const before = blocks_held.load();
  for (int last = 0; last < 4; ++last)
    for (int requested = 0; requested < 2; ++requested) {
      std::optional<source> s(std::in_place), other(*s);
      std::optional<token> t(s->get_token());
      std::optional<callback> c(std::in_place, *t, nothing());
      if (requested == 1) s->request_stop();
      if (last != 0) s.reset();
      if (last != 1) other.reset();
      if (last != 2) t.reset();
      if (last != 3) c.reset();
      bool const callback_owns = last == 3;
      EXPECT_EQ(blocks_held.load(), before + 1) << "last " << last << (callback_owns ? ": the callback" : "");
      s.reset(), other.reset(), t.reset(), c.reset();
      EXPECT_EQ(blocks_held.load(), before) << "last " << last << " requested " << requested;
    }
}

// [stopcallback.cons]: a callback acquires ownership only if it is registered
TYPED_TEST(Shared, ACallbackThatRanInItsConstructorOwnsNothing) {
  CTS_NAMES;
  long const before = blocks_held.load();
  std::optional<source> s(std::in_place);
  s->request_stop();
  typename TypeParam::template callback<nothing> const c(s->get_token(), nothing());
  s.reset();
  EXPECT_EQ(blocks_held.load(), before);
}

TYPED_TEST(Shared, MakingASourceAllocatesOnceAndNothingElseDoes) {
  CTS_NAMES;
  long const before = blocks_made.load();
  source s;
  EXPECT_EQ(blocks_made.load(), before + 1);
  source copy = s, moved = std::move(copy);
  token const t = moved.get_token(), u = t;
  { typename TypeParam::template callback<nothing> const a(t, nothing()), b(s.get_token(), nothing()); }
  s.request_stop();
  typename TypeParam::template callback<nothing> const c(u, nothing());
  source const none(TypeParam::nostopstate);
  EXPECT_EQ(blocks_made.load(), before + 1);
}

// [stopsource.cons]
TYPED_TEST(Shared, MakingASourceThrowsIfThereIsNoMemory) {
  CTS_NAMES;
  bool thrown = false;
  no_memory = true;
  try {
    source const s;
  } catch (std::bad_alloc const&) { thrown = true; }
  no_memory = false;
  EXPECT_TRUE(thrown);
}

// --- callbacks: std, cts and in place alike

template <class With>
struct Callbacks : testing::Test {};
using all_kinds = testing::Types<with_std, with_cts, with_shared, in_place>;
TYPED_TEST_SUITE(Callbacks, all_kinds, names);

#undef CTS_NAMES
#define CTS_NAMES                                             \
  using source [[maybe_unused]] = typename TypeParam::source; \
  using token [[maybe_unused]] = typename TypeParam::token;   \
  using any [[maybe_unused]] = typename TypeParam::template callback<function>

// [stoptoken.concepts]
TYPED_TEST(Callbacks, RunWhenAStopIsRequestedOnce) {
  CTS_NAMES;
  source s;
  int runs = 0;
  any const c(s.get_token(), [&] { ++runs; });
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(s.request_stop());
  EXPECT_EQ(runs, 1) << "before request_stop returned";
  EXPECT_FALSE(s.request_stop());
  EXPECT_EQ(runs, 1);
}

TYPED_TEST(Callbacks, OfDestroyedObjectsDoNotRun) {
  CTS_NAMES;
  source s;
  int runs = 0;
  {
    any const c(s.get_token(), [&] { ++runs; });
  }
  s.request_stop();
  EXPECT_EQ(runs, 0);
}

// [stoptoken.concepts]
TYPED_TEST(Callbacks, RunInTheConstructorIfAStopHasBeenRequested) {
  CTS_NAMES;
  source s;
  s.request_stop();
  token const t = s.get_token();
  std::thread::id where[2];
  any const a(t, [&] { where[0] = std::this_thread::get_id(); });
  EXPECT_EQ(where[0], std::this_thread::get_id());
  any const b(s.get_token(), [&] { where[1] = std::this_thread::get_id(); });
  EXPECT_EQ(where[1], std::this_thread::get_id());
}

TYPED_TEST(Callbacks, OfATokenOfNoStateDoNotRun) {
  CTS_NAMES;
  int runs = 0;
  {
    token const none;
    any const a(none, [&] { ++runs; }), b(token(), [&] { ++runs; });
  }
  EXPECT_EQ(runs, 0);
}

TYPED_TEST(Callbacks, RunOnTheThreadThatRequests) {
  CTS_NAMES;
  source s;
  std::thread::id where;
  any const c(s.get_token(), [&] { where = std::this_thread::get_id(); });
  std::thread other([&] { s.request_stop(); });
  auto const expected = other.get_id();
  other.join();
  EXPECT_EQ(where, expected);
}

TYPED_TEST(Callbacks, SeeTheRequest) {
  CTS_NAMES;
  source s;
  token const t = s.get_token();
  bool by_token = false, by_source = false, possible = false;
  any const c(t, [&] { by_token = t.stop_requested(), by_source = s.stop_requested(), possible = t.stop_possible(); });
  s.request_stop();
  EXPECT_TRUE(by_token);
  EXPECT_TRUE(by_source);
  EXPECT_TRUE(possible);
}

// Not required by the standard. Both libraries do this, and cts promises it.
TYPED_TEST(Callbacks, RunNewestFirst) {
  CTS_NAMES;
  source s;
  std::vector<int> order;
  std::deque<any> all;
  for (int i = 0; i < 1000; ++i) all.emplace_back(s.get_token(), [&order, i] { order.push_back(i); });
  s.request_stop();
  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
}

/// Notes the value category in which it is called.
struct categories {
  char* called;
  void operator()() & { *called = 'l'; }
  void operator()() const& { *called = 'c'; }
  void operator()() && { *called = 'r'; }
  void operator()() const&& { *called = 'x'; }
};

// [stoptoken.concepts]: std::forward<CallbackFn>(callback_fn)()
TYPED_TEST(Callbacks, AreCalledInTheirOwnValueCategory) {
  CTS_NAMES;
  auto const check = [](auto const register_and_stop) {
    char called = '?';
    categories f{&called};
    {
      source s;
      typename TypeParam::template callback<categories> const c(s.get_token(), f);
      register_and_stop(s);
      EXPECT_EQ(called, 'r');
    }
    {
      source s;
      typename TypeParam::template callback<categories&> const c(s.get_token(), f);
      register_and_stop(s);
      EXPECT_EQ(called, 'l');
    }
    {
      source s;
      typename TypeParam::template callback<categories const&> const c(s.get_token(), f);
      register_and_stop(s);
      EXPECT_EQ(called, 'c');
    }
    {
      source s;
      typename TypeParam::template callback<categories const> const c(s.get_token(), f);
      register_and_stop(s);
      EXPECT_EQ(called, 'x');
    }
  };
  check([](source& s) { s.request_stop(); });
}

TYPED_TEST(Callbacks, AreCalledInTheirOwnValueCategoryByTheConstructorToo) {
  CTS_NAMES;
  source s;
  s.request_stop();
  char called = '?';
  categories f{&called};
  typename TypeParam::template callback<categories> const a(s.get_token(), f);
  EXPECT_EQ(called, 'r');
  typename TypeParam::template callback<categories&> const b(s.get_token(), f);
  EXPECT_EQ(called, 'l');
  token const t = s.get_token();
  typename TypeParam::template callback<categories const> const c(t, f);
  EXPECT_EQ(called, 'x');
}

TYPED_TEST(Callbacks, MayBeReferences) {
  CTS_NAMES;
  int runs = 0;
  auto f = [&] { ++runs; };
  source s;
  {
    typename TypeParam::template callback<decltype(f)&> const c(s.get_token(), f);
    typename TypeParam::template callback<void (&)()> const d(s.get_token(), free_function);
    s.request_stop();
  }
  EXPECT_EQ(runs, 1);
}

TYPED_TEST(Callbacks, MayBeMoveOnlyAndReturnSomething) {
  CTS_NAMES;
  source s;
  auto f = [p = std::make_unique<int>(1)] { return ++*p; };
  typename TypeParam::template callback<decltype(f)> const c(s.get_token(), std::move(f));
  EXPECT_TRUE(s.request_stop());
}

// [stopcallback.cons]: initialised with std::forward<Initializer>(init)
TYPED_TEST(Callbacks, AreMadeFromTheInitializerAsItIs) {
  CTS_NAMES;
  struct from_anything {
    explicit from_anything(std::string& by_reference) { by_reference += "&"; }
    explicit from_anything(std::string&& by_rvalue) { by_rvalue += "&&"; }
    void operator()() const {}
  };
  using callback = typename TypeParam::template callback<from_anything>;
  source const s;
  token const t = s.get_token();
  std::string init;
  callback const a(t, init), b(t, std::move(init)), c(s.get_token(), init), d(s.get_token(), std::move(init));
  EXPECT_EQ(init, "&&&&&&");
}

// [stopcallback.cons]
TYPED_TEST(Callbacks, ThatThrowWhenMadeAreNotRegistered) {
  CTS_NAMES;
  struct throwing {
    explicit throwing(int) { throw std::string("no"); }
    void operator()() const { std::abort(); }
  };
  source s;
  token t = s.get_token();
  using callback = typename TypeParam::template callback<throwing>;
  EXPECT_THROW(callback const c(t, 1), std::string);
  EXPECT_THROW(callback const c(std::move(t), 1), std::string);
  EXPECT_EQ(t, s.get_token()) << "it still has its state";
  s.request_stop();
  EXPECT_THROW(callback const c(t, 1), std::string);
}

TYPED_TEST(Callbacks, AreDestroyedWithTheirObjects) {
  CTS_NAMES;
  auto const alive = std::make_shared<int>(0);
  source s;
  {
    any const c(s.get_token(), [alive] {});
    EXPECT_EQ(alive.use_count(), 2);
    s.request_stop();
    EXPECT_EQ(alive.use_count(), 2) << "not by running";
    any const d(s.get_token(), [alive] {});
    EXPECT_EQ(alive.use_count(), 3);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

template <class With>
void throw_from_a_callback() {
  typename With::source s;
  typename With::template callback<function> const c(s.get_token(), [] { throw 1; });
  try {
    s.request_stop();
  } catch (int) { std::_Exit(0); }
}
template <class With>
void throw_from_a_constructor() {
  typename With::source s;
  s.request_stop();
  try {
    typename With::template callback<function> const c(s.get_token(), [] { throw 1; });
  } catch (int) { std::_Exit(0); }
}
[[noreturn]] void leave_a_message() {
  std::fputs("terminated\n", stderr);
  std::_Exit(3);
}

// [stoptoken.concepts]
TYPED_TEST(Callbacks, ThatThrowEndTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT((std::set_terminate(leave_a_message), throw_from_a_callback<TypeParam>()), testing::ExitedWithCode(3),
              "terminated");
  EXPECT_EXIT((std::set_terminate(leave_a_message), throw_from_a_constructor<TypeParam>()), testing::ExitedWithCode(3),
              "terminated");
}

// --- inside a callback

TYPED_TEST(Callbacks, MayRequestAStop) {
  CTS_NAMES;
  source s;
  int runs = 0;
  bool nested = true;
  any const a(s.get_token(), [&] { ++runs; });
  any const b(s.get_token(), [&] { nested = s.request_stop(); });
  EXPECT_TRUE(s.request_stop());
  EXPECT_FALSE(nested);
  EXPECT_EQ(runs, 1);
}

TYPED_TEST(Callbacks, MayRegisterOthersWhichRunAtOnce) {
  CTS_NAMES;
  source s;
  std::vector<int> order;
  std::optional<any> late;
  any const a(s.get_token(), [&] {
    order.push_back(1);
    late.emplace(s.get_token(), [&] { order.push_back(2); });
    order.push_back(3);
  });
  s.request_stop();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TYPED_TEST(Callbacks, MayDestroyOthersWhichThenDoNotRun) {
  CTS_NAMES;
  source s;
  int runs = 0;
  std::optional<any> a, b;
  auto const only_me = [&](std::optional<any>& other) {
    ++runs;
    other.reset();
  };
  a.emplace(s.get_token(), [&] { only_me(b); });
  b.emplace(s.get_token(), [&] { only_me(a); });
  s.request_stop();
  EXPECT_EQ(runs, 1);
}

TYPED_TEST(Callbacks, MayDestroyOthersThatHaveRun) {
  CTS_NAMES;
  source s;
  std::optional<any> a, b;
  int runs = 0;
  a.emplace(s.get_token(), [&] { ++runs, b.reset(); });
  b.emplace(s.get_token(), [&] { ++runs; });
  s.request_stop();
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(b.has_value());
}

// [stoptoken.concepts]: the destructor does not wait on the thread that runs the callback
TYPED_TEST(Callbacks, MayDestroyThemselves) {
  CTS_NAMES;
  source s;
  std::unique_ptr<any> mine;
  int runs = 0;
  any const before(s.get_token(), [&] { ++runs; });
  mine = std::make_unique<any>(s.get_token(), [&, padding = std::vector<int>(100)] {
    auto& pointer = mine;
    auto& count = runs;
    pointer.reset();
    ++count;
  });
  any const after(s.get_token(), [&] { ++runs; });
  EXPECT_TRUE(s.request_stop());
  EXPECT_EQ(runs, 3);
}

TYPED_TEST(Callbacks, TheLastOneMayDestroyItselfAndTheSource) {
  CTS_NAMES;
  long const before = blocks_held.load();
  {
    auto s = std::make_unique<source>();
    std::unique_ptr<any> mine;
    bool ran = false;
    mine = std::make_unique<any>(s->get_token(), [&] {
      auto& registration = mine;
      auto& home = s;
      auto& done = ran;
      registration.reset();
      home.reset();
      done = true;
    });
    EXPECT_TRUE(s->request_stop());
    EXPECT_TRUE(ran);
  }
  EXPECT_EQ(blocks_held.load(), before);
}

TYPED_TEST(Callbacks, TheLastOneMayDestroyTheSourceThenItself) {
  CTS_NAMES;
  if constexpr (TypeParam::is_shared) {
    long const before = blocks_held.load();
    {
      auto s = std::make_unique<source>();
      std::unique_ptr<any> mine;
      mine = std::make_unique<any>(s->get_token(), [&] {
        auto& registration = mine;
        s.reset();
        registration.reset();
      });
      EXPECT_TRUE(s->request_stop());
    }
    EXPECT_EQ(blocks_held.load(), before);
  }
}

// The remaining callbacks keep the state until they have run. K1
TYPED_TEST(Shared, TheFirstCallbackMayDestroyEverySourceAndToken) {
  using source = typename TypeParam::source;
  using any = typename TypeParam::template callback<function>;
  long const before = blocks_held.load();
  {
    auto s = std::make_unique<source>();
    auto t = std::make_unique<typename TypeParam::token>(s->get_token());
    int runs = 0;
    std::deque<std::optional<any>> all(20);
    for (auto& c : all)
      c.emplace(*t, [&] {
        ++runs;
        s.reset();
        t.reset();
      });
    EXPECT_TRUE(s->request_stop());
    EXPECT_EQ(runs, 20);
  }
  EXPECT_EQ(blocks_held.load(), before);
}

// The first source that ends in a callback is left to the request, the others end there. K5
TYPED_TEST(Shared, SeveralSourcesMayEndInACallback) {
  using source = typename TypeParam::source;
  using any = typename TypeParam::template callback<function>;
  long const before = blocks_held.load();
  {
    std::vector<source> sources(1);
    for (int i = 0; i < 3; ++i) sources.push_back(sources.front());
    any const c(sources.front().get_token(), [&] { sources.clear(); });
    source const last = sources.front();
    EXPECT_TRUE(last.get_token().stop_possible());
    sources.front().request_stop();
  }
  EXPECT_EQ(blocks_held.load(), before);
}

// The running callback has dropped its owners. A thread that drops the others meanwhile neither waits for the callback
// nor destroys the state under it. K1
TYPED_TEST(Shared, TheLastTokenMayGoOnAnotherThreadWhileACallbackRuns) {
  using source = typename TypeParam::source;
  using any = typename TypeParam::template callback<function>;
  long const before = blocks_held.load();
  {
    auto s = std::make_unique<source>();
    auto t = s->get_token();
    std::unique_ptr<any> mine;
    std::future_status waited = std::future_status::timeout;
    std::promise<void> go, gone;
    std::thread other([last = std::move(t), &go, &gone]() mutable {
      go.get_future().wait();
      last = {};
      gone.set_value();
    });
    mine = std::make_unique<any>(s->get_token(), [&] {
      auto& registration = mine;
      auto& status = waited;
      auto& start = go;
      auto& end = gone;
      s.reset();
      registration.reset();
      start.set_value();
      status = end.get_future().wait_for(20s);
    });
    EXPECT_TRUE(s->request_stop());
    EXPECT_EQ(waited, std::future_status::ready);
    other.join();
  }
  EXPECT_EQ(blocks_held.load(), before);
}

// A request may be made through a source that its own callbacks assign to.
TYPED_TEST(Shared, ACallbackMayAssignToTheSourceThatRunsIt) {
  using source = typename TypeParam::source;
  using any = typename TypeParam::template callback<function>;
  source s;
  typename TypeParam::token const t = s.get_token();
  int runs = 0;
  any const a(t, [&] { ++runs; }), b(t, [&] { s = source(TypeParam::nostopstate), ++runs; });
  EXPECT_TRUE(s.request_stop());
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(s.stop_possible());
  EXPECT_TRUE(t.stop_requested());
}

// A callback that runs in its own constructor may destroy the token it is made with.
TYPED_TEST(Shared, ACallbackThatRunsInItsConstructorMayDestroyItsToken) {
  using source = typename TypeParam::source;
  using token = typename TypeParam::token;
  auto s = std::make_unique<source>();
  s->request_stop();
  if constexpr (TypeParam::is_cts) {  // libstdc++ passes, as it copies the token first, but does not promise it
    auto t = std::make_unique<token>(s->get_token());
    token const& ref = *t;
    typename TypeParam::template callback<function> const c(ref, [&] { t.reset(), s.reset(); });
    EXPECT_EQ(t, nullptr);
  }
}

// --- threads

/// Runs `a` and `b` together, `rounds` times, with `setup` before and `check` after each.
template <class Setup, class A, class B, class Check>
void race(int rounds, Setup setup, A a, B b, Check check) {
  std::atomic<int> go{0}, done{0};
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (go.load() < i) std::this_thread::yield();
      b();
      done.store(i);
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    setup();
    go.store(i);
    if (i % 3 == 0) std::this_thread::yield();
    a();
    while (done.load() < i) std::this_thread::yield();
    check(i);
  }
  other.join();
}

// [stoptoken.concepts]: one request is made
TYPED_TEST(Callbacks, RunForOneOfTwoRequests) {
  CTS_NAMES;
  std::unique_ptr<source> s;
  std::optional<any> c;
  int runs = 0, made_by_a = 0, made_by_b = 0;
  race(
      2000,
      [&] {
        s = std::make_unique<source>();
        runs = made_by_a = made_by_b = 0;
        c.emplace(s->get_token(), [&] { ++runs; });
      },
      [&] { made_by_a = s->request_stop(); }, [&] { made_by_b = s->request_stop(); },
      [&](int) {
        ASSERT_EQ(made_by_a + made_by_b, 1);
        ASSERT_EQ(runs, 1);
        c.reset();
      });
}

// [stoptoken.concepts]: a callback is registered or called, never lost, never both
TYPED_TEST(Callbacks, RunOnceWhenMadeBesideARequest) {
  CTS_NAMES;
  std::unique_ptr<source> s;
  std::atomic<int> runs[12];
  std::deque<any> all;
  race(
      2000,
      [&] {
        all.clear();
        s = std::make_unique<source>();
        for (auto& r : runs) r = 0;
      },
      [&] {
        for (auto& r : runs) all.emplace_back(s->get_token(), [&r] { ++r; });
      },
      [&] { s->request_stop(); },
      [&](int round) {
        for (auto& r : runs) ASSERT_EQ(r.load(), 1) << "round " << round;
      });
}

// [stoptoken.concepts]: after the destructor the callback does not run, and its effects are visible
TYPED_TEST(Callbacks, HaveRunOrNeverWillOnceDestroyed) {
  CTS_NAMES;
  struct shared_state {
    source s;
    int effect = 0;  // plain: the sanitizer reports a race if the destructor does not wait
    std::atomic<bool> destroyed{false}, late{false};
  };
  std::unique_ptr<shared_state> w;
  std::unique_ptr<any> c;
  race(
      2000,
      [&] {
        w = std::make_unique<shared_state>();
        c = std::make_unique<any>(w->s.get_token(), [&state = *w] {
          if (state.destroyed.load()) state.late = true;
          ++state.effect;
        });
      },
      [&] {
        c.reset();
        ++w->effect;
        w->destroyed = true;
      },
      [&] { w->s.request_stop(); },
      [&](int) {
        ASSERT_FALSE(w->late.load());
        ASSERT_TRUE(w->effect == 1 || w->effect == 2);
      });
}

// [stoptoken.concepts]
TYPED_TEST(Callbacks, AreWaitedForByTheirDestructorsOnOtherThreads) {
  CTS_NAMES;
  source s;
  std::promise<void> begun;
  std::promise<void> end;
  std::atomic<bool> ended{false};
  auto c = std::make_unique<any>(s.get_token(), [&] {
    begun.set_value();
    end.get_future().wait();
    ended = true;
  });
  std::thread requester([&] { s.request_stop(); });
  begun.get_future().wait();
  auto gone = std::async(std::launch::async, [&] {
    c.reset();
    return ended.load();
  });
  EXPECT_EQ(gone.wait_for(50ms), std::future_status::timeout) << "it waits";
  end.set_value();
  EXPECT_TRUE(gone.get()) << "it had not ended";
  requester.join();
}

// [stoptoken.concepts]: the destructor waits for no other callback
TYPED_TEST(Callbacks, AreNotWaitedForByTheDestructorsOfOthers) {
  CTS_NAMES;
  source s;
  std::promise<void> begun, end;
  auto before = std::make_unique<any>(s.get_token(), [] {});
  any const running(s.get_token(), [&] {
    begun.set_value();
    end.get_future().wait();
  });
  auto after = std::make_unique<any>(s.get_token(), [] {});
  std::thread requester([&] { s.request_stop(); });
  begun.get_future().wait();
  auto gone = std::async(std::launch::async, [&] {
    before.reset();
    after.reset();
    any const late(s.get_token(), [] {});
  });
  bool const free = gone.wait_for(20s) == std::future_status::ready;
  end.set_value();
  requester.join();
  EXPECT_TRUE(free);
}

// A second request returns at once.
TYPED_TEST(Callbacks, AreNotWaitedForByALosingRequest) {
  CTS_NAMES;
  source s;
  std::promise<void> begun, end;
  any const running(s.get_token(), [&] {
    begun.set_value();
    end.get_future().wait();
  });
  std::thread requester([&] { s.request_stop(); });
  begun.get_future().wait();
  auto lost = std::async(std::launch::async, [&] { return s.request_stop(); });
  bool const returned = lost.wait_for(20s) == std::future_status::ready;
  end.set_value();
  requester.join();
  EXPECT_TRUE(returned);
  EXPECT_FALSE(lost.get());
}

// [stoptoken.concepts]: the request synchronizes with a thread that reads it
TYPED_TEST(Callbacks, AndPollersSeeWhatHappenedBeforeTheRequest) {
  CTS_NAMES;
  std::unique_ptr<source> s;
  int written = 0, read = 0;
  race(
      1000, [&] { s = std::make_unique<source>(), written = read = 0; },
      [&] {
        written = 1;
        s->request_stop();
      },
      [&] {
        token const t = s->get_token();
        while (!t.stop_requested()) std::this_thread::yield();
        read = written;
      },
      [&](int) { ASSERT_EQ(read, 1); });
}

// [stoptoken.concepts]: registration synchronizes with the call
TYPED_TEST(Callbacks, SeeWhatHappenedBeforeTheyWereRegistered) {
  CTS_NAMES;
  std::unique_ptr<source> s;
  std::optional<any> c;
  int written = 0;
  std::atomic<int> read{0};
  race(
      1000, [&] { c.reset(), s = std::make_unique<source>(), written = 0, read = 0; },
      [&] {
        written = 1;
        c.emplace(s->get_token(), [&] { read = written; });
      },
      [&] { s->request_stop(); }, [&](int) { ASSERT_EQ(read.load(), 1); });
}

// [stoptoken.mem]: if no stop is possible, none was requested
TYPED_TEST(Shared, AStopThatIsNotPossibleWasNotRequested) {
  using source = typename TypeParam::source;
  using token = typename TypeParam::token;
  std::optional<source> s;
  token t;
  bool bad = false;
  int seen = 0;
  race(
      2000,
      [&] {
        s.emplace();
        t = s->get_token();
      },
      [&, round = 0]() mutable {
        if (++round % 2 == 0) s->request_stop();
        s.reset();
      },
      [&] {
        for (int i = 0; i < 100; ++i)
          if (!t.stop_possible()) ++seen, bad = bad || t.stop_requested();
      },
      [&](int round) {
        ASSERT_FALSE(bad);
        ASSERT_EQ(t.stop_possible(), round % 2 == 0);
      });
}

// The last owner frees the state, once. K1
TYPED_TEST(Shared, OwnersMayGoAllAtOnce) {
  using source = typename TypeParam::source;
  using token = typename TypeParam::token;
  using callback = typename TypeParam::template callback<nothing>;
  struct owners {
    std::optional<source> s{std::in_place}, copy{*s};
    std::optional<token> t{s->get_token()}, u{*t};
    std::optional<callback> c{std::in_place, *t, nothing()};
  };
  std::optional<owners> o;
  long const before = blocks_held.load();
  race(
      3000, [&] { o.emplace(); },
      [&, round = 0]() mutable {
        if (++round % 2 == 0) o->s->request_stop();
        o->s.reset(), o->t.reset();
      },
      [&] { o->u.reset(), o->copy.reset(), o->c.reset(); }, [&](int) { o.reset(); });
  EXPECT_EQ(blocks_held.load(), before);
}

// Threads copy, drop, register and poll while a stop is requested, and drop everything at the end.
TYPED_TEST(Shared, ACrowdSharesAState) {
  using source = typename TypeParam::source;
  using token = typename TypeParam::token;
  using callback = typename TypeParam::template callback<function>;
  long const before = blocks_held.load();
  for (int round = 0; round < 30; ++round) {
    std::atomic<int> refused{0}, made{0};
    {
      std::optional<source> first(std::in_place);
      std::vector<std::thread> crowd;
      for (int i = 0; i < 4; ++i)
        crowd.emplace_back([&, i, s = *first, t = first->get_token()]() mutable {
          for (int k = 0; k < 200; ++k) {
            token u = t;
            source v = s;
            std::atomic<int> runs{0};
            {
              callback const c(u, [&] { ++runs; }), d(v.get_token(), [&] { ++runs; });
              if (i == 0 && k == 100) made += v.request_stop();
            }
            if (runs.load() > 2) ++refused;
            s = std::move(v);
            t = std::move(u);
          }
          s = source(TypeParam::nostopstate);
          if (!t.stop_requested()) t = {};
        });
      first.reset();
      for (auto& member : crowd) member.join();
    }
    EXPECT_EQ(refused.load(), 0);
    EXPECT_EQ(made.load(), 1);
  }
  EXPECT_EQ(blocks_held.load(), before);
}

// The last callback destroys everything while another thread has just destroyed its own callback.
TYPED_TEST(Callbacks, TheLastOneMayDestroyEverythingBesideOtherThreads) {
  CTS_NAMES;
  std::unique_ptr<source> s;
  std::unique_ptr<any> last, sibling;
  std::atomic<bool> sibling_gone{false};
  long const before = blocks_held.load();
  race(
      1000,
      [&] {
        sibling_gone = false;
        s = std::make_unique<source>();
        last = std::make_unique<any>(s->get_token(), [&] {
          auto& gone = sibling_gone;
          auto& registration = last;
          auto& home = s;
          while (!gone.load()) std::this_thread::yield();
          registration.reset();
          home.reset();
        });
        sibling = std::make_unique<any>(s->get_token(), [] {});
      },
      [&] { s->request_stop(); },
      [&] {
        sibling.reset();
        sibling_gone = true;
      },
      [&](int) { ASSERT_FALSE(last || s); });
  EXPECT_EQ(blocks_held.load(), before);
}

// --- in place only

// [stoptoken.inplace.mem]
TEST(InplaceStopToken, OfNoSourceIsNeverStopped) {
  cts::inplace_stop_token const t;
  EXPECT_FALSE(t.stop_possible());
  EXPECT_FALSE(t.stop_requested());
}

// [stopsource.inplace.mem]
TEST(InplaceStopToken, SharesTheStateOfItsSource) {
  cts::inplace_stop_source s;
  cts::inplace_stop_token const t = std::as_const(s).get_token();
  EXPECT_TRUE(s.stop_possible());
  EXPECT_TRUE(t.stop_possible());
  EXPECT_FALSE(s.stop_requested());
  EXPECT_FALSE(t.stop_requested());
  EXPECT_TRUE(s.request_stop());
  EXPECT_FALSE(s.request_stop());
  EXPECT_TRUE(s.stop_requested());
  EXPECT_TRUE(t.stop_requested());
  EXPECT_TRUE(t.stop_possible());
}

// [stoptoken.inplace.general]
TEST(InplaceStopToken, IsEqualIfTheSourceIs) {
  cts::inplace_stop_source a, b;
  cts::inplace_stop_token ta = a.get_token(), tb = b.get_token();
  EXPECT_EQ(ta, a.get_token());
  EXPECT_NE(ta, tb);
  EXPECT_NE(ta, cts::inplace_stop_token());
  EXPECT_EQ(cts::inplace_stop_token(), cts::inplace_stop_token());
  ta.swap(tb);
  EXPECT_EQ(ta, b.get_token());
  EXPECT_EQ(tb, a.get_token());
  swap(ta, tb);
  EXPECT_EQ(ta, a.get_token());
}

TEST(InplaceStopSource, AllocatesNothingForTheFirstCallbacks) {
  long const before = blocks_made.load();
  {
    cts::inplace_stop_source s;
    cts::inplace_stop_callback a(s.get_token(), nothing()), b(s.get_token(), nothing());
    s.request_stop();
    cts::inplace_stop_callback c(s.get_token(), nothing());
  }
  EXPECT_EQ(blocks_made.load(), before);
}

// The destructor of the last callback waits until it has returned. Then the source may be destroyed while request_stop
// is leaving it. G13
TEST(InplaceStopSource, MayBeDestroyedOnceTheLastCallbackHasReturned) {
  using any = cts::inplace_stop_callback<function>;
  struct world {
    cts::inplace_stop_source s;
    std::atomic<bool> begun{false};
    any c{s.get_token(), [this] { begun = true; }};
  };
  std::unique_ptr<world> w;
  race(
      2000, [&] { w = std::make_unique<world>(); }, [&] { w->s.request_stop(); },
      [&] {
        while (!w->begun.load()) std::this_thread::yield();
        w.reset();  // the callback first, whose destructor waits; then the source
      },
      [&](int) {});
}

// --- never

// [stoptoken.never]: its callbacks do not even make their function
TEST(NeverStopToken, ItsCallbacksDoNothing) {
  struct unmakable {
    explicit unmakable(int) { std::abort(); }
    void operator()() const {}
  };
  cts::stop_callback_for_t<cts::never_stop_token, unmakable> const c(cts::never_stop_token(), 1);
  cts::never_stop_token const t;
  EXPECT_FALSE(t.stop_requested());
  EXPECT_FALSE(t.stop_possible());
  (void)c;
}

// --- beyond the standard

// Also in libstdc++: sources are often captured by value in lambdas.
TEST(StopSource, RequestsThroughAConstSource) {
  cts::stop_source s;
  auto const stop = [s] { return s.request_stop(); };
  EXPECT_TRUE(stop());
  EXPECT_TRUE(s.stop_requested());
}

// The constructor cannot report that there is no memory to grow. Callbacks that fit without growing are not affected.
template <class With>
void register_without_memory(int n) {
  typename With::source s;
  std::deque<std::optional<typename With::template callback<nothing>>> all(static_cast<std::size_t>(n));
  no_memory = true;
  for (auto& c : all) c.emplace(s.get_token(), nothing());
  no_memory = false;
}
TEST(StopCallback, ThatFitsNowhereEndsTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  register_without_memory<with_cts>(4);
  register_without_memory<in_place>(4);
  EXPECT_EXIT((std::set_terminate(leave_a_message), register_without_memory<with_cts>(1000)),
              testing::ExitedWithCode(3), "terminated");
  EXPECT_EXIT((std::set_terminate(leave_a_message), register_without_memory<in_place>(1000)),
              testing::ExitedWithCode(3), "terminated");
}

// Generic code over the concepts.
template <cts::stoppable_token Token>
int count_until_stopped(Token token, int limit) {
  int n = 0;
  cts::stop_callback_for_t<Token, function> const on_stop(token, function([] {}));
  (void)on_stop;
  if constexpr (cts::unstoppable_token<Token>) return limit;
  while (n < limit && !token.stop_requested()) ++n;
  return n;
}
TEST(Concepts, AdmitAllThreeTokens) {
  cts::stop_source s;
  cts::inplace_stop_source p;
  s.request_stop();
  EXPECT_EQ(count_until_stopped(s.get_token(), 5), 0);
  EXPECT_EQ(count_until_stopped(p.get_token(), 5), 5);
  EXPECT_EQ(count_until_stopped(cts::never_stop_token(), 5), 5);
}

}  // namespace
