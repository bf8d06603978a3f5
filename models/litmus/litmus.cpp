// SPDX-License-Identifier: BSL-1.0
/// @file
/// The limits of the checker, pinned: classic litmus tests with the outcome Relacy is known to show or to
/// miss, and a self-test for each workaround of relacy.hpp and of the build flags. A change here means that the models
/// mean something else than they did.
#include "checker/harness.hpp"

#include <array>
#include <random>
#include <set>

namespace cts::models {
namespace {

bool reached = false;  // the weak outcome appeared in some execution

template <class Suite>
bool appears(plan p) {
  reached = false;
  outcome const o = run<Suite>(p, "litmus");
  EXPECT_TRUE(o.passed) << o.verdict << o.history;
  return reached;
}
plan random_plan(std::uint64_t n) {
  plan p;
  p.how = search::random;
  p.executions = n;
  return p;
}
plan const exhaustive{};

struct two_words {
  rl::atomic<int> x, y;
  int a = -1, b = -1;
  void before() {
    x.store(0, rl::mo_relaxed, RL_INFO);
    y.store(0, rl::mo_relaxed, RL_INFO);
  }
};

template <rl::memory_order Store, rl::memory_order Load>
struct store_buffering : rl::test_suite<store_buffering<Store, Load>, 2>, two_words {
  void before() { two_words::before(); }
  void thread(unsigned i) {
    (i == 0 ? x : y).store(1, Store, RL_INFO);
    (i == 0 ? a : b) = (i == 0 ? y : x).load(Load, RL_INFO);
  }
  void after() { reached = reached || (a == 0 && b == 0); }
};

template <rl::memory_order Store, rl::memory_order Load>
struct message_passing : rl::test_suite<message_passing<Store, Load>, 2>, two_words {
  void before() { two_words::before(); }
  void thread(unsigned i) {
    if (i == 0) {
      x.store(1, rl::mo_relaxed, RL_INFO);
      y.store(1, Store, RL_INFO);
    } else {
      a = y.load(Load, RL_INFO);
      b = x.load(rl::mo_relaxed, RL_INFO);
    }
  }
  void after() { reached = reached || (a == 1 && b == 0); }
};

struct two_plus_two_writes : rl::test_suite<two_plus_two_writes, 2>, two_words {
  void before() { two_words::before(); }
  void thread(unsigned i) {
    (i == 0 ? x : y).store(1, rl::mo_relaxed, RL_INFO);
    (i == 0 ? y : x).store(2, rl::mo_relaxed, RL_INFO);
  }
  void after() { reached = reached || (x.load(rl::mo_relaxed, RL_INFO) == 1 && y.load(rl::mo_relaxed, RL_INFO) == 1); }
};

struct load_buffering : rl::test_suite<load_buffering, 2>, two_words {
  void before() { two_words::before(); }
  void thread(unsigned i) {
    (i == 0 ? a : b) = (i == 0 ? x : y).load(rl::mo_relaxed, RL_INFO);
    (i == 0 ? y : x).store(1, rl::mo_relaxed, RL_INFO);
  }
  void after() { reached = reached || (a == 1 && b == 1); }
};

TEST(Litmus, StoreBufferingIsSeen) {
  EXPECT_TRUE((appears<store_buffering<rl::mo_release, rl::mo_acquire>>(exhaustive)));
  EXPECT_TRUE((appears<store_buffering<rl::mo_seq_cst, rl::mo_acquire>>(exhaustive)));
  EXPECT_TRUE((appears<store_buffering<rl::mo_release, rl::mo_seq_cst>>(exhaustive)));
  EXPECT_FALSE((appears<store_buffering<rl::mo_seq_cst, rl::mo_seq_cst>>(exhaustive)));
}
TEST(Litmus, MessagePassingIsSeen) {
  EXPECT_TRUE((appears<message_passing<rl::mo_relaxed, rl::mo_acquire>>(exhaustive)));
  EXPECT_TRUE((appears<message_passing<rl::mo_release, rl::mo_relaxed>>(exhaustive)));
  EXPECT_FALSE((appears<message_passing<rl::mo_release, rl::mo_acquire>>(exhaustive)));
}
TEST(Litmus, TwoPlusTwoWritesIsABlindSpot) { EXPECT_FALSE(appears<two_plus_two_writes>(exhaustive)); }
/// Word by word: with Relacy's own compare-and-swap, and with the platform's.
template <class Word>
struct failed_compare_and_swap : rl::test_suite<failed_compare_and_swap<Word>, 2> {
  Word x{};
  rl::atomic<int> y;
  bool is_older = false;
  void before() {
    if constexpr (std::is_same_v<Word, rl::atomic<unsigned>>) x.store(0, rl::mo_relaxed, RL_INFO);
    y.store(0, rl::mo_relaxed, RL_INFO);
  }
  void thread(unsigned i) {
    unsigned expected = 7;
    if (i == 0) {
      if constexpr (std::is_same_v<Word, rl::atomic<unsigned>>) x.store(1, rl::mo_relaxed, RL_INFO);
      else x.store(1, core::site::canceller_set);
      y.store(1, rl::mo_relaxed, RL_INFO);
    } else if (y.load(rl::mo_relaxed, RL_INFO) == 1) {
      if constexpr (std::is_same_v<Word, rl::atomic<unsigned>>)
        x.compare_exchange_strong(expected, 9, rl::mo_acq_rel, RL_INFO, rl::mo_relaxed, RL_INFO);
      else x.compare_exchange(expected, 9, core::site::slot_take);
      is_older = expected == 0;
    }
  }
  void after() { reached = reached || is_older; }
};
struct platforms_word : platform<1, 1>::atomic<unsigned> {
  platforms_word() : platform<1, 1>::atomic<unsigned>(0) {}
};
TEST(Litmus, AFailedCompareAndSwapReadsOlderValuesOnlyInThePlatform) {
  EXPECT_FALSE(appears<failed_compare_and_swap<rl::atomic<unsigned>>>(exhaustive));
  EXPECT_TRUE(appears<failed_compare_and_swap<platforms_word>>(exhaustive));
  EXPECT_TRUE(appears<failed_compare_and_swap<platforms_word>>(full()));
}
/// The second store is no part of the release sequence of the first.
template <class Word>
struct stored_again : rl::test_suite<stored_again<Word>, 2> {
  Word x{};
  platform<1, 1>::var<int> plain{0};
  void before() {
    if constexpr (std::is_same_v<Word, rl::atomic<unsigned>>) x.store(0, rl::mo_relaxed, RL_INFO);
  }
  void thread(unsigned i) {
    if (i == 0) {
      plain.set(1);
      if constexpr (std::is_same_v<Word, rl::atomic<unsigned>>)
        x.store(1, rl::mo_release, RL_INFO), x.store(2, rl::mo_relaxed, RL_INFO);
      else x.store(1, core::site::flag_set), x.store(2, core::site::canceller_set);
    } else if constexpr (std::is_same_v<Word, rl::atomic<unsigned>>) {
      if (x.load(rl::mo_acquire, RL_INFO) == 2) plain.get();
    } else if (x.load(core::site::flag_poll) == 2) {
      plain.get();
    }
  }
};
TEST(Litmus, AStoreEndsTheReleaseSequenceOnlyInThePlatform) {
  EXPECT_EQ(run<stored_again<rl::atomic<unsigned>>>(exhaustive, "litmus").verdict, "SUCCESS");
  EXPECT_EQ(run<stored_again<platforms_word>>(exhaustive, "litmus").verdict, "DATA RACE");
}
template <core::site Site>
struct two_store : rl::test_suite<two_store<Site>, 2> {
  platforms_word x;
  void thread(unsigned i) { x.store(i, Site); }
};
TEST(Litmus, AStoreMustNotRaceUnlessItMay) {
  EXPECT_TRUE(run<two_store<core::site::hand_keep>>(exhaustive, "litmus").passed);
  EXPECT_FALSE(run<two_store<core::site::older_link>>(exhaustive, "litmus").passed);
}
TEST(Litmus, LoadBufferingIsABlindSpot) { EXPECT_FALSE(appears<load_buffering>(exhaustive)); }

/// Never seen in two million executions of Relacy's own generator.
struct one_back : rl::test_suite<one_back, 2>, two_words {
  void before() { two_words::before(); }
  void thread(unsigned i) {
    if (i == 0) {
      for (int k = 1; k <= 6; ++k) x.store(k, rl::mo_relaxed, RL_INFO);
      y.store(1, rl::mo_relaxed, RL_INFO);
    } else {
      a = y.load(rl::mo_relaxed, RL_INFO);
      b = x.load(rl::mo_relaxed, RL_INFO);
    }
  }
  void after() { reached = reached || (a == 1 && b == 5); }
};
TEST(SelfTest, NoTwoSeedsShareAStretch) {
  std::set<std::uint64_t> seen;
  for (rl::iteration_t s = 1; s <= 1000; ++s) {
    rl::random_generator g{};
    g.seed(s);
    for (int i = 0; i < 100; ++i) {
      std::uint64_t const two = g.rand();
      EXPECT_TRUE(seen.insert(two << 32 | g.rand()).second) << "seed " << s << ", number " << 2 * i;
    }
  }
}

TEST(SelfTest, TheRandomGeneratorIsReplaced) { EXPECT_TRUE(appears<one_back>(random_plan(300000))); }

/// One thread runs far between two steps of the other.
struct one_runs_far : rl::test_suite<one_runs_far, 2> {
  rl::atomic<int> x;
  int a = 0, b = 0;
  void before() { x.store(0, rl::mo_relaxed, RL_INFO); }
  void thread(unsigned i) {
    if (i == 0) {
      for (int k = 1; k <= 40; ++k) x.store(k, rl::mo_relaxed, RL_INFO);
    } else {
      a = x.load(rl::mo_relaxed, RL_INFO);
      b = x.load(rl::mo_relaxed, RL_INFO);
    }
  }
  void after() { reached = reached || b - a >= 36; }
};
TEST(SelfTest, TheRandomWalkGoesFar) { EXPECT_TRUE(appears<one_runs_far>(random_plan(20000))); }

struct freed : rl::test_suite<freed, 2> {
  rl::atomic<int>* p = nullptr;
  void before() {
    p = ::new (rl::rl_malloc(sizeof(*p), RL_INFO)) rl::atomic<int>;
    p->store(0, rl::mo_relaxed, RL_INFO);
  }
  void thread(unsigned i) {
    if (i == 0) {
      std::destroy_at(p);
      rl::rl_free(p, RL_INFO);
    } else {
      p->load(rl::mo_relaxed, RL_INFO);
    }
  }
};
TEST(SelfTest, UseAfterFreeIsSeen) {  // not without -fno-lifetime-dse
  outcome const o = run<freed>(exhaustive, "litmus");
  EXPECT_FALSE(o.passed);
  EXPECT_EQ(o.verdict, "ACCESS TO FREED MEMORY");
  EXPECT_FALSE(o.token.empty());
  EXPECT_NE(o.history.find("FREED"), std::string::npos) << o.history;
}

struct leaking : rl::test_suite<leaking, 1> {
  void thread(unsigned) { rl::rl_malloc(8, RL_INFO); }
};
TEST(SelfTest, LeaksAreSeen) { EXPECT_EQ(run<leaking>(exhaustive, "litmus").verdict, "MEMORY LEAK"); }

struct deleting : rl::test_suite<deleting, 1> {
  void thread(unsigned) { delete new int(1); }
};
TEST(SelfTest, DeleteWorks) {
  EXPECT_TRUE(run<deleting>(exhaustive, "litmus").passed);
}  // not without -fno-sized-deallocation

template <bool Yield>
struct spinning : rl::test_suite<spinning<Yield>, 2>, two_words {
  void before() { two_words::before(); }
  void thread(unsigned i) {
    if (i == 0) x.store(1, rl::mo_release, RL_INFO);
    else
      while (x.load(rl::mo_acquire, RL_INFO) == 0)
        if (Yield) rl::yield(1, RL_INFO);
  }
};
TEST(SelfTest, SpinsMustYield) {
  EXPECT_TRUE(run<spinning<true>>(exhaustive, "litmus").passed);
  EXPECT_EQ(run<spinning<false>>(exhaustive, "litmus").verdict, "LIVELOCK");
}

struct reading_a_dead_var : rl::test_suite<reading_a_dead_var, 2> {
  using P = platform<1, 1>;
  P::var<int>* v = nullptr;
  void before() { v = ::new (P::allocate(sizeof(*v))) P::var<int>(1); }
  void thread(unsigned i) {
    if (i == 0) (void)v->get();
    else {
      std::destroy_at(v);
      P::deallocate(v, 0);
    }
  }
};
TEST(SelfTest, DyingVarsRaceWithReaders) { EXPECT_FALSE(run<reading_a_dead_var>(exhaustive, "litmus").passed); }

TEST(SelfTest, ATokenReplaysTheSameFailure) {
  outcome const o = run<freed>(exhaustive, "litmus");
  plan p;
  p.replay = o.token.substr(o.token.find(' ') + 1);
  outcome const again = run<freed>(p, "litmus");
  EXPECT_EQ(again.verdict, o.verdict);
}

/// A small program made at random: a few operations each of two or three threads, on two words and on things that only
/// one of the threads may touch at a time or Relacy does not see.
template <rl::thread_id_t Threads>
struct some_program : rl::test_suite<some_program<Threads>, Threads> {
  using P = platform<1, 1>;
  enum class kind {
    load,
    store,
    add,
    exchange,
    swap_if_zero,
    wait,
    write_plain,
    read_plain,
    call,
    set_hint,
    get_hint,
    yield
  };
  struct operation {
    kind what;
    std::size_t word;
    rl::memory_order order;
  };
  static constexpr std::size_t longest = 4;
  static inline std::vector<operation> code[Threads];
  // No container that grows: memory that it allocates within an execution would be Relacy's.
  using outcome_t = std::array<signed char, longest * Threads + 8>;  // the values read, thread by thread, the last
                                                                     // values of the words, the calls
  static inline std::array<outcome_t, 8192> outcomes;
  static inline std::size_t count = 0;
  static std::set<outcome_t> take() {
    std::set<outcome_t> const all(outcomes.begin(), outcomes.begin() + static_cast<std::ptrdiff_t>(count));
    count = 0;
    return all;
  }
  /// `kinds`: only the first so many.
  static void make(std::mt19937& random, int kinds) {
    auto const pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    count = 0;
    for (auto& thread : code) {
      thread.clear();
      for (int n = 2 + pick(Threads == 2 ? 3 : 2); n > 0; --n) {
        kind const what = static_cast<kind>(pick(kinds));
        rl::memory_order const loads[] = {rl::mo_relaxed, rl::mo_acquire, rl::mo_seq_cst};
        rl::memory_order const stores[] = {rl::mo_relaxed, rl::mo_release, rl::mo_seq_cst};
        rl::memory_order const both[] = {rl::mo_relaxed, rl::mo_acq_rel, rl::mo_seq_cst};
        auto const& orders = what == kind::load || what == kind::wait ? loads : what == kind::store ? stores : both;
        thread.push_back({what, static_cast<std::size_t>(pick(2)), orders[pick(3)]});
      }
    }
  }

