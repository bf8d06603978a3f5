// SPDX-License-Identifier: BSL-1.0
/// @file
/// cancel_async (detail/async_cancel.hpp): the composition of production, its invariants F1 to F4 (G20).
///
/// A thread of a model takes the place of the library's, and runs the job that is posted (the service is G17). The
/// promise and the counted pointers are the models' own, so that Relacy sees what they order. An exception leaves a
/// callback as a count (G21).
///
/// Faults of this world: "async_holds_nothing" (the job takes no reference to the state), "async_never_lets_go" (it
/// never gives it back), "async_job_is_not_held" (a copy of a pointer to the job does not count), "async_sets_nothing"
/// (a job that has run leaves its promise). The others are steps of the header.
#include "state/scene.hpp"

#include "cts/detail/async_cancel.hpp"

namespace cts::models::states {

struct model_async_rules : detail::async_rules {
  static bool leaves_callbacks(std::size_t registered) noexcept {
    if (is_replaced("async_posts_for_nobody")) return true;
    return !is_replaced("async_forgets_callbacks") && async_rules::leaves_callbacks(registered);
  }
  static bool runs_here(bool is_taken) noexcept {
    if (is_replaced("async_runs_twice")) return true;
    return !is_replaced("async_refused_is_lost") && async_rules::runs_here(is_taken);
  }
  static bool runs_at_end(bool was_called) noexcept {
    return !is_replaced("async_dropped_is_lost") && async_rules::runs_at_end(was_called);
  }
};

}  // namespace cts::models::states

template <std::size_t InlineSlots, std::size_t SegmentSlots, std::size_t Prefetch>
struct cts::core::replaced<cts::models::platform<InlineSlots, SegmentSlots, Prefetch>, cts::detail::async_rules> {
  using type = cts::models::states::model_async_rules;
};

namespace cts::models::states {
namespace {

/// A count of references.
class counter {
 public:
  explicit counter(int value) {
    rl::preemption_disabler const unpublished(rl::ctx());
    count_.store(value, rl::mo_relaxed, RL_INFO);
  }
  void up() { add(1, rl::mo_relaxed); }
  bool down_to_zero() { return add(-1, rl::mo_acq_rel) == 1; }

 private:
  int add(int n, rl::memory_order order) {
    announced const step(this, true, order);
    return count_.fetch_add(n, order, rl::debug_info("counted reference", __FILE__, __LINE__));
  }
  rl::atomic<int> count_;
};

/// A std::shared_ptr.
template <class T>
class model_shared {
  struct block {
    explicit block(state& s) : object(s) {}
    counter refs{1};
    T object;
  };

 public:
  static model_shared make(state& s) {
    model_shared p;
    p.block_ = ::new (P::allocate(sizeof(block))) block(s);
    return p;
  }
  model_shared() = default;
  model_shared(model_shared const& o) : block_(o.block_) {
    if (block_ != nullptr && !is_replaced("async_job_is_not_held")) block_->refs.up();
  }
  model_shared(model_shared&& o) noexcept : block_(std::exchange(o.block_, nullptr)) {}
  model_shared& operator=(model_shared o) noexcept {
    swap(o);
    return *this;
  }
  ~model_shared() {
    if (block_ == nullptr || !block_->refs.down_to_zero()) return;
    the_reduction.touch_all();
    block_->~block();
    P::deallocate(block_, sizeof(block));
  }
  void swap(model_shared& o) noexcept { std::swap(block_, o.block_); }
  T* operator->() const {
    require(block_ != nullptr, "a job that was taken before is run");
    return &block_->object;
  }
  T& operator*() const { return block_->object; }
  explicit operator bool() const { return block_ != nullptr; }
  bool operator==(std::nullptr_t) const { return block_ == nullptr; }

