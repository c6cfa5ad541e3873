// What all commands share.
#include "cli/command.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace troupe {

std::vector<described_command> describe_commands() {
  std::vector<described_command> out;
  auto ask = [&](const std::string& name, const std::string& summary, auto run) {
    auto one = describe([&] { run(arguments{}); });
    one.name = name;
    if (!summary.empty())
      one.summary = summary;
    out.push_back(std::move(one));
  };
  ask("", "", run_bg);
  for (const auto& c : commands())
    ask(c.name, c.summary, c.run);
  return out;
}

bool reach(client& c, bool start) {
  failure error;
  if (c.connect(start, error))
    return true;
  fail(error);
  return false;
}

std::optional<json> ask_or_say(client& c, const std::string& method, const json& params, bool surely) {
  failure error;
  auto result = surely ? c.ask_surely(method, params, error) : c.ask(method, params, error);
  if (!result)
    fail(error);
  return result;
}

int become_view(const arguments& args) {
  char self[PATH_MAX];
  auto n = ::readlink("/proc/self/exe", self, sizeof self);
  auto program = own_program("troupe-view");
  arguments words{"troupe-view", "--client", std::string(self, static_cast<std::size_t>(std::max<ssize_t>(n, 0)))};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> list;
  for (auto& w : words)
    list.push_back(w.data());
  list.push_back(nullptr);
  ::execv(program.c_str(), list.data());
  return fail({errc::not_started, "the view cannot be started: " + program + ": " + std::strerror(errno) +
                                      "\ninstall it beside troupe, or list sessions: troupe agents --list"});
}

std::string settings_argument(const std::string& given) {
  char real[PATH_MAX];
  if (given.starts_with("{") || !::realpath(given.c_str(), real))
    return given;
  return real;
}

std::string read_input() {
  std::string out;
  char block[65536];
  for (;;) {
    auto n = ::read(STDIN_FILENO, block, sizeof block);
    if (n <= 0)
      return out;
    out.append(block, static_cast<std::size_t>(n));
  }
}

} // namespace troupe
