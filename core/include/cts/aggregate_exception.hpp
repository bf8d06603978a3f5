// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_AGGREGATE_EXCEPTION_HPP
#define CTS_AGGREGATE_EXCEPTION_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cts/version.hpp"

namespace cts { inline namespace CTS_ABI {

/// What the callbacks of one cancel have thrown, in the order in which they ran: .NET's AggregateException. R28, R31.
/// Not flattened: what the callbacks of a linked source have thrown is one aggregate among the others. Copies share the list.
class CTS_SHARED_SYMBOL aggregate_exception : public std::exception {
 public:
  /// Throws std::bad_alloc.
  explicit aggregate_exception(std::vector<std::exception_ptr> inner)
      : content_(std::make_shared<content const>(std::move(inner))) {}

  std::vector<std::exception_ptr> const& inner_exceptions() const noexcept { return content_->inner; }
  char const* what() const noexcept override { return content_->text.c_str(); }

 private:
  struct content {
    explicit content(std::vector<std::exception_ptr> i) : inner(std::move(i)), text(describe(inner)) {}
    std::vector<std::exception_ptr> inner;
    std::string text;
  };
  static std::string describe(std::vector<std::exception_ptr> const& inner) {
    std::string text = "One or more callbacks threw an exception:";
    for (std::exception_ptr const& e : inner) {
      text += text.back() == ':' ? " " : "; ";
      try {
        std::rethrow_exception(e);
      } catch (std::exception const& known) {
        text += known.what();
      } catch (...) {
        text += "an exception that is not a std::exception";
      }
    }
    return text;
  }
  std::shared_ptr<content const> content_;
};

}  }  // namespace cts

#endif  // CTS_AGGREGATE_EXCEPTION_HPP
