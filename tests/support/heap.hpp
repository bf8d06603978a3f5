// SPDX-License-Identifier: BSL-1.0
/// @file
/// Memory for the programs that replace operator new and delete, of any alignment and on every platform.
#pragma once
#ifndef CTS_TESTS_HEAP_HPP
#define CTS_TESTS_HEAP_HPP

#include <cstddef>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace cts::test {

/// `bytes` of memory aligned to `alignment`, or null. To be given back by heap_give, whatever the alignment.
inline void* heap_take(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const enough = alignment < alignof(std::max_align_t) ? alignof(std::max_align_t) : alignment;
  std::size_t const whole = (bytes == 0 ? enough : bytes + enough - 1) / enough * enough;
#if defined(_WIN32)
  return ::_aligned_malloc(whole, enough);  // std::free would not take such a block: this is used for all of them
#else
  return alignment > alignof(std::max_align_t) ? std::aligned_alloc(enough, whole)
                                               : std::malloc(bytes == 0 ? 1 : bytes);
#endif
}
/// Not inlined: g++ would see memory of an operator new that it cannot look into given to free, and warn.
[[gnu::noinline]] inline void heap_give(void* p) noexcept {
#if defined(_WIN32)
  ::_aligned_free(p);
#else
  std::free(p);
#endif
}

}  // namespace cts::test

#endif  // CTS_TESTS_HEAP_HPP
