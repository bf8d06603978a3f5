// SPDX-License-Identifier: BSL-1.0
/// @file
/// A lane in a registry (G22), every interleaving at every atomic operation (fibers.hpp). Thread 0 owns the lane; the
/// others cancel, poll, remove all registrations, and register beside it. The oracle is the sequential specification of
/// LIN over the registrations of the lane and of the registry together, the order of callbacks (G9), and the memory.
///
/// Input: the program, then the schedule. The first byte of the program picks the sizes. Then, byte by byte: two bits
/// name the thread (3: the owner, before the threads start), three the callback, three the verb. The last two of the
/// eight callbacks are the registry's, the others the lane's.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fibers.hpp"
#include "history.hpp"
#include "scheduled_platform.hpp"

namespace cts::fuzz {
namespace {

constexpr std::size_t threads = 3, callbacks = 8, of_lane = 6, most_operations = 40, owner = 0;

template <class Platform>
class lane_run {
  using registry = core::basic_registry<Platform>;
  using lane = basic_lane<lane_home<registry>>;
  using result = core::register_result;

 public:
  explicit lane_run(reader program) {
    for (std::size_t n = 0; n < most_operations && !program.is_over(); ++n) {
      unsigned const b = program.next();
      operation o{b & 7, b >> 3 & 7, 0};
      if (o.verb == 7) o.more = program.next();
      if (b >> 6 < threads) lists_[b >> 6].push_back(o);
      else setup_.push_back(o);
    }
    lane_.emplace(shared_);
  }

  void play(input_bytes schedule) {
    for (operation const& o : setup_) perform(o);
    fibers::run(schedule, threads, [this](std::size_t me) {
      for (operation const& o : lists_[me]) perform(o);
    });
    cancel();  // what is left runs now
    log_.check();
    check_order();
    lane_.reset();
    for (state& s : all_) s.forget();
    shared_.dispose();
    require(the_memory.blocks == 0, "a segment has leaked");
  }

 private:
  struct operation {
    unsigned verb, callback, more;
  };
  struct lane_node : basic_lane_callback<Platform> {
    lane_node(lane_run& r, std::size_t i) noexcept : basic_lane_callback<Platform>(&run), on(r), name(i) {}
    static void run(basic_lane_callback<Platform>& c) noexcept {
      auto& self = static_cast<lane_node&>(c);
      self.on.ran(self.name);
    }
    lane_run& on;
    std::size_t const name;
  };
  struct home_node : core::basic_callback<Platform> {
    home_node(lane_run& r, std::size_t i) noexcept : core::basic_callback<Platform>(&run), on(r), name(i) {}
    static void run(core::basic_callback<Platform>& c) noexcept {
      auto& self = static_cast<home_node&>(c);
      self.on.ran(self.name);
    }
    lane_run& on;
    std::size_t const name;
  };
  struct state {
    std::unique_ptr<lane_node> in_lane;
    std::unique_ptr<home_node> at_home;
    bool registered = false;  // perhaps
    bool registering = false;
    bool removed = false;    // by remove_all, while it was registering
    bool taken_out = false;  // with the lane, by remove_all: it never runs
    unsigned in_use = 0;
    unsigned act = 0;
    std::size_t begun = 0, ended = 0;
    bool runs = false, has_run = false;
    bool exists() const { return in_lane != nullptr || at_home != nullptr; }
    void forget() { in_lane.reset(), at_home.reset(); }
  };

  static std::size_t me() { return (std::min)(fibers::thread(), threads); }
  static bool is_owner() { return me() == owner || me() == threads; }
  static bool of_the_lane(std::size_t i) { return i < of_lane; }

  void perform(operation const& o) {
    if (!log_.has_room()) return;
    if (o.verb < 4 && of_the_lane(o.callback)) {
      if (!is_owner() || !lane_ || removing_ != 0) return;
      ++lane_in_use_;
      on_lane(o);
      --lane_in_use_;
      return;
    }
    switch (o.verb) {
      case 0:
      case 1: register_at_home(o.callback); break;
      case 2:
      case 3: end_at_home(o.callback, o.verb == 3); break;
      case 4: cancel(); break;
      case 5: look(); break;
      case 6:
        if (o.callback < 2) remove_all();
        else if (o.callback < 4) the_memory.next_fails = true;
        else if (is_owner()) replace_lane();
        break;
      case 7: all_[o.callback].act = o.more; break;
      default: break;
    }
  }
  void on_lane(operation const& o) {
    if (o.verb < 2) register_in_lane(o.callback);
    else if (o.verb == 2) unregister_in_lane(o.callback);
    else wait_in_lane(o.callback);
  }

