// The transcript.
#include "runtime/worker/transcript.hpp"

#include <algorithm>
#include <deque>

#include "runtime/files/paths.hpp"

namespace troupe {

void transcript::note(const event& e) {
  last_ = std::max(last_, e.n);
  if (e.what == "taken") {
    taken_[e.id] = e.n;
    has_words_ = true;
    prompts_.push_back({e.id, e.text, false});
  } else if (e.what == "sent") {
    std::erase_if(prompts_, [&](const prompt& p) { return p.key == e.id; });
  } else if (e.what == "ready" && !e.detail.empty()) {
    agent_session_ = e.detail;
  } else if (e.what == "usage") {
    usage_ = e.data;
  } else if (e.what == "text") {
    has_words_ = true;
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
  if (!file_.append(to_text(e), error))
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

bool hold_session(const assignment& job, unique_fd& lock, transcript& events, std::vector<std::string>& problems,
                  failure& error) {
  lock = lock_folder(job.directory, error);
  if (!lock) {
    if (error.code == errc::ok)
      error = {errc::refused, "another worker holds this session's lock"};
    return false;
  }
  if (!events.open(job.directory + "/transcript.jsonl", problems, error))
    lock.reset();
  return static_cast<bool>(lock);
}

std::string interruption_notice(bool messages) {
  return std::string("Your process was ended in the middle of your last answer and has been started again; the "
                     "conversation so far was loaded. ") +
         (messages ? "What was said to you since follows." : "No new message has come since.") +
         " Look at what is done already, then go on with what you were asked.";
}

std::vector<event> copied_words(const std::string& path, std::size_t most) {
  std::deque<event> words;
  std::map<std::string, std::uint64_t> tools; // the latest status of each stands where it began
  std::uint64_t first = 0;
  auto add = [&](event e) {
    words.push_back(std::move(e));
    if (words.size() > most) {
      words.pop_front();
      ++first;
    }
  };
  read_lines(
      path, 0,
      [&](const json& line) {
        auto e = event_from_json(line);
        event copy;
        copy.what = e.what == "taken" ? "text" : e.what;
        copy.id = e.what == "tool" ? e.id : "";
        copy.text = e.text;
        copy.detail = e.what == "taken" ? "user" : e.detail;
        if (e.what == "text" || e.what == "taken")
          return add(std::move(copy));
        if (e.what != "tool")
          return;
        if (auto known = tools.find(e.id); known != tools.end() && known->second >= first) {
          words[known->second - first].detail = e.detail;
        } else {
          tools[e.id] = first + words.size();
          add(std::move(copy));
        }
      },
      false);
  return {words.begin(), words.end()};
}

std::vector<opening_prompt> opening_prompts(const transcript& events, const assignment& job) {
  if (events.taken("first") == 0 && !job.spec.prompt.empty())
    return {{"first", job.spec.prompt, false}};
  auto unsent = events.unsent();
  bool told = std::any_of(unsent.begin(), unsent.end(), [](const auto& p) { return p.key.starts_with("restart-"); });
  std::vector<opening_prompt> out;
  if (job.interrupted && !told)
    out.push_back(
        {"restart-" + std::to_string(job.run), interruption_notice(job.waiting > 0 || !unsent.empty()), false});
  for (const auto& p : unsent)
    out.push_back({p.key, p.text, true});
  return out;
}

} // namespace troupe
