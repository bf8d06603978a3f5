// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of callbacks with several parents (G25): the template of production (protocol/joint_callback.hpp) on
/// two registries of the core. The callback is in memory that is given back at its end, so that a late access is found.
#include "checker/harness.hpp"

#include "cts/core/registry.hpp"
#include "cts/protocol/joint_callback.hpp"

namespace cts::models {

/// leaves_a_parent (G25).
struct parent_is_left : detail::parent_end {
  template <class Registration>
  static void end(Registration& registration) noexcept {
    if (!is_replaced("parent_end") || Registration::number == 0) parent_end::end(registration);
  }
};

}  // namespace cts::models

template <>
struct cts::core::replaced<cts::models::platform<1, 1>, cts::detail::parent_end> {
  using type = cts::models::parent_is_left;
};

namespace cts::models {
namespace {

using P = platform<1, 1>;
using registry = core::basic_registry<P>;

/// A token of the parent of that number.
template <unsigned Number>
struct pointer {
  static constexpr unsigned number = Number;
  registry* to;
};

/// What a parent's stop callback is on its registry.
template <class Notice, class Token>
class registration : core::basic_callback<P> {
  using callback = core::basic_callback<P>;

 public:
  static constexpr unsigned number = Token::number;
  registration(Token token, Notice notice) : callback(&ran), token_(*token.to), notice_(notice) {
    bool const is = token_.try_register(*this) == core::register_result::registered;
    is_registered_.set(is);
    if (!is) notice_();
  }
  ~registration() {
    if (is_registered_.get()) token_.unregister_and_wait(*this);
  }

 private:
  static void ran(callback& c) noexcept { static_cast<registration&>(c).notice_(); }
  registry& token_;
  Notice notice_;
  P::var<bool> is_registered_{false};
};

struct crossing;
/// The user's function.
struct function {
  crossing* of;
  void operator()() const;
};
using joint = detail::basic_joint_callback<P, function, registration, pointer<0>, pointer<1>>;

struct crossing {
  registry* parent[2] = {};
  void* place = nullptr;
  P::var<int>* before_cancel = nullptr;
  P::var<int>* effect = nullptr;
  int runs = 0;
  bool destroys_itself = false, in_constructor[reduction::most] = {};
  bool ran_in_constructor = false, gone = false, reads = false;

