// Agent definitions, commands and skills from files.
#define CAF_SUITE definitions
#include <filesystem>
#include <fstream>

#include "caf/test/unit_test.hpp"

#include "runtime/config/definitions.hpp"
#include "tests/units/agent_client.hpp"

using namespace troupe;
using troupe::test::scratch_folder;

namespace {

struct fixture {
  scratch_folder work;
  catalog_places places{work / "config", work / "home"};

  void put(const std::string& name, const std::string& text) {
    const auto path = std::filesystem::path(work / name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  catalog read(const std::string& cwd, bool project = true) { return read_catalog(places, work / cwd, project); }
};

std::string names(const catalog& all) {
  std::string text;
  for (const auto& d : all.agents)
    text += (text.empty() ? "" : " ") + d.name;
  return text;
}

agent_definition definition(const std::string& text, std::vector<std::string>& problems) {
  agent_definition d;
  read_agent(text, "/x/a.md", d, problems);
  return d;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(definition_tests, fixture)

CAF_TEST(a definition is front matter and a prompt) {
  std::vector<std::string> problems;
  const auto d =
      definition("---\nname: reviewer\ndescription: \"Reviews: all of it\"\nmodel: sonnet\npermissionMode: plan\n"
                 "isolation: worktree\ntools: Read, Bash(git log:*, x), mcp__a\nunknown: {a: 1}\n---\nLook closely.\n",
                 problems);
  CAF_CHECK(problems.empty());
  CAF_CHECK_EQUAL(d.name, "reviewer");
  CAF_CHECK_EQUAL(d.description, "Reviews: all of it");
  CAF_CHECK_EQUAL(d.model, "sonnet");
  CAF_CHECK_EQUAL(d.permission_mode, "plan");
  CAF_CHECK_EQUAL(d.isolation, "worktree");
  CAF_CHECK_EQUAL(d.prompt, "Look closely.\n");
  CAF_CHECK((d.tools == std::vector<std::string>{"Read", "Bash(git log:*, x)", "mcp__a"}));
  CAF_CHECK((definition("---\r\ntools:\r\n  - Read\r\n  - Edit\r\nmodel: inherit\r\n---\r\nx", problems).tools ==
             std::vector<std::string>{"Read", "Edit"}));
  CAF_CHECK_EQUAL(definition("---\ndescription: d\n---", problems).name, "a"); // its file's
}

CAF_TEST(a bad file is told with its line and leaves the others) {
  put("p/.git/x", "");
  put("p/.troupe/agents/good.md", "---\nname: good\n---\n");
  put("p/.troupe/agents/no-front.md", "just text");
  put("p/.troupe/agents/open.md", "---\nname: x\n");
  put("p/.troupe/agents/yaml.md", "---\nname: y\ndescription: [a\n---\n");
  put("p/.troupe/agents/mode.md", "---\nname: odd\npermissionMode: wild\n---\n");
  put("p/.troupe/agents/name.md", "---\nname: a/b\n---\n");
  put("p/.troupe/agents/binary.md", std::string("---\n\0\xff", 6));
  put("p/.troupe/agents/huge.md", std::string(300 * 1024, 'x'));
  put("p/.troupe/agents/deep.md", "---\nname: " + std::string(5000, '[') + "\n---\n");
  put("p/.troupe/agents/list.md", "---\n- a\n---\n");
  put("p/.troupe/agents/notes.txt", "not one");
  const auto all = read("p");
  CAF_CHECK_EQUAL(names(all), "good odd");
  const auto told = [&](const std::string& text) {
    return std::count_if(all.problems.begin(), all.problems.end(),
                         [&](const auto& p) { return p.find(text) != std::string::npos; });
  };
  CAF_CHECK_EQUAL(told("no-front.md:1:"), 1);
  CAF_CHECK_EQUAL(told("open.md:1:"), 1);
  CAF_CHECK_EQUAL(told("yaml.md:"), 1);
  CAF_CHECK_EQUAL(told("mode.md:3: permissionMode 'wild' is none of"), 1);
  CAF_CHECK_EQUAL(told("name.md:2:"), 1);
  CAF_CHECK_EQUAL(told("binary.md:1:"), 1);
  CAF_CHECK_EQUAL(told("huge.md:1: larger"), 1);
  CAF_CHECK_EQUAL(told("deep.md:"), 1);
  CAF_CHECK_EQUAL(told("list.md:2:"), 1);
  CAF_CHECK_EQUAL(all.problems.size(), 9u);
}

CAF_TEST(the nearer of two of one name counts and nothing above the repository does) {
  const auto text = [](const std::string& name) { return "---\nname: " + name + "\n---\n"; };
  put("above/.troupe/agents/no.md", text("above"));
  put("above/p/.git/x", "");
  put("above/p/.claude/agents/one.md", "---\nname: one\ndescription: of the top\n---\n");
  put("above/p/in/.troupe/agents/one.md", "---\nname: one\ndescription: of the folder\n---\n");
  put("config/agents/one.md", text("one"));
  put("config/agents/mine.md", text("mine"));
  put("home/.claude/agents/theirs.md", text("theirs"));
  const auto all = read("above/p/in");
  CAF_CHECK_EQUAL(names(all), "one mine theirs");
  CAF_CHECK_EQUAL(find_agent(all, "one")->description, "of the folder");
  CAF_CHECK(find_agent(all, "one")->project);
  CAF_CHECK(!find_agent(all, "mine")->project);
  CAF_CHECK(find_agent(all, "none") == nullptr);
  CAF_CHECK_EQUAL(names(read("above/p/in", false)), "mine one theirs"); // where it is not trusted
  put("above/p/.troupe/worktrees/w/.git", "gitdir: x");
  put("above/p/.troupe/worktrees/w/.troupe/agents/evil.md", text("evil"));
  CAF_CHECK_EQUAL(names(read("above/p/.troupe/worktrees/w")), "one mine theirs");
  put("bare/.troupe/agents/here.md", text("here"));
  put("bare/in/.troupe/agents/inner.md", text("inner"));
  CAF_CHECK_EQUAL(names(read("bare/in")), "inner mine one theirs"); // no repository: the directory itself alone
}

CAF_TEST(commands and skills are found with their hints) {
  put("p/.troupe/commands/fix.md", "---\ndescription: Fixes an issue\nargument-hint: \"[number]\"\n---\nFix $1");
  put("p/.claude/commands/front/test.md", "# Run the tests\nall of them");
  put("config/skills/deploy/SKILL.md", "---\nname: ship\ndescription: Ships it\n---\n");
  put("config/skills/empty/README.md", "");
  put("config/commands/fix.md", "another");
  const auto all = read("p");
  CAF_CHECK(all.problems.empty());
  const auto told = to_json(all);
  CAF_REQUIRE_EQUAL(told["commands"].size(), 2u);
  CAF_CHECK_EQUAL(told["commands"][0]["name"], "fix");
  CAF_CHECK_EQUAL(told["commands"][0]["argumentHint"], "[number]");
  CAF_CHECK_EQUAL(told["commands"][0]["source"], "project");
  CAF_CHECK_EQUAL(told["commands"][1]["name"], "front:test");
  CAF_CHECK_EQUAL(told["commands"][1]["description"], "Run the tests");
  CAF_CHECK_EQUAL(told["skills"][0]["name"], "ship");
  CAF_CHECK_EQUAL(told["skills"][0]["source"], "user");
}

CAF_TEST_FIXTURE_SCOPE_END()
