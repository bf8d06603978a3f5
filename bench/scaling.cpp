// SPDX-License-Identifier: BSL-1.0
/// @file
/// How a token that many threads use scales: nanoseconds of an operation of one thread, for 1, 2, 4 … threads that do
/// the same at once on one source. Needs no other file and no library on the machine that runs it:
///
///     cts_scaling [rounds [milliseconds [most threads [peer]]]]        15, 20, all processors, all peers
///
/// All measurements of a round follow each other, so a change of the machine's speed reaches all of them. The medians
/// of the rounds are printed, and each one's ratio to that of one thread. The slowest thread of a round counts.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "peer.hpp"

#define CTS_BENCH_PEER(id) extern "C" cts::bench::peer const* cts_bench_peer_##id();
#include "scaling_peers.inc"
#undef CTS_BENCH_PEER

#if defined(__linux__)
#include <sched.h>
#endif

namespace {

using cts::bench::axis;
using cts::bench::peer;
using cts::bench::shape;
using clock_type = std::chrono::steady_clock;

constexpr char const* axes[] = {"pair", "token_copy", "poll"};

axis const* find(peer const& p, std::string_view name) {
  auto const* const end = p.axes + p.count;
  auto const* const found =
      std::find_if(p.axes, end, [name](axis const& a) { return std::string_view(a.name) == name; });
  return found == end ? nullptr : found;
}

/// The processors that this process may use, which are not all that there are.
unsigned processors() {
#if defined(__linux__)
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof mine, &mine) == 0) return static_cast<unsigned>(CPU_COUNT(&mine));
#endif
  return (std::max)(1u, std::thread::hardware_concurrency());
}

/// Nanoseconds of one operation of the slowest of `threads` threads.
double measure(axis const& a, unsigned threads, std::chrono::milliseconds time) {
  constexpr std::size_t batch = 1024;
  shape s;
  s.threads = threads;
  void* const stage = a.open(s);
  std::atomic<unsigned> here{0};
  std::vector<double> each(threads);
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      a.run(stage, t, batch);  // caches, and the thread's own memory
      ++here;
      while (here.load() != threads) std::this_thread::yield();
      auto const start = clock_type::now();
      auto const end = start + time;
      std::size_t n = 0;
      auto now = start;
      for (; now < end; now = clock_type::now(), n += batch) a.run(stage, t, batch);
      each[t] = std::chrono::duration<double, std::nano>(now - start).count() / static_cast<double>(n);
      ++here;
      while (here.load() < 2 * threads) a.run(stage, t, 1);  // nobody is measured alone
    });
  for (auto& t : all) t.join();
  a.close(stage);
  return *std::max_element(each.begin(), each.end());
}

struct row {
  peer const* of;
  axis const* what;
  std::vector<std::vector<double>> figures;  // by number of threads, then by round
};

double median(std::vector<double>& v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  auto const argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
  int const rounds = (std::max)(1, argument(1, 15));
  std::chrono::milliseconds const time((std::max)(1, argument(2, 20)));
  auto const most = static_cast<unsigned>((std::max)(1, argument(3, static_cast<int>(processors()))));
  std::string_view const only = argc > 4 ? argv[4] : "";
  std::vector<unsigned> threads;
  for (unsigned n = 1; n < most; n *= 2) threads.push_back(n);
  threads.push_back(most);

  peer const* const peers[] = {
#define CTS_BENCH_PEER(id) cts_bench_peer_##id(),
#include "scaling_peers.inc"
#undef CTS_BENCH_PEER
  };
  for (char const* const name : axes) {
    std::vector<row> rows;
    for (peer const* const p : peers) {
      axis const* const a = find(*p, name);
      if (a == nullptr || std::string_view(p->id).find(only) == std::string_view::npos) continue;
      rows.push_back({p, a, std::vector<std::vector<double>>(threads.size())});
    }
    for (int i = 0; i < rounds; ++i)
      for (row& r : rows)
        for (std::size_t n = 0; n < threads.size(); ++n)
          if (threads[n] == 1 || !r.of->one_owner) r.figures[n].push_back(measure(*r.what, threads[n], time));
    std::printf("\n%s on one source, ns (ratio to one thread), %d rounds\n| |", name, rounds);
    for (unsigned const n : threads) std::printf(" %u |", n);
    std::printf("\n|---|");
    for (std::size_t n = 0; n < threads.size(); ++n) std::printf("---:|");
    std::printf("\n");
    for (row& r : rows) {
      std::printf("| %s |", r.of->name);
      double alone = 0;
      for (std::size_t n = 0; n < threads.size(); ++n) {
        if (r.figures[n].empty()) {
          std::printf(" |");
          continue;
        }
        double const m = median(r.figures[n]);
        if (n == 0) alone = m;
        std::printf(" %.1f (%.2f) |", m, m / alone);
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }
  return 0;
}
