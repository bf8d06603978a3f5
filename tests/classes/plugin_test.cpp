// SPDX-License-Identifier: BSL-1.0
// Callbacks in a shared library: it can be unloaded, and nothing of it stays behind.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace {

/// Whether the process has mapped a part of the file.
bool is_mapped(std::string const& file) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.ends_with(file)) return true;
  return false;
}

TEST(Plugin, IsUnloadedWhileAThreadLivesThatRegisteredACallbackThere) {
  for (int round = 0; round < 3; ++round) {
    void* const library = ::dlopen(CTS_REGISTRATION_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    auto const use = reinterpret_cast<int (*)()>(::dlsym(library, "cts_plugin_registers_and_disposes"));
    ASSERT_NE(use, nullptr);
    EXPECT_EQ(use(), 1);
    ASSERT_TRUE(is_mapped(CTS_REGISTRATION_PLUGIN)) << "else the test shows nothing";
    EXPECT_EQ(::dlclose(library), 0);
    EXPECT_FALSE(is_mapped(CTS_REGISTRATION_PLUGIN)) << "this thread keeps it";
  }
}

}  // namespace
