// What a user does at a shell: says a command, repeats it when told to try again, looks until something has happened.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/sandbox.hpp"

namespace troupe::crash {

struct said {
  int status = -1; ///< -1: no answer came in time
  std::string text;
};

class shell {
public:
  explicit shell(const test::sandbox& home) : home_(home) {}

  /// Runs `troupe ARGS` and waits for its end, at most 10 s. When it says `try again`, it is repeated, as a user does.
  said say(const std::vector<std::string>& args);
  /// Runs several at the same time; the answers stand in the same order.
  std::vector<said> say_all(const std::vector<std::vector<std::string>>& commands);
  /// Looks at each change of the roster until `holds` of all rows; false after 10 s. A supervisor that is gone is
  /// started again by a command.
  bool until(const std::function<bool(const std::vector<json>&)>& holds);
  /// How often a command had to be repeated.
  [[nodiscard]] int repeats() const { return repeats_; }

private:
  struct running {
    int pid;
    std::string log;
  };
  running start(const std::vector<std::string>& args);
  said finish(const running& r) const;
  const test::sandbox& home_;
  int number_ = 0, repeats_ = 0;
};

/// The row of this session; null when it is not there.
json row_of(const std::vector<json>& rows, const std::string& id);

} // namespace troupe::crash
