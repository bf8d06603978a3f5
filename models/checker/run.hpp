// SPDX-License-Identifier: BSL-1.0
/// @file
/// Runs a model by a plan. A failing execution is run again from its token, for the history.
#pragma once

#include "schedulers.hpp"

namespace cts::models {

template <class Suite>
outcome run(plan const& p, std::string const& name) {
  constexpr rl::thread_id_t n = Suite::params::thread_count;
  using model = phased<Suite>;
  std::ostream nowhere(nullptr);
  rl::test_params params;
  params.output_stream = &nowhere;
  params.progress_stream = &nowhere;
  params.execution_depth_limit = 10000;  // more steps are a livelock
  if constexpr (requires { Suite::livelock_after; }) params.execution_depth_limit = Suite::livelock_after;
  params.context_bound = p.how == search::bounded ? p.context_bound : ~0u;
  newest_of = &newest_among<n>;
  reducing = p.how == search::reduced;
  the_reduction.reuse = !reducing;
  the_reduction.reused = the_reduction.unfit = false;
  // Of Relacy's searches only the random ones let a load go back two stores, and not one: so the full ones call
  // themselves random.
  params.search_type = p.how == search::bounded || p.one_back ? rl::sched_bound : rl::sched_random;
  the_reduction.values = p.one_back ? 2 : static_cast<unsigned>(rl::atomic_history_size);
  outcome o;
  std::string token = p.replay;
  if (token.empty()) {
    the_meter = meter{};
    the_meter.name = name;
    the_meter.limit = p.how == search::random ? 0 : p.executions;
    the_meter.seconds = p.seconds;
    rl::ostringstream state;
    rl::test_result_e result;
    if (p.how == search::random) {
      params.initial_state = (std::to_string(p.first) + " ").c_str();
      params.iteration_count = p.first + p.executions - 1;
      result = rl::run_test<model, walk_scheduler<n>>(params, state, false);
      the_meter.count = result == rl::test_result_success ? p.executions : params.stop_iteration - p.first + 1;
    } else {
      result = rl::run_test<model, tree_scheduler<n>>(params, state, false);
      while (result == rl::test_result_success && begin_anew()) {
        the_reduction.reuse = true;
        reducing = !the_reduction.unfit;
        result = rl::run_test<model, tree_scheduler<n>>(params, state, false);
      }
      if (result != rl::test_result_success || !the_meter.cut) the_meter.count += 1;
    }
    o.executions = the_meter.count;
    o.seconds = the_meter.elapsed();
    o.passed = result == rl::test_result_success;
    o.complete = o.passed && (!the_meter.cut || (p.executions != 0 && the_meter.count >= p.executions));
    o.verdict = rl::test_result_str(result);
    if (o.passed) return o;
    token = state.str().c_str();
    o.token = letter(p) + token;
  }
  reducing = false;
  rl::ostringstream text, ignored;
  params.initial_state = token.c_str();
  params.collect_history = true;
  params.output_history = false;
  params.output_stream = &text;
  params.iteration_count = std::strtoull(token.c_str(), nullptr, 10);  // a passing execution ends the search too
  rl::test_result_e const again = p.how == search::random
                                      ? rl::run_test<model, walk_scheduler<n>>(params, ignored, false)
                                      : rl::run_test<model, tree_scheduler<n>>(params, ignored, false);
  o.history = text.str().c_str();
  if (!p.replay.empty()) {
    o.passed = again == rl::test_result_success;
    o.verdict = rl::test_result_str(again);
  }
  return o;
}

}  // namespace cts::models
