// Programs that the view runs.
#include "cli/view/child_programs.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include <asio/post.hpp>

#include "cli/output.hpp"
#include "runtime/files/paths.hpp"

namespace troupe {

namespace {

constexpr std::size_t most_told = 2000;

/// A pipe's end that is read until nobody can write to it any more, and shown.
struct listener : std::enable_shared_from_this<listener> {
  listener(asio::io_context& loop, int fd) : pipe(loop, fd) {}
  void read() {
    pipe.async_read_some(asio::buffer(block), [me = shared_from_this()](const asio::error_code& e, std::size_t n) {
      if (e)
        return;
      print_error({me->block, n});
      me->said.append(me->block, n);
      if (me->said.size() > most_told)
        me->said.erase(0, me->said.size() - most_told);
      me->read();
    });
  }
  /// What a program says as it fails: its last lines, without its own name.
  std::string fault() const {
    auto text = said;
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    auto at = text.rfind("troupe: ");
    return at == std::string::npos ? text : text.substr(at + 8);
  }
  asio::posix::stream_descriptor pipe;
  std::string said;
  char block[1024]{};
};

} // namespace

bool child_programs::run_telling(const std::vector<std::string>& command,
                                 std::function<void(exit_status, const std::string&)> done) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return false;
  auto ear = std::make_shared<listener>(loop_, ends[0]);
  unique_fd theirs(ends[1]);
  ear->read();
  return start(command, theirs.get(), [this, ear, done = std::move(done)](exit_status how) {
    asio::post(loop_, [ear, how, done] { done(how, ear->fault()); }); // its last words are read first
  });
}

bool child_programs::run(const std::vector<std::string>& command, std::function<void(exit_status)> done) {
  return start(command, STDERR_FILENO, std::move(done));
}

bool child_programs::start(const std::vector<std::string>& command, int error_fd,
                           std::function<void(exit_status)> done) {
  spawn_request r;
  r.program = command[0];
  r.arguments = command;
  r.env = own_environment();
  r.fds = {{0, 0}, {1, 1}, {error_fd, 2}};
  auto pid = spawn(r);
  if (pid <= 0)
    return false;
  reaper_.watch(pid, std::move(done));
  return true;
}

bool child_programs::edit(const std::string& text, std::function<void(bool, std::string)> done) {
  const char* temporary = std::getenv("TMPDIR");
  std::string path = std::string(temporary && *temporary ? temporary : "/tmp") + "/troupe-prompt-XXXXXX.md";
  unique_fd file(::mkostemps(path.data(), 3, O_CLOEXEC)); // 0600
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return false;
  file.reset();
  const char* editor = nullptr;
  for (const char* name : {"VISUAL", "EDITOR"})
    if (const char* value = std::getenv(name); editor == nullptr && value && *value)
      editor = value;
  auto line = std::string(editor ? editor : "vi") + " \"$1\""; // an editor may have arguments, as for git
  bool started = run({"/bin/sh", "-c", line, "sh", path}, [path, done = std::move(done)](exit_status how) {
    failure error;
    auto left = read_file(path, error).value_or("");
    ::unlink(path.c_str());
    while (!left.empty() && left.back() == '\n')
      left.pop_back();
    done(how.known && !how.signalled && how.value == 0, left);
  });
  if (!started)
    ::unlink(path.c_str());
  return started;
}

} // namespace troupe
