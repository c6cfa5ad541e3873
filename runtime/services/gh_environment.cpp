// A user's account, without a repository's say.
#include "runtime/services/gh_environment.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include "runtime/config/environment_policy.hpp"
#include "runtime/services/project_reading.hpp"

namespace troupe {

namespace {

const std::set<std::string_view>& plain() {
  static const std::set<std::string_view> names{
      "HOME",       "USER",        "LOGNAME",  "LANG",       "GH_TOKEN",    "GITHUB_TOKEN", "DBUS_SESSION_BUS_ADDRESS",
      "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",     "ALL_PROXY",
      "all_proxy"};
  return names;
}

/// Those that name a file or a folder.
const std::set<std::string_view>& places() {
  static const std::set<std::string_view> names{"GH_CONFIG_DIR",  "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME",
                                                "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE",  "SSL_CERT_DIR"};
  return names;
}

/// Without links, `..` and doubled slashes, as far as it is there.
std::string real(const std::string& path) {
  std::error_code error;
  auto out = std::filesystem::weakly_canonical(path, error);
  return error ? path : out.string();
}

bool within(const std::string& path, const std::string& folder) {
  return (path + "/").starts_with(folder + "/");
}

class fence {
public:
  fence(const std::vector<std::string>& folders, const std::string& home) {
    for (const auto& folder : folders)
      if (folder.starts_with('/'))
        for (const auto& each : {real(folder), real(chain_of(folder).back())})
          if (each.size() > 1 && (home.empty() || !within(real(home), each)))
            folders_.push_back(each);
  }
  [[nodiscard]] bool keeps_out(const std::string& path) const {
    return !path.starts_with('/') ||
           std::any_of(folders_.begin(), folders_.end(), [&, at = real(path)](const auto& f) { return within(at, f); });
  }

private:
  std::vector<std::string> folders_;
};

std::string path_outside(const std::string& path, const fence& around) {
  std::string out;
  for (std::size_t from = 0; from <= path.size();) {
    auto end = std::min(path.find(':', from), path.size());
    if (auto entry = path.substr(from, end - from); !around.keeps_out(entry))
      out += (out.empty() ? "" : ":") + entry;
    from = end + 1;
  }
  return out;
}

} // namespace

environment gh_environment(const environment& env, const std::vector<std::string>& folders) {
  const auto* home = find_variable(env, "HOME");
  fence around(folders, home ? *home : std::string());
  environment out;
  for (const auto& [name, value] : env)
    if (name == "PATH")
      out.emplace_back(name, path_outside(value, around));
    else if (plain().count(name) != 0 || (places().count(name) != 0 && !around.keeps_out(value)))
      out.emplace_back(name, value);
  return out;
}

} // namespace troupe
