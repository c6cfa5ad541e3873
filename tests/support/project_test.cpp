// The project keeps its own rules: who may include whom, and every rule of docs/ named by a test or on the list of open
// ones.
#define CAF_SUITE include_rule
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "caf/test/unit_test.hpp"

namespace fs = std::filesystem;

namespace {

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Folder by folder, the folders that it may include from (docs/architecture.md). `caf`: whether CAF's headers too.
struct allowance {
  std::vector<std::string> from;
  bool caf;
};

const std::map<std::string, allowance>& allowed() {
  static const std::map<std::string, allowance> all{
      {"messages", {{"messages"}, false}},
      {"actors", {{"messages", "actors"}, true}},
      {"runtime/io", {{"messages", "runtime/io"}, false}},
      {"runtime/files", {{"messages", "runtime/files", "runtime/io/unique_fd.hpp"}, false}},
      {"runtime/config", {{"messages", "runtime/config"}, false}},
      {"runtime/services",
       {{"messages", "actors", "runtime/io", "runtime/files", "runtime/config", "runtime/services",
         "runtime/worker/terminal/plain_lines.hpp"},
        true}},
      {"runtime/control", {{"messages", "actors", "runtime"}, true}},
      {"runtime/embedding", {{"messages", "actors", "runtime"}, true}},
      {"runtime/host", {{"messages", "actors", "runtime"}, true}},
      {"runtime/supervisor", {{"messages", "actors", "runtime"}, true}},
      {"runtime/credentials",
       {{"messages", "runtime/io/unique_fd.hpp", "runtime/files", "runtime/config", "runtime/credentials"}, false}},
      {"runtime/worktree", {{"messages", "runtime/io", "runtime/worktree"}, false}},
      {"runtime/worker",
       {{"messages", "runtime/io", "runtime/files", "runtime/config", "runtime/worktree/plan.hpp",
         "runtime/worktree/pull_links.hpp", "runtime/worker"},
        false}},
      {"runtime/agent", {{"messages", "runtime/io", "runtime/files", "runtime/config", "runtime/agent"}, false}},
      {"cli", {{"messages", "runtime/io", "runtime/files", "runtime/config", "runtime/worker/terminal", "cli"}, false}},
      {"cli/view",
       {{"messages", "actors", "runtime/io", "runtime/files", "runtime/worker/terminal",
         "runtime/host/loop_scheduler.hpp", "cli"},
        true}},
  };
  return all;
}

std::vector<std::string> violations(const fs::path& top) {
  std::vector<std::string> out;
  std::regex include("#\\s*include\\s+[\"<]([^\">]+)[\">]");
  for (const auto& [folder, may] : allowed()) {
    if (!fs::exists(top / folder))
      continue;
    for (const auto& entry : fs::recursive_directory_iterator(top / folder)) {
      if (entry.path().extension() != ".hpp" && entry.path().extension() != ".cpp")
        continue;
      auto here = fs::relative(entry.path(), top).string();
      if (std::any_of(allowed().begin(), allowed().end(),
                      [&](const auto& other) { // a folder below has a rule of its own
                        return other.first.size() > folder.size() && here.starts_with(other.first + "/");
                      }))
        continue;
      auto text = slurp(entry.path());
      for (std::sregex_iterator at(text.begin(), text.end(), include), end; at != end; ++at) {
        auto target = (*at)[1].str();
        bool ours = false;
        for (const char* root : {"messages/", "actors/", "runtime/", "cli/", "tests/"})
          ours = ours || target.starts_with(root);
        bool fine =
            ours ? std::any_of(may.from.begin(), may.from.end(), [&](const auto& f) { return target.starts_with(f); })
                 : may.caf || !target.starts_with("caf/");
        if (!fine)
          out.push_back(here + " includes " + target);
      }
    }
  }
  return out;
}

fs::path source() {
  const char* value = std::getenv("TROUPE_SOURCE");
  return value ? value : "";
}

/// What a pure machine may include: other pure files, and of the standard library what holds values or computes.
std::vector<std::string> impurities(const fs::path& top) {
  static const std::set<std::string> pure{"algorithm",   "charconv",   "cmath",   "compare",  "concepts", "cstdint",
                                          "deque",       "functional", "map",     "optional", "set",      "string",
                                          "string_view", "utility",    "variant", "vector",   "cstddef",  "utf8proc.h"};
  static const std::regex include("#\\s*include\\s+[\"<]([^\">]+)[\">]");
  static const std::regex ours("(messages/[a-z_]+\\.hpp)|(actors/[a-z_]+/"
                               "(renewal|machine|moves|cell|rest|facts|launch_check|profiles|pull_watch)\\.hpp)|"
                               "(actors/(agent_view|conversation_view)/(?!agent_view|conversation_view)[a-z_]+\\.hpp)");
  static const std::set<std::string> parts{"renewal", "machine",      "moves",    "cell",      "rest",
                                           "facts",   "launch_check", "profiles", "pull_watch"};
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(top / "actors")) {
    auto stem = entry.path().stem().string();
    auto folder = entry.path().parent_path().filename().string();
    bool view = folder.ends_with("_view") && stem != folder; // all of a view but its actor
    if (!entry.is_regular_file() || (parts.count(stem) == 0 && !view))
      continue;
    auto text = slurp(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), include), end; at != end; ++at)
      if (auto target = (*at)[1].str(); pure.count(target) == 0 && !std::regex_match(target, ours))
        out.push_back(fs::relative(entry.path(), top).string() + " includes " + target);
  }
  return out;
}

