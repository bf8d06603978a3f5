// SPDX-License-Identifier: BSL-1.0
/// @file
/// Makes the state of a linked source (G16): its links to tokens of the library, and to any other tokens, in one
/// allocation.
#pragma once
#ifndef CTS_DETAIL_LINKED_STATE_HPP
#define CTS_DETAIL_LINKED_STATE_HPP

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cts/detail/callable.hpp"
#include "cts/detail/parts.hpp"
#include "cts/token_traits.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token;

namespace detail {

/// A token whose source has a `state`. All others are foreign.
template <class Token>
concept own_token = std::same_as<Token, cancellation_token>;

/// The callback objects that link a state to one foreign token each (S9).
template <class... Tokens>
class foreign_links final : public state::foreign_links {
  using base = state::foreign_links;

 public:
  explicit foreign_links(state& child) noexcept : base(child, &destroy_callbacks) {}

  /// Registers with the N-th token. Throws what its callback object throws.
  template <std::size_t N, class Token>
  void link_to(Token const& token) {
    if (token_traits<Token>::stop_possible(token)) std::get<N>(callbacks_).emplace(token, on_cancel{this, N});
  }

 private:
  struct on_cancel {
    foreign_links* links;
    std::size_t number;
    void operator()() const noexcept { links->cancel(number); }
  };
  template <class Token>
  using callback = typename token_traits<Token>::template callback<on_cancel>;

  static void destroy_callbacks(base& b, std::size_t except) noexcept {
    std::size_t i = 0;
    std::apply([&](auto&... link) { ((i++ != except ? link.reset() : void()), ...); },
               static_cast<foreign_links&>(b).callbacks_);
  }

  // All are empty after dispose: that replaces a destructor.
  std::tuple<std::optional<callback<Tokens>>...> callbacks_;
};

template <class Links, class... Tokens>
struct foreign_links_of {
  using type = Links;
};
template <class... Foreign, class Token, class... Tokens>
struct foreign_links_of<foreign_links<Foreign...>, Token, Tokens...>
    : foreign_links_of<
          std::conditional_t<own_token<Token>, foreign_links<Foreign...>, foreign_links<Foreign..., Token>>,
          Tokens...> {};

/// Links the state `child`, which nobody else can end, to tokens one after the other.
template <class Links>
class linker {
 public:
  explicit linker(state& child) noexcept : child_(child) {}

  template <std::size_t Foreign = 0, class Token, class... Tokens>
  void link_to(Token const& token, Tokens const&... others) {
    if constexpr (own_token<Token>) {
      state* const parent = token_access::state_of(token);
      if (parent != nullptr && !child_.link_to(linked_++, *parent)) throw std::bad_alloc();
      link_to<Foreign>(others...);
    } else {
      static_cast<Links&>(child_.foreign()).template link_to<Foreign>(token);
      link_to<Foreign + 1>(others...);
    }
  }
  template <std::size_t Foreign = 0>
  void link_to() noexcept {}

 private:
  state& child_;
  std::size_t linked_ = 0;
};

/// How many links of its own kind a token needs.
template <class Token>
std::size_t own_links(Token const& token) noexcept {
  if constexpr (own_token<Token>) return token_access::state_of(token) != nullptr ? 1 : 0;
  else return 0;
}

/// Makes a state, calls `begin(state)` before any other thread knows it, and links it to `tokens`, in this order.
/// @param shape without its links
/// @return the state, with the reference of its source. Throws std::bad_alloc, what `begin` throws, and what making a
///   foreign callback object throws; then nothing is linked any more
template <class Begin, class... Tokens>
state* create_linked_state(state_shape shape, Begin begin, Tokens const&... tokens) {
  using links = typename foreign_links_of<foreign_links<>, Tokens...>::type;
  constexpr bool foreign = !(own_token<Tokens> && ...);
  static_assert(alignof(links) <= core::std_platform::line, "the callbacks of a token are aligned beyond a cache line");
  struct unfinished {
    state* s;
    ~unfinished() {
      if (s != nullptr) s->dispose_and_drop();
    }
  } child{nullptr};
  shape.links = (detail::own_links(tokens) + ...);
  if (foreign) shape.foreign = sizeof(links);
  child.s = state::create(shape);
  if constexpr (foreign) ::new (static_cast<void*>(std::addressof(child.s->foreign()))) links(*child.s);
  begin(*child.s);
  linker<links>(*child.s).link_to(tokens...);
  return std::exchange(child.s, nullptr);
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_LINKED_STATE_HPP
