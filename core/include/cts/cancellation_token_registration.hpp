// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts::cancellation_token_registration, the right to take a callback back. Defined beside the token, because
/// the two classes name each other.
#pragma once
#ifndef CTS_CANCELLATION_TOKEN_REGISTRATION_HPP
#define CTS_CANCELLATION_TOKEN_REGISTRATION_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include "cts/cancellation_token.hpp"

#endif  // CTS_CANCELLATION_TOKEN_REGISTRATION_HPP
