// A command in a PTY.
#include "runtime/worker/pty_harness.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <asio/buffer.hpp>
#include <asio/write.hpp>

#include "runtime/worker/launch.hpp"
#include "runtime/worker/terminal/plain_lines.hpp"

namespace troupe {

namespace {

constexpr std::size_t input_limit = std::size_t{1} << 20;
constexpr std::size_t read_budget = std::size_t{1} << 18; ///< bytes read before others on the loop get their turn

} // namespace

pty_harness::pty_harness(asio::io_context& loop, reaper& children, harness_callbacks cb)
    : loop_(loop), children_(children), cb_(std::move(cb)), master_(loop) {}

void pty_harness::open_terminal(const assignment& job) {
  unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  char name[128];
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), name, sizeof name) != 0) {
    fault_ = std::string("no pseudo terminal: ") + std::strerror(errno);
    return;
  }
  slave_ = name;
  winsize size{job.spec.rows, job.spec.cols, 0, 0};
  ::ioctl(master.get(), TIOCSWINSZ, &size);
  master_.assign(master.release());
}

bool pty_harness::open_ring(const assignment& job) {
  failure error;
  ring_ = output_ring::create(job.directory + "/output", error);
  if (error.code != errc::ok) {
    event e;
    e.what = "note";
    e.text = error.text;
    cb_.emit(std::move(e));
  }
  if (ring_.valid())
    began_at_ = ring_.end();
  else
    fault_ = error.text;
  return ring_.valid();
}

void pty_harness::start(const assignment& job) {
  if (slave_.empty() && fault_.empty())
    open_terminal(job);
  if (!fault_.empty() || !open_ring(job)) {
    cb_.ended({true, false, 127}, "failed to start: " + fault_);
    return;
  }
  spawn_request r;
  r.terminal = slave_;
  r.program = job.spec.command.front();
  r.arguments = job.spec.command;
  r.env = terminal_environment(job); // its directory is the worker's, which the receipt has told (F-15)
  auto pid = spawn(r);
  screen_ = std::make_unique<screen>(ring_, job.spec.rows, job.spec.cols); // while the command starts
  screen_->on_reply([this](std::string_view bytes) { type(bytes); });
  if (pid < 0) {
    cb_.ended({true, false, 127}, "failed to start: " + r.program + ": " + std::strerror(-pid));
    return;
  }
  children_.watch(pid, [this](exit_status s) { cb_.ended(s, {}); });
  event e;
  e.what = "started";
  e.value = pid;
  cb_.emit(std::move(e));
  read();
}

void pty_harness::read() {
  master_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (!error && read_some())
      read();
  });
}

/// One piece of output into the ring: what `read` gave, and whether a question ends in it.
ssize_t pty_harness::read_piece(bool& asks) {
  constexpr std::size_t most = 65536;
  auto room = ring_.writable();
  room = room.first(std::min(room.size(), most));
  screen_->make_room(room.size());
  auto n = ::read(master_.native_handle(), room.data(), room.size());
  if (n > 0) {
    auto length = static_cast<std::size_t>(n);
    ring_.commit(length);
    asks = screen_->may_hold_query({room.data(), length});
  }
  return n;
}

/// False at the end: no process holds the other side any more.
bool pty_harness::read_some() {
  for (std::size_t got = 0; got < read_budget;) {
    bool asks = false;
    auto n = read_piece(asks);
    if (n <= 0) {
      bool more = n < 0 && (errno == EAGAIN || errno == EINTR);
      if (got > 0 && told_)
        told_();
      return more;
    }
    got += static_cast<std::size_t>(n);
    if (asks && !attended_)
      screen_->catch_up(); // the program waits for the answer, and nobody else gives one
  }
  if (told_)
    told_();
  return true;
}

std::string pty_harness::last_line() const {
  return screen_ && !screen_->filled() ? troupe::last_line(ring_, began_at_) : std::string();
}

void pty_harness::drain() {
  bool asks = false;                                             // nobody is left to hear the answer
  while (screen_ && master_.is_open() && read_piece(asks) > 0) { // without a screen it has not started
  }
}

void pty_harness::type(std::string_view bytes) {
  if (queued_.size() + bytes.size() > input_limit)
    return;
  queued_ += bytes;
  flush();
}

void pty_harness::flush() {
  if (!typing_.empty() || queued_.empty() || !master_.is_open())
    return;
  typing_.swap(queued_);
  asio::async_write(master_, asio::buffer(typing_), [this](const asio::error_code& error, std::size_t) {
    typing_.clear();
    if (!error)
      flush();
  });
}

void pty_harness::attended(bool yes) {
  if (!yes) {
    left_at_ = ring_.end();
    left_ = std::chrono::system_clock::now();
  }
  attended_ = yes;
  if (screen_)
    screen_->answer_queries(!yes);
}

std::optional<pty_harness::absence> pty_harness::since_left() const {
  if (attended_ || !left_at_)
    return {};
  auto kept = ring_.read(std::max(*left_at_, ring_.begin()));
  auto away = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now() - left_);
  return absence{away.count(), ring_.end() - *left_at_,
                 static_cast<std::size_t>(std::count(kept.begin(), kept.end(), '\n')), *left_at_ < ring_.begin()};
}

void pty_harness::resize(std::uint16_t rows, std::uint16_t cols) {
  if (!master_.is_open() || rows == 0 || cols == 0 || (rows == screen_->rows() && cols == screen_->cols()))
    return;
  screen_->resize(rows, cols);
  winsize size{rows, cols, 0, 0};
  ::ioctl(master_.native_handle(), TIOCSWINSZ, &size);
}

void pty_harness::deliver(const std::string& key, const std::string& text) {
  event e;
  e.what = "sent";
  e.id = key;
  cb_.emit(std::move(e));
  type(text + "\r");
}

failure pty_harness::answer(const std::string&, const std::string&, const std::string&, std::string&, std::string&) {
  return {errc::wrong_state,
          "a shell job asks no questions\ntype into it: troupe attach, or send it a line: troupe reply"};
}

} // namespace troupe
