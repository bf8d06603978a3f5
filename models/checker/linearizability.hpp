// SPDX-License-Identifier: BSL-1.0
/// @file
/// Linearizability (Herlihy and Wing, TOPLAS 1990): whether a registry that does one thing at a time could have given
/// the answers of an execution, in an order that keeps every operation after those that came before it. Wing and Gong's
/// search ("Testing and verifying concurrent objects", 1993) over the sets of operations done so far, each visited
/// once.
///
/// The recorder defines "before": in the models, happens-before (a C++ program has no other order to observe);
/// in the stress programs, the order of stamps from one counter, whose read-modify-writes make that happens-before too.
///
/// The order of callbacks is not part of it: last in, first out holds over happens-before only (G9 has models of its
/// own).
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

namespace cts::models {

/// An operation with its answer. A cancel that wins is several: it closes the registry, takes and
/// runs each callback, and returns.
enum class did : std::uint8_t {
  registered,   ///< try_register: registered
  refused,      ///< try_register: canceled
  removed,      ///< unregister: true
  not_removed,  ///< unregister: false
  waited,       ///< unregister_and_wait returned, on a thread that does not run callbacks
  won,          ///< cancel closed the registry
  took,         ///< cancel began to run a callback
  ran,          ///< the callback returned
  finished,     ///< the cancel that won returned
  lost,         ///< cancel: false
  read_set,     ///< is_cancellation_requested: true
  read_clear,   ///< is_cancellation_requested: false
};
inline char const* words(did what) {
  switch (what) {
    case did::registered: return "registered";
    case did::refused: return "was refused";
    case did::removed: return "was unregistered";
    case did::not_removed: return "could not be unregistered";
    case did::waited: return "was waited for";
    case did::won: return "canceled";
    case did::took: return "began to run";
    case did::ran: return "has run";
    case did::finished: return "cancel returned";
    case did::lost: return "was canceled already";
    case did::read_set: return "read the flag as set";
    case did::read_clear: return "read the flag as clear";
  }
  return "?";
}

/// A history of at most 64 operations and 16 callbacks.
class operations {
 public:
  struct operation {
    did what;
    unsigned callback;
    unsigned thread;
    std::uint64_t after;  // a bit for each operation that came before it
  };

  void clear() { all_.clear(); }
  std::size_t size() const { return all_.size(); }
  static constexpr std::size_t most = 64;

  /// `after` names the operations, by their numbers, that came before this one; those of its own thread are added.
  std::size_t add(did what, unsigned callback, unsigned thread, std::uint64_t after) {
    if (all_.size() == most) throw std::length_error("operations::add: a history has at most 64 operations");
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (all_[i].thread == thread) after |= std::uint64_t{1} << i;
    all_.push_back({what, callback, thread, after});
    return all_.size() - 1;
  }

  /// Whether a registry that does one thing at a time could have answered so.
  bool linearizable() const {
    std::unordered_set<std::uint64_t> seen;
    return search(0, {}, seen);
  }

  std::string print() const {
    std::string text;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      operation const& o = all_[i];
      text += std::to_string(i) + ": thread " + std::to_string(o.thread) + ": ";
      if (o.what < did::won || o.what == did::took || o.what == did::ran)
        text += "callback " + std::to_string(o.callback) + " ";
      text += words(o.what);
      text += ", after";
      for (std::size_t k = 0; k < all_.size(); ++k)
        if ((o.after >> k & 1) != 0) text += " " + std::to_string(k);
      text += "\n";
    }
    return text;
  }

 private:
  /// The sequential registry.
  struct state {
    bool canceled = false, finished = false;
    std::uint16_t live = 0, running = 0;

    /// Does it if it can answer like that.
    bool step(operation const& o) {
      auto const bit = static_cast<std::uint16_t>(1u << o.callback);
      switch (o.what) {
        case did::registered:
          if (canceled || (live & bit) != 0) return false;
          live = static_cast<std::uint16_t>(live | bit);
          return true;
        case did::refused:
        case did::lost:
        case did::read_set: return canceled;
        case did::read_clear: return !canceled;
        case did::removed:
          if ((live & bit) == 0) return false;
          live = static_cast<std::uint16_t>(live & ~bit);
          return true;
        case did::not_removed: return (live & bit) == 0;
        case did::waited:  // took it back, or it does not run
          live = static_cast<std::uint16_t>(live & ~bit);
          return (running & bit) == 0;
        case did::won:
          if (canceled) return false;
          return canceled = true;
        case did::took:
          if (!canceled || (live & bit) == 0) return false;
          live = static_cast<std::uint16_t>(live & ~bit);
          running = static_cast<std::uint16_t>(running | bit);
          return true;
        case did::ran:
          if ((running & bit) == 0) return false;
          running = static_cast<std::uint16_t>(running & ~bit);
          return true;
        case did::finished:
          if (!canceled || live != 0 || running != 0) return false;  // nothing that was registered is left
          return finished = true;
      }
      return false;
    }
  };

  // The state follows from the set of operations done: registrations, removals and runs commute within it.
  bool search(std::uint64_t done, state const& s, std::unordered_set<std::uint64_t>& seen) const {
    std::uint64_t const all = all_.size() == most ? ~std::uint64_t{0} : (std::uint64_t{1} << all_.size()) - 1;
    if (done == all) return true;
    if (!seen.insert(done).second) return false;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      std::uint64_t const bit = std::uint64_t{1} << i;
      if ((done & bit) != 0 || (all_[i].after & ~done) != 0) continue;
      state next = s;
      if (next.step(all_[i]) && search(done | bit, next, seen)) return true;
    }
    return false;
  }

  std::vector<operation> all_;
};

}  // namespace cts::models
