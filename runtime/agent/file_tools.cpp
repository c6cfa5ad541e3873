// Files for the assistant.
#include "runtime/agent/file_tools.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/agent/output_window.hpp"

namespace troupe::agent {
namespace {

tool_outcome failed(const std::string& what, const std::string& path, const std::string& why) {
  tool_outcome outcome;
  outcome.failed = true;
  outcome.text = "cannot " + what + " " + path + ": " + why;
  return outcome;
}

/// The content of a regular file of at most `limit` bytes; none with `why` set.
std::optional<std::string> content_of(const std::string& path, std::size_t limit, std::string& why) {
  const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat what {};
  if (!file || fstat(file.get(), &what) != 0) {
    why = std::strerror(errno);
    return std::nullopt;
  }
  if (!S_ISREG(what.st_mode)) {
    why = S_ISDIR(what.st_mode) ? "it is a folder" : "it is no regular file";
    return std::nullopt;
  }
  std::string content;
  char buffer[65536];
  for (ssize_t n = 0; (n = read(file.get(), buffer, sizeof buffer)) > 0;) {
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > limit) {
      why = "it is larger than " + std::to_string(limit >> 20) + " MiB";
      return std::nullopt;
    }
  }
  return content;
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto n = write(fd, content.data(), content.size());
    if (n < 0 && errno != EINTR)
      return false;
    content.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return true;
}

/// Where a link leads, so that the link stays one.
std::string resolved(const std::string& path) {
  char real[PATH_MAX];
  return realpath(path.c_str(), real) != nullptr ? real : path;
}

/// Writes a new file beside the old one and renames it over, so that no reader ever sees half a file.
bool replace(const std::string& path, const std::string& content) {
  struct stat old {};
  const bool existed = stat(path.c_str(), &old) == 0;
  auto beside = path + ".troupe-XXXXXX";
  const unique_fd file(mkostemp(beside.data(), O_CLOEXEC));
  if (!file)
    return false;
  const auto mask = umask(0);
  umask(mask);
  const auto mode = existed ? old.st_mode & 07777 : 0666 & ~mask;
  if (write_all(file.get(), content) && fchmod(file.get(), mode) == 0 && rename(beside.c_str(), path.c_str()) == 0)
    return true;
  const int why = errno;
  unlink(beside.c_str());
  errno = why;
  return false;
}

bool make_parents(const std::string& path) {
  for (auto at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    if (mkdir(path.substr(0, at).c_str(), 0777) != 0 && errno != EEXIST && errno != EISDIR)
      return false;
  return true;
}

tool_outcome save(const std::string& what, const std::string& path, std::string before, const std::string& after) {
  struct stat now {};
  const auto target = resolved(path);
  if (stat(target.c_str(), &now) == 0 && !S_ISREG(now.st_mode))
    return failed(what, path, S_ISDIR(now.st_mode) ? "it is a folder" : "it is no regular file");
  if (!replace(target, after))
    return failed(what, path, std::strerror(errno));
  tool_outcome outcome;
  if (before.size() + after.size() <= diff_limit) {
    outcome.path = path;
    outcome.before = std::move(before);
    outcome.after = after;
  }
  return outcome;
}

std::size_t start_of_line(const std::string& content, std::int64_t line) {
  std::size_t at = 0;
  for (std::int64_t i = 1; i < line && at != std::string::npos; ++i) {
    at = content.find('\n', at);
    at = at == std::string::npos ? at : at + 1;
  }
  return std::min(at, content.size());
}

} // namespace

tool_outcome read_lines_of(const std::string& path, std::int64_t offset, std::int64_t limit) {
  std::string why;
  const auto content = content_of(path, edit_limit, why);
  if (!content)
    return failed("read", path, why);
  if (content->find('\0') != std::string::npos)
    return failed("read", path, "it is no text; look at it with a command");
  const auto from = start_of_line(*content, std::max<std::int64_t>(offset, 1));
  auto part = std::string_view(*content).substr(from);
  std::size_t size = 0;
  std::int64_t lines = 0;
  for (; lines < limit && size < part.size(); ++lines) {
    const auto end = std::min(part.find('\n', size), part.size() - 1) + 1;
    if (end > read_limit)
      break;
    size = end;
  }
  tool_outcome outcome;
  const bool long_line = size == 0 && !part.empty() && limit > 0; // a single line beyond the limit: its beginning
  outcome.text = long_line ? whole_end(part.substr(0, read_limit)) : part.substr(0, size);
  if (outcome.text.size() < part.size())
    outcome.text += "\n[... more: read on with offset " +
                    std::to_string(std::max<std::int64_t>(offset, 1) + lines + (long_line ? 1 : 0)) + "]";
  return outcome;
}

tool_outcome write_whole(const std::string& path, const std::string& content) {
  std::string why;
  auto before = content_of(path, edit_limit, why);
  if (!make_parents(path))
    return failed("write", path, std::strerror(errno));
  auto outcome = save("write", path, std::move(before).value_or(""), content);
  if (!outcome.failed)
    outcome.text = "wrote " + std::to_string(content.size()) + " bytes to " + path;
  return outcome;
}

tool_outcome edit_text(const std::string& path, const std::string& before, const std::string& after, bool all) {
  std::string why;
  auto content = content_of(path, edit_limit, why);
  if (!content)
    return failed("edit", path, why);
  if (before.empty())
    return failed("edit", path, "the text to replace is empty");
  std::string changed;
  std::size_t at = 0;
  std::size_t found = 0;
  for (std::size_t next = 0; (next = content->find(before, at)) != std::string::npos; ++found) {
    changed.append(*content, at, next - at).append(after);
    at = next + before.size();
  }
  changed.append(*content, at);
  if (found == 0)
    return failed("edit", path, "the text to replace is not there");
  if (found > 1 && !all)
    return failed("edit", path, "the text to replace is there " + std::to_string(found) + " times: give more of it");
  auto outcome = save("edit", path, std::move(*content), changed);
  if (!outcome.failed)
    outcome.text = "replaced " + std::to_string(found) + (found == 1 ? " place in " : " places in ") + path;
  return outcome;
}

} // namespace troupe::agent
