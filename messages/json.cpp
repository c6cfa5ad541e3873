// Sessions as JSON: their specs, lines and rows.
#include "messages/json_parts.hpp"
#include "messages/json_writer.hpp"

namespace troupe {

json to_json(const process_identity& x) {
  return {{"boot", x.boot}, {"pid", x.pid}, {"start", x.start}};
}

process_identity identity_from_json(const json& x) {
  return {required_text(x, "boot"), static_cast<std::int32_t>(required_unsigned(x, "pid")),
          required_unsigned(x, "start")};
}

// What `text_of` finds by the message's namespace, hence in none of their own.
void append(std::string& to, const dispatch_spec& x) {
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

std::string block_of(const environment& x) {
  std::string block;
  for (const auto& [name, value] : x)
    (((block += name) += '=') += value) += '\0';
  return block;
}

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

void append(std::string& to, const worktree& x) {
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

} // namespace troupe
