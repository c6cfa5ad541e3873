// How the supervisor's program is called. Only Troupe's own programs call it.
#pragma once

#include <string>

namespace troupe {

struct supervisor_options {
  std::string origin = "by hand"; ///< --started-by: which command started it (SUP-9)
  int ready_fd = -1;              ///< --ready-fd: one byte is written to it when the socket accepts (SUP-2)
  int start_lock_fd = -1;         ///< --start-lock-fd: held by the starter, closed when the socket accepts (SUP-1)
  bool foreground = false;        ///< --foreground: `daemon run`, never leaves by itself
  int lock_fd = -1;               ///< --lock-fd, --listen-fd, --environments-fd: from the version before (SUP-6)
  int listen_fd = -1;
  int environments_fd = -1;
  bool version = false;
  std::string instance; ///< --instance: whose it is, for who looks at a list of processes; it decides nothing
};

/// Reads the arguments; a fault is given as text, empty when there is none.
std::string read_options(int argc, char** argv, supervisor_options& out);

} // namespace troupe
