// What supervisor and worker tell each other of a session, as JSON.
#include "messages/json_parts.hpp"
#include "messages/json_writer.hpp"

namespace troupe {

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

} // namespace troupe
