// The user's settings.
#include "runtime/config/settings.hpp"

#include <algorithm>

namespace troupe {

namespace {

struct reader {
  const json& root;
  const std::string& where;
  std::vector<std::string>& problems;

  template <class T>
  void number(const char* pointer, T& into, std::int64_t least, std::int64_t most) {
    json::json_pointer at{std::string(pointer)};
    if (!root.contains(at))
      return;
    const auto& value = root.at(at);
    if (!value.is_number_integer() || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
      problems.push_back(where + ": " + pointer + " must be a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
    else
      into = static_cast<T>(value.get<std::int64_t>());
  }
  /// Seconds, also parts of one, into milliseconds.
  void seconds(const char* pointer, std::int64_t& ms, std::int64_t most) {
    json::json_pointer at{std::string(pointer)};
    if (!root.contains(at))
      return;
    const auto& value = root.at(at);
    if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > static_cast<double>(most))
      problems.push_back(where + ": " + pointer + " must be a number of seconds from 0 to " + std::to_string(most));
    else
      ms = static_cast<std::int64_t>(value.get<double>() * 1000);
  }
  void texts(const char* pointer, std::vector<std::string>& into) {
    json::json_pointer at{std::string(pointer)};
    if (!root.contains(at))
      return;
    const auto& list = root.at(at);
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const json& x) { return x.is_string(); }))
      problems.push_back(where + ": " + pointer + " must be a list of strings");
    else
      into = list.get<std::vector<std::string>>();
  }
  void text(const char* pointer, std::string& into) {
    json::json_pointer at{std::string(pointer)};
    if (!root.contains(at))
      return;
    if (root.at(at).is_string())
      into = root.at(at).get<std::string>();
    else
      problems.push_back(where + ": " + pointer + " must be a string");
  }
};

void read_memory(reader& r, memory_settings& out) {
  r.text("/memory/pressureFile", out.pressure_file);
  r.text("/memory/infoFile", out.info_file);
  r.text("/memory/groupFolder", out.group_folder);
  r.number("/memory/windowMs", out.window_ms, 500, 10'000); // the kernel's own bounds
  r.number("/memory/stallMs", out.stall_ms, 1, out.window_ms);
  r.number("/memory/plentyAvailablePercent", out.plenty_percent, 0, 100);
  r.number("/memory/leastAvailablePercent", out.least_percent, 0, 100);
  r.number("/memory/lowAvailablePercent", out.low_percent, 0, 100);
  r.number("/memory/checkMs", out.check_ms, 10, 3'600'000);
}

} // namespace

settings read_settings(const std::string& text, const std::string& where, std::vector<std::string>& problems) {
  settings out;
  auto root = json::parse(text, nullptr, false);
  if (!root.is_object()) {
    problems.push_back(where + " is not a JSON object: the defaults are used");
    return out;
  }
  reader r{root, where, problems};
  static const json::json_pointer pool_size("/warmPool/size");
  out.pool_follow = root.contains(pool_size) && root.at(pool_size) == "auto";
  if (!out.pool_follow)
    r.number("/warmPool/size", out.pool_size, 0, 64);
  r.number("/warmPool/max", out.pool_most, 1, 64);
  r.number("/warmPool/maxAgeSeconds", out.pool_max_age_seconds, 1, 30 * 86'400);
  r.number("/launch/maxConcurrent", out.launch_most, 1, 1024);
  r.number("/supervisor/lingerSeconds", out.linger_seconds, 0, 30 * 86'400);
  r.seconds("/session/idleSeconds", out.idle_ms, 30 * 86'400);
  r.seconds("/session/freezeSeconds", out.freeze_ms, 30 * 86'400);
  r.seconds("/session/sentenceSeconds", out.sentence_ms, 86'400);
  r.texts("/activeWork/ignore", out.ignored_work);
  r.number("/session/doneRowSeconds", out.row_seconds, 0, 30 * 86'400);
  r.seconds("/pullRequests/refreshSeconds", out.pull_refresh_ms, 30 * 86'400);
  read_memory(r, out.memory);
  r.text("/provider", out.provider);
  r.text("/notify/command", out.notify_command);
  static const json::json_pointer bypass("/permissions/bypassAccepted");
  out.bypass_accepted = root.contains(bypass) && root.at(bypass) == true;
  if (root.contains("harness") && root["harness"].is_string())
    out.harness = root["harness"].get<std::string>();
  out.harnesses = read_drivers(root, where, problems);
  return out;
}

} // namespace troupe