 private:
  block* block_ = nullptr;
};

/// What a promise shares with its future.
struct model_result {
  enum outcome : int { nothing, value, exceptions, disposed };
  counter refs{1};
  baton outcome_;
  model_result() {
    rl::preemption_disabler const unpublished(rl::ctx());
    outcome_.set(nothing);
  }
  bool is_ready() const { return outcome_.get() != nothing; }
  bool is(outcome o) const { return outcome_.get() == o; }
  void set(outcome o) {
    require(!is_ready(), "the future has become ready twice");
    outcome_.pass(o);
  }
  void drop() {
    if (!refs.down_to_zero()) return;
    the_reduction.touch_all();
    this->~model_result();
    P::deallocate(this, sizeof *this);
  }
  inline static model_result* of_the_job = nullptr;  // for a defect
};
class model_future {
 public:
  explicit model_future(model_result& r) : result_(&r) { r.refs.up(); }
  model_future(model_future&& o) noexcept : result_(std::exchange(o.result_, nullptr)) {}
  model_future& operator=(model_future&&) = delete;
  ~model_future() {
    if (result_ != nullptr) result_->drop();
  }
  model_result* release() { return std::exchange(result_, nullptr); }

 private:
  model_result* result_;
};
class model_promise {
 public:
  model_promise() : result_(::new (P::allocate(sizeof(model_result))) model_result) {
    model_result::of_the_job = result_;
  }
  model_promise(model_promise const&) = delete;
  model_promise& operator=(model_promise const&) = delete;
  ~model_promise() {
    model_result::of_the_job = nullptr;
    require(result_->is_ready(), "a future that never becomes ready");
    result_->drop();
  }
  model_future get_future() { return model_future(*result_); }
  void set_value() {
    if (is_replaced("async_sets_nothing")) return;
    if (is_replaced("async_ready_early") && result_->is_ready()) return;
    set(model_result::value);
  }
  void set(model_result::outcome o) { result_->set(o); }

 private:
  model_result* const result_;
};

/// Where jobs are posted.
struct model_poster {
  bool refuses = false;
  detail::background_job* job = nullptr;
};
model_poster* the_poster = nullptr;
baton* the_post = nullptr;  // 0: nothing yet; 1: a job; 2: there is none

struct async_world {
  using state = states::state;
  using promise = model_promise;
  template <class T>
  using shared = model_shared<T>;
  struct reference {
    explicit reference(state& s) : state_(s), holds_(!is_replaced("async_holds_nothing")) {
      if (holds_) state_.share();
    }
    reference(reference const&) = delete;
    reference& operator=(reference const&) = delete;
    ~reference() {
      if (holds_ && !is_replaced("async_never_lets_go")) state_.drop();
    }

   private:
    state& state_;
    bool const holds_;
  };
  struct call {
    explicit call(state&) {}
    ~call() {}
  };

