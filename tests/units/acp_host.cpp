// The loop around a harness.
#include "tests/units/acp_host.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace troupe::test {

acp_host::acp_host() {
  become_subreaper();
  std::string name = "/tmp/troupe-acp-XXXXXX";
  if (mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot make a directory in /tmp");
  folder = name;
  std::filesystem::create_directory(folder + "/work");
  job.session = {"ab12cd34"};
  job.run = 1;
  job.spec.kind = "agent";
  job.spec.cwd = folder + "/work";
  job.directory = folder;
  job.control_socket = folder + "/sock";
  job.env = {{"PATH", std::getenv("PATH")}, {"HOME", folder}};
}

acp_host::~acp_host() {
  harness.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

acp_options acp_host::native() {
  job.spec.permission_mode = "bypassPermissions";
  job.settings = R"({"provider": "offline"})";
  const char* bin = std::getenv("TROUPE_BIN");
  const auto program = std::string(bin != nullptr ? bin : "bin") + "/troupe-agent";
  return {program, {program}, {{"HOME", folder}, {"PATH", std::getenv("PATH")}}, true};
}

acp_options acp_host::script(const std::string& lines) const {
  return {"/bin/sh",
          {"sh", "-c", "say() { printf '%s\\n' \"$1\"; }\n" + lines, "sh", folder},
          {{"HOME", folder}, {"PATH", std::getenv("PATH")}},
          false};
}

acp_harness& acp_host::make(acp_options options) {
  harness.reset();
  events.clear();
  ended.reset();
  warmed.reset();
  harness_callbacks callbacks;
  callbacks.emit = [this](event e) {
    events.push_back(std::move(e));
    return static_cast<std::uint64_t>(events.size());
  };
  callbacks.ended = [this](exit_status status, std::string evidence) {
    if (ended)
      throw std::runtime_error("ended was told twice");
    ended = end{status, std::move(evidence)};
  };
  callbacks.warmed = [this](std::string failure) {
    if (warmed)
      throw std::runtime_error("warmed was told twice");
    warmed = std::move(failure);
  };
  harness = std::make_unique<acp_harness>(loop_, children_, std::move(callbacks), std::move(options));
  return *harness;
}

acp_harness& acp_host::open(acp_options options) {
  make(std::move(options)).start(job);
  await_event("ready");
  return *harness;
}

void acp_host::await(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      std::string all = "waited in vain; told:";
      for (const auto& each : told())
        all += "\n  " + each;
      throw std::runtime_error(all + "\n" + (ended ? "ended: " + ended->evidence : ""));
    }
    loop_.restart();
    loop_.run_one_for(std::chrono::milliseconds(20));
  }
}

const event& acp_host::await_event(const std::string& what, std::size_t which) {
  await([&] { return count(what) >= which || ended; });
  for (const auto& e : events)
    if (e.what == what && --which == 0)
      return e;
  throw std::runtime_error("the agent ended before " + what + ": " + ended->evidence);
}

std::vector<std::string> acp_host::told(const std::vector<std::string>& left_out) const {
  std::vector<std::string> all;
  for (const auto& e : events) {
    if (e.what == "text" || e.what == "options" || e.what == "mode" || e.what == "commands" ||
        std::find(left_out.begin(), left_out.end(), e.what) != left_out.end())
      continue;
    auto line = e.what;
    for (const auto& part : {e.id, e.detail, e.text})
      line += part.empty() ? "" : " " + part;
    for (const auto& each : e.work)
      line += " [" + each.kind + " " + each.title + "]";
    all.push_back(line);
  }
  return all;
}

std::string acp_host::said(const std::string& who) const {
  std::string all;
  for (const auto& e : events)
    if (e.what == "text" && e.detail == who)
      all += e.text;
  return all;
}

std::size_t acp_host::count(const std::string& what) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const event& e) { return e.what == what; }));
}

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool runs(std::int32_t pid) {
  return identify(pid).has_value();
}

} // namespace troupe::test
