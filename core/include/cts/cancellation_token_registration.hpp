// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_CANCELLATION_TOKEN_REGISTRATION_HPP
#define CTS_CANCELLATION_TOKEN_REGISTRATION_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/detail/timers/duration.hpp"
#include "cts/detail/memory/reserve.hpp"
#include "cts/detail/memory/node_cache.hpp"
#include "cts/protocol/registration_node.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

inline cancellation_token token_maker::make(state& s) noexcept { return cancellation_token(s); }

/// Calls `f` with a token of `s` if it takes one, which wins, or without. R35.
template <class F>
void call(F& f, state& s) {
  if constexpr (std::invocable<F&, cancellation_token>) std::invoke(f, token_maker::make(s));
  else if constexpr (std::invocable<F&>) std::invoke(f);
  else if constexpr (std::invocable<F, cancellation_token>) std::invoke(std::move(f), token_maker::make(s));
  else std::invoke(std::move(f));
}
/// The same while `s` runs its callbacks: an exception is one of theirs.
template <class F>
void call_and_collect(F& f, state& s) noexcept {
  try {
    detail::call(f, s);
  } catch (...) { s.collector().add(std::current_exception()); }
}

/// A promise that needs no memory but the reserve's.
inline std::promise<void> make_promise() {
  return std::promise<void>(std::allocator_arg, reserve_allocator<std::byte>());
}
inline std::future<void> ready_future() {
  std::promise<void> p = make_promise();
  p.set_value();
  return p.get_future();
}

/// Somebody has called dispose_async while the callback ran.
struct end_waiter {
  end_waiter* next = nullptr;
  std::promise<void> promise = make_promise();

  static end_waiter* create() { return ::new (reserve::take(sizeof(end_waiter))) end_waiter; }
  void complete() noexcept {
    promise.set_value();
    this->~end_waiter();
    reserve::give_back(this);
  }
};

using registration_base = basic_registration_node<state, end_waiter>;

/// Whether the bytes of a callable are a token or a source of `s`, or of a source that is linked to `s`: each is the
/// address of its state, which nothing else outside knows.
inline leak::kind what_it_holds(state& s, void const* callable, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i + sizeof(std::uintptr_t) <= bytes; i += sizeof(std::uintptr_t)) {
    std::uintptr_t w;
    std::memcpy(&w, static_cast<std::byte const*>(callable) + i, sizeof w);
    if (w == 0) continue;
    if (w == reinterpret_cast<std::uintptr_t>(&s)) return leak::kind::callable_holds_source;
    if (w % core::std_platform::line == 0 && s.is_parent_of(w)) return leak::kind::callable_holds_child;
  }
  return leak::kind::never_runs;
}

/// A registered callable.
template <class F>
class registration_node final : public registration_base {
 public:
  template <class G>
  registration_node(state& s, G&& f, synchronization_context* where, location at)
      : registration_base(s, &run, &destroy), place_(at), where_(where), f_(std::forward<G>(f)) {
    if constexpr (core::std_platform::checked) place_.note(detail::what_it_holds(s, std::addressof(f_), sizeof f_));
  }

  /// Before it is registered: as if it had not been made, but for its reference to the state.
  void discard() noexcept {
    destroy(*this, part::callable);
    destroy(*this, part::node);
  }
  F& function() noexcept { return f_; }

  static void* operator new(std::size_t n) {
    if constexpr (cached) return cache<registration_node>::take();
    else return ::operator new(n);
  }
  static void* operator new(std::size_t n, std::align_val_t a) { return ::operator new(n, a); }
  static void operator delete(void* p) noexcept {
    if constexpr (cached) cache<registration_node>::give_back(p);
    else ::operator delete(p);
  }
  static void operator delete(void* p, std::align_val_t a) noexcept { ::operator delete(p, a); }
  detail::place& where() noexcept { return place_; }

 private:
  template <class Node>  // for when the size is known
  using cache = node_cache<(sizeof(Node) <= small_node ? small_node : large_node)>;
  static constexpr bool cached = !CTS_CHECKED && sizeof(F) <= 32 && alignof(F) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;

  ~registration_node() {}

