// SPDX-License-Identifier: BSL-1.0
/// @file
/// The exception that carries the exceptions of a cancel's callbacks.
#pragma once
#ifndef CTS_AGGREGATE_EXCEPTION_HPP
#define CTS_AGGREGATE_EXCEPTION_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// The exceptions of one cancel's callbacks, in the order in which the callbacks ran: .NET's AggregateException. R28,
/// R31.
///
/// It is not flattened: the exceptions of a linked source's callbacks are one aggregate among the others. Thread-safe.
/// Copies share the list, and copying does not throw. Aggregates nested in each other, however deep, take constant
/// stack to make and to destroy.
class CTS_SHARED_SYMBOL aggregate_exception : public std::exception {
 public:
  /// Makes an aggregate of `inner`.
  /// @throws std::bad_alloc
  explicit aggregate_exception(std::vector<std::exception_ptr> inner);

  /// Returns the exceptions.
  std::vector<std::exception_ptr> const& inner_exceptions() const noexcept;
  /// Returns the messages of all exceptions, those of nested aggregates down to the eighth level. The first call makes
  /// the text.
  char const* what() const noexcept override;

 private:
  class content;  // defined below, in this header: detail/ includes it, so it includes nothing of detail/
  std::shared_ptr<content const> content_;
};

/// @cond implementation

class CTS_SHARED_SYMBOL aggregate_exception::content {
 public:
  explicit content(std::vector<std::exception_ptr> i) noexcept : inner(std::move(i)) {}
  content(content const&) = delete;
  content& operator=(content const&) = delete;
  ~content() { delete text_.load(std::memory_order_relaxed); }  // the last copy ends after all use of the text

  /// Destroys a content without copies. It may hold the last copy of another aggregate, and so on: beyond a few levels
  /// on the stack, those are destroyed by a loop.
  static void drop(content const* c) noexcept {
    dying& d = dying_;
    if (d.nested == most_nested) {
      c->next_ = d.first;
      d.first = c;
      return;
    }
    ++d.nested;
    delete c;
    while (d.nested == most_nested && d.first != nullptr) {
      content const* const next = d.first;
      d.first = next->next_;
      delete next;
    }
    --d.nested;
  }
  char const* what() const noexcept {
    std::string const* known = text_.load(std::memory_order_acquire);  // pairs with the exchange of another thread
    if (known == nullptr) try {
        auto mine = std::make_unique<std::string const>(describe(*this, most_nested));
        if (text_.compare_exchange_strong(known, mine.get(), std::memory_order_acq_rel)) known = mine.release();
      } catch (...) { return head; }
    return known->c_str();
  }

  std::vector<std::exception_ptr> const inner;

 private:
  static constexpr unsigned most_nested = 8;
  static constexpr char const* head = "One or more callbacks threw an exception:";
  /// The contents that a thread is about to destroy. Constant-initialized and trivially destructible, so that it is
  /// there at any time of the thread's life.
  struct dying {
    content const* first;
    unsigned nested;
  };

  static std::string describe(content const& c, unsigned levels) {
    std::string text = head;
    for (std::exception_ptr const& e : c.inner) {
      text += text.back() == ':' ? " " : "; ";
      try {
        std::rethrow_exception(e);
      } catch (aggregate_exception const& nested) {
        text += levels == 0 ? "more of them" : describe(*nested.content_, levels - 1);
      } catch (std::exception const& known) { text += known.what(); } catch (...) {
        text += "an exception that is not a std::exception";
      }
    }
    return text;
  }

  mutable std::atomic<std::string const*> text_{nullptr};
  mutable content const* next_ = nullptr;  // in the list of the dying
  static inline constinit thread_local dying dying_{nullptr, 0};
};

inline aggregate_exception::aggregate_exception(std::vector<std::exception_ptr> inner)
    // NOLINTNEXTLINE(bugprone-throw-keyword-missing): an exception's content, not an exception
    : content_(new content(std::move(inner)), &content::drop) {}  // drops it if there is no memory for the count
inline std::vector<std::exception_ptr> const& aggregate_exception::inner_exceptions() const noexcept {
  return content_->inner;
}
inline char const* aggregate_exception::what() const noexcept { return content_->what(); }

/// @endcond

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_AGGREGATE_EXCEPTION_HPP