  rl::atomic<int> words[2];
  std::optional<P::var<int>> plain;
  std::optional<P::hint<int>> hint;
  outcome_t seen;
  std::size_t calls;
  void before() {
    now = execution{};
    now.lifetimes = true;
    seen.fill(-1);
    calls = longest * Threads + 2;
    for (auto& w : words) w.store(0, rl::mo_relaxed, RL_INFO);
    plain.emplace(0);
    hint.emplace(0);
  }
  int load(operation const& o) {
    rl::atomic<int>& w = words[o.word];
    announced const step(&w, false, o.order);
    return w.load(o.order, RL_INFO);
  }
  int run(operation const& o, int mine) {
    rl::atomic<int>& w = words[o.word];
    switch (o.what) {
      case kind::load: return load(o);
      case kind::wait: {
        int value = 0;
        P::await([&] { return (value = load(o)) != 0; });
        return value;
      }
      case kind::write_plain: plain->set(mine); return -1;
      case kind::read_plain: return plain->get();
      case kind::set_hint: hint->set(mine); return -1;
      case kind::get_hint: return hint->get();
      case kind::yield:
        the_reduction.touch_all();
        rl::yield(1, RL_INFO);
        return -1;
      case kind::call:
        the_reduction.touch(reduction::order_of_callbacks, true);
        if (calls < seen.size()) seen[calls++] = static_cast<signed char>(mine);
        return -1;
      default: break;
    }
    announced const step(&w, true, o.order);
    if (o.what == kind::store) w.store(mine, o.order, RL_INFO);
    if (o.what == kind::add) return w.fetch_add(1, o.order, RL_INFO);
    if (o.what == kind::exchange) return w.exchange(mine, o.order, RL_INFO);
    if (o.what == kind::swap_if_zero) {
      int zero = 0;
      compare_and_swap(w, zero, mine, o.order, RL_INFO);
      return zero;
    }
    return -1;
  }
  void thread(unsigned t) {
    int mine = 10 * static_cast<int>(t + 1);
    std::size_t at = longest * t;
    for (operation const& o : code[t]) seen[at++] = static_cast<signed char>(run(o, ++mine));
  }
  void after() {
    for (std::size_t w = 0; w < 2; ++w)
      seen[longest * Threads + w] = static_cast<signed char>(words[w].load(rl::mo_relaxed, RL_INFO));
    for (std::size_t i = 0; i < count; ++i)
      if (outcomes[i] == seen) return;
    require(count < outcomes.size(), "too many outcomes");
    outcomes[count++] = seen;
  }
};

int const atomics = 5, everything = 11, with_yields = 12;  // kinds

/// The same outcomes, or the same failure, with and without the reduction.
template <rl::thread_id_t Threads>
void compare_searches(unsigned seed, int programs, int kinds) {
  using program = some_program<Threads>;
  std::mt19937 random(seed);
  std::uint64_t all = 0, fewer = 0;
  for (int i = 0; i < programs; ++i) {
    program::make(random, kinds);
    plan whole{search::full};
    whole.executions = 3000000;
    outcome const a = run<program>(whole, "litmus");
    auto const expected = program::take();
    if (a.passed && !a.complete) continue;
    outcome const b = run<program>({search::reduced}, "litmus");
    auto const found = program::take();
    ASSERT_EQ(b.verdict, a.verdict) << "program " << i << a.history << b.history;
    if (!a.passed) continue;
    ASSERT_EQ(found, expected) << "program " << i;
    all += a.executions;
    fewer += b.executions;
  }
  if (kinds != with_yields) { EXPECT_LT(fewer * 2, all) << "the reduction reduces nothing"; }
  std::printf("  %llu executions instead of %llu\n", static_cast<unsigned long long>(fewer),
              static_cast<unsigned long long>(all));
}
int many(int programs) {  // CTS_LITMUS_SCALE=x multiplies the programs
  char const* const scale = std::getenv("CTS_LITMUS_SCALE");
  return scale != nullptr ? static_cast<int>(programs * std::atof(scale)) : programs;
}
TEST(SelfTest, TheReducedSearchReachesEveryOutcome) {
  compare_searches<3>(1, many(200), atomics);
  compare_searches<2>(2, many(200), atomics);
}
TEST(SelfTest, TheReducedSearchSeesRacesWaitsAndHiddenEffects) {
  compare_searches<3>(3, many(200), everything);
  compare_searches<2>(4, many(500), everything);
  compare_searches<3>(5, many(50), with_yields);  // these it leaves alone
  compare_searches<2>(6, many(100), with_yields);
}

/// A load that touches something hidden only if it returns the older value: it sleeps with that, also after it has been
/// woken for the newer one and put to sleep again.
struct hidden_behind_a_value : rl::test_suite<hidden_behind_a_value, 2> {
  static inline bool newer, older, older_and_hidden;  // the outcomes seen
  rl::atomic<int> word, other, unrelated;
  int hidden = 0;

