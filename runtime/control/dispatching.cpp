// A dispatch as it comes from a front end, checked before a session exists.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

#include "messages/digest.hpp"
#include "runtime/control/front_desk.hpp"
#include "runtime/files/folder_access.hpp"

namespace troupe {

namespace {

/// Checks the directory, and puts its real path in its place: what is meant by it is settled at the dispatch (F-15).
bool check_directory(std::string& path, failure& error) {
  struct stat st {};
  char real[PATH_MAX];
  std::string why;
  if (path.empty() || path.front() != '/')
    why = "is not absolute";
  else if (path.find('\0') != std::string::npos)
    why = "holds a zero byte";
  else if (error = folder_fault(path); error.code != errc::ok)
    return false; // CLI-6
  else if (::stat(path.c_str(), &st) != 0)
    why = errno == ENOENT ? "does not exist" : std::strerror(errno);
  else if (!S_ISDIR(st.st_mode))
    why = "is no directory";
  else if (!::realpath(path.c_str(), real))
    why = std::strerror(errno);
  if (why.empty()) {
    path = real;
    return true;
  }
  error = {errc::directory, "directory " + why + ": " + path + "\nname another: --cwd DIR"};
  return false;
}

std::size_t code_points(const std::string& s) {
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// FNV-1a over the dispatch's JSON: tells a repeated key from a reused one; no secret goes in (SUP-11).
std::string digest(const dispatch_spec& spec) {
  return std::to_string(digest_of(to_text(spec)));
}

std::string value_in(const environment& env, std::string_view name) {
  auto at = std::find_if(env.begin(), env.end(), [&](const auto& pair) { return pair.first == name; });
  return at == env.end() ? std::string() : at->second;
}

/// A cloud provider is chosen by the shell (ENV-2), and its own credentials with it.
bool chooses_cloud(const environment& env) {
  return std::any_of(env.begin(), env.end(), [](const auto& pair) {
    return pair.first.starts_with("CLAUDE_CODE_USE_") && !pair.second.empty() && pair.second != "0";
  });
}

/// The first agent that could start. Where there is none, the built-in one, which says what is missing.
std::string first_ready(const settings& chosen, bool native_ready, const environment& env) {
  if (native_ready || chooses_cloud(env))
    return "native";
  const auto path = value_in(env, "PATH");
  for (const auto& d : chosen.harnesses)
    if (!find_program(d.command.front(), path).empty())
      return d.name;
  return "native";
}

failure no_such_harness(const std::string& name, const settings& chosen) {
  std::vector<std::string> words{"native"};
  words.insert(words.end(), chosen.hosted.begin(), chosen.hosted.end());
  for (const auto& d : chosen.harnesses)
    words.push_back(d.name);
  auto near = nearest_word(name, words);
  return {errc::bad_request,
          "there is no harness '" + name + "'\n" +
              (near.empty() ? "use native, or name its command in settings.json: harnesses." + name + ".command"
                            : "did you mean '" + near + "'?")};
}

std::string required_key(const json& params) {
  auto key = required_text(params, "key");
  if (key.size() < 8 || key.size() > 128)
    throw field_error("field 'key' must have 8 to 128 characters");
  return key;
}

bool complete_agent(dispatch_spec& spec, const settings& chosen, bool native_ready, const environment& env,
                    failure& error) {
  if (spec.harness.empty())
    spec.harness = !chosen.harness.empty() ? chosen.harness : first_ready(chosen, native_ready, env);
  if (code_points(spec.prompt) < 4 && spec.fork_of.empty()) {
    error = {errc::bad_request, "Too short\ntell the agent what to do: troupe --bg \"fix the failing test\""};
    return false;
  }
  if (spec.harness == "native" || chosen.hosted.count(spec.harness) != 0)
    return true;
  auto at = std::find_if(chosen.harnesses.begin(), chosen.harnesses.end(),
                         [&](const auto& d) { return d.name == spec.harness; });
  if (at == chosen.harnesses.end()) {
    error = no_such_harness(spec.harness, chosen);
    return false;
  }
  spec.command = at->command;
  if (const auto path = value_in(env, "PATH"); !path.empty() && find_program(spec.command.front(), path).empty()) {
    error = {errc::bad_request, "the agent '" + spec.harness + "' is not installed: there is no program '" +
                                    spec.command.front() + "'\n" + install_remedy(*at)};
    return false;
  }
  return true;
}

} // namespace

dispatch read_fork(const json& params, const fork_source& of, const place& from, const settings& chosen,
                   const directory_settings& directories, failure& error) {
  dispatch out;
  out.key = required_key(params);
  out.origin = optional_text(params, "origin", "shell");
  if (!params.contains("env"))
    throw field_error("field 'env' is missing");
  auto shell = environment_from_json(params["env"]);
  const auto id = of.id.value;
  if (from.kind == "pty")
    error = {errc::wrong_state, "a shell job has no conversation to copy\nrun its command again: troupe respawn " + id};
  else if (from.conversation.empty())
    error = {errc::wrong_state, "its agent has not begun a conversation yet\nsee what it does: troupe logs " + id};
  else if (!from.copies)
    error = {errc::refused, "the agent '" + from.spec.harness +
                                "' cannot copy a conversation\nbegin a new one: troupe --bg --harness " +
                                from.spec.harness + " \"PROMPT\""};
  if (error.code != errc::ok)
    return out;
  out.spec = from.spec;
  out.spec.prompt = optional_text(params, "prompt");
  out.spec.name = optional_text(params, "name", of.name.empty() ? "" : of.name + "-fork");
  out.spec.backgrounded = true; // a conversation that somebody had (REST-3)
  out.spec.fork_of = id;
  out.spec.fork_from = from.conversation;
  out.spec.choices.clear();
  out.spec.command.clear();
  if (!complete_agent(out.spec, chosen, true, shell, error) || !check_directory(out.spec.cwd, error))
    return out;
  out.digest = digest(out.spec);
  out.env = directories.handed_on(shell, false);
  error = directories.complete(out.spec, shell, {out.spec.permission_mode, {}, {}}, {out.spec.model, {}, {}});
  out.spec.permission_mode = from.spec.permission_mode; // as they are (BG-1), whatever settings say by now
  out.spec.model = from.spec.model;
  return out;
}

dispatch read_dispatch(const json& params, const settings& chosen, const directory_settings& directories,
                       bool native_ready, failure& error) {
  dispatch out;
  out.key = required_key(params);
  out.origin = optional_text(params, "origin", "shell");
  if (!params.contains("env"))
    throw field_error("field 'env' is missing");
  auto shell = environment_from_json(params["env"]);
  out.spec = spec_from_json(params);
  out.spec.fork_of.clear(); // `session/fork` says what may be copied
  out.spec.fork_from.clear();
  out.spec.choices.clear(); // the table says what a session keeps, not its front end
  if (out.spec.kind == "exec") {
    out.spec.harness = "exec";
    if (out.spec.command.empty())
      throw field_error("field 'command' is missing");
  } else if (out.spec.kind == "agent") {
    out.spec.command.clear();
    if (!complete_agent(out.spec, chosen, native_ready, shell, error))
      return out;
  } else {
    throw field_error("field 'kind' must be \"exec\" or \"agent\"");
  }
  if (out.spec.rows == 0 || out.spec.cols == 0 || out.spec.rows > 1000 || out.spec.cols > 1000)
    throw field_error("fields 'rows' and 'cols' must be 1 to 1000");
  if (!check_directory(out.spec.cwd, error))
    return out;
  out.digest = digest(out.spec); // of what was asked for: what the settings make of it may change until it is repeated
  auto from = optional_text(params, "from");
  out.env = directories.handed_on(shell, from == out.spec.cwd);
  auto view = params.contains("view") ? params["view"] : json::object();
  error = directories.complete(out.spec, shell, {out.spec.permission_mode, {}, optional_text(view, "permissionMode")},
                               {out.spec.model, {}, optional_text(view, "model")});
  return out;
}

} // namespace troupe
