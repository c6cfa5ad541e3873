// A user at a shell.
#include "tests/crash_matrix/shell.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

#include <poll.h>

#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"

namespace troupe::crash {

namespace {

constexpr int patience_ms = 10'000;
constexpr int most_repeats = 10;

using clock = std::chrono::steady_clock;

int left_until(clock::time_point end) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(ms, 0));
}

void take_change(std::vector<json>& rows, const json& line) {
  if (line.value("method", "") == "session/changed") {
    const auto& now = line["params"]["session"];
    auto at = std::find_if(rows.begin(), rows.end(), [&](const json& r) { return r["id"] == now["id"]; });
    if (at == rows.end())
      rows.push_back(now);
    else
      *at = now;
  } else if (line.value("method", "") == "session/removed") {
    std::erase_if(rows, [&](const json& r) { return r["id"] == line["params"]["id"]; });
  } else if (line.contains("result")) {
    rows = line["result"]["sessions"].get<std::vector<json>>();
  }
}

} // namespace

json row_of(const std::vector<json>& rows, const std::string& id) {
  auto at = std::find_if(rows.begin(), rows.end(), [&](const json& r) { return r["id"] == id; });
  return at == rows.end() ? json() : *at;
}

shell::running shell::start(const std::vector<std::string>& args) {
  auto log = "said" + std::to_string(++number_);
  return {home_.start(args, log), log};
}

said shell::finish(const running& r) const {
  auto who = identify(r.pid);
  auto fd = who ? open_process(*who) : unique_fd();
  pollfd ended{fd.get(), POLLIN, 0};
  bool in_time = !fd || ::poll(&ended, 1, patience_ms) == 1;
  if (!in_time)
    signal_process(*who, SIGKILL);
  auto status = test::wait_for(r.pid);
  return {in_time ? status : -1, test::slurp(home_.root() + "/" + r.log)};
}

said shell::say(const std::vector<std::string>& args) {
  for (int i = 0;; ++i) {
    auto answer = finish(start(args));
    if (answer.status <= 0 || answer.text.find("try again") == std::string::npos || i == most_repeats)
      return answer;
    ++repeats_;
  }
}

std::vector<said> shell::say_all(const std::vector<std::vector<std::string>>& commands) {
  std::vector<running> all;
  std::vector<said> out;
  for (const auto& c : commands)
    all.push_back(start(c));
  for (const auto& r : all)
    out.push_back(finish(r));
  return out;
}

bool shell::until(const std::function<bool(const std::vector<json>&)>& holds) {
  auto end = clock::now() + std::chrono::milliseconds(patience_ms);
  std::vector<json> rows;
  while (left_until(end) > 0) {
    unique_fd socket(connect_to(home_.home() + "/supervisor.sock"));
    if (!socket) {
      say({"agents", "--json"});
      continue;
    }
    test::write_bytes(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/subscribe","params":{"all":true}})"
                                    "\n");
    for (;;) {
      auto line = json::parse(test::read_line(socket.get(), left_until(end)), nullptr, false);
      if (!line.is_object())
        break; // it is gone, or the time is up
      take_change(rows, line);
      if (line.value("method", "") != "hello" && holds(rows))
        return true;
    }
  }
  return false;
}

} // namespace troupe::crash
