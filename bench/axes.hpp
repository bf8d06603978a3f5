// SPDX-License-Identifier: BSL-1.0
/// @file
/// The axes of the matrix, over any adapter.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>

#include "peer.hpp"

namespace cts::bench {

/// The registered function: as small as a callback with an effect can be.
struct function {
  void* target;
  void operator()() const noexcept { keep(target); }
};
/// A function that records when the first of its kind ran.
struct stamp {
  using clock = std::chrono::steady_clock;
  clock::time_point* first;
  void operator()() const noexcept {
    if (*first == clock::time_point()) *first = clock::now();
  }
};

template <class A>
concept registers = requires {
  typename A::template registration<function>;
};
template <class A>
concept links = requires {
  typename A::linked;
};
template <class A>
concept waits = requires(A, typename A::source& s) {
  A::wait(A::token_of(s));
};
template <class A>
concept arms = requires(A, typename A::source& s) {
  A::arm(s);
  A::disarm(s);
};

template <class A>
using token_of = decltype(A::token_of(std::declval<typename A::source&>()));

// --- stages ---

/// Registrations of one source, in the order and place of a shape.
template <class A, class F>
class crowd {
  using registration = typename A::template registration<F>;
  struct dense {
    std::optional<registration> held;
  };
  struct alignas(64) spread {
    std::optional<registration> held;
  };

 public:
  void join(token_of<A> const& t, shape const& s, F f) {
    if (s.where == layout::contiguous) {
      dense_ = std::vector<dense>(s.live);
      for (dense& d : dense_) d.held.emplace(t, f);
      return;
    }
    spread_ = std::vector<spread>(s.live);
    std::vector<std::size_t> order(s.live);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (s.where == layout::scattered) {
      std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
      for (std::size_t const i : order) spread_[i].held.emplace(t, f);
      return;
    }
    constexpr std::size_t registrants = 8;
    std::vector<std::jthread> all;
    for (std::size_t r = 0; r < registrants; ++r)
      all.emplace_back([this, r, &t, f] {
        token_of<A> const mine = t;
        for (std::size_t i = r; i < spread_.size(); i += registrants) spread_[i].held.emplace(mine, f);
      });
  }
  void leave() {
    dense_.clear();
    spread_.clear();
  }
  /// Ends the oldest registration and makes it anew as the newest.
  void rotate(token_of<A> const& t, F f) {
    std::optional<registration>& oldest = dense_[next_].held;
    oldest.reset();
    oldest.emplace(t, f);
    next_ = next_ + 1 == dense_.size() ? 0 : next_ + 1;
  }

