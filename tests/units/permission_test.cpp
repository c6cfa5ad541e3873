// Command lines taken apart, permission rules, and what a session in its own worktree may not push.
#define CAF_SUITE permissions
#include <array>

#include "caf/test/unit_test.hpp"

#include "runtime/agent/glob_match.hpp"
#include "runtime/agent/harmless_commands.hpp"
#include "runtime/agent/permissions.hpp"
#include "runtime/agent/push_guard.hpp"

using namespace troupe::agent;

namespace {

std::string parts(const std::string& line) {
  const auto all = commands_in(line);
  if (!all)
    return "?";
  std::string text;
  for (const auto& c : *all)
    text += (text.empty() ? "" : " | ") + c.text() + (c.writes ? " >" : "");
  return text;
}

const rule_places places{"/repo", "/home/me"};

tool_use bash(const std::string& line) {
  return use_of("bash", {{"command", line}}, "/repo", {});
}

tool_use at(const std::string& tool, const std::string& path) {
  return use_of(tool, {{"path", path}}, "/repo", {{"HOME", "/home/me"}});
}

std::vector<permission_rule> rules(const std::vector<std::string>& texts) {
  std::vector<permission_rule> all;
  for (const auto& t : texts)
    all.push_back(rule_from(t).value());
  return all;
}

bool allows(const std::vector<std::string>& texts, const tool_use& use) {
  return allowed_by(rules(texts), use, places);
}

bool stops(const std::string& rule, const tool_use& use) {
  return concerns(rule_from(rule).value(), use, places);
}

} // namespace

CAF_TEST(a command line is taken apart into all the commands it runs) {
  CAF_CHECK_EQUAL(parts("git diff"), "git diff");
  CAF_CHECK_EQUAL(parts("a 'x y' \"z\"; b && c || d & e | f\ng"), "a x y z | b | c | d | e | f | g");
  CAF_CHECK_EQUAL(parts("echo $(rm -rf x) `id` <(ls)"), "rm -rf x | id | ls | echo $(...) $(...) $(...)");
  CAF_CHECK_EQUAL(parts("echo \"$(inner \"$(deep)\")\""), "deep | inner $(...) | echo $(...)");
  CAF_CHECK_EQUAL(parts("(cd x; make) && { ls; }"), "cd x | make | ls");
  CAF_CHECK_EQUAL(parts("if a; then b; else c; fi; while d; do e; done"), "a | b | c | d | e");
  CAF_CHECK_EQUAL(parts("for i in a $(b); do c $i; done"), "b | c $i");
  CAF_CHECK_EQUAL(parts("X=1 cmd a # not this; rm"), "X=1 cmd a");
  CAF_CHECK_EQUAL(parts("a > f; b 2>/dev/null; c >/dev/null 2>&1; d &> g; e >> h"), "a > | b | c | d > | e >");
  CAF_CHECK_EQUAL(parts("cat <<E; after\n$(inner) text; no\nE\nlast"), "cat | after | inner | last");
  CAF_CHECK_EQUAL(parts("cat <<'E'\n$(no)\nE\n"), "cat");
  CAF_CHECK_EQUAL(parts("a\\\n b"), "a b");
  CAF_CHECK_EQUAL(parts("echo ${x:-$(run)}"), "run | echo ${x:-$(...)}");
}

CAF_TEST(what is not understood is said to be so) {
  for (const auto* line : {"a 'b", "a \"b", "a $(b", "a `b", "case x in y) z;; esac", "f() { x; }", "a )",
                           "cat <<E\nno end", "[[ a ]]", "echo $((1+1))", "a >"})
    CAF_CHECK_EQUAL(parts(line), "?");
  CAF_CHECK_EQUAL(parts(std::string(100, '(')), "?");
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += "a;";
  CAF_CHECK_EQUAL(parts(many), "?");
}

