// SPDX-License-Identifier: BSL-1.0
/// @file
/// Checked builds (CTS_CHECKED): an operation that overlaps or follows dispose, and a callback that is registered
/// twice, be it in two registries, are reported through a handler that names both sides. Release builds contain none of
/// it.
#pragma once
#ifndef CTS_CORE_OVERLAP_WATCH_HPP
#define CTS_CORE_OVERLAP_WATCH_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>

#include "cts/core/platform.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The verbs of a registry and of what is built on it, as reports name them.
enum class verb : std::uint8_t {
  try_register,
  unregister,
  unregister_and_wait,
  cancel,
  is_cancellation_requested,
  token,
  cancel_after,
  try_reset,
  dispose,
  count
};

constexpr char const* name(verb v) noexcept {
  constexpr char const* names[] = {
      "try_register", "unregister",   "unregister_and_wait", "cancel", "is_cancellation_requested",
      "token",        "cancel_after", "try_reset",           "dispose"};
  return names[static_cast<std::size_t>(v)];
}

/// What went wrong.
struct misuse {
  enum class kind : std::uint8_t { overlaps_dispose, registered_twice } what;
  verb reporter;         ///< the verb that noticed
  verb other;            ///< the verb on the other side
  void const* registry;  ///< where
};

/// Called on the thread that noticed. May return: the operation then goes on, with undefined results.
using misuse_handler = void (*)(misuse const&) noexcept;

[[noreturn]] inline void abort_on_misuse(misuse const& m) noexcept {
  if (m.what == misuse::kind::registered_twice)
    std::fprintf(stderr, "cts: registry %p: a callback was registered that is registered already\n", m.registry);
  else
    std::fprintf(stderr, "cts: registry %p: %s overlaps or follows %s; dispose must come last\n", m.registry,
                 name(m.reporter), name(m.other));
  std::abort();
}

namespace detail {
CTS_SHARED_SYMBOL inline std::atomic<misuse_handler> handler{abort_on_misuse};

/// Of the list of watches. Never destroyed: a registry of static storage may end after any other object. Not a member
/// of the template: GCC gives what is static inside of that to each shared object.
CTS_SHARED_SYMBOL inline std::mutex& watches_mutex() noexcept {
  alignas(std::mutex) static std::byte memory[sizeof(std::mutex)];
  static std::mutex& m = *::new (static_cast<void*>(memory)) std::mutex;
  return m;
}
}  // namespace detail

/// Installs `h` (null: the default, a message and abort) and returns the one before. Thread-safe.
inline misuse_handler set_misuse_handler(misuse_handler h) noexcept {
  return detail::handler.exchange(h != nullptr ? h : abort_on_misuse);
}

/// Counts the operations in flight, verb by verb. Entering and disposing are a store-buffering handshake: at least one
/// side sees the other. All watches of registries that have been registered with and have not been disposed are in one
/// list, each with a number of its own: an address may have been that of another registry before.
///
/// The constructor only stores, so that a registry of a checked build can be constant-initialized, too: a watch takes
/// its number and enters the list when the first callback is registered.
template <bool Checked>
class overlap_watch {
 public:
  using holder = bool (*)(void const* registry, void const* slot) noexcept;

  constexpr overlap_watch(void const* registry, holder holds) noexcept : registry_(registry), holds_(holds) {}
  overlap_watch(overlap_watch const&) = delete;
  overlap_watch& operator=(overlap_watch const&) = delete;
  ~overlap_watch() { leave_list(); }

  /// The number of this registry; the first call takes one and enters the list. Thread-safe: a thread that does not see
  /// the number here (relaxed, it orders nothing) looks again under the lock of the list.
  std::uint64_t number() const noexcept {
    std::uint64_t const known = number_.load(std::memory_order_relaxed);
    return known != 0 ? known : enter_list();
  }
  /// Whether the registry of that number is still there, `slot` is one of its slots, and `ask()` says yes; it is not
  /// disposed meanwhile.
  template <class Ask>
  static bool registered_with(std::uint64_t number, void const* slot, Ask ask) noexcept {
    std::lock_guard const hold(detail::watches_mutex());
    for (overlap_watch const* i = all; i != nullptr; i = i->next_)
      if (i->number_.load(std::memory_order_relaxed) == number) return i->holds_(i->registry_, slot) && ask();
    return false;
  }

