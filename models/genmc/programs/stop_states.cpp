// SPDX-License-Identifier: BSL-1.0
/// @file
/// G28: what stop sources, tokens and callbacks share.
#include "genmc/program.hpp"

#include "cts/detail/stop/stop_invocation.hpp"
#include "cts/protocol/stop_state.hpp"

namespace cts::genmc {
namespace {

struct stop_parts {
  using platform = genmc::platform<1, 1>;
  static void* allocate(std::size_t bytes) noexcept { return genmc::allocate(bytes); }
  static void deallocate(void* block) noexcept { genmc::deallocate(block); }
};
using stop_state = detail::basic_stop_state<stop_parts>;

struct stop_stage;
/// What the callback runs.
struct stop_function {
  stop_stage* on;
  inline void operator()();
};
using stop_function_node = detail::stop_invocation<stop_function, core::basic_callback<stop_parts::platform>>;

struct stop_stage {
  static constexpr auto owner = stop_state::owner;
  stop_state* s = nullptr;
  stop_function_node* callback = nullptr;
  int runs = 0;
  bool ends_the_source = false;  // the callback does it, and then ends itself

  void open(int tokens, std::size_t stripes = 0) {
    s = stop_state::create(stripes);
    for (int n = 0; n < tokens; ++n) s->share(owner);
  }
  void use() const { static_cast<void>(s->stop_requested()); }
  void copy_and_end_token() {
    use();
    s->share(owner);
    s->drop(owner);
    s->drop(owner);
  }
  /// The constructor of stop_callback; it is not refused.
  void register_callback() {
    callback = make<stop_function_node>(stop_function{this});
    s->share(owner);
    require(s->registry().try_register(*callback) == core::register_result::registered, "refused without a request");
  }
  /// Its destructor.
  void end_callback() {
    detail::unregister_and_wait(s->registry(), *callback);
    genmc::drop(callback);
    s->drop(owner);
  }
};
inline void stop_function::operator()() {
  stop_stage& stage = *on;  // *this may go
  ++stage.runs;
  if (!stage.ends_the_source) return;
  stage.end_callback();
  stage.s->drop_source();
  stage.use();  // the request owns the state (K5)
}

struct tokens_of_two_threads : stop_stage {
  void before() {
    open(2);
    s->drop_source();
  }
  void first() { copy_and_end_token(); }
  void second() { copy_and_end_token(); }
  void after() {}
};
CTS_PROGRAM(G28, TokensOfTwoThreads, tokens_of_two_threads,
            "two threads copy and drop tokens: the last one frees the state, after all use");

template <std::size_t Stripes>
struct source_beside_token : stop_stage {
  void before() { open(1, Stripes); }
  void first() {
    use();
    s->drop_source();
  }
  void second() { copy_and_end_token(); }
  void after() {}
};
using lone_source_beside_token = source_beside_token<0>;
CTS_PROGRAM(G28, SourceBesideToken, lone_source_beside_token, "a source's end beside a token's");
using shared_source_beside_token = source_beside_token<2>;
CTS_PROGRAM(G28, SharedSourceBesideToken, shared_source_beside_token, "the same with a shared source, on two stripes");

template <std::size_t Stripes>
struct possible_beside_request : stop_stage {
  void before() { open(1, Stripes); }
  void first() {
    require(s->request_stop(), "the only request has lost");
    s->drop_source();
  }
  void second() {
    require(s->stop_possible(), "no stop is possible, but one was requested");
    s->drop(owner);
  }
  void after() {}
};
using possible_beside_the_last_request = possible_beside_request<0>;
CTS_PROGRAM(G28, PossibleBesideTheLastRequest, possible_beside_the_last_request,
            "a token that finds no source sees the request of the last one");
using possible_beside_a_shared_request = possible_beside_request<2>;
CTS_PROGRAM(G28, PossibleOfASharedSource, possible_beside_a_shared_request, "the same with a shared source");

struct callback_ends_the_source : stop_stage {
  void before() {
    open(1);
    ends_the_source = true;
    register_callback();
  }
  void first() { require(s->request_stop(), "the only request has lost"); }
  void second() { copy_and_end_token(); }
  void after() { require(runs == 1, "the callback has not run once"); }
};
CTS_PROGRAM(G28, CallbackEndsTheSource, callback_ends_the_source,
            "a callback ends itself and the last source beside a token's end");

struct callback_beside_request : stop_stage {
  void before() {
    open(1);
    register_callback();
  }
  void first() {
    require(s->request_stop(), "the only request has lost");
    s->drop_source();
  }
  void second() {
    end_callback();
    require(runs <= 1, "the callback has run twice");
    s->drop(owner);
  }
  void after() {}
};
CTS_PROGRAM(
    G28, CallbackEndsBesideRequest, callback_beside_request,
    "a callback's end beside a request and the source's end: its effects are seen, and the state is freed once");

}  // namespace
}  // namespace cts::genmc
