// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registry (G1 to G15): up to three threads, every interleaving at every atomic operation (fibers.hpp). The oracle
/// is the sequential specification of LIN, the order of callbacks (G9), and the memory: callbacks are freed as soon as
/// the contract allows.
///
/// Input: the program, then the schedule. The first byte of the program picks the sizes. Then, byte by byte: two bits
/// name the thread (3: before the threads start), three the callback, three the verb.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "fibers.hpp"
#include "history.hpp"
#include "scheduled_platform.hpp"

namespace cts::fuzz {
namespace {

constexpr std::size_t threads = 3, callbacks = 8, most_operations = 40;

template <class Platform, std::size_t Stripes>
class registry_run {
  using registry = core::basic_registry<Platform, Stripes>;
  using result = core::register_result;

 public:
  explicit registry_run(reader program) {
    for (std::size_t n = 0; n < most_operations && !program.is_over(); ++n) {
      unsigned const b = program.next();
      operation o{b & 7, b >> 3 & 7, 0};
      if (o.verb == 7) o.more = program.next();
      if (b >> 6 < threads) lists_[b >> 6].push_back(o);
      else setup_.push_back(o);
    }
  }

  void play(input_bytes schedule) {
    for (operation const& o : setup_) perform(o);
    fibers::run(schedule, threads, [this](std::size_t me) {
      for (operation const& o : lists_[me]) perform(o);
    });
    if (shared_ != nullptr) cancel(0);  // what is left runs now
    log_.check();
    check_order();
    if (shared_ != nullptr) {
      require(shared_->is_cancellation_requested(), "after cancel the flag is clear (G10)");
      shared_->dispose();
      shared_.reset();
    }
    for (state& s : all_) s.callback.reset();
    require(the_memory.blocks == 0, "a segment has leaked (G14)");
  }

 private:
  struct operation {
    unsigned verb, callback, more;
  };
  struct node : core::basic_callback<Platform> {
    node(registry_run& r, std::size_t i) noexcept : core::basic_callback<Platform>(&run), on(r), name(i) {}
    static void run(core::basic_callback<Platform>& c) noexcept {
      auto& self = static_cast<node&>(c);
      self.on.ran(self.name);
    }
    registry_run& on;
    std::size_t const name;
  };
  struct state {
    std::unique_ptr<node> callback;
    bool registered = false;  // perhaps
    bool registering = false;
    bool removed = false;  // by remove_all, while it was registering
    unsigned in_use = 0;   // operations on it that have not returned
    unsigned act = 0;      // what it does when it runs
    std::size_t begun = 0, ended = 0, ran = 0, by = 0;
    bool runs = false;
  };

  static std::size_t me() { return (std::min)(fibers::thread(), threads); }

  void perform(operation const& o) {
    if (shared_ == nullptr || !log_.has_room()) return;
    ++in_flight_;
    switch (o.verb) {
      case 0:
      case 1: try_register(o.callback); break;
      case 2: unregister(o.callback); break;
      case 3: unregister_and_wait(o.callback); break;
      case 4: cancel(o.callback); break;
      case 5: look(o.callback); break;
      case 6:
        if (o.callback < 4) remove_all();
        else the_memory.next_fails = true;
        break;
      case 7: all_[o.callback].act = o.more; break;
      default: break;
    }
    --in_flight_;
  }

