// SPDX-License-Identifier: BSL-1.0
/// @file
/// The checker of linearizability itself, on histories made by hand: answers that a registry may give, and answers that
/// it must not.
#include "../../models/checker/linearizability.hpp"

#include <gtest/gtest.h>

namespace {

using cts::models::did;
using cts::models::operations;

/// Operations by number: `after` are bits. Each is of a thread of its own, unless told otherwise.
struct history : operations {
  std::size_t of(unsigned thread, did what, unsigned callback = 0, std::uint64_t after = 0) {
    return add(what, callback, thread, after);
  }
};

TEST(LinearizabilityChecker, AcceptsAnEmptyHistory) { EXPECT_TRUE(history().linearizable()); }

TEST(LinearizabilityChecker, AcceptsOneThingAfterAnother) {
  history h;
  h.of(0, did::read_clear);
  h.of(0, did::registered, 0);
  h.of(0, did::registered, 1);
  h.of(0, did::removed, 0);
  h.of(0, did::not_removed, 0);
  h.of(0, did::won);
  h.of(0, did::took, 1);
  h.of(0, did::ran, 1);
  h.of(0, did::finished);
  h.of(0, did::read_set);
  h.of(0, did::refused, 0);
  h.of(0, did::lost);
  EXPECT_TRUE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsALostCallback) {
  history h;
  h.of(0, did::registered, 0);
  h.of(1, did::won);
  h.of(1, did::finished);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, ARegistrationThatOverlapsMayBeBeforeOrRefused) {
  for (did const answer : {did::registered, did::refused}) {
    history h;
    h.of(0, answer, 0);
    h.of(1, did::won);
    if (answer == did::registered) {
      h.of(1, did::took, 0);
      h.of(1, did::ran, 0);
    }
    h.of(1, did::finished);
    EXPECT_TRUE(h.linearizable());
  }
}

TEST(LinearizabilityChecker, FindsARegistrationAfterCancel) {
  history h;
  std::size_t const won = h.of(1, did::won);
  h.of(0, did::registered, 0, std::uint64_t{1} << won);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsARefusalWithoutACancel) {
  history h;
  h.of(0, did::refused, 0);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsUnregisteredAndRan) {
  history h;
  h.of(0, did::registered, 0);
  h.of(0, did::removed, 0);
  h.of(1, did::won);
  h.of(1, did::took, 0);
  h.of(1, did::ran, 0);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsTwoRuns) {
  history h;
  h.of(0, did::registered, 0);
  h.of(1, did::won);
  h.of(1, did::took, 0);
  h.of(1, did::ran, 0);
  h.of(1, did::took, 0);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsTwoUnregistrations) {
  history h;
  std::uint64_t const first = std::uint64_t{1} << h.of(0, did::registered, 0);
  h.of(0, did::removed, 0);
  h.of(1, did::removed, 0, first);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsAFailedUnregistrationOfWhatIsThere) {
  history h;
  h.of(0, did::registered, 0);
  h.of(0, did::not_removed, 0);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsTwoWinners) {
  history h;
  h.of(0, did::won);
  h.of(1, did::won);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsAFlagThatGoesBack) {
  history h;
  h.of(1, did::won);
  h.of(0, did::read_set);
  h.of(0, did::read_clear);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, FindsAWaitThatDidNotWait) {
  history h;
  h.of(0, did::registered, 0);
  h.of(1, did::won);
  std::size_t const took = h.of(1, did::took, 0);
  std::size_t const waited = h.of(0, did::waited, 0, std::uint64_t{1} << took);
  h.of(1, did::ran, 0, std::uint64_t{1} << waited);
  EXPECT_FALSE(h.linearizable());
}

TEST(LinearizabilityChecker, AWaitTakesBackOrComesAfterTheEnd) {
  history h;
  h.of(0, did::registered, 0);
  h.of(0, did::registered, 1);
  h.of(0, did::waited, 0);
  h.of(1, did::won);
  h.of(1, did::took, 1);
  h.of(1, did::ran, 1);
  h.of(1, did::finished);
  h.of(0, did::waited, 1);
  EXPECT_TRUE(h.linearizable());
}

TEST(LinearizabilityChecker, SearchesOrdersThatAreNotTheRecorded) {
  history h;
  h.of(0, did::read_set);  // recorded first, and possible only last
  h.of(1, did::registered, 0);
  h.of(1, did::removed, 0);
  h.of(2, did::won);
  h.of(2, did::finished);
  EXPECT_TRUE(h.linearizable());
}

TEST(LinearizabilityChecker, TakesAtMost64Operations) {
  history h;
  for (std::size_t i = 0; i < operations::most; ++i) h.of(0, did::read_clear);
  EXPECT_TRUE(h.linearizable());
  EXPECT_THROW(h.of(0, did::read_clear), std::length_error);
  EXPECT_EQ(h.size(), operations::most);
}

TEST(LinearizabilityChecker, PrintsWhatItRead) {
  history h;
  h.of(0, did::registered, 3);
  h.of(0, did::won);
  EXPECT_EQ(h.print(), "0: thread 0: callback 3 registered, after\n1: thread 0: canceled, after 0\n");
}

}  // namespace
