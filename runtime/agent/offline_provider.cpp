// Scripts as a model.
#include "runtime/agent/offline_provider.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fcntl.h>
#include <sys/stat.h>

namespace troupe::agent {
namespace {

constexpr int script_depth = 4;
constexpr std::size_t script_limit = std::size_t{1} << 20;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The first word and what follows the space behind it.
std::pair<std::string_view, std::string_view> split_word(std::string_view text) {
  const auto end = text.find(' ');
  return end == std::string_view::npos ? std::pair(text, std::string_view())
                                       : std::pair(text.substr(0, end), text.substr(end + 1));
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n' || next == 't' || next == '\\') {
      plain.push_back(next == 'n' ? '\n' : next == 't' ? '\t' : '\\');
      ++i;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// tool NAME JSON; tools [{"name", "input"}, ...]: which tools, with what.
std::vector<std::pair<std::string, json>> calls_in(std::string_view verb, std::string_view rest) {
  std::vector<std::pair<std::string, json>> calls;
  const auto [name, text] = split_word(rest);
  const auto given = json::parse(verb == "tool" ? text : rest, nullptr, false);
  if (verb == "tool" && given.is_object())
    calls.emplace_back(name, given);
  else if (verb == "tools" && given.is_array())
    for (const auto& each : given)
      if (const auto* input = field(each, "input"); input != nullptr && input->is_object())
        calls.emplace_back(text_field(each, "name").value_or(""), *input);
  return calls;
}

bool is_directive(std::string_view verb, std::string_view rest) {
  constexpr std::array<std::string_view, 14> with_text{"say",    "think", "bash", "background", "read",
                                                       "write",  "edit",  "ask",  "wait",       "fail",
                                                       "output", "kill",  "task", "delegate"};
  if (verb == "stop")
    return rest == "refusal";
  if (verb == "exit" || verb == "stream")
    return number_in(rest).has_value();
  if (verb == "tool" || verb == "tools")
    return !calls_in(verb, rest).empty();
  if (verb == "monitor")
    return rest.find(" => ") != std::string_view::npos;
  if (verb == "edit" && split_word(rest).second.find(" => ") == std::string_view::npos)
    return false;
  return !rest.empty() && (verb == "script" || std::find(with_text.begin(), with_text.end(), verb) != with_text.end());
}

std::optional<std::string> script_text(std::string_view name, const std::string& cwd) {
  const auto path = name.front() == '/' ? std::string(name) : cwd + "/" + std::string(name);
  const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat what {};
  if (!file || fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode))
    return std::nullopt;
  std::string text(std::min(script_limit, static_cast<std::size_t>(what.st_size)), '\0');
  const auto n = pread(file.get(), text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return text;
}

void parse_into(std::vector<directive>& script, std::string_view text, const std::string& cwd, int depth) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto [verb, spaced] = split_word(line);
    const auto rest = trimmed(spaced);
    if (!is_directive(verb, rest))
      continue;
    const auto nested = verb == "script" && depth > 0 ? script_text(rest, cwd) : std::nullopt;
    if (nested)
      parse_into(script, *nested, cwd, depth - 1);
    else if (verb == "script")
      script.push_back({"say", "cannot read the script " + std::string(rest)});
    else
      script.push_back({std::string(verb), std::string(rest)});
    if (verb == "ask")
      script.push_back({"answer", ""});
  }
}

piece text_piece(std::string text) {
  return {piece::kind::text, std::move(text), {}, {}, {}};
}

/// The directives that are a tool's call: which tool, with what.
std::optional<std::pair<std::string, json>> call_of(const directive& d) {
  const auto [path, text] = split_word(d.rest);
  if (d.verb == "task" || d.verb == "delegate")
    return std::pair("task", json{{"prompt", unescaped(d.rest)}, {"background", d.verb == "delegate"}});
  if (const auto arrow = d.rest.find(" => "); d.verb == "monitor")
    return std::pair("monitor", json{{"pattern", d.rest.substr(0, arrow)}, {"command", d.rest.substr(arrow + 4)}});
  if (d.verb == "bash" || d.verb == "background")
    return std::pair("bash", json{{"command", d.rest}, {"background", d.verb == "background"}});
  if (d.verb == "read")
    return std::pair("read", json{{"path", d.rest}});
  if (d.verb == "write")
    return std::pair("write", json{{"path", path}, {"content", unescaped(text)}});
  if (d.verb == "edit") {
    const auto arrow = text.find(" => ");
    return std::pair(
        "edit",
        json{{"path", path}, {"old", unescaped(text.substr(0, arrow))}, {"new", unescaped(text.substr(arrow + 4))}});
  }
  if (d.verb == "output" || d.verb == "kill")
    return std::pair(d.verb == "kill" ? "bash_kill" : "bash_output", json{{"id", d.rest}});
  if (d.verb == "ask")
    return std::pair("ask", json{{"question", d.rest}});
  if (d.verb == "wait")
    return std::pair("wait", json{{"path", d.rest}});
  if (d.verb == "exit")
    return std::pair("exit", json{{"status", *number_in(d.rest)}});
  return std::nullopt;
}

std::string answer_text(const std::vector<message>& conversation) {
  const auto last = std::find_if(conversation.rbegin(), conversation.rend(),
                                 [](const message& m) { return m.from == message::role::tool; });
  if (last == conversation.rend() || last->failed)
    return "There was no answer.";
  return "The answer is " + last->result + ".";
}

std::string greeting(const std::vector<message>& conversation) {
  const auto last = std::find_if(conversation.rbegin(), conversation.rend(),
                                 [](const message& m) { return m.from == message::role::user; });
  const std::string_view said = last == conversation.rend() || last->pieces.empty()
                                    ? std::string_view()
                                    : std::string_view(last->pieces.front().text);
  return "Hello! You said: " + std::string(trimmed(said.substr(0, said.find('\n')))) +
         "\nI am the offline provider: I play scripts and ask no model.";
}

planned_step step_of(const directive& d, bool last, const std::vector<message>& conversation) {
  planned_step step;
  step.end = last ? step_end::end_turn : step_end::more;
  const auto steps = std::count_if(conversation.begin(), conversation.end(),
                                   [](const message& m) { return m.from == message::role::assistant; });
  const auto id = "call_" + std::to_string(steps + 1);
  if (const auto call = call_of(d)) {
    step.pieces.push_back({piece::kind::call, {}, id, call->first, call->second});
  } else if (d.verb == "tool" || d.verb == "tools") {
    for (const auto& [name, input] : calls_in(d.verb, d.rest))
      step.pieces.push_back({piece::kind::call, {}, id + "." + std::to_string(step.pieces.size() + 1), name, input});
  } else if (d.verb == "think") {
    step.pieces.push_back({piece::kind::thought, d.rest, {}, {}, {}});
  } else if (d.verb == "stream") {
    step.deltas = *number_in(d.rest);
  } else if (d.verb == "fail") {
    step.failure = d.rest;
  } else if (d.verb == "stop") {
    step.pieces.push_back(text_piece("I can not go on with this."));
    step.end = step_end::refusal;
  } else {
    step.pieces.push_back(text_piece(d.verb == "answer" ? answer_text(conversation) : d.rest));
  }
  return step;
}

} // namespace

