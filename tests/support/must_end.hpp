// SPDX-License-Identifier: BSL-1.0
/// @file
/// Gives a hang a name.
#pragma once
#ifndef CTS_TESTS_MUST_END_HPP
#define CTS_TESTS_MUST_END_HPP

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace cts::test {

/// In its scope something is waited for. If the scope has not ended after a minute, or after CTS_TEST_PATIENCE seconds,
/// the program ends with a failure that names the test and what has not come. A slow machine is given that time: no
/// test asserts how long something takes.
class must_end {
 public:
  explicit must_end(std::string what) : what_(std::move(what)), watch_([this] { watch(); }) {}
  must_end(must_end const&) = delete;
  must_end& operator=(must_end const&) = delete;
  ~must_end() {
    {
      std::lock_guard const lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    watch_.join();
  }

 private:
  static std::chrono::seconds patience() {
    char const* const given = std::getenv("CTS_TEST_PATIENCE");
    return std::chrono::seconds(given != nullptr ? std::atol(given) : 60);
  }
  static std::string running_test() {
    testing::TestInfo const* const t = testing::UnitTest::GetInstance()->current_test_info();
    return t != nullptr ? std::string(t->test_suite_name()) + "." + t->name() : "no test";
  }
  void watch() {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, patience(), [this] { return over_; })) return;
    std::printf("[  FAILED  ] %s hangs: %s\n", test_.c_str(), what_.c_str());
    std::fflush(stdout);
    std::_Exit(1);
  }

  std::string const what_;
  std::string const test_ = running_test();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread watch_;  // last: it uses the others
};

}  // namespace cts::test

#endif  // CTS_TESTS_MUST_END_HPP
