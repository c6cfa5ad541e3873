// The vault on the real system.
#include "runtime/services/vault.hpp"

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "messages/json.hpp"
#include "runtime/config/environment_policy.hpp"

namespace troupe {

std::vector<credential> read_credentials(const std::string& path, failure& error) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0)
    return {};
  if (!S_ISREG(st.st_mode) || st.st_uid != ::getuid() || (st.st_mode & 077) != 0) {
    error = {errc::no_credentials,
             "credentials are not read: " + path + " is no private file\nmake it yours alone: chmod 600 " + path};
    return {};
  }
  auto text = read_file(path, error);
  auto parsed = text ? json::parse(*text, nullptr, false) : json();
  std::vector<credential> out;
  if (!parsed.is_object() || !parsed.contains("keys") || !parsed["keys"].is_object()) {
    error = {errc::no_credentials, "credentials are not read: " + path +
                                       " is not as Troupe writes it\nmove it away and sign in: troupe login"};
    return out;
  }
  for (const auto& [name, value] : parsed["keys"].items())
    if (value.is_string())
      out.push_back({name, value.get<std::string>()});
  return out;
}

namespace {

std::vector<std::pair<credential, std::string>> all_of(vault_state& s) {
  failure error;
  std::vector<std::pair<credential, std::string>> out;
  for (auto& c : read_credentials(s.where.config + "/credentials.json", error))
    out.emplace_back(std::move(c), "credentials.json");
  if (error.code != errc::ok)
    s.log("event=credentials_refused why=" + json(error.text).dump(-1, ' ', true, json::error_handler_t::replace));
  for (const auto& [name, value] : s.keys) // after a stored login (CRED-1)
    if (std::none_of(out.begin(), out.end(), [&](const auto& c) { return c.first.variable == name; }))
      out.emplace_back(credential{name, value}, "environment of the shell that started the background service");
  return out;
}

} // namespace

vault_actor::behavior_type make_vault(vault_actor::stateful_pointer<vault_state> self, paths where, environment shell,
                                      std::function<void(const std::string&)> log) {
  auto& st = self->state;
  st.where = std::move(where);
  st.log = std::move(log);
  for (auto& [name, value] : shell)
    if (rule_for(name) == environment_rule::credential)
      st.keys.emplace_back(name, value);
  return {
      [self](load_credentials&) {
        snapshot out;
        for (auto& [c, source] : all_of(self->state))
          out.credentials.push_back(std::move(c));
        return out;
      },
      [](refresh_credentials&) -> caf::result<snapshot> {
        return make_error(errc::no_credentials, "an API key cannot be refreshed");
      },
      [self](accounts_asked&) {
        accounts out;
        for (auto& [c, source] : all_of(self->state))
          out.names.emplace_back(c.variable, source);
        return out;
      },
  };
}

} // namespace troupe
