// SPDX-License-Identifier: BSL-1.0
/// @file
/// The classes on one thread: sources with timers of a manual clock, links, tokens, registrations, wait handles. Each
/// callback makes calls of its own, throws, or ends what it belongs to. The oracle is rules_model.hpp.
///
/// Input: calls of one to three bytes. The first has the verb in its low three bits, then the source.
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "rules.hpp"
#include "rules_model.hpp"

namespace cts::fuzz {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_sources = 6, most_registrations = 16, most_calls = 60;
constexpr std::size_t none = rules_model::none;

std::string& told_the_sink() {
  static std::string text;
  return text;
}

class classes_run {
 public:
  explicit classes_run(input_bytes input) : input_(input) {}
  ~classes_run() { set_error_sink(nullptr); }

  void play() {
    told_the_sink().clear();
    set_error_sink([](std::exception_ptr e) noexcept { told_the_sink() += test::flat(std::move(e)); });
    while (!input_.is_over() && calls_ < most_calls) perform();
    while (!kept_.empty()) run_kept(calls_ % 2 == 0);
    // What ends now must not touch what is gone: AddressSanitizer looks on.
    registrations_.clear();
    sources_.clear();
  }

 private:
  struct ours {
    std::unique_ptr<cancellation_token_source> source;
    cancellation_token token;
    std::optional<wait_handle> handle;
    bool timed = false;
  };
  struct callback {
    classes_run* run;
    std::size_t name;
    void operator()() const { run->ran(name); }
  };
  struct record {
    cancellation_token_registration handle;
    std::unique_ptr<cancellation_callback<callback>> in_place;
    std::size_t source = 0;
    unsigned act = 0, more = 0;
    bool kept = false;  // try_register or register_callback has returned a registration
    int runs = 0;
  };

  /// What an executor was given by cancel_async.
  struct kept {
    std::size_t source;
    std::function<void()> posted;
    std::future<void> done;
  };

  void perform() {
    unsigned const b = input_.next();
    perform(b % 8, b / 8 % most_sources, b / 64);
  }
  void perform(unsigned verb, std::size_t s, unsigned how) {
    ++calls_;
    if (verb == 0) return make(how);
    if (sources_.empty()) return;
    s %= sources_.size();
    switch (verb) {
      case 1: try_register(s, how); break;
      case 2: unregister(input_.next(), how); break;
      case 3: cancel(s, how); break;
      case 4:
        if (how < 2) advance(input_.next() % 16);
        else cancel_after(s, input_.next() % 16);
        break;
      case 5: dispose(s); break;
      case 6:
        if (how == 0) try_reset(s);
        else if (how == 1) cancel_async(s);
        else if (!kept_.empty()) run_kept(how == 2);
        break;
      default: watch(s); break;
    }
    compare();
  }

  void make(unsigned how) {
    if (sources_.size() == most_sources) return;
    ours o;
    if (how < 2 || sources_.empty()) {
      if (how == 0 || how > 1) {
        model_.make();
        o.source = std::make_unique<cancellation_token_source>();
      } else {
        unsigned const delay = input_.next() % 16;
        std::size_t const s = model_.make();
        if (delay == 0) model_.all[s].canceled = true;  // R78: without a timer
        else model_.arm(s, delay);
        o.source = std::make_unique<cancellation_token_source>(milliseconds(delay), clock_);
        o.timed = delay != 0;
      }
    } else {
      unsigned const p = input_.next();
      std::vector<std::size_t> parents{p % sources_.size()};
      if (how == 3) parents.push_back(p / 16 % sources_.size());
      std::vector<cancellation_token> tokens;
      for (std::size_t i : parents) tokens.push_back(sources_[i].token);
      if (p >= 128) tokens.push_back(cancellation_token::none());
      model_.make_linked(parents);
      o.source = std::make_unique<cancellation_token_source>(cancellation_token_source::create_linked(tokens));
    }
    o.token = o.source->token();
    sources_.push_back(std::move(o));
  }

