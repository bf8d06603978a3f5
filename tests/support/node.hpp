// SPDX-License-Identifier: BSL-1.0
/// @file
/// Callbacks for tests: one that runs a function, and one that writes its name into a log.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "cts/core/registry.hpp"

namespace cts::test {

/// A callback that runs any function; the function may destroy the callback.
template <class Platform = core::std_platform>
class action : public core::basic_callback<Platform> {
  using base = core::basic_callback<Platform>;

 public:
  explicit action(std::function<void()> body = [] {}) : base(&run), body_(std::move(body)) {}
  void set(std::function<void()> body) { body_ = std::move(body); }
  int runs = 0;

 private:
  static void run(base& c) noexcept {
    auto& self = static_cast<action&>(c);
    ++self.runs;
    auto const body = self.body_;  // *this may go away
    body();
  }
  std::function<void()> body_;
};

/// A callback that appends its name to a log.
template <class Platform = core::std_platform>
class named : public core::basic_callback<Platform> {
  using base = core::basic_callback<Platform>;

 public:
  named(int name, std::vector<int>& log) noexcept : base(&run), name_(name), log_(&log) {}

 private:
  static void run(base& c) noexcept {
    auto& self = static_cast<named&>(c);
    self.log_->push_back(self.name_);
  }
  int name_;
  std::vector<int>* log_;
};

/// A callback that counts its runs.
template <class Platform = core::std_platform>
class counted : public core::basic_callback<Platform> {
  using base = core::basic_callback<Platform>;

 public:
  counted() noexcept : base(&run) {}
  int runs = 0;

 private:
  static void run(base& c) noexcept { ++static_cast<counted&>(c).runs; }
};

/// The platform of production with other sizes, so that growth, reset and recycling happen early.
template <std::size_t Inline, std::size_t Segment>
struct sized_platform : core::std_platform {
  static constexpr std::size_t inline_slots = Inline;
  static constexpr std::size_t segment_slots = Segment;
};

}  // namespace cts::test
