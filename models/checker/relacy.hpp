// SPDX-License-Identifier: BSL-1.0
/// @file
/// The one place that includes Relacy, with the workarounds it needs (each has a self-test in litmus.cpp):
///   - standard and GoogleTest headers come first: Relacy defines `delete`, `free` and others as macros;
///   - its random generator (a 32-bit LCG seeded with the iteration number) is replaced, since some allowed outcomes
///   never
///     appear with it;
///   - -DRL_DO_ASSERT=1, -fno-sized-deallocation and, for g++, -fno-lifetime-dse come from the build.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#if !defined(RL_DO_ASSERT) || !RL_DO_ASSERT
#error "build with -DRL_DO_ASSERT=1: without it Relacy ignores illegal memory orders"
#endif

#pragma push_macro("errno")  // Relacy has one of its own
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#endif
#include <relacy/base.hpp>
#ifndef CTS_RELACY_OWN_RANDOM
#define RL_RANDOM_HPP
namespace rl {
/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
struct random_generator {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t x = (state += 0x9E3779B97F4A7C15ull);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
  }
  /// Neighbouring seeds begin far apart, so that no two executions share a stretch of the sequence.
  void seed(iteration_t s) {
    state = s;
    state = next();
  }
  unsigned rand() { return static_cast<unsigned>(next() >> 32); }
  template <typename T, T max>
  T get() {
    return static_cast<T>(rand() % max);
  }
};
}  // namespace rl
#endif
#pragma push_macro("errno")
#define private public  // `store` in reduction.hpp reads by which operation a word's newest value was written
#include <relacy/relacy.hpp>
#undef private
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
#undef new
#undef delete
#undef malloc
#undef free
#undef calloc
#undef realloc
#undef assert
#pragma pop_macro("errno")
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
