// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stop tokens on one thread: stop_source, stop_token and stop_callback, and an inplace_stop_source. Callbacks make
/// calls of their own, and end themselves, others, or every source. The oracle is a list for each state.
///
/// Input: calls of one or two bytes; the first has the verb in its low three bits, then a number.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.hpp"

#include "cts/stop_token.hpp"

namespace cts::fuzz {
namespace {

constexpr std::size_t handles = 6, callbacks = 12, most_calls = 60, states = 8;
constexpr std::size_t none = ~std::size_t{0};

class stop_tokens_run {
 public:
  explicit stop_tokens_run(input_bytes input) : input_(input) {}
  void play() {
    while (!input_.is_over() && calls_ < most_calls) perform();
    for (auto& c : callbacks_) end(c);
  }

 private:
  struct function {
    stop_tokens_run* run;
    std::size_t name;
    void operator()() const noexcept { run->ran(name); }
  };
  struct state {
    bool requested = false;
    unsigned sources = 0;
    std::vector<std::size_t> list;  // of registered callbacks, the oldest first
  };
  struct source_handle {
    stop_source source{nostopstate};
    std::size_t state = none;
  };
  struct token_handle {
    stop_token token;
    std::size_t state = none;
  };
  struct callback {
    std::size_t name = none;
    std::unique_ptr<stop_callback<function>> counted;
    std::unique_ptr<inplace_stop_callback<function>> in_place;
    std::size_t state = none;
    unsigned act = 0;
    bool runs = false;
  };

  void perform() {
    unsigned const b = input_.next();
    perform(b % 8, b / 8);
  }
  void perform(unsigned verb, unsigned n) {
    ++calls_;
    switch (verb) {
      case 0: change_source(sources_[n % handles], n / handles % 4); break;
      case 1: change_token(tokens_[n % handles], n / handles % 4); break;
      case 2: request(sources_[n % handles]); break;
      case 3:
      case 4: add(n); break;
      case 5: end(callbacks_[n % callbacks]); break;
      case 6: request_in_place(); break;
      default: break;
    }
    compare();
  }

  void change_source(source_handle& s, unsigned how) {
    source_handle& other = sources_[input_.next() % handles];
    switch (how) {
      case 0:
        if (states_.size() == states) return;
        drop_source(s.state);
        states_.push_back({false, 1, {}});
        s.state = states_.size() - 1;
        s.source = stop_source();
        return;
      case 1:
        share_source(other.state);
        drop_source(s.state);
        s.state = other.state;
        s.source = std::as_const(other).source;
        return;
      case 2:
        std::swap(s.state, other.state);
        swap(s.source, other.source);
        return;
      default:
        drop_source(s.state);
        s.state = none;
        s.source = stop_source(nostopstate);
    }
  }
  void share_source(std::size_t i) {
    if (i != none) ++states_[i].sources;
  }
  void drop_source(std::size_t i) {
    if (i != none) --states_[i].sources;
  }
  void change_token(token_handle& t, unsigned how) {
    unsigned const n = input_.next();
    source_handle& s = sources_[n % handles];
    token_handle& other = tokens_[n % handles];
    switch (how) {
      case 0: t = {s.source.get_token(), s.state}; return;
      case 1: t = std::as_const(other); return;
      case 2: std::swap(t, other); return;
      default: t = {};
    }
  }

  void request(source_handle& s) {
    std::size_t const i = s.state;
    bool const first = i != none && !states_[i].requested;
    if (first) begin(i);
    bool const did = s.source.request_stop();
    require(did == first, "request_stop answers wrongly");
    if (first) finish();
  }
  void request_in_place() {
    bool const first = !inline_.requested;
    if (first) begin(in_place);
    require(source_.request_stop() == first, "request_stop of the in-place source answers wrongly");
    if (first) finish();
  }
  void begin(std::size_t i) {
    list_of(i).requested = true;
    running_.push_back(i);
  }
  void finish() {
    require(list_of(running_.back()).list.empty(), "request_stop has returned, but a callback has not run");
    running_.pop_back();
  }

