// The messages as JSON.
#include "messages/json.hpp"

#include <algorithm>
#include <utility>

#include "messages/json_writer.hpp"

namespace troupe {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    std::size_t more = c < 0x80                ? 0
                       : c >= 0xc2 && c < 0xe0 ? 1
                       : c >= 0xe0 && c < 0xf0 ? 2
                       : c >= 0xf0 && c < 0xf5 ? 3
                                               : 9;
    if (more == 9 || i + more >= s.size())
      return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80)
        return false;
    auto second = more > 0 ? static_cast<unsigned char>(s[i + 1]) : 0;
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return false;
    i += more + 1;
  }
  return true;
}

std::string encode64(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); i += 3) {
    std::uint32_t v = 0;
    for (std::size_t k = 0; k < 3; ++k)
      v = v << 8 | (i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= in.size() ? alphabet[v >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string decode64(std::string_view in) {
  std::string out;
  std::uint32_t v = 0;
  int bits = 0;
  for (char c : in) {
    if (c == '=')
      break;
    auto at = alphabet.find(c);
    if (at == std::string_view::npos)
      throw field_error("b64 is no base 64");
    v = v << 6 | static_cast<std::uint32_t>(at);
    if ((bits += 6) >= 8)
      out += static_cast<char>(v >> (bits -= 8) & 0xff);
  }
  return out;
}

const json* find(const json& object, const char* name) {
  if (!object.is_object())
    throw field_error(std::string("an object with '") + name + "' is needed");
  auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

[[noreturn]] void wrong(const char* name, const char* wanted) {
  throw field_error(std::string("field '") + name + "' must be " + wanted);
}

void put(json& to, const char* name, const std::string& value) {
  if (!value.empty())
    to[name] = bytes_to_json(value);
}

void put(json& to, const char* name, std::uint64_t value) {
  if (value != 0)
    to[name] = value;
}

/// What is kept as JSON text travels as JSON.
void put_data(json& to, const char* name, const std::string& text) {
  if (text.empty())
    return;
  if (auto value = json::parse(text, nullptr, false); !value.is_discarded())
    to[name] = std::move(value);
}

json texts(const std::vector<std::string>& xs) {
  auto out = json::array();
  for (const auto& x : xs)
    out.push_back(bytes_to_json(x));
  return out;
}

template <class T, class F>
std::vector<T> list(const json& x, F read) {
  if (!x.is_array())
    throw field_error("a list is needed");
  std::vector<T> out;
  for (const auto& item : x)
    out.push_back(read(item));
  return out;
}

template <class T, class F>
std::vector<T> optional_list(const json& x, const char* name, F read) {
  const auto* at = find(x, name);
  return at ? list<T>(*at, read) : std::vector<T>{};
}

} // namespace

environment environment_from_block(std::string_view block) {
  environment out;
  while (!block.empty()) {
    auto end = std::min(block.find('\0'), block.size());
    auto pair = block.substr(0, end);
    if (auto split = pair.find('='); split != std::string_view::npos)
      out.emplace_back(pair.substr(0, split), pair.substr(split + 1));
    block.remove_prefix(std::min(end + 1, block.size()));
  }
  return out;
}

void append_json_string(std::string& to, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef", named = "\b\t\n\v\f\r", letters = "btn_fr";
  to += '"';
  while (!text.empty()) {
    auto plain = text.begin();
    while (plain != text.end() && static_cast<unsigned char>(*plain) >= 0x20 && *plain != '"' && *plain != '\\')
      ++plain;
    auto length = static_cast<std::size_t>(plain - text.begin());
    to += text.substr(0, length);
    if (plain == text.end())
      break;
    auto at = named.find(*plain);
    if (at != std::string_view::npos && letters[at] != '_')
      (to += '\\') += letters[at];
    else if (static_cast<unsigned char>(*plain) >= 0x20)
      (to += '\\') += *plain;
    else
      ((to += "\\u00") += digits[static_cast<unsigned char>(*plain) >> 4]) += digits[*plain & 15];
    text.remove_prefix(length + 1);
  }
  to += '"';
}

void append_json_bytes(std::string& to, std::string_view bytes) {
  if (is_utf8(bytes)) {
    append_json_string(to, bytes);
    return;
  }
  json_object o(to);
  append_json_string(o.at("b64"), encode64(bytes));
}

json bytes_to_json(std::string_view bytes) {
  if (is_utf8(bytes))
    return json(bytes);
  return json{{"b64", encode64(bytes)}};
}

std::string bytes_from_json(const json& value) {
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_object() && value.contains("b64") && value["b64"].is_string())
    return decode64(value["b64"].get_ref<const std::string&>());
  throw field_error("a string or {\"b64\": ...} is needed");
}

std::string required_text(const json& object, const char* name) {
  const auto* at = find(object, name);
  if (!at)
    throw field_error(std::string("field '") + name + "' is missing");
  return optional_text(object, name);
}

std::string optional_text(const json& object, const char* name, std::string otherwise) {
  const auto* at = find(object, name);
  if (!at)
    return otherwise;
  if (!at->is_string() && !at->is_object())
    wrong(name, "a string");
  return bytes_from_json(*at);
}

std::int64_t optional_number(const json& object, const char* name, std::int64_t otherwise) {
  const auto* at = find(object, name);
  if (!at)
    return otherwise;
  if (!at->is_number_integer())
    wrong(name, "a whole number");
  return at->get<std::int64_t>();
}

std::uint64_t required_unsigned(const json& object, const char* name) {
  const auto* at = find(object, name);
  if (!at || !at->is_number_unsigned())
    wrong(name, "a whole number from 0");
  return at->get<std::uint64_t>();
}

bool optional_flag(const json& object, const char* name, bool otherwise) {
  const auto* at = find(object, name);
  if (!at)
    return otherwise;
  if (!at->is_boolean())
    wrong(name, "true or false");
  return at->get<bool>();
}

std::vector<std::string> optional_texts(const json& object, const char* name) {
  const auto* at = find(object, name);
  if (!at)
    return {};
  if (!at->is_array())
    wrong(name, "a list of strings");
  return list<std::string>(*at, bytes_from_json);
}

json to_json(const process_identity& x) {
  return {{"boot", x.boot}, {"pid", x.pid}, {"start", x.start}};
}

process_identity identity_from_json(const json& x) {
  return {required_text(x, "boot"), static_cast<std::int32_t>(required_unsigned(x, "pid")),
          required_unsigned(x, "start")};
}

// What `text_of` finds by the message's namespace, hence in none of their own.
static void append(std::string& to, const dispatch_spec& x) {
  json_object o(to);
  o.bytes("kind", x.kind);
  o.bytes("harness", x.harness);
  o.bytes("cwd", x.cwd);
  o.number("rows", x.rows);
  o.number("cols", x.cols);
  if (!x.command.empty())
    o.texts("command", x.command);
  o.some_bytes("prompt", x.prompt);
  o.some_bytes("name", x.name);
  o.some_bytes("model", x.model);
  o.some_bytes("effort", x.effort);
  o.some_bytes("permissionMode", x.permission_mode);
  o.some_bytes("agent", x.agent);
  o.some_bytes("settings", x.settings);
  if (!x.add_dirs.empty())
    o.texts("addDirs", x.add_dirs);
  o.some_bytes("mcpConfig", x.mcp_config);
  if (x.backgrounded)
    o.flag("backgrounded", true);
  if (!x.choices.empty())
    o.list("choices", x.choices, [](std::string& list, const auto& pair) {
      append_json_bytes(list += '[', pair.first);
      append_json_bytes(list += ',', pair.second);
      list += ']';
    });
  if (x.without_project)
    o.flag("withoutProject", true);
  o.some_bytes("forkOf", x.fork_of);
  o.some_bytes("forkFrom", x.fork_from);
}

template <class T>
static std::string text_of(const T& x) {
  std::string out;
  append(out, x);
  return out;
}

std::string to_text(const dispatch_spec& x) {
  return text_of(x);
}

json to_json(const dispatch_spec& x) {
  return json::parse(to_text(x));
}

dispatch_spec spec_from_json(const json& x) {
  dispatch_spec out;
  out.kind = required_text(x, "kind");
  out.harness = optional_text(x, "harness");
  out.command = optional_texts(x, "command");
  out.prompt = optional_text(x, "prompt");
  out.cwd = required_text(x, "cwd");
  out.name = optional_text(x, "name");
  out.model = optional_text(x, "model");
  out.effort = optional_text(x, "effort");
  out.permission_mode = optional_text(x, "permissionMode");
  out.agent = optional_text(x, "agent");
  out.settings = optional_text(x, "settings");
  out.add_dirs = optional_texts(x, "addDirs");
  out.mcp_config = optional_text(x, "mcpConfig");
  out.rows = static_cast<std::uint16_t>(optional_number(x, "rows", 24));
  out.cols = static_cast<std::uint16_t>(optional_number(x, "cols", 80));
  out.backgrounded = optional_flag(x, "backgrounded", false);
  if (const auto* choices = find(x, "choices"))
    out.choices = environment_from_json(*choices);
  out.without_project = optional_flag(x, "withoutProject", false);
  out.fork_of = optional_text(x, "forkOf");
  out.fork_from = optional_text(x, "forkFrom");
  return out;
}

namespace {

std::string block_of(const environment& x) {
  std::string block;
  for (const auto& [name, value] : x)
    (((block += name) += '=') += value) += '\0';
  return block;
}

} // namespace

json to_json(const environment& x) {
  return bytes_to_json(block_of(x));
}

environment environment_from_json(const json& x) {
  if (!x.is_array())
    return environment_from_block(bytes_from_json(x));
  return list<std::pair<std::string, std::string>>(x, [](const json& pair) {
    if (!pair.is_array() || pair.size() != 2)
      throw field_error("field 'env' must be a list of [name, value]");
    return std::pair(bytes_from_json(pair[0]), bytes_from_json(pair[1]));
  });
}

json to_json(const std::vector<option>& xs) {
  auto out = json::array();
  for (const auto& x : xs) {
    json item{{"n", x.n}, {"name", x.name}, {"kind", x.kind}};
    put(item, "id", x.id);
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<option> options_from_json(const json& xs) {
  return list<option>(xs, [](const json& x) {
    return option{static_cast<std::uint32_t>(required_unsigned(x, "n")), optional_text(x, "name"),
                  optional_text(x, "kind"), optional_text(x, "id")};
  });
}

json to_json(const std::vector<work_item>& xs) {
  auto out = json::array();
  for (const auto& x : xs)
    out.push_back({{"id", x.id}, {"kind", x.kind}, {"title", bytes_to_json(x.title)}});
  return out;
}

std::vector<work_item> work_from_json(const json& xs) {
  return list<work_item>(xs, [](const json& x) {
    return work_item{required_text(x, "id"), optional_text(x, "kind"), optional_text(x, "title")};
  });
}

static void append(std::string& to, const worktree& x) {
  json_object o(to);
  o.bytes("path", x.path);
  o.some_bytes("branch", x.branch);
  o.some_bytes("repository", x.repository);
  o.bytes("cwd", x.cwd);
  o.some_bytes("base", x.base);
  o.some_number("device", x.device);
  o.some_number("inode", x.inode);
}

json to_json(const worktree& x) {
  return json::parse(text_of(x));
}

worktree worktree_from_json(const json& x) {
  worktree out{required_text(x, "path"),
               optional_text(x, "branch"),
               optional_text(x, "repository"),
               optional_text(x, "cwd"),
               optional_text(x, "base"),
               0,
               0};
  if (const auto* at = find(x, "device"))
    out.device = at->get<std::uint64_t>();
  if (const auto* at = find(x, "inode"))
    out.inode = at->get<std::uint64_t>();
  if (out.cwd.empty())
    out.cwd = out.path;
  return out;
}

json to_json(const losses& x) {
  json out{{"files", texts(x.files)},     {"ignored", texts(x.ignored)}, {"products", texts(x.products)},
           {"commits", texts(x.commits)}, {"running", texts(x.running)}, {"replies", texts(x.replies)}};
  put(out, "keeps", x.keeps);
  return out;
}

losses losses_from_json(const json& x) {
  return {optional_texts(x, "files"),   optional_texts(x, "ignored"), optional_texts(x, "products"),
          optional_texts(x, "commits"), optional_texts(x, "running"), optional_texts(x, "replies"),
          optional_text(x, "keeps")};
}

worktree worktree_in(const event& e) {
  try {
    return worktree_from_json(json::parse(e.data));
  } catch (const std::exception&) { // of another version
    return {};
  }
}

pull_request pull_request_in(const event& e) {
  try {
    auto x = json::parse(e.data);
    return {static_cast<std::uint32_t>(required_unsigned(x, "number")), required_text(x, "url"),
            optional_text(x, "state", "open")};
  } catch (const std::exception&) {
    return {};
  }
}

static void append(std::string& to, const event& x) {
  json_object o(to);
  o.number("n", x.n);
  o.number("t", x.t);
  o.number("run", x.run);
  o.number("seen", x.seen);
  o.bytes("what", x.what);
  o.some_bytes("id", x.id);
  o.some_bytes("text", x.text);
  o.some_bytes("detail", x.detail);
  o.some_number("value", x.value);
  if (!x.options.empty())
    o.at("options") += to_line(to_json(x.options));
  if (!x.work.empty())
    o.at("work") += to_line(to_json(x.work));
  if (!x.data.empty())
    o.at("data") += x.data;
}

std::string to_text(const event& x) {
  return text_of(x);
}

json to_json(const event& x) {
  return json::parse(to_text(x));
}

event event_from_json(const json& x) {
  event out;
  out.n = required_unsigned(x, "n");
  out.t = optional_number(x, "t", 0);
  out.run = static_cast<std::uint32_t>(required_unsigned(x, "run"));
  out.seen = static_cast<std::uint64_t>(optional_number(x, "seen", 0));
  out.what = required_text(x, "what");
  out.id = optional_text(x, "id");
  out.text = optional_text(x, "text");
  out.detail = optional_text(x, "detail");
  out.value = optional_number(x, "value", 0);
  if (const auto* at = find(x, "options"))
    out.options = options_from_json(*at);
  if (const auto* at = find(x, "work"))
    out.work = work_from_json(*at);
  if (const auto* at = find(x, "data"))
    out.data = to_line(*at);
  return out;
}

static void append(std::string& to, const ledger_entry& x) {
  json_object o(to);
  o.number("n", x.n);
  o.number("t", x.t);
  o.bytes("what", x.what);
  o.some_number("cause", x.cause);
  o.some_number("seen", x.seen);
  o.some_bytes("session", x.session.value);
  o.some_number("run", x.run);
  if (!x.facts.empty()) {
    json_object facts(o.at("facts"));
    for (const auto& [name, value] : x.facts)
      facts.bytes(name, value);
  }
  if (!x.spec.empty())
    append(o.at("spec"), x.spec.front());
}

std::string to_text(const ledger_entry& x) {
  return text_of(x);
}

json to_json(const ledger_entry& x) {
  return json::parse(to_text(x));
}

ledger_entry ledger_entry_from_json(const json& x) {
  ledger_entry out;
  out.n = required_unsigned(x, "n");
  out.t = optional_number(x, "t", 0);
  out.cause = static_cast<std::uint64_t>(optional_number(x, "cause", 0));
  out.seen = static_cast<std::uint64_t>(optional_number(x, "seen", 0));
  out.what = required_text(x, "what");
  out.session.value = optional_text(x, "session");
  out.run = static_cast<std::uint32_t>(optional_number(x, "run", 0));
  if (const auto* facts = find(x, "facts")) {
    if (!facts->is_object())
      wrong("facts", "an object");
    for (const auto& [name, value] : facts->items())
      out.facts[name] = bytes_from_json(value);
  }
  if (const auto* spec = find(x, "spec"))
    out.spec.push_back(spec_from_json(*spec));
  return out;
}

json to_json(const row& x) {
  json out{{"id", x.id.value},
           {"sessionId", x.id.value},
           {"name", bytes_to_json(x.name)},
           {"cwd", bytes_to_json(x.cwd)},
           {"kind", x.kind},
           {"harness", x.harness},
           {"state", x.state},
           {"process", x.process},
           {"startedAt", x.started_at},
           {"changedAt", x.changed_at},
           {"pinned", x.pinned},
           {"activeWork", to_json(x.work)},
           {"evidence", {{"source", x.told.source}, {"since", x.told.since}}}};
  put(out, "agent", x.definition);
  put(out, "model", x.model);
  put(out, "sentence", x.sentence);
  put(out, "output", x.output);
  put(out, "note", x.note);
  if (x.pid != 0) {
    out["pid"] = x.pid;
    out["status"] = x.process;
  }
  if (x.exit_status >= 0)
    out["exitStatus"] = x.exit_status;
  if (!x.waiting.empty()) {
    const auto& q = x.waiting.front();
    out["waitingFor"] = !q.kind.empty() ? q.kind : q.options.empty() ? "reply" : "answer";
    out["question"] = {
        {"id", q.id}, {"text", bytes_to_json(q.text)}, {"options", to_json(q.options)}, {"since", q.since}};
    put(out["question"], "kind", q.kind);
    put_data(out["question"], "data", q.data);
  }
  if (!x.problems.empty())
    out["problems"] = texts(x.problems);
  put(out, "title", x.agent.title);
  put(out, "permissionMode", x.agent.mode);
  put_data(out, "usage", x.agent.usage);
  put(out, "undelivered", std::uint64_t{x.undelivered});
  put(out, "attached", std::uint64_t{x.attached});
  if (!x.tree.path.empty())
    out["worktree"] = {{"path", bytes_to_json(x.tree.path)},
                       {"branch", bytes_to_json(x.tree.branch)},
                       {"cwd", bytes_to_json(x.tree.cwd)}};
  for (const auto& p : x.pulls)
    out["pullRequests"].push_back({{"number", p.number}, {"url", bytes_to_json(p.url)}, {"state", p.state}});
  return out;
}

static void append(std::string& to, const snapshot& x) {
  json_object o(to);
  o.number("epoch", x.epoch);
  o.number("expires", x.expires);
  o.list("credentials", x.credentials, [](std::string& list, const credential& c) {
    append_json_bytes(list += '[', c.variable);
    append_json_bytes(list += ',', c.secret);
    list += ']';
  });
}

static void append(std::string& to, const assignment& x) {
  json_object o(to);
  o.bytes("session", x.session.value);
  o.number("run", x.run);
  o.number("seen", x.seen);
  o.number("epoch", x.epoch);
  append(o.at("spec"), x.spec);
  o.bytes("env", block_of(x.env));
  append(o.at("snapshot"), x.credentials);
  o.bytes("directory", x.directory);
  o.bytes("controlSocket", x.control_socket);
  o.bytes("supervisor", x.supervisor);
  o.flag("resume", x.resume);
  o.flag("interrupted", x.interrupted);
  o.flag("tooOld", x.too_old);
  o.number("waiting", x.waiting);
  o.texts("ignoredWork", x.ignored_work);
  o.bytes("settings", x.settings);
  o.bytes("definition", x.definition);
  o.bytes("driver", x.driver);
  o.number("variables", x.variables);
  if (!x.tree.path.empty())
    append(o.at("worktree"), x.tree);
  o.some_bytes("isolation", x.isolation);
  o.number("sentenceMs", x.sentence_ms);
}

std::string to_text(const assignment& x) {
  return text_of(x);
}

json to_json(const snapshot& x) {
  return json::parse(text_of(x));
}

snapshot snapshot_from_json(const json& x) {
  snapshot out{required_unsigned(x, "epoch"), optional_number(x, "expires", 0), {}};
  for (const auto& [variable, secret] : environment_from_json(x.at("credentials")))
    out.credentials.push_back({variable, secret});
  return out;
}

json to_json(const assignment& x) {
  return json::parse(to_text(x));
}

assignment assignment_from_json(const json& x) {
  assignment out;
  out.session.value = required_text(x, "session");
  out.run = static_cast<std::uint32_t>(required_unsigned(x, "run"));
  out.seen = required_unsigned(x, "seen");
  out.epoch = required_unsigned(x, "epoch");
  out.spec = spec_from_json(x.at("spec"));
  out.env = environment_from_json(x.at("env"));
  if (const auto* snap = find(x, "snapshot"))
    out.credentials = snapshot_from_json(*snap);
  out.directory = required_text(x, "directory");
  out.control_socket = optional_text(x, "controlSocket");
  out.supervisor = optional_text(x, "supervisor");
  out.resume = optional_flag(x, "resume", false);
  out.interrupted = optional_flag(x, "interrupted", false);
  out.too_old = optional_flag(x, "tooOld", false);
  out.waiting = static_cast<std::uint32_t>(optional_number(x, "waiting", 0));
  out.ignored_work = optional_texts(x, "ignoredWork");
  out.settings = optional_text(x, "settings");
  out.definition = optional_text(x, "definition");
  out.driver = optional_text(x, "driver");
  if (const auto* digest = find(x, "variables"))
    out.variables = digest->get<std::uint64_t>();
  if (const auto* tree = find(x, "worktree"))
    out.tree = worktree_from_json(*tree);
  out.isolation = optional_text(x, "isolation");
  out.sentence_ms = optional_number(x, "sentenceMs", 0);
  return out;
}

static void append(std::string& to, const receipt& x) {
  json_object o(to);
  o.bytes("session", x.session.value);
  o.number("run", x.run);
  o.bytes("cwd", x.cwd);
  o.bytes("permissionMode", x.permission_mode);
  o.number("last", x.last);
  o.texts("arguments", x.arguments);
  o.bytes("env", block_of(x.env));
  o.number("variables", x.variables);
  o.some_number("heldNs", x.held);
  json_object account(o.at("account"));
  account.number("epoch", x.account_epoch);
  account.texts("variables", x.accounts);
}

std::string to_text(const receipt& x) {
  return text_of(x);
}

json to_json(const receipt& x) {
  return json::parse(to_text(x));
}

receipt receipt_from_json(const json& x) {
  receipt out{{required_text(x, "session")},
              static_cast<std::uint32_t>(required_unsigned(x, "run")),
              required_text(x, "cwd"),
              optional_text(x, "permissionMode"),
              required_unsigned(x, "last"),
              optional_texts(x, "arguments"),
              {},
              0,
              0,
              {},
              optional_number(x, "heldNs", 0)};
  if (const auto* digest = find(x, "variables"))
    out.variables = digest->get<std::uint64_t>();
  if (const auto* env = find(x, "env"))
    out.env = environment_from_json(*env);
  if (const auto* account = find(x, "account")) {
    out.account_epoch = static_cast<std::uint64_t>(optional_number(*account, "epoch", 0));
    out.accounts = optional_texts(*account, "variables");
  }
  return out;
}

std::string to_line(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace troupe
