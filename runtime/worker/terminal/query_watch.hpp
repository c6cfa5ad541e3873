// Watches output for questions that a terminal answers (DA, DSR, DECRQM, DECRQSS), so that the screen behind the ring is
// fed at once when nobody else answers, and only then: colours and titles need no parsing.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

class query_watch {
public:
  /// Takes the output in order, in any cut; true when this piece ends a question. Costs a memchr for plain text.
  bool feed(std::string_view fresh);

private:
  enum class state : std::uint8_t { ground, escape, csi, string };
  bool take(char byte);
  state at_ = state::ground;
  bool dollar_ = false;
};

} // namespace troupe
