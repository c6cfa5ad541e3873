// The colours of each kind of text, by what the terminal can show: true colour on dark or light, 256, sixteen, or none.
#pragma once

#include <string>

#include "actors/agent_view/screen.hpp"

namespace troupe {

enum class colour_depth { none, sixteen, indexed, rgb };

class palette {
public:
  palette(colour_depth depth, bool light) : depth_(depth), light_(light) {}
  /// The parameters of the sequence that sets this and nothing else (SGR), as "0;1;38;5;9". `chosen`: on the
  /// selection's background.
  [[nodiscard]] std::string sgr(view::ink as, bool chosen) const;

private:
  colour_depth depth_;
  bool light_;
};

/// "rgb:RRRR/GGGG/BBBB" as a terminal tells its background: whether it is light. False where it is not understood.
bool is_light(const char* text, unsigned size);

} // namespace troupe
