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

/// The synchronization context of a node, if it has one.
template <class Context>
struct node_context {
  Context context;
};
template <>
struct node_context<std::nullptr_t> {
  explicit node_context(std::nullptr_t) noexcept {}
};

/// @tparam Context runs the callable: a pointer; std::nullptr_t: the canceller does
/// @tparam Cached makes two classes of the two settings, because objects of both may be linked together
template <class F, class Context, bool Cached = CTS_NODE_CACHE != 0>
class function_node final : public registration_base {
  using node = basic_node<core::std_platform>;

 public:
  /// With a reference to `s`, which becomes the handle's.
  template <class G>
  function_node(state& s, G&& f, Context context, location where)
      : registration_base(s, &run, &end), record_(where), context_{context}, f_(std::forward<G>(f)) {
    if constexpr (core::std_platform::checked) record_.note(detail::sources_held(s, std::addressof(f_), sizeof f_));
  }

  /// Destroys a node that is not registered. Its reference to the state remains.
  void discard() noexcept {
    end(*this, part::callable);
    end(*this, part::storage);
  }
  F& function() noexcept { return f_; }
  registration_record& record() noexcept { return record_; }

  static void* operator new(std::size_t n) {
#if CTS_NODE_CACHE
    if constexpr (cached) return cache<function_node>::take();
#endif
    return ::operator new(n);
  }
  static void* operator new(std::size_t n, std::align_val_t a) { return ::operator new(n, a); }
  static void operator delete(void* p) noexcept {
#if CTS_NODE_CACHE
    if constexpr (cached) return cache<function_node>::give_back(p);
#endif
    ::operator delete(p);
  }
  static void operator delete(void* p, std::align_val_t a) noexcept { ::operator delete(p, a); }

 private:
#if CTS_NODE_CACHE
  template <class Node>  // a parameter, so that the size is known
  using cache = node_cache<(sizeof(Node) + 7) / 8 * 8>;
#endif
  static constexpr bool cached = Cached && !CTS_CHECKED && sizeof(F) <= 32 && alignof(F) <= 8;

  ~function_node() {}

  static void run(core::callback& c) noexcept {
    auto& self = static_cast<function_node&>(c);
    state& s = self.owner();
    if constexpr (std::is_null_pointer_v<Context>) detail::call_and_collect(self.f_, s);
    else self.send(s);
    self.end_registration();
  }
  /// R91. The context's thread counts as the one that runs the callbacks (G21).
  void send(state& s) noexcept {
    try {
      context_.context->send([this, &s] {
        state::delegate const here(s);
        detail::call(f_, s);
      });
    } catch (...) { s.collector().add(std::current_exception()); }
  }
  static void end(node& n, part what) noexcept {
    auto& self = static_cast<function_node&>(n);
    if (what == part::storage) {
      delete std::addressof(self);
      return;
    }
    if (what == part::registration) return self.end_removed();
    if (what == part::record) return self.owner().more().note_detached(self.record_);
    self.owner().more().remove(self.record_);
    self.f_.~F();
  }

  [[no_unique_address]] registration_record record_;
  [[no_unique_address]] node_context<Context> const context_;
  union {
    F f_;  // destroyed before the node
  };
};

/// Makes a node and registers it. If the source is canceled, passes the callable to `refused`.
/// @return the node; null: nothing is registered
template <class F, class Context, class Refused>
registration_base* register_function(state& s, F&& f, Context context, location where, Refused refused) {
  using node_type = function_node<std::decay_t<F>, Context>;
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
template <class F, class Context>
registration_base* register_or_call(state& s, F&& f, Context context, location where) {
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
