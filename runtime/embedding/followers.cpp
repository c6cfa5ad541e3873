// Changes, events, terminals.
#include "runtime/embedding/followers.hpp"

#include <algorithm>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/embedding/readings.hpp"

namespace troupe::embed {

namespace {

constexpr std::size_t block = std::size_t{64} << 10;

error no_more() {
  return {errc::ended, "the runtime has ended"};
}

error late() {
  return {errc::timed_out, "nothing came within the deadline"};
}

change change_of(const json& note) {
  change out;
  const auto& params = note.at("params");
  out.seq = required_unsigned(params, "seq");
  out.removed = note.at("method") == "session/removed";
  if (out.removed)
    out.now.id = required_text(params, "id");
  else
    out.now = session_of(params.at("session"));
  return out;
}

} // namespace

bool change_queue::take(std::string line) {
  std::lock_guard guard(mutex);
  if (line.empty())
    over = true;
  else if (lost || lines.size() >= capacity + (fresh ? 1 : 0))
    lost = true;
  else
    lines.push_back(std::move(line));
  changed.notify_all();
  return lost;
}

bool change_queue::next(std::string& line, milliseconds deadline, error& why) {
  std::unique_lock guard(mutex);
  if (!changed.wait_for(guard, deadline, [&] { return !lines.empty() || lost || over; })) {
    why = late();
    return false;
  }
  if (lines.empty()) {
    why = lost ? error{errc::lost, "changes came faster than they were read\nsubscribe again"} : no_more();
    return false;
  }
  line = std::move(lines.front());
  lines.pop_front();
  fresh = false;
  return true;
}

subscription::parts::~parts() {
  if (auto s = supervisor.lock())
    s->hang_up(line);
}

error subscription::parts::open(std::shared_ptr<embedded_supervisor> to, std::size_t capacity, milliseconds deadline) {
  queue->capacity = capacity;
  supervisor = to;
  line = to->open_line("session/subscribe", {{"all", true}}, [q = queue](std::string x) { q->take(std::move(x)); });
  if (line == 0)
    return no_more();
  std::string first;
  error why;
  if (!queue->next(first, deadline, why))
    return why;
  auto answer = json::parse(first, nullptr, false);
  if (!answer.is_object() || !answer.contains("result"))
    return to_embed(failure_of(answer.is_object() ? answer.value("error", json()) : json()));
  seq = required_unsigned(answer["result"], "seq");
  for (const auto& row : answer["result"]["sessions"])
    snapshot.push_back(session_of(row));
  return {};
}

subscription::subscription(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
subscription::~subscription() = default;

const std::vector<session>& subscription::snapshot() const {
  return parts_->snapshot;
}

std::uint64_t subscription::seq() const {
  return parts_->seq;
}

result<change> subscription::next(milliseconds deadline) {
  std::string line;
  error why;
  if (!parts_->queue->next(line, deadline, why))
    return why;
  try {
    return change_of(json::parse(line));
  } catch (const std::exception& e) {
    return error{errc::bad_request, std::string("a change is not understood: ") + e.what()};
  }
}

void transcript_reader::open(std::string path, std::uint64_t after) {
  path_ = std::move(path);
  last_ = after;
}

/// Reads one block more. A worker that mends a transcript puts another file in its place: that one is read from its
/// beginning, and what is known is skipped.
bool transcript_reader::fill(failure& why) {
  buffer_.erase(0, std::exchange(at_, 0));
  auto old = buffer_.size();
  buffer_.resize(old + block);
  auto n = fd_ ? ::read(fd_.get(), buffer_.data() + old, block) : 0;
  buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n > 0)
    return true;
  struct stat st {};
  if (::stat(path_.c_str(), &st) != 0 || (fd_ && st.st_ino == inode_))
    return false;
  fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd_) {
    why = {troupe::errc::disk, "the transcript cannot be read: " + path_};
    return false;
  }
  inode_ = ::fstat(fd_.get(), &st) == 0 ? st.st_ino : 0;
  buffer_.clear();
  return fill(why);
}