  class [[nodiscard]] scope {
   public:
    scope(overlap_watch* w, verb v) noexcept : watch_(w), verb_(v) {}
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() { end(); }
    void end() noexcept {
      if (watch_ != nullptr) watch_->active_[static_cast<std::size_t>(verb_)].fetch_sub(1);
      watch_ = nullptr;
    }
    void forget() noexcept { watch_ = nullptr; }  // the registry is gone

   private:
    overlap_watch* watch_;
    verb verb_;
  };

  scope begin(verb v) const noexcept {
    active_[static_cast<std::size_t>(v)].fetch_add(1);
    if (disposing_.load() && v != verb::is_cancellation_requested)
      report(misuse::kind::overlaps_dispose, v, verb::dispose);
    return scope(const_cast<overlap_watch*>(this), v);
  }

  /// For an operation that was entered before and has been forgotten since.
  scope resume(verb v) const noexcept { return scope(const_cast<overlap_watch*>(this), v); }

  /// @param inside whether a callback of this registry's own cancel disposes it, which is allowed
  void dispose(bool inside) const noexcept {
    disposing_.store(true);
    for (std::size_t v = 0; v < static_cast<std::size_t>(verb::dispose); ++v)
      if (active_[v].load() > (inside && v == static_cast<std::size_t>(verb::cancel) ? 1 : 0))
        report(misuse::kind::overlaps_dispose, verb::dispose, static_cast<verb>(v));
    leave_list();
  }

  void registered_twice() const noexcept {
    report(misuse::kind::registered_twice, verb::try_register, verb::try_register);
  }

 private:
  void report(misuse::kind what, verb reporter, verb other) const noexcept {
    detail::handler.load()(misuse{what, reporter, other, registry_});
  }
  std::uint64_t enter_list() const noexcept {
    std::lock_guard const hold(detail::watches_mutex());
    if (std::uint64_t const other = number_.load(std::memory_order_relaxed); other != 0)
      return other;  // another thread came first
    next_ = all;
    if (next_ != nullptr) next_->previous_ = this;
    all = this;
    number_.store(++last_number, std::memory_order_relaxed);
    return last_number;
  }
  /// Does nothing if it is not in the list.
  void leave_list() const noexcept {
    std::lock_guard const hold(detail::watches_mutex());
    if (all == this) all = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    if (previous_ != nullptr) previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

  CTS_SHARED_SYMBOL inline static overlap_watch const* all = nullptr;
  CTS_SHARED_SYMBOL inline static std::uint64_t last_number = 0;
  mutable overlap_watch const* next_ = nullptr;
  mutable overlap_watch const* previous_ = nullptr;
  void const* const registry_;
  holder const holds_;
  mutable std::atomic<std::uint64_t> number_{0};  // 0: not in the list yet. Written under the lock.
  mutable std::atomic<int> active_[static_cast<std::size_t>(verb::count)]{};
  mutable std::atomic<bool> disposing_{false};
};

template <>
class overlap_watch<false> {
 public:
  template <class Holder>
  constexpr overlap_watch(void const*, Holder) noexcept {}
  struct scope {
    scope() noexcept {}
    ~scope() {}
    void end() noexcept {}
    void forget() noexcept {}
  };
  scope begin(verb) const noexcept { return {}; }
  scope resume(verb) const noexcept { return {}; }
  void dispose(bool) const noexcept {}
  void registered_twice() const noexcept {}
};

/// The number of the registry that a callback was registered with last, for checked builds.
template <bool Checked>
struct registrar {
  std::uint64_t number = 0;
};
template <>
struct registrar<false> {};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_OVERLAP_WATCH_HPP
