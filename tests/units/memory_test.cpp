// What the user and the project want every session to know.
#define CAF_SUITE memory_files
#include <filesystem>
#include <fstream>

#include "caf/test/unit_test.hpp"

#include "runtime/agent/memory_files.hpp"
#include "tests/units/agent_client.hpp"

using namespace troupe::agent;
using troupe::test::scratch_folder;

namespace {

struct fixture {
  scratch_folder work;
  std::vector<std::string> problems;
  environment env{{"HOME", work / "home"}, {"TROUPE_HOME", work / "troupe"}};

  void put(const std::string& name, const std::string& text) {
    const auto path = std::filesystem::path(work / name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string read(const std::string& cwd, std::size_t limit = 65536) {
    std::string all;
    for (const auto& f : read_memory(work / cwd, env, limit, problems))
      all += f.path.substr(work.path.size() + 1) + ": " + f.text + "|";
    return all;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(memory_tests, fixture)

CAF_TEST(files are read from the top of the repository down and the users own first) {
  put("AGENTS.md", "above the repository");
  put("p/.git/x", "");
  put("p/AGENTS.md", "top");
  put("p/CLAUDE.md", "not this one");
  put("p/in/deep/CLAUDE.md", "deep");
  put("troupe/AGENTS.md", "mine");
  put("home/.claude/CLAUDE.md", "of another agent");
  CAF_CHECK_EQUAL(read("p/in/deep"), "troupe/AGENTS.md: mine|p/AGENTS.md: top|p/in/deep/CLAUDE.md: deep|");
  std::filesystem::remove(work / "troupe/AGENTS.md");
  CAF_CHECK_EQUAL(read("p"), "home/.claude/CLAUDE.md: of another agent|p/AGENTS.md: top|");
  put("bare/AGENTS.md", "bare");
  put("bare/in/AGENTS.md", "inner");
  CAF_CHECK_EQUAL(read("bare/in"), "home/.claude/CLAUDE.md: of another agent|bare/in/AGENTS.md: inner|");
}

CAF_TEST(imports are taken from within the project and are bounded) {
  put("p/.git/x", "");
  put("secret", "outside");
  put("p/docs/a.md", "A and @b.md");
  put("p/docs/b.md", "B");
  put("p/loop.md", "L @loop.md");
  put("p/CLAUDE.md",
      "x @docs/a.md, y @nobody `@docs/b.md` me@docs/b.md\n```\n@docs/b.md\n```\n@loop.md @../secret @~/k");
  put("home/k", "key");
  CAF_CHECK_EQUAL(read("p"), "p/CLAUDE.md: x A and B, y @nobody `@docs/b.md` me@docs/b.md\n```\n@docs/b.md\n```\n"
                             "L @loop.md @../secret @~/k|");
  CAF_CHECK_EQUAL(problems.size(), 2u);  // the two outside
  put("home/.claude/CLAUDE.md", "@~/k"); // the user's own may
  CAF_CHECK(read("p").starts_with("home/.claude/CLAUDE.md: key|"));
  std::filesystem::create_symlink(work / "secret", work / "p/link.md");
  put("p/CLAUDE.md", "@link.md");
  CAF_CHECK(read("p").ends_with("p/CLAUDE.md: @link.md|"));
}

CAF_TEST(memory is cut at its limit and pipes and folders are no files) {
  put("p/AGENTS.md", std::string(100, 'x'));
  problems.clear();
  CAF_CHECK_EQUAL(read("p", 10), "p/AGENTS.md: xxxxxxxxxx|");
  CAF_CHECK_EQUAL(problems.size(), 1u);
  std::filesystem::remove(work / "p/AGENTS.md");
  std::filesystem::create_directories(work / "p/AGENTS.md");
  troupe::test::fifo pipe(work / "p/CLAUDE.md");
  CAF_CHECK_EQUAL(read("p"), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
