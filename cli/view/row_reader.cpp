// Rows as the control socket tells them.
#include "cli/view/row_reader.hpp"

namespace troupe {

namespace {

std::string text(const json& x, const char* name) {
  try {
    return optional_text(x, name);
  } catch (const field_error&) {
    return {};
  }
}

std::int64_t number(const json& x, const char* name, std::int64_t otherwise = 0) {
  try {
    return optional_number(x, name, otherwise);
  } catch (const field_error&) {
    return otherwise;
  }
}

bool flag(const json& x, const char* name) {
  auto at = x.find(name);
  return at != x.end() && at->is_boolean() && at->get<bool>();
}

template <class Each>
void each(const json& x, const char* name, Each take) {
  auto at = x.find(name);
  if (at != x.end() && at->is_array())
    for (const auto& item : *at)
      take(item);
}

question question_from(const json& x) {
  question out{text(x, "id"), text(x, "text"), {}, number(x, "since")};
  try {
    if (x.contains("options"))
      out.options = options_from_json(x["options"]);
  } catch (const field_error&) { // then it has none to choose from
  }
  return out;
}

view::pull_request pull_from(const json& x) {
  auto url = text(x, "url");
  if (!url.starts_with("https://") && !url.starts_with("http://")) // SEC-2
    url.clear();
  return {number(x, "number"), url, text(x, "state")};
}

} // namespace

view::session session_from_json(const json& x) {
  view::session out;
  if (!x.is_object())
    return out;
  auto& r = out.now;
  r.id.value = text(x, "id");
  r.name = text(x, "name");
  r.cwd = text(x, "cwd");
  r.kind = text(x, "kind");
  r.harness = text(x, "harness");
  r.definition = text(x, "agent");
  r.model = text(x, "model");
  r.state = text(x, "state");
  r.process = text(x, "process");
  r.sentence = text(x, "sentence");
  r.output = text(x, "output");
  r.note = text(x, "note");
  r.started_at = number(x, "startedAt");
  r.changed_at = number(x, "changedAt");
  r.pid = static_cast<std::int32_t>(number(x, "pid"));
  r.exit_status = static_cast<std::int32_t>(number(x, "exitStatus", -1));
  r.pinned = flag(x, "pinned");
  r.undelivered = static_cast<std::uint32_t>(number(x, "undelivered"));
  r.attached = static_cast<std::uint32_t>(number(x, "attached"));
  if (auto q = x.find("question"); q != x.end() && q->is_object())
    r.waiting.push_back(question_from(*q));
  if (auto e = x.find("evidence"); e != x.end() && e->is_object())
    r.told = {text(*e, "source"), number(*e, "since")};
  each(x, "activeWork", [&](const json& w) {
    if (w.is_object())
      r.work.push_back({text(w, "id"), text(w, "kind"), text(w, "title")});
  });
  each(x, "problems", [&](const json& p) {
    if (p.is_string())
      r.problems.push_back(p.get<std::string>());
  });
  if (auto tree = x.find("worktree"); tree != x.end() && tree->is_object()) {
    r.tree.path = text(*tree, "path");
    r.tree.branch = text(*tree, "branch");
  }
  each(x, "pullRequests", [&](const json& p) {
    if (p.is_object())
      out.pulls.push_back(pull_from(p));
  });
  return out;
}

} // namespace troupe
