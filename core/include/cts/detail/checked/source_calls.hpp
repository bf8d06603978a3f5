// SPDX-License-Identifier: BSL-1.0
/// @file
/// The calls in progress on a source object: checked builds report a dispose that overlaps one (R61, G12). Release
/// builds count nothing.
#pragma once
#ifndef CTS_DETAIL_CHECKED_SOURCE_CALLS_HPP
#define CTS_DETAIL_CHECKED_SOURCE_CALLS_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "cts/core/overlap_watch.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The members of a source that must not overlap its dispose.
enum class source_verb : std::uint8_t { cancel, token, cancel_after, try_reset, dispose };

#if CTS_CHECKED

/// Counts the calls in progress, verb by verb. A call and dispose each announce themselves before they look for the
/// other, so at least one of the two sees the other. A call on the thread that disposes is no overlap: what it runs or
/// destroys may end the source.
class source_calls {
 public:
  /// A call is in progress.
  class [[nodiscard]] scope {
   public:
    scope(source_calls& calls, source_verb verb, void const* source) noexcept
        : calls_(calls), verb_(verb), outer_(std::exchange(innermost(), this)) {
      calls.active_[index(verb)].fetch_add(1);
      if (calls.disposing_.load()) report(verb, source_verb::dispose, source);
    }
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() {
      innermost() = outer_;
      calls_.active_[index(verb_)].fetch_sub(1);
    }
    /// How many calls of `verb` in `calls` the calling thread is inside.
    static int here(source_calls const& calls, source_verb verb) noexcept {
      int n = 0;
      for (scope const* s = innermost(); s != nullptr; s = s->outer_) n += &s->calls_ == &calls && s->verb_ == verb;
      return n;
    }

   private:
    CTS_SHARED_SYMBOL static scope const*& innermost() noexcept {
      static thread_local scope const* s = nullptr;
      return s;
    }
    source_calls& calls_;
    source_verb const verb_;
    scope const* const outer_;
  };
  /// A dispose is in progress.
  class [[nodiscard]] dispose_scope {
   public:
    /// @param inside a callback of the source's own cancel disposes it, which is allowed, also on a context's thread
    ///   (R34, R91)
    dispose_scope(source_calls& calls, void const* source, bool inside) noexcept : calls_(calls) {
      calls.disposing_.store(true);
      for (std::size_t i = 0; i < index(source_verb::dispose); ++i) {
        auto const verb = static_cast<source_verb>(i);
        int const allowed = (std::max)(scope::here(calls, verb), inside && verb == source_verb::cancel ? 1 : 0);
        if (calls.active_[i].load() > allowed) report(source_verb::dispose, verb, source);
      }
    }
    dispose_scope(dispose_scope const&) = delete;
    dispose_scope& operator=(dispose_scope const&) = delete;
    ~dispose_scope() { calls_.disposing_.store(false); }

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

  std::atomic<int> active_[static_cast<std::size_t>(source_verb::dispose)]{};
  std::atomic<bool> disposing_{false};
};

#else

struct source_calls {
  struct scope {
    scope(source_calls&, source_verb, void const*) noexcept {}
    ~scope() {}  // not trivial, so that a scope is not an unused variable
  };
  struct dispose_scope {
    dispose_scope(source_calls&, void const*, bool) noexcept {}
    ~dispose_scope() {}
  };
};

#endif

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_SOURCE_CALLS_HPP
