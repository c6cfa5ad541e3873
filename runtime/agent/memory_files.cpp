// Files on the way up, and what they import.
#include "runtime/agent/memory_files.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/agent/glob_match.hpp"
#include "runtime/agent/permission_rules.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe::agent {
namespace {

constexpr int deepest = 5;

class memory_reader {
public:
  memory_reader(std::size_t limit, std::string home, std::vector<std::string>& problems)
      : left_(limit), home_(std::move(home)), problems_(problems) {}

  /// The first of the two in that folder.
  void take(const std::string& folder, const std::string& within) {
    for (const char* name : {"AGENTS.md", "CLAUDE.md"}) {
      const auto path = folder + "/" + name;
      std::string text;
      if (!read_text(path, text))
        continue;
      within_ = within;
      if (std::string_view(name) == "CLAUDE.md")
        text = with_imports(text, path, deepest);
      if (!text.empty())
        files_.push_back({path, std::move(text)});
      return;
    }
  }
  std::vector<memory_file> files() { return std::move(files_); }

private:
  bool read_text(const std::string& path, std::string& into) {
    const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat what {};
    if (!file || fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode))
      return false;
    const auto size = std::min(left_, static_cast<std::size_t>(what.st_size));
    into.resize(size);
    const auto n = pread(file.get(), into.data(), into.size(), 0);
    into.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    if (into.find('\0') != std::string::npos)
      into.clear();
    left_ -= into.size();
    if (static_cast<std::size_t>(what.st_size) > size)
      problems_.push_back(path + " is cut short: memory files may have native.memoryBytes in all");
    return true;
  }
  /// An import begins a word; those within code are none.
  std::string with_imports(const std::string& text, const std::string& path, int depth) {
    std::string out;
    bool fenced = false;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      const auto line = text.substr(at, end - at);
      if (line.starts_with("```") || line.starts_with("~~~"))
        fenced = !fenced;
      out += fenced ? line : imports_of(line, path, depth);
      if (end < text.size())
        out.push_back('\n');
      at = end + 1;
    }
    return out;
  }
  std::string imports_of(const std::string& line, const std::string& path, int depth) {
    std::string out;
    bool code = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
      code = code != (line[at] == '`');
      const bool begins = at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t' || line[at - 1] == '(';
      if (code || !begins || line[at] != '@') {
        out.push_back(line[at]);
        continue;
      }
      auto end = std::min(line.find_first_of(" \t)`", at), line.size());
      while (end > at + 1 && std::string_view(".,;:").find(line[end - 1]) != std::string_view::npos)
        --end;
      const auto name = line.substr(at + 1, end - at - 1);
      std::string imported;
      if (import(name, path, depth, imported)) {
        out += imported;
        at = end - 1;
      } else {
        out.push_back('@');
      }
    }
    return out;
  }
  bool import(const std::string& name, const std::string& from, int depth, std::string& into) {
    if (name.empty() || depth == 0 || name.find('\0') != std::string::npos)
      return false;
    const auto folder = from.substr(0, from.rfind('/'));
    const auto target = name.starts_with("/")    ? name
                        : name.starts_with("~/") ? home_ + name.substr(1)
                                                 : folder + "/" + name;
    const auto real = real_path(normal_path(target));
    struct stat what {};
    if (stat(real.c_str(), &what) != 0 || !S_ISREG(what.st_mode))
      return false; // most likely a name, not a path
    if (!within_.empty() && real != within_ && !real.starts_with(within_ + "/")) {
      problems_.push_back(from + ": @" + name + " lies outside of the project, and is not imported");
      return false;
    }
    if (std::find(open_.begin(), open_.end(), real) != open_.end() || !read_text(real, into))
      return false;
    open_.push_back(real);
    into = with_imports(into, real, depth - 1);
    open_.pop_back();
    return true;
  }
  std::size_t left_;
  std::string home_;
  std::vector<std::string>& problems_;
  std::string within_; ///< imports lie below it; empty: anywhere
  std::vector<std::string> open_;
  std::vector<memory_file> files_;
};

std::string user_folder(const environment& env) {
  if (const auto own = value_of(env, "TROUPE_HOME"); !own.empty())
    return own;
  const auto config = value_of(env, "XDG_CONFIG_HOME");
  return (config.starts_with("/") ? config : value_of(env, "HOME") + "/.config") + "/troupe";
}

bool is_file(const std::string& path) {
  struct stat what {};
  return stat(path.c_str(), &what) == 0 && S_ISREG(what.st_mode);
}

} // namespace

std::vector<memory_file> read_memory(const std::string& cwd, const environment& env, std::size_t limit,
                                     std::vector<std::string>& problems) {
  const auto home = value_of(env, "HOME");
  memory_reader reader(limit, home, problems);
  const auto own = user_folder(env);
  if (is_file(own + "/AGENTS.md") || is_file(own + "/CLAUDE.md"))
    reader.take(own, {});
  else if (!home.empty())
    reader.take(home + "/.claude", {});
  std::vector<std::string> folders; ///< from the directory up
  auto top = cwd;
  bool repository = false;
  for (auto at = cwd; at.size() > 1 && !repository; at.erase(std::max<std::size_t>(at.rfind('/'), 1))) {
    folders.push_back(at);
    struct stat what {};
    repository = lstat((at + "/.git").c_str(), &what) == 0;
    top = repository ? at : top;
  }
  if (!repository)
    folders = {cwd};
  for (auto each = folders.rbegin(); each != folders.rend(); ++each)
    reader.take(*each, real_path(top));
  return reader.files();
}

} // namespace troupe::agent
