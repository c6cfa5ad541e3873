// credentials.json.
#include "runtime/files/credential_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "messages/json.hpp"

namespace troupe {

std::string credentials_path(const paths& where) {
  return where.config + "/credentials.json";
}

std::string credentials_lock(const paths& where) {
  return where.config + "/credentials.lock";
}

std::string stored_text(const stored_credentials& x) {
  json out{{"keys", x.keys}};
  if (!x.hosts.empty())
    out["hosts"] = x.hosts;
  if (x.elsewhere)
    out["store"] = "secret-service";
  for (const auto& l : x.logins)
    out["logins"].push_back({{"provider", l.provider},
                             {"variable", l.variable},
                             {"access", l.access},
                             {"refresh", l.refresh},
                             {"expires", l.expires},
                             {"account", l.account},
                             {"host", l.host}});
  return out.dump(2) + "\n";
}

stored_credentials stored_from(const std::string& text) {
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object())
    throw field_error("no object");
  stored_credentials out;
  auto strings = [&](const char* name, std::map<std::string, std::string>& into) {
    if (!parsed.contains(name))
      return;
    if (!parsed[name].is_object())
      throw field_error(name);
    for (const auto& [key, value] : parsed[name].items())
      if (value.is_string())
        into[key] = value.get<std::string>();
  };
  strings("keys", out.keys);
  strings("hosts", out.hosts);
  out.elsewhere = optional_text(parsed, "store") == "secret-service";
  if (parsed.contains("logins"))
    for (const auto& l : parsed["logins"])
      out.logins.push_back({required_text(l, "provider"), required_text(l, "variable"), optional_text(l, "access"),
                            optional_text(l, "refresh"), optional_number(l, "expires", 0), optional_text(l, "account"),
                            optional_text(l, "host")});
  if (!parsed.contains("keys") && !parsed.contains("logins"))
    throw field_error("keys");
  return out;
}

stored_credentials read_stored(const std::string& path, failure& error) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0)
    return {};
  if (!S_ISREG(st.st_mode) || st.st_uid != ::getuid() || (st.st_mode & 077) != 0) {
    error = {errc::no_credentials,
             "credentials are not read: " + path + " is no private file\nmake it yours alone: chmod 600 " + path};
    return {};
  }
  auto text = read_file(path, error);
  if (!text)
    return {};
  try {
    return stored_from(*text);
  } catch (const std::exception&) {
    error = {errc::no_credentials, "credentials are not read: " + path +
                                       " is not as Troupe writes it\nmove it away and sign in: troupe login"};
    return {};
  }
}

bool can_store(const std::string& path, failure& error) {
  auto fresh = path + ".new"; // as replace_file names it
  unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd)
    return true;
  error = {errc::disk,
           "credentials cannot be written: " + path + ": " + std::strerror(errno) + "\nmake the directory writable"};
  return false;
}

bool write_stored(const std::string& path, const stored_credentials& x, failure& error) {
  if (!x.empty() || x.elsewhere)
    return replace_file(path, stored_text(x), true, error);
  ::unlink((path + ".new").c_str());
  if (::unlink(path.c_str()) == 0 || errno == ENOENT)
    return true;
  error = {errc::disk, "credentials cannot be deleted: " + path + ": " + std::strerror(errno)};
  return false;
}

} // namespace troupe
