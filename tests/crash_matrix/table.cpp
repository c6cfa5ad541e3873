// Rows and sums.
#include "tests/crash_matrix/table.hpp"

#include <algorithm>
#include <cstdio>

namespace troupe::crash {

namespace {

/// In the order of a session's life.
const std::vector<std::string>& parts() {
  static const std::vector<std::string> all{"start",    "dispatch", "launch", "claim",  "assign",     "work",
                                            "question", "answer",   "reply",  "idle",   "freeze",     "thaw",
                                            "reap",     "wake",     "stop",   "remove", "end of day", "recovery"};
  return all;
}

struct naming {
  const char* word;
  const char* part;
};

/// What is said tells the part, whatever the script does meanwhile.
constexpr naming said[] = {
    {"session/dispatch", "dispatch"},
    {"ledger dispatched", "dispatch"},
    {"a session's folder", "dispatch"},
    {"ledger spawned", "launch"},
    {"start a process", "launch"},
    {"a process was started", "launch"},
    {"connect to a worker", "launch"},
    {"worker/hello", "launch"},
    {"worker/ready", "launch"},
    {"ledger claimed", "claim"},
    {"worker/assign", "assign"},
    {"event assigned", "assign"},
    {"ledger assigned", "assign"},
    {"ledger start", "work"},
    {"worker/start", "work"},
    {"event started", "work"},
    {"event ready", "work"},
    {"event sent", "work"},
    {"event text", "work"},
    {"event tool", "work"},
    {"event work", "work"},
    {"event turn_ended", "work"},
    {"event question", "question"},
    {"session/answer", "answer"},
    {"ledger answer", "answer"},
    {"worker/answer", "answer"},
    {"event answered", "answer"},
    {"session/reply", "reply"},
    {"ledger reply", "reply"},
    {"worker/deliver", "reply"},
    {"event taken", "reply"},
    {"ledger delivered", "reply"},
    {"ledger reap", "reap"},
    {"freeze", "freeze"},
    {"frozen", "freeze"},
    {"thaw", "thaw"},
    {"supervisor_started", "start"},
    {"session/stop", "stop"},
    {"session/remove", "remove"},
};

} // namespace

std::string part_of(const boundary& where) {
  if (where.step == "start")
    return where.step;
  for (const auto& n : said)
    if (where.name.ends_with(n.word))
      return n.part;
  bool ends = where.name.ends_with("worker/end") || where.name.ends_with("event ended") ||
              where.name.ends_with("reap a child") || where.name.ends_with("ledger settled");
  bool asked = where.step == "stop" || where.step == "remove" || where.step == "end of day";
  return ends && !asked ? "reap" : where.step;
}

void table::row::add(const faults& found) {
  ++kills;
  lost += found.lost.size();
  orphans += found.orphans.size();
  doubled += found.doubled.size();
  undone += found.undone.size();
  unanswered += found.unanswered.size();
}

void table::add(const day_result& day) {
  const auto& where = day.reached.back();
  rows_[day.kills > 1 ? "recovery" : part_of(where)].add(day.found);
  sum_.add(day.found);
  ++boundaries_[where.name];
  ++days_;
  faulty_ += day.found.none() ? 0 : 1;
}

std::string table::line(const std::string& name, const row& r) {
  char text[160];
  std::snprintf(text, sizeof text, "| %-10s | %11zu | %13zu | %7zu | %17zu | %12zu | %19zu |\n", name.c_str(), r.kills,
                r.lost, r.orphans, r.doubled, r.undone, r.unanswered);
  return text;
}

std::string table::by_part() const {
  std::string out = "| killed in  | kill points | lost sessions | orphans | double deliveries | undone stops | "
                    "unanswered commands |\n"
                    "| ---------- | ----------: | ------------: | ------: | ----------------: | -----------: | "
                    "------------------: |\n";
  for (const auto& part : parts())
    if (auto at = rows_.find(part); at != rows_.end())
      out += line(part, at->second);
  return out + line("all", sum_);
}

std::string table::by_boundary() const {
  std::vector<std::pair<std::string, std::size_t>> all(boundaries_.begin(), boundaries_.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out = "| killed at | times |\n| --- | ---: |\n";
  for (const auto& [name, times] : all)
    out += "| " + name + " | " + std::to_string(times) + " |\n";
  return out;
}

} // namespace troupe::crash
