// SPDX-License-Identifier: BSL-1.0
/// @file
/// Uses every header and every member of every class. Compilers with all warnings enabled must not warn.
#include "everything.hpp"  // the headers, written by the build

#include <any>
#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <span>
#include <sstream>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace everything {
namespace {

struct plain {
  void operator()() const noexcept {}
};
struct with_token {
  void operator()(cts::cancellation_token const&) const noexcept {}
};
struct once {
  void operator()() && noexcept {}
};
struct runs_here {
  template <class F>
  void operator()(F f) const noexcept {
    f();
  }
};
struct inline_context final : cts::synchronization_context {
  void send(std::function<void()> what) override { what(); }
};

template <class Token, class Source>
bool ask(Token const& t, Source const& s) {
  return t.stop_requested() || t.stop_possible() || s.stop_requested() || t == s.get_token();
}

}  // namespace
}  // namespace everything

template class cts::core::basic_registry<cts::core::std_platform, 1>;
template class cts::core::basic_registry<cts::core::std_platform, 1, cts::core::compact>;
template class cts::core::basic_registry<cts::core::std_platform, cts::core::stripes_at_run_time, cts::core::spaced>;
template class cts::core::basic_registry<cts::core::std_platform, 16>;
template class cts::core::basic_registry<cts::core::std_platform, cts::core::stripes_at_run_time>;
template class cts::basic_lane<cts::lane_home<cts::core::registry>, cts::detail::process_barrier>;
template class cts::basic_lane<cts::lane_home<cts::core::registry>>;
template class cts::lane_registration<everything::plain>;
template class cts::stop_callback<everything::plain>;
template class cts::inplace_stop_callback<everything::plain>;
template class cts::cancellation_callback<everything::plain>;
template class cts::cancellation_callback<everything::with_token>;
template class cts::cancellation_callback<everything::once>;
template class cts::cancellation_callback<std::function<void()>>;
template class cts::cancellation_callback<void (*)()>;
template class cts::cancellation_lane_callback<everything::plain>;
template class cts::cancellation_lane_callback<everything::with_token>;

