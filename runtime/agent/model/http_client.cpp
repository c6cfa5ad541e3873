// Talking to troupe-model.
#include "runtime/agent/model/http_client.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::agent {
namespace {

/// Starts the program with `socket` as its descriptor 0, in a process group of its own, without arguments, and with no
/// more variables than tell whose it is. Gives 0 or an errno.
int spawn_on(const std::string& program, int socket) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, socket, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  char name[] = "troupe-model";
  char* arguments[] = {name, nullptr};
  std::vector<char*> variables;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each)
    if (std::string_view(*each).starts_with("TROUPE_"))
      variables.push_back(*each);
  variables.push_back(nullptr);
  pid_t pid = 0;
  const int why = posix_spawn(&pid, program.c_str(), &files, &how, arguments, variables.data());
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return why;
}

std::string text_of(const http_request& r) {
  json line{{"method", r.method}, {"url", r.url},          {"headers", r.headers},
            {"proxy", r.proxy},   {"noProxy", r.no_proxy}, {"caFile", r.ca_file}};
  if (r.aws)
    line["aws"] = {{"key", r.aws->key},
                   {"secret", r.aws->secret},
                   {"token", r.aws->token},
                   {"region", r.aws->region},
                   {"service", r.aws->service}};
  return to_line(line) + "\n" + r.body;
}

} // namespace

http_client::http_client(event_loop& events, std::string program, milliseconds rest)
    : events_(events), program_(std::move(program)), rest_(rest) {}

http_client::~http_client() {
  if (socket_)
    events_.unwatch(socket_.get());
  events_.cancel(resting_);
}

bool http_client::launch(std::string& error) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    error = std::string("no socket pair: ") + std::strerror(errno);
    return false;
  }
  unique_fd ours(ends[0]);
  const unique_fd theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  if (const int why = spawn_on(program_, theirs.get()); why != 0) {
    error = "cannot start " + program_ + ": " + std::strerror(why) + "\n  install it beside troupe-agent";
    return false;
  }
  socket_ = std::move(ours);
  in_ = {};
  out_.clear();
  events_.watch(socket_.get(), POLLIN, [this](short) { read_some(); });
  return true;
}

void http_client::warm() {
  std::string error;
  if (!socket_ && launch(error))
    rest_begins();
}

void http_client::release() {
  if (!running_.empty() || !socket_)
    return;
  events_.unwatch(socket_.get());
  socket_.reset(); // it ends with its input
}

void http_client::rest_begins() {
  events_.cancel(resting_);
  resting_ = events_.after(rest_, [this] { release(); });
}

http_client::ticket http_client::start(const http_request& request, http_answer answer) {
  const auto id = ++last_;
  events_.cancel(resting_);
  std::string error;
  running_[id] = std::move(answer);
  if (!socket_ && !launch(error)) {
    events_.defer([this, id, error] {
      if (auto node = running_.extract(id); !node.empty())
        node.mapped().failed({"other", error});
    });
    return id;
  }
  out_ += to_frame(frame_kind::request, id, text_of(request));
  write_some();
  return id;
}

void http_client::cancel(ticket id) {
  if (running_.erase(id) == 0)
    return;
  if (socket_) {
    out_ += to_frame(frame_kind::cancel, id, {});
    write_some();
  }
  if (running_.empty())
    rest_begins();
}

void http_client::write_some() {
  while (!out_.empty()) {
    const auto n = send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n > 0) {
      out_.erase(0, static_cast<std::size_t>(n));
    } else if (n < 0 && errno != EINTR) {
      break; // full, or gone: then the reading side hears of it
    }
  }
  watch();
}

void http_client::watch() {
  const int wanted = (paused_ > 0 ? 0 : POLLIN) | (out_.empty() ? 0 : POLLOUT);
  events_.watch(socket_.get(), static_cast<short>(wanted), [this](short what) {
    if ((what & POLLOUT) != 0)
      write_some();
    if ((what & ~POLLOUT) != 0)
      read_some();
  });
}

void http_client::pause() {
  if (paused_++ == 0 && socket_)
    watch();
}

void http_client::resume() {
  if (--paused_ == 0 && socket_)
    watch();
}

void http_client::read_some() {
  char bytes[65536];
  const auto n = recv(socket_.get(), bytes, sizeof bytes, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    return lost();
  in_.feed({bytes, static_cast<std::size_t>(n)},
           [this](frame_kind kind, ticket id, std::string_view payload) { take(kind, id, payload); });
}

void http_client::take(frame_kind kind, ticket id, std::string_view payload) {
  const auto found = running_.find(id);
  if (found == running_.end())
    return;                          // it was cancelled
  const auto answer = found->second; // a copy: the callback may cancel it
  if (kind == frame_kind::data)
    return answer.data(payload);
  if (kind == frame_kind::status) {
    const auto told = json::parse(payload.begin(), payload.end(), nullptr, false);
    const auto* headers = field(told, "headers");
    return answer.began(static_cast<int>(number_field(told, "status", 0)), headers != nullptr ? *headers : json());
  }
  running_.erase(found);
  if (running_.empty())
    rest_begins();
  if (kind == frame_kind::end)
    return answer.ended();
  const auto told = json::parse(payload.begin(), payload.end(), nullptr, false);
  answer.failed({text_field(told, "kind").value_or("other"), text_field(told, "text").value_or("")});
}

void http_client::lost() {
  events_.unwatch(socket_.get());
  socket_.reset();
  auto all = std::exchange(running_, {});
  for (const auto& [id, each] : all)
    each.failed({"dropped", "troupe-model has ended"});
}

} // namespace troupe::agent
