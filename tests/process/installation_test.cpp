// What `cmake --install` puts where, that it works from there, and that an uninstallation leaves nothing but what it
// says: on a copy of the tree that embedding.installed has installed.
#define CAF_SUITE installation
#include <filesystem>
#include <set>
#include <sstream>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "tests/process/shell.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::holds;
using troupe::test::run;
using troupe::test::run_result;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
namespace fs = std::filesystem;

namespace {

/// What is below a folder, by its path there: files and links, and folders with a slash behind.
std::set<std::string> below(const std::string& folder) {
  std::set<std::string> out;
  for (const auto& each : fs::recursive_directory_iterator(folder))
    out.insert(fs::relative(each.path(), folder).string() + (each.is_directory() && !each.is_symlink() ? "/" : ""));
  return out;
}

/// The files that a manifest names, and itself.
std::set<std::string> listed(const std::string& prefix) {
  std::set<std::string> out{"share/troupe/manifest"};
  std::istringstream in(slurp(prefix + "/share/troupe/manifest"));
  for (std::string line; std::getline(in, line);)
    out.insert(line.substr(2) + (line.starts_with("d ") ? "/" : ""));
  return out;
}

std::string lines(const std::set<std::string>& all) {
  std::string out;
  for (const auto& x : all)
    out += x + "\n";
  return out;
}

/// A person with a home folder, and a copy of the installation (by hard links, beside it: it is large).
struct person {
  sandbox s; ///< for its folder alone
  std::string prefix = std::string(std::getenv("TROUPE_INSTALLED")) + "-" + std::to_string(::getpid());
  std::string home = s.root() + "/person", troupe = prefix + "/bin/troupe";

  person() {
    fs::create_directories(home);
    auto copied = run(s, {"/bin/cp", "-al", std::getenv("TROUPE_INSTALLED"), prefix});
    CAF_REQUIRE_EQUAL(copied.out, "");
  }
  ~person() {
    std::error_code ignored;
    if (fs::exists(troupe)) // of a test that failed
      as_person({troupe, "daemon", "stop", "--any"});
    fs::remove_all(prefix, ignored);
  }
  /// Runs it as that person: home and the XDG folders' defaults, nothing of whoever runs the test.
  run_result as_person(std::vector<std::string> words, environment more = {}) const {
    for (const auto& [name, value] : {std::pair{"HOME", home},
                                      {"XDG_CONFIG_HOME", ""},
                                      {"XDG_STATE_HOME", ""},
                                      {"XDG_RUNTIME_DIR", s.root() + "/run"},
                                      {"TROUPE_HOME", ""},
                                      {"PATH", prefix + "/bin:/usr/local/bin:/usr/bin:/bin"}})
      more.emplace_back(name, value);
    return run(s, std::move(words), std::move(more));
  }
  bool lacks(const std::string& program) const {
    if (as_person({"/bin/sh", "-c", "command -v " + program}).status == 0)
      return false;
    std::printf("INSTALLATION SKIPPED in part: %s is not installed\n", program.c_str());
    return true;
  }
};

} // namespace

CAF_TEST(the manifest names each file that was installed and each has its place) {
  person p;
  CAF_CHECK_EQUAL(lines(listed(p.prefix)), lines(below(p.prefix)));
  auto all = below(p.prefix);
  for (const char* file :
       {"bin/troupe", "libexec/troupe/troupe-supervisor", "libexec/troupe/troupe-worker", "libexec/troupe/troupe-agent",
        "libexec/troupe/troupe-model", "libexec/troupe/troupe-view", "libexec/troupe/troupe-credentials",
        "libexec/troupe/troupe-worktree", "include/troupe.hpp", "share/man/man1/troupe.1",
        "share/bash-completion/completions/troupe", "share/zsh/site-functions/_troupe",
        "share/fish/vendor_completions.d/troupe.fish", "share/troupe/schema.json", "share/doc/troupe/LICENSE"})
    if (!all.contains(file))
      CAF_ERROR(file << " was not installed");
  CAF_CHECK_EQUAL(std::count_if(all.begin(), all.end(),
                                [](const auto& f) { return f.ends_with("/cmake/troupe/troupeConfig.cmake"); }),
                  1);
  for (const auto& file : all)
    if (file.starts_with("libexec/troupe/t"))
      CAF_CHECK(::access((p.prefix + "/" + file).c_str(), X_OK) == 0);
  CAF_CHECK_EQUAL(slurp(p.prefix + "/share/doc/troupe/LICENSE"),
                  slurp(std::string(std::getenv("TROUPE_SOURCE")) + "/LICENSE"));
}

// CLI-4
CAF_TEST(the man page is found and reads without a warning) {
  person p;
  if (p.lacks("man"))
    return;
  const environment paths{{"MANPATH", p.prefix + "/share/man"}, {"LC_ALL", "C.UTF-8"}, {"MANWIDTH", "80"}};
  CAF_CHECK_EQUAL(p.as_person({"man", "-w", "troupe"}, paths).out, p.prefix + "/share/man/man1/troupe.1\n");
  auto page = p.as_person({"man", "--warnings", "-l", p.prefix + "/share/man/man1/troupe.1"}, paths);
  CAF_CHECK_EQUAL(page.status, 0);
  CAF_CHECK(holds(page.out, "troupe") && holds(page.out, "SYNOPSIS"));
  CAF_CHECK(!holds(page.out, "troff:") && !holds(page.out, "<standard input>"));
}