CAF_TEST(patterns of paths fit as gitignores do) {
  CAF_CHECK(fits("src/a/b.c", "src/**"));
  CAF_CHECK(fits("a/b", "a/**/b"));
  CAF_CHECK(fits("a/x/y/b", "a/**/b"));
  CAF_CHECK(!fits("a/x/yb", "a/**/b"));
  CAF_CHECK(fits("x.cpp", "**/*.cpp"));
  CAF_CHECK(fits("d/e/x.cpp", "**/*.cpp"));
  CAF_CHECK(!fits("d/x.cpp", "*.cpp"));
  CAF_CHECK(fits("x1", "x[0-9]"));
  CAF_CHECK(!fits("xa", "x[!a-c]"));
  CAF_CHECK(fits_file("d/x.hpp", "*.{cpp,hpp}"));
  CAF_CHECK(!fits(std::string(5000, 'a'), "*a*a*a*a*a*a*a*a*a*b")); // and at once
  CAF_CHECK_EQUAL(normal_path("/a/./b//../c/"), "/a/c");
  CAF_CHECK_EQUAL(normal_path("/../.."), "/");
}

// NAT-2
CAF_TEST(a rule for commands allows a line only if each part is allowed) {
  const std::vector<std::string> git{"Bash(git diff:*)", "Bash(git log *)"};
  CAF_CHECK(allows(git, bash("git diff")));
  CAF_CHECK(allows(git, bash("git diff --stat && git log -3 | git diff")));
  CAF_CHECK(!allows(git, bash("git diffuse")));
  CAF_CHECK(!allows(git, bash("git diff; rm x")));
  CAF_CHECK(!allows(git, bash("git diff $(rm x)")));
  CAF_CHECK(!allows(git, bash("git diff `rm x`")));
  CAF_CHECK(!allows(git, bash("git diff > x")));
  CAF_CHECK(!allows(git, bash("git diff\nrm x")));
  CAF_CHECK(!allows(git, bash("git diff & rm x")));
  CAF_CHECK(!allows(git, bash("GIT_PAGER=evil git diff")));
  CAF_CHECK(!allows(git, bash("PATH=/evil; git diff")));
  CAF_CHECK(!allows(git, bash("git diff 'open")));
  CAF_CHECK(allows(git, bash("timeout 5 git diff")));
  CAF_CHECK(!allows(git, bash("sudo git diff")));
  CAF_CHECK(!allows(git, bash("")));
  CAF_CHECK(allows({"Bash"}, bash("anything > at 'all")));
  CAF_CHECK(allows({"Bash(make test)"}, bash("make test")));
  CAF_CHECK(!allows({"Bash(make test)"}, bash("make test x")));
  CAF_CHECK(allows({"Bash(npm run *:fix)"}, bash("npm run lint:fix")));
}

// NAT-2
CAF_TEST(a rule that denies sees through what runs another command) {
  for (const auto* line : {"rm x", "a && rm x", "echo $(rm x)", "sudo rm x", "env A=1 rm x", "timeout 5 rm x",
                           "xargs rm", "bash -c 'rm x'", "sh -ec 'a; rm x'", "eval rm x", "X=1 rm x", "rm x > y",
                           "nice -n 5 rm x", "echo 'open; rm x"})
    CAF_CHECK(stops("Bash(rm:*)", bash(line)));
  CAF_CHECK(!stops("Bash(rm:*)", bash("echo rm x")));
  CAF_CHECK(!stops("Bash(rm:*)", bash("rmdir x")));
}

// NAT-2
CAF_TEST(rules for files look at the path and at where its links lead) {
  CAF_CHECK(allows({"Edit(src/**)"}, at("write", "src/a.c")));
  CAF_CHECK(allows({"Edit(/src/**)"}, at("edit", "/repo/src/d/a.c")));
  CAF_CHECK(!allows({"Edit(src/**)"}, at("edit", "src/../other")));
  CAF_CHECK(!allows({"Edit(src/**)"}, at("read", "src/a")));
  CAF_CHECK(allows({"Edit(src)"}, at("edit", "src/a")));
  CAF_CHECK(stops("Read(~/.zshrc)", at("read", "~/.zshrc")));
  CAF_CHECK(stops("Read(.env)", at("read", "deep/down/.env")));
  CAF_CHECK(stops("Read(//etc/**)", at("grep", "/etc/passwd")));
  CAF_CHECK(stops("Read(//etc/hosts)", at("read", "/proc/self/root/etc/hosts"))); // a link to /
  CAF_CHECK(!allows({"Read(//proc/**)"}, at("read", "/proc/self/root/etc/hosts")));
  CAF_CHECK(!stops("Read(src/**)", at("read", "srcs/a")));
}

