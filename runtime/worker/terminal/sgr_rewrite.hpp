// Rewrites SGR sequences for libvterm 0.1, which knows neither faint nor conceal and takes an underline's colour for
// other attributes. Faint and conceal travel in its font number (bits 0 and 1), which no program of today sets.
#pragma once

#include <string>

#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

/// Whether libvterm may have this SGR as it is.
bool sgr_is_plain(const control_sequence& s);
/// The same SGR in libvterm's terms; `font` is the pen's font number before.
std::string rewritten_sgr(const control_sequence& s, unsigned font);

} // namespace troupe
