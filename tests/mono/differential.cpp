// SPDX-License-Identifier: BSL-1.0
// A differential test against .NET's own classes (Mono). It makes random, single-threaded scenarios and runs each one
// on both sides; the traces must be the same. `differential --generate FILE COUNT SEED` writes scenarios, `differential
// FILE TRACE` runs them here.
//
// A scenario is a list of operations on five sources at most. Callbacks do some of them, too:
//   0 make source a · 1 link a to b and c · 2 register on a a callback that does b to c · 3 dispose registration a · 4
//   cancel a (b: throw on the first exception) · 5 dispose a · 6 poll a · 7 throw if a is canceled · 8 register on a
//   fixed token · 9 cancel a after -2 ms · 10 compare tokens of a and b · 11 token of a · 12 handle of a
// In Mono a disposed registration frees its place in the list, and the next one breaks the order of callbacks. So a
// scenario registers nothing more on a source after a dispose of one of its registrations.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "cts/cts.hpp"

namespace {

struct own {
  int id;
};

class scenario {
  static constexpr std::size_t sources = 5;

 public:
  explicit scenario(std::string& t) : trace_(t) {}

  void run(int op, int a, int b, int c) {
    auto const s = static_cast<std::size_t>(a), t = static_cast<std::size_t>(b), u = static_cast<std::size_t>(c);
    switch (op) {
      case 0:
        if (!source_[s]) {
          source_[s] = std::make_unique<cts::cancellation_token_source>();
          token_[s] = source_[s]->token();
        }
        break;
      case 1: attempt([&] { link(s, t, u); }); break;
      case 2: attempt([&] { register_on(s, b, u); }); break;
      case 3: attempt([&] { dispose_registration(s); }); break;
      case 4:
        attempt([&] {
          if (source_[s]) source_[s]->cancel(b == 1);
        });
        break;
      case 5: attempt([&] { dispose(s); }); break;
      case 6: ask(s); break;
      case 7:
        attempt([&] {
          if (source_[s]) token_[s].throw_if_cancellation_requested();
        });
        break;
      case 8:
        attempt([&] {
          int const id = callbacks_++;
          auto const r =
              (b == 0 ? cts::cancellation_token::none() : cts::cancellation_token(true)).register_callback([=, this] {
                callback(id, a == 1 ? 1 : 0, 0);
              });
          say("f", r ? 1 : 0);
        });
        break;
      case 9:
        attempt([&] {
          if (source_[s] && !disposed_[s]) source_[s]->cancel_after(std::chrono::milliseconds(-2));
        });
        break;
      case 10:
        if (source_[s] && source_[t]) say("e", token_[s] == token_[t]);
        break;
      case 11:
        attempt([&] {
          if (source_[s]) say("t", source_[s]->token() == token_[s]);
        });
        break;
      case 12:
        attempt([&] {
          if (source_[s]) say("w", token_[s].wait_handle().wait_for(std::chrono::seconds(0)));
        });
        break;
    }
    trace_ += ';';
  }

 private:
  static std::string flat(std::exception_ptr e) {
    try {
      std::rethrow_exception(std::move(e));
    } catch (cts::aggregate_exception const& all) {
      std::string s = "[";
      for (auto const& i : all.inner_exceptions()) s += (s.size() > 1 ? " " : "") + flat(i);
      return s + "]";
    } catch (own const& o) { return "E" + std::to_string(o.id); } catch (cts::object_disposed const&) {
      return "ODE";
    } catch (cts::operation_canceled const&) { return "OCE"; } catch (std::out_of_range const&) {
      return "RANGE";
    }
  }
  void say(char const* what, int n) { trace_ += std::string(" ") + what + std::to_string(n); }
  template <class F>
  void attempt(F f) {
    try {
      f();
    } catch (...) { trace_ += " !" + flat(std::current_exception()); }
  }
  void callback(int id, int act, std::size_t x) {
    say("c", id);
    if (depth_ > 8) return;
    struct level {
      int& n;
      explicit level(int& d) : n(d) { ++n; }
      ~level() { --n; }
    } const here(depth_);
    switch (act) {
      case 1: throw own{id};
      case 2:
        if (source_[x]) source_[x]->cancel();
        break;
      case 3: dispose_registration(x); break;
      case 4: dispose(x); break;
      case 5: register_on(x, 0, 0); break;
      case 6: ask(x); break;
      case 7:
        if (source_[x]) source_[x]->cancel(true);
        break;
      case 8:
        if (source_[x]) token_[x].throw_if_cancellation_requested();
        break;
    }
  }
  void register_on(std::size_t s, int act, std::size_t x) {
    if (!source_[s] || reused_[s]) return;
    int const id = callbacks_++;
    std::size_t const at = registrations_.size();
    registrations_.emplace_back();
    of_.push_back(s);
    auto r = token_[s].register_callback([=, this] { callback(id, act, x); });
    registrations_[at] = std::move(r);
    say("r", registrations_[at] ? 1 : 0);
  }
  void dispose_registration(std::size_t r) {
    if (registrations_.empty()) return;
    r %= registrations_.size();
    reused_[of_[r]] = true;
    registrations_[r].dispose();
  }
  void dispose(std::size_t s) {
    if (!source_[s]) return;
    for (std::size_t const p : parents_[s]) reused_[p] = true;
    disposed_[s] = true;
    source_[s]->dispose();
    trace_ += " d";
  }
  void ask(std::size_t s) {
    if (!source_[s]) return;
    trace_ += std::string(" q") + (source_[s]->is_cancellation_requested() ? "1" : "0") +
              (token_[s].is_cancellation_requested() ? "1" : "0") + (token_[s].can_be_canceled() ? "1" : "0");
  }
  void link(std::size_t s, std::size_t a, std::size_t b) {
    if (source_[s] || !source_[a] || !source_[b] || reused_[a] || reused_[b]) return;
    source_[s] = std::make_unique<cts::cancellation_token_source>(
        cts::cancellation_token_source::create_linked(token_[a], token_[b]));
    token_[s] = source_[s]->token();
    parents_[s] = {a, b};
    ask(s);
  }

