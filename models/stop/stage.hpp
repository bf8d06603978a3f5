// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the models of stop tokens (G28): a stop state as it ships (protocol/stop_state.hpp), on the models'
/// memory, and callbacks that are registered and unregistered as stop_callback does it. A thread that uses a state
/// that is gone is found, as is one that frees it beside a use.
#pragma once

#include "checker/harness.hpp"

#include "cts/detail/stop/stop_invocation.hpp"
#include "cts/protocol/stop_state.hpp"

namespace cts::models::stop {

using P = platform<1, 1>;

struct model_parts {
  using platform = P;
  inline static int freed = 0;
  static void* allocate(std::size_t bytes) { return P::allocate(bytes); }
  static void deallocate(void* block) {
    the_reduction.touch(reduction::ends, true);
    ++freed;
    P::deallocate(block, 0);
  }
};
using state = detail::basic_stop_state<model_parts>;

struct scene;

/// What a callback runs. The callback may destroy itself.
struct function {
  struct start {
    scene& on;
    std::size_t i;
  };
  explicit function(start s) : on(s.on), i(s.i) {}
  scene& on;
  std::size_t i;
  P::var<int> built{1};
  inline void operator()();
};
using callback = detail::stop_invocation<function, core::basic_callback<P>>;

/// A state, what its sources and its tokens do, and up to two callbacks.
struct scene {
  static constexpr state::count owner = state::owner, source = state::source;

  state* s = nullptr;
  std::size_t stripes = 0;  // 0: of a source that is not shared
  callback* callbacks[2] = {};
  P::var<int>* runs[2] = {};  // a callback writes it: a thread that has unregistered the callback must see it
  bool registered[2] = {};
  std::function<void()> then;  // the rest of the first callback

  void open(unsigned sources, unsigned tokens) {
    now = execution{};
    now.lifetimes = true;
    model_parts::freed = 0;
    then = nullptr;
    s = state::create(stripes);
    for (unsigned n = 1; n < sources; ++n) s->share(source);
    for (unsigned n = 0; n < tokens; ++n) s->share(owner);
    for (bool& r : registered) r = false;
  }
  void add_callback(std::size_t i) {
    runs[i] = ::new (P::allocate(sizeof(P::var<int>))) P::var<int>(0);
    callbacks[i] = ::new (P::allocate(sizeof(callback))) callback(function::start{*this, i});
  }
  /// All references are gone.
  void close() {
    require(model_parts::freed == 1, "the state was not destroyed once");
    for (std::size_t i = 0; i < 2; ++i) {
      if (callbacks[i] != nullptr) destroy(i);
      if (runs[i] == nullptr) continue;
      runs[i]->~var();
      P::deallocate(std::exchange(runs[i], nullptr), 0);
    }
  }
  void destroy(std::size_t i) {
    callback* const gone = std::exchange(callbacks[i], nullptr);
    std::destroy_at(gone);  // ~callback() would be that of the base
    P::deallocate(gone, sizeof *gone);
  }

  // --- as the classes do it ---

  void use() const { static_cast<void>(s->stop_requested()); }
  void copy_token() { s->share(owner); }
  void end_token() { s->drop(owner); }
  void copy_source() { s->share(source); }
  void end_source() { s->drop_source(); }
  bool possible() const { return s->stop_possible(); }
  /// A token comes and goes on a thread that has another one.
  void copy_and_end() {
    use();
    copy_token();
    end_token();
    end_token();
  }
  /// The constructor of stop_callback; the calling thread has a token. A refused callback runs on this thread.
  void make_callback(std::size_t i) {
    if (!s->stop_requested()) {
      s->share(owner);
      if (detail::try_register(s->registry(), *callbacks[i])) {
        registered[i] = true;
        return;
      }
      s->drop(owner);
    }
    require(s->stop_requested(), "refused, but the stop request is not visible");
    callbacks[i]->invoke();
  }
  /// The constructor that takes the token, if the callback is registered.
  void make_callback_of_token(std::size_t i) {
    registered[i] = detail::try_register(s->registry(), *callbacks[i]);
    if (registered[i]) return;
    callbacks[i]->invoke();
    end_token();
  }
  /// Its destructor.
  void end_callback(std::size_t i) {
    state* const of = registered[i] ? s : nullptr;
    if (of != nullptr) detail::unregister_and_wait(of->registry(), *callbacks[i]);
    require(runs[i]->get() <= 1, "a callback ran twice");
    destroy(i);
    if (of != nullptr) of->drop(owner);
  }
};
inline void function::operator()() {
  require(built.get() == 1, "a callback runs that is gone");
  on.runs[i]->set(on.runs[i]->get() + 1);
  if (scene& here = on; i == 0 && here.then) here.then();  // *this may go
}

/// A step of stop_possible that a defect replaces: it looks for a request before it looks for sources.
struct request_first : detail::sources_first {
  template <class State>
  static bool possible(State const& of) {
    if (!is_replaced("sources_first")) return detail::sources_first::possible(of);
    bool const requested = of.stop_requested();
    return of.has_source() || requested;
  }
};

/// The same model with a shared source: two stripes. Threads 0 and 2 use one, thread 1 the other.
template <class Model>
struct of_shared : Model {
  void before() {
    this->stripes = 2;
    Model::before();
  }
};

}  // namespace cts::models::stop

template <>
struct cts::core::replaced<cts::models::stop::P, cts::detail::sources_first> {
  using type = cts::models::stop::request_first;
};