// NAT-2
CAF_TEST(rules for MCP tools name a server or a tool) {
  const auto use = use_of("mcp__files__read", {}, "/repo", {});
  CAF_CHECK(allows({"mcp__files"}, use));
  CAF_CHECK(allows({"mcp__files__read"}, use));
  CAF_CHECK(allows({"mcp__files__*"}, use));
  CAF_CHECK(!allows({"mcp__file"}, use));
  CAF_CHECK(!allows({"mcp__files__write"}, use));
  CAF_CHECK(!rule_from("Bash(open"));
  CAF_CHECK(!rule_from(""));
}

// NAT-2
CAF_TEST(always allows what was seen and nothing that runs other commands) {
  const auto always = [](const std::string& line) {
    std::string all;
    for (const auto& r : lasting_rules(bash(line), places))
      all += (all.empty() ? "" : ", ") + r;
    return all;
  };
  CAF_CHECK_EQUAL(always("git diff --stat && ls -l"), "Bash(git diff:*), Bash(ls:*)");
  CAF_CHECK_EQUAL(always("python x.py"), "Bash(python x.py)");
  CAF_CHECK_EQUAL(always("bash -c 'x'"), "Bash(bash -c 'x')");
  CAF_CHECK_EQUAL(always("echo x > f"), "Bash(echo x > f)");
  CAF_CHECK_EQUAL(always("git -c a=b diff"), "Bash(git -c a=b diff)");
  const auto always_edit = [](const std::string& path) { return lasting_rules(at("edit", path), places).at(0); };
  CAF_CHECK_EQUAL(always_edit("a/b"), "Edit(//repo/**)");
  CAF_CHECK_EQUAL(always_edit("/other/b"), "Edit(//other/**)");
}

// NAT-2
CAF_TEST(plan mode knows commands that only look) {
  for (const auto* line : {"ls -l | head", "git status && git diff HEAD~1", "find . -name x", "cat a; grep -r b ."})
    CAF_CHECK(only_looks(line));
  for (const auto* line : {"rm x", "ls > x", "find . -delete", "git diff --output=x", "git commit", "git -c a=b diff",
                           "$x", "ls; $(rm x)", "cat 'open", "", "sed -i s/a/b/ x", "rg --pre evil x"})
    CAF_CHECK(!only_looks(line));
}