  template <class T>
  static model_shared<T> make_shared(state& s) {
    return model_shared<T>::make(s);
  }
  static promise make_promise() { return promise(); }
  static void settle(promise& done, model_failures&) { done.set(model_result::exceptions); }
  static void refuse(promise& done) { done.set(model_result::disposed); }
  static bool post(detail::background_job& job) {
    if (the_poster->refuses) return false;
    the_poster->job = &job;
    the_post->pass(1);
    return true;
  }
};
using posted = detail::basic_posted_cancel<async_world>;

/// A state with a detached registration, whose callback writes the payload and may be the state's last owner but one.
struct async_scene : scene {
  model_poster poster;
  baton post;
  model_result* future = nullptr;
  posted* kept = nullptr;
  void open_async(bool registers = true, bool refuses = false) {
    open();
    poster = {refuses, nullptr};
    post.reset();
    the_poster = &poster;
    the_post = &post;
    model_result::of_the_job = nullptr;
    future = nullptr;
    kept = nullptr;
    add(0);
    make_payload();
    if (registers) register_detached();
  }
  void register_detached() {
    register_node();
    handle->then = [this] { payload->set(1); };
    handle->detach();
  }
  /// Then there is no job but one that was posted.
  void cancel_async() {
    future = detail::cancel_and_post<async_world>(*states[0]).release();
    if (poster.job == nullptr) post.pass(2);
  }
  void end_source() { states[0]->dispose_and_drop(); }
  void run_posted() {
    P::await([this] { return post.get() != 0; });
    if (post.get() == 1) poster.job->run(*poster.job);
  }
  /// For executors.
  void keep(posted f) {
    kept = ::new (P::allocate(sizeof(posted))) posted(std::move(f));
    post.pass(1);
  }
  void end_kept() {
    kept->~posted();
    P::deallocate(kept, sizeof *kept);
  }
  bool has_run() { return payload->get() == 1; }
  /// A thread that finds the future ready sees that the callback has run.
  void look() {
    if (future->is_ready()) require(has_run(), "the future was ready before the callback had run");
  }
  void close_async() {
    if (future != nullptr) {
      require(future->is_ready(), "the callbacks have run, but the future is not ready");
      future->drop();
    }
    close();
  }
};

// --- a library thread runs the callbacks ---

struct async_vs_dispose : rl::test_suite<async_vs_dispose, 2>, async_scene {
  void before() { open_async(); }
  void thread(unsigned i) {
    if (i == 1) return run_posted();
    cancel_async();
    end_source();
    look();
  }
  void after() {
    require(has_run(), "a callback was lost by the source's dispose");
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close_async();
  }
};
add<async_vs_dispose> const add_async_vs_dispose(
    "G20", "AsyncVersusDispose",
    "cancel_async, then the source's end: the callbacks still run, then the future is ready, then the state is freed "
    "(F1, F3, F4)",
    full(), 0);

/// A registration that its owner takes back, and a callback beside it.
struct async_vs_end_stage : async_scene {
  bool taken = false;
  void begin() {
    open_async(false);
    taken = false;
    register_node();
    register_callback(0);
  }
  void unregister() {
    taken = handle->unregister();
    handle->unregister_and_wait();
    require(handle->effect.get() == (taken ? 0 : 1), "unregistered and ran, or neither");
    handle->release_handle();
  }
  void end() {
    require(runs(0) == 1, "a callback was lost by the source's dispose");
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    unregister_callback(0);
    close_async();
  }
};

struct async_vs_end : rl::test_suite<async_vs_end, 3>, async_vs_end_stage {
  void before() { begin(); }
  void thread(unsigned i) {
    if (i == 1) return run_posted();
    if (i == 2) return unregister();
    cancel_async();
    end_source();
  }
  void after() { end(); }
};
add<async_vs_end> const add_async_vs_end(
    "G20", "AsyncVersusUnregisterAndDispose",
    "cancel_async, then the source's end, beside an unregister: no callback is lost (F1)", large(), 100000);

add<of_shared<async_vs_end>> const add_shared_async_vs_end(
    "G26", "AsyncVersusUnregisterAndDispose", "cancel_async and the end of a shared source beside an unregister",
    large(), 100000);

/// The canceller runs the job itself, so that the search is full.
struct async_vs_unregister : rl::test_suite<async_vs_unregister, 2>, async_vs_end_stage {
  void before() { begin(); }
  void thread(unsigned i) {
    if (i == 1) return unregister();
    cancel_async();
    end_source();
    run_posted();
  }
  void after() { end(); }
};
add<async_vs_unregister> const add_async_vs_unregister(
    "G20", "AsyncVersusUnregister",
    "cancel_async, the source's end and the posted job, beside an unregister: it is unregistered or runs (F1)", full(),
    0);

struct async_vs_register : rl::test_suite<async_vs_register, 3>, async_scene {
  core::register_result result{};
  void before() { open_async(false); }
  void thread(unsigned i) {
    if (i == 0) return cancel_async();
    if (i == 1) return run_posted();
    states[0]->share();
    result = states[0]->try_register(*callbacks[0]);
    if (result != core::register_result::registered) states[0]->drop();
  }
  void after() {
    bool const registered = result == core::register_result::registered;
    require(runs(0) == (registered ? 1 : 0), "a callback was lost, or ran although it was refused");
    if (registered) unregister_callback(0);
    end_source();
    close_async();
  }
};
add<async_vs_register> const add_async_vs_register(
    "G20", "AsyncVersusRegister",
    "a registration beside cancel_async: it is refused, or its callback runs; the future becomes ready (F3)",
    large(2, 0), 100000);

struct async_vs_cancel : rl::test_suite<async_vs_cancel, 3>, async_scene {
  void before() {
    open_async();
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) return cancel_async(), end_source();
    if (i == 1) return run_posted();
    cancel(*states[0]);
    states[0]->drop();
  }
  void after() {
    require(has_run(), "a callback was lost");
    close_async();
  }
};
add<async_vs_cancel> const add_async_vs_cancel(
    "G20", "AsyncVersusCancel",
    "cancel_async beside cancel: one of the two runs the callbacks, and the future is ready", large(1, 1), 100000);

struct async_without_callbacks : rl::test_suite<async_without_callbacks, 2>, async_scene {
  void before() {
    open_async(false);
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 1) return (void)states[0]->is_cancellation_requested(), states[0]->drop();
    cancel_async();
    require(future->is(model_result::value), "nothing runs, but the future is not ready");
    end_source();
  }
  void after() { close_async(); }
};
add<async_without_callbacks> const add_async_without_callbacks(
    "G20", "AsyncWithoutCallbacks", "without callbacks the future is ready on return, and nothing is posted (F3)",
    full(), 0);

