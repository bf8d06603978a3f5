// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_CANCEL_ON_EXIT_HPP
#define CTS_CANCEL_ON_EXIT_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <exception>
#include <memory>

#include "cts/cancellation_token_source.hpp"
#include "cts/detail/unhandled.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Cancels a source when its scope is left, by an exception or not: work that was started in the scope then ends.
/// Used by one thread; the source must outlive it.
///
/// The destructor runs the callbacks on its thread and never throws. Their exceptions have nobody to go to, as those of
/// a timer's callbacks: the aggregate_exception goes to the error sink, or ends the process if there is none
/// (set_error_sink, R33). If they matter, call release() and then cancel() at the end of the scope.
class [[nodiscard]] cancel_on_exit {
 public:
  /// Guards `source`, which must outlive this object. Cancels nothing now.
  explicit cancel_on_exit(cancellation_token_source& source) noexcept : source_(std::addressof(source)) {}
  cancel_on_exit(cancel_on_exit const&) = delete;
  cancel_on_exit& operator=(cancel_on_exit const&) = delete;
  /// Cancels the source, unless release() was called; does nothing if it is canceled or disposed.
  ~cancel_on_exit() {
    if (source_ == nullptr) return;
    try {
      source_->try_cancel();
    } catch (...) { detail::report_unhandled(std::current_exception()); }
  }

  /// The destructor then does nothing.
  void release() noexcept { source_ = nullptr; }

 private:
  cancellation_token_source* source_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCEL_ON_EXIT_HPP
