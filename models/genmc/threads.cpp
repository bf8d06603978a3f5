// SPDX-License-Identifier: BSL-1.0
/// @file
/// The programs for GenMC on real threads: genmc_threads [ROUNDS [NAME]] runs each program, or those whose name begins
/// with NAME, ROUNDS times. The first failed requirement ends the process with its sentence.
#include <cstdlib>
#include <cstring>

#include "genmc/program.hpp"

int main(int argc, char** argv) {
  using namespace cts::genmc;
  long const rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 2000;
  char const* const begin = argc > 2 ? argv[2] : "";
  int programs = 0;
  for (listed const* p = listed::first; p != nullptr; p = p->next) {
    if (std::strncmp(p->name, begin, std::strlen(begin)) != 0) continue;
    the_program = p->name;
    for (long i = 0; i < rounds; ++i) p->once();
    ++programs;
  }
  std::printf("%d programs, %ld rounds each\n", programs, rounds);
  return programs > 0 ? 0 : 1;
}
