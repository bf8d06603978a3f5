// SPDX-License-Identifier: BSL-1.0
/// @file
/// The thread that a synchronization context runs a callback on. It counts as the one that runs the callbacks (G21): it
/// may dispose everything that a callback on the canceller's thread may, and does not wait for the callback it runs.
/// R91.
#pragma once
#ifndef CTS_PROTOCOL_DELEGATE_HPP
#define CTS_PROTOCOL_DELEGATE_HPP

#include <cstdint>

#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

template <class Platform>
class basic_delegate {
 public:
  /// 0: none.
  std::uintptr_t thread() const noexcept { return thread_.load(site::delegate_ask); }
  bool is_this_thread() const noexcept { return thread() == Platform::this_thread(); }

  /// Makes the calling thread the delegate. The destructor restores the former one, also after an exception.
  class scope {
   public:
    explicit scope(basic_delegate& d) noexcept : delegate_(d), before_(d.thread()) {
      d.thread_.store(Platform::this_thread(), site::delegate_set);
    }
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope() { delegate_.thread_.store(before_, site::delegate_set); }

   private:
    basic_delegate& delegate_;
    std::uintptr_t const before_;
  };

 private:
  typename Platform::template atomic<std::uintptr_t> thread_{0};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_DELEGATE_HPP
