// SPDX-License-Identifier: BSL-1.0
/// @file
/// The way of an exception that leaves a callback run by a timer.
#pragma once
#ifndef CTS_DETAIL_UNHANDLED_HPP
#define CTS_DETAIL_UNHANDLED_HPP

#include <exception>
#include <utility>

#include "cts/diagnostics.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Hands the exception to the error sink, or ends the process if there is none. R33.
inline void report_unhandled(std::exception_ptr e) noexcept {
  if (error_sink const sink = the_error_sink.load()) return sink(std::move(e));
  std::rethrow_exception(std::move(e));  // out of noexcept: std::terminate, which names the exception
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_UNHANDLED_HPP
