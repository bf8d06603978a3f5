// SPDX-License-Identifier: BSL-1.0
/// @file
/// One program with two versions of cts.
#include <cstdio>

int older();
int newer();

int main() {
  int const first = older();
  int const second = newer();
  std::printf("cts %d and cts %d\n", first, second);
  return first > 0 && second > first ? 0 : 1;
}
