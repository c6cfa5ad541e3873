// JSON to structs and back.
#include "runtime/embedding/readings.hpp"

namespace troupe {

namespace {

std::vector<embed::option> options_of(const std::vector<option>& all) {
  std::vector<embed::option> out;
  for (const auto& o : all)
    out.push_back({o.name, o.kind, o.n});
  return out;
}

std::vector<embed::work> work_of(const std::vector<work_item>& all) {
  std::vector<embed::work> out;
  for (const auto& w : all)
    out.push_back({w.id, w.kind, w.title});
  return out;
}

} // namespace

embed::session session_of(const json& row) {
  embed::session out;
  out.id = optional_text(row, "id");
  out.name = optional_text(row, "name");
  out.cwd = optional_text(row, "cwd");
  out.harness = optional_text(row, "harness");
  out.model = optional_text(row, "model");
  out.state = optional_text(row, "state");
  out.process = optional_text(row, "process");
  out.sentence = optional_text(row, "sentence");
  out.output = optional_text(row, "output");
  out.started_at = optional_number(row, "startedAt", 0);
  out.changed_at = optional_number(row, "changedAt", 0);
  out.pid = static_cast<std::int32_t>(optional_number(row, "pid", 0));
  out.exit_status = static_cast<std::int32_t>(optional_number(row, "exitStatus", -1));
  out.pinned = optional_flag(row, "pinned", false);
  out.undelivered = static_cast<std::uint32_t>(optional_number(row, "undelivered", 0));
  out.attached = static_cast<std::uint32_t>(optional_number(row, "attached", 0));
  if (row.contains("worktree")) {
    out.worktree = optional_text(row["worktree"], "path");
    out.branch = optional_text(row["worktree"], "branch");
  }
  if (row.contains("activeWork"))
    out.active_work = work_of(work_from_json(row["activeWork"]));
  if (row.contains("question")) {
    const auto& q = row["question"];
    out.waiting = embed::question{optional_text(q, "id"), optional_text(q, "text"),
                                  options_of(options_from_json(q.value("options", json::array()))),
                                  optional_number(q, "since", 0)};
  }
  return out;
}

embed::event event_of(event e) {
  embed::event out;
  out.n = e.n;
  out.t = e.t;
  out.run = e.run;
  out.what = std::move(e.what);
  out.id = std::move(e.id);
  out.text = std::move(e.text);
  out.detail = std::move(e.detail);
  out.value = e.value;
  out.options = options_of(e.options);
  out.active_work = work_of(e.work);
  return out;
}

embed::outcome outcome_of(const json& x) {
  return {optional_text(x, "id"), optional_text(x, "name"), optional_text(x, "kind"), optional_text(x, "state"),
          static_cast<std::int32_t>(optional_number(x, "exitStatus", -1))};
}

embed::status status_of(const json& x) {
  embed::status out;
  out.state = optional_text(x, "state");
  out.pool = optional_text(x, "pool");
  out.socket = optional_text(x, "socket");
  out.log = optional_text(x, "log");
  out.version = optional_text(x, "version");
  out.workers = static_cast<std::uint32_t>(optional_number(x, "workers", 0));
  out.sessions = static_cast<std::uint32_t>(optional_number(x, "sessions", 0));
  out.epoch = static_cast<std::uint64_t>(optional_number(x, "epoch", 0));
  return out;
}

json dispatch_params(const embed::dispatch& what, const environment& shell) {
  dispatch_spec spec;
  spec.kind = what.kind;
  spec.harness = what.harness;
  spec.command = what.command;
  spec.prompt = what.prompt;
  spec.cwd = what.cwd;
  spec.name = what.name;
  spec.model = what.model;
  spec.effort = what.effort;
  spec.permission_mode = what.permission_mode;
  spec.agent = what.agent;
  spec.settings = what.settings;
  spec.add_dirs = what.add_dirs;
  spec.mcp_config = what.mcp_config;
  spec.rows = what.rows;
  spec.cols = what.cols;
  auto out = to_json(spec);
  if (spec.prompt.empty() && spec.kind == "exec") { // the row's sentence: the command as it would be typed
    std::string typed;
    for (const auto& word : spec.command)
      typed += (typed.empty() ? "" : " ") + word;
    out["prompt"] = bytes_to_json(typed);
  }
  out["env"] = to_json(what.env ? *what.env : shell);
  out["origin"] = "the host program";
  return out;
}

} // namespace troupe
