// Two ways to list: git's, and a walk.
#include "runtime/agent/file_list.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::agent {
namespace {

bool in_repository(std::string at) {
  while (at.size() > 1) {
    if (access((at + "/.git").c_str(), F_OK) == 0)
      return true;
    at.erase(std::max<std::size_t>(at.rfind('/'), 1));
  }
  return false;
}

/// Depth first; links to folders are not followed.
class walk : public file_list {
public:
  walk(event_loop& events, std::string folder, callbacks told)
      : events_(events), folder_(std::move(folder)), told_(std::move(told)), open_{""} {}
  ~walk() override { events_.cancel(next_); }
  void go_on(milliseconds budget) override {
    const auto until = std::chrono::steady_clock::now() + budget;
    while (!open_.empty() && std::chrono::steady_clock::now() < until)
      read_one();
    if (!open_.empty() || std::exchange(over_, true))
      return;
    next_ = events_.after(milliseconds{0}, [this] { told_.ended(); });
  }

private:
  void read_one() {
    const auto inside = std::move(open_.back());
    open_.pop_back();
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir((folder_ + "/" + inside).c_str()), closedir);
    while (const auto* entry = folder ? readdir(folder.get()) : nullptr) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || name == ".git" || name == "node_modules")
        continue;
      auto path = inside + name;
      if (kind_of(*entry, path) == DT_DIR)
        open_.push_back(path + "/");
      else if (kind_of(*entry, path) == DT_REG && !told_.file(std::move(path)))
        return open_.clear();
    }
  }
  [[nodiscard]] unsigned char kind_of(const dirent& entry, const std::string& path) const {
    struct stat what {};
    if (entry.d_type != DT_UNKNOWN || lstat((folder_ + "/" + path).c_str(), &what) != 0)
      return entry.d_type;
    return S_ISDIR(what.st_mode) ? DT_DIR : S_ISREG(what.st_mode) ? DT_REG : DT_UNKNOWN;
  }
  event_loop& events_;
  std::string folder_;
  callbacks told_;
  std::vector<std::string> open_; ///< folders to read, relative, with a slash at the end
  bool over_ = false;
  event_loop::ticket next_ = 0;
};

/// A NUL behind each path. Where git fails (no git, a broken repository), the walk takes its place.
class git_files : public file_list {
public:
  git_files(event_loop& events, const std::string& folder, callbacks told)
      : events_(events), told_(std::move(told)), fallback_(events, folder, told_) {}
  ~git_files() override {
    events_.cancel(next_);
    if (output_)
      events_.unwatch(output_.get());
    if (pid_ > 0) {
      events_.on_child(pid_, [](int) {});
      kill(-pid_, SIGKILL);
    }
  }
  bool start(const std::string& folder, environment env, const std::string& mark) {
    // SEC-4: a repository's own configuration runs nothing.
    constexpr const char* line =
        "exec git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c safe.bareRepository=explicit "
        "ls-files -z --cached --others --exclude-standard 2>/dev/null";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      return false;
    output_.reset(ends[0]);
    const unique_fd theirs(ends[1]);
    env.emplace_back(mark_variable, mark);
    pid_ = start_in_session({"/bin/sh", "-c", line}, env, folder, theirs.get());
    if (pid_ < 0)
      return false;
    fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    events_.on_child(pid_, [this](int status) {
      pid_ = 0;
      failed_ = status != 0;
      reaped_ = true;
      wake();
    });
    return true;
  }
  void go_on(milliseconds budget) override {
    if (failed_ && !any_)
      return fallback_.go_on(budget);
    const auto until = std::chrono::steady_clock::now() + budget;
    char buffer[65536];
    while (!enough_ && std::chrono::steady_clock::now() < until) {
      const auto n = read(output_.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EAGAIN)
        return events_.watch(output_.get(), POLLIN, [this](short) { wake(); });
      if (n <= 0) {
        ended_output_ = true;
        break;
      }
      take({buffer, static_cast<std::size_t>(n)});
    }
    if (enough_ || (ended_output_ && reaped_))
      finish();
  }

private:
  void wake() {
    if (output_)
      events_.unwatch(output_.get());
    events_.cancel(next_);
    next_ = events_.after(milliseconds{0}, [this] { go_on(milliseconds{5}); });
  }
  void take(std::string_view bytes) {
    for (;;) {
      const auto end = bytes.find('\0');
      partial_.append(bytes.substr(0, end));
      if (end == std::string_view::npos)
        return;
      any_ = true;
      enough_ = !told_.file(std::exchange(partial_, {}));
      if (enough_)
        return;
      bytes.remove_prefix(end + 1);
    }
  }
  void finish() {
    if (failed_ && !any_ && !enough_)
      return fallback_.go_on(milliseconds{5});
    if (!std::exchange(over_, true))
      next_ = events_.after(milliseconds{0}, [this] { told_.ended(); });
  }
  event_loop& events_;
  callbacks told_;
  walk fallback_;
  unique_fd output_;
  pid_t pid_ = 0;
  std::string partial_;
  bool any_ = false, enough_ = false, ended_output_ = false, reaped_ = false, failed_ = false, over_ = false;
  event_loop::ticket next_ = 0;
};

} // namespace

std::unique_ptr<file_list> list_files(event_loop& events, const std::string& folder, const environment& env,
                                      const std::string& mark, file_list::callbacks told) {
  if (in_repository(folder))
    if (auto git = std::make_unique<git_files>(events, folder, told); git->start(folder, env, mark))
      return git;
  return std::make_unique<walk>(events, folder, std::move(told));
}

} // namespace troupe::agent
