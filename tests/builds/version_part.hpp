// SPDX-License-Identifier: BSL-1.0
/// @file
/// What versions_test.cpp asks each version of cts that its program contains. No type of cts in it: those are different
/// ones.
#pragma once

struct version_part {
  int version;
  int checked;
  char const* type;             ///< a name that the compiler gives cts::cancellation_token
  int (*callbacks_that_ran)();  ///< of three, of three kinds
  bool (*canceled_by_timer)();
  bool (*set_sink)(bool other);  ///< installs an error sink or takes it away; whether there was one before
};

version_part const& released_version();
version_part const& checked_version();
version_part const& next_version();
