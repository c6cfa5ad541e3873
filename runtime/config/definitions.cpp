// Folders, files and front matter.
#include "runtime/config/definitions.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_file = 256 * 1024;
constexpr std::size_t most_files = 500;    ///< of one folder
constexpr std::size_t longest_text = 1024; ///< of a description

/// A file taken apart.
struct parts {
  YAML::Node front;
  std::string body;
  bool has_front = false;
};

struct source {
  std::string folder; ///< .../.troupe, .../.claude, the config directory
  bool project;
};

std::string first_line(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    line.erase(0, line.find_first_not_of("# \t"));
    if (!line.empty())
      return line;
    at = end + 1;
  }
  return {};
}

/// Front matter stands between two lines of three dashes, the first of them the file's first line.
bool take_apart(const std::string& text, const std::string& path, parts& into, std::vector<std::string>& problems) {
  into.body = text;
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n"))
    return true;
  const auto start = text.find('\n') + 1;
  auto end = text.compare(start, 3, "---") == 0 ? start : text.find("\n---", start);
  if (end == std::string::npos) {
    problems.push_back(path + ":1: the front matter has no end: close it with a line of three dashes");
    return false;
  }
  const auto front = text.substr(start, end - start);
  const auto behind = text.find('\n', end == start ? end : end + 1);
  into.body = behind == std::string::npos ? "" : text.substr(behind + 1);
  into.has_front = true;
  try {
    into.front = YAML::Load(front);
  } catch (const YAML::Exception& e) {
    problems.push_back(path + ":" + std::to_string(e.mark.line + 2) + ": the front matter is no YAML: " + e.msg);
    return false;
  }
  if (!into.front.IsMap() && !into.front.IsNull()) {
    problems.push_back(path + ":2: the front matter is no list of names and values");
    return false;
  }
  return true;
}

struct front_reader {
  const parts& file;
  const std::string& path;
  std::vector<std::string>& problems;

  void complain(const YAML::Node& at, const std::string& what) {
    problems.push_back(path + ":" + std::to_string(at.Mark().line + 2) + ": " + what);
  }
  [[nodiscard]] YAML::Node value(const char* name) const {
    return file.front.IsMap() ? file.front[name] : YAML::Node(YAML::NodeType::Undefined);
  }
  std::string text(const char* name, std::size_t limit = longest_text) {
    const auto node = value(name);
    if (!node.IsDefined() || node.IsNull())
      return {};
    if (!node.IsScalar()) {
      complain(node, std::string(name) + " must be one value");
      return {};
    }
    auto content = node.Scalar();
    if (content.size() > limit) { // at a character's end
      content.resize(limit);
      while (!content.empty() && (static_cast<unsigned char>(content.back()) & 0xc0) == 0x80)
        content.pop_back();
      if (!content.empty() && (static_cast<unsigned char>(content.back()) & 0x80) != 0)
        content.pop_back();
    }
    return content;
  }
  std::string one_of(const char* name, std::initializer_list<std::string_view> words) {
    auto content = text(name);
    if (content.empty() || std::find(words.begin(), words.end(), content) != words.end())
      return content;
    std::string all;
    for (const auto& w : words)
      all += (all.empty() ? "" : ", ") + std::string(w);
    complain(value(name), std::string(name) + " '" + content.substr(0, 40) + "' is none of " + all);
    return {};
  }
  /// A list, or one line with commas, which may stand within parentheses: Read, Bash(git log:*, x).
  std::vector<std::string> words(const char* name) {
    const auto node = value(name);
    std::vector<std::string> all;
    if (!node.IsDefined() || node.IsNull())
      return all;
    if (node.IsSequence()) {
      for (const auto& each : node)
        if (each.IsScalar())
          all.push_back(each.Scalar());
        else
          complain(each, std::string(name) + " holds something that is no name");
      return all;
    }
    std::string word;
    int depth = 0;
    for (const char c : text(name, 8192) + ",") {
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (c != ',' || depth > 0) {
        word.push_back(c);
        continue;
      }
      const auto from = word.find_first_not_of(" \t\n");
      if (from != std::string::npos)
        all.push_back(word.substr(from, word.find_last_not_of(" \t\n") - from + 1));
      word.clear();
    }
    return all;
  }
};

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.front() != '-' &&
         name.find_first_of(std::string_view(" \t\r\n/\\\"'`$<>|;&\0", 16)) == std::string::npos;
}

