// The files of a directory.
#include "runtime/services/project_reading.hpp"

#include <algorithm>
#include <optional>
#include <set>

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

/// Files below a folder, by name; links to folders are not followed.
void read_folder(const std::string& base, const std::string& below, int depth,
                 std::vector<std::pair<std::string, std::string>>& out) {
  constexpr std::size_t most = 1000;
  auto* folder = ::opendir((base + "/" + below).c_str());
  if (!folder)
    return;
  std::set<std::string> names;
  while (const auto* e = ::readdir(folder))
    if (e->d_name[0] != '.')
      names.insert(e->d_name);
  ::closedir(folder);
  for (const auto& name : names) {
    auto path = below + "/" + name;
    struct stat st {};
    if (out.size() >= most || ::lstat((base + "/" + path).c_str(), &st) != 0)
      continue;
    if (S_ISDIR(st.st_mode) && depth > 0)
      read_folder(base, path, depth - 1, out);
    else if (auto text = read_plain(base + "/" + path))
      out.emplace_back(base + "/" + path, std::move(*text));
  }
}

json read_object(const std::string& path, failure& error) {
  auto text = read_plain(path);
  if (!text)
    return json::object();
  auto parsed = json::parse(*text, nullptr, false);
  if (parsed.is_object())
    return parsed;
  error = {errc::bad_request, path + " is not a JSON object\nmend it, or move it away"};
  return json::object();
}

bool has_settings(const std::string& dir) {
  for (const char* name : {"/.troupe/settings.json", "/.troupe/settings.local.json", "/.claude/settings.json",
                           "/.claude/settings.local.json"})
    if (exists(dir + name))
      return true;
  return false;
}

bool has_definitions(const std::string& dir) {
  return std::any_of(definition_folders().begin(), definition_folders().end(),
                     [&](const auto& folder) { return is_folder(dir + "/" + folder); });
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
  for (const auto& dir : chain)
    if (has_settings(dir))
      return dir;
  for (const auto& dir : chain)
    if (has_definitions(dir))
      return dir;
  return chain.back();
}

project_files read_project(const std::string& project, const std::vector<std::string>& chain, failure& error) {
  project_files out;
  bool own = exists(project + "/.troupe/settings.json");
  auto read = [&](const char* name) {
    return own ? read_object(project + "/.troupe/" + name, error)
               : foreign_part(read_object(project + "/.claude/" + name, error));
  };
  out.settings = read("settings.json");
  out.local = read("settings.local.json");
  if (!own && exists(project + "/.troupe/settings.local.json"))
    out.local = read_object(project + "/.troupe/settings.local.json", error);
  add_servers(read_object(project + "/.mcp.json", error), out.settings);
  for (const auto& dir : chain) {
    for (const auto& folder : definition_folders())
      read_folder(dir, folder, 4, out.definitions);
    for (const auto& name : foreign_names())
      if (auto text = read_plain(dir + "/" + name))
        out.foreign.emplace_back(dir + "/" + name, std::move(*text));
  }
  return out;
}

} // namespace troupe
