// SPDX-License-Identifier: BSL-1.0
/// @file
/// The history of a run as the specification of LIN reads it (models/checker/linearizability.hpp): a run is right if a
/// registry that does one thing at a time could have answered so, in an order that keeps each operation after those
/// that had ended before it began.
#pragma once

#include <cstdint>

#include "../../models/checker/linearizability.hpp"
#include "fuzz.hpp"

namespace cts::fuzz {

using models::did;

class history {
 public:
  /// Whether there is room for another operation, and for all that those in progress may still add.
  bool has_room() const { return ops_.size() + 36 < models::operations::most; }
  /// What has ended by now: taken when an operation begins.
  std::uint64_t now() const { return (std::uint64_t{1} << ops_.size()) - 1; }
  /// The operation that began at `begun` has ended.
  void add(did what, std::size_t callback, std::size_t thread, std::uint64_t begun) {
    if (ops_.size() + 1 == models::operations::most) complain("the history is too long for the specification");
    ops_.add(what, static_cast<unsigned>(callback), static_cast<unsigned>(thread), begun);
  }
  void check() const {
    if (!ops_.linearizable()) complain("no sequential registry answers so:\n" + ops_.print());
  }

 private:
  models::operations ops_;
};

}  // namespace cts::fuzz
