// SPDX-License-Identifier: BSL-1.0
/// @file
/// The questions that versions_test.cpp asks each version of cts in its program. No type of cts occurs here, because
/// each version has its own.
#pragma once

struct version_part {
  int version;
  int checked;
  char const* type;             ///< a name that the compiler gives cts::cancellation_token
  int (*callbacks_that_ran)();  ///< runs three callbacks of three kinds; how many ran
  bool (*canceled_by_timer)();
  bool (*set_sink)(bool other);  ///< installs an error sink, or none; whether there was one before
};

version_part const& released_version();
version_part const& checked_version();
version_part const& next_version();