namespace everything {

int use_core();
int use_bridges();
int use_stop_tokens();
int use_classes();

int use_core() {
  using namespace cts::core;
  registry r;
  callback c([](callback&) noexcept {});
  bool ok =
      r.try_register(c) == register_result::registered && r.is_registered(c) && !r.is_running(c) && r.unregister(c);
  r.unregister_and_wait(c);
  r.await_return(c);
  r.remove_all([](callback&) noexcept {});
  cts::lane l(r);
  { cts::lane_registration on(l, plain()); }
  ok = r.cancel([] { return false; }) && ok;
  ok = r.request_cancellation() && ok;
  r.run_callbacks([] { return true; });
  r.dispose();
  return ok && r.count() == 0 && r.canceller() != 0 && name(verb::cancel) != nullptr &&
         set_misuse_handler(nullptr) != nullptr;
}

int use_stop_tokens() {
  cts::stop_source s(cts::shared);
  cts::stop_token const t = s.get_token();
  cts::stop_callback const c(t, plain());
  cts::inplace_stop_source in_place;
  cts::inplace_stop_callback const d(in_place.get_token(), plain());
  static_assert(cts::stoppable_token<cts::stop_token> && cts::unstoppable_token<cts::never_stop_token>);
  static_assert(cts::stoppable_callback_for<plain, cts::stop_token> && cts::stoppable_source<cts::stop_source>);
  auto const any = cts::any_token(t, in_place.get_token());
  cts::any_of_callback const e(any, plain());
  static_assert(cts::stoppable_token<std::remove_cv_t<decltype(any)>>);
  if (any.stop_requested() || !any.stop_possible()) return 0;
  return s.request_stop() && in_place.request_stop() && ask(t, s) && ask(in_place.get_token(), in_place);
}

int use_bridges() {
  using namespace std::chrono_literals;
  cts::cancellation_token_source source;
  cts::stop_source stop;
  { cts::cancel_on_exit(source).release(); }
  cts::jthread thread([](cts::stop_token const& t, int) { return t.stop_requested(); }, 1);
  cts::jthread other;
  swap(thread, other);
  bool ok = other.joinable() && other.get_id() != thread.get_id() && cts::jthread::hardware_concurrency() != 1;
  ok = other.get_stop_source() == other.get_stop_source() && other.get_stop_token().stop_possible() && ok;
  ok = other.request_stop() && ok;
  other.join();
  std::mutex mutex;
  std::unique_lock lock(mutex);
  cts::condition_variable_any changed;
  changed.notify_one();
  changed.notify_all();
  auto const yes = [] { return true; };
  changed.wait(lock, yes);
  ok = changed.wait(lock, source.token(), yes) && changed.wait_for(lock, 1ms, yes) && ok;
  ok = changed.wait_for(lock, stop.get_token(), 1ms, yes) && changed.wait_for(lock, 1us) == std::cv_status::timeout &&
       ok;
  auto const now = std::chrono::steady_clock::now();
  ok = changed.wait_until(lock, now, yes) && changed.wait_until(lock, source.token(), now, yes) && ok;
  ok = changed.wait_until(lock, now) == std::cv_status::timeout && ok;
  ok = cts::sleep_for(stop.get_token(), 1us) && cts::sleep_until(source.token(), now) && ok;
  std::array const tokens{source.token(), source.token()};
  ok = !cts::wait_any_for(1us, source.token(), stop.get_token()) && !cts::wait_any_until(now, source.token()) && ok;
  ok = !cts::wait_any_for(1us, tokens) && !cts::wait_any_until(now, tokens) && ok;
  cts::resume_gate gate;
  static_cast<void>(cts::canceled(source.token()));
  static_cast<void>(cts::canceled(source.token(), gate));
  static_cast<void>(cts::canceled(source.token(), [](cts::resumption r) { r(); }));
  ok = gate.try_pass() && !gate.close() && ok;
#if CTS_HAS_STD_STOP_TOKEN
  cts::std_stop_bridge const bridge(source.token());
  ok = bridge.get_token().stop_possible() && ok;
#endif
  cts::signal_cancellation const on_signal({SIGTERM});
  ok = on_signal.signal() == 0 && !on_signal.token().is_cancellation_requested() && ok;
  source.cancel();
  return ok && cts::wait_any(source.token(), stop.get_token()) == 0 && cts::wait_any(tokens) == 0;
}

int use_classes() {
  using namespace std::chrono_literals;
  cts::manual_time_provider clock;
  cts::cancellation_token_source a, b(10min), c(1.5s, clock);
  cts::cancellation_token_source many(cts::shared), many_timed(cts::shared, 10min),
      many_by_clock(cts::shared, 1.5s, clock);
  auto below_many = cts::cancellation_token_source::create_linked(cts::shared, many.token(), many_timed.token());
  below_many = cts::cancellation_token_source::create_linked(cts::shared, std::array{many_by_clock.token()});
  cts::cancellation_token const t = a.token();
  inline_context context;
  auto r = t.register_callback(plain());
  auto in_context = t.register_callback(with_token(), context);
  auto tried = t.try_register(once());
  cts::cancellation_lane lane(t);
  cts::cancellation_lane_callback const on_lane(lane, plain());
  cts::cancellation_callback const here(t, plain());
  auto linked = cts::cancellation_token_source::create_linked(t, b.token());
  auto also = cts::cancellation_token_source::create_linked(std::array{t, c.token()});
  cts::inplace_stop_source in_place;
  auto mixed = cts::cancellation_token_source::create_linked(1h, clock, t, in_place.get_token());
  auto posted = mixed.token().register_callback(cts::post_to(runs_here(), plain()));
  static_assert(cts::stoppable_token<cts::cancellation_token> && cts::stoppable_source<cts::cancellation_token_source>);
  a.cancel_after(1h);
  a.cancel_after(cts::infinite);
  clock.advance(1s);
  bool ok =
      r.is_registered() && r.unregister() && r.dispose_for(1ms) && r.token() == t && std::hash<decltype(r)>()(r) != 0;
  ok = in_context.dispose_async().valid() && tried.has_value() && ok;
  tried->detach();
  cts::wait_handle const w = t.wait_handle();
  std::array const handles{w, t.wait_handle()};
  ok = !w.wait_for(1us) && !w.wait_until(std::chrono::system_clock::now()) &&
       !cts::wait_handle::wait_any_for(handles, 1us) && ok;
  ok = t.deadline() == t.deadline() && t.remaining() == t.remaining() && b.try_reset() && b.try_cancel() && ok;
  a.cancel_with_reason(std::any(1));
  also.cancel_async().get();
  mixed.cancel_async(runs_here()).get();
  ok = ask(t, a) && !posted.is_registered() && ok;
  try {
    t.throw_if_cancellation_requested();
  } catch (cts::operation_canceled const& e) {
    ok = e.token() == t && e.origin() == t && e.reason().has_value() && ok;
    ok = e.cause() == cts::cancellation_cause::requested && t.cause() == e.cause() && ok;
  } catch (cts::aggregate_exception const& e) {
    ok = e.inner_exceptions().empty();
  } catch (cts::object_disposed const&) { ok = false; }
  std::ostringstream log;
  cts::dump(a, log);
  swap(a, b);
  a.dispose();
  return ok && linked.registration_count() == 0 && cts::wait_handle::wait_any(handles) == 0 &&
         cts::set_error_sink(nullptr) == nullptr && cts::set_leak_handler(nullptr) != nullptr &&
         cts::set_wait_cycle_handler(nullptr) != nullptr && cts::set_misuse_handler(nullptr) != nullptr;
}

}  // namespace everything
