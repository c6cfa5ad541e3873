// The transcript.
#include "runtime/worker/transcript.hpp"

#include <algorithm>

namespace troupe {

void transcript::note(const event& e) {
  last_ = std::max(last_, e.n);
  if (e.what == "taken") {
    taken_[e.id] = e.n;
    prompts_.push_back({e.id, e.text, false});
  } else if (e.what == "sent") {
    std::erase_if(prompts_, [&](const prompt& p) { return p.key == e.id; });
  } else if (e.what == "ready" && !e.detail.empty()) {
    agent_session_ = e.detail;
  }
}

bool transcript::open(const std::string& path, std::vector<std::string>& problems, failure& error) {
  path_ = path;
  auto report = read_lines(
      path, 0, [&](const json& line) { note(event_from_json(line)); }, true);
  problems = std::move(report.problems);
  file_ = line_file::open(path, error);
  return error.code == errc::ok;
}

std::uint64_t transcript::write(event& e, failure& error) {
  e.n = last_ + 1;
  if (!file_.append(to_line(to_json(e)), error))
    return 0;
  note(e);
  return e.n;
}

std::vector<event> transcript::after(std::uint64_t since) const {
  std::vector<event> out;
  if (since < last_)
    read_lines(
        path_, 0,
        [&](const json& line) {
          if (auto e = event_from_json(line); e.n > since)
            out.push_back(std::move(e));
        },
        false);
  return out;
}

std::uint64_t transcript::taken(const std::string& key) const {
  auto at = taken_.find(key);
  return at == taken_.end() ? 0 : at->second;
}

std::vector<transcript::prompt> transcript::unsent() const {
  return prompts_;
}

} // namespace troupe
