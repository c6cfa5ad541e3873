// The conversation's file.
#include "runtime/agent/conversation.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/files/paths.hpp"

namespace troupe::agent {
namespace {

constexpr const char* file_name = "/conversation.jsonl";

json to_json(const piece& p) {
  if (p.is == piece::kind::call)
    return {{"type", "tool_call"}, {"id", p.id}, {"name", p.name}, {"input", p.input}};
  json part{{"type", p.is == piece::kind::text ? "text" : "thought"}, {"text", p.text}};
  if (!p.proof.empty())
    part["proof"] = p.proof;
  if (p.redacted)
    part["redacted"] = true;
  return part;
}

json to_json(const token_usage& usage) {
  return {{"input", usage.input},          {"output", usage.output},
          {"cacheRead", usage.cache_read}, {"cacheWritten", usage.cache_written},
          {"model", usage.model},          {"cost", usage.cost}};
}

token_usage usage_from(const json& x) {
  const auto* cost = field(x, "cost");
  return {number_field(x, "input", 0),         number_field(x, "output", 0),
          number_field(x, "cacheRead", 0),     number_field(x, "cacheWritten", 0),
          text_field(x, "model").value_or(""), cost != nullptr && cost->is_number() ? cost->get<double>() : 0};
}

std::optional<piece> piece_from(const json& x) {
  const auto type = text_field(x, "type").value_or("");
  piece p;
  if (type == "tool_call") {
    p.is = piece::kind::call;
    p.id = text_field(x, "id").value_or("");
    p.name = text_field(x, "name").value_or("");
    const auto* input = field(x, "input");
    p.input = input != nullptr && input->is_object() ? *input : json::object();
    return p;
  }
  if (type != "text" && type != "thought")
    return std::nullopt;
  p.is = type == "text" ? piece::kind::text : piece::kind::thought;
  p.text = text_field(x, "text").value_or("");
  p.proof = text_field(x, "proof").value_or("");
  p.redacted = flag_field(x, "redacted");
  return p;
}

unique_fd open_locked(const std::string& path, int flags, unsigned patience, std::string& error) {
  unique_fd file(open(path.c_str(), flags | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    error = "cannot open " + path + ": " + std::strerror(errno);
  } else if (!take_lock(file.get(), patience)) {
    error = path + " is in use by another process: end that one first";
    file.reset();
  }
  return file;
}

bool read_whole(int file, std::string& content) {
  char buffer[65536];
  ssize_t n = 0;
  while ((n = read(file, buffer, sizeof buffer)) > 0)
    content.append(buffer, static_cast<std::size_t>(n));
  return n == 0;
}

std::string aside_name(const std::string& folder) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return folder + "/conversation-" + std::to_string(ms) + ".jsonl";
}

} // namespace

token_usage operator+(const token_usage& a, const token_usage& b) {
  return {a.input + b.input,
          a.output + b.output,
          a.cache_read + b.cache_read,
          a.cache_written + b.cache_written,
          b.model.empty() ? a.model : b.model,
          a.cost + b.cost};
}

json to_json(const message& m) {
  if (m.from == message::role::tool)
    return {{"role", "tool"}, {"callId", m.call}, {"name", m.name}, {"content", m.result}, {"failed", m.failed}};
  json line{{"role", m.from == message::role::user ? "user" : "assistant"}, {"content", json::array()}};
  for (const auto& p : m.pieces)
    line["content"].push_back(to_json(p));
  if (!m.stop.empty())
    line["stop"] = m.stop;
  if (m.usage.context() > 0)
    line["usage"] = to_json(m.usage);
  return line;
}

std::optional<message> message_from(const json& line) {
  const auto role = text_field(line, "role").value_or("");
  message m;
  if (role == "tool") {
    m.from = message::role::tool;
    m.call = text_field(line, "callId").value_or("");
    m.name = text_field(line, "name").value_or("");
    m.result = text_field(line, "content").value_or("");
    m.failed = flag_field(line, "failed");
    return m;
  }
  const auto* content = field(line, "content");
  if ((role != "user" && role != "assistant") || content == nullptr || !content->is_array())
    return std::nullopt;
  m.from = role == "user" ? message::role::user : message::role::assistant;
  m.stop = text_field(line, "stop").value_or("");
  if (const auto* usage = field(line, "usage"))
    m.usage = usage_from(*usage);
  for (const auto& part : *content)
    if (auto p = piece_from(part))
      m.pieces.push_back(std::move(*p));
  return m;
}

bool make_folders(const std::string& path) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at + 1);
    if (mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR)
      return false;
  }
  struct stat what {};
  if (stat(path.c_str(), &what) == 0 && !S_ISDIR(what.st_mode))
    errno = ENOTDIR;
  return S_ISDIR(what.st_mode);
}

