// SPDX-License-Identifier: BSL-1.0
/// @file
/// An adapter for every class with the interface of the standard's stop tokens.
#pragma once

template <class Source, class Token, template <class> class Callback>
struct stop_token_adapter {
  using source = Source;
  static Token token_of(source& s) noexcept { return s.get_token(); }
  static bool requested(Token const& t) noexcept { return t.stop_requested(); }
  static void cancel(source& s) noexcept { s.request_stop(); }

  template <class F>
  using registration = Callback<F>;

  /// Linked by hand, with two callbacks.
  class linked {
    struct stop {
      Source* child;
      void operator()() const noexcept { child->request_stop(); }
    };

   public:
    linked(Token const& a, Token const& b) noexcept : a_(a, stop{&child_}), b_(b, stop{&child_}) {}
    linked(linked const&) = delete;
    linked& operator=(linked const&) = delete;
    ~linked() = default;

   private:
    Source child_;
    Callback<stop> a_, b_;
  };
};
