// SPDX-License-Identifier: BSL-1.0
/// @file
/// Scenes of stop states (G28), as models/stop has them: references come and go, stop_possible is asked, and a request
/// runs callbacks that end sources. In a shared state threads 0 and 2 use one stripe, thread 1 the other.
#include <functional>

#include "genmc/program.hpp"

#include "cts/detail/stop/stop_invocation.hpp"
#include "cts/protocol/stop_state.hpp"

namespace cts::genmc {
namespace {

struct stop_parts {
  using platform = genmc::platform<1, 1>;
  static void* allocate(std::size_t bytes) noexcept { return genmc::allocate(bytes); }
  static void deallocate(void* block) noexcept {
    freed.fetch_add(1, std::memory_order_relaxed);
    genmc::deallocate(block);
  }
  inline static std::atomic<int> freed{0};
};

/// A step of stop_possible that a defect replaces (models/stop/stage.hpp).
struct request_first : detail::sources_first {
  template <class State>
  static bool possible(State const& of) {
    if (!models::is_replaced("sources_first")) return detail::sources_first::possible(of);
    bool const requested = of.stop_requested();
    return of.has_source() || requested;
  }
};

}  // namespace
}  // namespace cts::genmc

template <>
struct cts::core::replaced<cts::genmc::platform<1, 1>, cts::detail::sources_first> {
  using type = cts::genmc::request_first;
};

namespace cts::genmc {
namespace {

struct stop_stage;
struct stop_function {
  stop_stage& on;
  int i;
  inline void operator()();
};

/// A state and up to two callbacks.
struct stop_stage {
  using state = detail::basic_stop_state<stop_parts>;
  using stop_callback = detail::stop_invocation<stop_function, core::basic_callback<stop_parts::platform>>;
  static constexpr state::count owner = state::owner, source = state::source;

  state* s = nullptr;
  std::size_t stripes = 0;
  stop_callback* callbacks[2] = {};
  int runs[2] = {};
  bool registered[2] = {};
  std::function<void()> then;  // the rest of the first callback

