// SPDX-License-Identifier: BSL-1.0
/// @file
/// Shared by the tests of the rules (R1 … R93 of docs/semantics.md). A suite is named after its rule.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cts/cts.hpp"

namespace cts::test {

using namespace std::chrono_literals;
#if CTS_TEST_SHARED
/// A shared source where a test makes a source: the rules are the same for both.
class source : public cancellation_token_source {
 public:
  source() : cancellation_token_source(shared) {}
  source(cancellation_token_source&& other) noexcept : cancellation_token_source(std::move(other)) {}
  template <class Rep, class Period>
  explicit source(std::chrono::duration<Rep, Period> delay) : cancellation_token_source(shared, delay) {}
  template <class Rep, class Period>
  source(std::chrono::duration<Rep, Period> delay, time_provider& clock)
      : cancellation_token_source(shared, delay, clock) {}
  template <class... Parents>
  requires requires(Parents const&... p) { cancellation_token_source::create_linked(p...); }
  static source create_linked(Parents const&... parents) {
    return cancellation_token_source::create_linked(shared, parents...);
  }
};
#else
using source = cancellation_token_source;
#endif
using token = cancellation_token;
using registration = cancellation_token_registration;

/// Something that is told once and waited for, so that no test waits for a time.
class gate {
 public:
  void open() { promise_.set_value(); }
  void wait() { future_.wait(); }
  bool is_open() const { return future_.wait_for(0s) == std::future_status::ready; }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_{promise_.get_future()};
};

/// A callback that blocks in the middle until it is let go.
struct blocker {
  gate running, go;
  auto callback() {
    return [this] {
      running.open();
      go.wait();
    };
  }
};

/// Returns whether `f` has returned, without having to wait for something else first. False is concluded from a wait of
/// 50 ms, true from nothing but the return: a slow machine can hide a fault, not make one.
inline bool still_waits(std::future<void>& f) { return f.wait_for(50ms) == std::future_status::timeout; }

/// The messages of an aggregate, nested ones in brackets.
inline std::string flat(std::exception_ptr e) {
  try {
    std::rethrow_exception(std::move(e));
  } catch (aggregate_exception const& a) {
    std::string s = "[";
    for (auto const& i : a.inner_exceptions()) s += (s.size() > 1 ? " " : "") + flat(i);
    return s + "]";
  } catch (std::exception const& x) { return x.what(); } catch (int i) {
    return std::to_string(i);
  }
}
/// The message of the exception that `f` throws, as flat() writes it; "nothing" if none.
template <class F>
std::string thrown(F f) {
  try {
    f();
  } catch (...) { return flat(std::current_exception()); }
  return "nothing";
}

/// Runs each function sent to it on a thread of its own, one after the other.
class worker_context : public synchronization_context {
 public:
  void send(std::function<void()> what) override {
    ++sent;
    std::exception_ptr error;
    std::thread([&] {
      try {
        what();
      } catch (...) { error = std::current_exception(); }
    }).join();
    if (error) std::rethrow_exception(error);
  }
  std::atomic<int> sent{0};
};

}  // namespace cts::test
