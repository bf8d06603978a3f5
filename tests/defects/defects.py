# SPDX-License-Identifier: BSL-1.0
"""The defects of the production parts, for gate.py. Each is a small change of one header, and names the test that must find it.

docs/production_parts.md says which headers need one: those that the mutation gate of the models (models/**/defects.cpp) does not reach.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Defect:
    name: str
    file: str  # in core/include/cts
    says: str  # what is broken
    old: str  # is there exactly once
    new: str
    test: str
    only: str  # the --gtest_filter
    also: tuple = ()  # further sources
    defines: tuple = ()
    sanitized: bool = False  # AddressSanitizer
    hangs: str = ""  # the test that does not end
    refused: str = ""  # a pattern of what the compiler says
    limit: int = 30  # seconds
    cheap: bool = False  # in the gate that runs with every build


DEFECTS = []


def defects(test, **common):
    """Defects that tests of one file find: (name, file, says, old, new, only)."""

    def add(name, file, says, old, new, only, **more):
        DEFECTS.append(Defect(name, file, says, old, new, test, only, **{**common, **more}))

    return add


# --- the event of wait handles ---
d = defects("tests/detail/event_test.cpp")
d("event_wakes_only_one_waiter", "detail/event.hpp", "the event wakes nobody when two threads wait",
  "return waiting != 0;", "return waiting == 1;", "Event.*", cheap=True)
d("event_notifies_one", "detail/event.hpp", "the event wakes one of its waiters",
  "changed_.notify_all();", "changed_.notify_one();", "Event.*")
d("event_counts_waiters_that_left", "detail/event.hpp", "a waiter that leaves is still counted",
  "    waiting_.set(waiting_.get() - 1);\n", "", "Event.*")
d("event_frees_beside_the_last_reference", "detail/event.hpp", "the last but one reference frees the event",
  "== 1) World::destroy(this);  // E4", "== 2) World::destroy(this);", "EventDescriptor.IsClosed*")
d("event_is_never_freed", "detail/event.hpp", "no reference frees the event",
  "== 1) World::destroy(this);  // E4", "== 0) World::destroy(this);", "EventDescriptor.IsClosed*")
d("event_shares_nothing", "detail/event.hpp", "a handle takes no reference",
  "refs_.fetch_add(1, site::event_share);", "", "EventDescriptor.IsClosed*", sanitized=True)
d("descriptor_not_set", "detail/event.hpp", "the signal does not make the descriptor readable",
  "    descriptor_.make_readable();\n    for (observer*", "    for (observer*", "EventDescriptor.*")
d("descriptor_opened_late_not_set", "detail/event.hpp", "a descriptor opened after the signal is not readable",
  "return signalled; }\n};", "return false && signalled; }\n};", "EventDescriptor.*")
d("descriptor_not_closed", "detail/event.hpp", "the descriptor stays open after the event's end",
  "if (end != -1) ::close(end);", "if (end == -1) ::close(end);", "EventDescriptor.*")
d("descriptor_is_inherited", "detail/event.hpp", "an exec inherits the descriptor",
  "EFD_CLOEXEC | EFD_NONBLOCK", "EFD_NONBLOCK", "EventDescriptor.*")
d("descriptor_error_swallowed", "detail/event.hpp", "a descriptor that cannot be opened is no error",
  "if (failed) throw std::system_error(errno", "if (false) throw std::system_error(errno", "EventDescriptor.*")
d("observer_not_told_of_dispose", "detail/event.hpp", "an observer that comes after dispose is not told",
  "return signalled || disposed;", "return signalled && !disposed;", "EventObserver.*")
d("event_tells_one_observer", "detail/event.hpp", "the event tells its first observer only",
  "for (observer* const o : observers_) o->notify();", "if (!observers_.empty()) observers_.front()->notify();",
  "EventObserver.*")
d("observer_sleeps_on", "detail/event.hpp", "an observer is told and not woken",
  "changed_.notify_one();", "", "EventObserver.IsWoken:EventsAny.*")
d("observer_stays", "detail/event.hpp", "an observer that has left is told",
  "if (at != observers_.end()) observers_.erase(at);", "", "EventObserver.IsToldBySignalAndDispose")
d("disposed_wait_returns", "detail/event.hpp", "a wait that dispose ends returns as if canceled",
  "if (disposed_.get()) throw object_disposed();\n    return signalled_.get();\n  }\n  /// The", "return signalled_.get() || disposed_.get();\n  }\n  /// The", "Event.*")
d("wait_any_leaves_observers", "detail/wait_any.hpp", "a wait for several events leaves observers behind",
  "while (added_ != 0) event_of", "if (added_ != 0) event_of", "EventsAny.*")
d("wait_any_tells_the_highest", "detail/wait_any.hpp", "a wait for several events tells the last that is signalled",
  "for (std::size_t i = 0; i < handles_.size(); ++i)", "for (std::size_t i = handles_.size(); i-- != 0;)", "EventsAny.*")

# --- exceptions of callbacks ---
d = defects("tests/detail/failures_test.cpp")
d("failures_forget_lost_ones", "detail/failures.hpp", "the collection forgets that memory ran out",
  "catch (std::bad_alloc const&) { lost_ = true; }", "catch (std::bad_alloc const&) {}", "Failures.*", cheap=True)
d("failures_throw_the_last", "detail/failures.hpp", "throw_first throws the last of the first four",
  "std::rethrow_exception(few_[0])", "std::rethrow_exception(few_[3])", "Failures.*")
d("failures_lose_their_order", "detail/failures.hpp", "the fifth exception and later ones come first",
  "all.insert(all.end(), more_.begin()", "all.insert(all.begin(), more_.begin()", "Failures.*")
d("failures_swallow_aggregates", "detail/failures.hpp", "the exceptions of a linked cancel are dropped",
  "} catch (...) { e = std::current_exception(); }\n    add(std::move(e));", "} catch (...) { return; }", "Failures.*")
d("failures_add_to_the_shared_one", "detail/failures.hpp", "what has no memory for itself is shared and collects",
  "if (fixed_) return;", "", "Failures.*")
d("dying_exceptions_nest", "aggregate_exception.hpp", "nested exceptions are destroyed by recursion",
  "if (d.nested == most_nested) {", "if (d.nested == most_nested + 1000000) {", "Failures.*")

# --- memory ---
d = defects("tests/detail/reserve_test.cpp")
d("reserve_gives_a_block_twice", "detail/memory/reserve.hpp", "two operations have one block of the reserve",
  "b.used = true;", "", "Reserve.*")
d("reserve_keeps_blocks", "detail/memory/reserve.hpp", "a block that comes back is not used again",
  "b.used = false;\n        return;", "return;", "Reserve.*")
d = defects("tests/classes/node_memory_test.cpp")
d("spare_given_twice", "detail/memory/node_cache.hpp", "two nodes are in the spare block",
  "      mine_.spare = nullptr;\n      return p;", "      return p;", "NodeMemory.*")
d("heap_does_not_end", "detail/memory/node_cache.hpp", "a thread's heap outlives the thread",
  "if (mine_.own != nullptr) mine_.own->end();", "", "NodeMemory.*")
d("late_heap_does_not_end", "detail/memory/node_cache.hpp", "the heap of a node that is made while its thread ends stays",
  "    h->end();\n    return p;", "    return p;", "NodeMemory.*")
d("slab_counts_too_many_blocks", "detail/memory/node_cache.hpp", "the blocks of a slab reach beyond its end",
  "count += (std::min)(per_page, (end - p - page_head) / Size);", "count += per_page;", "NodeMemory.*", sanitized=True,
  defines=("CTS_NODE_CACHE=1",))

# --- the lists of the timer service ---
d = defects("tests/timers/crew_test.cpp")
d("job_queue_keeps_its_end", "detail/timers/background_jobs.hpp", "a job that follows one taken back is lost",
  "if (last_ == j) last_ = before;", "", "JobQueue.*", cheap=True)
d("job_queue_takes_back_the_first", "detail/timers/background_jobs.hpp", "a job that is taken back takes others with it",
  "(before == nullptr ? first_ : before->next) = j->next;", "first_ = j->next;", "JobQueue.*")
d("fork_keeps_threads", "detail/timers/crew_workers.hpp", "after a fork the parent's threads still count",
  "      mine->next = nullptr;\n", "", "CrewWorkers.*")
d = defects("tests/timers/timer_wheel_test.cpp")
d("wheel_unlinks_one_side", "detail/timers/timer_wheel.hpp", "a disarmed timer stays linked from its neighbour",
  "      e.next->previous = e.previous;\n", "", "TimerWheel.SpreadsNoMoreEntriesThanItsSteps",
  hangs="TimerWheel.SpreadsNoMoreEntriesThanItsSteps", limit=10)
d("wheel_forgets_the_first", "detail/timers/timer_wheel.hpp", "a bucket begins with a timer that was disarmed",
  "if (first == &e) first = e.next;", "", "TimerWheel.*", limit=20)
d("wheel_ticks_early", "detail/timers/timer_wheel.hpp", "due times are rounded down to ticks",
  "+ ((tick{1} << tick_bits) - 1)) >> tick_bits", ") >> tick_bits", "TimerWheel.*", limit=20)

# --- cancel ---
d = defects("tests/classes/rules_cancel_test.cpp")
d("async_job_is_not_held", "detail/async_cancel.hpp", "a cancel_async does not hold its job until it has run",
  "job->self_ = job;", "", "R39.*")
d("async_swallows_exceptions", "detail/cancel.hpp", "the exceptions of a cancel_async's callbacks are lost",
  "} catch (...) { done.set_exception(std::current_exception()); }", "} catch (...) { done.set_value(); }", "R39.*")
d("async_of_disposed_is_fine", "detail/cancel.hpp", "a cancel_async of a disposed source holds no error",
  "done.set_exception(detail::disposed_error())", "done.set_value()", "R36.*")
d("throw_on_first_collects", "detail/cancel.hpp", "cancel(true) throws an aggregate",
  "if (throw_on_first) failed.throw_first();", "", "R29.*")
d("cancel_of_disposed_is_silent", "detail/cancel.hpp", "cancel of a disposed source throws nothing",
  "if (result == request_result::disposed && then == if_disposed::throws) throw object_disposed();", "", "R24.*")
d("unhandled_is_swallowed", "detail/parts.hpp", "exceptions of a timer's callbacks go nowhere",
  "} catch (...) { detail::report_unhandled(std::current_exception()); }", "} catch (...) {}", "R33.AnExceptionOnATimerGoesToTheErrorSink",
  hangs="R33.AnExceptionOnATimerGoesToTheErrorSink", limit=10)
d("callback_swallows_exceptions", "detail/callable.hpp", "the exceptions of callbacks are lost",
  "} catch (...) { s.collector().add(std::current_exception()); }", "} catch (...) {}", "R28.*")
d("empty_function_is_taken", "detail/callable.hpp", "an empty std::function can be registered",
  "return !f.operator bool();", "return false;", "R14.*")
d("canceled_token_calls_nothing", "detail/function_node.hpp", "on a canceled token the callback is dropped",
  "    detail::call(function, s);\n    return nullptr;", "    return nullptr;", "R17.*")
d("operation_canceled_without_token", "cancellation_token.hpp", "the exception does not know its token",
  "throw operation_canceled(*this);", "throw operation_canceled();", "R11.*")
d = defects("tests/classes/rules_cancel_test.cpp", sanitized=True)
d("async_drops_the_state_twice", "detail/async_cancel.hpp", "a cancel_async gives its reference to the state back twice",
  "state_(s), held_(s) {}", "state_(s), held_(s) { s.drop(); }", "R42.*:R39.*")

# --- registrations ---
d = defects("tests/classes/rules_registration_test.cpp")
d("callable_is_not_destroyed", "detail/function_node.hpp", "a callable that has run is not destroyed",
  "    self.f_.~F();\n", "", "R46.*")
d("context_is_no_canceller", "detail/function_node.hpp", "the thread of a context waits for the callback that it runs",
  "        state::delegate const here(s);\n", "", "R91.*", hangs="R91.TheContextsThreadCountsAsTheOneThatRunsCallbacks", limit=20)
d("context_swallows_exceptions", "detail/function_node.hpp", "what is thrown through send() is lost",
  "} catch (...) { s.collector().add(std::current_exception()); }", "} catch (...) {}", "R91.*")
d("ready_future_is_not_ready", "detail/futures.hpp", "the future of a dispose_async that need not wait is a broken promise",
  "  p.set_value();\n", "", "R52.*")
d("late_waiter_is_forgotten", "detail/registration.hpp", "a dispose_async that comes too late never completes",
  "if (!registered.complete_at_end(*waiter)) waiter->complete();", "registered.complete_at_end(*waiter);", "R52.*",
  hangs="R52.DisposeAsyncIsReadyWhenDisposeWouldReturn", limit=20)
d("circles_are_not_found", "detail/checked/waits.hpp", "a wait that closes a circle is not reported",
  "if (at == waiter_) return n;", "if (at == waiter_) return 0;", "R49.ACircleOfThreeIsReported",
  hangs="R49.ACircleOfThreeIsReported", limit=10)
d("runner_is_unknown", "detail/parts.hpp", "a wait does not know who runs the callback",
  "? w.state_.runner() : 0;", "? 0 : 0;", "R49.ACircleOfThreeIsReported",
  hangs="R49.ACircleOfThreeIsReported", limit=10)
d("registration_is_left_registered", "cancellation_token.hpp", "the end of a registration leaves its callback registered",
  "    node_->unregister_and_wait();\n    node_->release_handle();", "    node_->detach();", "R46.SoDoTheDestructorsAndAssignment")
d("awaiting_gives_up", "core/platform.hpp", "a wait for a callback ends after its first nap",
  "    while (!done()) {\n", "    if (!done()) {\n", "R46.DisposeWaitsForACallbackThatRunsElsewhere")
d = defects("tests/classes/rules_registration_test.cpp", sanitized=True)
d("handle_takes_no_reference", "detail/function_node.hpp", "the handle of a registration holds no state",
  "  s.share();  // the handle's reference\n", "", "R54.*:R46.*")
d("end_waiter_leaks", "detail/registration.hpp", "a dispose_async that has waited leaks its memory",
  "    reserve::give_back(this);\n", "", "R52.*")
d = defects("tests/classes/rules_cancel_test.cpp", sanitized=True)
d("refused_keeps_its_reference", "detail/function_node.hpp", "a registration that is refused keeps the state",
  "      owner.drop();\n", "", "R20.*")
d("token_copies_share_nothing", "cancellation_token.hpp", "a copy of a token holds no state",
  "other) noexcept : state_(other.state_) {\n    if (state_ != nullptr) state_->share();\n  }\n  /// Leaves none()",
  "other) noexcept : state_(other.state_) {}\n  /// Leaves none()", "R9.*:R35.*")

# --- what fails for want of memory ---
d = defects("tests/classes/classes_allocation_test.cpp")
d("register_swallows_bad_alloc", "detail/function_node.hpp", "a registration that finds no memory fails in silence",
  "else if (result == core::register_result::out_of_memory) throw std::bad_alloc();", "", "AllocationFailureAbove.*")
d("callback_swallows_bad_alloc", "cancellation_callback.hpp", "a callback object that finds no memory fails in silence",
  "if (result == core::register_result::out_of_memory) throw std::bad_alloc();", "", "AllocationFailureAbove.*")
d("callback_object_stays", "cancellation_callback.hpp", "the end of a callback object leaves it registered",
  "    s->unregister_and_wait(*this);\n    s->more().remove(record_);\n  }\n\n private", "  }\n\n private", "AllocationFailureAbove.*:Allocations.*")
d("span_link_swallows_bad_alloc", "cancellation_token_source.hpp", "a link to one of a span that finds no memory fails in silence",
  "if (p.state_ != nullptr && !child.state_->link_to(n++, *p.state_)) throw std::bad_alloc();",
  "if (p.state_ != nullptr) child.state_->link_to(n++, *p.state_);", "AllocationFailureAbove.*")
d("link_swallows_bad_alloc", "detail/linked_state.hpp", "a link that finds no memory fails in silence",
  "if (parent != nullptr && !child_.link_to(linked_++, *parent)) throw std::bad_alloc();",
  "if (parent != nullptr) child_.link_to(linked_++, *parent);", "AllocationFailureAbove.*")

# --- the classes beyond the rules ---
d = defects("tests/classes/extras_test.cpp")
d("dispose_for_says_over", "detail/registration.hpp", "a dispose_for that has waited in vain says that it is over",
  "if (end && std::chrono::steady_clock::now() >= *end) return false;",
  "if (end && std::chrono::steady_clock::now() >= *end) return true;", "DisposeFor.*")
d("try_register_runs", "cancellation_token.hpp", "try_register on a canceled token says that it has registered",
  "if (canceled) return std::nullopt;", "", "TryRegister.*")
d = defects("tests/classes/extras_test.cpp", sanitized=True)
d("reason_is_freed_twice", "detail/cancel.hpp", "both the call and the state own the reason",
  "reason const* const given = why.value.release();", "reason const* const given = why.value.get();", "Reason.*")
d("reason_is_not_freed", "detail/parts.hpp", "the reason of a cancel leaks",
  "noexcept { delete r; }", "noexcept {}", "Reason.*")
d = defects("tests/classes/extras_test.cpp", defines=("CTS_CHECKED=1",))
d("checked_list_unlinks_one_side", "detail/checked/registration_list.hpp", "a registration that ends stays in the list of its neighbour",
  "    if (r.next_ != nullptr) r.next_->link_ = r.link_;\n", "", "Checked.*")
d("leaks_are_not_reported", "detail/checked/source_scopes.hpp", "a source does not report its leaks",
  "if (checked && !s.is_cancellation_requested()", "if (!checked && !s.is_cancellation_requested()", "Checked.*")
d("held_child_is_not_found", "detail/checked/held_sources.hpp", "a callable that holds a linked source is not recognized",
  "return leak::kind::callable_holds_child;\n  }\n  return", "continue;\n  }\n  return", "Checked.*")
d("own_reason_is_not_found", "detail/checked/held_sources.hpp", "a reason that holds its own source is not recognized",
  "if (origin == mine) return true;", "if (origin == mine) return false;", "Checked.*")
d("own_call_is_an_overlap", "detail/checked/source_calls.hpp", "a dispose overlaps the call that it is made in",
  " && s->thread_ != core::std_platform::this_thread()", "", "Checked.*")
d("cancel_async_is_overlapped", "detail/checked/source_calls.hpp", "a dispose in a callback overlaps the cancel_async that has called it",
  "      if (is_asynchronous) --others[index(source_verb::cancel)];\n", "", "Checked.*")
d("contexts_overlap_their_canceller", "detail/checked/source_calls.hpp", "a dispose on a context's thread overlaps its canceller's call",
  "if (s->thread_ != canceller && ", "if (", "Checked.*")
d("overlaps_are_not_reported", "detail/checked/source_calls.hpp", "a dispose does not see the call that it overlaps",
  "++others[index(s->verb_)];", "{}", "Checked.*")
d = defects("tests/core/checked_test.cpp", defines=("CTS_CHECKED=1",))
d("double_registration_is_not_found", "core/overlap_watch.hpp", "the registry where a callback is registered already is not found",
  "if (i->number_.load(std::memory_order_relaxed) == number)", "if (i->number_.load(std::memory_order_relaxed) != number)", "Checked.RegisteringTwiceIsReported:Checked.RegisteringInTwoRegistriesIsReported")
d("dispose_sees_no_overlap", "core/overlap_watch.hpp", "calls in progress are not counted",
  "    active_[index(c)].fetch_add(1);\n", "", "Checked*", limit=20)
d("handler_is_not_restored", "core/overlap_watch.hpp", "no handler means none instead of the default",
  "return detail::handler.exchange(h != nullptr ? h : abort_on_misuse);", "return detail::handler.exchange(h);", "Checked*")

# --- linked sources ---
d = defects("tests/classes/linked_sources_test.cpp")
d("lost_failures_are_freed", "detail/parts.hpp", "the collection that needs no memory is given to delete",
  "if (!f->is_lost()) delete f;", "delete f;", "LongChain.WithoutMemoryForAnExceptionBadAllocComesThrough")
d("clocks_are_not_sorted", "detail/timers/time_left.hpp", "the clocks of a deadline are not in order, so some are never read",
  "while (i < n && std::less<>()(found[i].clock, r.clock)) ++i;", "", "Deadline.*")
d("latest_due_of_a_clock", "detail/timers/time_left.hpp", "of two timers of one clock the later one counts",
  "found[i].due = (std::min)(found[i].due, r.due);", "found[i].due = (std::max)(found[i].due, r.due);", "Deadline.*")
d("one_round_of_clocks", "detail/timers/time_left.hpp", "of more than eight clocks the others are not read",
  "else more = true;", "else more = false;", "Deadline.*")
d = defects("tests/classes/linked_tokens_test.cpp")
d("refused_links_stay", "detail/linked_state.hpp", "a linked source that could not be made stays linked",
  "if (s != nullptr) s->dispose_and_drop();", "", "LinkedTokens.*:LinkedWithADelay.*")
d("foreign_links_stay", "detail/linked_state.hpp", "dispose leaves the links to foreign tokens",
  "(i++ != except ? link", "(i++ == except ? link", "LinkedTokens.*", limit=20)
d("std_tokens_stop_only_if_stopped", "token_traits.hpp", "a std::stop_token that is not stopped counts as one that never is",
  "static bool stop_possible(std::stop_token const& token) noexcept { return token.stop_possible(); }",
  "static bool stop_possible(std::stop_token const& token) noexcept { return token.stop_requested(); }", "ForeignLink*CancelsTheSourceAndRunsItsCallbacksThere")

# --- sources and timers ---
d = defects("tests/classes/rules_source_test.cpp")
d("closed_timer_fires", "detail/timers/alarm.hpp", "a provider's shot that comes after dispose cancels the source",
  "    target_ = nullptr;\n", "", "R64.*")
d("null_timer_is_accepted", "detail/timers/alarm.hpp", "a provider that makes no timer is no error",
  'if (t == nullptr) throw std::invalid_argument("the time_provider has created no timer (null)");', "", "R83.*")
d("timer_of_a_provider_is_reset", "detail/timers/alarm.hpp", "try_reset takes the timer of a provider",
  "return custom_ == nullptr && system_.disarm(", "return custom_ != nullptr || system_.disarm(", "R84.*")
d("disposed_timer_stays", "detail/timers/alarm.hpp", "a provider's timer outlives the source that its callback disposed",
  "if (--firing_ == 0 && ends_late_) gone.swap(timer_);", "--firing_;", "R83.*")
d("fired_timer_goes_with_its_call", "detail/timers/alarm.hpp", "a provider's timer is destroyed as soon as it has fired",
  "else if (disposed) ends_late_ = true;", "else ends_late_ = true;", "R83.*")
d("dispose_waits_for_the_timer", "detail/timers/alarm.hpp", "a dispose destroys the provider's timer while it fires",
  "if (firing_ == 0) gone.swap(timer_);", "if (firing_ == 0 || disposed) gone.swap(timer_);", "R83.*:R91.*")
d("short_delay_is_zero", "detail/timers/source_timer.hpp", "a delay below a millisecond cancels in the constructor",
  "if (due.count() == 0 && !positive)", "if (due.count() == 0)", "R78.*")
d("reset_of_canceled_succeeds", "cancellation_token_source.hpp", "try_reset of a canceled source says that it is as new",
  "return v == detail::request_result::won;\n  }\n  /// Ends the source", "return true;\n  }\n  /// Ends the source", "R84.*")
d("moved_source_is_not_disposed", "cancellation_token_source.hpp", "the destructor does not end the source",
  "std::exchange(state_, nullptr)->dispose_and_drop();", "std::exchange(state_, nullptr)->drop();", "R63.*:R62.*", hangs="R62.AlsoIfTheSourceSimplyGoes", limit=20)
d("fork_keeps_the_service", "detail/timers/system_timers.hpp", "a forked child relies on the threads of its parent",
  "[] { get().forget_threads(); }", "[] { get().unlock_all(); }", "R79.AForkedChildHasTimersOfItsOwn", limit=30)
d = defects("tests/classes/rules_source_test.cpp", sanitized=True)
d("shot_takes_no_reference", "detail/timers/alarm.hpp", "a provider's shot cancels without a reference",
  "      s->share();  // under the lock that the source's end takes before it drops its own reference\n", "", "R83.*:R34.*")
d("handle_copies_share_nothing", "wait_handle.hpp", "a copy of a wait handle holds no event",
  "event_(other.event_) { event_->share(); }", "event_(other.event_) {}", "R87.TheHandleIsMadeOnce")
d = defects("tests/classes/time_test.cpp")
d("fraction_loses_its_carry", "detail/timers/duration.hpp", "a sum of fractions loses its carry",
  "whole + other.whole + (r >= Den ? 1 : 0);", "whole + other.whole;", "Delay.*:CancelAt.*")
d("time_is_rounded_down", "detail/timers/duration.hpp", "a wait is rounded down to nanoseconds",
  "(ns.rest != 0 && ns.whole < saturated ? 1 : 0)", "0", "NanosecondsUp.*")
d("past_is_in_the_future", "detail/timers/duration.hpp", "the time between two points has the wrong sign beyond 292 years",
  "if (beyond ? a.seconds < 0 : seconds > most)", "if (beyond ? a.seconds > 0 : seconds > most)", "CancelAt.*")
d("floating_delay_is_too_large", "detail/timers/delay.hpp", "a floating-point delay beyond the range is accepted",
  "if (ms > -2 && ms < 4294967295.0L)", "if (ms > -2)", "Delay.*")
d("unreachable_point_is_armed", "detail/timers/source_timer.hpp", "the largest point of a clock cancels",
  "left < (left.max)() && when < (when.max)();", "true;", "CancelAt.*")
d("manual_clock_fires_the_latest", "manual_time_provider.hpp", "the manual clock fires the latest of its timers first",
  "(*at)->due < (*best)->due))", "(*at)->due > (*best)->due))", "ManualClock.*:Wait.*:CancelAt.*")
d("manual_shot_dies_under_the_lock", "manual_time_provider.hpp", "the manual clock destroys a timer's function under its lock",
  "      s.reset();", "      //", "ManualClock.ATimersFunction*", limit=30)
d("manual_timer_is_armed_twice", "manual_time_provider.hpp", "a timer of the manual clock that is set again is armed twice",
  "      std::erase(clock_->armed, shot_);\n      if (due <", "      if (due <", "ManualClock.*")
d("wait_ends_with_the_old_clock", "wait_handle.hpp", "a wait_until ends although its clock was set back meanwhile",
  "if (left <= left.zero()) return false;", "return false;", "Wait.*")
d("delay_one_too_large", "detail/timers/delay.hpp", "a delay of 4294967295 ms is accepted",
  "(m.negative ? 1 : 4294967294)", "(m.negative ? 1 : 4294967295)", "Delay.*")
d("floating_delay_one_too_large", "detail/timers/delay.hpp", "a floating-point delay of 4294967295 ms is accepted",
  "ms < 4294967295.0L", "ms <= 4294967295.0L", "Delay.*")
d = defects("tests/detail/world_test.cpp")
d("due_time_overflows", "detail/timers/system_world.hpp", "a due time beyond the end of the steady clock overflows",
  "return delay > (std::chrono::nanoseconds::max)() - now ? (std::chrono::nanoseconds::max)() : now + delay;",
  "return std::chrono::nanoseconds(static_cast<long long>(static_cast<unsigned long long>(now.count()) + static_cast<unsigned long long>(delay.count())));",
  "DueIn.*")
d("child_counts_waiters_of_its_parent", "detail/timers/system_world.hpp", "a condition of a forked child notifies waiters of its parent",
  "void forget_waiters() noexcept { where_ = make(); }", "void forget_waiters() noexcept {}", "Condition.*", limit=40)
d = defects("tests/classes/api_test.cpp", sanitized=True)
d("system_timer_stays_armed", "detail/timers/system_time_provider.hpp", "a timer of the system's provider that ends stays armed",
  "    the_timer_service::get().disarm(*shot_);\n    shot_->drop();", "    shot_->drop();", "Api.*")
d = defects("tests/timers/timers_test.cpp")
d("async_without_thread_runs_nothing", "detail/async_cancel.hpp", "a cancel_async for which there is no thread runs nothing",
  "if (rules::runs_here(World::post(*job))) run(*job);", "World::post(*job);", "CancelAsync.WithoutAThreadRunsTheCallbacksHere",
  limit=30)
d("library_threads_are_not_woken", "detail/timers/system_world.hpp", "a library thread that sleeps is not woken",
  "void notify_one() noexcept { where_->notify_one(); }", "void notify_one() noexcept {}", "Timers.AnEarlierOneWakesTheKeeper", limit=90)
d("failed_arm_leaves_a_deadline", "detail/timers/alarm.hpp", "a cancel_after that has failed leaves a deadline",
  "      due_.compare_exchange_strong(", "      static_cast<void>(", "Timers.WithoutAThreadCancelAfterThrowsAndMayBeTriedAgain")
d("library_threads_take_signals", "detail/timers/system_timers.hpp", "library threads receive the signals of the process",
  "  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread", "  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);  // the new thread",
  "TimerThreads.*", limit=30)
d("starting_keeps_the_mask", "detail/timers/system_timers.hpp", "the thread that starts a library thread blocks signals from then on",
  "  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);\n", "", "TimerThreads.LeaveTheMask*", limit=30)
d("exit_waits_for_callbacks", "detail/timers/system_timers.hpp", "the end of the program waits for callbacks without a bound",
  "get().stop(system_world::now() + exit_patience);\n        return;", "get().stop((std::chrono::nanoseconds::max)());\n        return;",
  "TimersAtExit.DoNotDeadlockWithACallbackThatNeedsALockOfTheExitingThread",
  hangs="TimersAtExit.DoNotDeadlockWithACallbackThatNeedsALockOfTheExitingThread", limit=20)

# --- bridges ---
d = defects("tests/bridges/executors_test.cpp")
d("dropped_cancel_runs_nothing", "detail/async_cancel.hpp", "an executor that drops the function loses the callbacks",
  "return !was_called;", "return was_called && !was_called;", "CancelAsyncOnAnExecutor.ThatDropsTheFunctionRunsTheCallbacksThere",
  hangs="CancelAsyncOnAnExecutor.ThatDropsTheFunctionRunsTheCallbacksThere", limit=20)
d("null_executor_is_taken", "post_to.hpp", "post_to takes a null executor",
  'detail::require_callable(executor_, "post_to: the executor");', "", "PostTo.*")
d = defects("tests/bridges/executors_test.cpp", sanitized=True)
d("posting_uses_its_end", "post_to.hpp", "an executor that ends the registration is used after its end",
  "Executor executor(std::move(executor_));", "Executor& executor = executor_;", "PostTo.*")
d = defects("tests/bridges/coroutine_test.cpp")
d("gate_is_not_asked", "coroutine.hpp", "a closed gate resumes the coroutine",
  "if (gate->try_pass()) r();", "r();", "ResumeGate.*")
d("coroutine_is_not_noted", "coroutine.hpp", "the awaiter does not note the coroutine that it suspends",
  "    suspended_ = suspended;\n", "", "Canceled.SuspendsUntilCancelAndResumesInside")
d = defects("tests/bridges/coroutine_test.cpp", sanitized=True)
d("resume_uses_the_frame", "coroutine.hpp", "the executor is used after the end of the frame that holds it",
  "Executor executor(std::move(executor_));  // the frame", "Executor& executor = executor_;  // the frame", "Canceled*:ResumeGate.*")
d = defects("tests/bridges/posix_signal_test.cpp", limit=25)
d("handler_changes_errno", "detail/signals/posix_signals.hpp", "the handler does not restore errno",
  "  errno = error;\n}", "}", "SignalCancellation.KeepsErrno*")
d("context_waits_for_the_watcher", "detail/signals/posix_signals.hpp", "the destructor on a context's thread waits for its canceller",
  " || signal_watcher::runs_callbacks_here(token());", ";", "SignalCancellation.AContextsThread*")
d("second_signal_is_ignored", "detail/signals/posix_signals.hpp", "the second signal does not end the program",
  "if (passes_on) ::raise(number);", "", "SignalCancellation.TheSecondSignalTerminates")
d("watchers_stay", "detail/signals/posix_signals.hpp", "the end of a watcher leaves its place taken",
  "for (entry const& e : entries_) watched_by[e.number].store(nullptr);", "", "SignalCancellation.OfOneSignalThereIsOne")
d("former_handlers_are_lost", "detail/signals/posix_signals.hpp", "the former handlers are not put back",
  "if (ours) ::sigaction(e.number, &e.before, nullptr);", "", "SignalCancellation.PutsTheFormerHandlersBack")
d("later_handlers_are_lost", "detail/signals/posix_signals.hpp", "a handler that the program has set since is replaced",
  "if (ours) ::sigaction(e.number, &e.before, nullptr);", "::sigaction(e.number, &e.before, nullptr);", "SignalCancellation.*")
d("system_calls_are_interrupted", "detail/signals/posix_signals.hpp", "a system call that the signal interrupts does not go on",
  "    action.sa_flags = SA_RESTART;\n", "", "SignalCancellation.*")
d("pipe_is_not_closed", "detail/signals/posix_signals.hpp", "the pipe outlives its watcher",
  "  ~signal_pipe() {\n    for (int const end : ends_) ::close(end);\n  }", "  ~signal_pipe() {}", "SignalCancellation.*")
d("pipe_is_inherited", "detail/signals/posix_signals.hpp", "an exec inherits the pipe",
  "::pipe2(ends_, O_CLOEXEC);", "::pipe2(ends_, 0);", "SignalCancellation.*")
d("mask_is_not_restored", "detail/signals/posix_signals.hpp", "the thread that makes a watcher blocks signals from then on",
  "~mask_for_new_thread() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }", "~mask_for_new_thread() {}", "SignalCancellation.LeavesTheMask*")
d("signal_swallows_exceptions", "detail/signals/posix_signals.hpp", "the exceptions of a signal's callbacks are lost",
  "} catch (...) { detail::report_unhandled(std::current_exception()); }", "} catch (...) {}", "SignalCancellation.*")
d("signal_is_not_told", "posix_signal.hpp", "the number of the first signal is not told",
  "return watcher_.signal();", "return 0;", "SignalCancellation.TheFirstSignalCancels")
d("forked_child_cancels", "detail/signals/posix_signals.hpp", "a signal of a forked child cancels nothing and is swallowed",
  "if (s != nullptr && !s->is_forked()) {", "if (s != nullptr) {", "SignalCancellation.InAForkedChild*")
d = defects("tests/bridges/jthread_test.cpp", limit=15)
d("jthread_does_not_stop", "jthread.hpp", "the destructor joins a thread that was not asked to stop",
  "    request_stop();\n    join();\n", "    join();\n", "JThreadDestructor.RequestsAStopAndJoins",
  hangs="JThreadDestructor.RequestsAStopAndJoins")
d("jthread_assignment_keeps_the_source", "jthread.hpp", "a move assignment leaves the stop state behind",
  "    source_ = std::move(other.source_);\n", "", "JThreadAssign.StopsAndJoinsItsOwnThreadFirst",
  hangs="JThreadAssign.StopsAndJoinsItsOwnThreadFirst")
d("jthread_swaps_half", "jthread.hpp", "swap exchanges the threads without their stop states",
  "    source_.swap(other.source_);\n", "", "JThreadSwap.*", hangs="JThreadSwap.ExchangesThreadsAndStopStates")
d = defects("tests/bridges/wait_test.cpp", limit=15)
d("wait_registers_one_token", "wait.hpp", "a wait for several tokens registers with the first one",
  "else detail::with_registered(room, body, others...);", "else body();", "WaitAny.TellsWhichOneOfMixedTokens",
  hangs="WaitAny.TellsWhichOneOfMixedTokens")
d("wait_any_tells_nothing", "wait.hpp", "a wait for a span of tokens tells the last one that is stopped",
  "for (std::size_t i = 0; i < tokens.size(); ++i)\n      if (token_traits", "for (std::size_t i = tokens.size(); i-- != 0;)\n      if (token_traits", "WaitAny*")
d("timeout_is_none", "wait.hpp", "a wait that has ended by time says that it has not",
  "? std::cv_status::timeout : std::cv_status::no_timeout", "? std::cv_status::no_timeout : std::cv_status::no_timeout", "ConditionVariableAny.TimesThatHavePassedOrLieFarAway")
d("room_forgets_the_time", "detail/waits/waiting_room.hpp", "a wait for a time does not see that it is over",
  "return end_ && std::chrono::steady_clock::now() >= *end_;", "return false;", "ConditionVariableAny.TimedWaitsEnd",
  hangs="ConditionVariableAny.TimedWaitsEnd")
d = defects("tests/bridges/asio_test.cpp", limit=25)
d("asio_registration_stays", "asio.hpp", "an operation that has completed stays registered",
  "    is_complete_ = true;\n    registration_.reset();", "    is_complete_ = true;", "Asio.*")
d("asio_cancel_is_lost", "asio.hpp", "an operation does not learn that it has begun, so no cancel reaches it",
  "    operation->initiated();\n", "", "Asio.ATimerEndsWhenTheTokenIsCanceledOnAnotherThread",
  hangs="Asio.ATimerEndsWhenTheTokenIsCanceledOnAnotherThread", limit=20)
d("asio_abandoned_stays", "asio.hpp", "an abandoned operation keeps its registration",
  "if (operation_ != nullptr) operation_->complete();", "", "Asio.*")
d = defects("tests/bridges/cancel_on_exit_test.cpp")
d("released_guard_cancels", "cancel_on_exit.hpp", "a guard that was released cancels",
  "void release() noexcept { source_ = nullptr; }", "void release() noexcept {}", "CancelOnExit*")
d("guard_swallows_exceptions", "cancel_on_exit.hpp", "the exceptions of callbacks are lost",
  "} catch (...) { detail::report_unhandled(std::current_exception()); }", "} catch (...) {}", "CancelOnExit*")
d = defects("tests/bridges/std_stop_token_test.cpp", sanitized=True)
d("bridge_uses_its_end", "std_stop_token.hpp", "the stop request is made on a source that a callback has destroyed",
  "std::stop_source held = *source;", "std::stop_source& held = *source;", "StdStopBridge.*")

# --- stop tokens ---
d = defects("tests/stop_token/stop_token_test.cpp", limit=25)
d("request_keeps_the_source", "protocol/stop_state.hpp", "a source that ends in a callback is never dropped (K5)",
  "    if (holds_source) [[unlikely]]\n      drop(source);\n", "", "Shared*:Callbacks*")
d("two_sources_left_to_the_request", "protocol/stop_state.hpp", "a second source that ends in callbacks is left to the request, too (K5)",
  "&& !std::exchange(*request_.get(), true);", "&& (*request_.get() = true);", "Shared*SeveralSourcesMayEndInACallback")
d("stop_is_always_possible", "protocol/stop_state.hpp", "a stop counts as possible without a source",
  "counts_.load(site::stop_ask) >= source;", "counts_.load(site::stop_ask) >= owner;", "Shared*")
d("invocation_does_not_wait", "detail/stop/stop_invocation.hpp", "the end of a callback does not wait for its run",
  "if (over || !r.unregister(c)) [[unlikely]]\n    r.await_return(c);", "if (!over) r.unregister(c);", "Callbacks*")
d("stop_callback_fits_nowhere", "detail/stop/stop_invocation.hpp", "a callback that could not be registered is silent",
  "  if (result == core::register_result::out_of_memory) [[unlikely]]\n    std::terminate();\n", "", "StopCallback.*")
d("stop_source_shares_nothing", "stop_token.hpp", "a copy of a source is no owner",
  "    if (state_ != nullptr) state_->share(state::source);\n", "", "Shared*")
d("stop_callback_takes_and_leaves", "stop_token.hpp", "a callback that takes over a token leaves it there, too",
  "      st.state_ = nullptr;  // TRICKY: touch nothing of *this, which may be gone\n", "      ;\n", "Shared*")
d("inplace_refused_does_not_run", "inplace_stop_token.hpp", "a callback that comes after the stop does not run",
  "    source_ = nullptr;\n    this->invoke();", "    source_ = nullptr;", "Callbacks*")
d("never_stop_is_possible", "stoppable_token.hpp", "a never_stop_token can be stopped",
  "static constexpr bool stop_possible() noexcept { return false; }", "static constexpr bool stop_possible() noexcept { return true; }",
  "", refused="static.assert")
d = defects("tests/classes/shared_source_test.cpp", limit=25)
d("stripes_count_twice", "protocol/stop_state.hpp", "the last source of a shared state adds the stripes' counts with the wrong sign (K6)",
  "count const less = bias - static_cast<count>", "count const less = bias + static_cast<count>", "SharedStopSource.*", sanitized=True)
d("stop_state_gets_too_little", "detail/stop/stop_state.hpp", "a stop state gets half of the memory that it needs",
  "return ::operator new(bytes);", "return ::operator new(bytes / 2);", "SharedStopSource.*", sanitized=True)

# --- lanes ---
d = defects("tests/classes/cancellation_lane_test.cpp", limit=25)
d("removed_lane_is_not_told", "detail/state_lane.hpp", "a lane that try_reset has removed does not learn it (L6)",
  "{ from(n).taken_out(); }", "{ static_cast<void>(n); }", "CancellationLane.*")
d("affinity_is_not_restored", "detail/process_barrier.hpp", "after the moves the thread stays on the last processor",
  "    ::syscall(SYS_sched_setaffinity, 0, static_cast<std::size_t>(size), before);\n", "", "CancellationLane.TheOtherWay*")
d("pretended_moves_count", "detail/process_barrier.hpp", "a move to a processor that a sandbox pretends counts as made",
  "failed = ::sched_getcpu() != static_cast<int>(cpu);", "failed = false;", "CancellationLane.TheOtherWay*")
d("barrier_is_none", "detail/process_barrier.hpp", "the canceller's barrier does nothing",
  "if (available_) interrupt_all();", "if (available_) return;", "CancellationLane*")
d("lane_of_canceled_runs_nothing", "cancellation_lane.hpp", "on a canceled token the callback is dropped",
  "if (result == core::register_result::canceled) detail::call(function_, *lane_.token_.state_);", "",
  "CancellationLane.OnACanceledTokenRunsAtOnceAndLetsItsExceptionOut")
d("lane_callback_stays", "cancellation_lane.hpp", "the end of a callback leaves it registered",
  "if (lane_.lane_.has_value()) lane_.lane_->unregister_and_wait(*this);", "",
  "CancellationLane.RunsNewestFirstWhenTheSourceIsCanceled:CancellationLane.StandsAmongTheOtherRegistrationsWhereItWasMade")
d = defects("tests/protocol/lane_test.cpp", limit=25)
d("refused_lane_registration", "lane.hpp", "a registration that comes after cancel does not run",
  "if (result == core::register_result::canceled) function_();", "", "LaneRegistration.*")

# --- looking at a source ---
d = defects("tests/classes/dump_test.cpp", limit=25)
d("dump_is_oldest_first", "core/inspector.hpp", "the slots of a source are shown oldest first",
  "    for (std::size_t i = stack.slots_.size(); i-- != 0;)\n", "    for (std::size_t i = 0; i != stack.slots_.size(); ++i)\n", "Dump.*")
d("dump_sees_no_event", "protocol/inspector.hpp", "threads that wait for the handle are not counted",
  "? s.event_.get() : nullptr;", "? nullptr : nullptr;", "Dump.CountsThreadsThatWaitForTheHandle",
  hangs="Dump.CountsThreadsThatWaitForTheHandle", limit=10)
d("dump_counts_no_waits", "detail/checked/waits.hpp", "waits for callbacks are not counted",
  "n += r->source_ == source;", "n += r->source_ == nullptr;",
  "Dump.CountsThreadsThatWaitForACallback", hangs="Dump.CountsThreadsThatWaitForACallback", limit=10)
d("dump_counts_without_bound", "dump.hpp", "callbacks beyond the 64th are not counted",
  "return ++more_ < most_counted;", "return true;", "Dump.*")

# --- shared sources, tokens for several, diagnostics ---
d = defects("tests/classes/any_token_test.cpp", limit=25)
d("any_token_needs_all", "any_token.hpp", "a token for several is stopped if all are",
  "(token_traits<Tokens>::stop_requested(p) || ...)", "(token_traits<Tokens>::stop_requested(p) && ...)", "AnyOfToken.*")
d = defects("tests/classes/shared_source_test.cpp", limit=25)
d("shared_source_has_no_stripes", "detail/shared_source.hpp", "a shared source is a plain one",
  "std::size_t{16}, std::size_t{256});", "std::size_t{0}, std::size_t{0});", "SharedSource.HasAStripe*")

# --- diagnostics ---
d = defects("tests/detail/diagnostics_test.cpp")
d("no_leak_handler_is_null", "diagnostics.hpp", "no handler of leaks is a null pointer, not the default",
  "handler != nullptr ? handler : detail::print_leak", "handler", "Diagnostics.*", cheap=True)
d("no_cycle_handler_is_null", "diagnostics.hpp", "no handler of circles is a null pointer, not the default",
  "handler != nullptr ? handler : detail::print_wait_cycle", "handler", "Diagnostics.*")
d("sink_is_not_told", "detail/unhandled.hpp", "an error sink is not called",
  "return sink(std::move(e));", "return;", "Diagnostics.AnExceptionGoesToTheSinkUnchanged")
d("exception_without_sink_is_lost", "detail/unhandled.hpp", "without an error sink an exception is lost",
  "  std::rethrow_exception(std::move(e));  // out of noexcept", "  return;  // out of noexcept", "DiagnosticsDeathTest.*")

del d