  void try_register(std::size_t i) {
    state& s = all_[i];
    if (s.registered || s.registering || s.in_use != 0) return;
    s.callback = std::make_unique<node>(*this, i);  // an earlier one is freed: nothing may touch it any more
    s.registering = s.registered = true;
    s.removed = false;
    s.begun = ++clock_;
    s.ended = ~std::size_t{0};
    s.by = me();
    std::size_t const failures = the_memory.failures;
    std::uint64_t const begun = log_.now();
    result const r = shared_->try_register(*s.callback);
    s.registering = false;
    if (r == result::registered && s.removed) {
      s.registered = false;
    } else if (r == result::registered) {
      s.ended = ++clock_;
      log_.add(did::registered, i, me(), begun);
    } else if (r == result::canceled) {
      s.registered = false;
      log_.add(did::refused, i, me(), begun);
      require(shared_->is_cancellation_requested(), "refused, but the flag is clear (G8)");
    } else {
      s.registered = false;
      require(r == result::out_of_memory, "register has neither succeeded nor been refused");
      require(failures != the_memory.failures, "out_of_memory, though no allocation has failed (G15)");
    }
  }
  void unregister(std::size_t i) {
    state& s = all_[i];
    if (s.callback == nullptr || s.registering) return;
    ++s.in_use;
    std::uint64_t const begun = log_.now();
    bool const out = shared_->unregister(*s.callback);
    log_.add(out ? did::removed : did::not_removed, i, me(), begun);
    --s.in_use;
    if (out) free(s);
  }
  void unregister_and_wait(std::size_t i) {
    state& s = all_[i];
    if (s.callback == nullptr || s.registering) return;
    ++s.in_use;
    std::uint64_t const begun = log_.now();
    shared_->unregister_and_wait(*s.callback);
    if (!(s.runs && s.by == me())) log_.add(did::waited, i, me(), begun);
    --s.in_use;
    if (!s.runs) free(s);
  }
  void free(state& s) {
    s.registered = false;
    if (s.in_use == 0 && !s.runs) s.callback.reset();
  }
  void cancel(std::size_t how) {
    std::size_t const m = me();
    bool const outer = !canceling_[m];
    std::uint64_t const begun = log_.now();
    if (outer) begun_[m] = begun, won_[m] = false, canceling_[m] = true;
    bool stopped = false, first = false;
    if (how == 6) {
      first = shared_->request_cancellation();
      if (first) won(m), shared_->run_callbacks([] { return false; });
    } else if (how == 5) {
      first = shared_->request_cancellation();
      if (first) won(m), run_with_pauses();
    } else if (how == 7) {
      int left = 2;
      first = shared_->cancel([&] { return stopped = --left == 0; });
    } else {
      first = shared_->cancel();
    }
    if (outer) canceling_[m] = false;
    if (shared_ == nullptr) return;  // a callback has destroyed it
    if (!first) return log_.add(did::lost, 0, m, begun);
    won(m);
    if (!stopped) log_.add(did::finished, 0, m, log_.now());
  }
  /// Callbacks that pause the notification count as running until it is resumed.
  void run_with_pauses() {
    may_pause_ = true;
    typename registry::pause at;
    auto const go_on = [] { return false; };
    paused_ = callbacks;
    auto const* c = shared_->run_callbacks(go_on, at);
    while (c != nullptr) {
      require(paused_ != callbacks, "a notification has paused at a callback that did not ask for it");
      look(0);  // other threads may go on meanwhile
      returned(std::exchange(paused_, callbacks));
      c = shared_->resume(at, go_on);
    }
    require(paused_ == callbacks, "a notification is over although a callback has paused it");
    may_pause_ = false;
  }
  void won(std::size_t m) {
    if (!won_[m]) log_.add(did::won, 0, m, begun_[m]);
    won_[m] = true;
  }
  void look(unsigned what) {
    std::uint64_t const begun = log_.now();
    if (what < 5) {
      bool const set = shared_->is_cancellation_requested();
      return log_.add(set ? did::read_set : did::read_clear, 0, me(), begun);
    }
    static_cast<void>(shared_->count());  // a snapshot: a segment that moves may be counted twice
    state& s = all_[what];
    if (s.callback != nullptr && !s.registering) {
      ++s.in_use;
      static_cast<void>(shared_->is_registered(*s.callback));
      static_cast<void>(shared_->is_running(*s.callback));
      --s.in_use;
    }
  }
  void remove_all() {
    std::size_t const m = me();
    std::uint64_t const begun = log_.now();
    shared_->remove_all([&](core::basic_callback<Platform>& c) {
      auto& n = static_cast<node&>(c);
      state& s = all_[n.name];
      // Its registration may have lost to a cancel that is over, and finds now that it is gone. It counts as never
      // made: beside and after a cancel the two together are not as if one thing at a time (R85).
      if (s.registering) s.removed = true;
      else log_.add(did::removed, n.name, m, begun), free(s);
    });
  }
  /// A callback runs.
  void ran(std::size_t i) {
    state& s = all_[i];
    std::size_t const m = me();
    require(canceling_[m], "a callback runs on a thread that does not cancel");
    won(m);
    require(shared_->is_cancellation_requested(), "a callback runs, but the flag is clear (G10)");
    log_.add(did::took, i, m, begun_[m]);
    s.runs = true;
    std::size_t const registered_by = s.by;
    s.by = m;
    s.ran = ++clock_;
    order_.push_back({i, s.begun, s.ended, s.ran, registered_by});
    unsigned const act = s.act % 8, other = s.act / 8 % callbacks;
    bool gone = false;
    switch (act) {
      case 1: perform({2, other, 0}); break;
      case 2: perform({3, other, 0}); break;
      case 3: perform({0, other, 0}); break;
      case 4: perform({4, 0, 0}); break;
      case 5: perform({5, other, 0}); break;
      case 6: gone = s.in_use == 0 && !s.registering; break;
      case 7:
        if (in_flight_ == 1) shared_.reset();
        break;
      default: break;
    }
    bool const pauses = may_pause_ && s.act >= 64 && shared_ != nullptr;
    if (!pauses) returned(i);
    if (gone) s.callback.reset();  // a callback may destroy itself (G13)
    if (pauses) {
      paused_ = i;
      shared_->pause_here();
    }
  }
  void returned(std::size_t i) {
    state& s = all_[i];
    log_.add(did::ran, i, s.by, log_.now());
    s.runs = false;
    if (!s.registering) s.registered = false;
  }
  /// G9: of two registrations of which one had ended before the other began, the newer one runs first.
  void check_order() const {
    for (run const& a : order_)
      for (run const& b : order_)
        if (a.ended < b.begun && a.ran < b.ran && (Stripes == 1 || a.by == b.by))
          complain("callback " + std::to_string(a.name) + " has run before " + std::to_string(b.name) +
                   ", which is newer (G9)");
  }

