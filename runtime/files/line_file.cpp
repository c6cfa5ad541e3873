// Append-only files of JSON lines.
#include "runtime/files/line_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/files/paths.hpp"

namespace troupe {

namespace {

constexpr std::size_t longest_line = std::size_t{8} << 20;

/// What is wrong with a line; empty when `take` has used it.
std::string use(std::string_view line, const std::function<void(const json&)>& take) {
  if (line.size() > longest_line)
    return "is longer than 8 MiB";
  auto parsed = json::parse(line, nullptr, false);
  if (parsed.is_discarded())
    return "is not JSON";
  try {
    take(parsed);
    return {};
  } catch (const std::exception& e) {
    return e.what();
  }
}

/// Takes bad and torn lines out of the file, after they were kept in PATH.bad.
void mend_file(const std::string& path, const std::string& good, const std::string& bad, read_report& report) {
  failure error;
  auto aside = line_file::open(path + ".bad", error);
  if (error.code == errc::ok && aside.append(bad, error) && replace_file(path, good, true, error))
    report.good_end = good.size();
  else
    report.problems.push_back(error.text);
}

} // namespace

read_report read_lines(const std::string& path, std::uint64_t from, const std::function<void(const json&)>& take,
                       bool mend) {
  read_report report;
  report.good_end = from;
  struct stat st {};
  bool there = ::lstat(path.c_str(), &st) == 0;
  if (!there && errno == ENOENT)
    return report;
  if (there && !S_ISREG(st.st_mode)) {
    report.problems.push_back("is no file: " + path + (mend ? ", set aside as " + set_aside(path) : ""));
    return report;
  }
  failure error;
  auto text = read_file(path, error);
  if (!text) {
    if (error.code != errc::ok)
      report.problems.push_back(error.text);
    return report;
  }
  std::string good = mend ? text->substr(0, from) : std::string(), bad;
  std::size_t number = 0;
  for (std::size_t at = from; at < text->size(); ++number) {
    auto end = text->find('\n', at);
    report.torn = end == std::string::npos;
    auto line = std::string_view(*text).substr(at, report.torn ? std::string::npos : end - at);
    auto why = report.torn ? std::string("is torn") : line.empty() ? std::string("is empty") : use(line, take);
    if (why.empty()) {
      if (mend)
        good.append(line).push_back('\n');
    } else {
      bad.append(bad.empty() ? "" : "\n").append(line);
      report.problems.push_back("line " + std::to_string(number + 1) + " of " + path + " " + why +
                                (mend ? ", set aside in " + path + ".bad" : ""));
    }
    at = report.torn ? text->size() : end + 1;
    if (!report.torn)
      report.good_end = at;
  }
  if (mend && !report.problems.empty())
    mend_file(path, good, bad, report);
  return report;
}

line_file line_file::open(const std::string& path, failure& error) {
  line_file out;
  out.path_ = path;
  out.fd_.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat st {};
  if (!out.fd_ || ::fstat(out.fd_.get(), &st) != 0) {
    error = {errc::disk, "file cannot be opened: " + path + ": " + std::strerror(errno)};
    return out;
  }
  out.size_ = static_cast<std::uint64_t>(st.st_size);
  return out;
}

bool line_file::append(std::string_view line, failure& error) {
  std::string whole(line);
  whole += '\n';
  ssize_t n;
  do
    n = ::write(fd_.get(), whole.data(), whole.size());
  while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(whole.size())) {
    size_ += whole.size();
    dirty_ = true;
    return true;
  }
  if (n > 0 && ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0)
    size_ += static_cast<std::uint64_t>(n); // the next reader sets the torn line aside
  error = {errc::disk, "line cannot be written: " + path_ + ": " + std::strerror(n < 0 ? errno : ENOSPC)};
  return false;
}

void line_file::sync() {
  if (dirty_)
    ::fdatasync(fd_.get());
  dirty_ = false;
}

} // namespace troupe
