// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the core asks of the compiler and the target.
#pragma once
#ifndef CTS_CORE_CONFIG_HPP
#define CTS_CORE_CONFIG_HPP

#include <atomic>
#include <cstdint>

#include "cts/version.hpp"

/// Marks what must be inlined into the caller's hot path, what must not and is rare, and what must not and is fast.
#if defined(__GNUC__) || defined(__clang__)
#define CTS_HOT [[gnu::always_inline]]
#define CTS_COLD [[gnu::noinline, gnu::cold]]
#define CTS_APART [[gnu::noinline]]
#else
#define CTS_HOT
#define CTS_COLD
#define CTS_APART
#endif

#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__) || defined(_M_IX86)
#define CTS_X86 1
#else
#define CTS_X86 0
#endif

// TRICKY: GCC answers yes to __has_builtin(__builtin_thread_pointer) for every target, then rejects it on some
// (powerpc64le). Only these targets are known to work; elsewhere the address of errno names the thread.
#if defined(__has_builtin) && !defined(_WIN32) && \
    (defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__arm__) || defined(__riscv))
#if __has_builtin(__builtin_thread_pointer)
#define CTS_HAS_THREAD_POINTER 1
#endif
#endif
#ifndef CTS_HAS_THREAD_POINTER
#define CTS_HAS_THREAD_POINTER 0
#endif

static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "cts needs lock-free 64-bit atomics: a slot holds a 64-bit generation, and an operation on it must not "
              "take a lock. This target has none; a newer processor of the family may (-march=i586, -march=armv7-a)");

#endif  // CTS_CORE_CONFIG_HPP