std::unique_ptr<conversation> conversation::create(const std::string& folder, const std::string& id,
                                                   const std::string& cwd, std::string& error) {
  if (!make_folders(folder)) {
    error = "cannot make the session's folder " + folder + ": " + std::strerror(errno);
    return nullptr;
  }
  std::unique_ptr<conversation> made(new conversation);
  const auto path = folder + file_name;
  made->file_ = open_locked(path, O_CREAT, lock_patience, error);
  if (made->file_ && lseek(made->file_.get(), 0, SEEK_END) > 0) {
    rename(path.c_str(), aside_name(folder).c_str());
    made->file_ = open_locked(path, O_CREAT | O_EXCL, lock_patience, error);
  }
  if (!made->file_)
    return nullptr;
  made->id_ = id;
  if (made->write({{"session", id}, {"version", 1}, {"cwd", cwd}}))
    return made;
  error = "cannot write " + path + ": " + std::strerror(errno);
  return nullptr;
}

std::unique_ptr<conversation> conversation::load(const std::string& folder, const std::string& id, std::string& error,
                                                 bool& missing, unsigned patience) {
  std::unique_ptr<conversation> loaded(new conversation);
  loaded->file_ = open_locked(folder + file_name, 0, patience, error);
  missing = !loaded->file_ && errno == ENOENT;
  if (!loaded->file_ || !loaded->read_all(error))
    return nullptr;
  if (loaded->id_ != id) {
    missing = true;
    error = folder + file_name + " holds session '" + loaded->id_ + "', not '" + id + "'";
    return nullptr;
  }
  loaded->answer_interrupted("interrupted: the agent ended before this was finished; its effects may be there in part");
  return loaded;
}

std::unique_ptr<conversation> conversation::copy(const address& from, const address& to, const std::string& cwd,
                                                 std::string& error, bool& missing) {
  std::unique_ptr<conversation> former(new conversation);
  const auto path = from.folder + file_name;
  former->file_.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC)); // unlocked: whoever has it goes on writing
  missing = !former->file_ && errno == ENOENT;
  std::string content;
  if (!former->file_ || !read_whole(former->file_.get(), content)) {
    error = "cannot read " + path + ": " + std::strerror(errno);
    return nullptr;
  }
  content.resize(content.rfind('\n') == std::string::npos ? 0 : content.rfind('\n') + 1);
  former->take_lines(content, false);
  if (former->id_ != from.id) {
    missing = true;
    error = path + " holds session '" + former->id_ + "', not '" + from.id + "'";
    return nullptr;
  }
  auto made = create(to.folder, to.id, cwd, error);
  if (!made)
    return nullptr;
  if (!made->take_lines(content, true)) {
    error = "cannot write " + to.folder + file_name + ": " + std::strerror(errno);
    return nullptr;
  }
  made->answer_interrupted("this runs on in the conversation that this one is a copy of; its end is not told here");
  return made;
}

bool conversation::read_all(std::string& error) {
  std::string content;
  const bool read = read_whole(file_.get(), content);
  const auto whole = content.rfind('\n') == std::string::npos ? 0 : content.rfind('\n') + 1;
  if (!read || (whole < content.size() && ftruncate(file_.get(), static_cast<off_t>(whole)) != 0)) {
    error = std::string("cannot read the conversation or cut off its torn last line: ") + std::strerror(errno);
    return false;
  }
  content.resize(whole);
  take_lines(content, false);
  return true;
}

