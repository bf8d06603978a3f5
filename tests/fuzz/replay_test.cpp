// SPDX-License-Identifier: BSL-1.0
// Plays the inputs that are kept in corpus/ and in found/, without libFuzzer. An input of found/TARGET/DEFECT is right
// as the code is, and wrong with that defect of the mutation gate built in: the target sees it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../models/checker/defects.hpp"
#include "fuzz.hpp"

namespace {

namespace files = std::filesystem;

struct target {
  char const* name;
  void (*play)(cts::fuzz::input_bytes);
};
constexpr target targets[] = {{"registry", &cts::fuzz::registry_target},
                              {"lanes", &cts::fuzz::lanes_target},
                              {"classes", &cts::fuzz::classes_target},
                              {"stop_tokens", &cts::fuzz::stop_tokens_target}};

std::vector<std::uint8_t> contents(files::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::vector<files::path> inputs(char const* folder, char const* name) {
  std::vector<files::path> all;
  files::path const at = files::path(CTS_FUZZ_FOLDER) / folder / name;
  if (files::exists(at))
    for (auto const& f : files::directory_iterator(at)) all.push_back(f.path());
  std::sort(all.begin(), all.end());
  return all;
}

class Replay : public testing::TestWithParam<target> {};
std::string name_of(testing::TestParamInfo<target> const& of) { return of.param.name; }
INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, testing::ValuesIn(targets), name_of);

// An input that is not right ends the process, after a message.
TEST_P(Replay, EveryInputOfTheCorpusIsPlayedRightly) {
  auto const all = inputs("corpus", GetParam().name);
  EXPECT_FALSE(all.empty());
  for (auto const& file : all) {
    SCOPED_TRACE(file.string());
    GetParam().play(contents(file));
  }
}

class Finds : public testing::TestWithParam<target> {};
INSTANTIATE_TEST_SUITE_P(Fuzz, Finds, testing::Values(targets[0], targets[1]), name_of);

TEST_P(Finds, EachDefectThatAnInputWasKeptFor) {
  auto const all = inputs("found", GetParam().name);
  EXPECT_GE(all.size(), 3u);
  for (auto const& file : all) {
    auto const input = contents(file);
    GetParam().play(input);
    cts::models::defect const* const d = cts::models::find_defect(file.filename().string());
    ASSERT_NE(d, nullptr) << file;
    auto const with_defect = [&] {
      d->build(cts::models::the_world);
      GetParam().play(input);
    };
    EXPECT_DEATH(with_defect(), "") << "the target does not see " << d->name << ": " << d->says;
  }
}

}  // namespace