  static void forget() { newer = older = older_and_hidden = false; }
  void before() {
    word.store(0, rl::mo_relaxed, RL_INFO);
    other.store(0, rl::mo_relaxed, RL_INFO);
    unrelated.store(0, rl::mo_relaxed, RL_INFO);
    hidden = 0;
  }
  void put(rl::atomic<int>& w) {
    announced const step(&w, true, rl::mo_relaxed);
    w.store(1, rl::mo_relaxed, RL_INFO);
  }
  int get(rl::atomic<int>& w) {
    announced const step(&w, false, rl::mo_relaxed);
    return w.load(rl::mo_relaxed, RL_INFO);
  }
  void thread(unsigned i) {
    if (i == 1) {
      put(word);
      put(other);
      the_reduction.touch(reduction::others, true);
      hidden = 1;
      return;
    }
    if (get(word) != 0) {
      newer = true;
    } else {
      the_reduction.touch(reduction::others, false);
      (hidden == 0 ? older : older_and_hidden) = true;
    }
    get(unrelated);  // so that its thread touches more than the load does
  }
};
TEST(SelfTest, TheReducedSearchRemembersWhatAnOlderValueTouched) {
  for (search const how : {search::full, search::reduced}) {
    hidden_behind_a_value::forget();
    outcome const o = run<hidden_behind_a_value>({how}, "litmus");
    EXPECT_TRUE(o.complete);
    EXPECT_TRUE(hidden_behind_a_value::newer && hidden_behind_a_value::older && hidden_behind_a_value::older_and_hidden)
        << (how == search::full ? "full" : "reduced") << " search, " << o.executions << " executions";
  }
}

/// A fault that changes nothing changes no model: not the outcome, not the number of executions.
TEST(SelfTest, AnIdleFaultIsNotSeen) {
  for (model const& m : catalogue()) {
    if (m.guarantee + "." + m.name != "G5.UnregisterXorRan") continue;
    the_world = {};
    outcome const without = m.run(full());
    the_world.faults.add(before(site::slot_take, [](step&) {}));
    outcome const with = m.run(full());
    the_world = {};
    EXPECT_TRUE(without.passed && with.passed) << with.verdict;
    EXPECT_EQ(without.executions, with.executions);
  }
}

/// The models of linearizability alone find defects that break a promise.
TEST(SelfTest, FindsWhatIsNotLinearizable) {
  for (char const* const name :
       {"no_recheck_of_top", "lose_on_failed_retract", "unregister_without_compare", "take_without_compare",
        "unregister_without_waiting", "scan_before_close", "refuse_without_flag", "flag_after_callbacks"}) {
    defect const* const broken = find_defect(name);
    ASSERT_NE(broken, nullptr) << name;
    the_world = {};
    broken->build(the_world);
    bool found = false;
    for (model const& m : catalogue()) {
      if (m.guarantee != "LIN" || found) continue;
      outcome const o = m.run(random_plan(20000));
      found =
          o.history.find("not linearizable") != std::string::npos || o.history.find("not visible") != std::string::npos;
    }
    EXPECT_TRUE(found) << name;
  }
  the_world = {};
}

}  // namespace
}  // namespace cts::models
