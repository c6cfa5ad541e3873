// The words themselves.
#include "runtime/agent/model/system_prompt.hpp"

#include <ctime>

#include <sys/stat.h>
#include <sys/utsname.h>

namespace troupe::agent {
namespace {

constexpr const char* opening =
    "You are Troupe's agent. You do software work for the user in the directory below, with the tools you are given, "
    "mostly while nobody watches: work on by yourself until the task is done or you need a decision, and say in your "
    "last message what you did and what is left. Look before you change, change no more than the task wants, and "
    "check your work by running it. Never invent results. Be brief.";

std::string today() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

std::string platform() {
  utsname names{};
  return uname(&names) == 0 ? std::string(names.sysname) + " " + names.release + ", " + names.machine : "unknown";
}

} // namespace

std::string system_prompt(const session_setup& setup, const std::string& memory) {
  struct stat what {};
  const bool git = setup.isolated || stat((setup.cwd + "/.git").c_str(), &what) == 0;
  auto text = std::string(opening) + "\n\nDirectory: " + setup.cwd + (git ? " (a git repository)" : "") +
              "\nPlatform: " + platform() + "\nDate: " + today();
  if (setup.isolated && !setup.branch.empty())
    text +=
        "\n\nThis directory is a worktree of your own, on the branch " + setup.branch +
        ", made for this session; the user's own checkout is elsewhere and is not yours to change. Commit your work "
        "here when it is whole. You may push this branch and open a draft pull request (gh pr create --draft) when the "
        "task asks for it or a remote is there to take it. Never push to main or master, never by force, and never "
        "merge: that is the user's.";
  if (const auto prompt = text_field(setup.definition, "prompt"); prompt && !prompt->empty())
    text += "\n\n" + *prompt;
  return memory.empty() ? text : text + "\n\n" + memory;
}

std::vector<tool_offer> offers_of(const std::vector<const tool*>& tools) {
  std::vector<tool_offer> offers;
  for (const auto* each : tools)
    offers.push_back({each->name, each->description, json::parse(each->schema, nullptr, false)});
  return offers;
}

} // namespace troupe::agent
