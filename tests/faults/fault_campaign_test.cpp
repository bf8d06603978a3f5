// SPDX-License-Identifier: BSL-1.0
// Fault campaigns: in each public operation every allocation, thread start, descriptor, membarrier and call of a clock
// fails in turn, alone and in pairs. After each failure nothing is lost, nothing has leaked, and everything is as the
// operation's comment says.
//
// Each case runs in a child process, so that the library starts its threads anew. The calls that can fail are counted
// on the thread that makes the operation. Linux only: the program replaces the functions of the C library.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <functional>
#include <map>

#include "rules.hpp"

#include "heap.hpp"

#include "cts/cancellation_lane.hpp"
#include "cts/lane.hpp"
#include "cts/stop_token.hpp"

namespace {

/// The calls that can fail, and those that do.
struct plan {
  bool on = false;
  long seen = 0, first = -1, second = -1;
  int failed = 0;
};
thread_local plan faults;
std::atomic<long> blocks{0};  // held now

bool fails() {
  if (!faults.on) return false;
  long const n = faults.seen++;
  if (n != faults.first && n != faults.second) return false;
  ++faults.failed;
  return true;
}
void* take(std::size_t n, std::size_t alignment) {
  if (fails()) return nullptr;
  void* const p = cts::test::heap_take(n, alignment);
  if (p != nullptr) blocks.fetch_add(1);
  return p;
}
void* take_or_throw(std::size_t n, std::size_t alignment) {
  if (void* const p = take(n, alignment)) return p;
  throw std::bad_alloc();
}
void give(void* p) {
  if (p != nullptr) blocks.fetch_sub(1);
  cts::test::heap_give(p);
}
template <class F>
F* next(F*, char const* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

void* operator new(std::size_t n) { return take_or_throw(n, 1); }
void* operator new[](std::size_t n) { return take_or_throw(n, 1); }
void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return take(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return take(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { give(p); }
void operator delete[](void* p) noexcept { give(p); }
void operator delete(void* p, std::size_t) noexcept { give(p); }
void operator delete[](void* p, std::size_t) noexcept { give(p); }
void operator delete(void* p, std::align_val_t) noexcept { give(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give(p); }
void operator delete(void* p, std::nothrow_t const&) noexcept { give(p); }
void operator delete(void* p, std::align_val_t, std::nothrow_t const&) noexcept { give(p); }

extern "C" int pthread_create(pthread_t* t, pthread_attr_t const* a, void* (*f)(void*), void* x) {
  if (fails()) return EAGAIN;
  static auto* const real =
      next(static_cast<int (*)(pthread_t*, pthread_attr_t const*, void* (*)(void*), void*)>(nullptr), "pthread_create");
  return real(t, a, f, x);
}
extern "C" int eventfd(unsigned n, int flags) noexcept {
  if (fails()) {
    errno = EMFILE;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_eventfd2, n, flags));
}
extern "C" long syscall(long number, ...) noexcept {
  std::va_list list;
  va_start(list, number);
  long a[6];
  for (long& x : a) x = va_arg(list, long);
  va_end(list);
  if (number == SYS_membarrier && fails()) {
    errno = EPERM;
    return -1;
  }
  static auto* const real = next(static_cast<long (*)(long, ...)>(nullptr), "syscall");
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

namespace cts::test {
namespace {

/// What the clock throws.
struct broken_clock {};

/// A manual clock whose calls can fail.
class failing_clock : public time_provider {
 public:
  std::chrono::steady_clock::time_point now() const override { return ask(), real.now(); }
  std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) override {
    ask();
    return std::make_unique<failing_timer>(real.create_timer(std::move(fire), due));
  }
  manual_time_provider real;

 private:
  static void ask() {
    if (fails()) throw broken_clock();
  }
  struct failing_timer : timer {
    explicit failing_timer(std::unique_ptr<timer> t) : of(std::move(t)) {}
    bool change(std::chrono::nanoseconds due) override {
      if (due >= due.zero()) ask();  // to disarm cannot fail
      return of->change(due);
    }
    std::unique_ptr<timer> of;
  };
};

/// What is wrong after an operation; empty: nothing.
using complaint = std::string;

/// Makes an operation whose calls may fail. Returns whether it has succeeded: else it threw what a failure throws.
template <class F>
bool attempt(F f) {
  faults.on = true;
  bool done = false;
  try {
    f();
    done = true;
  } catch (std::bad_alloc const&) {
  } catch (std::system_error const&) {
  } catch (broken_clock const&) {}
  faults.on = false;
  return done;
}

/// As many registrations as a source holds without growing. The next one allocates.
struct crowd {
  static constexpr int size = 4;
  explicit crowd(source& s) {
    for (int i = 0; i < size; ++i) all.push_back(s.token().register_callback([this] { ++runs; }));
  }
  std::vector<registration> all;
  std::atomic<int> runs{0};
};

complaint makes_a_source() {
  attempt([] { source s; });
  return "";
}
complaint makes_a_timed_source() {
  bool const done = attempt([] { source s(1h); });
  if (done) return "";
  source again(1h);  // a failure is no obstacle for the next one
  return again.token().deadline() ? "" : "the next source has no timer";
}
complaint makes_a_source_of_a_clock() {
  failing_clock clock;
  std::unique_ptr<source> s;
  bool const done = attempt([&] { s = std::make_unique<source>(10ms, clock); });
  clock.real.advance(1h);
  if (done && !s->is_cancellation_requested()) return "the timer has not fired";
  return "";
}
complaint sets_the_timer_of_a_clock() {
  failing_clock clock;
  source s(1h, clock);
  int runs = 0;
  auto const r = s.token().register_callback([&runs] { ++runs; });
  bool const done = attempt([&] { s.cancel_after(10ms); });
  clock.real.advance(20ms);
  if (done != s.is_cancellation_requested()) return done ? "the timer has not fired" : "a timer fires that was not set";
  clock.real.advance(24h);
  return s.is_cancellation_requested() && runs == 1 ? "" : "a failed cancel_after has lost the timer set before";
}
complaint asks_for_the_time_left() {
  failing_clock clock;
  source s(1h, clock);
  source k = source::create_linked(s.token());
  attempt([&] { static_cast<void>(k.token().remaining()); });
  return k.token().remaining() == 1h ? "" : "the time left is another after a failure";
}
complaint links_a_source() {
  source p, q;
  crowd const at_q(q);
  std::unique_ptr<source> k;
  bool const done = attempt([&] { k = std::make_unique<source>(source::create_linked(p.token(), q.token())); });
  if (p.registration_count() != (done ? 1u : 0u)) return "the first parent has another number of links";
  q.cancel();
  if (done && !k->is_cancellation_requested()) return "the link is lost";
  return at_q.runs == crowd::size ? "" : "a callback is lost";
}
complaint registers() {
  source s;
  crowd const others(s);
  auto const kept = std::make_shared<int>();
  int runs = 0;
  registration r;
  bool const done = attempt([&] { r = s.token().register_callback([kept, &runs] { ++runs; }); });
  if (!done && (kept.use_count() != 1 || s.registration_count() != crowd::size))
    return "a failed registration leaves something";
  s.cancel();
  return runs == (done ? 1 : 0) && others.runs == crowd::size
             ? ""
             : "a callback is lost, or one runs that is not registered";
}
complaint registers_in_place() {
  source s;
  crowd const others(s);
  int runs = 0;
  auto const f = [&runs] { ++runs; };
  std::optional<cancellation_callback<decltype(f)>> c;
  bool const done = attempt([&] { c.emplace(s.token(), f); });
  if (!done && s.registration_count() != crowd::size) return "a failed registration leaves something";
  s.cancel();
  return runs == (done ? 1 : 0) && others.runs == crowd::size
             ? ""
             : "a callback is lost, or one runs that is not registered";
}
complaint gets_a_handle() {
  source s;
  int descriptor = -1;
  bool const done = attempt([&] { descriptor = s.token().wait_handle().native_handle(); });
  if (done && descriptor == -1) return "native_handle has returned no descriptor";
  if (s.is_cancellation_requested()) return "it is canceled";
  s.cancel();
  auto const h = s.token().wait_handle();
  if (!h.wait_for(0s)) return "the handle is not signalled";
  std::uint64_t n = 0;
  int const again = h.native_handle();
  if (descriptor != -1 && again != descriptor) return "the descriptor is another";
  return ::read(again, &n, sizeof n) == sizeof n ? "" : "the descriptor is not readable";
}
complaint waits_for_any() {
  source s, t;
  t.cancel();
  std::vector<wait_handle> const two{s.token().wait_handle(), t.token().wait_handle()};
  std::size_t which = 1;
  attempt([&] { which = wait_handle::wait_any(two); });
  if (which != 1) return "wait_any names another handle";
  return wait_handle::wait_any(two) == 1 ? "" : "wait_any fails after a failure";
}
complaint cancels() {
  source s;
  int runs = 0;
  std::vector<registration> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(s.token().register_callback([&runs] {
      ++runs;
      throw 1;
    }));
  bool threw = false;
  faults.on = true;
  try {
    s.cancel();
  } catch (...) { threw = true; }
  faults.on = false;
  return runs == 8 && threw ? "" : "cancel has lost a callback, or says that none has thrown";
}
complaint cancels_with_a_reason() {
  source s;
  crowd const all(s);
  bool const done = attempt([&] { s.cancel_with_reason(std::string(100, 'x')); });
  if (done != s.is_cancellation_requested()) return "canceled, or not, wrongly";
  if (all.runs != (done ? crowd::size : 0)) return "callbacks are lost, or run";
  s.cancel();
  return all.runs == crowd::size ? "" : "the next cancel loses callbacks";
}
complaint cancels_asynchronously() {
  source s;
  crowd const all(s);
  std::future<void> end;
  faults.on = true;
  try {
    end = s.cancel_async();
  } catch (...) {
    faults.on = false;
    return "cancel_async throws";
  }
  faults.on = false;
  end.get();
  return all.runs == crowd::size && s.is_cancellation_requested() ? "" : "the request or a callback is lost";
}
complaint disposes_asynchronously() {
  source s;
  blocker b;
  auto r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  std::future<void> end;
  faults.on = true;
  end = r.dispose_async();
  faults.on = false;
  b.go.open();
  end.get();
  canceller.join();
  return "";
}
complaint sets_the_timer() {
  source s;
  bool const done = attempt([&] { s.cancel_after(1h); });
  if (s.token().deadline().has_value() != done) return done ? "it is not armed" : "it is armed after a failure";
  s.cancel_after(2h);  // a failure is no obstacle for the next one
  if (!s.token().deadline()) return "the next cancel_after does not arm it";
  return s.try_reset() ? "" : "try_reset fails";
}
complaint uses_a_lane() {
  core::registry r;
  std::atomic<int> runs{0};
  struct node : lane_callback {
    explicit node(std::atomic<int>& n) noexcept : lane_callback(&run), count(n) {}
    static void run(lane_callback& c) noexcept { ++static_cast<node&>(c).count; }
    std::atomic<int>& count;
  };
  std::vector<std::unique_ptr<node>> all;
  for (int i = 0; i < 80; ++i) all.push_back(std::make_unique<node>(runs));
  int registered = 0;
  faults.on = true;
  auto const l = std::unique_ptr<lane>(new (std::nothrow) lane(r));
  for (auto const& n : all)
    if (l != nullptr && l->try_register(*n) == core::register_result::registered) ++registered;
  r.cancel();
  faults.on = false;
  if (l != nullptr && registered < 70) return "more registrations fail than allocations";
  return runs == registered ? "" : "a callback is lost, or one runs that is not registered";
}
complaint uses_stop_tokens() {
  std::optional<stop_source> s;
  bool const done = attempt([&] { s.emplace(); });
  if (!done) return "";
  int runs = 0;
  auto const f = [&runs] { ++runs; };
  stop_callback const c(s->get_token(), f);
  s->request_stop();
  return runs == 1 ? "" : "the callback is lost";
}

struct operation {
  char const* name;
  complaint (*run)();
};
void PrintTo(operation const& o, std::ostream* out) { *out << o.name; }
constexpr operation operations[] = {
    {"Source", &makes_a_source},
    {"TimedSource", &makes_a_timed_source},
    {"SourceOfAClock", &makes_a_source_of_a_clock},
    {"CancelAfterOfAClock", &sets_the_timer_of_a_clock},
    {"Remaining", &asks_for_the_time_left},
    {"CreateLinked", &links_a_source},
    {"RegisterCallback", &registers},
    {"CancellationCallback", &registers_in_place},
    {"WaitHandle", &gets_a_handle},
    {"WaitAny", &waits_for_any},
    {"Cancel", &cancels},
    {"CancelWithReason", &cancels_with_a_reason},
    {"CancelAsync", &cancels_asynchronously},
    {"DisposeAsync", &disposes_asynchronously},
    {"CancelAfter", &sets_the_timer},
    {"Lane", &uses_a_lane},
    {"StopSource", &uses_stop_tokens},
};

/// What a child process tells.
struct report {
  long seen;    // calls that could fail
  int failed;   // calls that did
  long blocks;  // held more than before
  bool over;
  char wrong[200];
};

class FaultCampaign : public testing::TestWithParam<operation> {
 protected:
  FaultCampaign()
      : told_(static_cast<report*>(
            ::mmap(nullptr, sizeof(report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~FaultCampaign() override { ::munmap(told_, sizeof(report)); }

  /// Runs the operation in a process of its own.
  /// @param held what is held after it without a failure; a library thread may need a while to get there
  report run(long first, long second, long held) {
    *told_ = {};
    std::fflush(nullptr);
    pid_t const child = ::fork();
    if (child == 0) {
      ::alarm(60);
      long const before = blocks.load();
      faults = {false, 0, first, second, 0};
      complaint wrong = "it throws something else";
      try {
        wrong = GetParam().run();
      } catch (std::exception const& e) { wrong = std::string("it throws ") + e.what(); } catch (...) {
      }
      std::snprintf(told_->wrong, sizeof told_->wrong, "%s", wrong.c_str());
      wrong = complaint();
      told_->seen = faults.seen;
      told_->failed = faults.failed;
      for (int i = 0; i < 1000 && blocks.load() - before > held; ++i) ::usleep(1000);
      told_->blocks = blocks.load() - before;
      told_->over = true;
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return *told_;
  }
  void expect_right(long first, long second, long held) {
    report const r = run(first, second, held);
    std::string const which =
        "call " + std::to_string(first) + " fails" + (second < 0 ? "" : ", and call " + std::to_string(second)) + ": ";
    EXPECT_TRUE(r.over) << which << "the process has ended";
    EXPECT_STREQ(r.wrong, "") << which;
    EXPECT_LE(r.blocks, held) << which << "memory has leaked";
  }

 private:
  report* const told_;
};
INSTANTIATE_TEST_SUITE_P(In, FaultCampaign, testing::ValuesIn(operations),
                         [](auto const& of) { return std::string(of.param.name); });

TEST_P(FaultCampaign, EachCallFailsAloneAndInPairs) {
  report clean = run(-1, -1, 0);
  ASSERT_TRUE(clean.over);
  ASSERT_STREQ(clean.wrong, "");
  ASSERT_GT(clean.seen, 0) << "nothing in this operation can fail";
  for (long k = 0; k < clean.seen && !HasFailure(); ++k) {
    expect_right(k, -1, clean.blocks);
    // After the first failure the operation may make other calls than before, also more.
    for (long l = k + 1; l < clean.seen + 4 && !HasFailure(); ++l) expect_right(k, l, clean.blocks);
  }
  RecordProperty("calls_that_can_fail", std::to_string(clean.seen));
}

}  // namespace
}  // namespace cts::test
