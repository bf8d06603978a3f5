// SPDX-License-Identifier: BSL-1.0
/// @file
/// What an implementation must offer to be measured beside the others: an adapter, in a header of its own.
///
/// A header that CMake's CTS_BENCH_PEERS names is compiled alone: its translation unit includes no other peer and no
/// Google Benchmark, and gets the include directories, libraries and compile options that CMake is told for it
/// (docs/performance.md). It defines the following. A macro gives the class a different name for each peer:
///
///     struct bench_adapter {
///       static constexpr char const* name = "std::stop_token, libstdc++";
///       static constexpr bool in_place = false;  // true: the source must outlive tokens and registrations
///       struct source { … };                     // can be canceled; default constructible; may be immovable
///       static auto token_of(source&);           // what registrants and pollers hold; copyable
///       bool requested(token const&);            // the poll
///       static void cancel(source&);
///       template <class F>
///       struct registration {                    // optional: lives in the caller's memory, may be immovable
///         registration(token const&, F f);       // registers f: called as f(), 8 bytes large, does not throw
///         ~registration();                       // takes f back, or waits until it has returned
///       };
///       struct linked {                          // optional: a source that is canceled with either of two
///         linked(token const&, token const&);
///       };
///       static void wait(token const&);          // optional: blocks until cancellation is requested
///       static void arm(source&);                // optional: to be canceled in an hour
///       static void disarm(source&);             //   and not at all
///       static constexpr std::size_t most = …;   // optional: at most so many registrations, if an operation is O(n)
///       static constexpr bool one_owner = true;  // optional: registrations of a token end before the token does
///     };
///
/// The benchmarks do not measure optional parts that are missing. axes.hpp makes the table of the axes.
#pragma once

#include <cstddef>

namespace cts::bench {

/// Hides the content of `value` from the compiler, and that no code reads it.
template <class T>
inline void keep(T const& value) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  asm volatile("" : : "r"(&value) : "memory");
#else
  static void const* volatile sink;
  sink = &value;
#endif
}

/// The same for a number, which stays in a register. In memory, a store that the next load aliases would be timed, too.
inline void keep(bool value) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  asm volatile("" : : "r"(value) : "memory");
#else
  static bool volatile sink;
  sink = value;
#endif
}

/// Where registrations lie in memory, and which threads made them.
enum class layout : unsigned char {
  contiguous,  ///< side by side, registered in that order
  scattered,   ///< a cache line each, registered in random order
  threads      ///< a cache line each, registered by eight threads at once
};

/// What one benchmark asks for.
struct shape {
  std::size_t live = 0;  ///< registrations beside the measured one, or registrations that are canceled
  layout where = layout::contiguous;
  std::size_t sources = 1;  ///< so many sources, each with all that, so that one timing covers enough
  std::size_t threads = 1;  ///< threads that call run at once
};

/// How an axis is timed.
enum class timing : unsigned char {
  steady,   ///< run(stage, thread, times) repeats what is measured
  fresh,    ///< run(stage, 0, 1) can happen once; open and close are not timed
  reported  ///< the same, and seconds(stage) says how long it took
};

/// One axis of the matrix for one peer.
struct axis {
  char const* name;
  timing how;
  void* (*open)(shape const&);
  void (*run)(void* stage, std::size_t thread, std::size_t times);
  void (*disturb)(void* stage);  ///< another thread calls it again and again meanwhile; may be null
  double (*seconds)(void* stage);
  void (*close)(void* stage);
};

/// One peer.
struct peer {
  char const* id;  ///< a word
  char const* name;
  bool in_place;
  std::size_t most;  ///< registrations at once
  bool one_owner;
  std::size_t source_bytes, token_bytes, registration_bytes;  ///< sizeof; of a registration with a function of 8 bytes
  std::size_t cell_bytes;                                     ///< of what holds one of them side by side
  axis const* axes;
  std::size_t count;
};

}  // namespace cts::bench
