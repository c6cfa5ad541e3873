// The agent view put together: what the view wants done, as requests to the supervisor and programs on the terminal.
#include <cstdlib>
#include <filesystem>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/client.hpp"
#include "cli/output.hpp"
#include "cli/view/view_program.hpp"
#include "runtime/worker/terminal/output_ring.hpp"
#include "runtime/worker/terminal/plain_lines.hpp"

namespace troupe {

namespace {

constexpr std::size_t most_repositories = 200;

void put(json& params, const char* name, const std::string& value) {
  if (!value.empty())
    params[name] = bytes_to_json(value);
}

using places = std::vector<std::pair<std::string, std::string>>;

/// The worktrees of a repository, as git keeps them: `.git/worktrees/NAME/gitdir` names the `.git` of each.
void add_worktrees(const std::string& repository, places& out) {
  std::error_code e;
  if (repository.empty())
    return;
  for (std::filesystem::directory_iterator at(repository + "/.git/worktrees", e), end; !e && at != end;
       at.increment(e)) {
    failure ignored;
    auto link = read_file(at->path().string() + "/gitdir", ignored).value_or("");
    auto folder = std::filesystem::path(link.substr(0, link.find('\n'))).parent_path();
    if (std::error_code none; folder.is_absolute() && std::filesystem::is_directory(folder, none))
      out.emplace_back(folder.filename().string(), folder.string());
  }
}

/// Repositories beside the directory that the view was opened in, and the worktrees of its own, for `@NAME`.
places repositories_around(const std::string& cwd, const std::string& repository) {
  places out;
  std::error_code e;
  add_worktrees(repository, out);
  auto parent = std::filesystem::path(cwd).parent_path();
  std::size_t seen = 0;
  for (std::filesystem::directory_iterator at(parent, e), end; !e && at != end && ++seen <= most_repositories;
       at.increment(e))
    if (std::error_code none; std::filesystem::exists(at->path() / ".git", none))
      out.emplace_back(at->path().filename().string(), at->path().string());
  return out;
}

std::vector<view::named> named_from(const json& answer, const char* list) {
  std::vector<view::named> out;
  auto at = answer.find(list);
  if (at == answer.end() || !at->is_array())
    return out;
  for (const auto& x : *at)
    if (x.is_object() && !text_of(x, "name").empty())
      out.push_back({text_of(x, "name"), text_of(x, "description"), text_of(x, "source") == "user"});
  return out;
}

/// The last lines of a ring of output, without escapes; empty where there is none.
std::string last_lines(const std::string& path) {
  constexpr std::uint64_t most_bytes = 16384;
  constexpr std::size_t most_lines = 20;
  failure ignored;
  auto ring = output_ring::open(path, ignored);
  if (!ring.valid())
    return {};
  auto text = lines_at_end(ring, 0, most_bytes);
  while (text.ends_with("\n\n"))
    text.pop_back();
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(visible(text.substr(at, end - at)));
    at = end + 1;
  }
  std::string out;
  for (auto i = lines.size() - std::min(most_lines, lines.size()); i < lines.size(); ++i)
    out += lines[i] + "\n";
  return out;
}

} // namespace

void view_program::outcome(std::uint64_t token, bool good, std::string text) {
  event(view::outcome{token, good, std::move(text), {}});
}

void view_program::ask(const view::intent& wanted, const std::string& method, json params,
                       std::function<std::string(const json&)> text) {
  link_->ask(method, std::move(params), [this, token = wanted.token, text](const json* result, const failure& error) {
    outcome(token, result != nullptr, result == nullptr ? error.text : text ? text(*result) : "");
  });
}

void view_program::ask_keyed(const view::intent& wanted, const std::string& method, json params,
                             std::function<std::string(const json&)> text, std::function<void()> not_trusted) {
  if (!params.contains("key"))
    params["key"] = fresh_key();
  link_->ask_keyed(method, std::move(params), [=, this](const json* result, const failure& error) {
    if (result == nullptr && error.code == errc::not_trusted && not_trusted)
      return not_trusted();
    outcome(wanted.token, result != nullptr, result == nullptr ? error.text : text ? text(*result) : "");
  });
}