  // --- the lane, by its owner ---
  void register_in_lane(std::size_t i) {
    state& s = all_[i];
    if (s.registered || s.registering || s.in_use != 0) return;
    s.in_lane = std::make_unique<lane_node>(*this, i);
    begin_registration(s);
    std::size_t const failures = the_memory.failures;
    std::uint64_t const begun = log_.now();
    end_registration(i, lane_->try_register(*s.in_lane), begun, failures);
  }
  void begin_registration(state& s) {
    s.registering = s.registered = true;
    s.taken_out = s.removed = s.has_run = false;
    s.begun = ++clock_;
    s.ended = ~std::size_t{0};
  }
  void end_registration(std::size_t i, result r, std::uint64_t begun, std::size_t failures) {
    state& s = all_[i];
    s.registering = false;
    if (r == result::registered && !s.removed) {
      s.ended = ++clock_;
      return log_.add(did::registered, i, me(), begun);
    }
    s.registered = false;
    if (r == result::registered) return;
    if (r == result::canceled) {
      log_.add(did::refused, i, me(), begun);
      require(shared_.is_cancellation_requested(), "refused, but the flag is clear (G8)");
    } else {
      require(r == result::out_of_memory, "register has neither succeeded nor been refused");
      require(failures != the_memory.failures, "out_of_memory, though no allocation has failed (G15)");
    }
  }
  void unregister_in_lane(std::size_t i) {
    state& s = all_[i];
    if (s.in_lane == nullptr || s.registering) return;
    ++s.in_use;
    std::uint64_t const begun = log_.now();
    bool const out = lane_->unregister(*s.in_lane);
    if (!s.taken_out) log_.add(out ? did::removed : did::not_removed, i, me(), begun);
    --s.in_use;
    if (out) free(s);
  }
  void wait_in_lane(std::size_t i) {
    state& s = all_[i];
    if (s.in_lane == nullptr || s.registering) return;
    ++s.in_use;
    std::uint64_t const begun = log_.now();
    lane_->unregister_and_wait(*s.in_lane);
    bool const here = s.runs && canceller_ == me();
    require(!s.runs || here, "a waiting unregister returned while the callback runs (G6)");
    if (!here && !s.taken_out) log_.add(did::waited, i, me(), begun);
    --s.in_use;
    if (!s.runs) free(s);
  }
  void free(state& s) {
    s.registered = s.taken_out = false;
    if (s.in_use == 0 && !s.runs) s.forget();
  }
  /// Ends the lane: its registrations never run. Then there is another one.
  void replace_lane() {
    if (lane_in_use_ != 0 || removing_ != 0) return;
    if (canceling_[me()]) return;
    ++lane_in_use_;
    std::uint64_t const begun = log_.now();
    lane_.reset();
    for (std::size_t i = 0; i < of_lane; ++i) {
      state& s = all_[i];
      require(!s.runs, "the lane's destructor returned while a callback of it runs (G6)");
      if (s.registered && !s.taken_out && !s.has_run) log_.add(did::removed, i, me(), begun);
      s.registered = s.taken_out = false;
      s.forget();
    }
    the_memory.next_fails = false;
    lane_.emplace(shared_);
    --lane_in_use_;
  }

  // --- the registry, by any thread ---
  void register_at_home(std::size_t i) {
    state& s = all_[i];
    if (s.registered || s.registering || s.in_use != 0) return;
    s.at_home = std::make_unique<home_node>(*this, i);
    begin_registration(s);
    std::size_t const failures = the_memory.failures;
    std::uint64_t const begun = log_.now();
    end_registration(i, shared_.try_register(*s.at_home), begun, failures);
  }
  void end_at_home(std::size_t i, bool waits) {
    state& s = all_[i];
    if (s.at_home == nullptr || s.registering) return;
    ++s.in_use;
    std::uint64_t const begun = log_.now();
    bool out = false;
    if (waits) {
      shared_.unregister_and_wait(*s.at_home);
      if (!(s.runs && canceller_ == me())) log_.add(did::waited, i, me(), begun);
      out = !s.runs;
    } else {
      out = shared_.unregister(*s.at_home);
      log_.add(out ? did::removed : did::not_removed, i, me(), begun);
    }
    --s.in_use;
    if (out) free(s);
  }
  void cancel() {
    std::size_t const m = me();
    std::uint64_t const begun = log_.now();
    bool const outer = !canceling_[m];
    if (outer) begun_[m] = begun, won_[m] = false, canceling_[m] = true;
    bool const first = shared_.cancel();
    if (outer) canceling_[m] = false;
    if (!first) return log_.add(did::lost, 0, m, begun);
    won(m);
    log_.add(did::finished, 0, m, log_.now());
  }
  void won(std::size_t m) {
    if (!won_[m]) log_.add(did::won, 0, m, begun_[m]);
    won_[m] = true;
  }
  void look() {
    std::uint64_t const begun = log_.now();
    bool const set = shared_.is_cancellation_requested();
    log_.add(set ? did::read_set : did::read_clear, 0, me(), begun);
  }
  /// As try_reset does: not beside cancel (R85). Here not beside the owner either, so that it is known what is gone.
  void remove_all() {
    if (lane_in_use_ != 0 || removing_ != 0) return;
    for (bool const c : canceling_)
      if (c) return;
    ++removing_;
    std::size_t const m = me();
    std::uint64_t const begun = log_.now();
    shared_.remove_all([&](core::basic_callback<Platform>& c) {
      for (std::size_t i = of_lane; i < callbacks; ++i)
        if (all_[i].at_home.get() == &c) {
          if (all_[i].registering) all_[i].removed = true;  // counts as never made, as in registry_target.cpp
          else log_.add(did::removed, i, m, begun), free(all_[i]);
          return;
        }
      lane::from(c).taken_out();
      for (std::size_t i = 0; i < of_lane; ++i)
        if (all_[i].registered && !all_[i].taken_out && !all_[i].has_run) {
          log_.add(did::removed, i, m, begun);
          all_[i].taken_out = true;
        }
    });
    --removing_;
  }

