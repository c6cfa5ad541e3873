// Background shells and their files.
#include "runtime/agent/background_shells.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>
}

#include "runtime/agent/output_window.hpp"
#include "runtime/agent/tools.hpp"

namespace troupe::agent {
namespace {

constexpr milliseconds end_grace{1000};
constexpr milliseconds leftover_grace{200};
// The status is written by a shell around the command, so that it is there even when no agent was there to see the end.
constexpr const char* wrapper = R"("$1" -c "$2"; code=$?; echo "exited $code" >"$3"; exit "$code")";

std::string content_of(const std::string& path, std::size_t last, std::uint64_t& skipped) {
  const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat what {};
  skipped = 0;
  if (!file || fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode))
    return {};
  const auto size = static_cast<std::uint64_t>(what.st_size);
  skipped = size > last ? size - last : 0;
  std::string content(static_cast<std::size_t>(size - skipped), '\0');
  const auto n = pread(file.get(), content.data(), content.size(), static_cast<off_t>(skipped));
  content.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return content;
}

bool write_small(const std::string& path, const std::string& content) {
  const unique_fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  return file && write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size());
}

std::string text_of(int status) {
  return WIFEXITED(status) ? "exited " + std::to_string(WEXITSTATUS(status))
                           : "killed by signal " + std::to_string(WTERMSIG(status));
}

std::uint64_t number_of(const std::string& id) {
  std::uint64_t number = 0;
  if (id.starts_with("sh-"))
    std::from_chars(id.data() + 3, id.data() + id.size(), number);
  return id == "sh-" + std::to_string(number) ? number : 0;
}

tool_outcome unknown(const std::string& id) {
  return {true, "there is no background shell '" + id + "'", {}, {}, {}, {}};
}

} // namespace

std::string background_shells::file(const std::string& id, const char* suffix) const {
  return folder_ + "/" + id + suffix;
}

std::string background_shells::start(const std::string& command, const environment& env, const std::string& cwd,
                                     std::string& error) {
  const auto number = shells_.empty() ? 1 : shells_.rbegin()->first + 1;
  const auto id = "sh-" + std::to_string(number);
  const auto path = file(id, ".out");
  const unique_fd output(
      make_folders(folder_) ? open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)
                            : -1);
  if (!output) {
    error = "cannot make " + path + ": " + std::strerror(errno);
    return {};
  }
  unlink(file(id, ".status").c_str());
  auto marked = env;
  marked.emplace_back(mark_variable, session_ + "/" + id);
  const auto pid = start_in_session({"/bin/sh", "-c", wrapper, "sh", find_shell(env), command, file(id, ".status")},
                                    marked, cwd, output.get());
  if (pid < 0) {
    error = "cannot run the command in " + cwd + ": " + std::strerror(-pid);
    return {};
  }
  auto& s = shells_[number];
  s.id = id;
  s.command = command;
  s.leader = process_of(pid);
  s.running = true;
  write_record(s);
  events_.on_child(pid, [this, &s](int status) { ended(s, text_of(status)); });
  changed_();
  return id;
}

void background_shells::write_record(const shell& s) const {
  const json record{{"id", s.id},          {"command", s.command},    {"mark", mark_of(s)},
                    {"pid", s.leader.pid}, {"start", s.leader.start}, {"boot", boot_id()}};
  if (!write_small(file(s.id, ".json"), to_line(record) + "\n"))
    std::fprintf(stderr, "troupe-agent: cannot write %s: %s\n", file(s.id, ".json").c_str(), std::strerror(errno));
}

void background_shells::pick_up() {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder_.c_str()), closedir);
  while (const auto* entry = entries ? readdir(entries.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (!name.ends_with(".json"))
      continue;
    std::uint64_t skipped = 0;
    const auto record = json::parse(content_of(folder_ + "/" + name, 1 << 20, skipped), nullptr, false);
    if (record.is_object())
      pick_up_one(record);
  }
  if (!running().empty())
    changed_();
}

void background_shells::pick_up_one(const json& record) {
  const auto id = text_field(record, "id").value_or("");
  const auto number = number_of(id);
  if (number == 0 || shells_.contains(number))
    return;
  auto& s = shells_[number];
  s.id = id;
  s.command = text_field(record, "command").value_or("");
  s.leader.pid = static_cast<pid_t>(number_field(record, "pid", 0));
  s.leader.start = static_cast<std::uint64_t>(number_field(record, "start", 0));
  if (s.leader.pid > 0 && text_field(record, "boot") == boot_id())
    watch_foreign(s);
}

