// What stands around the commands: help, what completions and man page name, and the way out of an installation.
#define CAF_SUITE command_line
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "tests/process/shell.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::all_commands;
using troupe::test::holds;
using troupe::test::run;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
namespace fs = std::filesystem;

namespace {

/// roff writes a dash with a backslash.
std::string plain_man() {
  auto text = slurp(std::string(std::getenv("TROUPE_SOURCE")) + "/cli/troupe.1"), out = std::string();
  for (char c : text)
    if (c != '\\')
      out += c;
  return out;
}

} // namespace

// CLI-4
CAF_TEST(the help of each command has an example and each is in the list of all) {
  sandbox s;
  auto all = s.troupe({"--help"}).out;
  auto commands = all_commands(s);
  CAF_CHECK(commands.size() > 30);
  for (const auto& [name, c] : commands) {
    auto words = name.empty() ? std::vector<std::string>{"--bg"} : std::vector<std::string>();
    for (std::size_t at = 0; at < name.size();) {
      auto end = std::min(name.find(' ', at), name.size());
      words.push_back(name.substr(at, end - at));
      at = end + 1;
    }
    if (!name.empty() && name.find(' ') == std::string::npos)
      CAF_CHECK(holds(all, "\n  " + name + " "));
    words.emplace_back("--help");
    auto help = s.troupe(words);
    CAF_CHECK_EQUAL(help.status, 0);
    auto begins = "\nexample: troupe" + (name.empty() ? "" : name == "kill" ? " stop" : " " + words[0]); // one command
    if (!holds(help.out, begins))
      CAF_ERROR("no example in the help of: " << name << "\n" << help.out);
    for (const auto& o : c["options"])
      CAF_CHECK(holds(help.out, o["names"].back().get<std::string>()));
  }
  CAF_CHECK(s.processes().empty()); // a description starts nothing
}

// CLI-4
CAF_TEST(each command and flag is in each shells completion and in the man page) {
  sandbox s;
  auto man = plain_man();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    auto script = s.troupe({"completion", shell}).out;
    for (const auto& [name, c] : all_commands(s)) {
      auto word = name.substr(name.find(' ') + 1);
      if (!holds(script, word))
        CAF_ERROR(shell << " does not know the command " << name);
      if (!holds(man, word))
        CAF_ERROR("the man page does not know the command " << name);
      for (const auto& o : c["options"])
        for (const auto& n : o["names"]) {
          auto flag = n.get<std::string>();
          auto spelled = shell == std::string("fish")
                             ? (flag.starts_with("--") ? "-l " + flag.substr(2) : "-s " + flag.substr(1))
                             : flag;
          if (!holds(script, spelled))
            CAF_ERROR(shell << " does not know " << name << " " << flag);
          if (flag.starts_with("--") && flag != "--help" && !holds(man, flag))
            CAF_ERROR("the man page does not know " << name << " " << flag);
        }
    }
  }
  auto wrong = s.troupe({"completion", "csh"});
  CAF_CHECK_EQUAL(wrong.status, 2);
  CAF_CHECK_EQUAL(wrong.err, "troupe: troupe completion: there is none for: csh\n  one of: bash, zsh, fish\n");
}

namespace {

/// An installation of a few of the programs, as a manifest has it; gives the program.
std::string install(const std::string& prefix) {
  const std::string from = std::getenv("TROUPE_BIN");
  fs::create_directories(prefix + "/bin");
  fs::create_directories(prefix + "/libexec/troupe");
  fs::create_directories(prefix + "/share/troupe");
  std::string manifest = "d libexec\nd libexec/troupe\nd share/troupe\nf bin/troupe\n";
  fs::copy_file(from + "/troupe", prefix + "/bin/troupe");
  for (const char* name : {"troupe-supervisor", "troupe-worker", "troupe-agent"}) {
    fs::create_hard_link(from + "/" + name, prefix + "/libexec/troupe/" + name);
    manifest += std::string("f libexec/troupe/") + name + "\n";
  }
  spill(prefix + "/share/troupe/manifest", manifest);
  return prefix + "/bin/troupe";
}

} // namespace

