// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts/dump.hpp: each word of its format, and that it may be called beside everything else.
#include "cts/dump.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ios>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>
#include <streambuf>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cts/cts.hpp"

namespace {

using namespace std::chrono_literals;
using source = cts::cancellation_token_source;

std::string text_of(source const& s) {
  std::ostringstream out;
  cts::dump(s, out);
  return out.str();
}
/// The value of `key` in the first line.
std::string word(std::string const& text, std::string const& key) {
  std::smatch found;
  std::string const line = text.substr(0, text.find('\n'));
  return std::regex_search(line, found, std::regex(" " + key + "=([^ ]*)")) ? found[1].str() : "(none)";
}
std::string identity(std::string const& text) {
  std::smatch found;
  return std::regex_search(text, found, std::regex("0x[0-9a-f]+")) ? found[0].str() : "(none)";
}
int count(std::string const& text, std::string const& what) {
  int n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Dump, OfANewSourceIsOneLine) {
  source const s;
  std::regex const line(
      "cts::cancellation_token_source 0x[0-9a-f]+ canceled=no disposed=no timer=none waiters=0 links=0 registered=0 "
      "running=0\n");
  EXPECT_TRUE(std::regex_match(text_of(s), line)) << text_of(s);
}

TEST(Dump, OfAMovedFromSourceSaysSo) {
  source a;
  source const b = std::move(a);
  EXPECT_EQ(text_of(a), "cts::cancellation_token_source 0x0\n");  // NOLINT: the subject
}

TEST(Dump, ShowsWhoIsRegisteredNewestFirst) {
  source s;
  cts::cancellation_callback const a(s.token(), [] {});
  cts::cancellation_callback const b(s.token(), [] {});
  std::string const text = text_of(s);
  EXPECT_EQ(word(text, "registered"), "2");
  std::regex const lines(
      "[^\n]*\n  registered callback=0x[0-9a-f]+ generation=1 slot=1\n  registered callback=0x[0-9a-f]+ generation=1 "
      "slot=0\n");
  EXPECT_TRUE(std::regex_match(text, lines)) << text;
}

TEST(Dump, ShowsANewGenerationAfterAReset) {
  source s;
  {
    std::vector<cts::cancellation_token_registration> burst;
    for (int i = 0; i < 8; ++i) burst.push_back(s.token().register_callback([] {}));
  }
  std::vector<cts::cancellation_token_registration> next;
  for (int i = 0; i < 3; ++i) next.push_back(s.token().register_callback([] {}));
  EXPECT_EQ(count(text_of(s), "generation=2 "), 3) << text_of(s);
}

TEST(Dump, ShowsWhoRuns) {
  source s;
  std::string inside;
  cts::cancellation_callback const older(s.token(), [] {});
  cts::cancellation_callback const c(s.token(), [&] { inside = text_of(s); });
  s.cancel();
  EXPECT_EQ(word(inside, "canceled"), "yes");
  EXPECT_EQ(word(inside, "cause"), "requested");
  EXPECT_EQ(word(inside, "running"), "1");
  EXPECT_EQ(word(inside, "registered"), "1");
  std::regex const lines(
      "[^\n]*\n  running callback=0x[0-9a-f]+ generation=1 slot=1 thread=0x[0-9a-f]+\n  registered [^\n]*\n");
  EXPECT_TRUE(std::regex_match(inside, lines)) << inside;
  EXPECT_EQ(word(text_of(s), "running"), "0");
  EXPECT_EQ(word(text_of(s), "registered"), "0");
}

TEST(Dump, ShowsLinksAndWhichOfThemCanceled) {
  source root, other;
  source middle = source::create_linked(root.token());
  source child = source::create_linked(other.token(), middle.token());
  std::string before = text_of(child);
  EXPECT_EQ(word(before, "links"), "2");
  EXPECT_EQ(count(before, "  link 0 to=" + identity(text_of(other)) + "\n"), 1) << before;
  EXPECT_EQ(count(before, "  link 1 to=" + identity(text_of(middle)) + "\n"), 1) << before;
  EXPECT_EQ(word(before, "origin"), "(none)");
  EXPECT_EQ(word(text_of(root), "registered"), "1");
  root.cancel();
  EXPECT_EQ(word(text_of(child), "canceled"), "link:1");
  EXPECT_EQ(word(text_of(child), "origin"), identity(text_of(root)));
}

TEST(Dump, ShowsALinkToASourceThatWasDisposed) {
  source parent;
  cts::cancellation_token const t = parent.token();
  parent.dispose();
  EXPECT_EQ(count(text_of(source::create_linked(t)), "  link 0 to=none\n"), 1);
}

TEST(Dump, ShowsTheTimerOfTheSystem) {
  source s(1h);
  std::string const left = word(text_of(s), "timer");
  ASSERT_TRUE(std::regex_match(left, std::regex("[0-9]+ms"))) << left;
  EXPECT_LE(std::stoul(left), 3600000U);
  s.cancel_after(cts::infinite);
  EXPECT_EQ(word(text_of(s), "timer"), "none");
}

TEST(Dump, ShowsTheTimerOfAProviderWithoutAskingIt) {
  cts::manual_time_provider clock;
  source const s(1500ms, clock);
  auto const due = (clock.now() + 1500ms).time_since_epoch() / 1ns;
  EXPECT_EQ(count(text_of(s), " timer=at:" + std::to_string(due) + "@0x"), 1) << text_of(s);
}

TEST(Dump, ShowsThatATimerHasCanceled) {
  cts::manual_time_provider clock;
  source const s(1ms, clock);
  source const child = source::create_linked(s.token());
  EXPECT_EQ(word(text_of(s), "cause"), "(none)");
  clock.advance(1ms);
  EXPECT_EQ(word(text_of(s), "cause"), "timeout");
  EXPECT_EQ(word(text_of(child), "canceled"), "link:0");
  EXPECT_EQ(word(text_of(child), "cause"), "timeout");
}

TEST(Dump, CountsThreadsThatWaitForTheHandle) {
  source s;
  EXPECT_EQ(word(text_of(s), "waiters"), "0");
  std::thread waiter([h = s.token().wait_handle()] { h.wait(); });
  while (word(text_of(s), "waiters") != "1") std::this_thread::yield();
  s.cancel();
  waiter.join();
  EXPECT_EQ(word(text_of(s), "waiters"), "0");
}

TEST(Dump, CountsThreadsThatWaitForACallback) {
  source s;
  std::atomic<bool> begun = false, seen = false;
  auto r = s.token().register_callback([&] {
    begun = true;
    while (!seen) std::this_thread::yield();
  });
  std::thread canceller([&] { s.cancel(); });
  while (!begun) std::this_thread::yield();
  std::thread waiter([&] { r.dispose(); });
  while (word(text_of(s), "waiters") != "1") std::this_thread::yield();
  seen = true;
  waiter.join();
  canceller.join();
}

TEST(Dump, ListsSixtyFourAndCountsTheRest) {
  source s;
  std::vector<cts::cancellation_token_registration> many;
  for (int i = 0; i < 100; ++i) many.push_back(s.token().register_callback([] {}));
  std::string const text = text_of(s);
  EXPECT_EQ(word(text, "registered"), "100");
  EXPECT_EQ(count(text, "  registered callback="), 64);
  EXPECT_EQ(count(text, "  and 36 more\n"), 1) << text;
}

TEST(Dump, OfADisposedSource) {
  source s(1h);
  auto const r = s.token().register_callback([] {});
  s.dispose();
  EXPECT_EQ(word(text_of(s), "disposed"), "yes");
  EXPECT_EQ(word(text_of(s), "timer"), "none");
  EXPECT_EQ(word(text_of(s), "registered"), "1") << "it is never run";
}

TEST(Dump, WritesOnceAndLetsTheStreamsExceptionOut) {
  struct counting : std::streambuf {
    int writes = 0;
    bool fails = false;
    std::streamsize xsputn(char const*, std::streamsize n) override {
      ++writes;
      return fails ? 0 : n;
    }
  } buffer;
  std::ostream out(&buffer);
  out.exceptions(std::ios::badbit);
  source s;
  cts::cancellation_callback const c(s.token(), [] {});
  out << std::hex;  // does not touch the text
  cts::dump(s, out);
  EXPECT_EQ(buffer.writes, 1);
  buffer.fails = true;
  EXPECT_THROW(cts::dump(s, out), std::ios::failure);
  EXPECT_TRUE(s.try_cancel());
}

/// Everything at once; a sanitizer sees a late access. Each line has the format.
TEST(Dump, BesideEverything) {
  std::regex const format(
      "(cts::cancellation_token_source 0x[0-9a-f]+ canceled=(no|yes cause=requested|link:0 cause=requested "
      "origin=0x[0-9a-f]+) disposed=(no|yes) "
      "timer=(none|[0-9]+ms) waiters=[0-9]+ links=1 registered=[0-9]+ running=[0-9]+\n)"
      "  link 0 to=0x[0-9a-f]+\n"
      "(  (registered|running) callback=0x[0-9a-f]+ generation=[0-9]+ slot=[0-9]+( thread=0x[0-9a-f]+)?\n)*"
      "(  and [0-9]+ more\n)?");
  for (int round = 0; round < 100; ++round) {
    source parent;
    source s = source::create_linked(parent.token());
    cts::cancellation_token const t = s.token();
    std::atomic<int> left = 3;
    auto const until_all = [&left] {
      --left;
      while (left != 0) std::this_thread::yield();
    };
    std::thread registrant([&] {
      until_all();
      for (int i = 0; i < 100; ++i) {
        std::optional<cts::cancellation_callback<void (*)()>> c[12];
        for (auto& x : c)
          x.emplace(
              t, +[] {});
      }
    });
    std::thread canceller([&] {
      until_all();
      s.cancel_after(1h);
      auto const handle = t.wait_handle();
      round % 2 == 0 ? parent.cancel() : s.cancel();
      handle.wait();
    });
    until_all();
    for (int i = 0; i < 5; ++i) {
      std::string const text = text_of(s);
      EXPECT_TRUE(std::regex_match(text, format)) << text;
    }
    registrant.join();
    canceller.join();
  }
}

}  // namespace
