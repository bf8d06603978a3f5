// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stress of the classes, everything against everything: sources, links, timers, wait handles, asynchronous cancel,
/// contexts. Callables and nodes are freed as soon as they are released, so AddressSanitizer sees each late access.
/// Callbacks write plain variables, so ThreadSanitizer sees a missing order.
#include "stress.hpp"

#include <gtest/gtest.h>

#include <future>

#include "cts/cts.hpp"

namespace {

using namespace stress;
using namespace std::chrono_literals;
using source = cts::cancellation_token_source;
using token = cts::cancellation_token;
using registration = cts::cancellation_token_registration;

/// The runs of one registration.
struct effect {
  std::atomic<int> runs{0};
  int plain = 0;
  auto callback() {
    return [this] {
      ++plain;
      ++runs;
    };
  }
};

/// Registrations end in every way, beside cancel or cancel_async and the end of the source.
TEST(classes, registrations_end_beside_cancel_and_dispose) {
  verdict v;
  std::unique_ptr<source> s;
  token t;
  effect e[2];
  bool taken[2] = {}, inside = false;
  registration r[2];
  run_rounds(
      3,
      [&](std::uint64_t n) {
        s = std::make_unique<source>();
        t = s->token();
        for (int i = 0; i < 2; ++i) {
          e[i].runs = e[i].plain = 0;
          taken[i] = false;
          r[i] = n % 5 == 4 && i == 1 ? t.register_callback([&] { r[1] = registration(), ++e[1].plain, ++e[1].runs; })
                                      : t.register_callback(e[i].callback());
        }
        inside = n % 5 == 4;
      },
      [&](unsigned me, std::uint64_t n) {
        if (me == 0) {
          if (n % 2 == 0 || inside)
            s->cancel();  // inside: the callback that ends its own handle must have run when the round is over
          else (void)s->cancel_async();
          s.reset();
          return;
        }
        std::size_t const i = me - 1;
        if (i == 1 && inside) return;
        switch ((n + i) % 4) {
          case 0: taken[i] = r[i].unregister(); break;
          case 1: r[i].dispose(); break;
          case 2: r[i].dispose_async().get(); break;
          case 3: {
            cts::cancellation_callback const c(t, [] {});
            while (!r[i].dispose_for(1us)) {}
            break;
          }
        }
        if (!taken[i] && (n + i) % 4 != 0 && e[i].plain != e[i].runs) ++v.stale;
      },
      [&](std::uint64_t) {
        for (auto& x : r) x.dispose();
        for (int i = 0; i < 2; ++i) {
          if (e[i].runs > 1) ++v.duplicated;
          if (taken[i] && e[i].runs != 0) ++v.late;
        }
        t = token();
        ++v.rounds;
      });
  expect_clean(v);
}

/// A child ends while its parents are canceled and end.
TEST(classes, children_end_beside_their_parents) {
  verdict v;
  std::unique_ptr<source> p[2], k;
  effect e;
  registration r;
  run_rounds(
      3,
      [&](std::uint64_t) {
        for (auto& x : p) x = std::make_unique<source>();
        k = std::make_unique<source>(source::create_linked(p[0]->token(), p[1]->token()));
        e.runs = e.plain = 0;
        r = k->token().register_callback(e.callback());
      },
      [&](unsigned me, std::uint64_t n) {
        if (me < 2) {
          if (n % 3 != 2 || me == 0) p[me]->cancel();
          p[me].reset();
        } else {
          k.reset();
          int const after = e.runs;
          std::this_thread::yield();
          if (e.runs != after) ++v.late;
        }
      },
      [&](std::uint64_t) {
        r.dispose();
        if (e.runs > 1) ++v.duplicated;
        if (e.plain != e.runs) ++v.stale;
        ++v.rounds;
      });
  expect_clean(v);
}

/// A long-lived parent with children that come and go on two threads, until it is canceled.
TEST(classes, children_come_and_go) {
  verdict v;
  std::unique_ptr<source> p;
  token t;
  run_rounds(
      3, [&](std::uint64_t) { p = std::make_unique<source>(), t = p->token(); },
      [&](unsigned me, std::uint64_t) {
        if (me == 0) {
          std::this_thread::yield();
          p->cancel();
          return;
        }
        for (int i = 0; i < 20; ++i) {
          auto k = source::create_linked(t);
          cts::cancellation_callback const c(k.token(), [] {});
          if (t.is_cancellation_requested() && i == 19 && source::create_linked(t).is_cancellation_requested() == false)
            ++v.lost;
        }
      },
      [&](std::uint64_t) {
        if (p->registration_count() != 0) ++v.lost;
        ++v.rounds;
      });
  expect_clean(v);
}

/// The timer, cancel_after, cancel, try_reset and dispose.
TEST(classes, timers_beside_everything) {
  verdict v;
  std::unique_ptr<source> s;
  effect e;
  registration r;
  run_rounds(
      3,
      [&](std::uint64_t n) {
        s = std::make_unique<source>(std::chrono::microseconds(n % 3 == 0 ? 1 : 1000));
        e.runs = e.plain = 0;
        r = s->token().register_callback(e.callback());
      },
      [&](unsigned me, std::uint64_t n) {
        switch ((me + n) % 4) {
          case 0: s->cancel(); break;
          case 1: s->cancel_after(0ms); break;
          case 2: (void)s->try_reset(); break;
          case 3: try { s->cancel_after(1h);
            } catch (cts::object_disposed const&) {}
            break;
        }
      },
      [&](std::uint64_t n) {
        if (n % 2 == 0) s->dispose();
        s.reset();
        r.dispose();
        if (e.runs > 1) ++v.duplicated;
        if (e.plain != e.runs) ++v.stale;
        ++v.rounds;
      });
  expect_clean(v);
}

/// Wait handles are made and waited for beside cancel and the source's end.
TEST(classes, wait_handles_beside_cancel_and_dispose) {
  verdict v;
  std::unique_ptr<source> s, other;
  token t;
  int before = 0;
  run_rounds(
      3,
      [&](std::uint64_t) {
        s = std::make_unique<source>(), other = std::make_unique<source>(), t = s->token(), before = 0;
      },
      [&](unsigned me, std::uint64_t n) {
        if (me == 0) {
          before = 1;
          if (n % 3 != 0) s->cancel();
          if (n % 2 == 0 || n % 3 == 0) s.reset();
          return;
        }
        try {
          auto const h = t.wait_handle();
          if (me == 1) {
            h.wait();
          } else {
            cts::wait_handle const both[] = {other->token().wait_handle(), h};
            if (cts::wait_handle::wait_any(both) != 1) ++v.lost;
          }
          if (before != 1 || !t.is_cancellation_requested()) ++v.stale;
        } catch (cts::object_disposed const&) {}
      },
      [&](std::uint64_t) { ++v.rounds; });
  expect_clean(v);
}

/// Callbacks on a context's thread dispose each other beside registrations elsewhere.
TEST(classes, contexts) {
  struct worker : cts::synchronization_context {
    void send(std::function<void()> what) override {
      std::packaged_task<void()> task(std::move(what));
      auto done = task.get_future();
      std::thread(std::move(task)).join();
      done.get();
    }
  } c;
  verdict v;
  std::unique_ptr<source> s;
  registration a, b;
  int runs = 0;
  run_rounds(
      2,
      [&](std::uint64_t n) {
        s = std::make_unique<source>();
        runs = 0;
        a = s->token().register_callback([&] { ++runs; });
        b = s->token().register_callback(
            [&, n] {
              ++runs;
              a.dispose();
              b.dispose();
              if (n % 2 == 0) throw 1;
            },
            c);
      },
      [&](unsigned me, std::uint64_t) {
        if (me == 1) {
          s->token().register_callback([] {}).dispose();
          return;
        }
        try {
          s->cancel();
        } catch (cts::aggregate_exception const&) {}
      },
      [&](std::uint64_t) {
        if (runs != 1) ++v.duplicated;
        ++v.rounds;
      });
  expect_clean(v);
}

}  // namespace
