// SPDX-License-Identifier: BSL-1.0
/// @file
/// Checked builds (CTS_CHECKED): a handler is told of an operation that overlaps or follows dispose, and of a callback
/// that is registered twice, be it in two registries (G12). Release builds contain none of it.
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
#include <string_view>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The name of an operation in a report. What is built on the registry makes its own.
struct verb {
  char const* text = "";

  static verb const try_register, unregister, unregister_and_wait, cancel, is_cancellation_requested, dispose;
  friend constexpr bool operator==(verb a, verb b) noexcept { return std::string_view(a.text) == b.text; }
};
inline constexpr verb verb::try_register{"try_register"}, verb::unregister{"unregister"},
    verb::unregister_and_wait{"unregister_and_wait"}, verb::cancel{"cancel"},
    verb::is_cancellation_requested{"is_cancellation_requested"}, verb::dispose{"dispose"};

constexpr char const* name(verb v) noexcept { return v.text; }

/// The operations of a registry that are counted.
enum class registry_call : std::uint8_t {
  try_register,
  unregister,
  unregister_and_wait,
  cancel,
  is_cancellation_requested,
  count
};
constexpr verb name_of(registry_call c) noexcept {
  constexpr verb names[] = {verb::try_register, verb::unregister, verb::unregister_and_wait, verb::cancel,
                            verb::is_cancellation_requested};
  return names[static_cast<std::size_t>(c)];
}

/// What went wrong.
struct misuse {
  enum class kind : std::uint8_t { overlaps_dispose, registered_twice } what;
  verb reporter;         ///< the operation that noticed
  verb other;            ///< the operation on the other side
  void const* registry;  ///< where
};

/// Called on the thread that noticed. If it returns, the operation goes on, with undefined results.
using misuse_handler = void (*)(misuse const&) noexcept;

[[noreturn]] inline void abort_on_misuse(misuse const& m) noexcept {
  if (m.what == misuse::kind::registered_twice)
    std::fprintf(stderr, "cts: registry %p: a callback was registered that is registered already\n", m.registry);
  else
    std::fprintf(stderr, "cts: registry %p: %s overlaps or follows %s; dispose must come last\n", m.registry,
                 m.reporter.text, m.other.text);
  std::abort();
}

namespace detail {
CTS_SHARED_SYMBOL inline std::atomic<misuse_handler> handler{abort_on_misuse};

/// Guards the list of watches. Never destroyed: a registry of static storage may outlive any other object. TRICKY: not
/// a member of the template, because GCC gives a template's static locals to each shared object.
CTS_SHARED_SYMBOL inline std::mutex& watches_mutex() noexcept {
  alignas(std::mutex) static std::byte memory[sizeof(std::mutex)];
  static std::mutex& m = *::new (static_cast<void*>(memory)) std::mutex;
  return m;
}
}  // namespace detail

/// Installs `h` and returns the handler before. Null: the default, a message and abort. Thread-safe.
inline misuse_handler set_misuse_handler(misuse_handler h) noexcept {
  return detail::handler.exchange(h != nullptr ? h : abort_on_misuse);
}

/// Counts the operations in flight, verb by verb. Beginning one and disposing are a store-buffering handshake: at least
/// one side sees the other. A watch takes a number and enters the list of all watches at the first registration, since
/// an address may be reused and a constant-initialized registry cannot do so before.
template <bool Checked>
class overlap_watch {
 public:
  using holder = bool (*)(void const* registry, void const* slot) noexcept;

  constexpr overlap_watch(void const* registry, holder holds) noexcept : registry_(registry), holds_(holds) {}
  overlap_watch(overlap_watch const&) = delete;
  overlap_watch& operator=(overlap_watch const&) = delete;
  ~overlap_watch() { remove_from_list(); }

  /// The number of this registry. Thread-safe: a thread that reads 0 here, relaxed, looks again under the lock.
  std::uint64_t number() const noexcept {
    std::uint64_t const known = number_.load(std::memory_order_relaxed);
    return known != 0 ? known : add_to_list();
  }
  /// Whether the registry of that number is there, `slot` is one of its slots, and `ask()` says yes. The registry is
  /// not disposed meanwhile.
  template <class Ask>
  static bool registered_with(std::uint64_t number, void const* slot, Ask ask) noexcept {
    std::lock_guard const hold(detail::watches_mutex());
    for (overlap_watch const* i = all; i != nullptr; i = i->next_)
      if (i->number_.load(std::memory_order_relaxed) == number) return i->holds_(i->registry_, slot) && ask();
    return false;
  }

  class [[nodiscard]] scope {
   public:
    scope(overlap_watch const* w, registry_call c) noexcept : watch_(w), call_(c) {}
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() { end(); }
    void end() noexcept {
      if (watch_ != nullptr) watch_->active_[index(call_)].fetch_sub(1);
      watch_ = nullptr;
    }
    void forget() noexcept { watch_ = nullptr; }  // the registry is gone

   private:
    overlap_watch const* watch_;
    registry_call call_;
  };

  scope begin(registry_call c) const noexcept {
    active_[index(c)].fetch_add(1);
    if (disposing_.load() && c != registry_call::is_cancellation_requested)
      report(misuse::kind::overlaps_dispose, name_of(c), verb::dispose);
    return scope(this, c);
  }
  /// For an operation that began before and has been forgotten since.
  scope resume(registry_call c) const noexcept { return scope(this, c); }

  /// @param inside a callback of this registry's own cancel disposes it, which is allowed
  void dispose(bool inside) const noexcept {
    disposing_.store(true);
    for (std::size_t i = 0; i < index(registry_call::count); ++i)
      if (active_[i].load() > (inside && i == index(registry_call::cancel) ? 1 : 0))
        report(misuse::kind::overlaps_dispose, verb::dispose, name_of(static_cast<registry_call>(i)));
    remove_from_list();
  }

  void registered_twice() const noexcept {
    report(misuse::kind::registered_twice, verb::try_register, verb::try_register);
  }

 private:
  static constexpr std::size_t index(registry_call c) noexcept { return static_cast<std::size_t>(c); }
  void report(misuse::kind what, verb reporter, verb other) const noexcept {
    detail::handler.load()(misuse{what, reporter, other, registry_});
  }
  std::uint64_t add_to_list() const noexcept {
    std::lock_guard const hold(detail::watches_mutex());
    if (std::uint64_t const other = number_.load(std::memory_order_relaxed); other != 0) return other;
    next_ = all;
    if (next_ != nullptr) next_->previous_ = this;
    all = this;
    number_.store(++last_number, std::memory_order_relaxed);
    return last_number;
  }
  /// Does nothing if it is not there.
  void remove_from_list() const noexcept {
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
  mutable std::atomic<std::uint64_t> number_{0};  // 0: not in the list yet; written under the lock
  mutable std::atomic<int> active_[static_cast<std::size_t>(registry_call::count)]{};
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
  scope begin(registry_call) const noexcept { return {}; }
  scope resume(registry_call) const noexcept { return {}; }
  void dispose(bool) const noexcept {}
  void registered_twice() const noexcept {}
};

/// For checked builds: the number of the registry that a callback was registered with last.
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
