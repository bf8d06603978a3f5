// SPDX-License-Identifier: BSL-1.0
/// @file
/// A helper of the concepts in stoppable_token.hpp. [stoptoken.concepts]
#pragma once
#ifndef CTS_DETAIL_STOP_TYPE_ALIAS_EXISTS_HPP
#define CTS_DETAIL_STOP_TYPE_ALIAS_EXISTS_HPP

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Names a member template: ill-formed if there is none. Never defined.
template <template <class> class>
struct type_alias_exists;

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STOP_TYPE_ALIAS_EXISTS_HPP
