// What git ignores in a worktree: what of it is named and kept, on real git repositories.
#define CAF_SUITE ignored_files
#include <ctime>

#include "caf/test/unit_test.hpp"
#include "runtime/worktree/ignored.hpp"
#include "runtime/worktree/losses.hpp"
#include "runtime/worktree/removal.hpp"
#include "runtime/worktree/tree_removal.hpp"
#include "tests/support/text.hpp"
#include "tests/units/git_repository.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

using names = std::vector<std::string>;

/// One whose commits ignore `rules`, with a worktree.
struct ignoring : repository {
  explicit ignoring(const std::string& rules) {
    write(dir + "/.gitignore", rules);
    sh("git add .gitignore && git commit -qm rules");
    CAF_REQUIRE_EQUAL(make().error, "");
  }
  void put(const std::string& path, const std::string& text = "x\n") const { write(tree.path + "/" + path, text); }
  losses lost() const { return look_at(tree).lost; }
};

} // namespace

// BEYOND-9: what is somebody's
CAF_TEST(files that git ignores one by one are named with their size) {
  ignoring r(".env\n*.db\n/notes.txt\nbuild/\n");
  r.put(".env", "KEY=12345\n");
  r.put("sub/deep/cache.db", std::string(2500, 'x'));
  r.put("notes.txt");
  r.put("build/out.txt");
  r.put("own/data.db"); // a folder that no rule names, with nothing in it that git knows
  CAF_CHECK_EQUAL(r.lost().ignored,
                  (names{".env (10 B)", "notes.txt (2 B)", "own/data.db (2 B)", "sub/deep/cache.db (2.5 kB)"}));
  CAF_CHECK_EQUAL(r.lost().products, names{"build/ (1 file, 2 B)"});
  CAF_CHECK(r.lost().files.empty());
}

// BEYOND-9: a worktree in which somebody has built must be deletable without a question
CAF_TEST(what a build makes anew is told and asks nobody) {
  ignoring r("build/\nnode_modules\nlogs/*\n!logs/keep\n*.o\n*.pyc\n/tool\n/link\n");
  for (const char* path : {"build/a/b.txt", "node_modules/p/index.js", "logs/today.txt", "logs/old/x.txt", "main.o",
                           "sub/__pycache__/m.pyc"})
    r.put(path);
  r.put(".cache/.gitignore", "*\n"); // a folder that ignores itself, as those of pytest and virtualenv do
  r.put(".cache/README.md");
  r.put("tool", "\x7f"
                "ELF and so on");
  r.in("ln -s /etc/passwd link");
  CAF_CHECK_EQUAL(r.lost().ignored, names{});
  auto told = r.lost().products;
  CAF_CHECK_EQUAL(told.size(), 4u); // three folders, one within logs, and the rest together
  CAF_CHECK(std::find(told.begin(), told.end(), "node_modules/ (1 file, 2 B)") != told.end());
  CAF_CHECK(holds(told.back(), "other build output (7 files, "));
  auto how = remove_tree(r.tree, false, {});
  CAF_CHECK(how.removed && how.ignored.empty());
  CAF_CHECK(std::filesystem::is_empty(r.dir + "/.troupe/worktrees"));
}

// BEYOND-9
CAF_TEST(what the checkout has as well is nobodys loss and what differs from it is) {
  ignoring r(".env*\n");
  write(r.dir + "/.env", "A=1\n");
  write(r.dir + "/.env.local", "A=1\n");
  r.put(".env", "A=1\n");
  r.put(".env.local", "A=2\n");
  CAF_CHECK_EQUAL(r.lost().ignored, names{".env.local (4 B)"});
}

// BEYOND-9: a repository that names what it has, and ignores all else
CAF_TEST(a rule for all of the repository is none for a folder) {
  ignoring r("*\n!.gitignore\n!file\n!sub\n!sub/file\n");
  r.put("notes");
  CAF_CHECK_EQUAL(r.lost().ignored, names{"notes (2 B)"});
}

// BEYOND-9, ISO-2
CAF_TEST(ignored files are kept for thirty days when their worktree goes and can be brought back) {
  ignoring r(".env\n*.db\n");
  r.put(".env", "KEY=1\n");
  r.put("sub/new/a.db", "rows");
  auto how = remove_tree(r.tree, false, {});
  CAF_CHECK_EQUAL(how.why, "");
  CAF_CHECK(how.removed && how.branch == "deleted" && !exists(r.tree.path)); // they keep no worktree from its removal
  auto kept = r.dir + "/.troupe/worktrees/.kept/fix-it-session1";
  CAF_CHECK_EQUAL(how.ignored, kept);
  CAF_CHECK_EQUAL(content(kept + "/.env") + content(kept + "/sub/new/a.db"), "KEY=1\nrows");
  struct stat what {};
  CAF_CHECK(::stat((r.dir + "/.troupe/worktrees/.kept").c_str(), &what) == 0 && (what.st_mode & 0777) == 0700);
  CAF_CHECK_EQUAL(r.sh("git status --porcelain"), "");
  auto again = r.make(); // ISO-3
  CAF_REQUIRE(holds(again.note, "cp -an " + kept + "/. " + r.tree.path));
  r.sh(again.note.substr(again.note.find("cp -an")));
  CAF_CHECK_EQUAL(content(r.tree.path + "/.env") + content(r.tree.path + "/sub/new/a.db"), "KEY=1\nrows");
  CAF_CHECK(remove_tree(r.tree, false, {}).ignored == kept); // again, over what is there
  constexpr std::int64_t day = 24 * 3600;
  drop_old_snapshots(r.dir, std::time(nullptr) + 29 * day);
  CAF_CHECK(exists(kept + "/.env"));
  drop_old_snapshots(r.dir, std::time(nullptr) + 31 * day);
  CAF_CHECK(std::filesystem::is_empty(r.dir + "/.troupe/worktrees"));
}

// SEC-4
CAF_TEST(a link where ignored files are kept takes none of them and the worktree stays) {
  ignoring r(".env\n");
  r.put(".env", "KEY=1\n");
  std::filesystem::create_directories(r.root + "/outside");
  for (const char* place : {".kept", ".kept/fix-it-session1"}) {
    auto link = r.dir + "/.troupe/worktrees/" + place;
    std::filesystem::create_directories(std::filesystem::path(link).parent_path());
    std::filesystem::create_directory_symlink(r.root + "/outside", link);
    auto how = remove_tree(r.tree, false, {});
    CAF_CHECK(!how.removed && holds(how.why, "files that git ignores cannot all be kept: .env"));
    CAF_CHECK_EQUAL(content(r.tree.path + "/.env"), "KEY=1\n");
    CAF_CHECK(std::filesystem::is_empty(r.root + "/outside"));
    std::filesystem::remove(link);
  }
  drop_old_snapshots(r.dir, std::time(nullptr) + 31LL * 24 * 3600);
  CAF_CHECK(remove_tree(r.tree, false, {}).removed);
}