  /// A callback runs.
  void ran(std::size_t i) {
    state& s = all_[i];
    std::size_t const m = me();
    require(canceling_[m], "a callback runs on a thread that does not cancel");
    require(!s.taken_out, "a callback runs that was removed with its lane (R84)");
    won(m);
    canceller_ = m;
    require(shared_.is_cancellation_requested(), "a callback runs, but the flag is clear (G10)");
    log_.add(did::took, i, m, begun_[m]);
    s.runs = s.has_run = true;
    order_.push_back({i, s.begun, s.ended, ++clock_});
    unsigned const other = s.act / 8 % callbacks;
    bool gone = false;
    switch (s.act % 8) {
      case 1: from_inside(i, other, 2); break;
      case 2: from_inside(i, other, 3); break;
      case 3: cancel(); break;
      case 4: look(); break;
      case 5: gone = s.in_use == 0 && !s.registering; break;
      case 6:
        if (of_the_lane(i)) end_lane();
        break;
      default: break;
    }
    log_.add(did::ran, i, m, log_.now());
    s.runs = false;
    if (!s.registering && s.exists()) s.registered = false;
    if (gone) s.forget();
  }
  /// A callback of the lane may unregister registrations of the lane, also while the owner does so (G7).
  void from_inside(std::size_t i, unsigned other, unsigned verb) {
    if (!log_.has_room()) return;
    if (!of_the_lane(other)) return end_at_home(other, verb == 3);
    if (!of_the_lane(i) || !lane_ || removing_ != 0 || all_[other].taken_out) return;
    if (verb == 2) unregister_in_lane(other);
    else wait_in_lane(other);
  }
  /// A callback of the lane may destroy the lane if the owner is done with it (G13).
  void end_lane() {
    if (lane_in_use_ != 0 || removing_ != 0 || !lane_) return;
    ++removing_;  // the owner is done with the lane
    std::uint64_t const begun = log_.now();
    lane_.reset();
    for (std::size_t i = 0; i < of_lane; ++i) {
      state& s = all_[i];
      if (s.registered && !s.taken_out && !s.has_run) log_.add(did::removed, i, me(), begun);
      if (!s.runs) s.registered = s.taken_out = false, s.forget();
    }
    --removing_;
  }
  /// G9. A registration in the lane counts as old as the lane to those of the registry, so only equals are compared.
  void check_order() const {
    for (run const& a : order_)
      for (run const& b : order_)
        if (of_the_lane(a.name) == of_the_lane(b.name) && a.ended < b.begun && a.ran < b.ran)
          complain("callback " + std::to_string(a.name) + " has run before " + std::to_string(b.name) +
                   ", which is newer (G9)");
  }

  struct run {
    std::size_t name, begun, ended, ran;
  };
  registry shared_;
  std::optional<lane> lane_;
  std::array<state, callbacks> all_;
  std::vector<operation> lists_[threads], setup_;
  std::vector<run> order_;
  history log_;
  std::size_t clock_ = 0, canceller_ = threads + 1;
  unsigned lane_in_use_ = 0, removing_ = 0;
  std::array<std::uint64_t, threads + 1> begun_{};
  std::array<bool, threads + 1> won_{}, canceling_{};
};

template <std::size_t Inline, std::size_t Segment>
void play(reader program, input_bytes schedule) {
  lane_run<scheduled_platform<fibers, Inline, Segment>>(program).play(schedule);
}

}  // namespace

void lanes_target(input_bytes input) {
  serve_faults<fibers>();
  models::forget_records();
  the_memory.clear();
  two_parts const parts(input);
  reader program(parts.program);
  switch (program.next() % 3) {
    case 0: return play<1, 1>(program, parts.schedule);
    case 1: return play<2, 1>(program, parts.schedule);
    default: return play<2, 2>(program, parts.schedule);
  }
}

}  // namespace cts::fuzz