void view_program::dispatch(const view::intent& wanted) {
  const auto& c = setup_.config;
  json params{{"origin", "view"}, {"cwd", bytes_to_json(wanted.directory)}, {"prompt", bytes_to_json(wanted.text)}};
  if (wanted.shell) {
    const char* shell = std::getenv("SHELL");
    params["kind"] = "exec";
    params["command"] = {shell && *shell ? shell : "/bin/sh", "-c", bytes_to_json(wanted.text)};
  } else {
    params["kind"] = "agent";
    auto& of_view = params["view"] = json::object(); // an agent definition may say otherwise (ENV-9, ENV-10)
    put(of_view, "model", wanted.model);
    put(of_view, "permissionMode", c.permission_mode);
    put(params, "agent", wanted.agent.empty() ? c.agent : wanted.agent);
    put(params, "effort", c.effort);
    put(params, "harness", c.harness);
    put(params, "mcpConfig", c.mcp_config);
  }
  put(params, "from", c.here);
  put(params, "settings", c.settings);
  for (const auto& d : c.add_dirs)
    params["addDirs"].push_back(bytes_to_json(d));
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    params["rows"] = size.ws_row;
    params["cols"] = size.ws_col;
  }
  params["env"] = environment_json();
  if (wanted.yes)
    params["withoutProject"] = true;
  auto go_on = [this, wanted, params] {
    ask_keyed(
        wanted, "session/dispatch", params, [](const json& x) { return text_of(x, "id"); },
        [this, wanted] { ask_about_trust(wanted); });
  };
  if (wanted.trust.empty())
    return go_on();
  link_->ask("trust/grant", {{"cwd", bytes_to_json(wanted.directory)}, {"hash", wanted.trust}},
             [this, wanted, go_on](const json* result, const failure& error) {
               if (result != nullptr)
                 go_on();
               else
                 outcome(wanted.token, false, error.text);
             });
}

/// TRUST-2: what the directory would be allowed is shown, and the user decides.
void view_program::ask_about_trust(const view::intent& wanted) {
  link_->ask(
      "trust/look", {{"cwd", bytes_to_json(wanted.directory)}},
      [this, token = wanted.token](const json* result, const failure& error) {
        if (result == nullptr)
          return outcome(token, false, error.text);
        view::trust_asked asked{
            token, text_of(*result, "directory"), text_of(*result, "hash"), text_of(*result, "state") == "changed", {}};
        for (const auto* list : {"allows", "warnings"})
          for (const auto& line : result->value(list, json::array()))
            asked.allows.push_back(bytes_from_json(line));
        event(std::move(asked));
      });
}

/// A shell job's last lines, from its own file: a frozen one stays frozen.
void view_program::look(const view::intent& wanted) {
  ask(wanted, "session/logs", {{"id", bytes_to_json(wanted.id)}},
      [](const json& x) { return last_lines(text_of(x, "directory") + "/output"); });
}

