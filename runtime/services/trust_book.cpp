// trust.json.
#include "runtime/services/trust_book.hpp"

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include <sha2.h>

#include "messages/json.hpp"
#include "runtime/files/paths.hpp"

namespace troupe {

namespace {

std::optional<trust_entry> entry_from(const json& x) {
  try {
    trust_entry out;
    out.path = required_text(x, "path");
    out.device = required_unsigned(x, "device");
    out.inode = required_unsigned(x, "inode");
    out.hash = required_text(x, "hash");
    out.others = required_text(x, "others");
    out.at = optional_number(x, "at", 0);
    if (x.contains("sends"))
      for (const auto& pair : environment_from_json(x["sends"]))
        out.sends.push_back(pair);
    return out;
  } catch (const std::exception&) {
    return {}; // trusts nothing
  }
}

json entry_json(const trust_entry& e) {
  auto sends = json::array();
  for (const auto& [host, variable] : e.sends)
    sends.push_back({host, variable});
  return {{"path", bytes_to_json(e.path)},
          {"device", e.device},
          {"inode", e.inode},
          {"hash", e.hash},
          {"others", e.others},
          {"at", e.at},
          {"sends", sends}};
}

} // namespace

std::string hash_of(const std::string& text) {
  char out[SHA256_DIGEST_STRING_LENGTH];
  return ::SHA256Data(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), out);
}

std::vector<trust_entry> trust_book::all() const {
  struct stat st {};
  failure ignored;
  if (::lstat(path_.c_str(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != ::getuid() || (st.st_mode & 077) != 0)
    return {};
  auto text = read_file(path_, ignored);
  auto parsed = text ? json::parse(*text, nullptr, false) : json();
  std::vector<trust_entry> out;
  if (parsed.is_object() && parsed.contains("directories") && parsed["directories"].is_array())
    for (const auto& item : parsed["directories"])
      if (auto e = entry_from(item))
        out.push_back(std::move(*e));
  return out;
}

std::optional<trust_entry> trust_book::find(const std::string& real) const {
  struct stat st {};
  if (::stat(real.c_str(), &st) != 0)
    return {};
  for (auto& e : all())
    if (e.path == real && e.device == st.st_dev && e.inode == st.st_ino)
      return e;
  return {};
}

trust_state trust_book::state(const std::string& real, const project_word& word, bool for_others) const {
  if (!word.speaks && !(for_others && word.speaks_to_others))
    return trust_state::nothing;
  auto known = find(real);
  if (!known)
    return trust_state::unknown;
  bool same = known->hash == hash_of(word.executes) && (!for_others || known->others == hash_of(word.executes_others));
  return same ? trust_state::trusted : trust_state::changed;
}

bool trust_book::grant(const std::string& real, const project_word& word,
                       const std::vector<std::pair<std::string, std::string>>& sends, wall_ms now, failure& error) {
  struct stat st {};
  if (::stat(real.c_str(), &st) != 0) {
    error = {errc::directory, "directory does not exist: " + real + "\nname another: troupe trust DIR"};
    return false;
  }
  auto entries = all();
  std::erase_if(entries, [&](const auto& e) { return e.path == real; });
  entries.push_back({real, st.st_dev, st.st_ino, hash_of(word.executes), hash_of(word.executes_others), now, sends});
  return write(entries, error);
}

bool trust_book::revoke(const std::string& real, failure& error) {
  auto entries = all();
  if (std::erase_if(entries, [&](const auto& e) { return e.path == real; }) == 0)
    return false;
  return write(entries, error);
}

bool trust_book::write(const std::vector<trust_entry>& entries, failure& error) const {
  auto list = json::array();
  for (const auto& e : entries)
    list.push_back(entry_json(e));
  return replace_file(path_, json{{"directories", list}}.dump(2) + "\n", true, error);
}

} // namespace troupe
