// SPDX-License-Identifier: BSL-1.0
// G17: the lists of the timer service: jobs (W5) and library threads.
#include "cts/detail/timers/background_jobs.hpp"
#include "cts/detail/timers/crew_workers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "cts/core/platform.hpp"

namespace cts::test {
namespace {

struct job : detail::background_job {
  job() : background_job([](background_job&) noexcept {}) {}
};
/// The positions in `all` of the jobs that are still in the queue; it is empty afterwards.
std::vector<std::size_t> rest_of(detail::job_queue& q, std::array<job, 4> const& all) {
  std::vector<std::size_t> found;
  while (detail::background_job const* const j = q.pop())
    found.push_back(static_cast<std::size_t>(static_cast<job const*>(j) - all.data()));
  EXPECT_TRUE(q.is_empty());
  return found;
}
TEST(JobQueue, IsFirstInFirstOut) {
  std::array<job, 4> all;
  detail::job_queue q;
  EXPECT_TRUE(q.is_empty());
  EXPECT_EQ(q.pop(), nullptr);
  for (int round = 0; round < 2; ++round) {
    for (job& j : all) q.push(j);
    EXPECT_FALSE(q.is_empty());
    EXPECT_EQ(rest_of(q, all), (std::vector<std::size_t>{0, 1, 2, 3}));
  }
}
TEST(JobQueue, AnyJobCanBeTakenOutAndOthersComeAfterwards) {
  for (std::size_t out = 0; out < 3; ++out) {
    std::array<job, 4> all;
    detail::job_queue q;
    for (std::size_t i = 0; i < 3; ++i) q.push(all[i]);
    EXPECT_TRUE(q.remove(all[out]));
    EXPECT_FALSE(q.remove(all[out])) << "it is not there any more";
    q.push(all[3]);
    std::vector<std::size_t> expected{0, 1, 2, 3};
    std::erase(expected, out);
    EXPECT_EQ(rest_of(q, all), expected);
  }
  std::array<job, 4> all;
  detail::job_queue q;
  q.push(all[0]);
  EXPECT_TRUE(q.remove(all[0]));
  EXPECT_TRUE(q.is_empty());
  q.push(all[1]);
  EXPECT_EQ(rest_of(q, all), std::vector<std::size_t>{1});
}

TEST(CrewWorkers, FindTheCallingThreadAndWhoRunsACallback) {
  detail::crew_workers<core::std_platform> crew;
  detail::crew_worker other(1), mine(core::std_platform::this_thread()), third(2);
  EXPECT_EQ(crew.find_calling(), nullptr);
  crew.add(other);
  EXPECT_EQ(crew.find_calling(), nullptr);
  crew.add(mine);
  crew.add(third);
  EXPECT_EQ(crew.find_calling(), &mine);
  EXPECT_FALSE(crew.stop_waits_for_callback());
  other.is_busy = true;
  EXPECT_TRUE(crew.stop_waits_for_callback());
  EXPECT_TRUE(crew.stop_waits_for_callback(&mine));
  EXPECT_FALSE(crew.stop_waits_for_callback(&other));
  other.has_called_stop = true;
  EXPECT_FALSE(crew.stop_waits_for_callback());
  crew.remove(mine);
  EXPECT_EQ(crew.find_calling(), nullptr);
  crew.remove(third);
  crew.remove(other);
  EXPECT_FALSE(crew.stop_waits_for_callback());
}
TEST(CrewWorkers, KeepTheCallingThreadAloneAfterAFork) {
  detail::crew_workers<core::std_platform> crew;
  detail::crew_worker older(1), mine(core::std_platform::this_thread()), newer(2);
  older.is_busy = newer.is_busy = true;
  mine.is_blocked = true;
  for (detail::crew_worker* const w : {&older, &mine, &newer}) crew.add(*w);
  EXPECT_EQ(crew.keep_calling(), &mine);
  EXPECT_FALSE(mine.is_blocked) << "there is no other keeper in the child";
  EXPECT_FALSE(crew.stop_waits_for_callback()) << "threads of the parent are still there";
  EXPECT_EQ(crew.find_calling(), &mine);
  crew.remove(mine);
  EXPECT_EQ(crew.keep_calling(), nullptr);
}

}  // namespace
}  // namespace cts::test
