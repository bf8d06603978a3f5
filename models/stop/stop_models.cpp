// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of stop states (G28): the counts of sources, tokens and callbacks (K1 to K4, K6), and stop requests
/// beside the ends of all of them (K5).
#include "stop/stage.hpp"

namespace cts::models::stop {
namespace {

struct tokens : rl::test_suite<tokens, 2>, scene {
  void before() {
    open(1, 2);
    end_source();
  }
  void thread(unsigned) { copy_and_end(); }
  void after() { close(); }
};
add<tokens> const add_tokens("G28", "TokensOfTwoThreads",
                             "two threads copy and drop tokens: the last one frees the state (K1)", full(), 0);

struct source_vs_token : rl::test_suite<source_vs_token, 2>, scene {
  void before() { open(1, 1); }
  void thread(unsigned i) {
    if (i == 1) return copy_and_end();
    use();
    end_source();
  }
  void after() { close(); }
};
add<source_vs_token> const add_source_vs_token("G28", "SourceVersusToken",
                                               "a source ends beside a token: freed once, after all use (K1, K4)",
                                               full(), 0);
add<of_shared<source_vs_token>> const add_shared_vs_token("G28", "SharedSourceVersusToken",
                                                          "the same with a shared source (K6)", full(), 0);

struct sources : rl::test_suite<sources, 2>, scene {
  void before() { open(2, 0); }
  void thread(unsigned) {
    copy_source();
    end_source();
    copy_token();
    end_source();
    end_token();
  }
  void after() { close(); }
};
add<sources> const add_sources("G28", "SourcesOfTwoThreads",
                               "two threads copy and drop sources: the last owner frees the state (K1, K2)", full(), 0);
add<of_shared<sources>> const add_shared_sources("G28", "SharedSourcesOfTwoThreads",
                                                 "the same with a shared source: its last source ends the stripes (K6)",
                                                 full(), 0);

struct three_owners : rl::test_suite<three_owners, 3>, scene {
  void before() { open(1, 2); }
  void thread(unsigned i) {
    if (i == 1) end_source();
    else copy_and_end();
  }
  void after() { close(); }
};
add<three_owners> const add_three_owners("G28", "ThreeOwners",
                                         "two threads copy and drop tokens while the source ends (K1, K4)", full(),
                                         1000000);
add<of_shared<three_owners>> const add_three_of_shared("G28", "ThreeOwnersOfASharedSource",
                                                       "the same with two threads of one stripe (K6)", full(), 1000000);

/// Thread 0 takes the references in its stripe; the others drop them in theirs.
struct handed_over : rl::test_suite<handed_over, 3>, scene {
  baton taken;
  void before() {
    stripes = 2;
    open(2, 0);
    taken.reset();
  }
  void thread(unsigned i) {
    if (i == 2) return end_source();
    if (i == 0) {
      copy_token();
      taken.pass(1);
      return end_source();
    }
    P::await([this] { return taken.get() != 0; });
    end_token();
  }
  void after() { close(); }
};
add<handed_over> const add_handed_over("G28", "DroppedInAnotherStripe",
                                       "a token that one thread took is dropped by another while two sources end (K6)",
                                       full(), 1000000);

/// What a token says while its last source makes a request and ends.
struct possible_vs_request : rl::test_suite<possible_vs_request, 2>, scene {
  void before() { open(1, 1); }
  void thread(unsigned i) {
    if (i == 0) {
      require(s->request_stop(), "the only request did not win");
      return end_source();
    }
    require(possible(), "no stop is possible, but one was requested (K3)");
    end_token();
  }
  void after() { close(); }
};
add<possible_vs_request> const add_possible_vs_request("G28", "PossibleVersusTheLastRequest",
                                                       "a token that finds no source sees the last one's request (K3)",
                                                       full(), 0);
add<of_shared<possible_vs_request>> const add_possible_of_shared("G28", "PossibleOfASharedSource",
                                                                 "the same with a shared source (K6)", full(), 0);

struct possible_vs_end : rl::test_suite<possible_vs_end, 2>, scene {
  void before() { open(1, 2); }
  void thread(unsigned i) {
    if (i == 0) {
      copy_source();
      end_source();
      require(possible(), "no stop is possible, but there is a source (K3)");
      return end_source();
    }
    bool const before = possible();
    require(before || !possible(), "a stop is possible again (K3)");
    end_token();
  }
  void after() {
    require(!possible(), "a stop is possible without a source (K3)");
    end_token();
    close();
  }
};
add<possible_vs_end> const add_possible_vs_end(
    "G28", "PossibleVersusTheLastSource",
    "a stop is possible while there is a source, and never again after the last one (K3)", full(), 0);

/// The thread that requests is not the one whose source ends last.
struct possible_vs_two : rl::test_suite<possible_vs_two, 3>, scene {
  void before() { open(2, 1); }
  void thread(unsigned i) {
    if (i == 2) {
      require(possible(), "no stop is possible, but one was requested (K3)");
      return end_token();
    }
    if (i == 0) s->request_stop();
    end_source();
  }
  void after() { close(); }
};
add<possible_vs_two> const add_possible_vs_two("G28", "PossibleVersusTwoSources",
                                               "one source makes a request, another one ends last (K3)", full(),
                                               1000000);
add<of_shared<possible_vs_two>> const add_possible_vs_two_shared("G28", "PossibleVersusTwoSharedSources",
                                                                 "the same with a shared source (K6)", full(), 1000000);

// --- requests ---

struct request_vs_token : rl::test_suite<request_vs_token, 2>, scene {
  void before() {
    open(1, 1);
    add_callback(0);
    make_callback(0);
  }
  void thread(unsigned i) {
    if (i == 1) return copy_and_end();
    require(s->request_stop(), "the only request did not win");
    require(runs[0]->get() == 1, "the callback did not run");
    end_callback(0);
    end_source();
  }
  void after() { close(); }
};
add<request_vs_token> const add_request_vs_token("G28", "RequestVersusToken",
                                                 "a token is copied and dropped beside a request (K1)", full(), 0);

struct two_requests : rl::test_suite<two_requests, 2>, scene {
  bool won[2] = {};
  void before() {
    open(2, 0);
    add_callback(0);
    make_callback(0);
  }
  void thread(unsigned i) {
    won[i] = s->request_stop();
    require(s->stop_requested(), "requested, but the flag is clear");
    if (won[i]) end_callback(0);
    end_source();
  }
  void after() {
    require(won[0] != won[1], "not one request won");
    require(runs[0]->get() == 1, "the callback did not run once");
    close();
  }
};
add<two_requests> const add_two_requests("G28", "TwoRequests",
                                         "two sources request and end: one wins, the callback runs once (K1)", full(),
                                         0);

/// The callback ends the last source, and itself. It stands in the frame of the request, which owns the state (K5).
struct source_ends : rl::test_suite<source_ends, 2>, scene {
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
  void thread(unsigned i) {
    if (i == 1) return copy_and_end();
    require(s->request_stop(), "the only request did not win");
  }
  void after() {
    require(runs[0]->get() == 1, "the callback did not run once");
    close();
  }
};
add<source_ends> const add_source_ends("G28", "CallbackEndsTheSource",
                                       "a callback ends its registration and the last source beside a token (K5)",
                                       full(), 0);
add<of_shared<source_ends>> const add_shared_ends("G28", "CallbackEndsTheSharedSource",
                                                  "the same with a shared source (K5, K6)", full(), 0);

/// Two sources end in the callback: the second one finds that the request holds the first one's count.
struct two_sources_end : rl::test_suite<two_sources_end, 2>, scene {
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
  void thread(unsigned i) {
    if (i == 0) {
      require(s->request_stop(), "the only request did not win");
      return end_callback(0);
    }
    require(possible(), "no stop is possible, but a source or its request is there");
    end_token();
  }
  void after() { close(); }
};
add<two_sources_end> const add_two_sources_end("G28", "CallbackEndsTwoSources",
                                               "a callback ends two sources beside a token (K5)", full(), 0);

/// A thread that does not run the callbacks ends its own source while they run: it leaves nothing to the request.
struct other_source_ends : rl::test_suite<other_source_ends, 2>, scene {
  void before() {
    open(2, 0);
    add_callback(0);
    make_callback(0);
    then = [this] { end_source(); };
  }
  void thread(unsigned i) {
    if (i == 1) return end_source();
    require(s->request_stop(), "the only request did not win");
    end_callback(0);
  }
  void after() { close(); }
};
add<other_source_ends> const add_other_source_ends("G28", "AnotherSourceEndsBesideTheCallback",
                                                   "a source ends beside the callback that ends another one (K5)",
                                                   full(), 0);
add<of_shared<other_source_ends>> const add_other_shared_ends("G28", "AnotherSharedSourceEnds",
                                                              "the same with a shared source (K5, K6)", full(), 0);

/// A stop_callback comes and goes beside the request.
struct callback_vs_request : rl::test_suite<callback_vs_request, 2>, scene {
  void before() {
    open(1, 1);
    add_callback(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      require(s->request_stop(), "the only request did not win");
      return end_source();
    }
    make_callback(0);
    end_callback(0);
    end_token();
  }
  void after() { close(); }
};
add<callback_vs_request> const add_callback_vs_request(
    "G28", "CallbackVersusRequest", "a callback comes and goes beside a request and the source's end (K1)", full(), 0);
add<of_shared<callback_vs_request>> const add_callback_vs_shared("G28", "CallbackVersusRequestOfASharedSource",
                                                                 "the same with a shared source (K6)", full(), 0);

struct takes_the_token : rl::test_suite<takes_the_token, 2>, scene {
  void before() {
    open(1, 1);
    add_callback(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      require(s->request_stop(), "the only request did not win");
      return end_source();
    }
    make_callback_of_token(0);
    end_callback(0);
  }
  void after() { close(); }
};
add<takes_the_token> const add_takes_the_token("G28", "CallbackTakesTheToken",
                                               "a callback that owns the state in the place of its token (K1)", full(),
                                               0);

/// The callback that ends the source beside one that comes and goes, and a token.
struct all_at_once : rl::test_suite<all_at_once, 3>, scene {
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
  void thread(unsigned i) {
    if (i == 0) {
      require(s->request_stop(), "the only request did not win");
      return;
    }
    if (i == 1) {
      make_callback(1);
      end_callback(1);
    }
    end_token();
  }
  void after() { close(); }
};
add<all_at_once> const add_all_at_once("G28", "AllAtOnce",
                                       "a callback ends the source while another one comes and goes (K1, K5)", full(),
                                       1000000);

}  // namespace
}  // namespace cts::models::stop