bool transcript_reader::next(troupe::event& e, failure& why) {
  for (;;) {
    auto end = buffer_.find('\n', at_);
    if (end == std::string::npos) {
      if (!fill(why))
        return false;
      continue;
    }
    auto line = json::parse(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                            buffer_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    at_ = end + 1;
    try {
      e = event_from_json(line);
    } catch (const std::exception&) { // a bad line costs nothing but itself (F-06)
      continue;
    }
    if (e.n <= last_)
      continue;
    last_ = e.n;
    return true;
  }
}

void event_stream::parts::open(const std::shared_ptr<embedded_supervisor>& of, const std::string& session,
                               const std::string& directory, std::uint64_t after) {
  reader.open(directory + "/transcript.jsonl", after);
  of->watch(session, watch);
}

event_stream::event_stream(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
event_stream::~event_stream() = default;

result<event> event_stream::next(milliseconds deadline) {
  auto& w = *parts_->watch;
  auto until = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    bool over;
    std::uint64_t known;
    {
      std::lock_guard guard(w.mutex);
      over = w.over;
      known = w.written;
    }
    troupe::event e;
    failure why;
    if (parts_->reader.next(e, why))
      return event_of(std::move(e));
    if (why.code != troupe::errc::ok)
      return to_embed(why);
    if (over)
      return no_more();
    std::unique_lock guard(w.mutex);
    if (!w.changed.wait_until(guard, until, [&] { return w.over || w.written != known; }))
      return late();
  }
}

error terminal::parts::open(const std::string& socket, std::uint16_t rows, std::uint16_t cols, bool only_reads) {
  read_only = only_reads;
  failure why;
  json params{{"mode", read_only ? "read" : "terminal"}, {"rows", rows}, {"cols", cols}};
  if (!frames.open(socket, params, why))
    return to_embed(why);
  return {};
}

bool terminal::parts::take(char type, const std::string& payload, output& out) {
  if (type == 'o') {
    out.bytes = payload;
    return true;
  }
  if (type != 'x')
    return false;
  auto how = json::parse(payload, nullptr, false);
  out.ended = over = true;
  if (how.is_object()) {
    out.detail = how.value("detail", "");
    out.status = how.value("status", 0);
  }
  return true;
}

terminal::terminal(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
terminal::~terminal() = default;

result<terminal::output> terminal::read(milliseconds deadline) {
  auto& p = *parts_;
  auto until = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    char type = 0;
    std::string payload;
    output out;
    while (p.frames.next(type, payload))
      if (p.take(type, payload, out))
        return out;
    if (p.over)
      return error{errc::worker_gone, "the job has ended"};
    auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd ready{p.frames.fd(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(std::clamp<long long>(left, 0, 3'600'000))) != 1)
      return late();
    if (!p.frames.fill())
      return error{errc::worker_gone, "the session's process has closed the connection"};
  }
}

error terminal::write(std::string_view bytes) {
  std::lock_guard guard(parts_->writing);
  if (parts_->read_only)
    return {errc::wrong_state, "this terminal only reads"};
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), block)))
    if (!parts_->frames.send('i', bytes.substr(0, block)))
      return {errc::worker_gone, "the session's process takes no input"};
  return {};
}

error terminal::resize(std::uint16_t rows, std::uint16_t cols) {
  std::lock_guard guard(parts_->writing);
  if (rows < 1 || cols < 1 || rows > 1000 || cols > 1000)
    return {errc::bad_request, "rows and columns must be 1 to 1000"};
  const char size[] = {static_cast<char>(rows & 0xff), static_cast<char>(rows >> 8), static_cast<char>(cols & 0xff),
                       static_cast<char>(cols >> 8)};
  if (!parts_->frames.send('r', {size, sizeof size}))
    return {errc::worker_gone, "the session's process takes no input"};
  return {};
}

} // namespace troupe::embed
