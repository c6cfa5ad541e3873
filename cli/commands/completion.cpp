// troupe completion bash|zsh|fish: a shell's completion of this program, made from the commands' own descriptions
// (CLI-4). Sessions are offered by id and by name, without starting a supervisor (CLI-8).
#include <algorithm>
#include <filesystem>

#include "cli/command.hpp"

namespace troupe {

namespace {

const described_option help_option{{"-h", "--help"}, "tell what it does, with an example", false};

/// Options whose value has words of its own, or is a path.
std::vector<std::string> values_of(const std::string& option) {
  if (option == "--permission-mode" || option == "--mode")
    return {"default", "acceptEdits", "plan", "bypassPermissions"};
  if (option == "--effort")
    return {"low", "medium", "high"};
  return {};
}

bool is_directory_option(const std::string& option) {
  return option == "--cwd" || option == "--add-dir";
}

bool is_file_option(const std::string& option) {
  return option == "--settings" || option == "--mcp-config";
}

bool takes(const described_command& c, const char* word) {
  return std::find(c.words.begin(), c.words.end(), word) != c.words.end();
}

/// What its arguments may be, where that can be told.
std::vector<std::string> words_of(const described_command& c) {
  std::vector<std::string> out;
  for (const auto& b : c.below)
    out.push_back(b.name);
  if (c.name == "auth")
    out = {"status"};
  if (c.name == "completion")
    out = {"bash", "zsh", "fish"};
  if (c.name == "login")
    out = {"anthropic", "google"};
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words)
    out += (out.empty() ? "" : " ") + w;
  return out;
}

std::vector<described_option> all_options(const described_command& c) {
  auto out = c.options;
  if (std::none_of(out.begin(), out.end(), [](const auto& o) { return o.names.back() == "--help"; }))
    out.push_back(help_option);
  return out;
}

std::string option_names(const described_command& c) {
  std::vector<std::string> out;
  for (const auto& o : all_options(c))
    out.insert(out.end(), o.names.begin(), o.names.end());
  return joined(out);
}

/// A text between single quotes.
std::string quoted(const std::string& text, const std::string& escape = "'\\''") {
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? escape : std::string(1, c == '\n' ? ' ' : c);
  return out + "'";
}

// ---- bash

std::string bash_case(const std::string& pattern, const described_command& c) {
  auto words = words_of(c);
  std::string out = "    " + pattern + ") options=" + quoted(option_names(c));
  if (!words.empty())
    out += " words=" + quoted(joined(words));
  if (takes(c, "ID") && c.name != "work end")
    out += " kind=id";
  if (takes(c, "DIR"))
    out += " kind=dir";
  return out + " ;;\n";
}

std::string bash_script(const std::vector<described_command>& all) {
  std::vector<std::string> names;
  std::string cases, valued, pairs;
  auto add_valued = [&](const described_command& c) {
    for (const auto& o : c.options)
      for (const auto& n : o.names)
        if (o.takes_value && ("|" + valued + "|").find("|" + n + "|") == std::string::npos)
          valued += (valued.empty() ? "" : "|") + n;
  };
  for (const auto& c : all) {
    add_valued(c);
    if (c.name.empty())
      continue;
    names.push_back(c.name);
    cases += bash_case("'" + c.name + "'", c);
    for (auto below : c.below) {
      add_valued(below);
      below.name = c.name + " " + below.name;
      pairs += (pairs.empty() ? "'" : "|'") + below.name + "'";
      cases += bash_case("'" + below.name + "'", below);
    }
  }
  return "# bash completion for troupe, made from the program's own description: troupe completion bash\n"
         "_troupe() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} IFS=$' \\t\\n'\n"
         "  local command= below= count=0 i options words= kind=\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      --bg|--background) command=--bg; break ;;\n"
         "      " +
         valued +
         ") ((i++)) ;;\n"
         "      -*) ;;\n"
         "      *) ((count++)); if ((count == 1)); then command=${COMP_WORDS[i]}; elif ((count == 2)); then "
         "below=${COMP_WORDS[i]}; fi ;;\n"
         "    esac\n"
         "  done\n"
         "  COMPREPLY=()\n"
         "  case $prev in\n"
         "    --permission-mode|--mode) COMPREPLY=($(compgen -W '" +
         joined(values_of("--mode")) +
         "' -- \"$cur\")); return ;;\n"
         "    --effort) COMPREPLY=($(compgen -W '" +
         joined(values_of("--effort")) +
         "' -- \"$cur\")); return ;;\n"
         "    --cwd|--add-dir) IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$cur\")); "
         "return ;;\n"
         "    --settings|--mcp-config) IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "
         "\"$cur\")); return ;;\n"
         "    --session) command=--id kind=id ;;\n"
         "    " +
         valued +
         ") return ;;\n"
         "  esac\n"
         "  case \"$command $below\" in " +
         pairs +
         ") command=\"$command $below\" ;; esac\n"
         "  case $command in\n"
         "    '') options=" +
         quoted(option_names(all.front()) + " --version") + " words=" + quoted(joined(names)) +
         " ;;\n"
         "    --bg) options=" +
         quoted(option_names(all.front())) + " ;;\n" + cases +
         "  esac\n"
         "  if [[ $cur == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
         "  elif [[ $kind == id ]]; then\n"
         "    local line\n"
         "    while IFS= read -r line; do\n"
         "      [[ $line == \"$cur\"* ]] && COMPREPLY+=(\"$(printf %q \"$line\")\")\n"
         "    done < <(\"${COMP_WORDS[0]}\" completion-ids 2>/dev/null | cut -f1)\n"
         "  elif [[ $kind == dir ]]; then\n"
         "    IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$cur\"))\n"
         "  elif [[ -n $words ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _troupe troupe\n";
}

// ---- zsh

/// In an option's specification brackets and colons have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (char c : text)
    out += c == '[' || c == ']' || c == ':' || c == '\\' ? std::string("\\") + c : std::string(1, c == '\n' ? ' ' : c);
  return out;
}

std::string zsh_value(const described_option& o) {
  const auto& name = o.names.back();
  if (!o.takes_value)
    return "";
  auto values = values_of(name);
  return ":" + name.substr(name.find_first_not_of('-')) + ":" +
         (!values.empty()             ? "(" + joined(values) + ")"
          : is_directory_option(name) ? "_files -/"
          : is_file_option(name)      ? "_files"
          : name == "--session"       ? "_troupe_ids"
                                      : " ");
}

std::string zsh_arguments(const described_command& c) {
  std::string out = "_arguments -s";
  for (const auto& o : all_options(c))
    for (const auto& n : o.names)
      out += " \\\n        " + quoted("*" + n + "[" + zsh_text(o.text) + "]" + zsh_value(o));
  auto words = words_of(c);
  std::string action = takes(c, "ID") && c.name != "work end" ? "_troupe_ids"
                       : takes(c, "DIR")                      ? "_files -/"
                       : !words.empty()                       ? "(" + joined(words) + ")"
                                                              : "";
  if (!action.empty())
    out += " \\\n        " + quoted("*:argument:" + action);
  return out;
}

std::string zsh_script(const std::vector<described_command>& all) {
  std::string list, cases;
  for (const auto& c : all) {
    if (c.name.empty())
      continue;
    list += "    " + quoted(zsh_text(c.name) + ":" + c.summary) + "\n";
    if (c.below.empty()) {
      cases += "      " + c.name + ") " + zsh_arguments(c) + " ;;\n";
      continue;
    }
    cases += "      " + c.name + ")\n        if (( CURRENT == 2 )); then\n          " + zsh_arguments(c) +
             "\n          return\n        fi\n        shift words; (( CURRENT-- ))\n        case ${words[1]} in\n";
    for (auto below : c.below) {
      auto word = below.name;
      below.name = c.name + " " + word;
      cases += "          " + word + ") " + zsh_arguments(below) + " ;;\n";
    }
    cases += "        esac ;;\n";
  }
  auto top = all.front();
  top.options.push_back({{"--version"}, "print the version", false});
  return "#compdef troupe\n# zsh completion for troupe, made from the program's own description: troupe completion "
         "zsh\n"
         "_troupe_ids() {\n"
         "  local -a ids\n"
         "  ids=(${(f)\"$(troupe completion-ids 2>/dev/null | sed -e 's/:/\\\\:/g' -e 's/\\t/:/')\"})\n"
         "  _describe -V session ids\n"
         "}\n"
         "_troupe() {\n"
         "  local -a commands\n"
         "  commands=(\n" +
         list +
         "  )\n"
         "  if (( CURRENT == 2 )) && [[ ${words[2]} != -* ]]; then\n"
         "    _describe command commands\n"
         "  elif [[ ${words[2]} == -* ]]; then\n"
         "    " +
         zsh_arguments(top) +
         "\n"
         "  else\n"
         "    shift words; (( CURRENT-- ))\n"
         "    case ${words[1]} in\n" +
         cases +
         "    esac\n"
         "  fi\n"
         "}\n"
         "if [[ $funcstack[1] == _troupe ]]; then _troupe \"$@\"; else compdef _troupe troupe; fi\n";
}

// ---- fish

std::string fish_options(const described_command& c, const std::string& when) {
  std::string out;
  auto values = [&](const described_option& o) -> std::string {
    const auto& name = o.names.back();
    if (!o.takes_value)
      return "";
    if (auto words = values_of(name); !words.empty())
      return " -xa " + quoted(joined(words), "\\'");
    if (name == "--session")
      return " -xa '(__troupe_ids)'";
    return is_directory_option(name) ? " -xa '(__fish_complete_directories)'" : is_file_option(name) ? " -rF" : " -x";
  };
  for (const auto& o : all_options(c)) {
    out += "complete -c troupe -n " + quoted(when, "\\'");
    for (const auto& n : o.names)
      out += n.starts_with("--") ? " -l " + n.substr(2) : " -s " + n.substr(1);
    out += values(o) + " -d " + quoted(o.text, "\\'") + "\n";
  }
  return out;
}

std::string fish_words(const described_command& c, const std::string& when) {
  auto words = words_of(c);
  auto head = "complete -c troupe -n " + quoted(when, "\\'");
  if (takes(c, "ID") && c.name != "work end")
    return head + " -a '(__troupe_ids)'\n";
  if (takes(c, "DIR"))
    return head + " -a '(__fish_complete_directories)'\n";
  return words.empty() ? "" : head + " -a " + quoted(joined(words), "\\'") + "\n";
}

std::string fish_script(const std::vector<described_command>& all) {
  auto top = all.front();
  top.options.push_back({{"--version"}, "print the version", false});
  std::string out = "# fish completion for troupe, made from the program's own description: troupe completion fish\n"
                    "function __troupe_ids\n  troupe completion-ids 2>/dev/null\nend\n"
                    "complete -c troupe -f\n" +
                    fish_options(top, "__fish_use_subcommand");
  for (const auto& c : all) {
    if (c.name.empty())
      continue;
    auto here = "__fish_seen_subcommand_from " + c.name;
    out += "complete -c troupe -n __fish_use_subcommand -a " + c.name + " -d " + quoted(c.summary, "\\'") + "\n";
    auto names = joined(words_of(c));
    auto first = c.below.empty() ? here : here + "; and not __fish_seen_subcommand_from " + names;
    out += fish_options(c, first) + fish_words(c, first);
    for (auto below : c.below) {
      auto when = here + "; and __fish_seen_subcommand_from " + below.name;
      below.name = c.name + " " + below.name;
      out += fish_options(below, when) + fish_words(below, when);
    }
  }
  return out;
}

json to_json(const described_command& c) {
  json out{{"name", c.name},       {"summary", c.summary},     {"example", c.example},
           {"arguments", c.words}, {"options", json::array()}, {"below", json::array()}};
  for (const auto& o : all_options(c))
    out["options"].push_back({{"names", o.names}, {"text", o.text}, {"value", o.takes_value}});
  for (const auto& b : c.below)
    out["below"].push_back(to_json(b));
  return out;
}

/// One id and one name a line, with what the shell shows beside it.
void print_session(const std::string& id, const json& row) {
  auto name = visible(text_of(row, "name"));
  auto beside = visible(text_of(row, "state")) + " " + visible(text_of(row, "sentence"));
  std::replace_if(
      beside.begin(), beside.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  print(id + "\t" + (name.empty() ? "" : name + " · ") + beside + "\n");
  if (!name.empty())
    print(name + "\t" + id + " · " + beside + "\n");
}

} // namespace

int run_completion(const arguments& args) {
  std::string shell;
  int code = exit_ok;
  argument_parser app{"Prints a shell's completion of this program; an installation has put them where shells look.",
                      "troupe completion"};
  app.add_option("SHELL", shell, "bash, zsh or fish").required();
  if (!read_arguments(app, args, "troupe completion bash > ~/.local/share/bash-completion/completions/troupe", code))
    return code;
  auto all = describe_commands();
  if (shell == "bash")
    print(bash_script(all));
  else if (shell == "zsh")
    print(zsh_script(all));
  else if (shell == "fish")
    print(fish_script(all));
  else if (shell == "json") {
    auto list = json::array();
    for (const auto& c : all)
      list.push_back(to_json(c));
    print(to_line(list) + "\n");
  } else
    return fail_usage("troupe completion: there is none for: " + shell, "one of: bash, zsh, fish");
  return exit_ok;
}

/// Where no supervisor runs, what it has kept of its sessions tells.
int print_ids() {
  client c("troupe completion");
  failure error;
  c.be_quiet();
  if (c.connect(false, error)) {
    auto rows = c.ask("session/list", {{"all", true}}, error, 2000);
    for (const auto& row : rows.value_or(json::array()))
      print_session(text_of(row, "id"), row);
    return exit_ok;
  }
  auto where = find_paths(error);
  std::error_code none;
  if (where)
    for (const auto& entry : std::filesystem::directory_iterator(where->state + "/sessions", none)) {
      auto text = read_file(entry.path().string() + "/state.json", error);
      auto kept = json::parse(text.value_or(""), nullptr, false);
      if (kept.is_object())
        print_session(entry.path().filename().string(), kept.contains("row") ? kept["row"] : kept);
    }
  return exit_ok;
}

} // namespace troupe