/// `keep`: lines that are another's are written down here too, but for whose they are. False: that failed.
bool conversation::take_lines(const std::string& content, bool keep) {
  for (std::size_t at = 0; at < content.size();) {
    const auto end = content.find('\n', at);
    const auto line = json::parse(content.begin() + static_cast<std::ptrdiff_t>(at),
                                  content.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!line.is_object())
      std::fprintf(stderr, "troupe-agent: skipped a bad line at byte %zu of the conversation\n", at);
    else if (!keep)
      take(line);
    else if (!line.contains("session")) {
      if (!write(line))
        return false;
      take(line);
    }
    at = end + 1;
  }
  return true;
}

void conversation::take(const json& line) {
  if (auto id = text_field(line, "session"))
    id_ = std::move(*id);
  else if (const auto set = text_field(line, "mode"))
    mode_ = mode_of(*set).value_or(mode_);
  else if (const auto allowed = text_field(line, "allow"))
    note_grant(*allowed);
  else if (const auto* spent = field(line, "spent"))
    cost_ += usage_from(*spent).cost;
  else if (const auto* compacted = field(line, "compacted"))
    note_compaction(static_cast<std::size_t>(number_field(*compacted, "from", 0)),
                    text_field(*compacted, "summary").value_or(""));
  else if (auto m = message_from(line))
    add(std::move(*m));
}

void conversation::answer_interrupted(const std::string& words) {
  std::vector<piece> open;
  for (const auto& m : messages_) {
    for (const auto& p : m.pieces)
      if (p.is == piece::kind::call)
        open.push_back(p);
    if (m.from == message::role::tool)
      std::erase_if(open, [&](const piece& p) { return p.id == m.call; });
  }
  for (const auto& p : open)
    append({message::role::tool, {}, {}, p.id, p.name, words, true});
}

bool conversation::write(const json& line) {
  const auto bytes = to_line(line) + '\n';
  const auto before = lseek(file_.get(), 0, SEEK_END);
  const auto n = ::write(file_.get(), bytes.data(), bytes.size());
  if (n == static_cast<ssize_t>(bytes.size()))
    return true;
  const int why = n < 0 ? errno : ENOSPC;
  if (n > 0 && ftruncate(file_.get(), before) != 0) // half a line would spoil the next one
    std::fprintf(stderr, "troupe-agent: a torn line stays in the conversation: %s\n", std::strerror(errno));
  errno = why;
  return false;
}

bool conversation::append(message m) {
  if (!write(to_json(m)))
    return false;
  add(std::move(m));
  return true;
}

void conversation::add(message m) {
  cost_ += m.usage.cost;
  if (compacted_from_ > 0)
    visible_.push_back(m);
  messages_.push_back(std::move(m));
}

bool conversation::spend(const token_usage& usage) {
  cost_ += usage.cost;
  return write({{"spent", to_json(usage)}});
}

bool conversation::compact(std::size_t from, const std::string& summary) {
  if (!write({{"compacted", {{"from", from}, {"summary", summary}}}}))
    return false;
  note_compaction(from, summary);
  return true;
}

void conversation::note_compaction(std::size_t from, const std::string& summary) {
  if (from == 0 || from > messages_.size())
    return;
  compacted_from_ = from;
  compacted_at_ = messages_.size();
  visible_.assign(1, message{message::role::user, {{piece::kind::text, summary, {}, {}, {}}}, {}, {}, {}, {}, false});
  visible_.insert(visible_.end(), messages_.begin() + static_cast<std::ptrdiff_t>(from), messages_.end());
}

std::int64_t conversation::context() const {
  for (auto i = messages_.size(); i > compacted_at_; --i)
    if (const auto tokens = messages_[i - 1].usage.context(); tokens > 0)
      return tokens;
  return 0;
}

bool conversation::set_mode(mode m) {
  mode_ = m;
  return write({{"mode", id_of(m)}});
}

void conversation::note_grant(const std::string& text) {
  if (auto rule = rule_from(text))
    granted_.push_back(std::move(*rule));
}

bool conversation::grant(const std::string& rule) {
  note_grant(rule);
  return write({{"allow", rule}});
}

} // namespace troupe::agent