  struct run {
    std::size_t name, begun, ended, ran, by;
  };
  std::unique_ptr<registry> shared_ = std::make_unique<registry>();
  std::array<state, callbacks> all_;
  std::vector<operation> lists_[threads], setup_;
  std::vector<run> order_;
  history log_;
  std::size_t clock_ = 0;
  unsigned in_flight_ = 0;  // operations of threads, not those inside callbacks
  bool may_pause_ = false;
  std::size_t paused_ = callbacks;  // the callback at which the notification has paused
  std::array<std::uint64_t, threads + 1> begun_{};
  std::array<bool, threads + 1> won_{}, canceling_{};
};

template <std::size_t Inline, std::size_t Segment, std::size_t Stripes = 1>
void play(reader program, input_bytes schedule) {
  registry_run<scheduled_platform<fibers, Inline, Segment>, Stripes>(program).play(schedule);
}

}  // namespace

void registry_target(input_bytes input) {
  serve_faults<fibers>();
  models::forget_records();
  the_memory.clear();
  two_parts const parts(input);
  reader program(parts.program);
  switch (program.next() % 5) {
    case 0: return play<1, 1>(program, parts.schedule);
    case 1: return play<1, 2>(program, parts.schedule);
    case 2: return play<2, 1>(program, parts.schedule);
    case 3: return play<2, 2>(program, parts.schedule);
    default: return play<1, 1, 2>(program, parts.schedule);
  }
}

}  // namespace cts::fuzz
