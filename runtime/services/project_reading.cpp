// The files of a directory.
#include "runtime/services/project_reading.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/config/settings_layers.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

bool is_folder(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

namespace {

constexpr off_t longest_file = 1 << 20;

/// Asks for each tool's folder once: of the thirty files that might be below them most projects have none, and each
/// dispatch looks for all.
class glance {
public:
  explicit glance(std::string dir) : dir_(std::move(dir)) {}
  /// The path of what may be there; empty where its folder is not.
  std::string at(std::string_view name) {
    if (auto slash = name.find('/'); slash != std::string_view::npos) {
      auto [known, fresh] = folders_.try_emplace(name.substr(0, slash), false);
      if (fresh)
        known->second = is_folder(dir_ + "/" + std::string(known->first));
      if (!known->second)
        return {};
    }
    return dir_ + "/" + std::string(name);
  }
  bool has(std::string_view name) {
    auto path = at(name);
    return !path.empty() && exists(path);
  }
  const std::string& dir() const { return dir_; }

private:
  std::string dir_;
  std::map<std::string_view, bool> folders_; ///< of names that outlive this
};

/// Files below a folder, by name; links to folders are not followed.
void read_folder(const std::string& path, int depth, std::vector<std::pair<std::string, std::string>>& out) {
  constexpr std::size_t most = 1000;
  auto* folder = ::opendir(path.c_str());
  if (!folder)
    return;
  std::set<std::string> names;
  while (const auto* e = ::readdir(folder))
    if (e->d_name[0] != '.')
      names.insert(e->d_name);
  ::closedir(folder);
  for (const auto& name : names) {
    auto file = path + "/" + name;
    struct stat st {};
    if (out.size() >= most || ::lstat(file.c_str(), &st) != 0)
      continue;
    if (S_ISDIR(st.st_mode) && depth > 0)
      read_folder(file, depth - 1, out);
    else if (auto text = read_plain(file))
      out.emplace_back(std::move(file), std::move(*text));
  }
}

json read_object(const std::string& path, failure& error) {
  auto text = path.empty() ? std::nullopt : read_plain(path);
  if (!text)
    return json::object();
  auto parsed = json::parse(*text, nullptr, false);
  if (parsed.is_object())
    return parsed;
  error = {errc::bad_request, path + " is not a JSON object\nmend it, or move it away"};
  return json::object();
}

bool has_settings(glance& in) {
  for (const char* name :
       {".troupe/settings.json", ".troupe/settings.local.json", ".claude/settings.json", ".claude/settings.local.json"})
    if (in.has(name))
      return true;
  return false;
}

bool has_definitions(glance& in) {
  return std::any_of(definition_folders().begin(), definition_folders().end(), [&](const auto& folder) {
    auto path = in.at(folder);
    return !path.empty() && is_folder(path);
  });
}

std::string parent_of(const std::string& path) {
  auto at = path.rfind('/');
  return at == 0 || at == std::string::npos ? "/" : path.substr(0, at);
}

/// A project's .mcp.json beside its settings, which come first.
void add_servers(const json& file, json& settings) {
  if (!file.contains("mcpServers") || !file["mcpServers"].is_object())
    return;
  auto& all = settings["mcpServers"];
  if (!all.is_object())
    all = json::object();
  for (const auto& [name, server] : file["mcpServers"].items())
    if (!all.contains(name))
      all[name] = server;
}

} // namespace

std::optional<std::string> read_plain(const std::string& path) {
  struct stat st {};
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > longest_file)
    return {};
  std::string out(static_cast<std::size_t>(st.st_size), '\0');
  auto n = ::pread(fd.get(), out.data(), out.size(), 0);
  if (n < 0)
    return {};
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::vector<std::string> chain_of(const std::string& cwd) {
  static const std::string mark = "/.troupe/worktrees/";
  if (auto at = cwd.find(mark); at != std::string::npos && at > 0)
    return chain_of(cwd.substr(0, at));
  std::vector<std::string> out;
  for (auto dir = cwd;; dir = parent_of(dir)) {
    out.push_back(dir);
    if (exists(dir + "/.git"))
      return out;
    if (dir == "/")
      return {cwd}; // outside a repository what lies above is somebody else's
  }
}

std::string project_of(const std::vector<std::string>& chain) {
  std::vector<glance> all(chain.begin(), chain.end());
  for (auto& in : all)
    if (has_settings(in))
      return in.dir();
  for (auto& in : all)
    if (has_definitions(in))
      return in.dir();
  return chain.back();
}

project_files read_project(const std::string& project, const std::vector<std::string>& chain, failure& error) {
  project_files out;
  glance in(project);
  auto ours = [&](const char* name) { return read_object(in.at(name), error); };
  auto theirs = [&](const char* name) { return foreign_part(read_object(in.at(name), error)); };
  bool own = in.has(".troupe/settings.json");
  out.settings = own ? ours(".troupe/settings.json") : theirs(".claude/settings.json");
  out.local = own || in.has(".troupe/settings.local.json") ? ours(".troupe/settings.local.json")
                                                           : theirs(".claude/settings.local.json");
  add_servers(read_object(in.at(".mcp.json"), error), out.settings);
  for (const auto& dir : chain) {
    glance here(dir);
    for (const auto& folder : definition_folders())
      if (auto path = here.at(folder); !path.empty())
        read_folder(path, 4, out.definitions);
    for (const auto& name : foreign_names())
      if (auto path = here.at(name); !path.empty())
        if (auto text = read_plain(path))
          out.foreign.emplace_back(std::move(path), std::move(*text));
  }
  return out;
}

} // namespace troupe
