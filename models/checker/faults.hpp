// SPDX-License-Identifier: BSL-1.0
/// @file
/// Faults: defects that the mutation gate builds into the checked code, which does not know of them. Each atomic
/// operation and each wait of that code has a name already, its site. A defect is a list of faults at such sites:
///
///     inline void add_my_defects() {
///       add_defect("no_recheck_of_top", "G3", "register does not read top again after publishing",
///                  {stale(site::top_recheck, site::top_find)});
///       add_defect("unregister_without_waiting", "G6", "the waiting unregister does not wait",
///                  {skips(wait::callback_returns)});
///     }
///
/// The first string names the mutant, the second the guarantee whose models try to kill it first. A site is a value of
/// any enumeration with a function info(site) that returns its row, so your own tables work like the core's. A wait is
/// the same with info(wait).name. Register the table itself with add_table; then the gate weakens its orders, too.
///
/// A fault receives one operation as a `step`. It performs the operation or not, and fills in the result that the
/// checked code gets. It may depend on earlier steps of the same thread: `recall(site)`, `follows(site)`.
///
/// Faults cannot reorder the code's own steps or change a choice between them. For that the code names the step: a
/// class S with static functions, called through core::step<Platform, S>. models/ specializes core::replaced for its
/// platform with a class that derives from S and, if `is_replaced(name)`, does something else. The defect is then
/// {replaces(name)}.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cts/core/memory_orders.hpp"

namespace cts::models {

/// What faults ask of the tool that runs the checked code: Relacy (platform.hpp), or the schedulers of tests/fuzz.
struct tool {
  static constexpr std::size_t most_threads = 8;
  std::size_t (*running_thread)() = nullptr;  ///< from 0; most_threads and above: outside the execution
  void (*wait)() = nullptr;                   ///< the running thread has asked in vain: lets the others go on
  void (*touch)(void* callback) = nullptr;    ///< reads a field of the callback at that address
};
inline tool the_tool;

/// Waits for another thread until `done()`.
template <class Done>
void await_others(Done done) {
  while (!done()) the_tool.wait();
}

/// The value of an integer or a pointer as faults see it.
template <class T>
std::uint64_t bits_of(T value) {
  if constexpr (std::is_pointer_v<T>) return reinterpret_cast<std::uintptr_t>(value);
  else return static_cast<std::uint64_t>(value);
}
template <class T>
T of_bits(std::uint64_t bits) {
  if constexpr (std::is_pointer_v<T>) return reinterpret_cast<T>(static_cast<std::uintptr_t>(bits));
  else return static_cast<T>(bits);
}

/// An atomic word of a model, of any type: two operations a fault may add. Each is a step of the search.
class any_word {
 public:
  any_word() = default;
  any_word(void* word, std::uint64_t (*read)(void*), void (*write)(void*, std::uint64_t))
      : word_(word), load_(read), store_(write) {}
  explicit operator bool() const { return word_ != nullptr; }
  bool operator==(any_word const& o) const { return word_ == o.word_; }
  void const* address() const { return word_; }
  std::uint64_t load() const { return load_(word_); }              ///< relaxed
  void store(std::uint64_t value) const { store_(word_, value); }  ///< release

 private:
  void* word_ = nullptr;
  std::uint64_t (*load_)(void*) = nullptr;
  void (*store_)(void*, std::uint64_t) = nullptr;
};

/// Refers to a function and owns nothing. TRICKY: within an execution, operator new is Relacy's. What a fault allocated
/// there would be a leak of the model and a choice of the search, so steps and records use no memory of the heap.
template <class... Arguments>
class call_of {
 public:
  call_of() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, call_of>) call_of(F&& f)
      : object_(const_cast<void*>(static_cast<void const*>(std::addressof(f)))),
        call_([](void* object, Arguments... a) { (*static_cast<std::remove_reference_t<F>*>(object))(a...); }) {}
  void operator()(Arguments... a) const { call_(object_, a...); }

 private:
  void* object_ = nullptr;
  void (*call_)(void*, Arguments...) = nullptr;
};

/// One atomic operation of the checked code.
struct step {
  enum class kind : std::uint8_t { load, store, exchange, update };  ///< exchange: a compare-and-swap
  kind what = kind::load;
  any_word word;
  std::uint64_t operand = 0;   ///< what is stored or combined; of an exchange what is wanted
  std::uint64_t expected = 0;  ///< of an exchange; after a failed one what was found
  std::uint64_t found = 0;     ///< what a load or an update returns
  bool done = false;           ///< what an exchange returns
  call_of<step&> perform;      ///< the operation itself, with these fields; not in a record
};

using fault = std::function<void(step&)>;

/// What a thread did last at each site, in this execution.
struct thread_records {
  static constexpr std::size_t most_sites = 160;
  struct record {
    core::site_info const* site;
    step last;
  };
  record all[most_sites];
  std::size_t size = 0;
  core::site_info const* last_site = nullptr;  // of the thread's last step

