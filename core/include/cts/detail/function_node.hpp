// SPDX-License-Identifier: BSL-1.0
/// @file
/// The node of a registration with its callable, in one allocation (G20).
#pragma once
#ifndef CTS_DETAIL_FUNCTION_NODE_HPP
#define CTS_DETAIL_FUNCTION_NODE_HPP

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "cts/detail/callable.hpp"
#include "cts/detail/checked/held_sources.hpp"
#include "cts/detail/checked/registration_list.hpp"
#include "cts/detail/memory/node_cache.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/registration.hpp"
#include "cts/synchronization_context.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

template <class F>
class function_node final : public registration_base {
 public:
  /// With a reference to `s`, which becomes the handle's.
  /// @param context runs the callable; null: the canceller does
  template <class G>
  function_node(state& s, G&& f, synchronization_context* context, location where)
      : registration_base(s, &run, &destroy), record_(where), context_(context), f_(std::forward<G>(f)) {
    if constexpr (core::std_platform::checked) record_.note(detail::sources_held(s, std::addressof(f_), sizeof f_));
  }

  /// Destroys a node that is not registered. Its reference to the state remains.
  void discard() noexcept {
    destroy(*this, part::callable);
    destroy(*this, part::storage);
  }
  F& function() noexcept { return f_; }
  registration_record& record() noexcept { return record_; }

  static void* operator new(std::size_t n) {
    if constexpr (cached) return cache<function_node>::take();
    else return ::operator new(n);
  }
  static void* operator new(std::size_t n, std::align_val_t a) { return ::operator new(n, a); }
  static void operator delete(void* p) noexcept {
    if constexpr (cached) cache<function_node>::give_back(p);
    else ::operator delete(p);
  }
  static void operator delete(void* p, std::align_val_t a) noexcept { ::operator delete(p, a); }

 private:
  template <class Node>  // a parameter, so that the size is known
  using cache = node_cache<(sizeof(Node) <= small_node ? small_node : large_node)>;
  static constexpr bool cached = !CTS_CHECKED && sizeof(F) <= 32 && alignof(F) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;

  ~function_node() {}

  static void run(core::callback& c) noexcept {
    auto& self = static_cast<function_node&>(c);
    state& s = self.owner();
    if (self.context_ == nullptr) detail::call_and_collect(self.f_, s);
    else self.send(s);
    self.end_registration();
  }
  /// R91. The context's thread counts as the one that runs the callbacks (G21).
  void send(state& s) noexcept {
    try {
      context_->send([this, &s] {
        state::delegate const here(s);
        detail::call(f_, s);
      });
    } catch (...) { s.collector().add(std::current_exception()); }
  }
  static void destroy(registration_base& b, part what) noexcept {
    static_assert(!cached || sizeof(function_node) <= large_node);
    auto& self = static_cast<function_node&>(b);
    if (what == part::storage) {
      delete std::addressof(self);
      return;
    }
    if (what == part::record) return self.owner().more().note_detached(self.record_);
    self.owner().more().remove(self.record_);
    self.f_.~F();
  }

  [[no_unique_address]] registration_record record_;
  synchronization_context* const context_;
  union {
    F f_;  // destroyed before the node
  };
};

/// Makes a node and registers it. If the source is canceled, passes the callable to `refused`.
/// @return the node; null: nothing is registered
template <class F, class Refused>
registration_base* register_function(state& s, F&& f, synchronization_context* context, location where,
                                     Refused refused) {
  using node_type = function_node<std::decay_t<F>>;
  auto* const n = new node_type(s, std::forward<F>(f), context, where);
  s.share();  // the handle's reference
  s.more().add(n->record());
  core::register_result const result = s.try_register(*n);
  if (result == core::register_result::registered) return n;
  struct guard {
    node_type& node;
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

/// Registers `f`, or calls it here and now if the source is canceled. R17.
/// @return the node; null: nothing is registered
template <class F>
registration_base* register_or_call(state& s, F&& f, synchronization_context* context, location where) {
  if (s.is_cancellation_requested()) {
    std::decay_t<F> function(std::forward<F>(f));
    detail::call(function, s);
    return nullptr;
  }
  return detail::register_function(s, std::forward<F>(f), context, where,
                                   [&s](auto& function) { detail::call(function, s); });
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_FUNCTION_NODE_HPP
