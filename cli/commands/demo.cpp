// troupe demo: the main job on the built-in agent with no network, in a scratch folder and an instance of its own,
// which are gone afterwards (DEMO-1).
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.hpp"

extern char** environ;

namespace troupe {

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// Runs a program and waits; false when it fails.
bool run_quietly(std::vector<std::string> words) {
  std::vector<char*> args;
  for (auto& w : words)
    args.push_back(w.data());
  args.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int status = 1;
  if (::posix_spawnp(&pid, args[0], &actions, nullptr, args.data(), environ) == 0)
    ::waitpid(pid, &status, 0);
  ::posix_spawn_file_actions_destroy(&actions);
  return status == 0;
}

class demo {
public:
  int run() {
    char pattern[] = "/tmp/troupe-demo-XXXXXX";
    if (!::mkdtemp(pattern))
      return fail({errc::disk, std::string("no scratch folder: ") + std::strerror(errno) + "\nfree some room in /tmp"});
    root_ = pattern;
    repository_ = root_ + "/repository";
    ::setenv("TROUPE_HOME", (root_ + "/home").c_str(), 1);
    ::unsetenv("TROUPE_SOCKET_DIR");
    int code = play();
    clean();
    return code;
  }

private:
  int play() {
    say("Troupe's demo: everything in " + root_ + ", no network, nothing left behind.");
    if (::mkdir(repository_.c_str(), 0700) != 0 || !reach(client_, true))
      return exit_failure;
    bool git = run_quietly({"git", "-C", repository_, "init", "-q"}) &&
               run_quietly({"git", "-C", repository_, "-c", "user.name=demo", "-c", "user.email=demo@localhost",
                            "commit", "-q", "--allow-empty", "-m", "An empty beginning"});
    say(git ? "made a scratch git repository" : "made a scratch folder (git is not there)");
    if (!ask_or_say(client_, "session/subscribe", {{"all", true}}) ||
        !ask_or_say(client_, "consent/give", {{"name", "bypassPermissions"}})) // in this home of the demo's own
      return exit_failure;
    bool sent = shell_job() &&
                agent("edit-greeting", "acceptEdits",
                      "say I will write the greeting.\nwrite greeting.txt Hello from Troupe\\n\nread greeting.txt\nsay "
                      "The greeting is written.") &&
                agent("ask-release", "default", "ask Shall I tag the release?\nsay Then I am done.") &&
                agent("dev-server", "bypassPermissions",
                      "background sleep 600\nsay The dev server runs; I stay as long as it does.");
    return sent && watch() && tell() && show_view() ? exit_ok : exit_failure;
  }

  static void say(const std::string& text) { print(text + "\n"); }

  bool send(const std::string& name, json params) {
    params["key"] = fresh_key();
    params["cwd"] = bytes_to_json(repository_);
    params["env"] = environment_json();
    params["name"] = name;
    auto got = ask_or_say(client_, "session/dispatch", params, true);
    if (got)
      say("backgrounded · " + text_of(*got, "id") + " · " + name +
          (got->value("warm", false) ? " (a warm worker took it)" : ""));
    return got.has_value();
  }

  bool shell_job() {
    const char* line = "for i in 1 2 3; do echo step $i; sleep 0.2; done";
    return send("shell-job", {{"kind", "exec"}, {"command", {"/bin/sh", "-c", line}}, {"prompt", line}});
  }

  bool agent(const std::string& name, const std::string& mode, const std::string& prompt) {
    return send(
        name,
        {{"kind", "agent"}, {"harness", "native"}, {"model", "offline"}, {"permissionMode", mode}, {"prompt", prompt}});
  }

