// The ledger as a file: what a new segment keeps.
#define CAF_SUITE ledger
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "caf/test/unit_test.hpp"
#include "runtime/files/line_file.hpp"
#include "runtime/services/journal_keeper.hpp"

using namespace troupe;

namespace {

struct home {
  paths where;
  home() {
    char pattern[] = "/tmp/troupe-ledger-XXXXXX";
    ::setenv("TROUPE_HOME", ::mkdtemp(pattern), 1);
    failure error;
    where = *find_paths(error);
    make_folders(where, error);
  }
  ~home() {
    std::error_code ignored;
    std::filesystem::remove_all(where.state, ignored);
  }
  std::vector<ledger_entry> lines() const {
    std::vector<ledger_entry> out;
    read_lines(
        where.ledger(), 0, [&](const json& line) { out.push_back(ledger_entry_from_json(line)); }, false);
    return out;
  }
};

std::uint64_t write(ledger& l, const std::string& what, const std::string& session, std::uint64_t cause,
                    std::map<std::string, std::string> facts = {}) {
  ledger_entry e;
  e.what = what;
  e.session = {session};
  e.cause = cause;
  e.facts = std::move(facts);
  if (what == "dispatched")
    e.spec.push_back({"exec", "exec", {"true"}, "true", "/"});
  failure error;
  CAF_REQUIRE(l.append(e, error));
  return e.n;
}

} // namespace

// STATE-2, BEYOND-1, F-08
CAF_TEST(a new segment keeps each cause that a line in it names) {
  home h;
  ledger l(h.where, 4096);
  journal found;
  failure error;
  CAF_REQUIRE(l.open(found, error));
  auto started = write(l, "supervisor_started", "", 0);
  auto spawned = write(l, "spawned", "", started, {{"worker", "11"}, {"spare", "true"}});
  auto dispatched = write(l, "dispatched", "kept", 0, {{"key", "k"}, {"digest", "d"}});
  auto claimed = write(l, "claimed", "kept", dispatched, {{"worker", "11"}});
  write(l, "dispatched", "gone", 0, {{"key", "k2"}, {"digest", "d"}});
  write(l, "removed", "gone", write(l, "settled", "gone", claimed), {{"state", "done"}});
  auto stopping = write(l, "supervisor_stopping", "", started);
  auto stop = write(l, "stop", "kept", stopping);
  std::size_t before = 0;
  for (auto now = h.lines().size(); now > before; now = h.lines().size()) { // until a segment has begun
    before = now;
    write(l, "spawned", "", started, {{"worker", "99"}, {"spare", "true"}});
  }
  std::set<std::uint64_t> numbers;
  bool checkpoint = false;
  auto lines = h.lines();
  for (const auto& e : lines) {
    numbers.insert(e.n);
    checkpoint = checkpoint || e.what == "checkpoint";
  }
  CAF_CHECK(checkpoint);
  for (auto n : {started, spawned, dispatched, claimed, stopping, stop})
    CAF_CHECK_EQUAL(numbers.count(n), 1u);
  for (const auto& e : lines)
    CAF_CHECK(e.cause == 0 || numbers.count(e.cause) != 0);
  CAF_CHECK(lines.size() < before); // and not what nobody names
  auto chain = l.chain({"kept"});
  CAF_REQUIRE_EQUAL(chain.size(), 4u);
  CAF_CHECK_EQUAL(chain[0].n, spawned);
}

// SUP-6, STATE-2
CAF_TEST(a new segment keeps what a newer version has written into its lines) {
  home h;
  const std::string line =
      R"({"n":1,"t":5,"what":"dispatched","session":"abcdefgh","facts":{"key":"k","digest":"d"},"mood":{"of":"later"},)"
      R"("spec":{"kind":"exec","harness":"exec","cwd":"/","colour":"blue"}})";
  const std::string unknown = R"({"n":2,"t":6,"what":"danced","session":"abcdefgh","steps":[1,2]})";
  std::ofstream(h.where.ledger()) << line << "\n" << unknown << "\n";
  {
    ledger l(h.where, 16);
    journal j;
    failure error;
    CAF_REQUIRE(l.open(j, error));
    CAF_CHECK(j.problems.empty());
    ledger_entry e;
    e.what = "pin";
    e.session = {"abcdefgh"};
    CAF_REQUIRE(l.append(e, error)); // past 16 bytes: begins a segment
    CAF_CHECK_EQUAL(e.n, 4u);
  }
  std::ifstream in(h.where.ledger());
  std::vector<json> lines;
  for (std::string text; std::getline(in, text);)
    lines.push_back(json::parse(text));
  CAF_REQUIRE_EQUAL(lines.size(), 4u);
  CAF_CHECK_EQUAL(lines[0]["what"], "checkpoint");
  CAF_CHECK(lines[1] == json::parse(line));
  CAF_CHECK(lines[2] == json::parse(unknown));
}
