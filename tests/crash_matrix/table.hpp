// The result as a table that a person can read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/crash_matrix/day.hpp"

namespace troupe::crash {

/// Which part of a session's life a boundary belongs to: dispatch, claim, assign, work, question, answer, reply, ...;
/// by what is said where that tells it, else by what the script was doing.
std::string part_of(const boundary& where);

class table {
public:
  /// A day in which somebody was killed.
  void add(const day_result& day);
  /// Days, and faults of every kind.
  [[nodiscard]] std::size_t days() const { return days_; }
  [[nodiscard]] std::size_t faulty() const { return faulty_; }
  /// A row a part (`recovery`: the supervisor after a killed one was killed too), and the sum; Markdown, which reads
  /// well as plain text too.
  [[nodiscard]] std::string by_part() const;
  /// How often death came at which boundary.
  [[nodiscard]] std::string by_boundary() const;

private:
  struct row {
    std::size_t kills = 0, lost = 0, orphans = 0, doubled = 0, undone = 0, unanswered = 0;
    void add(const faults& found);
  };
  [[nodiscard]] static std::string line(const std::string& name, const row& r);
  std::map<std::string, row> rows_;
  row sum_;
  std::map<std::string, std::size_t> boundaries_;
  std::size_t days_ = 0, faulty_ = 0;
};

} // namespace troupe::crash