  void add(unsigned n) {
    auto const free = std::find_if(callbacks_.begin(), callbacks_.end(), [](callback const& c) { return is_free(c); });
    if (free == callbacks_.end()) return;
    callback& c = *free;
    c.act = input_.next();
    c.name = static_cast<std::size_t>(free - callbacks_.begin());
    function const f{this, c.name};
    bool const here = n % 4 == 0;
    token_handle& t = tokens_[n % handles];
    c.state = here ? in_place : t.state;
    bool const moves = n % 4 == 1;
    bool now = false;
    if (c.state != none) {
      now = list_of(c.state).requested;
      if (now) runs_now_ = c.name;
      else list_of(c.state).list.push_back(c.name);
    }
    constructing_ = c.name;
    if (here) {
      c.in_place = std::make_unique<inplace_stop_callback<function>>(source_.get_token(), f);
    } else if (moves) {
      if (c.state != none && !now) t.state = none;  // registered: the callback has it
      c.counted = std::make_unique<stop_callback<function>>(std::move(t.token), f);
    } else {
      c.counted = std::make_unique<stop_callback<function>>(std::as_const(t).token, f);
    }
    constructing_ = none;
    require(runs_now_ == none, "a callback that comes after the request has not run");
  }
  static bool is_free(callback const& c) { return c.counted == nullptr && c.in_place == nullptr && !c.runs; }
  void end(callback& c) {
    if (is_free(c) || c.name == constructing_) return;
    if (c.state != none) std::erase(list_of(c.state).list, c.name);
    c.counted.reset();
    c.in_place.reset();
  }

  /// A callback runs.
  void ran(std::size_t name) {
    callback& c = callbacks_[name];
    if (runs_now_ != none) {
      require(std::exchange(runs_now_, none) == name, "another callback runs than the one that comes too late");
    } else {
      require(!running_.empty(), "a callback runs without a request");
      state& s = list_of(running_.back());
      require(!s.list.empty(), "a callback runs that is not registered");
      require(s.list.back() == name, "a callback runs before one that is newer");
      s.list.pop_back();
    }
    require(c.state != none && list_of(c.state).requested, "a callback runs before the request");
    c.runs = true;
    if (c.act % 8 == 7) end(c);
    else if (c.act % 8 != 6) perform(c.act % 8, c.act / 8);
    c.runs = false;
  }

  void compare() {
    for (source_handle const& s : sources_) {
      require(s.source.stop_possible() == (s.state != none), "stop_possible of a source is wrong");
      require(s.source.stop_requested() == requested(s.state), "stop_requested of a source is wrong");
    }
    for (token_handle const& t : tokens_) {
      require(t.token.stop_requested() == requested(t.state), "stop_requested of a token is wrong");
      bool const possible = t.state != none && (requested(t.state) || states_[t.state].sources != 0);
      require(t.token.stop_possible() == possible, "stop_possible of a token is wrong");
      for (token_handle const& u : tokens_)
        require((t.token == u.token) == (t.state == u.state), "tokens compare wrongly");
    }
    require(source_.stop_requested() == inline_.requested, "stop_requested of the in-place source is wrong");
  }
  bool requested(std::size_t i) const { return i != none && states_[i].requested; }
  state& list_of(std::size_t i) { return i == in_place ? inline_ : states_[i]; }

  static constexpr std::size_t in_place = none - 1;
  inplace_stop_source source_;
  state inline_;
  std::vector<state> states_;
  std::array<source_handle, handles> sources_;
  std::array<token_handle, handles> tokens_;
  std::array<callback, callbacks> callbacks_;
  std::vector<std::size_t> running_;  // the states that requests run callbacks of
  std::size_t runs_now_ = none, constructing_ = none;
  std::size_t calls_ = 0;
  reader input_;
};

}  // namespace

void stop_tokens_target(input_bytes input) { stop_tokens_run(input).play(); }

}  // namespace cts::fuzz
