// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stress of shared sources: tokens are copied and dropped, callbacks come and go in every stripe, beside cancel,
/// timers, children and the source's end, which moves the counts. Callbacks write plain variables and nodes are freed
/// as soon as they are released, so the sanitizers see a missing order and each late access (G26).
#include "stress.hpp"

#include <gtest/gtest.h>

#include "cts/cts.hpp"
#include "cts/stop_token.hpp"

namespace {

using namespace stress;
using namespace std::chrono_literals;
using source = cts::cancellation_token_source;
using token = cts::cancellation_token;

/// What a thread does with its token, in an order of its own.
template <class Act>
void act(rng& random, Act one) {
  for (std::uint64_t i = 0, n = random.below(6); i <= n; ++i) one(random.below(4));
}

/// Three threads use tokens while a fourth ends the source in each way. The last reference destroys what was detached.
TEST(shared, tokens_are_used_beside_the_end) {
  std::unique_ptr<source> s;
  token t[3];
  std::atomic<int> alive{0};
  struct effect {
    std::atomic<int>* alive;
    int plain = 0;
    explicit effect(std::atomic<int>& n) : alive(&n) { ++*alive; }
    effect(effect const& o) : alive(o.alive) { ++*alive; }
    effect& operator=(effect const&) = delete;
    ~effect() { --*alive; }
    void operator()() { ++plain; }
  };
  rng randoms[3] = {rng(1), rng(2), rng(3)};
  run_rounds(
      4,
      [&](std::uint64_t) {
        s = std::make_unique<source>(cts::shared);
        for (token& mine : t) mine = s->token();
      },
      [&](unsigned me, std::uint64_t n) {
        if (me == 3) {
          if (n % 3 == 1) s->cancel();
          s.reset();
          return;
        }
        token mine = std::move(t[me]);
        act(randoms[me], [&](std::uint64_t what) {
          switch (what) {
            case 0: {
              token const copy = mine;
              int plain = 0;
              cts::cancellation_callback const c(copy, [&plain] { ++plain; });
              break;
            }
            case 1: {
              auto r = mine.register_callback(effect(alive));
              if (n % 2 == 0) r.detach();
              break;
            }
            case 2: {
              source const child = source::create_linked(cts::shared, mine);
              break;
            }
            default: {
              token const copy = mine;
              (void)copy.is_cancellation_requested();
              break;
            }
          }
        });
      },
      [&](std::uint64_t) { EXPECT_EQ(alive, 0) << "the last reference did not free the state"; });
}

/// Registrations of three stripes and a cancel: none is lost, none runs twice.
TEST(shared, registrations_beside_cancel) {
  std::unique_ptr<source> s;
  std::atomic<int> runs[3] = {};
  bool registered[3] = {}, taken[3] = {};
  cts::cancellation_token_registration r[3];
  run_rounds(
      4,
      [&](std::uint64_t) {
        s = std::make_unique<source>(cts::shared);
        for (auto& one : runs) one = 0;
      },
      [&](unsigned me, std::uint64_t n) {
        if (me == 3) return s->cancel();
        auto made = s->token().try_register([&runs, me] { ++runs[me]; });
        registered[me] = made.has_value();
        taken[me] = false;
        if (made) r[me] = std::move(*made);
        if (n % 2 == 0) taken[me] = r[me].unregister();
      },
      [&](std::uint64_t) {
        for (int i = 0; i < 3; ++i) {
          EXPECT_EQ(runs[i], registered[i] && !taken[i] ? 1 : 0);
          r[i] = {};
        }
        s.reset();
      });
}

/// Copies of a stop source end in each order beside its tokens and callbacks.
TEST(shared, stop_sources_end_beside_tokens) {
  std::unique_ptr<cts::stop_source> s[2];
  cts::stop_token t[2];
  run_rounds(
      4,
      [&](std::uint64_t) {
        s[0] = std::make_unique<cts::stop_source>(cts::shared);
        s[1] = std::make_unique<cts::stop_source>(*s[0]);
        for (auto& mine : t) mine = s[0]->get_token();
      },
      [&](unsigned me, std::uint64_t n) {
        if (me < 2) {
          if (n % 3 == me) s[me]->request_stop();
          s[me].reset();
          return;
        }
        cts::stop_token const mine = std::move(t[me - 2]);
        cts::stop_token const copy = mine;
        int plain = 0;
        cts::stop_callback const c(copy, [&plain] { ++plain; });
        (void)mine.stop_possible();
      },
      [](std::uint64_t) {});
}

}  // namespace
