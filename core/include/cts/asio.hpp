// SPDX-License-Identifier: BSL-1.0
/// @file
/// Asio operations that a cancellation_token cancels: `bind_cancellation(token, completion_token)`. For standalone Asio
/// (1.22 and later) and Boost.Asio (1.81 and later): Boost's if CTS_USE_BOOST_ASIO is defined, or if only it is
/// installed.
///
/// Asio's cancellation_signal is not thread-safe: emit() must not run beside the operation that uses its slot. This
/// adapter posts the emission to the operation's associated executor, so a token may be canceled on any thread. If
/// several threads run that executor, it must be a strand, as Asio asks for every operation that consists of several.
///
///   A1  the callback is registered before the operation is initiated, so that a failure to register leaves nothing
///       behind; an emission is posted once both the operation is initiated and the token is canceled;
///   A2  the emission runs on the executor that runs the completion handler, which ends the registration first: no
///       emission reaches an operation that has completed.
#pragma once
#ifndef CTS_ASIO_HPP
#define CTS_ASIO_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#if defined(CTS_USE_BOOST_ASIO) || !__has_include(<asio/version.hpp>)
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>
/// The namespace of the Asio in use.
#define CTS_ASIO_NAMESPACE boost::asio
#else
#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/post.hpp>
/// The namespace of the Asio in use.
#define CTS_ASIO_NAMESPACE asio
#endif

#include <atomic>
#include <concepts>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "cts/cancellation_callback.hpp"
#include "cts/cancellation_token.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A completion token that carries a cancellation_token. Made by bind_cancellation().
template <class CompletionToken>
struct cancellation_binder {
  cancellation_token token;          ///< what cancels the operation
  CompletionToken completion_token;  ///< what becomes of its result
};

/// Makes an asynchronous operation end with operation_aborted when `token` is canceled:
///
///     socket.async_read_some(buffer, cts::bind_cancellation(token, asio::use_awaitable));
///
/// On a canceled token the operation is initiated and then canceled at once. Emits all types of cancellation; the
/// operation heeds those that it supports. A cancellation slot that `completion_token` brings along keeps working.
/// Thread-safety: `token` may be canceled on any thread; the emission is posted to the operation's associated executor.
/// Waits for nothing; the completion handler waits for a callback of the token that runs at that moment, which only
/// posts. Throws what copying or moving the arguments throws; the initiation throws std::bad_alloc before the operation
/// begins. Two allocations an operation, and one when the token is canceled. If there is no memory for that
/// one, cancel() reports it as an exception of the callback, and the operation is not canceled.
template <class CompletionToken>
cancellation_binder<std::decay_t<CompletionToken>> bind_cancellation(cancellation_token token,
                                                                     CompletionToken&& completion_token) {
  return {std::move(token), std::forward<CompletionToken>(completion_token)};
}

namespace detail {
namespace net = ::CTS_ASIO_NAMESPACE;

/// One operation: its signal, and the registration that emits it.
template <class Executor>
class asio_operation : public std::enable_shared_from_this<asio_operation<Executor>> {
 public:
  explicit asio_operation(Executor executor) : executor_(std::move(executor)) {}

  net::cancellation_slot slot() noexcept { return signal_.slot(); }

  /// Before the operation is initiated (A1).
  void watch(cancellation_token token) {
    registration_ = std::make_unique<cancellation_callback<notify>>(std::move(token), notify{this});
  }
  /// Once the operation is initiated. Runs beside the completion handler.
  void initiated() {
    try {
      join(is_initiated);
    } catch (
        std::bad_alloc const&) {  // no memory to post: the initiating thread may use the operation as the executor may
      emit(net::cancellation_type::all);
    }
  }
  /// On the executor, before the completion handler is called (A2).
  void complete() noexcept {
    is_complete_ = true;
    registration_.reset();
  }
  /// On the executor.
  void emit(net::cancellation_type type) {
    if (!is_complete_) signal_.emit(type);
  }

 private:
  struct notify {
    asio_operation* operation;
    void operator()() const { operation->join(is_canceled); }
  };
  static constexpr unsigned is_initiated = 1;
  static constexpr unsigned is_canceled = 2;

