// /proc as a table: one line a live process, and a variable of its environment. Inside of runtime/ only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::process_table {

/// One process.
struct line {
  std::int32_t pid = 0, parent = 0, group = 0, session = 0;
  char state = 0;
  std::uint64_t start = 0; ///< clock ticks since boot
  [[nodiscard]] bool dead() const { return state == 'Z' || state == 'X' || state == 'x'; }
};

/// A file's first `most` bytes; empty when it cannot be read.
std::string slurp(const std::string& path, std::size_t most);
/// Calls `f` for each number that names an entry of a folder of /proc: processes, or threads of one.
void each(const std::string& folder, const std::function<void(std::int32_t)>& f);
/// The line of that process, a zombie's too; none when it is gone.
std::optional<line> read(std::int32_t pid);
/// All that live, in no order.
std::vector<line> read();
/// Its parent, that one's parent and so on, without init; empty when it is gone.
std::vector<std::int32_t> ancestors_of(std::int32_t pid);
/// A process's environment as it was started, each variable with a zero byte behind it; empty when it is not ours.
std::string environment_of(std::int32_t pid);
/// The value of a variable in such an environment; empty when it has none.
std::string value_in(const std::string& environment, const std::string& name);
std::string variable(std::int32_t pid, const std::string& name);

} // namespace troupe::process_table
