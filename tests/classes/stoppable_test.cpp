// SPDX-License-Identifier: BSL-1.0
// The classes as models of P2300's concepts, and as the stop token of a sender's environment.
#include <gtest/gtest.h>

#include <concepts>
#include <optional>
#include <utility>

#include "cts/cancellation_callback.hpp"
#include "cts/cancellation_token_source.hpp"
#include "cts/stop_token.hpp"

namespace {

struct on_stop {
  int* runs;
  void operator()() const noexcept { ++*runs; }
};
/// Made from what it does not convert from, and immovable.
struct pinned {
  explicit pinned(int& r) noexcept : runs(r) {}
  pinned(pinned&&) = delete;
  void operator()() const noexcept { ++runs; }
  int& runs;
};

static_assert(cts::stoppable_token<cts::cancellation_token>);
static_assert(!cts::unstoppable_token<cts::cancellation_token>);
static_assert(cts::stoppable_source<cts::cancellation_token_source>);
static_assert(!cts::stoppable_source<cts::cancellation_token>);
static_assert(cts::stoppable_callback_for<on_stop, cts::cancellation_token>);
static_assert(cts::stoppable_callback_for<on_stop, cts::cancellation_token, on_stop const&>);
static_assert(cts::stoppable_callback_for<on_stop&, cts::cancellation_token>);
static_assert(cts::stoppable_callback_for<pinned, cts::cancellation_token, int&>);
static_assert(!std::constructible_from<cts::cancellation_callback<on_stop>, cts::cancellation_token, int>);
static_assert(
    std::same_as<cts::stop_callback_for_t<cts::cancellation_token, on_stop>, cts::cancellation_callback<on_stop>>);
static_assert(std::same_as<cts::cancellation_callback<on_stop>::callback_type, on_stop>);
static_assert(
    std::same_as<decltype(std::declval<cts::cancellation_token_source const&>().get_token()), cts::cancellation_token>);
template <class Source>
concept gives_token = requires(Source&& s) {
  std::forward<Source>(s).get_token();
};
static_assert(gives_token<cts::cancellation_token_source&> && !gives_token<cts::cancellation_token_source>);

TEST(Stoppable, TheNamesOfP2300AreThoseOfTheClasses) {
  cts::cancellation_token_source source;
  cts::cancellation_token const token = source.get_token();
  EXPECT_EQ(token, source.token());
  EXPECT_TRUE(source.stop_possible() && token.stop_possible());
  EXPECT_FALSE(source.stop_requested() || token.stop_requested());
  EXPECT_TRUE(source.request_stop());
  EXPECT_FALSE(source.request_stop());
  EXPECT_TRUE(source.stop_requested() && token.stop_requested());
  source.dispose();
  EXPECT_TRUE(source.stop_possible()) << "it was requested";
  EXPECT_FALSE(cts::cancellation_token().stop_possible());
}
TEST(Stoppable, ADisposedSourceCannotRequest) {
  cts::cancellation_token_source source;
  source.dispose();
  EXPECT_FALSE(source.stop_possible());
  EXPECT_FALSE(source.request_stop());
  EXPECT_FALSE(source.stop_requested());
  EXPECT_THROW((void)source.get_token(), cts::object_disposed);
}
TEST(Stoppable, TheCallableIsMadeInPlace) {
  cts::cancellation_token_source source;
  int runs = 0;
  cts::cancellation_callback<pinned> const a(source.token(), runs);
  cts::cancellation_token const token = source.token();
  std::optional<cts::stop_callback_for_t<cts::cancellation_token, pinned>> b(std::in_place, token, runs);
  source.cancel();
  EXPECT_EQ(runs, 2);
}

// --- a sender's environment, of the smallest kind ---

template <class Token>
struct environment {
  Token token;
  Token get_stop_token() const noexcept { return token; }
};
enum class outcome { none, value, stopped };

/// Completes with stopped when the environment's token is stopped.
template <class Receiver>
class until_stopped {
  struct stop {
    until_stopped* self;
    void operator()() const noexcept { self->receiver_.set_stopped(); }
  };
  using token = decltype(std::declval<Receiver const&>().get_env().get_stop_token());
  static_assert(cts::stoppable_token<token> && cts::stoppable_callback_for<stop, token>);

 public:
  explicit until_stopped(Receiver r) : receiver_(std::move(r)) {}
  void start() {
    auto const t = receiver_.get_env().get_stop_token();
    if (!t.stop_possible()) receiver_.set_value();
    else on_stop_.emplace(t, stop{this});
  }

 private:
  Receiver receiver_;
  std::optional<cts::stop_callback_for_t<token, stop>> on_stop_;
};
template <class Token>
struct receiver {
  Token token;
  outcome* how;
  environment<Token> get_env() const noexcept { return {token}; }
  void set_value() const noexcept { *how = outcome::value; }
  void set_stopped() const noexcept { *how = outcome::stopped; }
};
template <class Source>
void runs_in_an_environment() {
  static_assert(cts::stoppable_source<Source>);
  Source source;
  using token = decltype(source.get_token());
  outcome a = outcome::none, b = outcome::none, c = outcome::none;
  until_stopped operation(receiver<token>{source.get_token(), &a});
  operation.start();
  EXPECT_EQ(a, outcome::none);
  EXPECT_TRUE(source.request_stop());
  EXPECT_EQ(a, outcome::stopped);
  until_stopped late(receiver<token>{source.get_token(), &b});
  late.start();
  EXPECT_EQ(b, outcome::stopped);
  until_stopped never(receiver<token>{token(), &c});
  never.start();
  EXPECT_EQ(c, outcome::value);
}
TEST(Stoppable, ASendersEnvironmentMayCarryAnyToken) {
  runs_in_an_environment<cts::cancellation_token_source>();
  runs_in_an_environment<cts::stop_source>();
  runs_in_an_environment<cts::inplace_stop_source>();
}

}  // namespace
