// How far a session's worker is with the credentials.
#include "actors/session/renewal.hpp"

#include <algorithm>

namespace troupe {

renewal_order renewal::assigned(std::uint64_t epoch) {
  given_ = true;
  owed_ = false;
  under_way_ = word_at_ = tries_ = 0;
  held_ = sent_ = epoch;
  current_ = std::max(current_, epoch);
  return due(); // newer ones were announced while these were on their way
}

renewal_order renewal::told(std::uint64_t epoch, renewal_standing now) {
  current_ = std::max(current_, epoch);
  bool word = owed_ && word_at_ == 0;
  if (!given_ || epoch < sent_ || (epoch == sent_ && !word))
    return renewal_order::none;
  if (!now.holds)
    return now.ending ? renewal_order::later : renewal_order::none;
  return send(epoch);
}

renewal_order renewal::send(std::uint64_t epoch) {
  sent_ = epoch;
  ++under_way_;
  if (owed_ && word_at_ == 0)
    word_at_ = under_way_;
  return renewal_order::send;
}

renewal_order renewal::replaced(std::uint64_t refused, std::uint64_t epoch, renewal_standing now) {
  if (given_ && epoch == refused)
    not_replaced();
  return told(epoch, now);
}

renewal_order renewal::not_replaced() {
  owed_ = given_;
  word_at_ = 0; // what is under way was sent before it was asked for
  return unanswered();
}

/// Whether that was the answer to the word.
bool renewal::answered() {
  under_way_ -= under_way_ > 0;
  if (word_at_ == 0)
    return false;
  return --word_at_ == 0;
}

renewal_order renewal::taken(std::uint64_t epoch) {
  if (answered())
    owed_ = false;
  held_ = epoch; // in the order in which they were sent
  sent_ = std::max(sent_, epoch);
  tries_ = 0;
  return sent_ < current_ ? renewal_order::ask : renewal_order::none; // announced while it could not be sent
}

renewal_order renewal::not_taken(std::uint64_t epoch) {
  bool word = answered();
  if (epoch == sent_)
    sent_ = held_;
  else if (!word)
    return renewal_order::none; // newer ones are under way
  return renewal_order::later;
}

std::int64_t renewal::delay_s() {
  constexpr std::uint32_t most_doublings = 6;
  return std::int64_t{5} << std::min(tries_++, most_doublings);
}

} // namespace troupe