  step const* find(core::site_info const& site) const {
    for (std::size_t i = 0; i < size; ++i)
      if (all[i].site == &site) return &all[i].last;
    return nullptr;
  }
  void keep(core::site_info const& site, step last) {
    last.perform = {};
    last_site = &site;
    if (auto* const known = const_cast<step*>(find(site))) *known = last;
    else if (size < most_sites) all[size++] = {&site, last};
  }
};
inline thread_records the_records[tool::most_threads + 1];  // by thread; the last: before() and after()
inline void forget_records() {
  for (thread_records& r : the_records) {
    r.size = 0;
    r.last_site = nullptr;
  }
}
/// The number of the running thread as an index; the last one: outside the execution.
inline std::size_t my_index() {
  std::size_t const i = the_tool.running_thread();
  return i < tool::most_threads ? i : tool::most_threads;
}
inline thread_records& my_records() { return the_records[my_index()]; }
inline void remember(core::site_info const& site, step const& done) { my_records().keep(site, done); }

/// What the running thread did last at a site, in this execution; null if nothing.
template <class Site>
step const* recall(Site s) {
  return my_records().find(info(s));
}
/// The same of any thread.
template <class Site>
step const* recall_of_any(Site s) {
  for (thread_records const& r : the_records)
    if (step const* const last = r.find(info(s))) return last;
  return nullptr;
}

/// A fault and its place: a row of a table of memory orders.
struct fault_at {
  core::site_info const* site;
  fault what;
};
/// The name of a wait, and what the thread does instead. It is handed the wait itself and may perform it.
struct wait_fault {
  std::string name;
  std::function<void(call_of<> wait)> instead;
};
/// The name of a step that is replaced (core::replaced).
struct step_fault {
  std::string name;
};
/// Any of the three.
struct flaw {
  flaw(fault_at f) : step(std::move(f)) {}
  flaw(wait_fault f) : wait(std::move(f)) {}
  flaw(step_fault f) : replaced(std::move(f)) {}
  std::optional<fault_at> step;
  std::optional<wait_fault> wait;
  std::optional<step_fault> replaced;
};
/// All that is wrong in a mutant.
struct faults {
  std::vector<fault_at> steps;
  std::vector<wait_fault> waits;
  std::vector<step_fault> replaced;
  bool empty() const { return steps.empty() && waits.empty() && replaced.empty(); }
  void add(flaw const& f) {
    if (f.step) steps.push_back(*f.step);
    if (f.wait) waits.push_back(*f.wait);
    if (f.replaced) replaced.push_back(*f.replaced);
  }
};

/// A condition for when(): the previous step of this thread was at the site `s`.
template <class Site>
auto follows(Site s) {
  return [row = &info(s)] { return my_records().last_site == row; };
}

// --- what can go wrong ---

/// The operation is not performed. A load or an update returns what is there, without ordering anything.
template <class Site>
fault_at drops(Site s) {
  return {&info(s), [](step& x) { x.found = x.what == step::kind::store ? 0 : x.word.load(); }};
}
/// An exchange does not compare: it overwrites whatever is there, and succeeds.
template <class Site>
fault_at overwrites(Site s) {
  return {&info(s), [](step& x) {
            x.word.store(x.operand);
            x.done = true;
          }};
}
/// An exchange that fails says that it has succeeded.
template <class Site>
fault_at claims_success(Site s) {
  return {&info(s), [](step& x) {
            x.perform(x);
            x.done = true;
          }};
}
/// An exchange never succeeds.
template <class Site>
fault_at always_fails(Site s) {
  return {&info(s), [](step& x) {
            x.expected = x.word.load();
            x.done = false;
          }};
}
/// A load or an update is not performed and returns `value`.
template <class Site>
fault_at answers(Site s, std::uint64_t value) {
  return {&info(s), [value](step& x) { x.found = value; }};
}
/// A load does not look: it returns what this thread has found at the site `before`, if it has been there.
template <class Site>
fault_at stale(Site s, Site before) {
  return {&info(s), [before](step& x) {
            if (step const* const known = recall(before)) x.found = known->found;
            else x.perform(x);
          }};
}
/// A load or an update returns `f(found)`.
template <class Site, class F>
fault_at returns(Site s, F f) {
  return {&info(s), [f](step& x) {
            x.perform(x);
            x.found = f(x.found);
          }};
}
/// `f(operand)` is written.
template <class Site, class F>
fault_at writes(Site s, F f) {
  return {&info(s), [f](step& x) {
            x.operand = f(x.operand);
            x.perform(x);
          }};
}
/// `action(step)` comes first.
template <class Site, class F>
fault_at before(Site s, F action) {
  return {&info(s), [action](step& x) {
            action(x);
            x.perform(x);
          }};
}
/// `action(step)` follows.
template <class Site, class F>
fault_at after(Site s, F action) {
  return {&info(s), [action](step& x) {
            x.perform(x);
            action(x);
          }};
}
/// The fault only where `condition()` holds.
template <class F>
fault_at when(F condition, fault_at f) {
  return {f.site, [condition, what = f.what](step& x) { condition() ? what(x) : x.perform(x); }};
}
/// The thread goes on without waiting.
inline wait_fault skips(char const* wait) {
  return {wait, [](call_of<>) {}};
}
template <class Wait>
requires std::is_enum_v<Wait> wait_fault skips(Wait w) { return skips(info(w).name); }
/// `action()` comes before the wait.
template <class Wait, class F>
requires(std::is_enum_v<Wait>&& std::is_invocable_v<F>) wait_fault before(Wait w, F action) {
  return {info(w).name, [action](call_of<> wait) {
            action();
            wait();
          }};
}
/// Something else runs in the place of the step `name`.
inline step_fault replaces(char const* name) { return {name}; }

}  // namespace cts::models
