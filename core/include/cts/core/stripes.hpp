// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stacks of a registry: one, a fixed number of stripes, or as many as its owner asks for at run time. Threads are
/// spread over stripes by their index, so threads of different stripes write no common cache line.
///
///     N = 1              one stack
///     N > 1              N stripes                                       in the registry
///     N = at_run_time    one stack, open                                 in the registry: a plain one
///                        one stack, closed, and a row of stripes         the row in memory of the owner: a shared one
///
///   D5  The first stripe picks the winner: the thread that closes it. The winner closes the others. A stripe may still
///       be open when the flag is set, so a registrant of a stripe looks at the flag first (G1, G8).
///   D6  The own stack of a registry with a row is closed before another thread knows it, and stays so. So its
///       lines are only read (G26).
///       A registrant that finds it closed looks for the row; a plain registry pays for that only when it is
///       canceled.
#pragma once
#ifndef CTS_CORE_STRIPES_HPP
#define CTS_CORE_STRIPES_HPP

#include <cstddef>
#include <memory>
#include <new>

#include "cts/core/layout.hpp"
#include "cts/core/segment_stack.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// As the number of stripes: one, or a row that the registry is given.
inline constexpr std::size_t stripes_at_run_time = 0;

/// A stack; that of a row is on cache lines of its own.
template <class Platform, class Layout>
struct alignas(Layout::template alignment<Platform>) stripe {
  typename Layout::template stack<Platform> stack;
};

/// Stripes behind each other in memory.
template <class Platform>
class alignas(Platform::line) stripe_row {
  using stripe = core::stripe<Platform, isolated>;
  using stack = segment_stack<Platform>;
  using slot = basic_slot<Platform>;

 public:
  static constexpr std::size_t bytes(std::size_t n) noexcept { return sizeof(stripe_row) + n * sizeof(stripe); }
  /// `storage` has bytes(n) bytes and the alignment of a line; n is a power of two.
  static stripe_row* build(void* storage, std::size_t n) noexcept {
    auto* const row = ::new (storage) stripe_row(n);
    for (std::size_t i = 0; i < n; ++i) ::new (static_cast<void*>(row->begin() + i)) stripe;
    return row;
  }
  static void destroy(stripe_row* row) noexcept {
    std::destroy_n(row->begin(), row->size_);
    std::destroy_at(row);
  }
  stripe_row(stripe_row const&) = delete;
  stripe_row& operator=(stripe_row const&) = delete;

  std::size_t size() const noexcept { return size_; }
  /// Calls `visit(stack, number)` for each until it returns false.
  template <class Visit>
  bool each(Visit& visit) noexcept {
    for (std::size_t i = 0; i < size_; ++i)
      if (!visit(at(i), i)) return false;
    return true;
  }
  /// The stack of the calling thread.
  stack& mine() noexcept { return at(Platform::thread_index() & (size_ - 1)); }

  /// D5. True for the one thread that did it.
  bool close_first() noexcept { return at(0).close() != nullptr; }
  void close_rest() noexcept {
    for (std::size_t i = 1; i < size_; ++i) at(i).close();
  }
  /// For a canceller: scans all stripes. It notes where it is, so that it finds the stripe again after a pause.
  template <class Visit>
  CTS_APART bool notify(Visit& visit) noexcept {
    return notify_from(0, visit);
  }
  /// The same from just below a slot of the stripe where it has paused.
  template <class Visit>
  bool notify_on(void* in, slot& here, Visit& visit) noexcept {
    std::size_t const paused = notified_.get();
    return at(paused).scan_on(in, here, visit) && notify_from(paused + 1, visit);
  }
  template <class Visit>
  bool scan(Visit& visit) noexcept {
    for (std::size_t i = 0; i < size_; ++i)
      if (!at(i).scan(visit)) return false;
    return true;
  }
  bool holds(void const* at_slot) noexcept {
    for (std::size_t i = 0; i < size_; ++i)
      if (at(i).holds(at_slot)) return true;
    return false;
  }
  void release_grown() noexcept {
    for (std::size_t i = 0; i < size_; ++i) at(i).release_grown();
  }
  void forget() noexcept {
    for (std::size_t i = 0; i < size_; ++i) at(i).forget();
  }

 private:
  explicit stripe_row(std::size_t n) noexcept : size_(n) {}

  stripe* begin() noexcept {
    void* const behind = reinterpret_cast<std::byte*>(this) + sizeof(stripe_row);
    return static_cast<stripe*>(behind);
  }
  stack& at(std::size_t i) noexcept { return begin()[i].stack; }
  template <class Visit>
  bool notify_from(std::size_t i, Visit& visit) noexcept {
    for (; i < size_; ++i) {
      notified_.set(i);  // only by the canceller
      if (!at(i).scan(at(i).top(), visit)) return false;
    }
    return true;
  }

  std::size_t const size_;
  typename Platform::template var<std::size_t> notified_{0};
};

