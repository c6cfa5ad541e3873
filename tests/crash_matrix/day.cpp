// The scripted day, step by step, and what a user has to find at its end.
#include "tests/crash_matrix/day.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "tests/crash_matrix/evidence.hpp"
#include "tests/crash_matrix/shell.hpp"

extern char** environ;

namespace troupe::crash {

namespace {

constexpr const char* day_settings =
    R"({"session": {"freezeSeconds": 0.1, "idleSeconds": 0.5, "doneRowSeconds": 86400}})";

trace_request traced_supervisor(const test::sandbox& home, const std::vector<std::uint64_t>& kill_at,
                                const std::atomic<const char*>* step) {
  trace_request r;
  r.program = std::string(std::getenv("TROUPE_BIN")) + "/troupe-supervisor";
  r.arguments = {"troupe-supervisor", "--started-by", "the crash matrix", "--ready-fd", "3"};
  for (char** at = environ; *at; ++at) {
    std::string_view pair(*at);
    auto split = pair.find('=');
    if (!pair.starts_with("TROUPE_") && !pair.starts_with("SHELL="))
      r.env.emplace_back(pair.substr(0, split), pair.substr(split + 1));
  }
  r.env.emplace_back("TROUPE_HOME", home.home());
  r.env.emplace_back("SHELL", "/bin/sh");
  r.kill_at = kill_at;
  r.step = step;
  return r;
}

/// Copies what can be read; gives the folder.
std::string keep_files(const std::string& root) {
  namespace fs = std::filesystem;
  auto kept = root + ".kept";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    auto to = fs::path(kept) / fs::relative(entry.path(), root);
    fs::create_directories(to.parent_path());
    if (entry.is_regular_file())
      fs::copy_file(entry.path(), to);
  }
  return kept;
}

class day {
public:
  explicit day(const std::vector<std::uint64_t>& kill_at)
      : followed_(kill_at.size() > 1), home_(day_settings), user_(home_),
        first_(traced_supervisor(home_, kill_at, &step_)) {}

  day_result play(bool keep);

private:
  // The steps.
  void dispatch_all();
  void work();
  void ask_and_answer();
  void freeze_and_thaw();
  void wake();
  void stop_one();
  void remove_one();
  void finish_long();
  void end_of_day();
  void look_back();

  void begin(const char* step) { step_ = step; }
  std::string marks(const std::string& name) const { return home_.work() + "/marks." + name; }
  std::string mark(const std::string& word, const std::string& name) const {
    return "echo " + word + " >> " + marks(name);
  }
  /// Asker has done all up to `last`, is at rest, and its process is one of these.
  auto rested(const std::string& last, std::set<std::string> processes) {
    return [this, last, processes = std::move(processes)](const json& row) {
      return row["state"] == "done" && processes.count(row["process"]) != 0 &&
             test::slurp(marks("asker")).find(last) != std::string::npos;
    };
  }
  void expect(const said& got, int status, const std::string& what);
  void expect_until(const std::string& what, const std::string& id, const std::function<bool(const json&)>& holds);
  void expect_marks(const std::string& name, const std::string& words);

