// SPDX-License-Identifier: BSL-1.0
/// @file
/// Real threads use a registry in rounds, and the results of each round are checked against a registry that does one
/// operation at a time (LIN, models/checker/linearizability.hpp). Each operation takes a stamp from one counter before
/// and after it, so that the check knows which operations overlap. The stamps order more than the registry does and may
/// hide a race; the other stress programs have no stamps.
#include "../models/checker/linearizability.hpp"
#include "stress.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

namespace {

using namespace stress;
using cts::core::basic_registry;
using cts::core::register_result;
using cts::models::did;
using cts::models::operations;

/// A false result that a registry is made to report, to see that the check finds it.
enum class lie { none, unregistered, canceled_first, registered, clear };

constexpr unsigned threads = 3;

template <class Registry>
struct round {
  struct event {
    did what;
    unsigned callback;
    std::uint64_t begin, end;
  };
  struct node : Registry::callback {
    node(round& r, unsigned n) : Registry::callback(&ran), in(r), nth(n) {}
    static void ran(typename Registry::callback& c) noexcept {
      auto& self = static_cast<node&>(c);
      self.in.run(self.nth);
    }
    round& in;
    unsigned nth;
  };
  struct alignas(64) log {
    std::array<event, 40> events;  // at most 8 verbs, two events a callback
    unsigned count = 0;
    std::uint64_t canceling = 0;
    bool won = false;
  };

  explicit round(lie l) : lies(l) {
    for (unsigned i = 0; i < nodes.size(); ++i) nodes[i].emplace(*this, i);
    for (unsigned i = threads; i < nodes.size(); ++i) {
      static_cast<void>(registry.try_register(*nodes[i]));
      before.add(did::registered, i, threads, 0);
    }
  }
  static std::uint64_t stamp() {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_seq_cst);
  }
  static log*& mine() {
    static thread_local log* l = nullptr;
    return l;
  }
  static void add(did what, unsigned callback, std::uint64_t begin) {
    log& l = *mine();
    l.events.at(l.count++) = {what, callback, begin, stamp()};
  }
  void run(unsigned i) {
    closed();
    add(did::took, i, mine()->canceling);  // cancel takes a callback before it runs it
    add(did::ran, i, stamp());
  }
  static void closed() {
    if (!mine()->won) add(did::won, 0, mine()->canceling);
    mine()->won = true;
  }

  void try_register(unsigned i) {
    if (held[i]) return;  // it may be registered
    std::uint64_t const begin = stamp();
    held[i] = registry.try_register(*nodes[i]) == register_result::registered;
    bool const in = held[i] || lies == lie::registered;
    add(in ? did::registered : did::refused, i, begin);
  }
  void unregister(unsigned i) {
    std::uint64_t const begin = stamp();
    bool out = registry.unregister(*nodes[i]);
    if (out) held[i] = false;
    out = out || lies == lie::unregistered;
    add(out ? did::removed : did::not_removed, i, begin);
  }
  void unregister_and_wait(unsigned i) {
    std::uint64_t const begin = stamp();
    registry.unregister_and_wait(*nodes[i]);
    held[i] = false;
    add(did::waited, i, begin);
  }
  void poll() {
    std::uint64_t const begin = stamp();
    bool const set = registry.is_cancellation_requested() && lies != lie::clear;
    add(set ? did::read_set : did::read_clear, 0, begin);
  }
  void cancel() {
    log& l = *mine();
    l.won = false;
    std::uint64_t const begin = l.canceling = stamp();
    if (!registry.cancel() && lies != lie::canceled_first) return add(did::lost, 0, begin);
    closed();
    add(did::finished, 0, stamp());
  }
  void act(unsigned me, rng& random) {
    mine() = &logs[me];
    for (int k = 0; k < 4; ++k) {
      unsigned const own = me + threads * static_cast<unsigned>(random.below(2));
      switch (random.below(8)) {
        case 0: try_register(me); break;
        case 1: unregister(own); break;
        case 2: unregister_and_wait(own); break;
        case 3: poll(); break;
        case 4:
          unregister(me);
          try_register(me);
          break;
        case 5: cancel(); break;
        default: poll(); break;
      }
    }
  }

  /// The events of all threads as one history.
  operations history() const {
    operations h = before;
    struct one {
      event e;
      unsigned thread;
    };
    std::vector<one> all;
    for (unsigned t = 0; t < threads; ++t)
      for (unsigned k = 0; k < logs[t].count; ++k) all.push_back({logs[t].events[k], t});
    std::size_t const known = h.size();
    std::uint64_t const first = (std::uint64_t{1} << known) - 1;
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::uint64_t after = first;
      for (std::size_t k = 0; k < all.size(); ++k)
        if (all[k].e.end < all[i].e.begin) after |= std::uint64_t{1} << (known + k);
      h.add(all[i].e.what, all[i].e.callback, all[i].thread, after);
    }
    return h;
  }

  Registry registry;
  std::array<std::optional<node>, 2 * threads> nodes;
  std::array<log, threads> logs;
  std::array<bool, 2 * threads> held{};  // each is used by one thread
  operations before;
  lie lies;
};

/// Counts the rounds whose results no registry that does one operation at a time could have returned, and prints one.
template <class Registry>
std::uint64_t impossible(lie lies, std::string& one) {
  std::optional<round<Registry>> now;
  std::uint64_t found = 0, rounds = 0;
  run_rounds(
      threads, [&](std::uint64_t) { now.emplace(lies); },
      [&](unsigned me, std::uint64_t n) {
        rng random(n * threads + me);
        now->act(me, random);
      },
      [&](std::uint64_t) {
        ++rounds;
        operations const h = now->history();
        if (h.linearizable()) return;
        ++found;
        one = h.print();
      });
  EXPECT_GT(rounds, 0u);
  return found;
}

template <class Registry>
void expect_linearizable() {
  std::string one;
  EXPECT_EQ(impossible<Registry>(lie::none, one), 0u) << one;
}

TEST(Linearizability, OfTheRegistry) { expect_linearizable<basic_registry<>>(); }
TEST(Linearizability, OfSmallSegments) { expect_linearizable<basic_registry<small_platform<1, 1>>>(); }
TEST(Linearizability, OfSegmentsOfTwo) { expect_linearizable<basic_registry<small_platform<1, 2>>>(); }
TEST(Linearizability, OfTheCompactLayout) {
  expect_linearizable<basic_registry<small_platform<2, 1>, 1, cts::core::compact>>();
}
TEST(Linearizability, OfStripes) { expect_linearizable<basic_registry<small_platform<1, 2>, 2>>(); }

TEST(Linearizability, FindsLies) {
  for (lie l : {lie::unregistered, lie::canceled_first, lie::registered, lie::clear}) {
    std::string one;
    EXPECT_GT(impossible<basic_registry<>>(l, one), 0u) << "lie " << static_cast<int>(l);
  }
}

}  // namespace