void view_program::carry_out(const view::intent& w) {
  using view::intent;
  auto id = bytes_to_json(w.id);
  switch (w.kind) {
  case intent::dispatch:
    return dispatch(w);
  case intent::reply:
    return ask_keyed(w, "session/reply", {{"id", id}, {"text", bytes_to_json(w.text)}, {"env", environment_json()}},
                     [](const json& x) { return text_of(x, "outcome"); });
  case intent::answer: {
    json params{{"id", id}, {"choice", bytes_to_json(w.text)}, {"by", "view"}};
    put(params, "question", w.question);
    return ask_keyed(w, "session/answer", std::move(params), {});
  }
  case intent::stop:
    return ask(w, "session/stop", {{"id", id}, {"by", "view"}});
  case intent::losses:
    return ask(w, "session/losses", {{"id", id}}, [](const json& x) { return to_line(x); });
  case intent::remove:
    return ask(w, "session/remove", {{"id", id}, {"by", "view"}, {"force", w.yes}},
               [](const json& x) { return text_of(x, "note"); });
  case intent::respawn:
    return ask(w, "session/respawn", {{"id", id}, {"env", environment_json()}});
  case intent::rename:
    return ask(w, "session/rename", {{"id", id}, {"name", bytes_to_json(w.text)}});
  case intent::pin:
    return ask(w, "session/pin", {{"id", id}, {"pinned", w.yes}});
  case intent::wake:
    return ask(w, "session/attach", {{"id", id}, {"env", environment_json()}});
  case intent::attach:
    return run_attach(w);
  case intent::sign_in:
    return run_login(w);
  case intent::sign_out:
    return link_->ask("auth/logout", json::object(), [this, token = w.token](const json* result, const failure& error) {
      outcome(token, result != nullptr, result ? "signed out" : error.text);
      ask_accounts();
    });
  case intent::look:
    return look(w);
  case intent::past:
    return ask_past(w.token);
  case intent::resume:
    return ask(w, "session/resume", {{"id", id}, {"by", "view"}, {"env", environment_json()}},
               [](const json& x) { return text_of(x, "id"); });
  case intent::edit:
    return run_editor(w);
  case intent::persist: {
    failure ignored;
    replace_file(setup_.where.state + "/view.json", w.text, false, ignored);
    return;
  }
  case intent::notify:
    return stage_.notify(visible_line(w.text), setup_.settings.bell, setup_.settings.osc9);
  case intent::suspend:
    return stage_.stop_for_a_while();
  case intent::redraw:
    return stage_.dirty(true);
  case intent::leave:
    return stage_.leave(0);
  }
}

/// The removed sessions that can be brought back (ISO-3).
void view_program::ask_past(std::uint64_t token) {
  link_->ask("session/removed", json::object(), [this, token](const json* result, const failure& error) {
    view::outcome told{token, result != nullptr, result != nullptr ? "" : error.text, {}};
    if (result != nullptr && result->is_array())
      for (const auto& x : *result)
        told.list.emplace_back(text_of(x, "id"), text_of(x, "name") + "  " + text_of(x, "sentence"));
    event(std::move(told));
  });
}

void view_program::run_attach(const view::intent& w) {
  stage_.run({setup_.client, "attach", "--from-view", w.id},
             [this, token = w.token](exit_status how, const std::string& said) {
               bool good = how.known && !how.signalled && how.value == 0;
               outcome(token, good, good ? "" : said.empty() ? "attach ended: " + to_text(how) : said);
             });
}

void view_program::run_login(const view::intent& w) {
  stage_.run({setup_.client, "login"}, [this, token = w.token](exit_status how, const std::string& said) {
    bool good = how.known && !how.signalled && how.value == 0;
    outcome(token, good, good ? "signed in" : said);
    ask_accounts();
  });
}

void view_program::run_editor(const view::intent& w) {
  stage_.edit(w.text, [this, token = w.token](bool good, const std::string& text) { outcome(token, good, text); });
}

void view_program::ask_accounts() {
  link_->ask("auth/status", json::object(), [this](const json* result, const failure&) {
    view::accounts_told told;
    if (result == nullptr || !result->contains("accounts"))
      return;
    for (const auto& a : (*result)["accounts"])
      told.names.push_back(text_of(a, "variable"));
    event(std::move(told));
  });
}

void view_program::supervisor_is_there() {
  ask_accounts();
  link_->ask("catalog/list", {{"cwd", bytes_to_json(setup_.config.cwd)}}, [this](const json* result, const failure&) {
    view::catalog_told told;
    told.known.models = setup_.settings.models;
    told.known.repositories = repositories_around(setup_.config.cwd, setup_.config.repository);
    if (result != nullptr && result->is_object()) {
      told.known.agents = named_from(*result, "agents");
      told.known.commands = named_from(*result, "commands");
      for (auto& s : named_from(*result, "skills"))
        told.known.commands.push_back(std::move(s));
    }
    event(std::move(told));
  });
}

} // namespace troupe
