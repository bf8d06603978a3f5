// SPDX-License-Identifier: BSL-1.0
/// @file
/// The calls in progress on a source object: checked builds report a dispose that overlaps one (R61, G12). Release
/// builds count nothing.
#pragma once
#ifndef CTS_DETAIL_CHECKED_SOURCE_CALLS_HPP
#define CTS_DETAIL_CHECKED_SOURCE_CALLS_HPP

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "cts/core/overlap_watch.hpp"
#include "cts/core/platform.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The members of a source that must not overlap its dispose.
enum class source_verb : std::uint8_t { cancel, token, cancel_after, try_reset, dispose };

#if CTS_CHECKED

/// The calls in progress. A call and dispose each announce themselves and look for the other under one lock, so the
/// second of the two sees the first.
class source_calls {
 public:
  /// A call is in progress.
  class [[nodiscard]] scope {
   public:
    scope(source_calls& calls, source_verb verb, void const* source) noexcept : calls_(calls), verb_(verb) {
      if (calls.begin(*this)) report(verb, source_verb::dispose, source);
    }
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() { calls_.end(*this); }

   private:
    friend source_calls;
    source_calls& calls_;
    source_verb const verb_;
    std::uintptr_t const thread_ = core::std_platform::this_thread();
    scope* next_ = nullptr;
  };
  /// A dispose is in progress. What a call on the same thread runs or destroys may end the source.
  class [[nodiscard]] dispose_scope {
   public:
    /// @param canceller the thread that runs the source's callbacks, if one of them disposes it, maybe on a context's
    ///   thread (R34, R91); 0: none does. That overlaps no call of the canceller, nor the cancel_async that has called
    ///   it, nor a cancel_after, whose timer may have fired.
    dispose_scope(source_calls& calls, void const* source, std::uintptr_t canceller) noexcept : calls_(calls) {
      int others[static_cast<std::size_t>(source_verb::dispose)] = {};
      bool is_asynchronous = canceller != 0;
      {
        std::lock_guard const lock(calls.mutex_);
        calls.disposing_ = true;
        for (scope const* s = calls.first_; s != nullptr; s = s->next_) {
          if (s->thread_ == canceller && s->verb_ == source_verb::cancel) is_asynchronous = false;
          if (s->thread_ != canceller && s->thread_ != core::std_platform::this_thread()) ++others[index(s->verb_)];
        }
      }
      if (canceller != 0) others[index(source_verb::cancel_after)] = 0;
      if (is_asynchronous) --others[index(source_verb::cancel)];
      for (std::size_t i = 0; i < index(source_verb::dispose); ++i)
        if (others[i] > 0) report(source_verb::dispose, static_cast<source_verb>(i), source);
    }
    dispose_scope(dispose_scope const&) = delete;
    dispose_scope& operator=(dispose_scope const&) = delete;
    ~dispose_scope() {
      std::lock_guard const lock(calls_.mutex_);
      calls_.disposing_ = false;
    }

   private:
    source_calls& calls_;
  };

 private:
  static constexpr std::size_t index(source_verb v) noexcept { return static_cast<std::size_t>(v); }
  static constexpr core::verb name(source_verb v) noexcept {
    constexpr core::verb names[] = {core::verb::cancel, core::verb{"token"}, core::verb{"cancel_after"},
                                    core::verb{"try_reset"}, core::verb::dispose};
    return names[index(v)];
  }
  static void report(source_verb reporter, source_verb other, void const* source) noexcept {
    core::detail::handler.load()(
        core::misuse{core::misuse::kind::overlaps_dispose, name(reporter), name(other), source});
  }
  /// @return whether a dispose is in progress
  bool begin(scope& s) noexcept {
    std::lock_guard const lock(mutex_);
    s.next_ = first_;
    first_ = &s;
    return disposing_;
  }
  void end(scope& s) noexcept {
    std::lock_guard const lock(mutex_);
    scope** at = &first_;
    while (*at != &s) at = &(*at)->next_;
    *at = s.next_;
  }

  std::mutex mutex_;
  scope* first_ = nullptr;
  bool disposing_ = false;
};

#else

struct source_calls {
  struct scope {
    scope(source_calls&, source_verb, void const*) noexcept {}
    ~scope() {}  // not trivial, so that a scope is not an unused variable
  };
  struct dispose_scope {
    dispose_scope(source_calls&, void const*, std::uintptr_t) noexcept {}
    ~dispose_scope() {}
  };
};

#endif

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_SOURCE_CALLS_HPP