  /// The second of the two posts the emission. Acquire and release: the poster reads what the other thread has built.
  void join(unsigned what) {
    if (progress_.fetch_or(what, std::memory_order_acq_rel) == (is_initiated | is_canceled) - what) post_emission();
  }
  void post_emission() {
    // Empty if the operation has completed or was abandoned: its destructor waits for this callback.
    if (std::shared_ptr<asio_operation> self = this->weak_from_this().lock())
      net::post(executor_, [self] { self->emit(net::cancellation_type::all); });
  }

  Executor executor_;
  net::cancellation_signal signal_;
  std::atomic<unsigned> progress_{0};
  bool is_complete_ = false;  // on the executor only
  std::unique_ptr<cancellation_callback<notify>> registration_;
};

/// The completion handler of a bound operation.
template <class Handler, class Executor>
class asio_handler {
 public:
  using executor_type = Executor;
  using allocator_type = net::associated_allocator_t<Handler>;
  using cancellation_slot_type = net::cancellation_slot;

  asio_handler(Handler&& handler, Executor executor, std::shared_ptr<asio_operation<Executor>> operation)
      : handler_(std::move(handler)), executor_(std::move(executor)), operation_(std::move(operation)) {}

  asio_handler(asio_handler&&) noexcept = default;
  asio_handler& operator=(asio_handler&&) = delete;
  /// An operation that is abandoned waits for a callback of the token that is about to post to its executor.
  ~asio_handler() {
    if (operation_ != nullptr) operation_->complete();
  }

  executor_type get_executor() const noexcept { return executor_; }
  allocator_type get_allocator() const noexcept { return net::get_associated_allocator(handler_); }
  cancellation_slot_type get_cancellation_slot() const noexcept { return operation_->slot(); }

  template <class... Results>
  void operator()(Results&&... results) {
    operation_->complete();
    auto outer = net::get_associated_cancellation_slot(handler_);
    if (outer.is_connected()) outer.clear();
    operation_.reset();
    std::move(handler_)(std::forward<Results>(results)...);
  }

 private:
  Handler handler_;
  Executor executor_;
  std::shared_ptr<asio_operation<Executor>> operation_;
};

/// Initiates the operation with an asio_handler around the user's.
template <class Initiation>
struct asio_initiation {
  cancellation_token token;
  Initiation initiation;

  template <class Handler, class... Arguments>
  void operator()(Handler&& handler, Arguments&&... arguments) {
    using user_handler = std::decay_t<Handler>;
    auto executor = net::get_associated_executor(handler, net::get_associated_executor(initiation));
    using executor_type = decltype(executor);
    // Not by the handler's allocator: a posted emission may outlive the handler and what that owns.
    auto operation = std::make_shared<asio_operation<executor_type>>(executor);
    operation->watch(std::move(token));
    auto outer = net::get_associated_cancellation_slot(handler);
    if (outer.is_connected())  // emitted on the executor, as its owner has to see to
      outer.assign([weak = operation->weak_from_this()](net::cancellation_type type) {
        if (auto const alive = weak.lock()) alive->emit(type);
      });
    std::move(initiation)(
        asio_handler<user_handler, executor_type>(std::forward<Handler>(handler), std::move(executor), operation),
        std::forward<Arguments>(arguments)...);
    operation->initiated();
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

/// @cond implementation
/// What Asio asks to learn how a bound completion token is initiated.
template <class CompletionToken, class Signature>
class CTS_ASIO_NAMESPACE::async_result<cts::cancellation_binder<CompletionToken>, Signature> {
 public:
  template <class Initiation, class Binder, class... Arguments>
  static auto initiate(Initiation&& initiation, Binder&& binder, Arguments&&... arguments) {
    return CTS_ASIO_NAMESPACE::async_initiate<CompletionToken, Signature>(
        cts::detail::asio_initiation<std::decay_t<Initiation>>{binder.token, std::forward<Initiation>(initiation)},
        binder.completion_token, std::forward<Arguments>(arguments)...);
  }
};
/// @endcond

#endif  // CTS_ASIO_HPP
