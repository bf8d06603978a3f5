// SPDX-License-Identifier: BSL-1.0
/// @file
/// A result that is settled once: by who computes it, or by cancel. Code on the core as it would ship: it takes its
/// atomics from the same platform, so that the models check these very lines.
#pragma once

#include <cts/core/registry.hpp>

namespace settled {

/// Each atomic operation by name, with its order and the sentence that says what breaks if it is weaker; the word in
/// brackets names the models that are asked first.
enum class site : unsigned char { claim, publish, look, count };

inline constexpr cts::core::site_info sites[] = {
    {"claim", cts::core::operation::rmw, std::memory_order_relaxed, "claim", "nothing: one of the two wins (Once)"},
    {"publish", cts::core::operation::store, std::memory_order_release, "look",
     "who finds the result there would not see it (Seen)"},
    {"look", cts::core::operation::load, std::memory_order_acquire, "publish",
     "who finds the result there would not see it (Seen)"},
};
constexpr cts::core::site_info const& info(site s) noexcept { return sites[static_cast<std::size_t>(s)]; }

template <class Platform = cts::core::std_platform>
class result {
 public:
  using registry = cts::core::basic_registry<Platform>;

  explicit result(registry& r) noexcept : registry_(r), on_cancel_(*this) {
    // Out of memory cannot happen while the registry's first slots do; a real program would report it.
    if (registry_.try_register(on_cancel_) != cts::core::register_result::registered) give_up();
  }
  result(result const&) = delete;
  result& operator=(result const&) = delete;
  ~result() { registry_.unregister_and_wait(on_cancel_); }

  /// @return false if cancel was faster.
  bool set(int value) noexcept {
    int expected = open;
    if (!state_.compare_exchange(expected, claimed, site::claim)) return false;
    value_.set(value);
    state_.store(ready, site::publish);
    return true;
  }
  /// @return true if it is there, and then where.
  bool get(int& to) const noexcept {
    if (state_.load(site::look) != ready) return false;
    to = value_.get();
    return true;
  }
  bool given_up() const noexcept { return state_.load(site::look) == canceled; }

 private:
  enum : int { open, claimed, ready, canceled };

  struct on_cancel : cts::core::basic_callback<Platform> {
    explicit on_cancel(result& o) noexcept : cts::core::basic_callback<Platform>(&ran), of(o) {}
    static void ran(cts::core::basic_callback<Platform>& c) noexcept { static_cast<on_cancel&>(c).of.give_up(); }
    result& of;
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
