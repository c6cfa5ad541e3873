// Who is the supervisor of a directory.
#include <cstdlib>
#include <ctime>

#include "runtime/host/supervisor_host.hpp"

namespace troupe {

namespace {

/// Every supervisor has a number higher than all before it; workers refuse a lower one (SUP-1). Only the lock's holder
/// counts it up.
std::uint64_t next_epoch(const paths& where, failure& error) {
  auto path = where.state + "/epoch";
  auto text = read_file(path, error);
  std::uint64_t epoch = text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
  if (text && epoch == 0) {
    set_aside(path);
    epoch = static_cast<std::uint64_t>(std::time(nullptr)); // lost count: the clock is beyond any count so far
  }
  ++epoch;
  return replace_file(path, std::to_string(epoch) + "\n", true, error) ? epoch : 0;
}

} // namespace

std::optional<tenancy> inherit_directory(const paths& where, unique_fd lock, failure& error) {
  tenancy out{std::move(lock), next_epoch(where, error)};
  if (out.epoch == 0)
    return {};
  return out;
}

std::optional<tenancy> take_directory(const paths& where, unsigned seconds, failure& error) {
  auto lock = lock_file(where.supervisor_lock(), seconds, error);
  if (!lock)
    return {};
  return inherit_directory(where, std::move(lock), error);
}

} // namespace troupe
