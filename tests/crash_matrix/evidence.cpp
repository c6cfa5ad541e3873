// Seen from outside.
#include "tests/crash_matrix/evidence.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "runtime/io/process.hpp"

namespace troupe::crash {

namespace {

namespace fs = std::filesystem;

std::vector<json> lines_of(const std::string& path) {
  std::vector<json> out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    out.push_back(json::parse(line, nullptr, false));
  return out;
}

std::string describe(const process_identity& p) {
  auto words = test::slurp("/proc/" + std::to_string(p.pid) + "/cmdline");
  std::replace(words.begin(), words.end(), '\0', ' ');
  return "process " + std::to_string(p.pid) + " " + words;
}

std::string fact(const json& entry, const char* name) {
  return entry.contains("facts") ? entry["facts"].value(name, "") : "";
}

/// Numbers from 1 without gap or double.
void check_numbers(const std::string& what, const std::vector<json>& lines, faults& found) {
  std::uint64_t last = 0;
  for (const auto& line : lines) {
    auto n = line.is_object() ? line.value("n", std::uint64_t{0}) : 0;
    if (n != last + 1) {
      found.lost.push_back(what + ": line " + std::to_string(n) + " follows line " + std::to_string(last));
      return;
    }
    last = n;
  }
}

void once_each(const std::string& what, const std::vector<std::string>& words, faults& found) {
  std::set<std::string> seen;
  for (const auto& w : words)
    if (!seen.insert(w).second)
      found.doubled.push_back(what + " twice: " + w);
}

void check_transcript(const std::string& name, const std::string& folder, faults& found) {
  auto lines = lines_of(folder + "/transcript.jsonl");
  check_numbers("transcript of " + name, lines, found);
  for (const char* kind : {"taken", "sent", "turn_ended"}) {
    std::vector<std::string> keys;
    for (const auto& e : lines)
      if (e.is_object() && e.value("what", "") == kind)
        keys.push_back(e.value("id", ""));
    once_each(name + " has " + kind, keys, found);
  }
  std::vector<std::string> prompts;
  for (const auto& m : lines_of(folder + "/conversation.jsonl"))
    if (m.is_object() && m.value("role", "") == "user")
      prompts.push_back(m["content"].dump());
  once_each(name + "'s agent was prompted", prompts, found);
}

/// No start behind a stop that nothing has followed (REST-2).
void check_stops(const std::string& name, const std::string& id, const std::vector<json>& ledger, faults& found) {
  bool stopped = false;
  for (const auto& e : ledger) {
    if (!e.is_object() || e.value("session", "") != id)
      continue;
    auto what = e.value("what", "");
    if (what == "stop" || what == "remove")
      stopped = true;
    else if (what == "reply" || what == "respawn")
      stopped = false;
    else if (stopped && (what == "claimed" || what == "start" || what == "restart"))
      found.undone.push_back(name + " was stopped, and then the ledger has: " + what);
  }
}

} // namespace

std::vector<std::string> processes_of(const test::sandbox& home, const std::string& session) {
  auto all = troupe::processes_of_session(session, home.home() + "/sessions/" + session);
  for (const auto& e : lines_of(home.home() + "/ledger.jsonl")) {
    if (!e.is_object() || e.value("session", "") != session || e.value("what", "") != "claimed")
      continue;
    process_identity worker{fact(e, "boot"), std::atoi(fact(e, "pid").c_str()), std::stoull("0" + fact(e, "start"))};
    if (!alive(worker))
      continue;
    all.push_back(worker);
    for (auto& p : descendants(worker.pid))
      all.push_back(p);
  }
  std::vector<std::string> out;
  for (const auto& p : all)
    out.push_back(describe(p));
  return out;
}

std::vector<std::string> left_after(const test::sandbox& home) {
  std::vector<std::string> out;
  for (const auto& p : home.processes())
    if (!test::gone_soon(p, 1000))
      out.push_back(describe(p));
  return out;
}

void read_files(const test::sandbox& home, const std::map<std::string, std::string>& ids, faults& found) {
  auto ledger = lines_of(home.home() + "/ledger.jsonl");
  check_numbers("ledger", ledger, found);
  for (const auto& [name, id] : ids) {
    check_stops(name, id, ledger, found);
    check_transcript(name, home.home() + "/sessions/" + id, found);
  }
  for (const auto& entry : fs::recursive_directory_iterator(home.home()))
    if (entry.path().string().find(".bad") != std::string::npos)
      found.lost.push_back("set aside: " + entry.path().string());
}

} // namespace troupe::crash
