// The worker's socket from the client's side: one line, then frames (messages/PROTOCOL.md).
#pragma once

#include <string>
#include <string_view>

#include "messages/json.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

class frame_stream {
public:
  /// Connects and asks to attach; false with `error` when refused or not there.
  bool open(const std::string& socket, const json& params, failure& error);
  /// What the worker answered to that.
  [[nodiscard]] const json& answer() const { return answer_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// False when the worker is gone or has not taken it in five seconds; the reading side notices too.
  bool send(char type, std::string_view payload);
  /// Reads what is there (blocks for at least one byte). False at the end.
  bool fill();
  /// Takes one whole frame that was read; false when there is none yet.
  bool next(char& type, std::string& payload);

private:
  unique_fd fd_;
  std::string in_;
  json answer_;
};

} // namespace troupe
