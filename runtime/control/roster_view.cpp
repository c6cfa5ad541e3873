// All rows as front ends see them.
#include "runtime/control/roster_view.hpp"

#include <algorithm>

#include "messages/json.hpp"

namespace troupe {

namespace {
constexpr wall_ms kept_ms = 30LL * 24 * 3'600'000; ///< KEEP-7
} // namespace

bool roster_view::is_live(const row& x) {
  return x.process != "exited" || x.state == "working" || x.state == "blocked" || x.state == "unknown";
}

std::uint64_t roster_view::take(const row& now) {
  auto at = rows_.find(now.id);
  if (at != rows_.end())
    if (auto host = hosts_.find(at->second.now.pid); host != hosts_.end() && host->second == now.id)
      hosts_.erase(host);
  if (now.gone) {
    if (at == rows_.end())
      return 0;
    order_.erase(at->second.order);
    rows_.erase(at);
    bury(now);
    return ++seq_;
  }
  if (at == rows_.end()) {
    at = rows_.emplace(now.id, shown{now, next_++, {}}).first;
    order_[at->second.order] = now.id;
    buried_.erase(now.id); // it was brought back
  }
  if (now.pid != 0)
    hosts_[now.pid] = now.id;
  at->second.now = now;
  at->second.text.clear();
  return ++seq_;
}

void roster_view::bury(const row& gone) {
  if (buried_.size() % 256 == 255) // each now and then
    std::erase_if(buried_, [&](const auto& x) { return x.second.removed_at < gone.changed_at - kept_ms; });
  buried_[gone.id] = {gone.name, gone.harness, gone.state, gone.exit_status, gone.changed_at};
}

session_id roster_view::hosted_by(const std::vector<std::int32_t>& processes) const {
  for (auto process : processes)
    if (auto at = hosts_.find(process); at != hosts_.end())
      return at->second;
  return {};
}

const row* roster_view::find(const session_id& id) const {
  auto at = rows_.find(id);
  return at == rows_.end() ? nullptr : &at->second.now;
}

std::optional<row> roster_view::buried(const session_id& id) const {
  auto at = buried_.find(id);
  if (at == buried_.end())
    return {};
  row out;
  out.id = id;
  out.name = at->second.name;
  out.harness = at->second.harness;
  out.state = at->second.state;
  out.exit_status = at->second.exit_status;
  out.changed_at = at->second.removed_at;
  out.process = "exited";
  out.gone = true;
  return out;
}

const std::string& roster_view::shown::json_text() const {
  if (text.empty())
    text = to_line(to_json(now));
  return text;
}

const std::string& roster_view::text(const session_id& id) const {
  return rows_.at(id).json_text();
}

session_id roster_view::resolve(const std::string& word, bool buried, failure& error) const {
  if (rows_.count({word}) != 0 || (buried && buried_.count({word}) != 0))
    return {word};
  std::vector<session_id> named, prefixed;
  std::vector<std::string> words;
  for (const auto& [id, x] : rows_) {
    if (!x.now.name.empty() && x.now.name == word)
      named.push_back(id);
    if (!word.empty() && id.value.starts_with(word))
      prefixed.push_back(id);
    words.push_back(x.now.name.empty() ? id.value : x.now.name);
  }
  if (named.empty() && prefixed.empty() && buried)
    for (const auto& [id, x] : buried_)
      if (x.name == word)
        named = {id};
  const auto& fits = named.empty() ? prefixed : named;
  if (fits.size() == 1)
    return fits.front();
  if (fits.empty()) {
    auto near = nearest_word(word, words);
    error = {errc::no_such_session,
             "there is no session '" + word + "'\n" +
                 (near.empty() ? "list them: troupe agents --json --all" : "did you mean '" + near + "'?")};
  } else {
    std::string list;
    for (const auto& id : fits)
      list += (list.empty() ? "" : ", ") + id.value + (find(id)->name.empty() ? "" : " (" + find(id)->name + ")");
    error = {errc::ambiguous,
             "'" + word + "' fits " + std::to_string(fits.size()) + " sessions\nname one of them: " + list};
  }
  return {};
}

std::string roster_view::list(bool all, const std::string& under) const {
  constexpr std::size_t around = 256;
  std::string out = "[";
  if (all && under.empty())
    out.reserve(longest_list_ + around);
  for (const auto& [order, id] : order_) {
    const auto& x = rows_.at(id);
    if (!all && !is_live(x.now))
      continue;
    if (!under.empty() && x.now.cwd != under && !x.now.cwd.starts_with(under == "/" ? under : under + "/"))
      continue;
    if (out.size() > 1)
      out += ',';
    out += x.json_text();
  }
  out += ']';
  longest_list_ = std::max(longest_list_, out.size());
  return out;
}

} // namespace troupe
