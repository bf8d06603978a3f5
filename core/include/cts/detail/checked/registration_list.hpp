// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registrations of a source and where the program made them: checked builds report those that outlive their
/// source. Release builds keep no list.
#pragma once
#ifndef CTS_DETAIL_CHECKED_REGISTRATION_LIST_HPP
#define CTS_DETAIL_CHECKED_REGISTRATION_LIST_HPP

#include <mutex>

#include "cts/diagnostics.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

#if CTS_CHECKED

/// A line of the program. As a default argument: the line that calls the function.
struct location {
  char const* file = "";
  unsigned line = 0;
  static constexpr location current(char const* f = __builtin_FILE(), unsigned l = __builtin_LINE()) noexcept {
    return {f, l};
  }
};

class registration_list;

/// A registration in the list of its source, from add() to remove().
class registration_record {
 public:
  explicit registration_record(location where) noexcept : where_(where) {}
  registration_record(registration_record const&) = delete;
  registration_record& operator=(registration_record const&) = delete;

  /// Notes the tokens that the callable holds. Comes before add().
  void note(leak::kind held) noexcept { held_ = held; }

 private:
  friend registration_list;
  location const where_;
  leak::kind held_ = leak::kind::never_runs;
  bool detached_ = false;
  registration_record* next_ = nullptr;
  registration_record** link_ = nullptr;  // the pointer to this record; null: not in a list
};

class registration_list {
 public:
  void add(registration_record& r) noexcept {
    std::lock_guard const lock(mutex_);
    r.next_ = first_;
    r.link_ = &first_;
    if (first_ != nullptr) first_->link_ = &r.next_;
    first_ = &r;
  }
  void remove(registration_record& r) noexcept {
    std::lock_guard const lock(mutex_);
    if (r.link_ == nullptr) return;
    *r.link_ = r.next_;
    if (r.next_ != nullptr) r.next_->link_ = r.link_;
    r.link_ = nullptr;
  }
  /// A registration without a handle is no leak, unless its callable keeps the source alive.
  void note_detached(registration_record& r) noexcept {
    r.held_ == leak::kind::never_runs ? remove(r) : mark_detached(r);
  }
  void report_leaks(void const* source) noexcept {
    std::lock_guard const lock(mutex_);
    for (registration_record const* r = first_; r != nullptr; r = r->next_)
      the_leak_handler.load()(
          leak{source, r->where_.file, r->where_.line, r->detached_ ? r->held_ : leak::kind::never_runs});
  }

 private:
  void mark_detached(registration_record& r) noexcept {
    std::lock_guard const lock(mutex_);
    r.detached_ = true;
  }
  std::mutex mutex_;
  registration_record* first_ = nullptr;
};

#else

struct location {
  static constexpr location current() noexcept { return {}; }
};
struct registration_record {
  explicit registration_record(location) noexcept {}
  void note(leak::kind) noexcept {}
};
struct registration_list {
  void add(registration_record&) noexcept {}
  void remove(registration_record&) noexcept {}
  void note_detached(registration_record&) noexcept {}
  void report_leaks(void const*) noexcept {}
};

#endif

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_REGISTRATION_LIST_HPP
