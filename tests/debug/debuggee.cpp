// SPDX-License-Identifier: BSL-1.0
/// @file
/// The program that tests/debug/check_gdb.py looks at while it stands in stop_here().
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "cts/cts.hpp"
#include "cts/inplace_stop_token.hpp"
#include "cts/lane.hpp"
#include "cts/stop_token.hpp"

[[gnu::noinline]] void stop_here() { asm volatile(""); }

struct named final : cts::core::callback {
  explicit named(void (*t)() = nullptr) noexcept : callback(&run), then(t) {}
  static void run(callback& c) noexcept {
    if (auto const t = static_cast<named&>(c).then; t != nullptr) t();
  }
  void (*then)();
};
struct on_cancel {
  void operator()() const {}
};

cts::core::registry fresh;            // two callbacks, in the second generation
cts::core::striped_registry striped;  // one
cts::core::registry at_work;          // canceled; its newest callback runs: stop_here()
cts::core::registry grown;            // 20 callbacks

int main() {
  using namespace std::chrono_literals;
  {
    named burst[8];
    for (named& c : burst) fresh.try_register(c);
    for (named& c : burst) fresh.unregister(c);
  }
  named first, second, third, many[20];
  fresh.try_register(first);
  fresh.try_register(second);
  striped.try_register(third);
  for (named& c : many) grown.try_register(c);

  cts::cancellation_token_source root, other(1h);
  auto child = cts::cancellation_token_source::create_linked(other.token(), root.token());
  auto canceled_child = cts::cancellation_token_source::create_linked(cts::cancellation_token(true));
  cts::cancellation_token_source moved(std::move(*std::make_unique<cts::cancellation_token_source>()));
  cts::cancellation_token const token = root.token(), none;
  cts::cancellation_callback const callback(token, on_cancel());
  auto registration = token.register_callback(on_cancel());
  cts::cancellation_token_registration const nothing;
  std::thread waiter([h = token.wait_handle()] { h.wait(); });
  std::this_thread::sleep_for(200ms);  // the test asks for 0 or 1 waiters

  cts::stop_source stop;
  cts::cancellation_token_source many_threads(cts::shared);
  cts::cancellation_callback const in_stripe(many_threads.token(), on_cancel());
  cts::stop_source stop_many(cts::shared);
  cts::stop_callback const on_stop_many(stop_many.get_token(), on_cancel());
  cts::stop_token const stop_token = stop.get_token();
  cts::stop_callback const on_stop(stop_token, on_cancel());
  cts::inplace_stop_source in_place;
  in_place.request_stop();
  cts::inplace_stop_token const in_place_token = in_place.get_token();
  cts::inplace_stop_source small;
  cts::inplace_stop_callback const in_small(small.get_token(), on_cancel());
  cts::inplace_stop_source large;
  cts::inplace_stop_callback const a(large.get_token(), on_cancel()), b(large.get_token(), on_cancel()),
      c(large.get_token(), on_cancel()), d(large.get_token(), on_cancel()), e(large.get_token(), on_cancel()),
      f(large.get_token(), on_cancel()), g(large.get_token(), on_cancel()), h(large.get_token(), on_cancel());
  cts::lane lane(grown);
  struct quiet {
    void operator()() const noexcept {}
  };
  cts::lane_registration const on_lane(lane, quiet());

  cts::cancellation_token_source late(0us + 1us);  // truncated: due at once
  late.token().wait_handle().wait();
  cts::cancellation_token_source gone;
  cts::cancellation_token_source taken(std::move(gone));
  taken.dispose();

  named older, newest(&stop_here);
  at_work.try_register(older);
  at_work.try_register(newest);
  at_work.cancel();

  root.cancel();
  waiter.join();
  for (named& c : many) grown.unregister(c);
  fresh.cancel();
  striped.cancel();
}
