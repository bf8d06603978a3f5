// SPDX-License-Identifier: BSL-1.0
/// @file
/// The counts of a shared source (H1 to H4 of protocol/striped_count.hpp) alone: the source's end moves them to the
/// central count while other threads share and drop. G26.
#include "state/scene.hpp"

namespace cts::models::shared {
namespace {

using detail::site;
using states::P;

/// An owner behind two stripes.
struct owner {
  using count = detail::reference_count<P>;
  using stripes = detail::striped_count<P>;
  static constexpr std::size_t n = 2;

  count refs{n};
  P::var<int> content{1};
  int& destroyed;
  explicit owner(int& d) : destroyed(d) {}

  static owner* create(int& destroyed) {
    void* const block = P::allocate(stripes::bytes(n) + sizeof(owner));
    return ::new (stripes::build(block, n)) owner(destroyed);
  }
  void use() { require(content.get() == 1, "a reference leads to what is gone"); }
  void share() {
    use();
    refs.share<site::refs_share>(this);
  }
  void drop() {
    use();
    if (refs.drop<site::refs_drop>(this)) destroy();
  }
  void end() {
    use();
    if (refs.end<site::refs_drop>(this)) destroy();
  }
  void destroy() {
    the_reduction.touch(reduction::ends, true);
    ++destroyed;
    this->~owner();
    P::deallocate(stripes::release(this, n), 0);
  }
};

struct counts {
  owner* o = nullptr;
  int destroyed = 0;
  void open(int references) {
    now = execution{};
    now.lifetimes = true;
    destroyed = 0;
    o = owner::create(destroyed);
    for (int i = 0; i < references; ++i) o->share();
  }
  void close() { require(destroyed == 1, "not destroyed once"); }
};

struct end_vs_copy : rl::test_suite<end_vs_copy, 2>, counts {
  void before() { open(1); }
  void thread(unsigned i) {
    if (i == 0) return o->end();
    o->share();
    o->drop();
    o->drop();
  }
  void after() { close(); }
};
add<end_vs_copy> const add_end_vs_copy("G26", "EndVersusCopy",
                                       "a token is copied and both dropped while the source ends: freed once", full(),
                                       1000000);

struct end_vs_two : rl::test_suite<end_vs_two, 3>, counts {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 1) return o->end();
    o->share();
    o->drop();
    o->drop();
  }
  void after() { close(); }
};
add<end_vs_two> const add_end_vs_two("G26", "EndVersusTwoOfAStripe",
                                     "two threads of one stripe copy and drop while the source ends", full(), 1000000);

/// The references are taken by thread 0 in its stripe and dropped by the others in theirs.
struct handed_over : rl::test_suite<handed_over, 3>, counts {
  baton taken;
  void before() {
    open(1);
    taken.reset();
  }
  void thread(unsigned i) {
    if (i == 0) {
      o->share();
      o->share();
      o->drop();
      taken.pass(1);
      o->end();
      return;
    }
    P::await([this] { return taken.get() != 0; });
    o->drop();
  }
  void after() { close(); }
};
add<handed_over> const add_handed_over("G26", "DroppedInAnotherStripe",
                                       "threads drop what another thread has taken, while the source ends", full(),
                                       1000000);

/// Each thread's only reference is one that another thread took: both stripes may count below zero on the way.
struct crossed : rl::test_suite<crossed, 3>, counts {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 2) return o->end();
    o->drop();
  }
  void after() { close(); }
};
add<crossed> const add_crossed("G26", "LastDropOfThree", "two tokens and the source end: the last one frees the state",
                               full(), 1000000);

struct after_the_end : rl::test_suite<after_the_end, 2>, counts {
  void before() {
    open(2);
    o->end();
  }
  void thread(unsigned) {
    o->share();
    o->drop();
    o->drop();
  }
  void after() { close(); }
};
add<after_the_end> const add_after_the_end("G26", "AfterTheEnd", "tokens are copied and dropped after the source's end",
                                           full(), 1000000);

}  // namespace
}  // namespace cts::models::shared
