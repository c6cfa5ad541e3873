// Messages as JSON, and files of lines.
#define CAF_SUITE json_and_files
#include <filesystem>
#include <fstream>
#include <random>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "messages/json.hpp"
#include "messages/json_writer.hpp"
#include "runtime/files/line_file.hpp"
#include "runtime/files/paths.hpp"

using namespace troupe;

namespace {

struct folder {
  std::string path = "/tmp/troupe-files-" + std::to_string(::getpid());
  folder() {
    std::filesystem::remove_all(path);
    ::mkdir(path.c_str(), 0700);
  }
  ~folder() { std::filesystem::remove_all(path); }
};

std::string slurp(const std::string& path) {
  failure error;
  return read_file(path, error).value_or("");
}

} // namespace

// FILES-3
CAF_TEST(bytes of any kind travel through JSON) {
  std::mt19937 r(7);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (auto n = r() % 40; n > 0; --n)
      bytes += static_cast<char>(r() % 3 == 0 ? r() % 256 : 'a' + r() % 26);
    auto text = to_line(bytes_to_json(bytes));
    CAF_REQUIRE_EQUAL(bytes_from_json(json::parse(text)), bytes);
    std::string written;
    append_json_bytes(written, bytes);
    CAF_REQUIRE_EQUAL(written, text);
  }
  CAF_CHECK(bytes_to_json("t\xc3\xa4xt").is_string());
  CAF_CHECK(bytes_to_json("\xff").is_object());
  CAF_CHECK(bytes_to_json("\xed\xa0\x80").is_object()); // a surrogate is no UTF-8
}

// FILES-3, JSON-1
CAF_TEST(messages come back as they went) {
  dispatch_spec spec{"exec", "exec",      {"/bin/sh", "-c", "echo \xff"},
                     "echo", "/tmp/\xfe", "name",
                     "m",    "e",         "plan",
                     "a",    "{}",        {"/x"},
                     "mcp",  30,          90};
  CAF_CHECK(spec_from_json(to_json(spec)) == spec);
  event e{
      3, 17, 2, 9, "question", "q1", "Shall I?", "d", -4, {{1, "Yes", "allow_once", "x"}}, {{"w", "shell", "sleep"}}};
  CAF_CHECK(event_from_json(to_json(e)) == e);
  ledger_entry l{8, 9, 7, 3, "claimed", {"abc"}, 2, {{"worker", "5"}}, {spec}};
  CAF_CHECK(ledger_entry_from_json(to_json(l)) == l);
  assignment a{{"abc"}, 2,    3,    4,    spec, {{"A", "1"}, {"B", "\xff"}}, {5, 6, {{"KEY", "secret"}}},
               "/d",    "/s", "/p", true, true};
  CAF_CHECK(assignment_from_json(to_json(a)) == a);
  receipt r{{"abc"}, 2, "/tmp/\xfe", "plan", 7, {"sh", "-c"}, {{"A", "1=2"}, {"B", ""}}, ~0ULL, 5, {"KEY"}};
  CAF_CHECK(receipt_from_json(to_json(r)) == r);
}

// FILES-3
CAF_TEST(an environment is read as a block and as a list) {
  environment env{{"A", "1=2"}, {"B", ""}, {"C", "\xff\n"}};
  CAF_CHECK(environment_from_json(to_json(env)) == env);
  CAF_CHECK(environment_from_json(json::array({{"A", "1=2"}, {"B", ""}, {"C", {{"b64", "/wo="}}}})) == env);
  CAF_CHECK(environment_from_json("") == environment());
  CAF_CHECK(environment_from_json(std::string("A=1\0no variable\0B=2", 19)) == environment({{"A", "1"}, {"B", "2"}}));
}

