// Watches output for questions that a terminal answers (DA, DSR, DECRQM, DECRQSS), so that the screen behind the ring
// is fed at once when nobody else answers, and only then: colours and titles need no parsing. On the way it sees which
// screen is in use.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

class query_watch {
public:
  /// Takes the output in order, in any cut; true when this piece ends a question. Costs a memchr for plain text.
  bool feed(std::string_view fresh);
  /// Whether a program fills the screen: the alternate one is in use (is_alternate_screen).
  [[nodiscard]] bool alternate() const { return alternate_; }

private:
  enum class state : std::uint8_t { ground, escape, csi, string };
  bool take(char byte);
  void take_parameter(char byte);
  state at_ = state::ground;
  bool dollar_ = false, alternate_ = false;
  bool private_ = false, names_alternate_ = false; ///< of the sequence at hand
  int mode_ = 0;                                   ///< the number at hand
};

} // namespace troupe
