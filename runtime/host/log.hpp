// The supervisor's log: one line an event, key=value, rotated (SUP-10). Thread safe.
#pragma once

#include <memory>
#include <string>

namespace troupe {

class event_log {
public:
  /// Appends to `path`; rotates at 4 MiB, three old ones are kept. `echo`: on standard error too (`daemon run`).
  event_log(const std::string& path, bool echo);
  ~event_log();
  void write(const std::string& line);
  void flush();

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace troupe
