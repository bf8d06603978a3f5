// SPDX-License-Identifier: BSL-1.0
/// @file
/// One function registered with several parents: it is called once, whichever parent is canceled first (G25).
///
///   registrant                                  a parent's canceller
///   registers a notice with each parent         runs the notice:
///     was it notified? (joint_peek): stops        announces the cancel (joint_fire)              (U1, U2)
///   announces the end (joint_open)    (U2)          first, and the end was announced: calls the function
///     was it notified? takes the notices            otherwise: touches nothing any more
///     back, calls the function itself
///
///     the word:   none ──joint_open──▶ open ──joint_fire──▶ open, fired     the canceller calls the function
///                  └──joint_fire──▶ fired                                   the registrant calls the function
///
///   U1  `fired` is set by a read-modify-write. Its first setter alone decides: the function is called once.
///   U2  Both announcements are read-modify-writes of one word, and the second finds the first. A canceller calls the
///       function only if it finds the registrant's, whose last access that is. So the function may destroy the object,
///       and everything that the registrant has built is there.
///   U3  a notice that does not call the function touches the object no more after joint_fire. The object ends its
///       registration before it dies, and that waits for the notice. The notice that calls the function touches nothing
///       after the call.
///   U4  the object ends every registration before it destroys the function. A registration that runs on the thread
///       which ends it is not waited for. That is the rule of every callback here and of the standard's.
///   U5  with a parent canceled before joint_open, the function is called on the registrant after every registration
///       has ended, so none stays.
///
/// A template over the platform and the registrations: the models run it (models/any_token).
#pragma once
#ifndef CTS_PROTOCOL_JOINT_CALLBACK_HPP
#define CTS_PROTOCOL_JOINT_CALLBACK_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "cts/core/memory_orders.hpp"
#include "cts/core/platform.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The name of an atomic operation.
enum class joint_site : std::uint8_t { joint_peek, joint_open, joint_fire, count };

// clang-format off
/// The table, in the order of `joint_site`.
inline constexpr core::site_info joint_site_table[static_cast<std::size_t>(joint_site::count)] = {
  {"joint_peek", core::operation::load, std::memory_order_relaxed, "joint_fire",
   "nothing: it only saves registrations, and their ends order what the canceller wrote (G25)"},
  {"joint_open", core::operation::rmw, std::memory_order_release, "joint_fire",
   "the function would destroy registrations whose construction its thread does not see (G25)"},
  {"joint_fire", core::operation::rmw, std::memory_order_acquire, "joint_open",
   "the function would destroy registrations whose construction its thread does not see (G25)"},
};
// clang-format on

constexpr core::site_info const& info(joint_site s) noexcept { return joint_site_table[static_cast<std::size_t>(s)]; }

/// The end of one registration. A class, so that a model can leave it out.
struct parent_end {
  template <class Registration>
  static void end(Registration& registration) noexcept {
    registration.~Registration();
  }
};

/// Memory of one registration; made and destroyed by the joint callback.
template <class Registration>
union parent_place {
  parent_place() noexcept {}
  parent_place(parent_place const&) = delete;
  parent_place& operator=(parent_place const&) = delete;
  ~parent_place() {}
  Registration registration;
};
/// The same of several, each with its number, so that two may have one type.
template <std::size_t Number, class Registration>
struct numbered_place {
  parent_place<Registration> place;
};
template <class Numbers, class... Registrations>
struct parent_places;
template <std::size_t... Number, class... Registrations>
struct parent_places<std::index_sequence<Number...>, Registrations...> : numbered_place<Number, Registrations>... {
  template <std::size_t N, class Registration>
  static Registration& at(numbered_place<N, Registration>& p) noexcept {
    return p.place.registration;
  }
};

/// A function and its registrations. Immovable.
/// @tparam Registration is a template: Registration<Notice, Token> is made from a token and a notice, which it calls
///   like every stop callback, in the constructor too; its destructor ends it
template <class Platform, class Function, template <class, class> class Registration, class... Tokens>
class basic_joint_callback {
  static constexpr std::size_t parents = sizeof...(Tokens);
  static constexpr std::uint32_t opened = 1, fired = 2;

  /// What is registered with each parent.
  struct notice {
    basic_joint_callback* joint;
    void operator()() const { joint->notified(); }
  };
  template <class Token>
  static constexpr bool registers_nothrow =
      std::is_nothrow_constructible_v<Registration<notice, Token>, Token const&, notice>;

 public:
  /// Registers with each parent, or calls the function here, if a parent is canceled before the end.
  /// Lets out what making the function, a registration or the function throws; nothing is registered then.
  template <class Initializer>
  explicit basic_joint_callback(Initializer&& init, Tokens const&... tokens) noexcept(
      std::is_nothrow_constructible_v<Function, Initializer> && (registers_nothrow<Tokens> && ...))
      : function_(std::forward<Initializer>(init)) {
    if (enroll(std::index_sequence_for<Tokens...>(), tokens...)) return;  // *this may be gone
    std::forward<Function>(function_)();                                  // U5
  }
  basic_joint_callback(basic_joint_callback const&) = delete;
  basic_joint_callback& operator=(basic_joint_callback const&) = delete;
  /// Ends every registration; waits for the function if it runs on another thread. U4
  ~basic_joint_callback() { withdraw(); }

 private:
  using numbers = std::index_sequence_for<Tokens...>;
  using places = parent_places<numbers, Registration<notice, Tokens>...>;

  /// Ends the registrations made so far, unless it is told to leave them.
  struct unless_all {
    basic_joint_callback* joint;
    ~unless_all() {
      if (joint != nullptr) joint->withdraw();
    }
  };

  /// @return whether the registrations stay; if not, none is left and the caller calls the function
  template <std::size_t... Number>
  bool enroll(std::index_sequence<Number...>, Tokens const&... tokens) {
    unless_all made{this};
    if (!(register_with<Number>(tokens) && ...)) return false;
    made.joint = nullptr;
    if ((word_.fetch_or(opened, joint_site::joint_open) & fired) == 0) return true;
    made.joint = this;
    return false;
  }
  /// @return whether no notice has come
  template <std::size_t Number, class Token>
  bool register_with(Token const& token) {
    using registration = Registration<notice, Token>;
    auto& at = places::template at<Number>(places_);
    ::new (static_cast<void*>(std::addressof(at))) registration(token, notice{this});
    enrolled_.set(Number + 1);
    return (word_.load(joint_site::joint_peek) & fired) == 0;
  }
  /// Newest first.
  void withdraw() noexcept { withdraw_from<parents>(); }
  template <std::size_t Count>
  void withdraw_from() noexcept {
    if constexpr (Count > 0) {
      using end = core::step<Platform, parent_end>;
      if (enrolled_.get() == Count) {
        end::end(places::template at<Count - 1>(places_));
        enrolled_.set(Count - 1);
      }
      withdraw_from<Count - 1>();
    }
  }
  /// On a canceller, or on the registrant in the constructor of a registration.
  void notified() {
    if (word_.fetch_or(fired, joint_site::joint_fire) != opened) return;  // U1, U3
    std::forward<Function>(function_)();                                  // *this may be gone
  }

  typename Platform::template atomic<std::uint32_t> word_{0};
  typename Platform::template var<std::size_t> enrolled_{0};
  Function function_;  // outlives the registrations
  places places_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_JOINT_CALLBACK_HPP