/// The file's text; none with a problem told where it is too large or no text.
bool slurp(const fs::path& path, std::string& into, std::vector<std::string>& problems) {
  std::error_code error;
  const auto size = fs::file_size(path, error); // follows links
  if (error || !fs::is_regular_file(path, error))
    return false;
  if (size > largest_file) {
    problems.push_back(path.string() + ":1: larger than 256 KiB, and so passed over");
    return false;
  }
  std::ifstream file(path, std::ios::binary);
  into.assign(std::istreambuf_iterator<char>(file), {});
  if (file.bad() || into.find('\0') != std::string::npos || !bytes_to_json(into).is_string()) {
    problems.push_back(path.string() + ":1: no text in UTF-8, and so passed over");
    return false;
  }
  return true;
}

/// The entries of a folder in the order of their names.
std::vector<fs::path> entries(const fs::path& folder, std::vector<std::string>& problems) {
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    all.push_back(at->path());
  std::sort(all.begin(), all.end());
  if (all.size() > most_files) {
    problems.push_back(folder.string() + ":1: more than " + std::to_string(most_files) +
                       " files: the rest is passed over");
    all.resize(most_files);
  }
  return all;
}

struct collector {
  catalog& out;
  std::set<std::string> agents{}, commands{};

  void take_agents(const source& from) {
    for (const auto& path : entries(from.folder + "/agents", out.problems)) {
      std::string text;
      agent_definition d;
      d.project = from.project;
      if (path.extension() == ".md" && slurp(path, text, out.problems) &&
          read_agent(text, path.string(), d, out.problems) && agents.insert(d.name).second)
        out.agents.push_back(std::move(d));
    }
  }
  void take_command(const fs::path& path, std::string name, bool skill, bool project) {
    std::string text;
    parts file;
    if (!slurp(path, text, out.problems) || !take_apart(text, path.string(), file, out.problems))
      return;
    front_reader front{file, path.string(), out.problems};
    command_definition c;
    const auto given = skill ? front.text("name") : std::string();
    c.name = given.empty() ? std::move(name) : given;
    c.description = front.text("description");
    if (c.description.empty())
      c.description = first_line(file.body).substr(0, 200);
    c.argument_hint = front.text("argument-hint", 200);
    c.path = path.string();
    c.skill = skill;
    c.project = project;
    if (!is_name(c.name))
      out.problems.push_back(path.string() + ":1: '" + c.name.substr(0, 70) + "' is no name for a command");
    else if (commands.insert(c.name).second)
      out.commands.push_back(std::move(c));
  }
  void take_commands(const source& from) {
    std::error_code error;
    for (const auto& path : entries(from.folder + "/commands", out.problems))
      if (path.extension() == ".md")
        take_command(path, path.stem().string(), false, from.project);
      else if (fs::is_directory(path, error))
        for (const auto& inner : entries(path, out.problems))
          if (inner.extension() == ".md")
            take_command(inner, path.filename().string() + ":" + inner.stem().string(), false, from.project);
    for (const auto& path : entries(from.folder + "/skills", out.problems))
      if (fs::is_regular_file(path / "SKILL.md", error))
        take_command(path / "SKILL.md", path.filename().string(), true, from.project);
  }
};

/// What holds in a worktree that Troupe made is what the repository says: what a session writes there is not trusted.
std::string repository_of(const std::string& cwd) {
  const auto at = cwd.find("/.troupe/worktrees/");
  return at == std::string::npos || at == 0 ? cwd : cwd.substr(0, at);
}

