// How far a session's worker is with the credentials, as epochs, and what is to be done about it (BEYOND-6, CRED-5).
// Pure: it holds numbers, no secret; the session's shell asks the store, sends, and tells what came of it.
#pragma once

#include <compare>
#include <cstdint>

namespace troupe {

/// How the session stands with its worker while something is told.
struct renewal_standing {
  bool holds = false;  ///< the worker was given credentials, or is being given them, and takes newer ones
  bool ending = false; ///< it was asked to end; it may refuse
};

/// What the shell does next.
enum class renewal_order {
  none,
  ask,  ///< ask the store for the snapshot of now: `told` or `unanswered` follows
  send, ///< send the snapshot at hand to the worker: `taken` or `not_taken` follows
  later ///< tell `due` after `delay_s`
};

/// The machine. It is behind as long as what the worker holds is older than what the store has announced.
class renewal {
public:
  /// A worker to come holds nothing yet; what was announced stays known.
  void parted() { given_ = false; }
  /// The worker was handed this epoch with its assignment, or tells that it was (it is adopted).
  renewal_order assigned(std::uint64_t epoch);
  /// The store has announced this epoch, or answered with it.
  renewal_order told(std::uint64_t epoch, renewal_standing now);
  /// The store could not be asked, or has none.
  [[nodiscard]] renewal_order unanswered() const { return behind() ? renewal_order::later : renewal_order::none; }
  /// Whether the agent may ask for others than those that it was turned down with: its worker was given some.
  [[nodiscard]] bool may_ask() const { return given_; }
  /// What the store has instead of the `refused` ones. The same ones are sent again: the agent waits for the word that
  /// there are no others.
  renewal_order replaced(std::uint64_t refused, std::uint64_t epoch, renewal_standing now);
  /// The store could not say what it has instead: it is asked again for what the agent is to hear.
  renewal_order not_replaced();
  /// The worker has taken what was sent, or has not: one answer for each `send`, in that order.
  renewal_order taken(std::uint64_t epoch);
  renewal_order not_taken(std::uint64_t epoch);
  /// The time of `later` has come, or the machine has slept: timers of the store slept too.
  [[nodiscard]] renewal_order due() const { return behind() ? renewal_order::ask : renewal_order::none; }
  [[nodiscard]] renewal_order woke(renewal_standing now) const {
    return given_ && now.holds ? renewal_order::ask : renewal_order::none;
  }
  /// How long `later` is, in seconds: longer with each time in a row.
  std::int64_t delay_s();
  /// Whether the worker has yet to be told something.
  [[nodiscard]] bool behind() const { return given_ && (held_ < current_ || owed_); }
  auto operator<=>(const renewal&) const = default;

private:
  renewal_order send(std::uint64_t epoch);
  bool answered();
  bool given_ = false;                        ///< the worker was given some at all
  bool owed_ = false;                         ///< its agent waits for a word
  std::uint32_t under_way_ = 0, word_at_ = 0; ///< sends without an answer; which of them is that word, 0: none
  std::uint64_t held_ = 0;                    ///< it has said that it has these
  std::uint64_t sent_ = 0;                    ///< these are under way to it, or held
  std::uint64_t current_ = 0;                 ///< the store has announced these, or a later look has found them
  std::uint32_t tries_ = 0;                   ///< that failed in a row
};

} // namespace troupe
