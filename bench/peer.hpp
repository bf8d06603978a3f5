// SPDX-License-Identifier: BSL-1.0
/// @file
/// What an implementation must offer to be measured beside the others: an adapter, in a header of its own.
///
/// A header that CMake's CTS_BENCH_PEERS names is compiled alone, in a translation unit that includes no other peer and
/// no Google Benchmark, with the include directories, libraries and compile options that CMake is told for it
/// (docs/performance.md). It defines the following, whose name a macro makes a different one for each peer:
///
///     struct bench_adapter {
///       static constexpr char const* name = "std::stop_token, libstdc++";
///       static constexpr bool in_place = false;   // true: the source must outlive tokens and registrations, nothing
///       is counted struct source { … };                      // one that can be canceled; default constructible; may
///       be immovable static auto token_of(source&);            // what registrants and pollers hold; copyable static
///       bool requested(token const&);      // the poll static void cancel(source&); template <class F> struct
///       registration {  // optional: lives in the caller's memory, may be immovable
///         registration(token const&, F f);        // registers f, which is called as f(), is 8 bytes large and does
///         not throw ~registration();                        // takes it back, or waits until it has returned
///       };
///       struct linked {                           // optional: a source that is canceled with either of two
///         linked(token const&, token const&);
///       };
///       static void wait(token const&);           // optional: blocks until cancellation is requested
///       static void arm(source&);                 // optional: to be canceled in an hour
///       static void disarm(source&);              //   and not at all
///       static constexpr std::size_t most = …;    // optional: not more registrations at once, because an operation is
///       O(n) static constexpr bool one_owner = true;   // optional: what is registered through a token must be taken
///       back before the token ends
///     };
///
/// What is optional and missing is not measured. axes.hpp makes the table of what is.
#pragma once

#include <cstddef>

namespace cts::bench {

/// Keeps the compiler from knowing what is in `value`, or that nobody looks at it.
template <class T>
inline void keep(T const& value) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  asm volatile("" : : "r"(&value) : "memory");
#else
  static void const* volatile sink;
  sink = &value;
#endif
}

/// The same for a number, which stays in a register: a store that the next load happens to alias would be timed, too.
inline void keep(bool value) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  asm volatile("" : : "r"(value) : "memory");
#else
  static bool volatile sink;
  sink = value;
#endif
}

/// Where registrations are in memory, and who made them.
enum class layout : unsigned char {
  contiguous,  ///< side by side, registered in that order
  scattered,   ///< a cache line each, registered in random order
  threads      ///< a cache line each, registered by eight threads at once
};

/// What one benchmark asks for.
struct shape {
  std::size_t live = 0;  ///< registrations that are there besides what is measured, or that are cancelled
  layout where = layout::contiguous;
  std::size_t sources = 1;  ///< so many sources, each with all that: so that one timing covers enough
  std::size_t threads = 1;  ///< that will call run at once
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
  void (*disturb)(void* stage);  ///< what another thread does meanwhile, again and again; or null
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