std::vector<directive> parse_script(std::string_view text, const std::string& cwd) {
  std::vector<directive> script;
  parse_into(script, text, cwd, script_depth);
  return script;
}

planned_step next_step(const std::vector<message>& conversation, const std::string& cwd) {
  std::size_t done = 0;
  for (auto each = conversation.rbegin(); each != conversation.rend(); ++each) {
    done += each->from == message::role::assistant ? 1 : 0;
    if (each->from != message::role::user || each->pieces.empty())
      continue;
    const auto script = parse_script(each->pieces.front().text, cwd);
    if (done < script.size())
      return step_of(script[done], done + 1 == script.size(), conversation);
    if (!script.empty())
      break;
  }
  planned_step step;
  step.end = step_end::nothing;
  if (!conversation.empty() && conversation.back().from == message::role::user)
    step = {{text_piece(greeting(conversation))}, 0, {}, step_end::end_turn};
  return step;
}

void offline_provider::begin_step(const step_request& request, step_sink& sink) {
  const auto mine = ++generation_;
  events_.defer([this, mine, &sink, step = next_step(request.conversation, cwd_)] {
    if (mine == generation_)
      play(step, sink);
  });
}

void offline_provider::play(const planned_step& step, step_sink& sink) {
  if (step.deltas > 0)
    return stream(0, step, sink);
  if (!step.failure.empty())
    return sink.fail(step.failure);
  for (const auto& p : step.pieces) {
    if (p.is == piece::kind::text)
      sink.text(p.text);
    else if (p.is == piece::kind::thought)
      sink.thought(p.text);
    else
      sink.call(p.id, p.name, p.input);
  }
  sink.finish(step.end);
}

void offline_provider::stream(std::uint64_t from, const planned_step& step, step_sink& sink) {
  constexpr std::uint64_t batch = 64; // few enough that a cancel is heard in between
  const auto to = std::min(step.deltas, from + batch);
  for (auto i = from; i < to; ++i)
    sink.text("w" + std::to_string(i + 1) + " ");
  if (to == step.deltas)
    return sink.finish(step.end);
  sink.when_drained([this, mine = generation_, to, step, &sink] {
    if (mine == generation_)
      stream(to, step, sink);
  });
}

} // namespace troupe::agent
