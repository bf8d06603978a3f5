// SPDX-License-Identifier: BSL-1.0
/// @file
/// What checked builds (CTS_CHECKED) know about a source: which calls on the source object are in progress, so that a
/// dispose that overlaps one is reported, and where its registrations were made, so that those which outlive it are.
/// Empty in release builds.
#pragma once
#ifndef CTS_DETAIL_CHECKED_CHECKS_HPP
#define CTS_DETAIL_CHECKED_CHECKS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>

#include "cts/core/overlap_watch.hpp"
#include "cts/core/platform.hpp"

namespace cts {
inline namespace CTS_ABI {

/// What a source leaves behind that nobody will ever end.
struct leak {
  /// What checked builds can tell; a token deeper inside a callable or a reason, behind a pointer of its own, they do
  /// not see.
  enum class kind : std::uint8_t {
    never_runs,  ///< a registration is neither unregistered nor detached when its source is disposed without having
                 ///< been canceled
    callable_holds_source,  ///< a callable that detach() has left behind holds a token of its own source, which so
                            ///< lives for ever
    callable_holds_child,   ///< the same with a token of a source that is linked to its own, or with that source
    reason_holds_source  ///< a source is canceled with a reason that holds its own token, or that of a source which it
                         ///< has canceled
  };
  void const* source;  ///< names the source
  char const* file;    ///< where it was registered; of a reason it is not known
  unsigned line;
  kind what = kind::never_runs;
};
/// Called by dispose(), once for each, or by cancel_with_reason(). Must not use the source.
using leak_handler = void (*)(leak const&) noexcept;

namespace detail {

inline void print_leak(leak const& l) noexcept {
  if (l.what == leak::kind::never_runs)
    std::fprintf(stderr, "cts: source %p is disposed while a callback is registered that will never run: %s:%u\n",
                 l.source, l.file, l.line);
  else if (l.what == leak::kind::reason_holds_source)
    std::fprintf(
        stderr,
        "cts: source %p lives for ever: its reason holds its own token, or that of a source which it has canceled\n",
        l.source);
  else
    std::fprintf(
        stderr, "cts: source %p is disposed but lives for ever: a callback that was detached holds a token %s: %s:%u\n",
        l.source, l.what == leak::kind::callable_holds_source ? "of it" : "of a source that is linked to it", l.file,
        l.line);
}
CTS_SHARED_SYMBOL inline std::atomic<leak_handler> the_leak_handler{print_leak};

#if CTS_CHECKED

/// A place in the program; as a default argument, where the function is called.
struct location {
  char const* file = "";
  unsigned line = 0;
  static constexpr location current(char const* f = __builtin_FILE(), unsigned l = __builtin_LINE()) noexcept {
    return {f, l};
  }
};

class source_checks;

/// The place of a registration, in the list of its source from add() to remove().
class place {
 public:
  explicit place(location where) noexcept : where_(where) {}
  place(place const&) = delete;
  place& operator=(place const&) = delete;

  /// What the callable holds; before add().
  void note(leak::kind k) noexcept { holds_ = k; }

 private:
  friend source_checks;
  location const where_;
  leak::kind holds_ = leak::kind::never_runs;
  bool detached_ = false;
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
  /// Its handle is gone: it is no leak any more, unless what it holds keeps it.
  void detach(place& p) noexcept { p.holds_ == leak::kind::never_runs ? remove(p) : mark_detached(p); }
  void report_leaks(void const* source) noexcept {
    std::lock_guard const lock(mutex_);
    for (place const* p = first_; p != nullptr; p = p->next_)
      the_leak_handler.load()(
          leak{source, p->where_.file, p->where_.line, p->detached_ ? p->holds_ : leak::kind::never_runs});
  }
  static void report_reason(void const* source) noexcept {
    the_leak_handler.load()(leak{source, "", 0, leak::kind::reason_holds_source});
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
  void mark_detached(place& p) noexcept {
    std::lock_guard const lock(mutex_);
    p.detached_ = true;
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
  void note(leak::kind) noexcept {}
};
struct source_checks {
  void add(place&) noexcept {}
  void remove(place&) noexcept {}
  void detach(place&) noexcept {}
  void report_leaks(void const*) noexcept {}
  static void report_reason(void const*) noexcept {}
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

/// Installs what checked builds call for each leak (null: the default, a line on stderr); returns the one before.
/// Thread-safe.
inline leak_handler set_leak_handler(leak_handler h) noexcept {
  return detail::the_leak_handler.exchange(h != nullptr ? h : detail::print_leak);
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_CHECKS_HPP
