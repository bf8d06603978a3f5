// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stands in for models/genmc/program.hpp: a program is an entry of a list, and three threads for all programs run
/// first(), second() and third() as the schedule wants.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>
#include <thread>
#include <vector>

#include "genmc/platform.hpp"

namespace schedules {

/// The threads of the programs. What the main thread did before an execution happens before what they do, and what they
/// did before what it does after. Among them only the checked code makes an order.
class crew {
 public:
  using body = void (*)(void* program, unsigned me);

  crew() {
    for (unsigned me = 0; me < most_threads; ++me) threads_.emplace_back([this, me] { work(me); });
  }
  crew(crew const&) = delete;
  crew& operator=(crew const&) = delete;

  /// Lets as many threads as the plan has run `run(program, number)`.
  void play(body what, void* program) noexcept {
    what_ = what;
    program_ = program;
    begun_.fetch_add(1, std::memory_order_release);
    schedules::run();
    static_cast<void>(ended_.load(std::memory_order_acquire));
    steps = schedules::steps();
    trace = schedules::trace();
  }
  unsigned steps = 0;       ///< of the last execution
  std::uint64_t trace = 0;  ///< of the last execution
  static crew& instance() {
    static crew& all = *new crew;  // its threads end with the process
    return all;
  }

 private:
  void work(unsigned me) noexcept {
    for (;;) {
      schedules::enter(me);
      static_cast<void>(begun_.load(std::memory_order_acquire));
      what_(program_, me);
      ended_.fetch_add(1, std::memory_order_release);
      schedules::leave();
    }
  }
  std::atomic<unsigned> begun_{0}, ended_{0};
  body what_ = nullptr;
  void* program_ = nullptr;
  std::vector<std::thread> threads_;
};

/// A program of the list.
struct listed {
  char const* name;
  char const* says;
  unsigned threads;
  bool lock_free;
  void (*once)();
  unsigned serial_steps = 0;  ///< the most of its serial schedules, once they have run
  listed* next = nullptr;
  inline static listed* first = nullptr;
  inline static listed* last = nullptr;

  listed(char const* n, char const* s, unsigned t, bool l, void (*o)())
      : name(n), says(s), threads(t), lock_free(l), once(o) {
    (last != nullptr ? last->next : first) = this;
    last = this;
  }
};

}  // namespace schedules

namespace cts::genmc {

template <class Program>
constexpr unsigned threads_of = requires(Program p) {
  p.third();
}
? 3 : 2;
template <class Program>
constexpr bool is_lock_free = requires {
  Program::lock_free;
};

template <class Program>
void run_once() {
  long const before = held.load(std::memory_order_relaxed);
  Program p;
  p.before();
  schedules::crew::instance().play(
      [](void* program, unsigned me) {
        auto& mine = *static_cast<Program*>(program);
        if (me == 0) return mine.first();
        if (me == 1) return mine.second();
        if constexpr (threads_of<Program> == 3) mine.third();
      },
      &p);
  p.after();
  require(held.load(std::memory_order_relaxed) == before, "memory has leaked (G12, G14)");
}

#define CTS_PROGRAM(guarantee, name, type, says)                                                                      \
  static ::schedules::listed guarantee##_##name##_in_list(#guarantee "." #name, says, ::cts::genmc::threads_of<type>, \
                                                          ::cts::genmc::is_lock_free<type>,                           \
                                                          &::cts::genmc::run_once<type>)

}  // namespace cts::genmc