CAF_TEST(uninstall removes what the manifest lists and leaves everything else) {
  sandbox s;
  auto prefix = s.root() + "/prefix";
  fs::create_directories(prefix + "/bin");
  spill(prefix + "/bin/another", "");
  auto troupe = install(prefix);
  spill(prefix + "/libexec/troupe/mine", "");
  spill(s.home() + "/settings.json", R"({"provider": "offline"})");
  auto plan = run(s, {troupe, "uninstall", "--dry-run"});
  CAF_CHECK_EQUAL(plan.status, 0);
  CAF_CHECK(holds(plan.out, prefix + ": 4 files") && holds(plan.out, s.home() + ": your data"));
  CAF_CHECK(fs::exists(troupe));
  CAF_CHECK_EQUAL(run(s, {troupe, "uninstall"}).status, 1); // nobody to ask
  CAF_CHECK(fs::exists(troupe));
  CAF_REQUIRE_EQUAL(run(s, {troupe, "--bg", "--exec", "sleep 300"}).status, 0);
  auto refused = run(s, {troupe, "uninstall", "--yes"});
  CAF_CHECK_EQUAL(refused.status, 1);
  CAF_CHECK(
      holds(refused.out, "1 session still runs\n  say what is to become of them: --stop-sessions or --keep-sessions"));
  CAF_CHECK(fs::exists(troupe));
  auto done = run(s, {troupe, "uninstall", "--yes", "--stop-sessions"});
  CAF_CHECK_EQUAL(done.status, 0);
  CAF_CHECK(s.processes().empty());
  CAF_CHECK(!fs::exists(troupe) && fs::exists(prefix + "/bin/another"));
  CAF_CHECK(!fs::exists(prefix + "/libexec/troupe/troupe-worker") && fs::exists(prefix + "/libexec/troupe/mine"));
  CAF_CHECK(!fs::exists(prefix + "/share/troupe"));
  CAF_CHECK(fs::exists(s.home() + "/settings.json") && fs::exists(s.home() + "/ledger.jsonl"));
}

CAF_TEST(purge removes the users data and nothing that is not Troupes) {
  sandbox s;
  auto troupe = install(s.root() + "/prefix");
  spill(s.root() + "/elsewhere", "precious");
  CAF_REQUIRE_EQUAL(run(s, {troupe, "--bg", "--exec", "echo hello"}).status, 0);
  spill(s.home() + "/notes.txt", "mine");
  ::symlink((s.root() + "/elsewhere").c_str(), (s.home() + "/sessions/link").c_str());
  auto done = run(s, {troupe, "uninstall", "--purge", "--yes", "--stop-sessions"});
  CAF_CHECK_EQUAL(done.status, 1); // something was kept
  CAF_CHECK(holds(done.out, "kept " + s.home() + "/notes.txt: not Troupe's"));
  CAF_CHECK_EQUAL(slurp(s.home() + "/notes.txt"), "mine");
  CAF_CHECK_EQUAL(slurp(s.root() + "/elsewhere"), "precious");
  CAF_CHECK(!fs::exists(s.home() + "/ledger.jsonl") && !fs::exists(s.home() + "/sessions"));
  CAF_CHECK(!fs::exists(troupe));
  CAF_CHECK(s.processes().empty());
}

CAF_TEST(a manifest that leads elsewhere removes nothing) {
  sandbox s;
  auto prefix = s.root() + "/prefix", troupe = install(prefix);
  spill(s.root() + "/outside", "precious");
  for (const char* line : {"f ../outside\n", "f /etc/hostname\n", "x bin/troupe\n", "f bin/../../outside\n"}) {
    spill(prefix + "/share/troupe/manifest", std::string("f bin/troupe\n") + line);
    auto done = run(s, {troupe, "uninstall", "--yes"});
    CAF_CHECK_EQUAL(done.status, 1);
    CAF_CHECK(holds(done.out, "the manifest is not of an installation of Troupe"));
  }
  fs::remove(prefix + "/share/troupe/manifest");
  CAF_CHECK(holds(run(s, {troupe, "uninstall", "--yes"}).out, "was not put there by an installation"));
  CAF_CHECK(fs::exists(troupe));
  CAF_CHECK_EQUAL(slurp(s.root() + "/outside"), "precious");
}