struct async_of_disposed : rl::test_suite<async_of_disposed, 2>, async_scene {
  void before() {
    open_async();
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 1) return (void)states[0]->is_cancellation_requested(), states[0]->drop();
    states[0]->dispose();
    cancel_async();
    require(future->is(model_result::disposed), "the future does not say that the source is disposed");
    end_source();
  }
  void after() {
    require(!has_run(), "a callback has run although the source was disposed");
    close_async();
  }
};
add<async_of_disposed> const add_async_of_disposed(
    "G20", "AsyncOfADisposedSource", "cancel_async of a disposed source runs nothing, and the future says why", full(),
    0);

struct async_beside_dispose : rl::test_suite<async_beside_dispose, 3>, async_scene {
  void before() {
    open_async();
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) return cancel_async(), end_source();
    if (i == 1) return run_posted();
    states[0]->dispose();
    states[0]->drop();
  }
  void after() {
    require(has_run() != future->is(model_result::disposed), "a callback was lost, or ran although the future says no");
    close_async();
  }
};
add<async_beside_dispose> const add_async_beside_dispose(
    "G20", "AsyncBesideDispose",
    "a dispose beside cancel_async: either all callbacks run, or the future says that the source is disposed (F1)",
    large(1, 1), 100000);

/// The callback ends the source.
struct async_refused : rl::test_suite<async_refused, 2>, async_scene {
  void before() {
    open_async(false, true);
    states[0]->share();
    register_node();
    handle->then = [this] {
      payload->set(1);
      end_source();
    };
    handle->detach();
  }
  void thread(unsigned i) {
    if (i == 1) return (void)states[0]->is_cancellation_requested(), states[0]->drop();
    cancel_async();
    require(future->is(model_result::value) && has_run(), "no thread took the job, and it has not run here");
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close_async();
  }
};
add<async_refused> const add_async_refused(
    "G20", "AsyncWithoutAThread",
    "no thread takes the job: the callbacks run on the calling thread, also one that ends the source (F1, F2)", full(),
    0);

// --- an executor runs the callbacks ---

