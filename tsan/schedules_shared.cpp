// SPDX-License-Identifier: BSL-1.0
/// @file
/// Scenes of shared sources (G26): their counts in stripes alone, and states whose registrations are in stripes.
/// Threads 0 and 2 use one stripe, thread 1 the other.
#include "genmc/state_stage.hpp"

namespace cts::genmc {
namespace {

using detail::site;

/// An owner behind two stripes (models/shared/count_models.cpp).
struct owner {
  using count = detail::reference_count<state_platform>;
  using stripes = detail::striped_count<state_platform>;
  static constexpr std::size_t n = 2;

  count refs{n};
  int content = 1;
  int& destroyed;
  explicit owner(int& d) : destroyed(d) {}

  static owner* create(int& destroyed) {
    return ::new (stripes::build(genmc::allocate(stripes::bytes(n) + sizeof(owner)), n)) owner(destroyed);
  }
  void use() const { require(content == 1, "a reference leads to what is gone"); }
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
    content = 0;
    ++destroyed;
    this->~owner();
    genmc::deallocate(stripes::release(this, n));
  }
};

struct counts {
  owner* o = nullptr;
  int destroyed = 0;
  void open(int references) {
    o = owner::create(destroyed);
    for (int i = 0; i < references; ++i) o->share();
  }
  void copy_and_drop() {
    o->share();
    o->drop();
    o->drop();
  }
  void after() const { require(destroyed == 1, "not destroyed once"); }
};

struct end_beside_copy : counts {
  void before() { open(1); }
  void first() { o->end(); }
  void second() { copy_and_drop(); }
};
CTS_PROGRAM(G26, EndBesideCopy, end_beside_copy,
            "a token is copied and both dropped while the source ends: freed once");

struct end_beside_two : counts {
  void before() { open(2); }
  void first() { copy_and_drop(); }
  void second() { o->end(); }
  void third() { copy_and_drop(); }
};
CTS_PROGRAM(G26, EndBesideTwoOfAStripe, end_beside_two,
            "two threads of one stripe copy and drop while the source ends");

struct dropped_elsewhere : counts {
  baton taken;
  void before() { open(1); }
  void first() {
    o->share();
    o->share();
    o->drop();
    taken.pass();
    o->end();
  }
  void second() {
    taken.wait();
    o->drop();
  }
  void third() {
    taken.wait();
    o->drop();
  }
};
CTS_PROGRAM(G26, DroppedInAnotherStripe, dropped_elsewhere,
            "threads drop what another one took, while the source ends");

struct last_of_three : counts {
  void before() { open(2); }
  void first() { o->drop(); }
  void second() { o->drop(); }
  void third() { o->end(); }
};
CTS_PROGRAM(G26, LastDropOfThree, last_of_three, "two tokens and the source end: the last one frees the state");

struct after_the_end : counts {
  void before() {
    open(2);
    o->end();
  }
  void first() { copy_and_drop(); }
  void second() { copy_and_drop(); }
};
CTS_PROGRAM(G26, AfterTheEnd, after_the_end, "tokens are copied and dropped after the source's end");

struct shared_stage : state_stage {
  bool registered[2] = {};
  void open(int references) {
    states[0] = state::create({.stripes = 2});
    for (in_place*& c : callbacks) c = make<in_place>();
    for (int i = 0; i < references; ++i) states[0]->share();
  }
  void try_register(int i) {
    states[0]->share();
    registered[i] = states[0]->try_register(*callbacks[i]) == core::register_result::registered;
    if (registered[i]) return;
    states[0]->drop();
    require(states[0]->is_cancellation_requested() || states[0]->is_disposed(), "refused by nobody");
  }
  void unregister(int i) {
    states[0]->unregister_and_wait(*callbacks[i]);
    states[0]->drop();
  }
};

struct pair_beside_end : shared_stage {
  void before() { open(1); }
  void first() { states[0]->dispose_and_drop(); }
  void second() {
    try_register(0);
    if (registered[0]) unregister(0);
    states[0]->drop();
  }
  void after() { close(); }
};
CTS_PROGRAM(G26, PairBesideEnd, pair_beside_end, "a callback comes and goes while the shared source ends");

struct pair_beside_cancel : shared_stage {
  void before() { open(1); }
  void first() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void second() {
    try_register(0);
    if (registered[0]) unregister(0);
    states[0]->drop();
  }
  void after() {
    require(callbacks[0]->runs <= (registered[0] ? 1 : 0), "ran twice, or although it was refused");
    close();
  }
};
CTS_PROGRAM(G26, PairBesideCancel, pair_beside_cancel, "a callback comes and goes while the shared source is canceled");

struct two_stripes_beside_cancel : shared_stage {
  void before() { open(2); }
  void first() { try_register(0); }
  void second() { try_register(1); }
  void third() { cancel(0); }
  void after() {
    for (int i = 0; i < 2; ++i) {
      require(callbacks[i]->runs == (registered[i] ? 1 : 0),
              "a registered callback did not run once, or a refused ran");
      if (registered[i]) unregister(i);
      states[0]->drop();
    }
    states[0]->dispose_and_drop();
    close();
  }
};
CTS_PROGRAM(G26, TwoStripesBesideCancel, two_stripes_beside_cancel,
            "two threads register on two stripes of a source while a third cancels it");

/// A cancel that comes second sets the flag while the other one has yet to close stripes.
struct two_cancels_on_a_row {
  using registry = core::basic_registry<state_platform, core::stripes_at_run_time, core::spaced>;
  using row = core::stripe_row<state_platform>;
  row* stripes = nullptr;
  registry* shared = nullptr;
  in_place* callback = nullptr;
  void before() {
    stripes = row::build(genmc::allocate(row::bytes(2)), 2);
    shared = make<registry>(stripes);
    callback = make<in_place>();
  }
  void first() { shared->cancel(); }
  void second() {
    if (!shared->is_cancellation_requested()) return;
    require(shared->try_register(*callback) == core::register_result::canceled, "registered although the flag was set");
  }
  void third() { shared->cancel(); }
  void after() {
    drop(callback);
    drop(shared);
    row::destroy(stripes);
    genmc::deallocate(stripes);
  }
};
CTS_PROGRAM(G26, FlagBeforeStripes, two_cancels_on_a_row, "a thread that has read the flag as set is refused");

}  // namespace
}  // namespace cts::genmc