// STATE-2
CAF_TEST(a torn line is cut off and a bad one set aside and the rest is read) {
  folder f;
  auto path = f.path + "/lines";
  std::ofstream(path) << "{\"a\":1}\nbad\n{\"a\":2}\n{\"a\":3";
  std::vector<int> seen;
  auto report = read_lines(
      path, 0, [&](const json& x) { seen.push_back(x.at("a").get<int>()); }, true);
  CAF_CHECK_EQUAL(seen, (std::vector<int>{1, 2}));
  CAF_CHECK_EQUAL(report.problems.size(), 2u);
  CAF_CHECK(report.torn);
  CAF_CHECK_EQUAL(slurp(path), "{\"a\":1}\n{\"a\":2}\n");
  CAF_CHECK_EQUAL(slurp(path + ".bad"), "bad\n{\"a\":3\n");
  CAF_CHECK(read_lines(
                path, 0, [](const json&) {}, true)
                .problems.empty());
}

// STATE-2
CAF_TEST(lines that were appended are read back and a reader does not mend) {
  folder f;
  failure error;
  auto path = f.path + "/lines";
  auto file = line_file::open(path, error);
  for (int i = 0; i < 1000; ++i)
    CAF_REQUIRE(file.append(to_line({{"a", i}}), error));
  std::ofstream(path, std::ios::app) << "torn";
  int n = 0;
  auto report = read_lines(
      path, 0, [&](const json&) { ++n; }, false);
  CAF_CHECK_EQUAL(n, 1000);
  CAF_CHECK(report.torn);
  CAF_CHECK(slurp(path).ends_with("torn"));
}

// FILES-2
CAF_TEST(a file is replaced whole and is private) {
  folder f;
  failure error;
  auto path = f.path + "/file";
  CAF_CHECK(replace_file(path, "one", true, error));
  CAF_CHECK(replace_file(path, "two", true, error));
  CAF_CHECK_EQUAL(slurp(path), "two");
  struct stat st {};
  ::stat(path.c_str(), &st);
  CAF_CHECK_EQUAL(st.st_mode & 0777, 0600u);
  CAF_CHECK_EQUAL(std::distance(std::filesystem::directory_iterator(f.path), {}), 1);
  CAF_CHECK(!replace_file(f.path + "/none/file", "x", true, error));
  CAF_CHECK(error.code == errc::disk);
}

// SEC-3
CAF_TEST(a folder that is a link or open to others is refused) {
  folder f;
  failure error;
  CAF_CHECK(make_private_folder(f.path + "/a/b/c", error));
  ::chmod((f.path + "/a").c_str(), 0755);
  CAF_CHECK(!make_private_folder(f.path + "/a", error));
  CAF_CHECK(error.text.find("chmod 700") != std::string::npos);
  std::filesystem::create_symlink(f.path + "/a/b", f.path + "/link");
  CAF_CHECK(!make_private_folder(f.path + "/link", error));
  std::ofstream(f.path + "/plain") << "x";
  CAF_CHECK(!make_private_folder(f.path + "/plain", error));
}

// SUP-1, F-09: the kernel frees a lock with its holder
CAF_TEST(a lock is held once) {
  folder f;
  failure error;
  {
    auto first = lock_file(f.path + "/lock", 0, error);
    CAF_CHECK(static_cast<bool>(first));
    CAF_CHECK(!lock_file(f.path + "/lock", 0, error));
    CAF_CHECK(error.code == errc::ok);
  }
  CAF_CHECK(static_cast<bool>(lock_file(f.path + "/lock", 0, error)));
}

// STATE-4: a folder is its own lock, and is made where it is missing
CAF_TEST(a folder is locked once) {
  folder f;
  failure error;
  {
    auto first = lock_folder(f.path + "/session", error);
    CAF_CHECK(static_cast<bool>(first));
    CAF_CHECK(!lock_folder(f.path + "/session", error));
    CAF_CHECK(error.code == errc::ok);
  }
  CAF_CHECK(static_cast<bool>(lock_folder(f.path + "/session", error)));
  CAF_CHECK(!lock_folder("/dev/null", error));
  CAF_CHECK(error.code == errc::disk);
}
