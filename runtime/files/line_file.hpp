// Append-only files of JSON lines with one writer: the ledger and the transcripts (STATE-2, STATE-4).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "messages/json.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// What reading found besides good lines. `problems` holds one sentence a fault, for the log and the session's row.
struct read_report {
  std::uint64_t good_end = 0; ///< byte offset behind the last whole line
  bool torn = false;          ///< bytes behind `good_end`: a torn last line
  std::vector<std::string> problems;
};

/// Reads `path` from byte `from`, calling `take` for each line that is JSON; `take` throws field_error (or any
/// std::exception) for a line it cannot use. Bad lines are appended to `path`.bad and reported, once a file and line:
/// they cost nothing else (F-06).. A missing file reads as empty. `mend`: cut a torn last line off and replace bad
/// lines, writer only.
read_report read_lines(const std::string& path, std::uint64_t from, const std::function<void(const json&)>& take,
                       bool mend);

/// The writing end. Appends are whole (one write) and safe from the death of any process when `append` returns; `sync`
/// makes them safe from a power cut.
class line_file {
public:
  /// Opens for appending, 0600, creating it. Fails where it is a link, a folder, or cannot be opened.
  static line_file open(const std::string& path, failure& error);
  /// Appends `line` and a newline. A short write is undone by truncation, so that the file stays whole.
  bool append(std::string_view line, failure& error);
  void sync();
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool dirty() const { return dirty_; }

private:
  unique_fd fd_;
  std::string path_;
  std::uint64_t size_ = 0;
  bool dirty_ = false;
};

} // namespace troupe
