// The words of a story.
#include "tests/simulation/story.hpp"

#include <cstdio>

namespace troupe::simulation {

std::string story::stamp() const {
  char text[32];
  std::snprintf(text, sizeof text, "%9.3f s  ", static_cast<double>(now_) / 1000);
  return text;
}

void story::broken(std::string rule, std::string text) {
  say([&] { return "BROKEN " + rule + ": " + text; });
  broken_.push_back({std::move(rule), std::move(text)});
}

std::string name_of(worker_id id) {
  return "w" + std::to_string(id.value >> 32) + "." + std::to_string(id.value & 0xffffffff);
}

std::string brief(const event& e) {
  auto out = std::to_string(e.n) + " " + e.what;
  for (const auto& word : {e.id, e.detail, e.text})
    if (!word.empty())
      out += " '" + word.substr(0, 40) + "'";
  if (e.what == "attached" || e.what == "ended")
    out += " " + std::to_string(e.value);
  if (e.what == "work")
    out += " " + std::to_string(e.work.size()) + " running";
  return out;
}

std::string brief(const ledger_entry& e) {
  auto out = e.what;
  if (!e.session.empty())
    out += " " + e.session.value;
  if (e.run != 0)
    out += " run " + std::to_string(e.run);
  for (const auto& [name, value] : e.facts)
    if (name != "boot" && name != "pid" && name != "start" && name != "socket" && name != "digest")
      out += " " + name + "=" + value.substr(0, 40);
  return out;
}

} // namespace troupe::simulation