// CLI-4
CAF_TEST(each shell finds its completion in the installation) {
  person p;
  const environment share{{"XDG_DATA_DIRS", p.prefix + "/share:/usr/share"}, {"TERM", "dumb"}};
  const std::string loader = "/usr/share/bash-completion/bash_completion";
  if (fs::exists(loader))
    CAF_CHECK(holds(
        p.as_person({"bash", "--norc", "-c", "source " + loader + "; _completion_loader troupe; complete -p troupe"},
                    share)
            .out,
        "-F _troupe troupe"));
  else
    std::puts("INSTALLATION SKIPPED in part: bash-completion is not installed");
  if (!p.lacks("zsh"))
    CAF_CHECK_EQUAL(p.as_person({"zsh", "-f", "-c",
                                 "fpath=(" + p.prefix +
                                     "/share/zsh/site-functions $fpath); autoload -Uz compinit; "
                                     "compinit -u -D; print $_comps[troupe]"},
                                share)
                        .out,
                    "_troupe\n");
  if (!p.lacks("fish"))
    CAF_CHECK(holds(p.as_person({"fish", "-c", "complete -C 'troupe atta'"}, share).out, "attach\t"));
}

CAF_TEST(an installed troupe runs its own programs and an uninstallation leaves what it says and nothing else) {
  person p;
  auto repo = p.home + "/repo";
  fs::create_directories(repo);
  CAF_CHECK(holds(p.as_person({p.troupe, "--version"}).out, "troupe "));
  auto healthy = p.as_person({p.troupe, "doctor", "--no-agents"});
  CAF_CHECK_EQUAL(healthy.status == 0 ? "" : healthy.out, "");
  for (const char* part : {"troupe-supervisor", "troupe-worker", "troupe-agent", "troupe-worktree"})
    CAF_CHECK(holds(healthy.out, std::string("✓ programs: ") + part));
  auto git = p.as_person({"/bin/sh", "-c",
                          "cd " + repo +
                              " && git init -q -b main . && git -c user.name=n -c user.email=n@localhost "
                              "commit -q --allow-empty -m one"});
  CAF_REQUIRE_EQUAL(git.out, "");
  fs::create_directories(p.home + "/.config/troupe");
  fs::permissions(p.home + "/.config/troupe", fs::perms::owner_all);
  spill(p.home + "/.config/troupe/settings.json", R"({"provider": "offline"})");
  auto made = p.as_person({p.troupe, "--bg", "--quiet", "--cwd", repo, "--permission-mode", "acceptEdits",
                           "write new.txt hello\nsay done"});
  CAF_REQUIRE_EQUAL(made.status == 0 ? "" : made.out, "");
  auto id = made.out.substr(0, made.out.find('\n'));
  CAF_CHECK_EQUAL(p.as_person({p.troupe, "wait", id, "--timeout", "30"}).status, 0);
  CAF_CHECK_EQUAL(slurp(repo + "/.troupe/worktrees/" + id + "/new.txt"), "hello");
  CAF_CHECK(p.as_person({p.troupe, "--bg", "--quiet", "--exec", "sleep 300"}).status == 0);

  auto users = below(p.home);
  auto plan = p.as_person({p.troupe, "uninstall", "--dry-run", "--purge"}).out;
  CAF_CHECK(holds(plan, ".troupe/worktrees"));
  auto gone = p.as_person({p.troupe, "uninstall", "--purge", "--yes", "--stop-sessions"});
  CAF_CHECK_EQUAL(gone.status == 0 ? "" : gone.out, "");
  CAF_CHECK(!fs::exists(p.prefix) || fs::is_empty(p.prefix)); // not even a folder
  std::set<std::string> stay;                                 // all that is the user's own: the repository, whole
  for (const auto& path : users)
    if (path.starts_with("repo/") || path == ".config/" || path == ".local/" || path == ".local/state/")
      stay.insert(path);
  CAF_CHECK_EQUAL(lines(below(p.home)), lines(stay));
  CAF_CHECK(!fs::exists(p.s.root() + "/run") || fs::is_empty(p.s.root() + "/run"));
}

CAF_TEST(an uninstallation without purge leaves settings and sessions as they were) {
  person p;
  CAF_CHECK_EQUAL(p.as_person({p.troupe, "--bg", "--quiet", "--exec", "echo hello"}).status, 0);
  CAF_CHECK_EQUAL(p.as_person({p.troupe, "daemon", "stop", "--any"}).status, 0);
  auto before = below(p.home);
  CAF_CHECK(before.contains(".local/state/troupe/ledger.jsonl"));
  CAF_CHECK_EQUAL(p.as_person({p.troupe, "uninstall", "--yes"}).status, 0);
  CAF_CHECK_EQUAL(lines(below(p.home)), lines(before));
  CAF_CHECK(!fs::exists(p.prefix) || fs::is_empty(p.prefix));
}