  bool followed_; ///< a second supervisor is started right behind the death of the first
  std::atomic<const char*> step_ = "start";
  test::sandbox home_;
  shell user_;
  traced_program first_;
  faults found_;
  std::map<std::string, std::string> ids_; ///< by name
};

void day::expect(const said& got, int status, const std::string& what) {
  if (got.status == status)
    return;
  auto text = got.text.substr(0, got.text.find_last_not_of('\n') + 1);
  found_.unanswered.push_back(what + (got.status < 0 ? " got no answer" : " gave " + std::to_string(got.status)) +
                              " instead of " + std::to_string(status) + ": " + text);
}

void day::expect_until(const std::string& what, const std::string& id, const std::function<bool(const json&)>& holds) {
  json last;
  bool came = user_.until([&](const auto& rows) {
    last = row_of(rows, id);
    return !last.is_null() && holds(last);
  });
  if (!came)
    found_.lost.push_back(what + " did not come; its row: " + last.dump());
}

/// A session has done exactly this, in this order, each once.
void day::expect_marks(const std::string& name, const std::string& words) {
  std::istringstream is(test::slurp(marks(name))), want(words);
  std::vector<std::string> did{std::istream_iterator<std::string>(is), {}},
      meant{std::istream_iterator<std::string>(want), {}};
  if (did == meant)
    return;
  for (const auto& w : meant)
    if (auto n = std::count(did.begin(), did.end(), w); n == 0)
      found_.lost.push_back(name + " has not done: " + w);
  for (const auto& w : did)
    if (auto n = std::count(did.begin(), did.end(), w); n > 1 || std::count(meant.begin(), meant.end(), w) == 0)
      found_.doubled.push_back(name + " has done once too often: " + w);
  if (std::is_permutation(did.begin(), did.end(), meant.begin(), meant.end()))
    found_.lost.push_back(name + " has done it in another order: " + test::slurp(marks(name)));
}

void day::dispatch_all() {
  begin("dispatch");
  const std::vector<std::string> exec{"--bg", "-q", "--exec"},
      agent{"--bg", "-q", "--permission-mode", "bypassPermissions"};
  auto with = [](std::vector<std::string> words, const std::string& name, const std::string& last) {
    words.insert(words.begin() + 2, {"--name", name});
    words.push_back(last);
    return words;
  };
  auto counting = "i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; ";
  std::vector<std::string> names{"long", "seven", "asker", "halted", "removed", "last"};
  auto answers = user_.say_all(
      {with(exec, "long",
            counting + mark("began", "long") + "; while read x; do " + mark("$x", "long") +
                "; [ $x = over ] && exit 0; done"),
       with(exec, "seven", mark("ran", "seven") + "; exit 7"),
       with(agent, "asker", "bash " + mark("first", "asker") + "\nask Shall I go on?\nbash " + mark("second", "asker")),
       with(agent, "halted",
            "bash " + mark("first", "halted") + "\nwait " + home_.work() + "/never\nbash " + mark("second", "halted")),
       with(exec, "removed", mark("ran", "removed") + "; setsid sleep 301 & sleep 302"),
       with(exec, "last", mark("ran", "last") + "; sleep 303")});
  for (std::size_t i = 0; i < names.size(); ++i) {
    expect(answers[i], 0, "dispatch of " + names[i]);
    auto id = answers[i].text.substr(0, answers[i].text.find('\n'));
    ids_[names[i]] = answers[i].status == 0 ? id : "none";
  }
}

void day::work() {
  begin("work");
  expect(user_.say({"wait", ids_["seven"]}), 7, "wait for seven");
  expect_until("halted at work", ids_["halted"],
               [&](const json&) { return test::slurp(marks("halted")) == "first\n"; });
}

void day::ask_and_answer() {
  begin("question");
  const auto& id = ids_["asker"];
  expect(user_.say({"wait", id}), 3, "wait for the question");
  begin("reply");
  expect(user_.say({"reply", id, "bash " + mark("third", "asker")}), 0, "reply to asker");
  begin("answer");
  expect(user_.say({"answer", id, "1"}), 0, "answer to asker");
  begin("idle");
  expect_until("the end of asker's turns", id, rested("third", {"frozen", "exited"}));
}

/// Who is late, or was killed, meets a session that has been reaped: it is woken instead, and nothing of it is lost.
void day::freeze_and_thaw() {
  begin("thaw");
  const auto& id = ids_["asker"];
  expect(user_.say({"reply", id, "bash " + mark("fourth", "asker")}), 0, "reply to the frozen asker");
  begin("idle");
  expect_until("the thawed asker's turn and its reaping", id, rested("fourth", {"exited"}));
}

void day::wake() {
  begin("wake");
  const auto& id = ids_["asker"];
  expect(user_.say({"reply", id, "bash " + mark("fifth", "asker")}), 0, "reply to the reaped asker");
  expect_until("the woken asker's turn and its reaping", id, rested("fifth", {"exited"}));
}

void day::stop_one() {
  begin("stop");
  expect(user_.say({"stop", ids_["halted"]}), 0, "stop of halted");
  for (const auto& p : processes_of(home_, ids_["halted"]))
    found_.undone.push_back("halted is stopped and has a process: " + p);
}

void day::remove_one() {
  begin("remove");
  auto got = user_.say({"rm", ids_["removed"]});
  if (got.text.find("there is no session") == std::string::npos) // a repeated one may find it removed
    expect(got, 0, "removal of removed");
  for (const auto& p : processes_of(home_, ids_["removed"]))
    found_.undone.push_back("removed is removed and has a process: " + p);
}

void day::finish_long() {
  begin("work");
  expect(user_.say({"rename", ids_["long"], "longest"}), 0, "rename of long");
  begin("reply");
  expect(user_.say({"reply", ids_["long"], "over"}), 0, "reply to long");
  begin("work");
  expect(user_.say({"wait", ids_["long"]}), 0, "wait for long");
}

void day::end_of_day() {
  begin("end of day");
  std::map<std::string, std::string> settled(ids_);
  settled.erase("last");
  for (const auto& [name, id] : settled)
    for (const auto& p : processes_of(home_, id))
      found_.orphans.push_back(name + " has ended and has a process: " + p);
  auto got = user_.say({"daemon", "stop", "--any"});
  expect(got, 0, "stop of the background service");
  if (followed_) // one that came too late to follow the first waits for nothing but its linger time
    first_.end();
  for (const auto& p : left_after(home_))
    found_.orphans.push_back("after the end of the day: " + p);
}

/// The next day, by a supervisor that is not traced.
void day::look_back() {
  begin("the day after");
  const std::map<std::string, std::string> ends{
      {"long", "done"}, {"seven", "failed"}, {"asker", "done"}, {"halted", "stopped"}, {"last", "stopped"}};
  std::vector<json> rows;
  auto got = user_.say({"agents", "--json", "--all"});
  auto list = json::parse(got.text, nullptr, false);
  if (list.is_array())
    rows = list.get<std::vector<json>>();
  for (const auto& [name, state] : ends) {
    auto row = row_of(rows, ids_[name]);
    auto& column = state == "stopped" ? found_.undone : found_.lost;
    if (row.is_null())
      found_.lost.push_back(name + " is not listed any more");
    else if (row["state"] != state || row["process"] != "exited")
      column.push_back(name + " is not " + state + " but: " + row.dump());
  }
  if (!row_of(rows, ids_["removed"]).is_null())
    found_.undone.push_back("removed is listed again");
  if (rows.size() > ends.size())
    found_.doubled.push_back(std::to_string(rows.size()) + " sessions are listed: " + list.dump());
  expect_marks("long", "began over");
  expect_marks("seven", "ran");
  expect_marks("asker", "first second third fourth fifth");
  expect_marks("halted", "first");
  expect_marks("removed", "ran");
  expect_marks("last", "ran");
  auto output = user_.say({"logs", ids_["long"]}).text;
  for (int i = 0; i < 50; ++i)
    if (output.find("line " + std::to_string(i) + "\n") == std::string::npos)
      found_.lost.push_back("long's output lacks line " + std::to_string(i));
  user_.say({"daemon", "stop", "--any"});
  for (const auto& p : left_after(home_))
    found_.orphans.push_back("after the day after: " + p);
  read_files(home_, ids_, found_);
}

day_result day::play(bool keep) {
  auto from = std::chrono::steady_clock::now();
  dispatch_all();
  work();
  ask_and_answer();
  freeze_and_thaw();
  wake();
  stop_one();
  remove_one();
  finish_long();
  end_of_day();
  day_result out;
  first_.end();
  for (const auto& life : first_.lives()) {
    out.kills += life.killed ? 1 : 0;
    if (life.killed || out.reached.empty())
      out.reached = life.reached;
  }
  look_back();
  out.ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - from).count();
  out.found = std::move(found_);
  if (keep && !out.found.none())
    out.kept = keep_files(home_.root());
  return out;
}

} // namespace

day_result play_day(const std::vector<std::uint64_t>& kill_at, bool keep) {
  return day(kill_at).play(keep);
}

} // namespace troupe::crash
