// What `gh` gets of a session's environment when the supervisor has it run.
#define CAF_SUITE gh_environment
#include <cstdlib>
#include <filesystem>

#include "caf/test/unit_test.hpp"
#include "runtime/config/environment_policy.hpp"
#include "runtime/services/gh_environment.hpp"

using namespace troupe;

namespace {

namespace fs = std::filesystem;

/// A home with a repository in it.
struct home {
  std::string dir, repository;
  home() {
    char pattern[] = "/tmp/troupe-gh-XXXXXX";
    dir = ::mkdtemp(pattern);
    repository = dir + "/repo";
    fs::create_directories(repository + "/.git");
    fs::create_directories(repository + "/sub");
    fs::create_directories(repository + "/bin");
    fs::create_directory_symlink(repository + "/bin", dir + "/tools");
  }
  ~home() { fs::remove_all(dir); }
  [[nodiscard]] std::string of(const environment& env, const char* name, const std::string& cwd) const {
    const auto all = gh_environment(env, {cwd, "", cwd + "/.troupe/worktrees/s"});
    const auto* at = find_variable(all, name);
    return at ? *at : "-";
  }
};

} // namespace

// PR-1, ENV-3, SEC-5
CAF_TEST(gh gets an account and a way to it and nothing else) {
  environment env{
      {"HOME", "/home/n"},         {"PATH", "/usr/bin"},    {"GH_TOKEN", "t"},  {"GH_ENTERPRISE_TOKEN", "e"},
      {"GH_HOST", "evil.example"}, {"LD_PRELOAD", "/x.so"}, {"GIT_DIR", "/x"},  {"HTTPS_PROXY", "http://p:1"},
      {"ANTHROPIC_API_KEY", "k"},  {"GH_PAGER", "sh"},      {"BASH_ENV", "/x"}, {"XDG_CONFIG_HOME", "/home/n/.c"}};
  CAF_CHECK_EQUAL(gh_environment(env, {}), (environment{{"HOME", "/home/n"},
                                                        {"PATH", "/usr/bin"},
                                                        {"GH_TOKEN", "t"},
                                                        {"HTTPS_PROXY", "http://p:1"},
                                                        {"XDG_CONFIG_HOME", "/home/n/.c"}}));
}

// PR-1, TRUST-1
CAF_TEST(nothing that a repository has brought along is gh or configures it) {
  home h;
  auto r = h.repository;
  environment env{{"HOME", h.dir},
                  {"PATH", r + "/bin:./node_modules/.bin::" + h.dir + "/bin:" + h.dir + "/tools:/usr/../" +
                               r.substr(1) + "/sub:" + r + "-other/bin:/usr/bin"},
                  {"GH_CONFIG_DIR", r + "/gh"},
                  {"XDG_CONFIG_HOME", "config"},
                  {"SSL_CERT_FILE", h.dir + "/ca.pem"}};
  for (const auto& cwd : {r, r + "/sub"}) {
    CAF_CHECK_EQUAL(h.of(env, "PATH", cwd), h.dir + "/bin:" + r + "-other/bin:/usr/bin");
    CAF_CHECK_EQUAL(h.of(env, "GH_CONFIG_DIR", cwd), "-");
    CAF_CHECK_EQUAL(h.of(env, "XDG_CONFIG_HOME", cwd), "-");
    CAF_CHECK_EQUAL(h.of(env, "SSL_CERT_FILE", cwd), h.dir + "/ca.pem");
  }
}

// PR-1
CAF_TEST(who works in the home directory keeps the programs there) {
  home h;
  fs::create_directory(h.dir + "/.git");
  environment env{{"HOME", h.dir}, {"PATH", h.dir + "/bin:/usr/bin"}, {"GH_CONFIG_DIR", h.dir + "/gh"}};
  CAF_CHECK_EQUAL(h.of(env, "PATH", h.dir), h.dir + "/bin:/usr/bin");
  CAF_CHECK_EQUAL(h.of(env, "GH_CONFIG_DIR", h.dir), h.dir + "/gh");
}