  void try_register(std::size_t s, unsigned how) {
    std::size_t const name = registrations_.size();
    if (name == most_registrations) return;
    registrations_.push_back(std::make_unique<record>());
    record& r = *registrations_.back();
    r.source = s;
    r.act = input_.next();
    r.more = r.act % 4 == 3 ? input_.next() : 0;
    auto const expected = model_.try_register(s, name);
    bool const now = expected == rules_model::registered::runs_now && how != 2;
    if (now) runs_now_ = name;
    std::string said;
    if (how == 3) {
      said = test::thrown([&] {
        r.in_place = std::make_unique<cancellation_callback<callback>>(sources_[s].token, callback{this, name});
      });
    } else if (how == 2) {
      auto got = sources_[s].token.try_register(callback{this, name});
      require(got.has_value() == (expected != rules_model::registered::runs_now),
              "try_register has a result though the source is canceled, or none though it is not");
      if (got) r.handle = std::move(*got);
      said = "nothing";
    } else {
      said = test::thrown([&] { r.handle = sources_[s].token.register_callback(callback{this, name}); });
    }
    require(runs_now_ == none, "a callback registered after cancel has not run (R17)");
    require(said == (now && r.act % 4 == 1 ? std::to_string(name) : "nothing"),
            "what register throws is not what its callback has thrown (R17)");
    r.kept = static_cast<bool>(r.handle);
    require(r.kept == (how != 3 && expected == rules_model::registered::yes),
            "register has returned a registration that it should not, or none (R15 to R20)");
    if (r.kept) require(r.handle.token() == sources_[s].token, "registration.token() is of another source (R54)");
  }
  void unregister(unsigned which, unsigned how) {
    if (registrations_.empty()) return;
    std::size_t const name = which % registrations_.size();
    record& r = *registrations_[name];
    bool const was = model_.unregister(name);
    if (r.in_place != nullptr) {
      if (running_.empty() || running_.back() != name) r.in_place.reset();
      else if (was) complain("the model has a callback registered that runs");
      return;
    }
    if (how == 0) require(r.handle.unregister() == was, "unregister answers wrongly (R43)");
    else if (how == 1) r.handle.dispose();
    else if (how == 2) r.handle.dispose_async().get();
    else r.handle = cancellation_token_registration();
    if (how != 3) require(!r.handle.is_registered(), "is_registered after unregister");
  }

  void cancel(std::size_t s, unsigned how) {
    bool const disposed = model_.all[s].disposed;
    bool const first = !disposed && model_.begin_cancel(s, how == 1, how == 3 ? 7 : 0);
    bool did = first;
    std::string said;
    try {
      switch (how) {
        case 0: said = flat_of([&] { sources_[s].source->cancel(); }); break;
        case 1: said = flat_of([&] { sources_[s].source->cancel(true); }); break;
        case 2: said = flat_of([&] { did = sources_[s].source->try_cancel(); }); break;
        default: said = flat_of([&] { sources_[s].source->cancel_with_reason(7); }); break;
      }
      require(!disposed || how == 2, "cancel of a disposed source does not throw (R24)");
    } catch (object_disposed const&) {
      require(disposed && how != 2, "object_disposed of a source that is not");
      return;
    }
    std::string const expected = first ? model_.end() : "nothing";
    if (said != expected) complain("cancel throws " + said + " in the place of " + expected + " (R28 to R32)");
    if (said == "nothing") require(did == first, "try_cancel answers wrongly");
  }
  /// With an executor that keeps the function.
  void cancel_async(std::size_t s) {
    std::function<void()> posted;
    auto const executor = [&](auto f) { posted = [only = std::make_shared<decltype(f)>(std::move(f))] { (*only)(); }; };
    bool const disposed = model_.all[s].disposed;
    bool const some = model_.begin_cancel_async(s);
    std::future<void> done = sources_[s].source->cancel_async(executor);
    require(some == static_cast<bool>(posted),
            "cancel_async posts nothing though there are callbacks, or has none to post");
    if (some) return kept_.push_back({s, std::move(posted), std::move(done)});
    require(done.wait_for(std::chrono::seconds(0)) == std::future_status::ready, "cancel_async of nothing is not over");
    bool threw = false;
    try {
      done.get();
    } catch (object_disposed const&) { threw = true; }
    require(threw == disposed, "cancel_async of a disposed source is no error, or of another one is");
  }
  /// Calls the oldest function that an executor keeps; or drops it, which calls it, too.
  void run_kept(bool calls) {
    kept k = std::move(kept_.front());
    kept_.erase(kept_.begin());
    require(k.done.wait_for(std::chrono::seconds(0)) == std::future_status::timeout,
            "cancel_async is over before its callbacks have run");
    model_.begin_async(k.source);
    if (calls) k.posted();
    k.posted = nullptr;
    std::string const expected = model_.end();
    require(k.done.wait_for(std::chrono::seconds(0)) == std::future_status::ready,
            "cancel_async is not over although its callbacks have run");
    std::string const said = flat_of([&] { k.done.get(); });
    if (said != expected) complain("the future of cancel_async has " + said + " in the place of " + expected);
  }
  template <class F>
  static std::string flat_of(F f) {
    try {
      f();
    } catch (object_disposed const&) { throw; } catch (...) {
      return test::flat(std::current_exception());
    }
    return "nothing";
  }
  void advance(unsigned by) {
    model_.begin_advance(by);
    clock_.advance(milliseconds(by));
    std::string const said = model_.end();
    require(said == "nothing", "an advance of the model throws");
    if (told_the_sink() != model_.unhandled)
      complain("the error sink was told " + told_the_sink() + " in the place of " + model_.unhandled + " (R33)");
    require(clock_.now().time_since_epoch() == milliseconds(model_.now()), "the clock shows another time");
  }
  void cancel_after(std::size_t s, unsigned delay) {
    // A source without a clock of its own would be canceled by a thread, some time.
    milliseconds const time = delay == 15 || !sources_[s].timed ? infinite : milliseconds(delay);
    bool threw = false;
    try {
      sources_[s].source->cancel_after(time);
    } catch (object_disposed const&) { threw = true; }
    require(threw == model_.all[s].disposed, "cancel_after throws wrongly (R58)");
    if (!threw && sources_[s].timed) model_.arm(s, time.count());
  }
  void dispose(std::size_t s) {
    model_.dispose(s);
    sources_[s].source->dispose();
  }
  void try_reset(std::size_t s) {
    bool threw = false, did = false;
    try {
      did = sources_[s].source->try_reset();
    } catch (object_disposed const&) { threw = true; }
    require(threw == model_.all[s].disposed, "try_reset throws wrongly (R58)");
    if (!threw) require(did == model_.try_reset(s), "try_reset answers wrongly (R84)");
  }
  void watch(std::size_t s) {
    bool threw = false;
    try {
      wait_handle h = sources_[s].token.wait_handle();
      if (!sources_[s].handle) sources_[s].handle = h;
      require(*sources_[s].handle == h, "wait_handle is another one each time (R87)");
    } catch (object_disposed const&) { threw = true; }
    require(threw == model_.all[s].disposed, "wait_handle throws wrongly (R58)");
  }

