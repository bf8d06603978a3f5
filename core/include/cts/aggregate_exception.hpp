// SPDX-License-Identifier: BSL-1.0
/// @file
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

/// What the callbacks of one cancel have thrown, in the order in which they ran: .NET's AggregateException. R28, R31.
/// Not flattened: what the callbacks of a linked source have thrown is one aggregate among the others. Copies share the
/// list. However deep they are nested, making and destroying them takes constant stack.
class CTS_SHARED_SYMBOL aggregate_exception : public std::exception {
 public:
  /// Throws std::bad_alloc.
  explicit aggregate_exception(std::vector<std::exception_ptr> inner)
      : content_(new content(std::move(inner)), &content::drop) {}  // which drops it if there is no memory

  std::vector<std::exception_ptr> const& inner_exceptions() const noexcept { return content_->inner; }
  /// The messages of all, those of nested aggregates down to the eighth level. Made by the first call.
  char const* what() const noexcept override { return content_->what(); }

 private:
  class content {
   public:
    explicit content(std::vector<std::exception_ptr> i) noexcept : inner(std::move(i)) {}
    content(content const&) = delete;
    content& operator=(content const&) = delete;
    ~content() { delete text_.load(std::memory_order_relaxed); }  // the last copy's end comes after all use

    /// The end of the last copy. What it holds may be the last copy of another one, and so on: that is destroyed by a
    /// loop once a few are on the stack.
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
      std::string const* known = text_.load(std::memory_order_acquire);  // what another thread has made
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
    /// Constant-initialized and trivially destructible, so that a thread has it at any time.
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
    mutable content const* next_ = nullptr;
    static inline constinit thread_local dying dying_{nullptr, 0};
  };

  std::shared_ptr<content const> content_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_AGGREGATE_EXCEPTION_HPP
