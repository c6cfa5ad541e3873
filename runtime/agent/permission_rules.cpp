// Rules against uses.
#include "runtime/agent/permission_rules.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

#include "runtime/agent/glob_match.hpp"
#include "runtime/agent/tools.hpp"

namespace troupe::agent {
namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// The names that rules have for our tools.
std::string rule_name(const std::string& tool) {
  if (tool == "write")
    return "edit";
  if (tool == "monitor")
    return "bash";
  return tool;
}

/// Which rules have a say over this tool: a rule for reading over all that read, one for editing over all that write.
bool names(const permission_rule& rule, const std::string& tool) {
  if (rule.tool == tool || rule.tool == "*")
    return true;
  if (tool == "edit")
    return rule.tool == "write" || rule.tool == "multiedit" || rule.tool == "notebookedit";
  if (tool == "glob" || tool == "grep")
    return rule.tool == "read";
  if (tool == "task")
    return rule.tool == "agent";
  if (rule.tool.starts_with("mcp__") && tool.starts_with("mcp__"))
    return tool.starts_with(rule.tool + "__") || (rule.tool.ends_with("*") && fits_text(tool, rule.tool));
  return false;
}

/// `//path` is absolute, `~/path` the home's, all else the directory's; a name without a slash lies at any depth.
bool fits_path(const std::string& path, const std::string& what, const rule_places& places) {
  std::string pattern;
  if (what.starts_with("//"))
    pattern = what.substr(1);
  else if (what.starts_with("~/"))
    pattern = places.home.empty() ? "" : places.home + what.substr(1);
  else if (what.starts_with("/"))
    pattern = places.cwd + what;
  else if (what.starts_with("./"))
    pattern = places.cwd + what.substr(1);
  else
    pattern = places.cwd + (what.find('/') == std::string::npos ? "/**/" : "/") + what;
  if (pattern.empty())
    return false;
  const auto all = with_choices(pattern);
  return std::any_of(all.begin(), all.end(), [&](const std::string& one) {
    return fits(path, one) ||
           fits(path, one + (one.ends_with("/") ? "**" : "/**")); // a directory stands for what is in it
  });
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at)
      words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

/// `git diff:*` and `git diff *` are the command with anything behind it, or nothing; else `*` is any text.
bool fits_command(const simple_command& command, const std::string& what) {
  for (const std::string_view end : {":*", " *"})
    if (what.ends_with(end) && what.find('*') == what.size() - 1) {
      if (!command.assignments.empty())
        return false;
      const auto first = split(what.substr(0, what.size() - 2));
      return first.size() <= command.words.size() &&
             std::equal(first.begin(), first.end(), command.words.begin(),
                        [](const std::string& a, const shell_word& b) { return a == b.text; });
    }
  const auto text = command.text();
  return what.find('*') == std::string::npos ? text == what : fits_text(text, what);
}

bool fits_line(const permission_rule& rule, const tool_use& use) {
  return rule.what.empty() || rule.what == "*" || rule.what == use.line;
}

bool allows_command(const permission_rule& rule, const simple_command& command) {
  if (!command.writes && fits_command(command, rule.what))
    return true;
  const auto inner = wraps_plainly(command) ? wrapped_in(command) : std::nullopt;
  return inner && allows_command(rule, *inner);
}

/// Two words of a command that has subcommands, else one; none where its arguments are themselves commands.
std::string first_words(const simple_command& c) {
  static constexpr std::array<std::string_view, 22> runners{
      "sh",   "bash",   "zsh",  "dash", "fish", "env",  "sudo", "doas", "xargs",   "eval",    "exec",
      "node", "python", "perl", "ruby", "php",  "find", "ssh",  "rm",   "python3", "command", "nohup"};
  static constexpr std::array<std::string_view, 16> with_subcommands{
      "git",    "gh",      "npm",  "pnpm", "yarn", "cargo", "go",  "docker",
      "podman", "kubectl", "make", "pip",  "npx",  "uv",    "apt", "systemctl"};
  if (c.words.empty() || !c.assignments.empty() || c.writes || c.words[0].expands)
    return {};
  const auto& name = c.words[0].text;
  const auto in = [](const auto& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (in(runners, name) || wrapped_in(c))
    return {};
  if (!in(with_subcommands, name))
    return name;
  if (c.words.size() < 2 || c.words[1].expands || c.words[1].text.starts_with("-"))
    return {};
  return name + " " + c.words[1].text;
}

} // namespace

std::string real_path(const std::string& path) {
  char real[PATH_MAX];
  auto head = path;
  std::string tail;
  while (head.size() > 1) {
    if (realpath(head.c_str(), real) != nullptr)
      return normal_path(real + tail);
    const auto cut = head.rfind('/');
    tail = head.substr(cut) + tail;
    head.erase(cut);
  }
  return path;
}

std::optional<permission_rule> rule_from(const std::string& text) {
  permission_rule rule;
  rule.text = text;
  const auto open = text.find('(');
  rule.tool = text.substr(0, open);
  if (open != std::string::npos) {
    if (text.back() != ')')
      return std::nullopt;
    rule.what = text.substr(open + 1, text.size() - open - 2);
  }
  if (rule.tool.empty() || rule.tool.find_first_of(" \t)") != std::string::npos)
    return std::nullopt;
  if (!rule.tool.starts_with("mcp__"))
    rule.tool = lower(rule.tool);
  return rule;
}

tool_use use_of(const std::string& tool, const json& input, const std::string& cwd, const environment& env) {
  tool_use use;
  use.tool = rule_name(tool);
  if (use.tool == "bash") {
    use.line = text_field(input, "command").value_or("");
    use.commands = commands_in(use.line);
    return use;
  }
  if (use.tool != "edit" && use.tool != "read" && use.tool != "glob" && use.tool != "grep")
    return use;
  use.path = normal_path(absolute_path(text_field(input, "path").value_or("."), real_path(cwd), env));
  use.real = real_path(use.path);
  return use;
}

bool concerns(const permission_rule& rule, const tool_use& use, const rule_places& places) {
  if (!names(rule, use.tool))
    return false;
  if (use.tool == "bash") {
    if (fits_line(rule, use))
      return true;
    const auto all = use.commands ? unwrapped(*use.commands) : std::nullopt;
    if (!all) { // not understood: the words themselves are enough
      const auto words = rule.what.substr(0, rule.what.find_first_of(":*"));
      return use.line.find(words) != std::string::npos;
    }
    return std::any_of(all->begin(), all->end(), [&](simple_command c) {
      c.assignments.clear();
      return fits_command(c, rule.what);
    });
  }
  if (rule.what.empty() || rule.what == "*" || rule.what == "**")
    return true;
  return !use.path.empty() && (fits_path(use.path, rule.what, places) || fits_path(use.real, rule.what, places));
}

bool allowed_by(const std::vector<permission_rule>& rules, const tool_use& use, const rule_places& places) {
  const auto any = [&](const auto& fitting) { return std::any_of(rules.begin(), rules.end(), fitting); };
  if (use.tool == "bash") {
    if (any([&](const auto& r) { return names(r, use.tool) && fits_line(r, use); }))
      return true;
    return use.commands && !use.commands->empty() &&
           std::all_of(use.commands->begin(), use.commands->end(), [&](const simple_command& c) {
             return any([&](const auto& r) { return names(r, use.tool) && allows_command(r, c); });
           });
  }
  return any([&](const auto& r) {
    if (!names(r, use.tool))
      return false;
    if (r.what.empty() || r.what == "*" || r.what == "**")
      return true;
    return !use.path.empty() && fits_path(use.path, r.what, places) && fits_path(use.real, r.what, places);
  });
}

std::vector<std::string> lasting_rules(const tool_use& use, const rule_places& places) {
  std::vector<std::string> rules;
  const auto add = [&](std::string rule) {
    if (std::find(rules.begin(), rules.end(), rule) == rules.end())
      rules.push_back(std::move(rule));
  };
  if (use.tool == "bash") {
    if (!use.commands)
      return {"Bash(" + use.line + ")"};
    for (const auto& c : *use.commands)
      if (const auto words = first_words(c); words.empty())
        return {"Bash(" + use.line + ")"}; // nothing wider than what was seen
      else
        add("Bash(" + words + ":*)");
  } else if (use.tool == "edit") {
    const auto folder = use.path.substr(0, use.path.rfind('/'));
    const bool inside = use.real.starts_with(places.cwd + "/") && use.path.starts_with(places.cwd + "/");
    add("Edit(/" + (inside ? places.cwd : folder) + "/**)");
  } else {
    add(use.tool);
  }
  return rules;
}

} // namespace troupe::agent