  /// A callback runs.
  void ran(std::size_t name) {
    record& r = *registrations_[name];
    bool const here = runs_now_ != none;
    std::size_t const expected = here ? std::exchange(runs_now_, none) : model_.next();
    if (name != expected)
      complain("callback " + std::to_string(name) + " runs in the place of " +
               (expected == none ? std::string("none") : std::to_string(expected)) + " (R26, R69)");
    require(++r.runs == 1, "a callback runs twice");
    require(sources_[r.source].token.is_cancellation_requested(), "a callback runs, but the flag is clear (R4)");
    running_.push_back(name);
    unsigned const act = r.act;
    if (act % 4 == 3) perform(r.more % 8, r.more / 8 % most_sources, r.more / 64);
    else if (act % 4 == 2) perform();
    running_.pop_back();
    if (act % 4 == 1) {
      if (!here) model_.throws(static_cast<int>(name));
      throw static_cast<int>(name);
    }
  }

  /// Compares all that can be asked with what the model says. Inside callbacks only what is settled there.
  void compare() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      auto const& m = model_.all[i];
      ours const& o = sources_[i];
      require(o.token.is_cancellation_requested() == m.canceled, "the flag is not what it should be (R1)");
      require(o.source->registration_count() == m.list.size() || (m.canceled && m.list.empty()),
              "registration_count is wrong");
      compare_time(i);
      bool threw = false;
      try {
        static_cast<void>(o.source->token());
      } catch (object_disposed const&) { threw = true; }
      require(threw == m.disposed, "token() throws wrongly (R58)");
      compare_cause(i);
      if (o.handle) compare_handle(i);
    }
    for (std::size_t i = 0; i < registrations_.size(); ++i)
      if (registrations_[i]->kept)
        require(!registrations_[i]->handle.is_registered() || model_.is_registered(i), "is_registered is wrong");
  }
  void compare_time(std::size_t i) {
    auto const due = sources_[i].token.deadline();
    std::int64_t const expected = model_.deadline(i);
    if (due.has_value() != (expected != rules_model::never))
      complain("deadline of " + std::to_string(i) + " is there, or not, wrongly");
    if (due) require(due->time_since_epoch() == milliseconds(expected), "deadline is another time");
  }
  void compare_cause(std::size_t i) {
    if (!model_.all[i].canceled) return require(!sources_[i].token.origin().can_be_canceled(), "origin before cancel");
    std::size_t const first = model_.origin(i);
    require(sources_[i].token.origin() == sources_[first].token, "origin is another source");
    std::any const why = sources_[i].token.reason();
    require(why.has_value() == (model_.all[first].reason != 0), "reason is there, or not, wrongly");
  }
  void compare_handle(std::size_t i) {
    bool threw = false, set = false;
    try {
      set = sources_[i].handle->wait_for(std::chrono::seconds(0));
    } catch (object_disposed const&) { threw = true; }
    require(threw == model_.all[i].disposed, "a wait throws wrongly (R62)");
    if (!threw) require(set == model_.all[i].canceled, "the wait handle is signalled wrongly (R89)");
  }

  manual_time_provider clock_;
  rules_model model_;
  std::vector<ours> sources_;
  std::vector<std::unique_ptr<record>> registrations_;
  std::vector<std::size_t> running_;
  std::vector<kept> kept_;
  std::size_t runs_now_ = none;
  std::size_t calls_ = 0;
  reader input_;
};

}  // namespace

void classes_target(input_bytes input) { classes_run(input).play(); }

}  // namespace cts::fuzz
