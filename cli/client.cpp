// The way to the supervisor.
#include "cli/client.hpp"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/output.hpp"
#include "runtime/io/sockets.hpp"

extern char** environ;

namespace troupe {

namespace {

constexpr int greeting_ms = 5000; ///< SUP-7
constexpr int start_ms = 1000 * static_cast<int>(leaving_seconds) + 10'000;
constexpr auto surely = std::chrono::seconds(60);

failure lost() {
  return {errc::worker_gone, "the connection to the background service was lost\ntry again; see: troupe daemon status"};
}

/// The last line of the log, where a supervisor that did not start has said why.
std::string last_log_line(const std::string& path) {
  failure ignored;
  auto text = read_file(path, ignored).value_or("");
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  auto at = text.rfind('\n');
  return text.substr(at == std::string::npos ? 0 : at + 1);
}

} // namespace

bool client::find_home(failure& error) {
  if (!where_)
    where_ = find_paths(error);
  return where_.has_value();
}

bool client::connect(bool start, failure& error) {
  if (!find_home(error))
    return false;
  in_.clear();
  scanned_ = 0;
  sent_ = 0;
  taken_ = std::numeric_limits<std::uint64_t>::max();
  greeted_ = absent_ = false;
  start_ = start;
  socket_.reset(connect_to(where_->control_socket()));
  if (socket_)
    return true;
  if (errno == EPERM) {
    error = {errc::refused, "the control socket belongs to another user: " + where_->control_socket() +
                                "\nset TROUPE_HOME to a folder of your own"};
    return false;
  }
  absent_ = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR;
  if (!absent_) {
    error = {errc::disk,
             "the control socket cannot be reached: " + where_->control_socket() + ": " + std::strerror(errno)};
    return false;
  }
  if (!start) {
    error = {errc::not_running,
             "the background service is not running\nany command that needs it starts it: troupe agents"};
    return false;
  }
  return start_supervisor(error);
}

bool client::start_supervisor(failure& error) {
  if (!make_folders(*where_, error))
    return false;
  auto lock = lock_start(*where_, error);
  if (!lock)
    return false;
  socket_.reset(connect_to(where_->control_socket())); // whoever had the lock before may have started it
  return socket_ || spawn_supervisor(lock.get(), error);
}

bool client::spawn_supervisor(int start_lock, failure& error) {
  if (!quiet_ && ::isatty(STDERR_FILENO))
    print_error("Starting background service…\n");
  auto program = own_program("troupe-supervisor");
  int ends[2];
  unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC)),
      log(::open(where_->log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (::pipe2(ends, O_CLOEXEC) != 0 || !null || !log) {
    error = {errc::disk, std::string("the background service cannot be started: ") + std::strerror(errno)};
    return false;
  }
  unique_fd ready(ends[0]), ready_child(::fcntl(ends[1], F_DUPFD_CLOEXEC, 16)),
      lock_child(::fcntl(start_lock, F_DUPFD_CLOEXEC, 16));
  ::close(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  for (auto [ours, theirs] :
       {std::pair(null.get(), 0), {log.get(), 1}, {log.get(), 2}, {ready_child.get(), 3}, {lock_child.get(), 4}})
    ::posix_spawn_file_actions_adddup2(&actions, ours, theirs);
  ::posix_spawn_file_actions_addchdir_np(&actions, "/");
  std::string words[] = {"troupe-supervisor", "--started-by", command_, "--ready-fd", "3", "--start-lock-fd", "4",
                         "--instance",        where_->state};
  std::vector<char*> arguments;
  for (auto& w : words)
    arguments.push_back(w.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int result = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environ);
  ready_child.reset();
  lock_child.reset();
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (result != 0) {
    error = {errc::not_started, "the background service cannot be started: " + program + ": " + std::strerror(result) +
                                    "\ninstall it beside troupe: ./bootstrap install"};
    return false;
  }
  char byte = 0;
  pollfd wait{ready.get(), POLLIN, 0};
  if (::poll(&wait, 1, start_ms) != 1 || ::read(ready.get(), &byte, 1) != 1) {
    error = {errc::not_started,
             "the background service did not start: " + last_log_line(where_->log()) + "\nits log: " + where_->log()};
    return false;
  }
  socket_.reset(connect_to(where_->control_socket()));
  if (!socket_)
    error = {errc::not_started, "the background service has ended at once\nits log: " + where_->log()};
  return static_cast<bool>(socket_);
}

/// SUP-4, SUP-7: it is there and says nothing.
failure client::silent() const {
  auto pid = std::to_string(peer_process(socket_.get()));
  return {errc::timed_out, "the background service (process " + pid +
                               ") does not respond\nrestart it, sessions go on: kill -9 " + pid + ", then any command"};
}

void client::note_goodbye(std::string_view line) {
  if (member_span(line, "method") != "\"goodbye\"")
    return;
  auto taken = member_span(member_span(line, "params"), "taken");
  std::from_chars(taken.data(), taken.data() + taken.size(), taken_);
}

bool client::send(const std::string& method, const json& params) {
  auto line = to_line({{"jsonrpc", "2.0"}, {"id", ++id_}, {"method", method}, {"params", params}}) + "\n";
  ++sent_;
  std::string_view rest = line;
  while (!rest.empty()) {
    auto n = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool client::read_line(std::string& line, int ms) {
  for (;;) {
    auto end = in_.find('\n', scanned_);
    if (end != std::string::npos) {
      if (end + 1 == in_.size()) {
        line = std::exchange(in_, {}); // mostly: what comes unasked is rare, and an answer may be long
        line.pop_back();
      } else {
        line = in_.substr(0, end);
        in_.erase(0, end + 1);
      }
      scanned_ = 0;
      return true;
    }
    scanned_ = in_.size();
    pollfd wait{socket_.get(), POLLIN, 0};
    int ready = ::poll(&wait, 1, ms);
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0) {
      errno = ETIMEDOUT;
      return false;
    }
    auto block =
        std::clamp<std::size_t>(scanned_, 4096, 65536); // most answers are short, and pages not touched are free
    in_.resize(scanned_ + block);
    auto n = ::read(socket_.get(), in_.data() + scanned_, block);
    in_.resize(scanned_ + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0 || (n < 0 && errno != EINTR)) {
      errno = ECONNRESET;
      return false;
    }
  }
}

/// Reads until the answer to the last request; what comes between is kept for `next_change`.
bool client::answer_line(std::string& line, int ms, failure& error) {
  for (;;) {
    if (!read_line(line, greeted_ ? ms : greeting_ms)) {
      error = errno == ETIMEDOUT ? silent() : lost();
      return false;
    }
    if (!greeted_) {
      greeted_ = true;
      continue;
    }
    if (member_span(line, "id") == std::to_string(id_))
      return true;
    note_goodbye(line);
    changes_.push_back(std::move(line));
  }
}

std::optional<std::string> client::ask_text(const std::string& method, const json& params, failure& error, int ms) {
  std::string line;
  for (auto end = std::chrono::steady_clock::now() + surely;;) {
    send(method, params); // where that fails, what it has said before it closed is still to be read
    if (answer_line(line, ms, error))
      break;
    if (error.code != errc::worker_gone || !not_taken() || std::chrono::steady_clock::now() > end)
      return {};
    error = {};
    if (!connect(start_, error))
      return {};
  }
  if (auto result = member_span(line, "result"); !result.empty()) {
    auto at = static_cast<std::size_t>(result.data() - line.data());
    line.resize(at + result.size());
    line.erase(0, at);
    return line;
  }
  auto parsed = json::parse(line, nullptr, false);
  error = {errc::bad_request, "an answer that is not understood"};
  if (parsed.is_object() && parsed.contains("error") && parsed["error"].is_object()) {
    const auto& e = parsed["error"];
    error.text = text_of(e, "message");
    if (e.contains("data") && e["data"].is_object()) {
      error.code = errc_of(text_of(e["data"], "code"));
      if (auto remedy = text_of(e["data"], "remedy"); !remedy.empty())
        error.text += "\n" + remedy;
    }
  }
  return {};
}

std::optional<json> client::ask(const std::string& method, const json& params, failure& error, int ms) {
  auto text = ask_text(method, params, error, ms);
  if (!text)
    return {};
  return json::parse(*text, nullptr, false);
}

std::optional<json> client::ask_surely(const std::string& method, const json& params, failure& error, int ms) {
  auto end = std::chrono::steady_clock::now() + surely;
  for (;;) {
    error = {};
    if (auto result = ask(method, params, error, ms))
      return result;
    bool again = error.code == errc::worker_gone || error.code == errc::draining;
    if (!again || std::chrono::steady_clock::now() > end)
      return {};
    wait_closed(5000); // a supervisor that leaves closes the connection when it has left
    failure why;
    if (!connect(true, why)) {
      error = why;
      return {};
    }
  }
}

bool client::next_change(json& note, int ms) {
  std::string line;
  for (;;) {
    if (!changes_.empty()) {
      line = std::move(changes_.front());
      changes_.erase(changes_.begin());
    } else if (!read_line(line, ms)) {
      return false;
    }
    note = json::parse(line, nullptr, false);
    if (note.is_object() && note.contains("method") && note["method"] != "hello" && note["method"] != "goodbye")
      return true;
  }
}

bool client::wait_closed(int ms) {
  std::string line;
  while (read_line(line, ms)) {
  }
  return errno == ECONNRESET;
}

std::string fresh_key() {
  unsigned char bytes[16] = {};
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    std::abort();
  std::string out;
  for (auto b : bytes) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}

json environment_json() {
  std::string block;
  for (char** at = environ; *at; ++at)
    (block += *at) += '\0';
  return bytes_to_json(block);
}

namespace {

/// One past the end of the JSON value that begins at `at`.
std::size_t value_end(std::string_view s, std::size_t at) {
  int depth = 0;
  for (; at < s.size(); ++at) {
    char c = s[at];
    if (c == '"') {
      for (++at; at < s.size() && s[at] != '"'; ++at)
        at += s[at] == '\\';
      if (depth == 0)
        return at + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth <= 0)
        return depth == 0 ? at + 1 : at;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return at;
}

} // namespace

std::string_view member_span(std::string_view s, std::string_view name) {
  for (std::size_t at = 1; at < s.size() && s[at] == '"';) {
    auto key_end = value_end(s, at);
    auto key = s.substr(at + 1, key_end - at - 2);
    auto begin = key_end + 1; // behind the colon
    auto end = value_end(s, begin);
    if (key == name)
      return s.substr(begin, end - begin);
    at = end + 1;
  }
  return {};
}

std::vector<std::string_view> list_spans(std::string_view s) {
  std::vector<std::string_view> out;
  for (std::size_t at = 1; at + 1 < s.size();) {
    auto end = value_end(s, at);
    out.push_back(s.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

} // namespace troupe
