// SPDX-License-Identifier: BSL-1.0
/// @file
/// The platform (core/platform.hpp) of the programs for GenMC. Its atomics are the compiler's, with the orders of the
/// shipped tables; its plain fields are plain, so GenMC finds races on them. Constants are small: growing, restarting
/// and moving begin with the second registration.
///
/// One site can be weaker than its row in the table says: the one that run.py names in the IR (the_weak_site). One step
/// can be broken: a compare-and-swap that does not compare (CTS_GENMC_OVERWRITES), or waits that do not wait
/// (CTS_GENMC_SKIPS_WAITS). With either, the programs must fail. On real threads, CTS_GENMC_DISTURBED makes that
/// certain in few rounds: now and then a thread stands still before a step (verifier.hpp).
#pragma once

#include <type_traits>

#include "genmc/verifier.hpp"

#include "cts/core/registry.hpp"
#include "cts/detail/coroutines/suspension.hpp"
#include "cts/protocol/memory_orders.hpp"

#if CTS_GENMC
/// Constants that run.py defines: the number of a site, 0 for none, and the order that it gets.
extern "C" int const the_weak_site;
extern "C" int const the_weak_order;
#endif

namespace cts::genmc {

constexpr int number_of(core::site s) noexcept { return 256 + static_cast<int>(s); }
constexpr int number_of(detail::site s) noexcept { return 512 + static_cast<int>(s); }
constexpr int number_of(detail::coroutine_site s) noexcept { return 768 + static_cast<int>(s); }

template <class Site>
[[gnu::always_inline]] inline int order_of(Site s) noexcept {
#if CTS_GENMC
  if (number_of(s) == the_weak_site) return the_weak_order;
#endif
  return static_cast<int>(info(s).order);
}

/// Whether the compare-and-swap at this site does not compare.
template <class Site>
constexpr bool overwrites(Site s) noexcept {
#ifdef CTS_GENMC_OVERWRITES
  return number_of(s) == number_of(CTS_GENMC_OVERWRITES);
#else
  static_cast<void>(s);
  return false;
#endif
}

/// @tparam Claims how often a registration tries to reuse empty segments; fewer make fewer executions
/// @tparam Allocates false: there never is memory
template <std::size_t Inline, std::size_t Segment, unsigned Claims = 3, bool Allocates = true>
struct platform {
  static constexpr std::size_t inline_slots = Inline;
  static constexpr std::size_t segment_slots = Segment;
  static constexpr std::size_t line = 8;
  static constexpr std::size_t prefetch_distance = 0;
  static constexpr unsigned most_claims = Claims;
  static constexpr std::size_t slab_part = 1;
  static constexpr std::size_t slab_segments = 1;
  static constexpr bool checked = false;

  template <class T>
  class atomic {
   public:
    explicit atomic(T value) noexcept : word_(value) {}
    template <class Site>
    [[gnu::always_inline]] T load(Site s) const noexcept {
      before_a_step();
      return __atomic_load_n(&word_, order_of(s));
    }
    template <class Site>
    [[gnu::always_inline]] void store(T value, Site s) noexcept {
      before_a_step();
      if (number_of(s) == number_of(core::site::older_link)) require(!is_in(value), "a segment is linked to itself");
      __atomic_store_n(&word_, value, order_of(s));
    }
    template <class Site>
    [[gnu::always_inline]] bool compare_exchange(T& expected, T desired, Site s) noexcept {
      before_a_step();
      if (overwrites(s)) {
        __atomic_store_n(&word_, desired, __ATOMIC_SEQ_CST);
        return true;
      }
      return __atomic_compare_exchange_n(&word_, &expected, desired, false, order_of(s), __ATOMIC_RELAXED);
    }
    template <class Site>
    [[gnu::always_inline]] T fetch_or(T value, Site s) noexcept {
      before_a_step();
      return __atomic_fetch_or(&word_, value, order_of(s));
    }
    template <class Site>
    [[gnu::always_inline]] T fetch_and(T value, Site s) noexcept {
      before_a_step();
      return __atomic_fetch_and(&word_, value, order_of(s));
    }
    template <class Site>
    [[gnu::always_inline]] T fetch_xor(T value, Site s) noexcept {
      before_a_step();
      return __atomic_fetch_xor(&word_, value, order_of(s));
    }
    template <class Site>
    [[gnu::always_inline]] T fetch_add(T value, Site s) noexcept {
      before_a_step();
      return __atomic_fetch_add(&word_, value, order_of(s));
    }

   private:
    /// Whether this word is in the header of the segment at `link`.
    bool is_in(T link) const noexcept {
      if constexpr (sizeof(T) == sizeof(std::uintptr_t) && std::is_integral_v<T>)
        return reinterpret_cast<std::uintptr_t>(this) - (link & ~T{1}) < 4 * sizeof(T);
      else return false;
    }
    T word_;  // constructed by a plain write: a thread that reads the word without seeing its construction is a race
  };

  template <class T>
  class var {
   public:
    constexpr explicit var(T value) noexcept : value_(value) {}
    T get() const noexcept { return value_; }
    void set(T value) noexcept { value_ = value; }

   private:
    T value_;
  };

  template <class T>
  class hint {
   public:
    explicit hint(T value) noexcept : word_(value) {}
    T get() const noexcept { return __atomic_load_n(&word_, __ATOMIC_RELAXED); }
    void set(T value) noexcept { __atomic_store_n(&word_, value, __ATOMIC_RELAXED); }
    void add(T value) noexcept { __atomic_fetch_add(&word_, value, __ATOMIC_RELAXED); }

   private:
    T word_;
  };

  static std::uintptr_t this_thread() noexcept { return thread_number() + 1; }
  static std::size_t thread_index() noexcept { return thread_number(); }
  template <class Wait, class Done>
  static void await(Wait, Done done) noexcept {
#if !CTS_GENMC_SKIPS_WAITS
    wait_until(done);
#else
    static_cast<void>(done);
#endif
  }
  static void back_off() noexcept {}
  static void* allocate(std::size_t bytes) noexcept { return Allocates ? genmc::allocate(bytes) : nullptr; }
  static void deallocate(void* at, std::size_t) noexcept { genmc::deallocate(at); }
  static void prefetch(void const*) noexcept {}
};

/// A word by which the programs' own threads tell each other something.
class baton {
 public:
  void pass() noexcept { __atomic_store_n(&passed_, 1, __ATOMIC_RELEASE); }
  bool has_come() const noexcept { return __atomic_load_n(&passed_, __ATOMIC_ACQUIRE) == 1; }
  void wait() const noexcept {
    wait_until([this] { return has_come(); });
  }
  /// The same without order: the waiting thread comes later, but may see everything as it was before. That makes few
  /// executions, because no step of the first thread depends on the second.
  void pass_unordered() noexcept { __atomic_store_n(&passed_, 1, __ATOMIC_RELAXED); }
  void wait_unordered() const noexcept {
    wait_until([this] { return __atomic_load_n(&passed_, __ATOMIC_RELAXED) == 1; });
  }

 private:
  int passed_ = 0;
};

}  // namespace cts::genmc
