// A dispatch as it comes from a front end, checked before a session exists.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

#include "messages/digest.hpp"
#include "runtime/config/environment_policy.hpp"
#include "runtime/control/front_desk.hpp"

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
  else if (::stat(path.c_str(), &st) != 0)
    why = errno == ENOENT ? "does not exist" : std::strerror(errno);
  else if (!S_ISDIR(st.st_mode))
    why = "is no directory";
  else if (::access(path.c_str(), X_OK) != 0)
    why = "may not be entered";
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

bool complete_agent(dispatch_spec& spec, const settings& chosen, failure& error) {
  if (spec.harness.empty())
    spec.harness = chosen.harness;
  if (code_points(spec.prompt) < 4) {
    error = {errc::bad_request, "Too short\ntell the agent what to do: troupe --bg \"fix the failing test\""};
    return false;
  }
  if (spec.harness == "native" || chosen.hosted.count(spec.harness) != 0)
    return true;
  auto at = chosen.harnesses.find(spec.harness);
  if (at == chosen.harnesses.end()) {
    std::vector<std::string> words{"native"};
    words.insert(words.end(), chosen.hosted.begin(), chosen.hosted.end());
    for (const auto& [name, command] : chosen.harnesses)
      words.push_back(name);
    auto near = nearest_word(spec.harness, words);
    error = {errc::bad_request, "there is no harness '" + spec.harness + "'\n" +
                                    (near.empty() ? "use native, or name its command in settings.json: harnesses." +
                                                        spec.harness + ".command"
                                                  : "did you mean '" + near + "'?")};
    return false;
  }
  spec.command = at->second;
  return true;
}

} // namespace

dispatch read_dispatch(const json& params, const settings& chosen, failure& error) {
  dispatch out;
  out.key = required_text(params, "key");
  if (out.key.size() < 8 || out.key.size() > 128)
    throw field_error("field 'key' must have 8 to 128 characters");
  out.origin = optional_text(params, "origin", "shell");
  if (!params.contains("env"))
    throw field_error("field 'env' is missing");
  out.env = forwarded(environment_from_json(params["env"]));
  out.spec = spec_from_json(params);
  if (out.spec.kind == "exec") {
    out.spec.harness = "exec";
    if (out.spec.command.empty())
      throw field_error("field 'command' is missing");
  } else if (out.spec.kind == "agent") {
    out.spec.command.clear();
    if (!complete_agent(out.spec, chosen, error))
      return out;
  } else {
    throw field_error("field 'kind' must be \"exec\" or \"agent\"");
  }
  if (out.spec.rows == 0 || out.spec.cols == 0 || out.spec.rows > 1000 || out.spec.cols > 1000)
    throw field_error("fields 'rows' and 'cols' must be 1 to 1000");
  if (!check_directory(out.spec.cwd, error))
    return out;
  out.digest = digest(out.spec);
  return out;
}

} // namespace troupe
