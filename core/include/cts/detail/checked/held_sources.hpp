// SPDX-License-Identifier: BSL-1.0
/// @file
/// Callables and reasons that hold the very source that holds them: checked builds report them, because such a source
/// is never freed.
#pragma once
#ifndef CTS_DETAIL_CHECKED_HELD_SOURCES_HPP
#define CTS_DETAIL_CHECKED_HELD_SOURCES_HPP

#include <any>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

#include "cts/core/platform.hpp"
#include "cts/detail/callable.hpp"
#include "cts/detail/parts.hpp"
#include "cts/diagnostics.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Whether the bytes of a callable contain a token or a source of `s`, or of a source linked to `s`. Either is the
/// address of a state, which nothing else outside the library holds.
inline leak::kind sources_held(state& s, void const* callable, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i + sizeof(std::uintptr_t) <= bytes; i += sizeof(std::uintptr_t)) {
    std::uintptr_t address;
    std::memcpy(&address, static_cast<std::byte const*>(callable) + i, sizeof address);
    if (address == 0) continue;
    if (address == reinterpret_cast<std::uintptr_t>(&s)) return leak::kind::callable_holds_source;
    if (address % alignof(state) == 0 && s.is_parent_of(address)) return leak::kind::callable_holds_child;
  }
  return leak::kind::never_runs;
}

// Token is cancellation_token and Canceled operation_canceled, which this storey does not know.

/// The token that a reason is, or that it carries as an operation_canceled; none() if the library knows of none.
template <class Token, class Canceled>
Token token_in(std::any const& reason) noexcept {
  if (auto const* const given = std::any_cast<Token>(&reason)) return *given;
  if (auto const* const e = std::any_cast<std::exception_ptr>(&reason); e != nullptr && *e != nullptr) {
    try {
      std::rethrow_exception(*e);
    } catch (Canceled const& canceled) { return canceled.token(); } catch (...) {
      // Not an exception of the library.
    }
  }
  return {};
}

/// Whether a reason leads back to `s`: the origin of its token is `s`, or was canceled with a reason that leads there.
/// Follows a thousand reasons at most.
template <class Token, class Canceled>
bool reason_leads_to(std::any const& reason, state& s) noexcept {
  constexpr int most_reasons = 1000;
  Token const mine = token_access::make<Token>(s);
  Token origin = detail::token_in<Token, Canceled>(reason).origin();
  for (int n = 0; n < most_reasons && origin.can_be_canceled(); ++n) {
    if (origin == mine) return true;
    Token next;
    token_access::state_of(origin)->cause([&next](state const&, detail::reason const* r) noexcept {
      if (r != nullptr) next = detail::token_in<Token, Canceled>(r->value).origin();
    });
    origin = std::move(next);
  }
  return false;
}

/// Reports the reason if it keeps its source alive.
template <class Token, class Canceled>
void report_reason(std::any const& reason, state& s) noexcept {
  if (detail::reason_leads_to<Token, Canceled>(reason, s))
    the_leak_handler.load()(leak{std::addressof(s), "", 0, leak::kind::reason_holds_source});
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_HELD_SOURCES_HPP