std::vector<source> sources(const catalog_places& places, const std::string& where, bool with_project) {
  const auto cwd = repository_of(where);
  std::vector<source> all;
  const auto add = [&](const std::string& folder, bool project) {
    const auto same = std::any_of(all.begin(), all.end(), [&](const source& s) { return s.folder == folder; });
    if (!same)
      all.push_back({folder, project});
  };
  const auto user_claude = places.home.empty() ? std::string() : places.home + "/.claude";
  for (auto at = cwd; with_project && at.size() > 1;) {
    struct stat what {};
    add(at + "/.troupe", true);
    if (at + "/.claude" != user_claude) // a session in the home: those are the user's
      add(at + "/.claude", true);
    if (::lstat((at + "/.git").c_str(), &what) == 0)
      break;
    at.erase(std::max<std::size_t>(at.rfind('/'), 1));
  }
  bool repository = false; // without one, only the directory itself is the project
  for (auto at = cwd; at.size() > 1 && !repository; at.erase(std::max<std::size_t>(at.rfind('/'), 1))) {
    struct stat what {};
    repository = ::lstat((at + "/.git").c_str(), &what) == 0;
  }
  if (!repository)
    std::erase_if(all, [&](const source& s) { return s.folder != cwd + "/.troupe" && s.folder != cwd + "/.claude"; });
  if (!places.config.empty())
    add(places.config, false);
  if (!user_claude.empty())
    add(user_claude, false);
  return all;
}

} // namespace

bool read_agent(const std::string& text, const std::string& path, agent_definition& into,
                std::vector<std::string>& problems) {
  parts file;
  if (!take_apart(text, path, file, problems))
    return false;
  if (!file.has_front) {
    problems.push_back(
        path + ":1: an agent definition begins with front matter: a line of three dashes, name and description");
    return false;
  }
  front_reader front{file, path, problems};
  into.name = front.text("name");
  if (into.name.empty())
    into.name = fs::path(path).stem().string();
  if (!is_name(into.name)) {
    problems.push_back(path + ":2: '" + into.name.substr(0, 70) + "' is no name for an agent");
    return false;
  }
  into.description = front.text("description");
  into.model = front.text("model");
  if (into.model == "inherit")
    into.model.clear();
  into.permission_mode = front.one_of("permissionMode", {"default", "acceptEdits", "plan", "bypassPermissions"});
  into.isolation = front.one_of("isolation", {"worktree", "none"});
  into.tools = front.words("tools");
  into.prompt = file.body;
  into.path = path;
  return true;
}

catalog read_catalog(const catalog_places& places, const std::string& cwd, bool with_project) {
  catalog out;
  collector all{out};
  for (const auto& from : sources(places, cwd, with_project)) {
    try {
      all.take_agents(from);
      all.take_commands(from);
    } catch (const std::exception& e) { // a folder that changes while it is read
      out.problems.push_back(from.folder + ":1: " + e.what());
    }
  }
  return out;
}

const agent_definition* find_agent(const catalog& all, const std::string& name) {
  const auto at = std::find_if(all.agents.begin(), all.agents.end(), [&](const auto& d) { return d.name == name; });
  return at == all.agents.end() ? nullptr : &*at;
}

json to_json(const catalog& all) {
  json out{{"agents", json::array()}, {"commands", json::array()}, {"skills", json::array()}};
  const auto source_of = [](bool project) { return project ? "project" : "user"; };
  for (const auto& d : all.agents) {
    out["agents"].push_back({{"name", d.name},
                             {"description", d.description},
                             {"source", source_of(d.project)},
                             {"path", bytes_to_json(d.path)},
                             {"tools", d.tools}});
    for (const auto& [name, value] : {std::pair("model", d.model), std::pair("permissionMode", d.permission_mode),
                                      std::pair("isolation", d.isolation)})
      if (!value.empty())
        out["agents"].back()[name] = value;
  }
  for (const auto& c : all.commands) {
    auto& list = out[c.skill ? "skills" : "commands"];
    list.push_back({{"name", c.name},
                    {"description", c.description},
                    {"source", source_of(c.project)},
                    {"path", bytes_to_json(c.path)}});
    if (!c.argument_hint.empty())
      list.back()["argumentHint"] = c.argument_hint;
  }
  return out;
}

} // namespace troupe