  std::string& trace_;
  std::array<std::unique_ptr<cts::cancellation_token_source>, sources> source_;
  std::array<cts::cancellation_token, sources> token_;
  std::array<std::vector<std::size_t>, sources> parents_;
  std::array<bool, sources> reused_{}, disposed_{};
  std::deque<cts::cancellation_token_registration> registrations_;
  std::vector<std::size_t> of_;
  int callbacks_ = 0, depth_ = 0;
};

int generate(char const* path, unsigned count, unsigned seed) {
  std::ofstream out(path);
  std::mt19937 random(seed);
  auto const below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (unsigned n = 0; n < count; ++n) {
    out << "S\n";
    unsigned const roots = 1 + below(3), early = below(4);
    for (unsigned s = 0; s < roots; ++s) out << "0 " << s << " 0 0\n";
    for (unsigned s = roots; s < roots + early && s < 5; ++s)
      out << "1 " << s << ' ' << below(s) << ' ' << below(s) << '\n';
    for (unsigned i = below(8); i != 0; --i) out << "2 " << below(5) << ' ' << below(9) << ' ' << below(5) << '\n';
    unsigned const length = 6 + below(18);
    for (unsigned i = 0; i < length; ++i) {
      unsigned const kind = below(100);
      unsigned const s = below(5), x = below(5), y = below(5);
      if (kind < 14) out << "1 " << s << ' ' << x << ' ' << y << '\n';
      else if (kind < 54) out << "2 " << s << ' ' << (below(3) == 0 ? 0 : 1 + below(8)) << ' ' << below(12) % 5 << '\n';
      else if (kind < 60) out << "3 " << below(12) << " 0 0\n";
      else if (kind < 74) out << "4 " << s << ' ' << below(2) << " 0\n";
      else if (kind < 79) out << "5 " << s << " 0 0\n";
      else if (kind < 84) out << "6 " << s << " 0 0\n";
      else if (kind < 88) out << "7 " << s << " 0 0\n";
      else if (kind < 91) out << "8 " << below(2) << ' ' << below(2) << " 0\n";
      else if (kind < 93) out << "9 " << s << " 0 0\n";
      else if (kind < 95) out << "10 " << s << ' ' << x << " 0\n";
      else if (kind < 97) out << "11 " << s << " 0 0\n";
      else out << "12 " << s << " 0 0\n";
    }
    for (unsigned s = 0; s < 5; ++s) out << "6 " << s << " 0 0\n4 " << s << " 0 0\n";
  }
  return out ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "--generate") == 0)
    return generate(argv[2], static_cast<unsigned>(std::atoi(argv[3])), static_cast<unsigned>(std::atoi(argv[4])));
  if (argc != 3) {
    std::fprintf(stderr, "usage: differential --generate SCENARIOS COUNT SEED | differential SCENARIOS TRACE\n");
    return 2;
  }
  std::ifstream in(argv[1]);
  std::string line, trace;
  std::unique_ptr<scenario> s;
  while (std::getline(in, line)) {
    if (line == "S") {
      if (s) trace += '\n';
      s = std::make_unique<scenario>(trace);
      continue;
    }
    int op = 0, a = 0, b = 0, c = 0;
    std::istringstream(line) >> op >> a >> b >> c;
    s->run(op, a, b, c);
  }
  s.reset();
  trace += '\n';
  std::ofstream(argv[2]) << trace;
}
