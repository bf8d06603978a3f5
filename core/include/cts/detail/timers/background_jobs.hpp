// SPDX-License-Identifier: BSL-1.0
/// @file
/// Jobs for library threads, in their owners' memory, and their queue.
#pragma once
#ifndef CTS_DETAIL_TIMERS_BACKGROUND_JOBS_HPP
#define CTS_DETAIL_TIMERS_BACKGROUND_JOBS_HPP

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A function that runs once on a library thread.
struct background_job {
  using function = void (*)(background_job&) noexcept;
  explicit background_job(function f) noexcept : run(f) {}
  function const run;
  background_job* next = nullptr;
};

/// First in, first out. Not thread-safe.
class job_queue {
 public:
  bool is_empty() const noexcept { return first_ == nullptr; }
  void push(background_job& job) noexcept {
    job.next = nullptr;
    *(is_empty() ? &first_ : &last_->next) = &job;
    last_ = &job;
  }
  /// Takes the first job out; null if there is none.
  background_job* pop() noexcept {
    background_job* const job = first_;
    if (job != nullptr) first_ = job->next;
    return job;
  }
  /// Takes `job` out; false if it is not there. O(jobs).
  bool remove(background_job& job) noexcept {
    background_job* before = nullptr;
    for (background_job* j = first_; j != nullptr; before = j, j = j->next) {
      if (j != &job) continue;
      (before == nullptr ? first_ : before->next) = j->next;
      if (last_ == j) last_ = before;
      return true;
    }
    return false;
  }

 private:
  background_job* first_ = nullptr;
  background_job* last_ = nullptr;  // of a queue that is not empty
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_BACKGROUND_JOBS_HPP