  /// Prints each session's changes until all are where they should be; answers the one question that comes.
  bool watch() {
    while (!complete()) {
      json note;
      if (interrupted)
        return false;
      if (!client_.next_change(note, 1000) && !interrupted && ++silent_ == 20) {
        fail({errc::timed_out, "the demo's sessions did not get where they should\nlook at: troupe daemon logs"});
        return false;
      }
      if (!note.is_object() || note.value("method", "") != "session/changed")
        continue;
      silent_ = 0;
      const auto& row = note["params"]["session"];
      auto name = text_of(row, "name"),
           line = text_of(row, "state") + " · " + said_line(text_of(row, "sentence"), text_of(row, "output"));
      auto work = row["activeWork"].empty() ? std::string() : text_of(row["activeWork"][0], "title");
      states_[name] = {text_of(row, "state"), work};
      if (row.contains("worktree"))
        trees_[name] = text_of(row["worktree"], "path");
      if (shown_[name] != line)
        say("  " + name + std::string(14 - std::min<std::size_t>(name.size(), 13), ' ') + visible(line) +
            (work.empty() ? "" : " [running: " + visible(work) + "]"));
      shown_[name] = line;
      if (row.contains("question") && !std::exchange(answered_, true) && !answer(text_of(row, "id")))
        return false;
    }
    return true;
  }

  bool answer(const std::string& id) {
    say("answering from here: troupe answer " + id + " allow_once");
    return ask_or_say(client_, "session/answer",
                      {{"id", id}, {"choice", "allow_once"}, {"key", fresh_key()}, {"by", "demo"}}, true)
        .has_value();
  }

  bool complete() {
    auto is = [&](const char* name, const char* state) { return states_[name].first == state; };
    return is("shell-job", "done") && is("edit-greeting", "done") && is("ask-release", "done") &&
           !states_["dev-server"].second.empty() && is("dev-server", "working");
  }

  bool tell() {
    failure error;
    const auto& tree = trees_["edit-greeting"];
    auto text = read_file((tree.empty() ? repository_ : tree) + "/greeting.txt", error);
    say(tree.empty() ? "it edited in the folder itself" : "it edited in a worktree of its own: " + visible(tree));
    say("greeting.txt holds: " + visible(text.value_or("nothing")));
    say("\ntroupe why ask-release:");
    auto chain = ask_or_say(client_, "session/why", {{"id", "ask-release"}});
    if (!chain)
      return false;
    for (const auto& line : *chain)
      say("  " + visible(text_of(line, "text")));
    say("\ntroupe agents:");
    run_agents({"--list"});
    return true;
  }

  /// The agent view on all of it, where there is a terminal, until it is left.
  static bool show_view() {
    if (!view_wanted())
      return true;
    say("\nthe agent view follows: ? lists its keys, Esc leaves it and ends the demo");
    char name[] = "troupe", word[] = "agents";
    char* args[] = {name, word, nullptr};
    pid_t pid = 0;
    int status = 0;
    if (::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, args, environ) != 0)
      return false;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return true;
  }

  /// Stops the instance, sessions and all, and removes every trace.
  void clean() {
    failure error;
    client last("troupe demo");
    if (last.connect(false, error)) {
      last.ask("supervisor/stop", {{"any", true}}, error);
      last.wait_closed(30'000);
    }
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
    say("\nstopped all of it and removed " + root_);
  }

  client client_{"troupe demo"};
  std::string root_, repository_;
  std::map<std::string, std::pair<std::string, std::string>> states_; ///< state and running work, by name
  std::map<std::string, std::string> shown_, trees_;
  bool answered_ = false;
  int silent_ = 0; ///< seconds without a change
};

} // namespace

int run_demo(const arguments& args) {
  int code = exit_ok;
  argument_parser app{"Shows all of it, without network or account, in a scratch folder.", "troupe demo"};
  if (!read_arguments(app, args, "troupe demo", code))
    return code;
  // Ctrl+C ends the wait for a change, not the program: what was started is cleaned up first.
  struct sigaction quiet {};
  quiet.sa_handler = [](int) { interrupted = 1; };
  for (int s : {SIGINT, SIGTERM, SIGHUP})
    ::sigaction(s, &quiet, nullptr);
  return demo().run();
}

} // namespace troupe
