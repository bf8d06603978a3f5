// SPDX-License-Identifier: BSL-1.0
/// @file
/// A platform that counts: every atomic operation by site and kind, every touch of a hint, every allocation. It also
/// checks that each operation is of the kind that the table of memory orders says. Single-threaded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <type_traits>

#include "cts/core/registry.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts::test {

struct counts {
  std::array<std::size_t, core::site_count> at{};          // by site of the core
  std::array<std::size_t, detail::site_count> at_above{};  // by site above the core
  std::size_t loads = 0, stores = 0, rmws = 0, hints = 0;
  std::size_t allocations = 0, deallocations = 0, bytes = 0;  // bytes held now
  std::size_t wrong_kind = 0;                                 // operations of another kind than the table says
  std::set<std::uintptr_t> lines;                             // cache lines touched by atomics since cost() began

  std::size_t operator[](core::site s) const noexcept { return at[static_cast<std::size_t>(s)]; }
  std::size_t operator[](detail::site s) const noexcept { return at_above[static_cast<std::size_t>(s)]; }
  template <class Site>
  void count(Site s, core::operation kind, void const* where) {
    if constexpr (std::is_same_v<Site, core::site>) ++at[static_cast<std::size_t>(s)];
    else ++at_above[static_cast<std::size_t>(s)];
    if (info(s).kind != kind) ++wrong_kind;
    ++(kind == core::operation::load ? loads : kind == core::operation::store ? stores : rmws);
    lines.insert(reinterpret_cast<std::uintptr_t>(where) / core::std_platform::line);
  }
};

inline counts now;

/// The cost of `f`.
template <class F>
counts cost(F f) {
  counts const before = now;
  now.lines.clear();
  f();
  counts d = now;
  for (std::size_t i = 0; i < detail::site_count; ++i) d.at_above[i] -= before.at_above[i];
  for (std::size_t i = 0; i < core::site_count; ++i) d.at[i] -= before.at[i];
  d.loads -= before.loads;
  d.stores -= before.stores;
  d.rmws -= before.rmws;
  d.hints -= before.hints;
  d.allocations -= before.allocations;
  d.deallocations -= before.deallocations;
  return d;
}

struct counting_platform : core::std_platform {
  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T v) noexcept : word_(v) {}
    template <class Site>
    T load(Site s) const {
      now.count(s, core::operation::load, this);
      return word_.load(s);
    }
    template <class Site>
    void store(T v, Site s) {
      now.count(s, core::operation::store, this);
      word_.store(v, s);
    }
    template <class Site>
    bool compare_exchange(T& e, T v, Site s) {
      now.count(s, core::operation::rmw, this);
      return word_.compare_exchange(e, v, s);
    }
    template <class Site>
    T fetch_or(T v, Site s) {
      now.count(s, core::operation::rmw, this);
      return word_.fetch_or(v, s);
    }
    template <class Site>
    T fetch_and(T v, Site s) {
      now.count(s, core::operation::rmw, this);
      return word_.fetch_and(v, s);
    }
    template <class Site>
    T fetch_xor(T v, Site s) {
      now.count(s, core::operation::rmw, this);
      return word_.fetch_xor(v, s);
    }
    template <class Site>
    T fetch_add(T v, Site s) {
      now.count(s, core::operation::rmw, this);
      return word_.fetch_add(v, s);
    }

   private:
    core::std_platform::atomic<T> word_;
  };

  template <class T>
  class hint {
   public:
    constexpr explicit hint(T v) noexcept : word_(v) {}
    T get() const noexcept {
      ++now.hints;
      return word_.get();
    }
    void add(T v) noexcept {
      ++now.hints;
      word_.add(v);
    }
    void set(T v) noexcept {
      ++now.hints;
      word_.set(v);
    }

   private:
    core::std_platform::hint<T> word_;
  };

  static void* allocate(std::size_t n) noexcept {
    ++now.allocations;
    now.bytes += n;
    return core::std_platform::allocate(n);
  }
  static void deallocate(void* p, std::size_t n) noexcept {
    ++now.deallocations;
    now.bytes -= n;
    core::std_platform::deallocate(p, n);
  }
};

}  // namespace cts::test