void background_shells::watch_foreign(shell& s) {
  s.pidfd.reset(pidfd_open(s.leader.pid, 0)); // opened first, compared then
  const auto now = process_of(s.leader.pid);
  if (!s.pidfd || now.start != s.leader.start || now.state == 'Z' || now.state == 'X')
    return s.pidfd.reset();
  s.leader = now;
  s.running = true;
  events_.watch(s.pidfd.get(), POLLIN, [this, &s](short) { ended(s, ""); });
}

void background_shells::ended(shell& s, const std::string& status) {
  if (!std::exchange(s.running, false))
    return;
  if (s.pidfd)
    events_.unwatch(s.pidfd.get());
  s.pidfd.reset();
  if (!status.empty() && access(file(s.id, ".status").c_str(), F_OK) != 0)
    write_small(file(s.id, ".status"), status + "\n");
  changed_();
  if (s.ending)
    return;
  if (kill(-s.leader.pid, 0) != 0)
    return gone(s);
  s.ending = std::make_unique<tree_ending>(
      events_, [pid = s.leader.pid] { return group_of(pid); }, leftover_grace, [this, &s] { gone(s); });
}

void background_shells::gone(shell& s) {
  ended(s, ""); // where even SIGKILL did not help, it is let go
  for (auto& next : std::exchange(s.waiting, {}))
    events_.defer(std::move(next));
}

void background_shells::end_tree(shell& s) {
  if (std::exchange(s.ending_asked, true))
    return;
  s.ending = std::make_unique<tree_ending>(
      events_, [leader = s.leader, mark = mark_of(s)] { return tree_of(leader, mark); }, end_grace,
      [this, &s] { gone(s); });
}

void background_shells::end(const std::string& id, std::function<void(tool_outcome)> done) {
  const auto found = shells_.find(number_of(id));
  if (found == shells_.end())
    return events_.defer([done = std::move(done), id] { done(unknown(id)); });
  auto& s = found->second;
  if (!s.running)
    return events_.defer([this, done = std::move(done), &s] {
      done({false, s.id + " ended before: " + status_of(s), {}, {}, {}, {}});
    });
  s.waiting.push_back([this, done = std::move(done), &s] {
    done({false, s.id + " was ended: " + status_of(s), {}, {}, {}, {}});
  });
  end_tree(s);
}

void background_shells::end_all(event_loop::task done) {
  auto left = std::make_shared<std::size_t>(1);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0)
      done();
  };
  for (auto& [number, s] : shells_)
    if (s.running) {
      ++*left;
      s.waiting.push_back(one_less);
      end_tree(s);
    }
  events_.defer(one_less);
}

std::string background_shells::status_of(const shell& s) const {
  if (s.running)
    return "running";
  std::uint64_t skipped = 0;
  auto status = content_of(file(s.id, ".status"), 200, skipped);
  while (!status.empty() && status.back() == '\n')
    status.pop_back();
  return status.empty() ? "ended, its status is not known" : status;
}

tool_outcome background_shells::describe(const std::string& id) const {
  const auto found = shells_.find(number_of(id));
  if (found == shells_.end())
    return unknown(id);
  std::uint64_t skipped = 0;
  const auto output = content_of(file(id, ".out"), output_limit, skipped);
  tool_outcome outcome;
  outcome.text = "[" + status_of(found->second) + "]\n";
  if (skipped > 0)
    outcome.text += "[... " + std::to_string(skipped) + " bytes left out; all of it: " + file(id, ".out") + "]\n";
  outcome.text += skipped > 0 ? whole_start(output) : std::string_view(output);
  return outcome;
}

std::vector<process_row> background_shells::trees() const {
  std::vector<process_row> all;
  for (const auto& [number, s] : shells_)
    if (s.running) {
      const auto tree = tree_of(s.leader, mark_of(s));
      all.insert(all.end(), tree.begin(), tree.end());
    }
  return all;
}

std::int64_t background_shells::count() const {
  return std::count_if(shells_.begin(), shells_.end(), [](const auto& s) { return s.second.running; });
}

json background_shells::running() const {
  auto list = json::array();
  for (const auto& [number, s] : shells_)
    if (s.running)
      list.push_back({{"id", s.id},
                      {"kind", "shell"},
                      {"title", title_of("bash", {{"command", s.command}})},
                      {"pid", s.leader.pid}});
  return list;
}

} // namespace troupe::agent
