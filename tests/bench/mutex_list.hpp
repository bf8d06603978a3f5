// SPDX-License-Identifier: BSL-1.0
// A peer as a user brings one: a list under a mutex.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>

struct bench_adapter {
  static constexpr char const* name = "a list under a mutex";
  static constexpr bool in_place = true;
  static constexpr std::size_t most = 100'000;

  struct item {
    virtual ~item() = default;
    virtual void run() noexcept = 0;
  };
  struct source {
    std::mutex mutex;
    std::list<item*> items;
    std::atomic<bool> requested{false};
  };
  static source* token_of(source& s) noexcept { return &s; }
  static bool requested(source* t) noexcept { return t->requested.load(std::memory_order_acquire); }
  static void cancel(source& s) {
    std::lock_guard const lock(s.mutex);
    s.requested.store(true, std::memory_order_release);
    for (item* i : s.items) i->run();
    s.items.clear();
  }
  template <class F>
  class registration : item {
   public:
    registration(source* t, F f) : source_(*t), f_(f) {
      std::lock_guard const lock(source_.mutex);
      if (source_.requested) f_();
      else at_ = source_.items.insert(source_.items.begin(), this);
    }
    registration(registration const&) = delete;
    registration& operator=(registration const&) = delete;
    ~registration() override {
      std::lock_guard const lock(source_.mutex);
      if (!source_.requested) source_.items.erase(at_);
    }

   private:
    void run() noexcept override { f_(); }
    source& source_;
    F f_;
    std::list<item*>::iterator at_;
  };
};