std::set<std::string> tags_in(const std::string& text, const std::regex& where) {
  std::set<std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), where), end; at != end; ++at)
    out.insert((*at)[1].str());
  return out;
}

} // namespace

CAF_TEST(each folder includes only what it may see) {
  CAF_REQUIRE(fs::exists(source() / "messages"));
  for (const auto& v : violations(source()))
    CAF_ERROR(v);
}

CAF_TEST(the machines see no clock and no file and no actor framework) {
  CAF_REQUIRE(fs::exists(source() / "actors/session/machine.cpp"));
  for (const auto& v : impurities(source()))
    CAF_ERROR(v);
}

CAF_TEST(a planted impurity is found) {
  auto top = fs::temp_directory_path() / ("troupe-machines-" + std::to_string(::getpid()));
  fs::create_directories(top / "actors/x");
  std::ofstream(top / "actors/x/machine.hpp") << "#include <chrono>\n#include <vector>\n";
  std::ofstream(top / "actors/x/machine.cpp") << "#include \"caf/send.hpp\"\n#include \"actors/x/machine.hpp\"\n";
  std::ofstream(top / "actors/x/x.cpp") << "#include <chrono>\n";
  CAF_CHECK_EQUAL(impurities(top).size(), 2u);
  fs::remove_all(top);
}

CAF_TEST(a planted include is found) {
  auto top = fs::temp_directory_path() / ("troupe-includes-" + std::to_string(::getpid()));
  fs::create_directories(top / "messages");
  fs::create_directories(top / "cli");
  std::ofstream(top / "messages/a.hpp") << "#include \"actors/interfaces.hpp\"\n";
  std::ofstream(top / "cli/b.cpp") << "#include <caf/all.hpp>\n#include \"messages/a.hpp\"\n";
  CAF_CHECK_EQUAL(violations(top).size(), 2u);
  fs::remove_all(top);
}

#undef CAF_SUITE
#define CAF_SUITE rule_tags
namespace {
auto rule_tags_begin = caf::test::engine::max_runtime();
}

CAF_TEST(each rule is named by a test or stands in the list of open ones) {
  static const std::regex rule("(?:^|\\n)(?:\\| )?([A-Z]+-[0-9]+)"), any("\\b([A-Z]+-[0-9]+)\\b"),
      open_line("(?:^|\\n)([A-Z]+-[0-9]+)");
  auto rules = tags_in(slurp(source() / "docs/behaviour.md") + "\n" + slurp(source() / "docs/failures.md"), rule);
  CAF_REQUIRE(rules.size() > 100);
  auto open = tags_in(slurp(source() / "tests/rules-open.txt"), open_line);
  std::set<std::string> named;
  for (const auto& entry : fs::recursive_directory_iterator(source() / "tests"))
    if (entry.path().extension() == ".cpp" || entry.path().filename() == "cmd")
      named.merge(tags_in(slurp(entry.path()), any));
  for (const auto& r : rules) {
    if (named.count(r) == 0 && open.count(r) == 0)
      CAF_ERROR("no test names " + r + ": write one, or add it to tests/rules-open.txt");
    if (named.count(r) != 0 && open.count(r) != 0)
      CAF_ERROR("a test names " + r + ": delete it from tests/rules-open.txt");
  }
  for (const auto& r : open)
    if (rules.count(r) == 0)
      CAF_ERROR("tests/rules-open.txt lists " + r + ", which is no rule");
}