 private:
  std::vector<dense> dense_;
  std::vector<spread> spread_;
  std::size_t next_ = 0;
};

/// A source, its token, and its registrations.
template <class A, class F = function>
struct alignas(128) place {
  typename A::source source;
  token_of<A> token = A::token_of(source);
  std::optional<crowd<A, F>> others;
};
template <class A>
requires(!registers<A>) struct alignas(128) place<A> {
  typename A::source source;
  token_of<A> token = A::token_of(source);
};

template <class A>
struct stage {
  explicit stage(shape const& s) {
    for (std::size_t i = 0; i < s.sources; ++i) {
      places.push_back(std::make_unique<place<A>>());
      if constexpr (registers<A>) {
        if (s.live != 0) places.back()->others.emplace().join(places.back()->token, s, function{this});
      }
    }
  }
  std::vector<std::unique_ptr<place<A>>> places;
};

template <class A>
stage<A>& of(void* s) noexcept {
  return *static_cast<stage<A>*>(s);
}
template <class A>
void* open(shape const& s) {
  return new stage<A>(s);
}
template <class A>
void close(void* s) {
  delete &of<A>(s);
}

// --- axes ---

template <class A>
void pair_on(place<A>& p, std::size_t times) {
  token_of<A> const token = p.token;
  int here = 0;
  for (std::size_t i = 0; i < times; ++i) {
    typename A::template registration<function> const r(token, function{&here});
    keep(r);
  }
}
/// Makes and ends a registration. Threads on one source each have a token of their own.
template <class A>
void pair(void* s, std::size_t, std::size_t times) {
  pair_on<A>(*of<A>(s).places.front(), times);
}
template <class A>
void pair_own(void* s, std::size_t thread, std::size_t times) {
  pair_on<A>(*of<A>(s).places[thread], times);
}
template <class A>
void ring(void* s, std::size_t, std::size_t times) {
  place<A>& p = *of<A>(s).places.front();
  for (std::size_t i = 0; i < times; ++i) p.others->rotate(p.token, function{s});
}
template <class A>
void cancel_all(void* s, std::size_t, std::size_t) {
  for (auto& p : of<A>(s).places) A::cancel(p->source);
}
template <class A>
void* open_canceled(shape const& s) {
  void* const at = open<A>(s);
  cancel_all<A>(at, 0, 1);
  return at;
}
template <class A>
void leave_all(void* s, std::size_t, std::size_t) {
  for (auto& p : of<A>(s).places) p->others->leave();
}
template <class A>
void poll(void* s, std::size_t, std::size_t times) {
  token_of<A> const token = of<A>(s).places.front()->token;
  keep(token);
  for (std::size_t i = 0; i < times; ++i) {
    bool const requested = A::requested(token);
    keep(requested);
  }
}
template <class A>
void churn(void* s) {
  pair_on<A>(*of<A>(s).places.front(), 1024);
}
template <class A>
void copy_token(void* s, std::size_t, std::size_t times) {
  token_of<A> const token = of<A>(s).places.front()->token;
  for (std::size_t i = 0; i < times; ++i) {
    token_of<A> const copy = token;  // NOLINT(performance-unnecessary-copy-initialization): it is what is measured
    keep(copy);
  }
}
template <class A>
void create(void*, std::size_t, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    typename A::source s;
    keep(s);
  }
}
template <class A>
void life(void*, std::size_t, std::size_t times) {
  int here = 0;
  for (std::size_t i = 0; i < times; ++i) {
    typename A::source s;
    if constexpr (registers<A>) {
      typename A::template registration<function> const r(A::token_of(s), function{&here});
      A::cancel(s);
    } else {
      A::cancel(s);
    }
    keep(s);
  }
}
template <class A>
void link_two(void* s, std::size_t, std::size_t times) {
  stage<A>& at = of<A>(s);
  for (std::size_t i = 0; i < times; ++i) {
    typename A::linked const child(at.places[0]->token, at.places[1]->token);
    keep(child);
  }
}

template <class A>
void* open_armed(shape const& s) {
  shape sources = s;
  sources.live = 0;
  sources.sources = s.live + 1;
  void* const at = open<A>(sources);
  for (std::size_t i = 1; i < sources.sources; ++i) A::arm(of<A>(at).places[i]->source);
  return at;
}
template <class A>
void timer(void* s, std::size_t, std::size_t times) {
  place<A>& p = *of<A>(s).places.front();
  for (std::size_t i = 0; i < times; ++i) {
    A::arm(p.source);
    A::disarm(p.source);
  }
}

/// The same by several threads, each with a source of its own.
template <class A>
void timer_own(void* s, std::size_t thread, std::size_t times) {
  place<A>& p = *of<A>(s).places[thread];
  for (std::size_t i = 0; i < times; ++i) {
    A::arm(p.source);
    A::disarm(p.source);
  }
}

/// From the call of cancel to the first of the callbacks.
template <class A>
struct to_first {
  explicit to_first(shape const& s) { at.others.emplace().join(at.token, s, stamp{&first}); }
  stamp::clock::time_point start, first;
  place<A, stamp> at;

