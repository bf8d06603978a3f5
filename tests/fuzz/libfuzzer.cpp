// SPDX-License-Identifier: BSL-1.0
// A fuzz target as libFuzzer and AFL++ call it. CTS_FUZZ_TARGET is its function. CTS_FUZZ_DEFECT in the environment
// names a defect of the mutation gate that is built in.
#include <cstdlib>

#include "../../models/checker/defects.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  char const* const name = std::getenv("CTS_FUZZ_DEFECT");
  if (name == nullptr) return 0;
  cts::models::defect const* const d = cts::models::find_defect(name);
  if (d == nullptr) cts::fuzz::complain(std::string("there is no defect ") + name);
  d->build(cts::models::the_world);
  return 0;
}
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  cts::fuzz::CTS_FUZZ_TARGET({data, size});
  return 0;
}
