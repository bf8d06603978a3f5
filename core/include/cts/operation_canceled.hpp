// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts::operation_canceled, the exception that ends a canceled operation. Defined beside the token, because
/// the two classes name each other.
#pragma once
#ifndef CTS_OPERATION_CANCELED_HPP
#define CTS_OPERATION_CANCELED_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include "cts/cancellation_token.hpp"

#endif  // CTS_OPERATION_CANCELED_HPP
