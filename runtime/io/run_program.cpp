// Running a program to its end.
#include "runtime/io/run_program.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/io/process.hpp"

namespace troupe {

namespace {

unique_fd input_of(const std::string& text) {
  unique_fd fd(text.empty() ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : ::memfd_create("input", MFD_CLOEXEC));
  for (std::size_t at = 0; fd && at < text.size();) {
    auto n = ::pwrite(fd.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (n <= 0)
      break;
    at += static_cast<std::size_t>(n);
  }
  return fd;
}

/// Reads both pipes until both are closed; false: until nobody is there any more who has asked.
bool read_both(int out, int err, int asker, program_output& into) {
  std::array<pollfd, 3> ends{{{out, POLLIN, 0}, {err, POLLIN, 0}, {asker, 0, 0}}};
  std::array<std::string*, 2> texts{&into.out, &into.err};
  std::array<char, 65536> block{};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR)
      return true;
    if ((ends[2].revents & (POLLERR | POLLHUP)) != 0)
      return false;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0)
        continue;
      auto n = ::read(ends[i].fd, block.data(), block.size());
      if (n > 0)
        texts[i]->append(block.data(), static_cast<std::size_t>(n));
      else if (n == 0 || errno != EINTR)
        ends[i].fd = -1;
    }
  }
  return true;
}

void kill_tree(std::int32_t root) {
  for (const auto& below : descendants(root))
    signal_process(below, SIGKILL);
  ::kill(root, SIGKILL);
}

} // namespace

std::string program_output::why() const {
  auto line = err.substr(0, err.find('\n'));
  for (const char* mark : {"fatal: ", "error: "})
    if (line.starts_with(mark))
      return line.substr(std::strlen(mark));
  return line.empty() ? "it ended with status " + std::to_string(status) : line;
}

program_output run_program(std::vector<std::string> words, const std::string& dir, const std::string& input,
                           const environment& env, int asker) {
  program_output out;
  int o[2], e[2];
  if (::pipe2(o, O_CLOEXEC) != 0)
    return {127, {}, std::strerror(errno)};
  unique_fd out_end(o[0]), out_child(o[1]);
  if (::pipe2(e, O_CLOEXEC) != 0)
    return {127, {}, std::strerror(errno)};
  unique_fd err_end(e[0]), err_child(e[1]), in = input_of(input);
  spawn_request r;
  r.program = words.front();
  r.arguments = std::move(words);
  r.env = env;
  r.cwd = dir;
  r.fds = {{in.get(), 0}, {out_child.get(), 1}, {err_child.get(), 2}};
  auto pid = spawn(r);
  if (pid < 0)
    return {127, {}, r.program + " cannot be started in " + dir + ": " + std::strerror(-pid)};
  out_child.reset();
  err_child.reset();
  if (!read_both(out_end.get(), err_end.get(), asker, out))
    kill_tree(pid);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return out;
}

} // namespace troupe
