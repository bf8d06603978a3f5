// SPDX-License-Identifier: BSL-1.0
/// @file
/// Records the operations of a Relacy execution, their results and their order by Relacy's own clocks.
#pragma once

#include <array>
#include <cstdlib>

#include "linearizability.hpp"
#include "platform.hpp"

namespace cts::models {

/// Happens-before, from the clocks by which Relacy finds data races.
class recorder {
 public:
  static constexpr unsigned most_threads = 8;
  using clock = std::array<std::uint64_t, most_threads>;

  explicit recorder(unsigned threads) : threads_(threads) {}
  void clear() { count_ = 0; }

  /// The calling thread's knowledge of the others. Taken before an operation.
  clock now_known() const {
    clock c{};
    for (unsigned t = 0; t < threads_; ++t) c[t] = rl::ctx().threadx_->acq_rel_order_[t];
    return c;
  }
  /// The calling thread did that just now, having known `before` when it began.
  void add(did what, unsigned callback, clock const& before) {
    rl::thread_info_base& me = *rl::ctx().threadx_;
    me.own_acq_rel_order_ += 1;  // as a write to a plain variable: a thread that knows of it knows of all before
    if (count_ == operations::most) std::abort();
    events_[count_++] = {what, callback, static_cast<unsigned>(me.index_), me.own_acq_rel_order_, before};
  }
  /// Whether the calling thread knows that this has happened.
  bool known(did what, unsigned callback) const {
    clock const c = now_known();
    for (std::size_t i = 0; i < count_; ++i)
      if (events_[i].what == what && events_[i].callback == callback) return events_[i].end <= c[events_[i].thread];
    return false;
  }
  bool happened(did what, unsigned callback) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (events_[i].what == what && events_[i].callback == callback) return true;
    return false;
  }

  operations history() const {
    operations h;
    for (std::size_t i = 0; i < count_; ++i) {
      event const& e = events_[i];
      std::uint64_t after = 0;
      for (std::size_t k = 0; k < h.size(); ++k)
        if (events_[k].end <= e.before[events_[k].thread]) after |= std::uint64_t{1} << k;
      h.add(e.what, e.callback, e.thread, after);
    }
    return h;
  }

 private:
  struct event {
    did what;
    unsigned callback;
    unsigned thread;
    std::uint64_t end;
    clock before;
  };
  unsigned threads_;
  // No memory of the heap: within an execution it would be Relacy's.
  std::array<event, operations::most> events_;
  std::size_t count_ = 0;
};

}  // namespace cts::models
