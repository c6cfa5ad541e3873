// The tests' ACP client.
#include "tests/units/agent_client.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace troupe::test {
namespace {

constexpr auto deadline = std::chrono::seconds{30};

} // namespace

scratch_folder::scratch_folder() {
  path = (std::filesystem::temp_directory_path() / "troupe-agent-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr)
    throw std::runtime_error("no scratch folder");
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string text_of_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text, bool append) {
  std::ofstream(path, append ? std::ios::app : std::ios::trunc) << text;
}

bool runs(pid_t pid) {
  const auto stat = text_of_file("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

fifo::fifo(std::string where) : path(std::move(where)) {
  if (mkfifo(path.c_str(), 0600) != 0)
    throw std::runtime_error("no fifo " + path);
}

std::string fifo::read_line() const {
  std::string line;
  std::ifstream stream(path);
  std::getline(stream, line);
  return line;
}

agent_client::agent_client(const scratch_folder& work) : folder_(work.path) {
  const auto* programs = std::getenv("TROUPE_BIN");
  if (programs == nullptr)
    throw std::runtime_error("TROUPE_BIN is not set: run this by ctest");
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  in_.reset(to[1]);
  out_.reset(from[0]);
  const unique_fd theirs_in(to[0]), theirs_out(from[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs_in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, theirs_out.get(), 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const auto program = std::string(programs) + "/troupe-agent";
  auto home = "HOME=" + folder_;
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin", own = "ONLY_THE_AGENTS_OWN=1";
  char* env[] = {home.data(), path.data(), own.data(), nullptr};
  char name[] = "troupe-agent", option[] = "--provider", offline[] = "offline";
  char* arguments[] = {name, option, offline, nullptr};
  const int failed = posix_spawn(&pid_, program.c_str(), &actions, &attributes, arguments, env);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0)
    throw std::runtime_error("cannot start " + program);
  ::signal(SIGPIPE, SIG_IGN);
}

agent_client::~agent_client() {
  kill_hard();
}

void agent_client::send_line(const std::string& line) {
  const auto whole = line + "\n";
  for (std::size_t at = 0; at < whole.size();) {
    const auto n = write(in_.get(), whole.data() + at, whole.size() - at);
    if (n < 0)
      throw std::runtime_error("the agent reads no more");
    at += static_cast<std::size_t>(n);
  }
}

int agent_client::send(const std::string& method, json params) {
  send_line(json{{"jsonrpc", "2.0"}, {"id", ++last_}, {"method", method}, {"params", std::move(params)}}.dump());
  return last_;
}

void agent_client::notify(const std::string& method, json params) {
  send_line(json{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}.dump());
}

void agent_client::answer(const json& request, const std::string& option) {
  const json outcome{{"outcome", "selected"}, {"optionId", option}};
  send_line(json{{"jsonrpc", "2.0"}, {"id", request["id"]}, {"result", {{"outcome", outcome}}}}.dump());
}

json agent_client::next() {
  const auto until = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      auto message = json::parse(buffer_.substr(0, end));
      buffer_.erase(0, end + 1);
      seen.push_back(message);
      return message;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd ready{out_.get(), POLLIN, 0};
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) <= 0)
      throw std::runtime_error("the agent said nothing for 30 seconds");
    char bytes[65536];
    const auto n = read(out_.get(), bytes, sizeof bytes);
    if (n <= 0)
      throw std::runtime_error("the agent has ended");
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
}

json agent_client::await(const std::function<bool(const json&)>& wanted) {
  for (;;)
    if (auto message = next(); wanted(message))
      return message;
}

json agent_client::response(int id) {
  return await([id](const json& m) { return !m.contains("method") && m.value("id", json()) == json(id); });
}

json agent_client::extension_with(json extension) const {
  extension.emplace("sessionDir", folder_ + "/session");
  extension.emplace("provider", "offline");
  extension.emplace("env", json::array({{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", folder_}}));
  return {{"troupe", std::move(extension)}};
}

std::string agent_client::open_session(const std::string& mode, json extension) {
  const auto made =
      call("session/new",
           {{"cwd", folder_}, {"mcpServers", json::array()}, {"_meta", extension_with(std::move(extension))}});
  if (!made.contains("result"))
    throw std::runtime_error("no session: " + made.dump());
  const auto id = made.at("result").at("sessionId").get<std::string>();
  call("session/set_mode", {{"sessionId", id}, {"modeId", mode}}).at("result");
  return id;
}

json agent_client::load_session(const std::string& id, json extension) {
  return call("session/load", {{"sessionId", id},
                               {"cwd", folder_},
                               {"mcpServers", json::array()},
                               {"_meta", extension_with(std::move(extension))}});
}

int agent_client::start_prompt(const std::string& session, const std::string& text) {
  return send("session/prompt", {{"sessionId", session}, {"prompt", {{{"type", "text"}, {"text", text}}}}});
}

json agent_client::permission_request() {
  return await([](const json& m) { return m.value("method", "") == "session/request_permission"; });
}

json agent_client::background() {
  return await([](const json& m) { return m.value("method", "") == "_troupe/background"; }).at("params").at("running");
}

json agent_client::call_in_progress(const std::string& title) {
  const auto announced = await([&](const json& m) {
    return m.value("method", "") == "session/update" && m["params"]["update"].value("title", "") == title;
  });
  const auto id = announced["params"]["update"]["toolCallId"];
  return await([&](const json& m) {
    return m.value("method", "") == "session/update" && m["params"]["update"].value("status", "") == "in_progress" &&
           m["params"]["update"]["toolCallId"] == id;
  });
}

std::string agent_client::said() const {
  std::string all;
  for (const auto& m : seen)
    if (m.value("method", "") == "session/update" &&
        m["params"]["update"].value("sessionUpdate", "") == "agent_message_chunk")
      all += m["params"]["update"]["content"]["text"].get<std::string>() + "|";
  return all;
}

json agent_client::tool_results() const {
  auto results = json::array();
  for (const auto& m : seen)
    if (m.value("method", "") == "session/update") {
      const auto& update = m["params"]["update"];
      const auto status = update.value("status", "");
      if (update["sessionUpdate"] == "tool_call_update" && (status == "completed" || status == "failed"))
        results.push_back({{"status", status}, {"text", update["content"][0]["content"]["text"]}});
    }
  return results;
}

int agent_client::exit_code() {
  int status = 0;
  if (pid_ > 0 && waitpid(std::exchange(pid_, -1), &status, 0) < 0)
    throw std::runtime_error("the agent is no child any more");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void agent_client::kill_hard() {
  if (pid_ <= 0)
    return;
  kill(pid_, SIGKILL);
  exit_code();
}

} // namespace troupe::test