  static void* open(shape const& s) { return new to_first(s); }
  static void run(void* s, std::size_t, std::size_t) {
    auto& self = *static_cast<to_first*>(s);
    self.start = stamp::clock::now();
    A::cancel(self.at.source);
  }
  static double seconds(void* s) {
    auto const& self = *static_cast<to_first*>(s);
    return std::chrono::duration<double>(self.first - self.start).count();
  }
  static void close(void* s) { delete static_cast<to_first*>(s); }
};

/// From the call of cancel until a thread that waits has woken up.
template <class A>
struct to_waiter {
  to_waiter() {
    std::this_thread::sleep_for(std::chrono::microseconds(300));  // the thread waits by then
  }
  place<A> at;
  stamp::clock::time_point start, woken;
  std::jthread waiter{[this] {
    token_of<A> const mine = at.token;
    A::wait(mine);
    woken = stamp::clock::now();
  }};

  static void* open(shape const&) { return new to_waiter; }
  static void run(void* s, std::size_t, std::size_t) {
    auto& self = *static_cast<to_waiter*>(s);
    self.start = stamp::clock::now();
    A::cancel(self.at.source);
    self.waiter.join();
  }
  static double seconds(void* s) {
    auto const& self = *static_cast<to_waiter*>(s);
    return std::chrono::duration<double>(self.woken - self.start).count();
  }
  static void close(void* s) { delete static_cast<to_waiter*>(s); }
};

/// The table of the axes that the adapter has.
template <class A>
std::vector<axis> make_axes() {
  std::vector<axis> all;
  auto const add = [&all](char const* name, timing how, auto o, auto r, auto c) {
    all.push_back({name, how, o, r, nullptr, nullptr, c});
  };
  add("poll", timing::steady, &open<A>, &poll<A>, &close<A>);
  add("token_copy", timing::steady, &open<A>, &copy_token<A>, &close<A>);
  add("create", timing::steady, &open<A>, &create<A>, &close<A>);
  add("life", timing::steady, &open<A>, &life<A>, &close<A>);
  if constexpr (registers<A>) {
    add("pair", timing::steady, &open<A>, &pair<A>, &close<A>);
    add("pair_own", timing::steady, &open<A>, &pair_own<A>, &close<A>);
    add("ring", timing::steady, &open<A>, &ring<A>, &close<A>);
    add("late_pair", timing::steady, &open_canceled<A>, &pair<A>, &close<A>);
    add("fan_out", timing::fresh, &open<A>, &cancel_all<A>, &close<A>);
    add("leave_canceled", timing::fresh, &open_canceled<A>, &leave_all<A>, &close<A>);
    all.push_back({"poll_churn", timing::steady, &open<A>, &poll<A>, &churn<A>, nullptr, &close<A>});
    all.push_back({"to_first", timing::reported, &to_first<A>::open, &to_first<A>::run, nullptr, &to_first<A>::seconds,
                   &to_first<A>::close});
  }
  if constexpr (links<A>) add("linked", timing::steady, &open<A>, &link_two<A>, &close<A>);
  if constexpr (arms<A>) {
    add("timer", timing::steady, &open_armed<A>, &timer<A>, &close<A>);
    add("timer_own", timing::steady, &open<A>, &timer_own<A>, &close<A>);
  }
  if constexpr (waits<A>)
    all.push_back({"to_waiter", timing::reported, &to_waiter<A>::open, &to_waiter<A>::run, nullptr,
                   &to_waiter<A>::seconds, &to_waiter<A>::close});
  return all;
}

template <class A>
peer make_peer(char const* id) {
  static std::vector<axis> const axes = make_axes<A>();
  peer p{id, A::name, A::in_place, static_cast<std::size_t>(-1), requires {A::one_owner;
}
, sizeof(typename A::source), sizeof(token_of<A>), 0, 0, axes.data(), axes.size()
};  // namespace cts::bench
if constexpr (requires { A::most; }) p.most = A::most;
if constexpr (registers<A>) {
  p.registration_bytes = sizeof(typename A::template registration<function>);
  p.cell_bytes = sizeof(std::optional<typename A::template registration<function>>);
}
return p;
}

}  // namespace cts::bench