  void open(bool self_destruction = false) {
    now = execution{};
    now.lifetimes = true;
    for (registry*& r : parent) r = ::new (P::allocate(sizeof *r)) registry;
    place = P::allocate(sizeof(joint));
    before_cancel = ::new (P::allocate(sizeof *before_cancel)) P::var<int>(0);
    effect = ::new (P::allocate(sizeof *effect)) P::var<int>(0);
    runs = 0;
    destroys_itself = self_destruction;
    ran_in_constructor = gone = reads = false;
    for (bool& b : in_constructor) b = false;
  }
  void construct() {
    bool& here = in_constructor[rl::thread_index() < reduction::most ? rl::thread_index() : 0];
    here = true;
    ::new (place) joint(function{this}, {parent[0]}, {parent[1]});
    here = false;
  }
  void destroy() {
    static_cast<joint*>(place)->~joint();
    P::deallocate(place, sizeof(joint));
    gone = true;
  }
  void cancel(unsigned i) {
    before_cancel->set(1);
    parent[i]->cancel();
  }
  void call() {
    require(++runs == 1, "the function was called twice");
    ran_in_constructor = in_constructor[rl::thread_index()];
    effect->set(1);
    if (reads) require(before_cancel->get() == 1, "called without seeing what was written before cancel");
    if (destroys_itself && !ran_in_constructor) destroy();
  }
  void close() {
    if (!gone) destroy();
    effect->~var();
    P::deallocate(effect, sizeof *effect);
    before_cancel->~var();
    P::deallocate(before_cancel, sizeof *before_cancel);
    for (registry* r : parent) {
      r->~registry();
      P::deallocate(r, sizeof *r);
    }
  }
};
void function::operator()() const { of->call(); }

struct both_at_once : rl::test_suite<both_at_once, 2>, crossing {
  void before() {
    open();
    construct();
  }
  void thread(unsigned i) { parent[i]->cancel(); }
  void after() {
    require(runs == 1, "the function was not called");
    close();
  }
};
add<both_at_once> j1("G25", "TwoParentsAtOnce", "two parents that are canceled at once call the function once (U1)",
                     full(), 0);

struct both_at_once_itself : rl::test_suite<both_at_once_itself, 2>, crossing {
  void before() {
    open(true);
    construct();
  }
  void thread(unsigned i) { parent[i]->cancel(); }
  void after() {
    require(runs == 1 && gone, "the function was not called");
    close();
  }
};
add<both_at_once_itself> j3("G25", "SelfDestructionBesideTheOtherParent",
                            "the function destroys its callback beside the other parent's notice (U1, U3, U4)", full(),
                            0);

template <unsigned Canceled>
struct destroy_vs_cancel : rl::test_suite<destroy_vs_cancel<Canceled>, 2>, crossing {
  void before() {
    open();
    construct();
  }
  void thread(unsigned i) {
    if (i == 1) {
      parent[Canceled]->cancel();
      return;
    }
    destroy();
    if (runs != 0) require(effect->get() == 1, "the destructor did not wait for the function");
  }
  void after() { close(); }
};
add<destroy_vs_cancel<0>> j4("G25", "DestroyVersusCancelOfTheFirst",
                             "a destructor takes the function back or waits for it (U3, U4)", full(), 0);
add<destroy_vs_cancel<1>> j5("G25", "DestroyVersusCancelOfTheLast",
                             "the same, when the parent that was registered last is canceled (U3, U4)", full(), 0);

struct destroy_vs_both : rl::test_suite<destroy_vs_both, 3>, crossing {
  void before() {
    open();
    construct();
  }
  void thread(unsigned i) {
    if (i < 2) parent[i]->cancel();
    else destroy();
  }
  void after() { close(); }
};
add<destroy_vs_both> j6("G25", "DestroyVersusCancelOfBoth", "the same beside two cancels (U1, U3, U4)", large(2),
                        200000);

/// The function may destroy its callback as soon as the constructor has announced its end.
template <unsigned Canceled, bool Itself>
struct construct_vs_cancel : rl::test_suite<construct_vs_cancel<Canceled, Itself>, 2>, crossing {
  void before() {
    open(Itself);
    reads = true;
  }
  void thread(unsigned i) {
    if (i == 0) construct();
    else cancel(Canceled);
  }
  void after() {
    require(runs == 1, "the function was not called");
    require(gone == (Itself && !ran_in_constructor), "the function runs in the constructor, yet ended its callback");
    if (ran_in_constructor) require(parent[1 - Canceled]->count() == 0, "a registration stays");
    close();
  }
};
add<construct_vs_cancel<0, false>> j7("G25", "ConstructVersusCancelOfTheFirst",
                                      "the function is called once, by the registrant or the canceller (U2, U5)",
                                      full(), 0);
add<construct_vs_cancel<1, false>> j8("G25", "ConstructVersusCancelOfTheLast",
                                      "the same, when the parent that is registered last is canceled (U2, U5)", full(),
                                      0);
add<construct_vs_cancel<0, true>> j9("G25", "ConstructVersusCancelAndSelfDestruction",
                                     "the canceller's function destroys the callback that was just made (U2, U3)",
                                     full(), 0);

struct construct_vs_both : rl::test_suite<construct_vs_both, 3>, crossing {
  void before() { open(true); }
  void thread(unsigned i) {
    if (i < 2) parent[i]->cancel();
    else construct();
  }
  void after() {
    require(runs == 1, "the function was not called");
    close();
  }
};
add<construct_vs_both> j10("G25", "ConstructVersusCancelOfBoth", "the same beside two cancels (U1, U2, U3)", large(2),
                           200000);

struct add_any_token_defects {
  add_any_token_defects() {
    using enum detail::joint_site;
    auto const says = [](std::uint64_t bits) { return [bits](std::uint64_t) { return bits; }; };
    // U1
    add_defect("each_notice_calls", "G25", "a notice does not look whether another one has come first",
               {returns(joint_fire, [](std::uint64_t found) { return found & 1; })});
    // U2
    add_defect("notice_calls_before_the_end", "G25",
               "a notice does not look whether the constructor has announced its end",
               {returns(joint_fire, [](std::uint64_t found) { return found | 1; })});
    add_defect("constructor_ends_unseeing", "G25",
               "the constructor does not look whether a notice came before it announced its end",
               {returns(joint_open, says(0))});
    // U3, U4
    add_defect("leaves_a_parent", "G25", "the end of the callback leaves its last registration behind",
               {replaces("parent_end")});
  }
} const add_defects;
add_table const orders(detail::joint_site_table);

}  // namespace
}  // namespace cts::models
