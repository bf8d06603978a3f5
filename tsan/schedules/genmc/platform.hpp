// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stands in for models/genmc/platform.hpp: the platform of production with small constants, whose threads take turns
/// at every site. It carries the faults of the mutation gate (tests/fuzz/scheduled_platform.hpp).
#pragma once

#include "../../../tests/fuzz/scheduled_platform.hpp"
#include "genmc/verifier.hpp"

#include "cts/core/registry.hpp"
#include "cts/detail/coroutines/suspension.hpp"
#include "cts/protocol/lane.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts::genmc {

/// The Scheduler of scheduled_platform.hpp.
struct turns {
  /// Of a directed scene: comes before each step of its threads.
  inline static void (*before_step)(void* director, core::site_info const& row) = nullptr;
  inline static void* director = nullptr;

  static void step(core::site_info const& row) noexcept {
    if (before_step != nullptr && schedules::thread() != schedules::outside) before_step(director, row);
    schedules::step(&row);
  }
  static void wait() noexcept { schedules::wait(); }
  static std::size_t thread() noexcept { return schedules::thread(); }
};

/// @tparam Claims how often a registration tries to reuse empty segments
/// @tparam Allocates false: there never is memory
template <std::size_t Inline, std::size_t Segment, unsigned Claims = 3, bool Allocates = true>
struct platform : fuzz::scheduled_platform<turns, Inline, Segment> {
  struct claim_limit {
    operator unsigned() const noexcept {
      unsigned const all = models::the_world.most_claims;
      return all == 3 ? Claims : all;  // 3: no defect has changed it
    }
  };
  static constexpr claim_limit most_claims{};
  static void* allocate(std::size_t bytes) noexcept { return Allocates ? genmc::allocate(bytes) : nullptr; }
  static void deallocate(void* at, std::size_t) noexcept { genmc::deallocate(at); }
};

/// A word by which the programs' own threads tell each other something.
class baton {
 public:
  void pass() noexcept {
    schedules::step(nullptr);
    passed_.store(1, std::memory_order_release);
  }
  bool has_come() const noexcept {
    schedules::step(nullptr);
    return passed_.load(std::memory_order_acquire) == 1;
  }
  void wait() const noexcept {
    wait_until([this] { return passed_.load(std::memory_order_acquire) == 1; });
  }
  /// Without order: the waiting thread comes later, but may see everything as it was before.
  void pass_unordered() noexcept {
    schedules::step(nullptr);
    passed_.store(1, std::memory_order_relaxed);
  }
  void wait_unordered() const noexcept {
    wait_until([this] { return passed_.load(std::memory_order_relaxed) == 1; });
  }

 private:
  std::atomic<int> passed_{0};
};

}  // namespace cts::genmc

namespace cts {
inline namespace CTS_ABI {
namespace core {
template <std::size_t I, std::size_t N, unsigned C, bool A>
struct replaced<genmc::platform<I, N, C, A>, newest_first<genmc::platform<I, N, C, A>>> {
  using type = models::oldest_first<genmc::platform<I, N, C, A>>;
};
template <std::size_t I, std::size_t N, unsigned C, bool A>
struct replaced<genmc::platform<I, N, C, A>, failed_growth<genmc::platform<I, N, C, A>>> {
  using type = models::unnoticed_failure<genmc::platform<I, N, C, A>>;
};
template <std::size_t I, std::size_t N, unsigned C, bool A>
struct replaced<genmc::platform<I, N, C, A>, above_the_highest<genmc::platform<I, N, C, A>>> {
  using type = models::lowest_slot<genmc::platform<I, N, C, A>>;
};
template <std::size_t I, std::size_t N, unsigned C, bool A>
struct replaced<genmc::platform<I, N, C, A>, annex_first<genmc::platform<I, N, C, A>>> {
  using type = models::annex_last<genmc::platform<I, N, C, A>>;
};
template <std::size_t I, std::size_t N, unsigned C, bool A>
struct replaced<genmc::platform<I, N, C, A>, cts::detail::lane_walk_order> {
  using type = fuzz::walk_order;
};
template <std::size_t I, std::size_t N, unsigned C, bool A>
struct replaced<genmc::platform<I, N, C, A>, cts::detail::lane_slot_ownership> {
  using type = fuzz::slot_ownership;
};
}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts
