// What typed text means.
#include "actors/agent_view/commands.hpp"

#include <algorithm>
#include <charconv>

#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

struct own_command {
  const char* name;
  meaning::kind_ kind;
  const char* about;
};

/// Beside the actions, which are commands too.
constexpr own_command own_commands[] = {
    {"quit", meaning::leave, "leave the view; sessions go on"},
    {"login", meaning::sign_in, "sign in"},
    {"logout", meaning::sign_out, "sign out"},
    {"model", meaning::model, "the model of what is dispatched from here; /model default: the usual one"},
    {"resume", meaning::past, "bring back a session that was removed"},
};

/// Built-in commands of a conversation, which mean nothing outside one (VIEW-6).
constexpr const char* conversation_commands[] = {
    "add-dir", "agents", "background", "bg",    "clear", "compact", "config", "context", "cost",
    "doctor",  "effort", "export",     "fork",  "hooks", "mcp",     "memory", "mode",    "permissions",
    "plan",    "rewind", "status",     "tasks", "theme", "todos",   "usage",  "vim"};
/// Built-in ones that expand to a prompt: dispatched.
constexpr const char* prompt_commands[] = {"init", "review", "security-review", "pr-comments"};

constexpr std::size_t least_prompt = 4; ///< code points (CLI-2)

std::string trimmed(const std::string& text) {
  auto from = text.find_first_not_of(" \n");
  if (from == std::string::npos)
    return {};
  return text.substr(from, text.find_last_not_of(" \n") - from + 1);
}

std::pair<std::string, std::string> split_word(const std::string& text) {
  auto end = std::min(text.find_first_of(" \n"), text.size());
  return {text.substr(0, end), trimmed(text.substr(end))};
}

std::size_t code_points(const std::string& s) {
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

template <class List>
bool has(const List& list, const std::string& word) {
  return std::any_of(std::begin(list), std::end(list), [&](const char* x) { return word == x; });
}

const named* find_named(const std::vector<named>& list, const std::string& name) {
  auto at = std::find_if(list.begin(), list.end(), [&](const auto& x) { return x.name == name; });
  return at == list.end() ? nullptr : &*at;
}

meaning dispatch_of(std::string prompt, std::string agent = {}, std::string directory = {}) {
  if (code_points(prompt) < least_prompt)
    return {meaning::refuse, action::none, "too short: say what is to be done"};
  meaning out{meaning::dispatch, action::none, std::move(prompt)};
  out.agent = std::move(agent);
  out.directory = std::move(directory);
  return out;
}

meaning slash_command(const std::string& word, const std::string& rest, const std::string& whole,
                      const catalog& known) {
  for (const auto& c : own_commands)
    if (word == c.name)
      return {c.kind, action::none, rest};
  if (const auto* entry = action_named(word))
    return {meaning::act, entry->what, rest};
  if (has(prompt_commands, word) || find_named(known.commands, word) != nullptr)
    return {meaning::dispatch, action::none, whole};
  if (has(conversation_commands, word))
    return {meaning::refuse, action::none, "attach to a session to run it: /" + word};
  std::vector<std::string> words;
  for (const auto& entry : actions())
    words.emplace_back(entry.name);
  for (const auto& c : own_commands)
    words.emplace_back(c.name);
  words.insert(words.end(), std::begin(conversation_commands), std::end(conversation_commands));
  for (const auto& c : known.commands)
    words.push_back(c.name);
  auto near = nearest_word(word, words);
  return {meaning::refuse, action::none,
          "there is no /" + word + (near.empty() ? ": see /help" : ": did you mean /" + near + "?")};
}

/// A state under the words that the screen has for it.
bool shown_as(const std::string& state, const std::string& word) {
  auto is = [&](const char* shown) { return std::string_view(shown).starts_with(word); };
  return state == "blocked" ? is("needs") || is("input") || is("waiting")
         : state == "done"  ? is("completed") || is("finished")
                            : (state == "failed" || state == "stopped" || state == "idle") && is("completed");
}

/// `#12`, or the address of a pull request: its number and, of an address, the address.
bool names_pull(const std::string& text, std::int64_t& number, std::string& url) {
  auto digits = text;
  if (text.starts_with("https://") || text.starts_with("http://")) {
    url = text;
    auto at = text.rfind("/pull/");
    if (at == std::string::npos)
      at = text.rfind("/merge_requests/");
    if (at == std::string::npos)
      return false;
    digits = text.substr(text.find_first_of("0123456789", at));
  } else if (text.starts_with("#")) {
    digits = text.substr(1);
  } else {
    return false;
  }
  auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return read.ec == std::errc() && (url.empty() ? read.ptr == digits.data() + digits.size() : number > 0);
}

bool is_within(const std::string& path, const std::string& folder) {
  return folder.empty() || path == folder || path.starts_with(folder + "/");
}

/// A number is one of `repository`'s, where the view was opened in one.
const session* working_on(const std::string& text, const roster& sessions, const std::string& repository) {
  std::int64_t number = 0;
  std::string url;
  if (!names_pull(text, number, url))
    return nullptr;
  const session* found = nullptr;
  sessions.each([&](const session& s) {
    for (const auto& p : s.pulls)
      if (url.empty() ? p.number == number && is_within(s.now.cwd, repository)
                      : url == p.url || url.starts_with(p.url + "/"))
        if (found == nullptr || found->now.started_at < s.now.started_at)
          found = &s;
  });
  return found;
}

} // namespace

meaning read_input(const std::string& typed, const std::string& whole, const catalog& known, const roster& sessions,
                   const std::string& repository) {
  auto text = trimmed(typed), prompt = trimmed(whole);
  if (text.empty())
    return {};
  if (text[0] == '!') {
    auto command = trimmed(prompt.substr(1));
    return command.empty() ? meaning{meaning::refuse, action::none, "say which command: ! make test"}
                           : meaning{meaning::shell, action::none, command};
  }
  auto [word, rest] = split_word(text);
  auto prompt_rest = split_word(prompt).second;
  if (word.size() > 1 && word[0] == '/' && word.find('/', 1) == std::string::npos) // `/usr/bin/x crashes` is a prompt
    return slash_command(word.substr(1), rest, prompt, known);
  if (const auto* s = rest.empty() ? working_on(word, sessions, repository) : nullptr) {
    meaning out{meaning::select};
    out.id = s->now.id.value;
    return out;
  }
  std::int64_t number = 0;
  std::string url;
  bool pull_of_nobody = rest.empty() && names_pull(word, number, url);
  if (!pull_of_nobody && filter_of(text))
    return {meaning::filter};
  if (word.size() > 1 && word[0] == '@') {
    auto name = word.substr(1);
    if (find_named(known.agents, name) != nullptr)
      return dispatch_of(prompt_rest, name);
    for (const auto& [place, directory] : known.repositories)
      if (place == name)
        return dispatch_of(prompt_rest, {}, directory);
    return dispatch_of(prompt);
  }
  if (const auto* agent = find_named(known.agents, word); agent != nullptr && agent->own && !rest.empty())
    return dispatch_of(prompt_rest, word);
  return dispatch_of(prompt);
}

std::size_t chip_size(const std::string& typed, const catalog& known) {
  auto word = split_word(typed).first;
  bool sign = word.starts_with('@');
  const auto* agent = find_named(known.agents, sign ? word.substr(1) : word);
  bool repository = sign && std::any_of(known.repositories.begin(), known.repositories.end(),
                                        [&](const auto& r) { return r.first == word.substr(1); });
  bool meant = (agent != nullptr && (sign || agent->own)) || repository;
  return meant && typed.size() > word.size() ? word.size() : 0;
}

std::string state_words(const std::string& state) {
  return state == "blocked" ? "needs input" : state == "done" ? "completed" : state.empty() ? "unknown" : state;
}

std::function<bool(const session&)> finder_of(const std::string& words) {
  std::vector<std::string> parts;
  for (auto rest = trimmed(words); !rest.empty();) {
    auto [word, more] = split_word(rest);
    parts.push_back(folded(word));
    rest = more;
  }
  if (parts.empty())
    return {};
  return [parts](const session& s) {
    auto text =
        folded(s.now.name + "\n" + s.now.sentence + "\n" + s.now.output + "\n" + s.now.cwd + "\n" + s.now.id.value +
               "\n" + s.now.harness + "\n" + s.now.definition + "\n" + s.now.state + "\n" + state_words(s.now.state));
    return std::all_of(parts.begin(), parts.end(), [&](const auto& p) { return text.find(p) != std::string::npos; });
  };
}

std::function<bool(const session&)> filter_of(const std::string& typed) {
  std::vector<std::function<bool(const session&)>> all;
  for (auto rest = trimmed(typed); !rest.empty();) {
    auto [word, more] = split_word(rest);
    rest = more;
    if (word.starts_with("a:") && word.size() > 2)
      all.emplace_back([name = folded(word.substr(2))](const session& s) {
        return folded(s.now.harness).starts_with(name) || folded(s.now.definition).starts_with(name) ||
               folded(s.now.name).find(name) != std::string::npos;
      });
    else if (word.starts_with("s:") && word.size() > 2)
      all.emplace_back([state = folded(word.substr(2))](const session& s) {
        return s.now.state.starts_with(state) || s.now.process.starts_with(state) || shown_as(s.now.state, state);
      });
    else if (word.starts_with("https://") || word.starts_with("http://"))
      all.emplace_back([word = word](const session& s) {
        return std::any_of(s.pulls.begin(), s.pulls.end(), [&](const auto& p) { return p.url.starts_with(word); });
      });
    else
      return {};
  }
  if (all.empty())
    return {};
  return [all](const session& s) {
    return std::all_of(all.begin(), all.end(), [&](const auto& fits) { return fits(s); });
  };
}

std::vector<candidate> candidates_for(const std::string& typed, bool browse, const catalog& known) {
  std::vector<candidate> out;
  if (typed.find_first_of(" \n") != std::string::npos || (typed.empty() && !browse))
    return out;
  auto offer = [&](const std::string& text, const std::string& about) {
    if (text.starts_with(typed) && text != typed)
      out.push_back({text, visible_line(about)});
  };
  if (typed.starts_with("/")) {
    for (const auto& c : own_commands)
      offer("/" + std::string(c.name), c.about);
    for (const auto& c : known.commands)
      if (action_named(c.name) == nullptr)
        offer("/" + c.name, c.about);
    for (const auto& entry : actions())
      offer("/" + std::string(entry.name), entry.does);
  } else if (typed.starts_with("@") || typed.empty()) {
    for (const auto& a : known.agents)
      offer("@" + a.name, a.about);
    for (const auto& [name, directory] : known.repositories)
      if (find_named(known.agents, name) == nullptr && !typed.empty())
        offer("@" + name, directory);
  } else if (browse) {
    for (const auto& a : known.agents)
      if (a.own)
        offer(a.name, a.about);
  }
  return out;
}

} // namespace troupe::view
