// SPDX-License-Identifier: BSL-1.0
/// @file
/// A user's namespace with a function template for any arguments under every name that cts calls. If cts calls a
/// function by its bare name with an argument of this namespace, the compiler considers these templates, and that is an
/// error.
#pragma once

#include <cstddef>

namespace greedy {

template <class... T>
struct trap {
  static_assert(sizeof...(T) == ~std::size_t{0},
                "cts has called a function by its bare name and found one of the user");
  static constexpr bool value = true;
};

#define CTS_TRAP(name)  \
  template <class... T> \
  requires(trap<T...>::value) void name(T&&...);
// Written by the build: CTS_TRAP(name) for each name that precedes a parenthesis in a header.
#include "greedy_names.inc"
#undef CTS_TRAP

template <class T>
requires(trap<T>::value) void operator&(T&&);
template <class T, class U>
requires(trap<T, U>::value) void operator,(T&&, U&&);

}  // namespace greedy
