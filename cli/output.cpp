// How the client speaks to people.
#include "cli/output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <unistd.h>

namespace troupe {

namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      std::_Exit(exit_failure);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

} // namespace

void print(std::string_view text) {
  write_all(STDOUT_FILENO, text);
}
void print_error(std::string_view text) {
  write_all(STDERR_FILENO, text);
}

int fail(const failure& error, int code) {
  auto split = error.text.find('\n');
  auto out = "troupe: " + visible(error.text.substr(0, split)) + "\n";
  if (split != std::string::npos) {
    auto remedy = error.text.substr(split + 1);
    out += "  " + visible(remedy.substr(std::min(remedy.find_first_not_of(' '), remedy.size()))) + "\n";
  }
  print_error(out);
  return code;
}

int fail_usage(const std::string& fault, const std::string& remedy) {
  return fail({errc::bad_request, fault + "\n" + remedy}, exit_usage);
}

std::string local_time(std::int64_t ms) {
  std::time_t t = ms / 1000;
  std::tm parts{};
  ::localtime_r(&t, &parts);
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &parts);
  return out;
}

std::string text_of(const json& object, const char* name) {
  try {
    return optional_text(object, name);
  } catch (const field_error&) {
    return {};
  }
}

} // namespace troupe