/// Where a registry keeps its row, if it may have one.
template <class Platform, std::size_t N>
class row_of {
 public:
  constexpr row_of() noexcept = default;
  explicit row_of(stripe_row<Platform>*) noexcept {}  // never called; clang++ 14 looks for it
  static constexpr stripe_row<Platform>* get() noexcept { return nullptr; }
};
template <class Platform>
class row_of<Platform, stripes_at_run_time> {
 public:
  constexpr row_of() noexcept = default;
  explicit row_of(stripe_row<Platform>* row) noexcept : row_(row) {}
  stripe_row<Platform>* get() const noexcept { return row_; }

 private:
  stripe_row<Platform>* const row_ = nullptr;
};

/// In which of several stripes a canceller is, so that it finds the stripe again after a pause: the segment of a paused
/// callback may be on its way to the top and in no stripe (I7). A row notes it itself.
template <bool Several>
struct stripe_note {
  static constexpr void set(std::size_t) noexcept {}
  static constexpr std::size_t get() noexcept { return 0; }
};
template <>
struct stripe_note<true> {
  std::size_t number = 0;
  void set(std::size_t i) noexcept { number = i; }
  std::size_t get() const noexcept { return number; }
};

/// The stacks of a registry, for one operation. `visit` is as in segment_stack::scan.
/// @tparam N see above
template <class Platform, std::size_t N, class Layout>
class stripes {
  using stripe = core::stripe<Platform, Layout>;
  using place = typename Layout::template stack<Platform>::place;
  using slot = basic_slot<Platform>;
  using row = stripe_row<Platform>;
  static constexpr bool may_have_row = N == stripes_at_run_time;

 public:
  static constexpr std::size_t own = may_have_row ? 1 : N;  ///< in the registry
  using note = stripe_note<(own > 1)>;

  CTS_HOT stripes(stripe* first, row* further) noexcept : first_(first), row_(further) {}

  /// D5. Null but for the one thread that did it: the top of the registry's first stack.
  CTS_HOT place* close_first() noexcept {
    place* const top = first_->stack.close();
    if (!may_have_row || top != nullptr || row_ == nullptr) return top;
    return row_->close_first() ? first_->stack.top() : nullptr;
  }
  CTS_HOT void close_rest() noexcept {
    for (std::size_t i = 1; i < own; ++i) first_[i].stack.close();
    if (has_row()) row_->close_rest();
  }
  /// Closes all. True for the one thread that closed the first; another one may be the canceller all the same, so each
  /// closes the rest itself (G3).
  bool close() noexcept {
    bool const first = close_first() != nullptr;
    close_rest();
    return first;
  }
  /// For a canceller: scans all, the registry's first one from `top` on.
  template <class Visit>
  CTS_HOT bool notify(place* top, Visit& visit, note& at) noexcept {
    if (has_row()) [[unlikely]]
      return row_->notify(visit);
    return first_->stack.scan(top, visit) && scan_from(1, visit, at);
  }
  /// The same from just below a slot of the stripe `at`, where it has paused.
  template <class Visit>
  bool notify_on(void* in, slot& here, Visit& visit, note& at) noexcept {
    if (has_row()) return row_->notify_on(in, here, visit);
    std::size_t const paused = at.get();
    return first_[paused].stack.scan_on(in, here, visit) && scan_from(paused + 1, visit, at);
  }
  /// For others than a canceller.
  template <class Visit>
  bool scan(Visit visit) noexcept {
    if (has_row()) return row_->scan(visit);
    for (std::size_t i = 0; i < own; ++i)
      if (!first_[i].stack.scan(visit)) return false;
    return true;
  }
  /// Calls `visit(stack, number)` for each in which registrations can be, until it returns false.
  template <class Visit>
  bool each(Visit visit) noexcept {
    if (has_row()) return row_->each(visit);
    for (std::size_t i = 0; i < own; ++i)
      if (!visit(first_[i].stack, i)) return false;
    return true;
  }
  bool holds(void const* at_slot) noexcept {
    for (std::size_t i = 0; i < own; ++i)
      if (first_[i].stack.holds(at_slot)) return true;
    return has_row() && row_->holds(at_slot);
  }
  CTS_HOT void release_grown() noexcept {
    for (std::size_t i = 0; i < own; ++i) first_[i].stack.release_grown();
    if (has_row()) row_->release_grown();
  }
  CTS_HOT void forget() noexcept {
    for (std::size_t i = 0; i < own; ++i) first_[i].stack.forget();
    if (has_row()) row_->forget();
  }

 private:
  CTS_HOT bool has_row() const noexcept { return may_have_row && row_ != nullptr; }
  template <class Visit>
  CTS_HOT bool scan_from(std::size_t i, Visit& visit, note& at) noexcept {
    for (; i < own; ++i) {
      at.set(i);
      if (!first_[i].stack.scan(first_[i].stack.top(), visit)) return false;
    }
    return true;
  }

  stripe* const first_;
  row* const row_;
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_STRIPES_HPP