template <bool Calls>
struct async_on_executor : rl::test_suite<async_on_executor<Calls>, 2>, async_scene {
  void before() { open_async(); }
  void thread(unsigned i) {
    if (i == 0) {
      future = detail::cancel_and_execute<async_world>(*states[0], [this](posted f) { keep(std::move(f)); }).release();
      end_source();
      return look();
    }
    P::await([this] { return post.get() != 0; });
    if (Calls) (*kept)();
    end_kept();
  }
  void after() {
    require(has_run(), "a callback was lost");
    close_async();
  }
};
add<async_on_executor<true>> const add_async_called("G20", "AsyncOnAnExecutor",
                                                    "an executor calls the function on another thread (F1, F2)", full(),
                                                    0);
add<async_on_executor<false>> const add_async_dropped(
    "G20", "AsyncDroppedByAnExecutor",
    "an executor destroys the function on another thread, without a call: the callbacks run there (F2)", full(), 0);

template <bool Keeps>
struct async_thrown : rl::test_suite<async_thrown<Keeps>, 2>, async_scene {
  void before() { open_async(); }
  void thread(unsigned i) {
    if (i == 1) {
      P::await([this] { return post.get() != 0; });
      if (post.get() == 1) end_kept();
      return;
    }
    bool threw = false;
    try {
      detail::cancel_and_execute<async_world>(*states[0], [this](posted f) {
        if (Keeps) keep(std::move(f));
        throw 1;
      });
    } catch (int) { threw = true; }
    require(threw, "the executor's exception was swallowed");
    require(states[0]->is_cancellation_requested(), "the request was lost");
    if (!Keeps) require(has_run(), "the callbacks have not run here");
    if (!Keeps) post.pass(2);
    end_source();
  }
  void after() {
    require(has_run(), "a callback was lost");
    close_async();
  }
};
add<async_thrown<false>> const add_async_thrown(
    "G20", "AsyncOnAnExecutorThatThrows",
    "what an executor throws leaves cancel_async, and the callbacks have run there (F2)", full(), 0);
add<async_thrown<true>> const add_async_kept(
    "G20", "AsyncKeptByAnExecutorThatThrows",
    "an executor throws and has kept the function: the callbacks run on the thread that has it (F2)", full(), 0);

struct add_async_defects {
  add_async_defects() {
    add_defect("async_holds_nothing", "G20", "the job of a cancel_async does not hold the state (F1)",
               {replaces("async_holds_nothing")});
    add_defect("async_never_lets_go", "G20", "the job of a cancel_async never gives the state back (F1)",
               {replaces("async_never_lets_go")});
    add_defect("async_runs_twice", "G20", "a job that a thread has taken runs on the calling thread, too (F2)",
               {replaces("async_runs_twice")});
    add_defect("async_refused_is_lost", "G20", "a job that no thread takes runs nowhere (F2)",
               {replaces("async_refused_is_lost")});
    add_defect("async_dropped_is_lost", "G20", "a function that an executor destroys runs nothing (F2)",
               {replaces("async_dropped_is_lost")});
    add_defect("async_forgets_callbacks", "G20", "a cancel_async leaves its callbacks to nobody (F3)",
               {replaces("async_forgets_callbacks")});
    add_defect("async_posts_for_nobody", "G20", "a cancel_async without callbacks posts a job (F3)",
               {replaces("async_posts_for_nobody")});
    add_defect("async_job_is_not_held", "G20", "a job for a library thread does not hold itself (F4)",
               {replaces("async_job_is_not_held")});
    add_defect("async_sets_nothing", "G20", "the future never becomes ready (F3)", {replaces("async_sets_nothing")});
    add_defect("async_ready_early", "G20", "the future is ready before the callbacks have run (F3)",
               {before(core::site::slot_take,
                       [](step&) {
                         model_result* const r = model_result::of_the_job;
                         if (r != nullptr && !r->is_ready()) r->set(model_result::value);
                       }),
                replaces("async_ready_early")});
  }
} const add_all_async_defects;

}  // namespace
}  // namespace cts::models::states
