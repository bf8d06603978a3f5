// SPDX-License-Identifier: BSL-1.0
/// @file
/// The shape of a program for GenMC: a class with before(), first(), second(), perhaps third(), and after(). The
/// threads run between before() and after(), which the main thread runs.
///
///     struct register_beside_cancel : registry_stage<1, 1> { … };
///     CTS_PROGRAM(G3, RegisterBesideCancel, register_beside_cancel, "a registration beside a cancel runs or is
///     refused");
///
/// is the program G3.RegisterBesideCancel. run.py reads these lines. For GenMC the program is the function
/// G3_RegisterBesideCancel(); each execution begins with a new object. On real threads it is an entry of a list.
#pragma once

#include "genmc/platform.hpp"

namespace cts::genmc {

template <class Program>
void run(Program& p) {
  constexpr bool three = requires { p.third(); };
#if !CTS_GENMC
  start_line::expect(three ? 3 : 2);
  the_last_number = 0;
#endif
  p.before();
  auto const first = [](void* at) -> void* { return static_cast<Program*>(at)->first(), nullptr; };
  auto const second = [](void* at) -> void* { return static_cast<Program*>(at)->second(), nullptr; };
  thread one(first, &p), two(second, &p);
  if constexpr (three) {
    thread other([](void* at) -> void* { return static_cast<Program*>(at)->third(), nullptr; }, &p);
    other.join();
  }
  one.join();
  two.join();
  p.after();
}

#if CTS_GENMC
#define CTS_PROGRAM(guarantee, name, type, says)     \
  static constinit type guarantee##_##name##_object; \
  extern "C" int guarantee##_##name() { return ::cts::genmc::run(guarantee##_##name##_object), 0; }
#else
/// The list of the programs of all files.
struct listed {
  char const* name;
  void (*once)();
  listed* next;
  inline static listed* first = nullptr;
  listed(char const* n, void (*o)()) : name(n), once(o), next(std::exchange(first, this)) {}
};
template <class Program>
void run_once() {
  Program p;
  run(p);
}
#define CTS_PROGRAM(guarantee, name, type, says) \
  static ::cts::genmc::listed guarantee##_##name(#guarantee "." #name, &::cts::genmc::run_once<type>)
#endif

}  // namespace cts::genmc