// NAT-2
CAF_TEST(denied comes before asked and asked before allowed whatever the mode) {
  permission_setup setup;
  setup.places = places;
  setup.folders = {"/repo"};
  const auto verdict_of = [&](mode m, const tool_use& use, reach can) { return judge(setup, m, can, use, {}).is; };
  const auto row = [&](mode m) {
    return std::array{verdict_of(m, at("read", "a"), reach::harmless), verdict_of(m, at("edit", "a"), reach::edits),
                      verdict_of(m, bash("make"), reach::commands), verdict_of(m, bash("ls"), reach::commands)};
  };
  using enum verdict;
  CAF_CHECK((row(mode::ask) == std::array{allow, verdict::ask, verdict::ask, verdict::ask}));
  CAF_CHECK((row(mode::accept_edits) == std::array{allow, allow, verdict::ask, verdict::ask}));
  CAF_CHECK((row(mode::plan) == std::array{allow, refuse, refuse, verdict::ask}));
  CAF_CHECK((row(mode::bypass) == std::array{allow, allow, allow, allow}));
  CAF_CHECK(verdict_of(mode::accept_edits, at("edit", "/elsewhere/a"), reach::edits) == verdict::ask);
  CAF_CHECK(verdict_of(mode::accept_edits, at("edit", ".git/hooks/pre-commit"), reach::edits) == verdict::ask);
  setup.allow = rules({"Bash(make:*)", "Read", "Edit"});
  setup.ask = rules({"Bash(make install:*)"});
  setup.deny = rules({"Bash(make clean:*)", "Read(.env)"});
  CAF_CHECK(verdict_of(mode::ask, bash("make all"), reach::commands) == allow);
  for (const auto m : {mode::ask, mode::bypass}) {
    CAF_CHECK(verdict_of(m, bash("make install"), reach::commands) == verdict::ask);
    CAF_CHECK(verdict_of(m, bash("make all && make clean"), reach::commands) == refuse);
    CAF_CHECK(verdict_of(m, at("read", "x/.env"), reach::harmless) == refuse);
  }
  CAF_CHECK(verdict_of(mode::plan, at("edit", "a"), reach::edits) == refuse); // whoever has allowed it
  CAF_CHECK(judge(setup, mode::ask, reach::commands, bash("ls x"), rules({"Bash(ls:*)"})).is == allow);
  CAF_CHECK(verdict_of(mode::plan, use_of("mcp__a__b", {}, "/repo", {}), reach::looks) == verdict::ask);
  CAF_CHECK(verdict_of(mode::plan, use_of("mcp__a__b", {}, "/repo", {}), reach::commands) == refuse);
  setup.guarded = true;
  CAF_CHECK(verdict_of(mode::bypass, bash("git push origin main"), reach::commands) == refuse);
  CAF_CHECK(verdict_of(mode::bypass, use_of("mcp__github__merge_pull_request", {}, "/repo", {}), reach::commands) ==
            refuse);
  std::vector<std::string> problems;
  permissions_from({{"allow", {"Bash(x", 5}}, {"deny", "no list"}}, {}, "/repo", {}, problems);
  CAF_CHECK_EQUAL(problems.size(), 3u);
}

// PR-2
CAF_TEST(a session in its own worktree pushes its own branch and nothing else) {
  const auto refused = [](const std::string& line) { return refused_push(line, "fix"); };
  for (const auto* line : {"git push", "git push origin fix", "git push -u origin HEAD", "git push origin HEAD:fix",
                           "git commit -m 'push main'", "gh pr create --draft --fill", "gh pr view",
                           "echo git push origin main", "git merge main", "git -C /x push origin fix:fix",
                           "git log origin/main", "git push origin refs/heads/fix", "ls"})
    CAF_CHECK_EQUAL(refused(line), "");
  for (const auto* line : {"git push origin main",
                           "git push origin master",
                           "git push origin HEAD:main",
                           "git push origin fix:refs/heads/main",
                           "git push origin :main",
                           "git push -f",
                           "git push --force-with-lease",
                           "git push -uf origin fix",
                           "git push origin +fix",
                           "git push --mirror",
                           "git push --all",
                           "cd x && git push origin main",
                           "sh -c 'git push origin main'",
                           "env A=b git push origin main",
                           "git -c alias.p=push push origin fix",
                           "git push origin $BRANCH",
                           "git push $REMOTE main",
                           "/usr/bin/git push origin main",
                           "echo $(git push origin main)",
                           "gh pr merge 5",
                           "gh pr merge --auto",
                           "gh pr create",
                           "gh api repos/o/r/pulls/5/merge -X PUT",
                           "timeout 9 git push origin main",
                           "git 'push' origin \"main\"",
                           "git --no-pager push origin main",
                           "git push origin 'unclosed",
                           "GIT_CONFIG_COUNT=1 git push",
                           "git push origin 'refs/heads/*'"})
    CAF_CHECK(!refused(line).empty());
  CAF_CHECK(refused_push("git push", "main").starts_with("pushes main"));
  CAF_CHECK(refused_push("git push origin HEAD", "master").starts_with("pushes to master"));
}
