// Executing the next version.
#include "runtime/supervisor/succession.hpp"

#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "messages/json.hpp"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace troupe {

namespace {

unique_fd write_environments(const std::vector<kept_environment>& all) {
  auto by_id = json::object();
  for (const auto& x : all)
    by_id[x.id.value] = to_json(x.env);
  auto text = to_line({{"environments", std::move(by_id)}});
  unique_fd fd(::memfd_create("troupe-environments", MFD_CLOEXEC));
  for (std::string_view rest = text; fd && !rest.empty();) {
    auto n = ::write(fd.get(), rest.data(), rest.size());
    if (n <= 0)
      return {}; // sessions go on without; a reply or attach brings a fresh one
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return fd;
}

} // namespace

void execute_next(const std::string& program, const supervisor_options& own, succession what) {
  auto environments = write_environments(what.environments);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); // whatever a library has opened ends here
  std::vector<std::string> words{"troupe-supervisor", "--started-by", own.origin};
  auto pass = [&](const char* name, const unique_fd& fd) {
    if (!fd)
      return;
    ::fcntl(fd.get(), F_SETFD, 0);
    words.insert(words.end(), {name, std::to_string(fd.get())});
  };
  pass("--lock-fd", what.right.lock);
  pass("--listen-fd", what.listening);
  pass("--environments-fd", environments);
  if (!own.instance.empty())
    words.insert(words.end(), {"--instance", own.instance});
  if (own.foreground)
    words.emplace_back("--foreground");
  std::vector<char*> arguments;
  for (auto& w : words)
    arguments.push_back(w.data());
  arguments.push_back(nullptr);
  for (const auto& file : {program, std::string("/proc/self/exe")})
    ::execv(file.c_str(), arguments.data());
}

std::map<session_id, environment> read_environments(int fd) {
  std::string text;
  char block[65536];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = ::read(fd, block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(n));
  std::map<session_id, environment> out;
  try {
    const auto all = json::parse(text);
    for (const auto& [id, env] : all.at("environments").items())
      out[{id}] = environment_from_json(env);
  } catch (const std::exception&) { // of a version that writes it otherwise
    out.clear();
  }
  return out;
}

} // namespace troupe
