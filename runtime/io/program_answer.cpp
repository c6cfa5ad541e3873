// Running a program for what it prints.
#include "runtime/io/program_answer.hpp"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

namespace troupe {

namespace {

constexpr std::size_t longest = 64 << 10;

struct running : std::enable_shared_from_this<running> {
  running(asio::io_context& loop, int out, int err) : ends{stream{loop, out}, stream{loop, err}}, deadline(loop) {}
  struct stream {
    stream(asio::io_context& loop, int fd) : pipe(loop, fd) {}
    asio::posix::stream_descriptor pipe;
    std::array<char, 4096> block{};
    std::string text;
  };
  std::array<stream, 2> ends;
  asio::steady_timer deadline;
  std::optional<process_identity> who;
  program_answer answer;
  std::function<void(program_answer)> done;
  int open = 3; ///< two pipes and the process

  void read(std::size_t which) {
    auto& end = ends[which];
    end.pipe.async_read_some(
        asio::buffer(end.block), [self = shared_from_this(), which](const asio::error_code& error, std::size_t n) {
          auto& at = self->ends[which];
          at.text.append(at.block.data(), std::min(n, longest - std::min(longest, at.text.size())));
          if (error)
            self->closed();
          else
            self->read(which);
        });
  }
  void closed() {
    if (--open > 0)
      return;
    deadline.cancel();
    answer.out = std::move(ends[0].text);
    answer.err = std::move(ends[1].text);
    done(std::move(answer));
  }
  void kill() {
    answer.late = true;
    if (who) {
      for (const auto& below : descendants(who->pid))
        signal_process(below, SIGKILL);
      signal_process(*who, SIGKILL);
    }
    for (auto& end : ends) { // what was let loose may hold them open
      asio::error_code ignored;
      end.pipe.close(ignored);
    }
  }
};

/// The input as a file in memory: nobody has to write it while the program reads.
unique_fd input_of(const std::string& text) {
  unique_fd fd(text.empty() ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : ::memfd_create("input", MFD_CLOEXEC));
  if (fd && !text.empty()) {
    [[maybe_unused]] auto n = ::pwrite(fd.get(), text.data(), text.size(), 0);
  }
  return fd;
}

} // namespace

void ask_program(asio::io_context& loop, reaper& children, spawn_request request, const std::string& input,
                 std::chrono::milliseconds patience, std::function<void(program_answer)> done) {
  int out[2], err[2];
  program_answer failed;
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    failed.fault = std::strerror(errno);
    return done(failed);
  }
  unique_fd out_end(out[1]), err_end(err[1]), in = input_of(input);
  auto at = std::make_shared<running>(loop, out[0], err[0]);
  request.fds = {{in.get(), 0}, {out_end.get(), 1}, {err_end.get(), 2}};
  auto pid = spawn(request);
  if (pid < 0) {
    failed.fault = std::strerror(-pid);
    return done(failed);
  }
  at->who = identify(pid);
  at->done = std::move(done);
  children.watch(pid, [at](exit_status status) {
    at->answer.status = status;
    at->closed();
  });
  at->read(0);
  at->read(1);
  at->deadline.expires_after(patience);
  at->deadline.async_wait([at](const asio::error_code& error) {
    if (!error)
      at->kill();
  });
}

} // namespace troupe
