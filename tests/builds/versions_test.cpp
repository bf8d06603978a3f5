// SPDX-License-Identifier: BSL-1.0
/// @file
/// One program contains this version, its checked configuration, and a copy of the headers under the next version's
/// number.
#include <gtest/gtest.h>

#include <string>

#include "version_part.hpp"
#include "cts/version.hpp"

namespace {

#define CTS_TEXT(x) CTS_TEXT_OF(x)
#define CTS_TEXT_OF(x) #x

TEST(Version, IsThatOfTheProject) {
  EXPECT_STREQ(CTS_TEXT(CTS_VERSION_MAJOR) "." CTS_TEXT(CTS_VERSION_MINOR) "." CTS_TEXT(CTS_VERSION_PATCH),
               CTS_PROJECT_VERSION);
  EXPECT_EQ(CTS_VERSION, CTS_VERSION_MAJOR * 10000 + CTS_VERSION_MINOR * 100 + CTS_VERSION_PATCH);
}

TEST(Version, NamesTheInlineNamespace) {
  std::string name = "v" CTS_TEXT(CTS_VERSION_MAJOR) "_" CTS_TEXT(CTS_VERSION_MINOR);
  if (CTS_CHECKED) name += "_checked";
  EXPECT_EQ(CTS_TEXT(CTS_ABI), name);
}

TEST(Versions, CoexistInOneProgram) {
  version_part const* const all[] = {&released_version(), &checked_version(), &next_version()};
  EXPECT_EQ(released_version().version, CTS_VERSION);
  EXPECT_EQ(next_version().version, CTS_VERSION + 100);
  EXPECT_EQ(released_version().checked, 0);
  EXPECT_EQ(checked_version().checked, 1);
  for (version_part const* const part : all) {
    EXPECT_EQ(part->callbacks_that_ran(), 3) << part->type;
    EXPECT_TRUE(part->canceled_by_timer()) << part->type;
  }
}

TEST(Versions, ShareNothing) {
  version_part const* const all[] = {&released_version(), &checked_version(), &next_version()};
  for (version_part const* const part : all) {
    EXPECT_FALSE(part->set_sink(true)) << part->type << " has the error sink of another version";
    for (version_part const* const other : all) {
      if (part != other) { EXPECT_STRNE(part->type, other->type); }
    }
  }
  for (version_part const* const part : all) EXPECT_TRUE(part->set_sink(false)) << part->type;
}

}  // namespace