  void open(int sources, int tokens) {
    stop_parts::freed.store(0, std::memory_order_relaxed);
    s = state::create(stripes);
    for (int n = 1; n < sources; ++n) s->share(source);
    for (int n = 0; n < tokens; ++n) s->share(owner);
  }
  void close() {
    require(stop_parts::freed.load(std::memory_order_relaxed) == 1, "the state was not destroyed once");
    for (stop_callback*& c : callbacks) drop_callback(c);
  }
  static void drop_callback(stop_callback*& c) {
    if (c == nullptr) return;
    stop_callback* const gone = std::exchange(c, nullptr);
    std::destroy_at(gone);
    genmc::deallocate(gone);
  }
  void add_callback(int i) {
    callbacks[i] = ::new (genmc::allocate(sizeof(stop_callback))) stop_callback(stop_function{*this, i});
  }
  void use() const { static_cast<void>(s->stop_requested()); }
  void end_token() { s->drop(owner); }
  void end_source() { s->drop_source(); }
  void copy_and_end() {
    use();
    s->share(owner);
    end_token();
    end_token();
  }
  void request() { require(s->request_stop(), "the only request did not win"); }
  /// As stop_callback does it, on a thread that has a token.
  void make_callback(int i) {
    if (!s->stop_requested()) {
      s->share(owner);
      registered[i] = detail::try_register(s->registry(), *callbacks[i]);
      if (registered[i]) return;
      s->drop(owner);
    }
    require(s->stop_requested(), "refused, but the stop request is not visible");
    callbacks[i]->invoke();
  }
  void end_callback(int i) {
    bool const was = registered[i];
    if (was) detail::unregister_and_wait(s->registry(), *callbacks[i]);
    require(runs[i] <= 1, "a callback ran twice");
    drop_callback(callbacks[i]);
    if (was) s->drop(owner);
  }
};
inline void stop_function::operator()() {
  ++on.runs[i];
  if (stop_stage& here = on; i == 0 && here.then) here.then();  // *this may go
}
template <class Scene>
struct of_shared : Scene {
  of_shared() { this->stripes = 2; }
};

struct stop_tokens : stop_stage {
  void before() {
    open(1, 2);
    end_source();
  }
  void first() { copy_and_end(); }
  void second() { copy_and_end(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, TokensOfTwoThreads, stop_tokens, "two threads copy and drop tokens: the last one frees the state");

struct source_beside_token : stop_stage {
  void before() { open(1, 1); }
  void first() {
    use();
    end_source();
  }
  void second() { copy_and_end(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, SourceBesideToken, source_beside_token, "a source ends beside a token: freed once, after all use");
CTS_PROGRAM(G28, SharedSourceBesideToken, of_shared<source_beside_token>, "the same with a shared source");

struct stop_sources : stop_stage {
  void before() { open(2, 0); }
  void come_and_go() {
    s->share(source);
    end_source();
    s->share(owner);
    end_source();
    end_token();
  }
  void first() { come_and_go(); }
  void second() { come_and_go(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, SourcesOfTwoThreads, stop_sources, "two threads copy and drop sources");
CTS_PROGRAM(G28, SharedSourcesOfTwoThreads, of_shared<stop_sources>, "the same with a shared source");

struct three_owners : stop_stage {
  void before() { open(1, 2); }
  void first() { copy_and_end(); }
  void second() { end_source(); }
  void third() { copy_and_end(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, ThreeOwners, three_owners, "two threads copy and drop tokens while the source ends");
CTS_PROGRAM(G28, ThreeOwnersOfASharedSource, of_shared<three_owners>, "the same with a shared source");

struct dropped_elsewhere : stop_stage {
  baton taken;
  dropped_elsewhere() { stripes = 2; }
  void before() { open(2, 0); }
  void first() {
    s->share(owner);
    taken.pass();
    end_source();
  }
  void second() {
    taken.wait();
    end_token();
  }
  void third() { end_source(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, DroppedInAnotherStripe, dropped_elsewhere,
            "a token that one thread took is dropped by another while two sources of a shared state end");

struct possible_beside_request : stop_stage {
  void before() { open(1, 1); }
  void first() {
    request();
    end_source();
  }
  void second() {
    require(s->stop_possible(), "no stop is possible, but one was requested");
    end_token();
  }
  void after() { close(); }
};
CTS_PROGRAM(G28, PossibleBesideTheLastRequest, possible_beside_request,
            "a token that finds no source sees the last one's request");

struct possible_beside_end : stop_stage {
  void before() { open(1, 2); }
  void first() {
    s->share(source);
    end_source();
    require(s->stop_possible(), "no stop is possible, but there is a source");
    end_source();
  }
  void second() {
    bool const before = s->stop_possible();
    require(before || !s->stop_possible(), "a stop is possible again");
    end_token();
  }
  void after() {
    require(!s->stop_possible(), "a stop is possible without a source");
    end_token();
    close();
  }
};
CTS_PROGRAM(G28, PossibleBesideTheLastSource, possible_beside_end, "a stop is possible while there is a source");
CTS_PROGRAM(G28, PossibleBesideTheLastSharedSource, of_shared<possible_beside_end>, "the same with a shared source");

struct ends_its_source : stop_stage {
  void before() {
    open(1, 1);
    add_callback(0);
    make_callback(0);
    then = [this] {
      end_callback(0);
      end_source();
      use();  // the request owns the state
    };
  }
  void first() { request(); }
  void second() { copy_and_end(); }
  void after() {
    require(runs[0] == 1, "the callback did not run once");
    close();
  }
};
CTS_PROGRAM(G28, CallbackEndsTheSource, ends_its_source, "a callback ends its registration and the last source");
CTS_PROGRAM(G28, CallbackEndsTheSharedSource, of_shared<ends_its_source>, "the same with a shared source");

struct ends_two_sources : stop_stage {
  void before() {
    open(2, 1);
    add_callback(0);
    make_callback(0);
    then = [this] {
      end_source();
      end_source();
      use();
    };
  }
  void first() {
    request();
    end_callback(0);
  }
  void second() {
    require(s->stop_possible(), "no stop is possible, but a source or its request is there");
    end_token();
  }
  void after() { close(); }
};
CTS_PROGRAM(G28, CallbackEndsTwoSources, ends_two_sources, "a callback ends two sources beside a token");

struct another_source_ends : stop_stage {
  void before() {
    open(2, 0);
    add_callback(0);
    make_callback(0);
    then = [this] { end_source(); };
  }
  void first() {
    request();
    end_callback(0);
  }
  void second() { end_source(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, AnotherSourceEndsBesideTheCallback, another_source_ends,
            "a source ends beside the callback that ends another one");

struct callback_beside_request : stop_stage {
  void before() {
    open(1, 2);
    add_callback(0);
    add_callback(1);
    make_callback(0);
    then = [this] {
      end_callback(0);
      end_source();
    };
  }
  void first() { request(); }
  void second() {
    make_callback(1);
    end_callback(1);
    end_token();
  }
  void third() { end_token(); }
  void after() { close(); }
};
CTS_PROGRAM(G28, CallbackBesideRequest, callback_beside_request,
            "a callback ends the source while another one comes and goes");

}  // namespace
}  // namespace cts::genmc
