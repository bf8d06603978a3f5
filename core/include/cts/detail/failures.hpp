// SPDX-License-Identifier: BSL-1.0
/// @file
/// The exceptions that the callbacks of one cancel have thrown, collected on the canceller's stack.
#pragma once
#ifndef CTS_DETAIL_FAILURES_HPP
#define CTS_DETAIL_FAILURES_HPP

#include <array>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "cts/aggregate_exception.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// One thread writes at a time. Only the two functions named throw_… throw. The first four exceptions need no memory.
/// If there is no memory for more, a std::bad_alloc stands for the lost ones.
class failures {
 public:
  failures() = default;
  failures(failures const&) = delete;
  failures& operator=(failures const&) = delete;

  /// A std::bad_alloc for the exceptions of a cancel that has no memory for a collection. Nothing is added to it.
  CTS_SHARED_SYMBOL static failures& lost() noexcept {
    alignas(failures) static std::byte memory[sizeof(failures)];
    static failures& only = *::new (static_cast<void*>(memory)) failures(lost_all());
    return only;
  }
  bool is_lost() const noexcept { return fixed_; }

  bool any() const noexcept { return count_ != 0; }

  void add(std::exception_ptr e) noexcept {
    if (fixed_) return;
    if (count_ < few_.size()) {
      few_[count_++] = std::move(e);
      return;
    }
    try {
      more_.push_back(std::move(e));
    } catch (std::bad_alloc const&) { lost_ = true; }
    ++count_;
  }
  /// Adds the exceptions of another cancel as one aggregate. R31.
  void add_aggregate(failures& other) noexcept {
    std::exception_ptr e;
    try {
      other.throw_all();
    } catch (...) { e = std::current_exception(); }
    add(std::move(e));
  }

  /// Throws the first one unchanged. R29.
  [[noreturn]] void throw_first() { std::rethrow_exception(few_[0]); }
  /// Throws all of them as an aggregate_exception (R28), or std::bad_alloc if there is no memory for it.
  [[noreturn]] void throw_all() {
    std::vector<std::exception_ptr> all;
    all.reserve(count_ + 1);
    for (std::size_t i = 0; i < count_ && i < few_.size(); ++i)
      if (few_[i] != nullptr) all.push_back(few_[i]);
    all.insert(all.end(), more_.begin(), more_.end());
    if (lost_) all.push_back(std::make_exception_ptr(std::bad_alloc()));
    throw aggregate_exception(std::move(all));
  }

 private:
  struct lost_all {};
  explicit failures(lost_all) noexcept : count_(1), lost_(true), fixed_(true) {}

  std::size_t count_ = 0;
  std::array<std::exception_ptr, 4> few_;
  std::vector<std::exception_ptr> more_;
  bool lost_ = false;
  bool const fixed_ = false;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_FAILURES_HPP
