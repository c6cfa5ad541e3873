// troupe doctor --redact [FILE]: the ledger, fit to be shared (SEC-6). What decides stays (numbers, times, causes,
// states); what people and programs have written, and where they work, does not.
#include <map>
#include <set>

#include "cli/command.hpp"
#include "runtime/files/paths.hpp"

namespace troupe {

namespace {

/// Facts whose values Troupe itself makes: numbers, states, its own sentences about processes.
const std::set<std::string>& plain_facts() {
  static const std::set<std::string> all{
      "epoch",   "version",  "pid",       "keep_workers", "successor", "worker",  "boot",
      "start",   "warm",     "arguments", "directory",    "variables", "account", "permission_mode",
      "idle_ms", "observed", "status",    "attempt",      "after_ms",  "state",   "exit_status",
      "ms",      "pinned",   "digest",    "spare",        "profile"};
  return all;
}

/// Fields of a dispatch that are words of Troupe's own.
const std::set<std::string>& plain_fields() {
  static const std::set<std::string> all{"kind", "harness",      "permissionMode", "rows",
                                         "cols", "backgrounded", "withoutProject", "forkOf"};
  return all;
}

/// Like texts become like marks, so that a reader sees what belongs together.
class marks {
public:
  json operator()(const json& value) {
    if (value.is_string() || (value.is_object() && value.contains("b64")))
      return mark_of(value.dump());
    if (value.is_array()) {
      auto out = json::array();
      for (const auto& x : value)
        out.push_back((*this)(x));
      return out;
    }
    return value;
  }

private:
  std::string mark_of(const std::string& text) {
    return "<" + std::to_string(seen_.emplace(text, seen_.size() + 1).first->second) + ">";
  }
  std::map<std::string, std::size_t> seen_;
};

json redacted(json line, marks& mark) {
  if (line.contains("facts"))
    for (auto& [name, value] : line["facts"].items())
      if (plain_facts().count(name) == 0)
        value = mark(value);
  if (line.contains("spec"))
    for (auto& [name, value] : line["spec"].items())
      if (plain_fields().count(name) == 0)
        value = mark(value);
  static const std::set<std::string> known{"n", "t", "what", "cause", "seen", "session", "run", "facts", "spec"};
  for (auto& [name, value] : line.items())
    if (known.count(name) == 0)
      value = mark(value);
  return line;
}

} // namespace

int print_redacted(const std::string& file) {
  failure error;
  auto where = find_paths(error);
  if (!where)
    return fail(error);
  auto path = file.empty() ? where->ledger() : file;
  auto text = read_file(path, error);
  if (!text)
    return fail(error.code != errc::ok ? error
                                       : failure{errc::directory, "there is no ledger: " + path +
                                                                      "\nname one: troupe doctor --redact FILE"});
  marks mark;
  for (std::size_t at = 0; at < text->size();) {
    auto end = std::min(text->find('\n', at), text->size());
    auto line = json::parse(text->substr(at, end - at), nullptr, false);
    if (line.is_object()) // what is no line of the ledger is left out
      print(to_line(redacted(std::move(line), mark)) + "\n");
    at = end + 1;
  }
  return exit_ok;
}

} // namespace troupe
