// SPDX-License-Identifier: BSL-1.0
/// @file
/// What checked builds (CTS_CHECKED) know about a source: which calls on the source object are in progress, so that a dispose that
/// overlaps one is reported, and where its registrations were made, so that those which outlive it are. Empty in release builds.
#pragma once
#ifndef CTS_DETAIL_CHECKS_HPP
#define CTS_DETAIL_CHECKS_HPP

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <mutex>

#include "cts/core/checked.hpp"
#include "cts/core/platform.hpp"

namespace cts { inline namespace CTS_ABI {

/// A registration that is neither unregistered nor detached when its source is disposed without having been canceled.
struct leak {
  void const* source;  ///< names the source
  char const* file;    ///< where it was registered
  unsigned line;
};
/// Called by dispose(), once for each. Must not use the source.
using leak_handler = void (*)(leak const&) noexcept;

namespace detail {

inline void print_leak(leak const& l) noexcept {
  std::fprintf(stderr, "cts: source %p is disposed while a callback is registered that will never run: %s:%u\n", l.source, l.file, l.line);
}
CTS_SHARED_SYMBOL inline std::atomic<leak_handler> the_leak_handler{print_leak};

#if CTS_CHECKED

/// A place in the program; as a default argument, where the function is called.
struct location {
  char const* file = "";
  unsigned line = 0;
  static constexpr location current(char const* f = __builtin_FILE(), unsigned l = __builtin_LINE()) noexcept { return {f, l}; }
};

class source_checks;

/// The place of a registration, in the list of its source from add() to remove().
class place {
 public:
  explicit place(location where) noexcept : where_(where) {}
  place(place const&) = delete;
  place& operator=(place const&) = delete;

 private:
  friend source_checks;
  location const where_;
  place* next_ = nullptr;
  place** before_ = nullptr;  // null: not in a list
};

class source_checks {
 public:
  void add(place& p) noexcept {
    std::lock_guard const lock(mutex_);
    p.next_ = first_;
    p.before_ = &first_;
    if (first_ != nullptr) first_->before_ = &p.next_;
    first_ = &p;
  }
  void remove(place& p) noexcept {
    std::lock_guard const lock(mutex_);
    if (p.before_ == nullptr) return;
    *p.before_ = p.next_;
    if (p.next_ != nullptr) p.next_->before_ = p.before_;
    p.before_ = nullptr;
  }
  void report_leaks(void const* source) noexcept {
    std::lock_guard const lock(mutex_);
    for (place const* p = first_; p != nullptr; p = p->next_) the_leak_handler.load()(leak{source, p->where_.file, p->where_.line});
  }

  /// A call on the source object is in progress.
  class [[nodiscard]] scope {
   public:
    scope(source_checks& c, core::verb v, void const* source) noexcept : checks_(c), verb_(v) {
      c.active_[index(v)].fetch_add(1);
      if (c.disposing_.load()) report(v, core::verb::dispose, source);
    }
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() { checks_.active_[index(verb_)].fetch_sub(1); }

   private:
    source_checks& checks_;
    core::verb const verb_;
  };
  /// Dispose is in progress.
  class [[nodiscard]] disposing {
   public:
    /// @param inside a callback of the source's own cancel calls it, which is allowed (R34)
    disposing(source_checks& c, void const* source, bool inside) noexcept : checks_(c) {
      c.disposing_.store(true);
      for (std::size_t v = 0; v < index(core::verb::dispose); ++v)
        if (c.active_[v].load() > (inside && v == index(core::verb::cancel) ? 1 : 0))
          report(core::verb::dispose, static_cast<core::verb>(v), source);
    }
    disposing(disposing const&) = delete;
    disposing& operator=(disposing const&) = delete;
    ~disposing() { checks_.disposing_.store(false); }

   private:
    source_checks& checks_;
  };

 private:
  static constexpr std::size_t index(core::verb v) noexcept { return static_cast<std::size_t>(v); }
  static void report(core::verb reporter, core::verb other, void const* source) noexcept {
    core::detail::handler.load()(core::misuse{core::misuse::kind::overlaps_dispose, reporter, other, source});
  }
  std::mutex mutex_;
  place* first_ = nullptr;
  std::atomic<int> active_[static_cast<std::size_t>(core::verb::count)]{};
  std::atomic<bool> disposing_{false};
};

#else

struct location {
  static constexpr location current() noexcept { return {}; }
};
struct place {
  explicit place(location) noexcept {}
};
struct source_checks {
  void add(place&) noexcept {}
  void remove(place&) noexcept {}
  void report_leaks(void const*) noexcept {}
  struct scope {
    scope(source_checks&, core::verb, void const*) noexcept {}
    ~scope() {}
  };
  struct disposing {
    disposing(source_checks&, void const*, bool) noexcept {}
    ~disposing() {}
  };
};

#endif
}  // namespace detail

/// Installs what checked builds call for each leak (null: the default, a line on stderr); returns the one before. Thread-safe.
inline leak_handler set_leak_handler(leak_handler h) noexcept {
  return detail::the_leak_handler.exchange(h != nullptr ? h : detail::print_leak);
}

}  }  // namespace cts

#endif  // CTS_DETAIL_CHECKS_HPP
