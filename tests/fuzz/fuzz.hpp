// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the fuzz targets share: bytes as input, and the end of a run that has found something.
///
/// A target is a function of bytes. It plays the operations that they stand for and ends the process if an answer is
/// not one that its oracle allows. libFuzzer runs it through LLVMFuzzerTestOneInput, replay_test.cpp on the files of
/// corpus/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace cts::fuzz {

using input_bytes = std::span<std::uint8_t const>;

/// The targets, by the names of their folders in corpus/.
void registry_target(input_bytes input);
void lanes_target(input_bytes input);
void classes_target(input_bytes input);
void stop_tokens_target(input_bytes input);

/// What has happened so far, for the report.
inline std::string& story() {
  static std::string text;
  return text;
}
/// Ends the process with what is wrong.
[[noreturn]] inline void complain(std::string const& what) {
  std::fprintf(stderr, "cts fuzz: %s\n%s", what.c_str(), story().c_str());
  std::fflush(stderr);
  std::abort();
}
inline void require(bool ok, char const* what) {
  if (!ok) complain(what);
}

/// Bytes read one after another; zeros after the last one.
class reader {
 public:
  explicit reader(input_bytes all) : all_(all) {}
  bool is_over() const { return at_ >= all_.size(); }
  unsigned next() { return is_over() ? 0 : all_[at_++]; }

 private:
  input_bytes all_;
  std::size_t at_ = 0;
};

/// An input of two parts: its first byte is the length of the first part. So a mutation of one part leaves the other as
/// it is.
struct two_parts {
  explicit two_parts(input_bytes all) {
    if (all.empty()) return;
    std::size_t const rest = all.size() - 1, n = all[0] < rest ? all[0] : rest;
    program = all.subspan(1, n);
    schedule = all.subspan(1 + n);
  }
  input_bytes program, schedule;
};

}  // namespace cts::fuzz
