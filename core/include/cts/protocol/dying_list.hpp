// SPDX-License-Identifier: BSL-1.0
/// @file
/// The states that a thread has still to destroy (S8 of protocol/state.hpp). Destroying a state may release others; up
/// to a limit these destructions nest on the stack, beyond it they are deferred to this list. It also counts the
/// callables that the thread is destroying without having run them (N3 of protocol/registration_node.hpp).
#pragma once
#ifndef CTS_PROTOCOL_DYING_LIST_HPP
#define CTS_PROTOCOL_DYING_LIST_HPP

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// One a thread. Constant-initialized and trivially destructible, so that a thread can use it at any time.
/// @tparam State has a `var<State*> next_dying_` that this list may use
template <class State>
class dying_list {
 public:
  void defer(State& s) noexcept {
    s.next_dying_.set(first_);
    first_ = &s;
  }
  /// @return null if nothing is deferred
  State* take() noexcept {
    State* const s = first_;
    if (s != nullptr) first_ = s->next_dying_.get();
    return s;
  }

  /// A scope in which a callable is destroyed that has not run.
  class removal {
   public:
    explicit removal(dying_list& l) noexcept : list_(l) { ++list_.removals_; }
    removal(removal const&) = delete;
    removal& operator=(removal const&) = delete;
    ~removal() { --list_.removals_; }

   private:
    dying_list& list_;
  };
  bool is_in_removal() const noexcept { return removals_ != 0; }

  unsigned nested = 0;  ///< destructions of states on the thread's stack

 private:
  unsigned removals_ = 0;
  State* first_ = nullptr;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_DYING_LIST_HPP
