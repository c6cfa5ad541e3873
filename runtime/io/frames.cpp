// The worker's socket from the client's side.
#include "runtime/io/frames.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "runtime/io/sockets.hpp"

namespace troupe {

namespace {

std::string text_of(const json& object, const char* name) {
  auto at = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

} // namespace

bool frame_stream::open(const std::string& socket, const json& params, failure& error) {
  fd_.reset(connect_to(socket));
  if (!fd_) {
    error = {errc::not_running, "the session's process cannot be reached\nsee its state: troupe agents"};
    return false;
  }
  timeval patience{5, 0}, ever{0, 0}; // a worker that hangs holds nobody up
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  send_all(fd_.get(), to_line({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "worker/attach"}, {"params", params}}) + "\n");
  while (in_.find('\n') == std::string::npos)
    if (!fill()) {
      error = errno == EAGAIN
                  ? failure{errc::timed_out, "the session's process does not answer\nend it: troupe stop"}
                  : failure{errc::worker_gone, "the session's process has ended\nread what it said: troupe logs"};
      return false;
    }
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &ever, sizeof ever);
  auto end = in_.find('\n');
  auto answer = json::parse(in_.substr(0, end), nullptr, false);
  in_.erase(0, end + 1);
  if (answer.is_object() && answer.contains("result")) {
    answer_ = answer["result"];
    return true;
  }
  error = {errc::refused, "the session's process refused"};
  if (answer.is_object() && answer.contains("error") && answer["error"].is_object()) {
    error.text = text_of(answer["error"], "message");
    if (answer["error"].contains("data"))
      error.text += "\n" + text_of(answer["error"]["data"], "remedy");
  }
  return false;
}

bool frame_stream::send(char type, std::string_view payload) {
  std::string out(1, type);
  for (int i = 0; i < 4; ++i)
    out += static_cast<char>(payload.size() >> (8 * i) & 0xff);
  out += payload;
  return send_all(fd_.get(), out);
}

bool frame_stream::fill() {
  auto old = in_.size();
  in_.resize(old + 65536);
  ssize_t n;
  do
    n = ::read(fd_.get(), in_.data() + old, 65536);
  while (n < 0 && errno == EINTR);
  in_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n == 0)
    errno = ECONNRESET;
  return n > 0;
}

bool frame_stream::next(char& type, std::string& payload) {
  if (in_.size() < 5)
    return false;
  std::size_t n = 0;
  for (std::size_t i = 0; i < 4; ++i)
    n |= static_cast<std::size_t>(static_cast<unsigned char>(in_[1 + i])) << (8 * i);
  if (in_.size() < 5 + n)
    return false;
  type = in_[0];
  payload = in_.substr(5, n);
  in_.erase(0, 5 + n);
  return true;
}

} // namespace troupe