  static void run(core::callback& c) noexcept {
    auto& self = static_cast<registration_node&>(c);
    state& s = self.owner();
    if (self.where_ == nullptr) detail::call_and_collect(self.f_, s);
    else self.send(s);
    self.end();
  }
  void send(state& s) noexcept {
    try {
      where_->send([this, &s] {
        state::delegate const here(s);
        detail::call(f_, s);
      });
    } catch (...) { s.collector().add(std::current_exception()); }
  }
  static void destroy(registration_base& b, part what) noexcept {
    static_assert(!cached || sizeof(registration_node) <= large_node);
    auto& self = static_cast<registration_node&>(b);
    if (what == part::node) {
      delete std::addressof(self);
      return;
    }
    if (what == part::place) return self.owner().more().detach(self.place_);
    self.owner().more().remove(self.place_);
    self.f_.~F();
  }

  [[no_unique_address]] detail::place place_;
  synchronization_context* const where_;
  union {
    F f_;  // destroyed before the node
  };
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

namespace cts {
inline namespace CTS_ABI {

/// A registered callback, to be taken back: .NET's CancellationTokenRegistration. Move-only, one pointer; the
/// destructor is dispose(). R43–R56. Members may be called concurrently with each other, with cancel, and with
/// everything done to the source, which it may outlive; not with the destructor, assignment or a move of the same
/// object.
class cancellation_token_registration {
 public:
  /// Of nothing; equal to all others of nothing. R55.
  cancellation_token_registration() noexcept = default;
  cancellation_token_registration(cancellation_token_registration&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)) {}
  /// Disposes what it was before.
  cancellation_token_registration& operator=(cancellation_token_registration&& other) noexcept {
    cancellation_token_registration taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  ~cancellation_token_registration() {
    if (node_ == nullptr) return;
    node_->dispose();
    node_->leave();
  }
  void swap(cancellation_token_registration& other) noexcept { std::swap(node_, other.node_); }
  friend void swap(cancellation_token_registration& a, cancellation_token_registration& b) noexcept { a.swap(b); }

  /// Takes the callback back if it has not begun to run. Never waits. O(1), one read-modify-write. R43, R44, R53.
  /// @return true: it has not run and never will, and the callable is destroyed; false: it runs or has run, and then
  /// the token
  ///   reads as canceled, or it is not registered; that says nothing about its effects (R93d)
  bool unregister() noexcept { return node_ != nullptr && node_->unregister(); }
  /// The same, but if it runs on another thread waits until it has returned, and for no other callback: afterwards it
  /// does not run and will not, the callable is destroyed, and its effects are visible. Does not wait on the thread
  /// that runs the source's callbacks. Idempotent. A wait for a callback that waits for this thread is reported
  /// (set_wait_cycle_handler), R49–R51. R46–R48.
  void dispose() noexcept {
    if (node_ != nullptr) node_->dispose();
  }
  /// The same, but waits no longer than `time`; not at all for a negative one, cts::infinite included, or NaN.
  /// @return whether it is as after dispose()
  template <class Rep, class Period>
  bool dispose_for(std::chrono::duration<Rep, Period> time) noexcept {
    if (node_ == nullptr || node_->unregister()) return true;
    auto const over = [this] { return !node_->owner().registry().is_running(*node_) || node_->owner().runs_here(); };
    if (!detail::is_number(time)) return over();
    auto const end = detail::end_of_wait(time, "dispose_for");
    std::chrono::nanoseconds nap(100);
    while (!over()) {
      if (end && std::chrono::steady_clock::now() >= *end) return false;
      std::this_thread::sleep_for(nap);
      nap = (std::min)(2 * nap, std::chrono::nanoseconds(1'000'000));
    }
    return true;
  }
  /// The same without waiting.
  /// @return a future that is ready when dispose() would have returned. Its destructor does not wait. R52
  std::future<void> dispose_async() noexcept {
    if (node_ == nullptr || node_->unregister()) return detail::ready_future();
    detail::end_waiter* const w = detail::end_waiter::create();
    std::future<void> end = w->promise.get_future();
    if (!node_->complete_at_end(*w)) w->complete();
    return end;
  }
  /// Leaves the callback registered for as long as the source and its tokens live; this becomes a registration of
  /// nothing. A callback that is left behind must not hold a token of its own source, which would then live for ever:
  /// let it take one as its argument.
  void detach() noexcept {
    if (node_ != nullptr) std::exchange(node_, nullptr)->detach();
  }
  /// Whether the callback waits for a cancel: it has neither begun to run nor been taken back. A snapshot.
  [[nodiscard]] bool is_registered() const noexcept {
    return node_ != nullptr && node_->owner().registry().is_registered(*node_);
  }
  /// A token of the source it was registered with, also later; none() for a registration of nothing. R54.
  [[nodiscard]] cancellation_token token() const noexcept {
    return node_ != nullptr ? cancellation_token(node_->owner()) : cancellation_token();
  }
  /// Whether it is, or was, a registration. Not whether it still is: see is_registered.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// The same registration, or both of nothing. R55.
  [[nodiscard]] friend bool operator==(cancellation_token_registration const& a,
                                       cancellation_token_registration const& b) noexcept {
    return a.node_ == b.node_;
  }

 private:
  friend cancellation_token;
  friend std::hash<cancellation_token_registration>;
  explicit cancellation_token_registration(detail::registration_base& n) noexcept : node_(&n) {}

  detail::registration_base* node_ = nullptr;
};

}  // namespace CTS_ABI
}  // namespace cts

template <>
struct std::hash<cts::cancellation_token_registration> {
  std::size_t operator()(cts::cancellation_token_registration const& r) const noexcept {
    return std::hash<void const*>()(r.node_);
  }
};

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Makes a node and registers it.
/// @return the node, or null if that was not to be; `refused` is then told whether the source is canceled, with the
/// function
template <class F, class Refused>
registration_base* register_function(state& s, F&& f, synchronization_context* where, location at, Refused refused) {
  using function = std::decay_t<F>;
  auto* const n = new registration_node<function>(s, std::forward<F>(f), where, at);
  s.share();  // the handle's
  s.more().add(n->where());
  core::register_result const result = s.enter(*n);
  if (result == core::register_result::registered) return n;
  struct guard {
    registration_node<function>& node;
    ~guard() {
      state& owner = node.owner();
      node.discard();
      owner.drop();
    }
  } const last{*n};
  if (result == core::register_result::canceled) refused(n->function());
  else if (result == core::register_result::out_of_memory) throw std::bad_alloc();
  return nullptr;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

namespace cts {
inline namespace CTS_ABI {

template <class F>
cancellation_token_registration cancellation_token::enroll(F&& f, synchronization_context* through,
                                                           detail::location where) const {
  detail::require_callback(f, "register_callback");
  if (state_ == nullptr) return {};
  detail::state& s = *state_;
  if (s.is_cancellation_requested()) {
    std::decay_t<F> function(std::forward<F>(f));
    detail::call(function, s);
    return {};
  }
  detail::registration_base* const n = detail::register_function(s, std::forward<F>(f), through, where,
                                                                 [&s](auto& function) { detail::call(function, s); });
  return n != nullptr ? cancellation_token_registration(*n) : cancellation_token_registration();
}

template <class F>
requires detail::cancellation_function<std::decay_t<F>> cancellation_token_registration
cancellation_token::register_callback(F&& f, detail::location where)
const { return enroll(std::forward<F>(f), nullptr, where); }

template <class F>
requires detail::cancellation_function<std::decay_t<F>> cancellation_token_registration
cancellation_token::register_callback(F&& f, synchronization_context& where, detail::location place)
const { return enroll(std::forward<F>(f), std::addressof(where), place); }

template <class F>
requires detail::cancellation_function<std::decay_t<F>> std::optional<cancellation_token_registration>
cancellation_token::try_register(F&& f, detail::location where)
const {
  detail::require_callback(f, "try_register");
  if (state_ == nullptr) return cancellation_token_registration();
  bool canceled = state_->is_cancellation_requested();
  detail::registration_base* const n = canceled ? nullptr
                                                : detail::register_function(*state_, std::forward<F>(f), nullptr, where,
                                                                            [&canceled](auto&) { canceled = true; });
  if (canceled) return std::nullopt;
  return n != nullptr ? cancellation_token_registration(*n) : cancellation_token_registration();
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_TOKEN_REGISTRATION_HPP
