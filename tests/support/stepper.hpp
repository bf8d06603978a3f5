// SPDX-License-Identifier: BSL-1.0
/// @file
/// Counts the instructions of an operation's machine code: a child process runs it, and its
/// parent lets it go on one instruction at a time. Linux on x86-64 only.
#pragma once

#if defined(__linux__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define CTS_TEST_STEPPER 1

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>

namespace cts::test {

struct steps {
  std::size_t rmws = 0;  // instructions that lock the bus: with a lock prefix, or xchg with memory
  std::size_t system_calls = 0;
  std::size_t instructions = 0;
  std::size_t allocations = 0;  // by operator new
};

/// How often operator new was called; the program that includes this counts.
inline std::size_t allocations_so_far = 0;

/// The kind of the instruction that begins with these bytes.
inline void count_instruction(unsigned char const* code, steps& s) {
  ++s.instructions;
  bool locked = false;
  std::size_t i = 0;
  for (; i < 14; ++i) {  // prefixes
    if (code[i] == 0xF0) locked = true;
    else if (code[i] != 0x66 && code[i] != 0xF2 && code[i] != 0xF3 && code[i] != 0x64 && code[i] != 0x65 &&
             code[i] != 0x2E && code[i] != 0x3E && code[i] != 0x36 && code[i] != 0x26)
      break;
  }
  if ((code[i] & 0xF0) == 0x40) ++i;  // REX
  bool const exchange = (code[i] == 0x86 || code[i] == 0x87) && code[i + 1] < 0xC0;
  if (locked || exchange) ++s.rmws;
  if (code[i] == 0x0F && code[i + 1] == 0x05) ++s.system_calls;
}

/// Whether the system lets a process be traced by its parent.
inline bool can_step() {
  pid_t const child = fork();
  if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 77);
  int status = 0;
  return !(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 77);
}

/// What `operation()` does, after `prepare()` has been called twice with the operation in between, so that everything
/// is bound, cached and warm; nothing if the child does not come to its end.
template <class Prepare, class Operation>
std::optional<steps> step_through(Prepare prepare, Operation operation) {
  auto* const shared = static_cast<std::size_t*>(
      mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t const child = fork();
  if (child == 0) {
    prepare();
    operation();
    prepare();
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(77);
    std::size_t const before = allocations_so_far;
    asm volatile("int3" : : : "memory");
    operation();
    asm volatile("int3" : : : "memory");
    *shared = allocations_so_far - before;
    _exit(0);
  }
  steps s;
  bool ok = false;
  int status = 0;
  if (waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) {
    for (;;) {
      user_regs_struct regs;
      if (ptrace(PTRACE_GETREGS, child, nullptr, &regs) != 0) break;
      unsigned char code[16];
      for (std::size_t k = 0; k < sizeof code; k += sizeof(long)) {
        errno = 0;
        long const word = ptrace(PTRACE_PEEKTEXT, child, regs.rip + k, nullptr);
        std::memcpy(code + k, &word, sizeof word);
      }
      if (code[0] == 0xCC) {  // the second int3
        ok = true;
        break;
      }
      count_instruction(code, s);
      if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0 || waitpid(child, &status, 0) != child ||
          !WIFSTOPPED(status))
        break;
    }
    if (ok) {
      ptrace(PTRACE_CONT, child, nullptr, nullptr);
      ok = false;
      while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) ptrace(PTRACE_CONT, child, nullptr, nullptr);
      ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    } else if (!WIFEXITED(status)) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
    }
  } else if (WIFSTOPPED(status)) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  s.allocations = *shared;
  munmap(shared, sizeof(std::size_t));
  if (!ok) return std::nullopt;
  return s;
}

}  // namespace cts::test
#else
#define CTS_TEST_STEPPER 0
#endif
