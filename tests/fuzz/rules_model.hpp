// SPDX-License-Identifier: BSL-1.0
/// @file
/// The rules of docs/semantics.md for one thread, as plain code: sources, registrations, links and timers are entries
/// of lists. It runs beside the classes: it is told of each call before it is made, says which callback must run next,
/// and knows every answer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace cts::fuzz {

class rules_model {
 public:
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr std::int64_t never = -1;

  struct entry {
    bool link;
    std::size_t name;  // of a registration, or of a child
  };
  struct source {
    bool canceled = false, disposed = false, has_timer = false;
    std::vector<entry> list;  // the oldest first
    std::vector<std::size_t> parents;
    std::int64_t due = never;
    std::uint64_t armed = 0;
    std::size_t canceled_by = none;  // the parent whose link did it
    int reason = 0;
  };

  std::vector<source> all;
  std::string unhandled;  // what the error sink is told

  // --- sources ---
  std::size_t make() {
    all.emplace_back();
    return all.size() - 1;
  }
  /// R65, R67: each parent is linked, also when an earlier one has canceled the child.
  std::size_t make_linked(std::vector<std::size_t> const& parents) {
    std::size_t const child = make();
    for (std::size_t p : parents) {
      if (p == none) continue;
      all[child].parents.push_back(p);
      if (all[p].canceled) {
        if (!all[child].canceled) all[child].canceled = true, all[child].canceled_by = p;
      } else if (!all[p].disposed) {
        all[p].list.push_back({true, child});
      }
    }
    return child;
  }
  /// R57, R64, R71.
  void dispose(std::size_t s) {
    if (all[s].disposed) return;
    all[s].disposed = true;
    all[s].due = never;
    for (source& p : all) std::erase_if(p.list, [s](entry const& e) { return e.link && e.name == s; });
  }
  /// R84. A timer of a manual clock rules it out.
  bool try_reset(std::size_t s) {
    if (all[s].canceled || all[s].has_timer) return false;
    all[s].list.clear();
    return true;
  }

  // --- time ---
  std::int64_t now() const { return now_; }
  void arm(std::size_t s, std::int64_t delay) {
    all[s].has_timer = true;
    if (all[s].canceled) return;
    all[s].due = delay < 0 ? never : now_ + delay;
    all[s].armed = ++serial_;
  }
  /// The earliest time at which a timer cancels `s`, through links, too.
  std::int64_t deadline(std::size_t s) const {
    source const& x = all[s];
    if (x.canceled || x.disposed) return never;
    std::int64_t first = x.due;
    for (std::size_t p : x.parents) {
      if (!is_linked(p, s)) continue;
      std::int64_t const d = deadline(p);
      if (d != never && (first == never || d < first)) first = d;
    }
    return first;
  }

  // --- registrations ---
  enum class registered { yes, runs_now, not_at_all };
  /// R16, R17, R20, R21.
  registered try_register(std::size_t s, std::size_t name) {
    if (all[s].canceled) return registered::runs_now;
    if (all[s].disposed) return registered::not_at_all;
    all[s].list.push_back({false, name});
    return registered::yes;
  }
  bool is_registered(std::size_t name) const {
    for (source const& s : all)
      for (entry const& e : s.list)
        if (!e.link && e.name == name) return true;
    return false;
  }
  /// R43.
  bool unregister(std::size_t name) {
    for (source& s : all)
      if (std::erase_if(s.list, [name](entry const& e) { return !e.link && e.name == name; }) != 0) return true;
    return false;
  }

