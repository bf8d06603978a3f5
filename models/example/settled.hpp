// SPDX-License-Identifier: BSL-1.0
/// @file
/// A result that is settled once, by the thread that computes it or by cancel. Code on the core as it would ship: it
/// takes its atomics from the platform, so the models check these very lines.
#pragma once

#include <cts/core/registry.hpp>

namespace settled {

/// Each atomic operation by name, with its order, its partner and what breaks if the order is weaker. The word in
/// brackets names the models that the gate asks first.
enum class site : unsigned char { claim, publish, look, count };

inline constexpr cts::core::site_info sites[] = {
    {"claim", cts::core::operation::rmw, std::memory_order_relaxed, "claim",
     "nothing: the modification order decides which of the two wins (Once)"},
    {"publish", cts::core::operation::store, std::memory_order_release, "look",
     "a thread that finds the result ready would not see its value (Seen)"},
    {"look", cts::core::operation::load, std::memory_order_acquire, "publish",
     "a thread that finds the result ready would not see its value (Seen)"},
};
constexpr cts::core::site_info const& info(site s) noexcept { return sites[static_cast<std::size_t>(s)]; }

template <class Platform = cts::core::std_platform>
class result {
 public:
  using registry = cts::core::basic_registry<Platform>;

  explicit result(registry& r) noexcept : registry_(r), on_cancel_(*this) {
    // The registry has a free slot here, so it does not run out of memory. A real program would report that.
    if (registry_.try_register(on_cancel_) != cts::core::register_result::registered) give_up();
  }
  result(result const&) = delete;
  result& operator=(result const&) = delete;
  ~result() { registry_.unregister_and_wait(on_cancel_); }

  /// Settles the result. False if cancel was faster.
  bool set(int value) noexcept {
    int expected = open;
    if (!state_.compare_exchange(expected, claimed, site::claim)) return false;
    value_.set(value);
    state_.store(ready, site::publish);
    return true;
  }
  /// Copies the result. False if there is none yet, or never will be.
  bool get(int& to) const noexcept {
    if (state_.load(site::look) != ready) return false;
    to = value_.get();
    return true;
  }
  /// Whether cancel was faster.
  bool given_up() const noexcept { return state_.load(site::look) == canceled; }

  /// open, then canceled; or open, then claimed while set() writes the value, then ready.
  enum : int { open, claimed, ready, canceled };

 private:
  struct on_cancel : cts::core::basic_callback<Platform> {
    explicit on_cancel(result& r) noexcept : cts::core::basic_callback<Platform>(&run), owner(r) {}
    static void run(cts::core::basic_callback<Platform>& c) noexcept { static_cast<on_cancel&>(c).owner.give_up(); }
    result& owner;
  };

  void give_up() noexcept {
    int expected = open;
    state_.compare_exchange(expected, canceled, site::claim);
  }

  registry& registry_;
  typename Platform::template atomic<int> state_{open};
  typename Platform::template var<int> value_{0};
  on_cancel on_cancel_;
};

}  // namespace settled