  // --- notifications ---
  /// cancel begins: false if it does nothing (R2, R25). Then callbacks run as next() says, then end() is called.
  bool begin_cancel(std::size_t s, bool throw_on_first, int reason = 0) {
    if (all[s].canceled) return false;
    calls_.push_back({frames_.size(), never});
    set(s, none);
    all[s].reason = reason;
    frames_.push_back({s, throw_on_first, false, {}});
    return true;
  }
  /// cancel_async: whether there are callbacks to run. When they run, begin_async() comes first and end() last.
  bool begin_cancel_async(std::size_t s) {
    if (all[s].canceled || all[s].disposed) return false;
    set(s, none);
    return !all[s].list.empty();
  }
  void begin_async(std::size_t s) {
    calls_.push_back({frames_.size(), never});
    frames_.push_back({s, false, false, {}});
  }
  void begin_advance(std::int64_t by) { calls_.push_back({frames_.size(), now_ + by}); }
  /// The callback that runs next; none: the call is over.
  std::size_t next() {
    for (;;) {
      call const c = calls_.back();
      if (frames_.size() == c.base && !fire(c)) return none;
      frame& f = frames_.back();
      source& s = all[f.source];
      bool const stops = f.throw_on_first && !f.errors.empty();
      if (s.list.empty() || stops) {
        pop();
        continue;
      }
      entry const e = s.list.back();
      s.list.pop_back();
      if (!e.link) return e.name;
      if (all[e.name].canceled) continue;  // R65: once
      set(e.name, f.source);
      frames_.push_back({e.name, false, true, {}});
    }
  }
  /// The callback that runs throws.
  void throws(int what) { frames_.back().errors.push_back(std::to_string(what)); }
  /// The call is over. What it throws, as flat() of tests/support/rules.hpp writes it.
  std::string end() {
    if (next() != none) complain("the call has returned, but a callback has not run");
    call const c = calls_.back();
    calls_.pop_back();
    if (c.until != never) now_ = (std::max)(now_, c.until);
    return std::exchange(last_thrown_, "nothing");
  }
  /// R31 of cause: the source that was canceled first.
  std::size_t origin(std::size_t s) const {
    while (all[s].canceled_by != none) s = all[s].canceled_by;
    return s;
  }

 private:
  struct frame {
    std::size_t source;
    bool throw_on_first;
    bool linked;
    std::vector<std::string> errors;
  };
  struct call {
    std::size_t base;    // of its frames
    std::int64_t until;  // of an advance
  };

  bool is_linked(std::size_t parent, std::size_t child) const {
    for (entry const& e : all[parent].list)
      if (e.link && e.name == child) return true;
    return false;
  }
  /// R3.
  void set(std::size_t s, std::size_t by) {
    all[s].canceled = true;
    all[s].canceled_by = by;
    all[s].due = never;
  }
  /// The next timer that is due in an advance.
  bool fire(call const& c) {
    if (c.until == never) return false;
    std::size_t first = none;
    for (std::size_t i = 0; i < all.size(); ++i) {
      source const& s = all[i];
      if (s.due == never || s.due > c.until) continue;
      if (first == none || s.due < all[first].due || (s.due == all[first].due && s.armed < all[first].armed)) first = i;
    }
    if (first == none) return false;
    now_ = (std::max)(now_, all[first].due);
    set(first, none);
    frames_.push_back({first, false, false, {}});
    return true;
  }
  void pop() {
    frame const f = std::move(frames_.back());
    frames_.pop_back();
    std::string text;
    for (std::string const& e : f.errors) text += (text.empty() ? "" : " ") + e;
    std::string const aggregate = "[" + text + "]";
    bool const bottom = frames_.size() == calls_.back().base;
    if (!bottom) {  // a link: R31
      if (!f.errors.empty()) frames_.back().errors.push_back(aggregate);
    } else if (calls_.back().until != never) {  // a timer: R33
      if (!f.errors.empty()) unhandled += aggregate;
    } else {
      last_thrown_ = f.errors.empty() ? "nothing" : f.throw_on_first ? f.errors.front() : aggregate;
    }
  }

  std::vector<frame> frames_;
  std::vector<call> calls_;
  std::string last_thrown_ = "nothing";
  std::int64_t now_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace cts::fuzz
