// The journal keeper on the real system.
#include "runtime/services/journal_keeper.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "runtime/io/process.hpp"
#include "runtime/worker/terminal/plain_lines.hpp"

namespace troupe {

class syncer {
public:
  explicit syncer(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)), thread_([this] { loop(); }) {}
  ~syncer() {
    {
      std::lock_guard guard(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  void dirty() {
    std::lock_guard guard(mutex_);
    if (!std::exchange(dirty_, true))
      wake_.notify_one();
  }

private:
  void loop() {
    std::unique_lock guard(mutex_);
    for (;;) {
      wake_.wait(guard, [&] { return dirty_ || done_; });
      if (std::exchange(dirty_, false)) {
        guard.unlock();
        ::fdatasync(fd_.get());
        guard.lock();
        wake_.wait_for(guard, std::chrono::seconds(1), [&] { return done_; }); // groups what comes within a second
      }
      if (done_ && !dirty_)
        return;
    }
  }
  unique_fd fd_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool dirty_ = false, done_ = false;
  std::thread thread_;
};

namespace {

constexpr wall_ms day = 24LL * 3'600'000;

wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// What is left of a removed session: enough for `wait` and for its key.
row tombstone(const std::vector<ledger_entry>& entries) {
  row r;
  for (const auto& e : entries) {
    if (!e.spec.empty()) {
      r.id = e.session;
      r.name = e.spec.front().name;
      r.harness = e.spec.front().harness;
    }
    if (e.what == "removed") {
      r.gone = true;
      r.changed_at = e.t;
      r.state = e.facts.count("state") ? e.facts.at("state") : "done";
      r.exit_status = e.facts.count("exit_status") ? std::atoi(e.facts.at("exit_status").c_str()) : -1;
    }
  }
  return r;
}

bool is_removed(const std::vector<ledger_entry>& entries) {
  auto last = std::find_if(entries.rbegin(), entries.rend(),
                           [](const auto& e) { return e.what == "removed" || e.what == "resumed"; });
  return last != entries.rend() && last->what == "removed";
}

bool begins(const ledger_entry& e) {
  return e.what == "dispatched" || (e.what == "resumed" && !e.spec.empty());
}

std::string epitaph_path(const std::string& folder) {
  return folder + "/removed.json";
}

/// One that has told its end may still be on its way out: nobody says `stopped` before it is gone.
bool last_claimed_lives(const std::vector<ledger_entry>& entries) {
  auto at = std::find_if(entries.rbegin(), entries.rend(), [](const auto& e) { return e.what == "claimed"; });
  if (at == entries.rend())
    return false;
  auto fact = [&](const char* name) { return at->facts.count(name) ? at->facts.at(name) : std::string(); };
  return alive({fact("boot"), std::atoi(fact("pid").c_str()), std::strtoull(fact("start").c_str(), nullptr, 10)});
}

void read_transcript(const std::string& folder, session_history& out) {
  auto path = folder + "/transcript.jsonl";
  auto report = read_lines(
      path, 0, [&](const json& line) { out.events.push_back(event_from_json(line)); }, false);
  out.problems = std::move(report.problems);
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode))
    out.problems.push_back("its transcript is no file: " + path);
}

/// The last line that its shell job has put out; empty where it is none.
std::string output_of(const std::string& folder) {
  failure none;
  auto kept = output_ring::open(folder + "/output", none);
  return kept.valid() ? last_line(kept, kept.begin()) : std::string();
}

} // namespace

ledger::ledger(paths where, std::uint64_t segment) : where_(std::move(where)), segment_(segment) {}
ledger::~ledger() = default;

bool ledger::open(journal& out, failure& error) {
  std::map<session_id, std::vector<ledger_entry>> by_session;
  std::vector<session_id> order;
  auto report = read_lines(
      where_.ledger(), 0,
      [&](const json& line) {
        auto e = ledger_entry_from_json(line);
        last_ = std::max(last_, e.n);
        if (e.session.empty())
          return;
        if (by_session.count(e.session) == 0)
          order.push_back(e.session);
        by_session[e.session].push_back(std::move(e));
      },
      true);
  out.problems = std::move(report.problems);
  for (const auto& id : order) {
    auto& entries = by_session[id];
    if (is_removed(entries)) {
      out.gone.push_back(tombstone(entries));
      if (entries.front().what == "dispatched")
        out.keys.push_back(std::move(entries.front()));
      continue;
    }
    if (!begins(entries.front())) {
      out.problems.push_back("session " + id.value + " has no line that began it: left alone");
      continue;
    }
    session_history h{id, std::move(entries), {}, {}, false};
    h.worker_alive = last_claimed_lives(h.entries);
    read_transcript(where_.session(id.value), h);
    h.output = output_of(where_.session(id.value));
    out.sessions.push_back(std::move(h));
  }
  file_ = line_file::open(where_.ledger(), error);
  if (error.code != errc::ok)
    return false;
  syncer_ = std::make_unique<syncer>(where_.ledger());
  out.last = last_;
  return true;
}

bool ledger::append(ledger_entry& e, failure& error) {
  if (e.what == "dispatched" && !make_private_folder(where_.session(e.session.value), error))
    return false;
  if (file_.size() > segment_)
    begin_segment(error);
  e.n = last_ + 1;
  if (!file_.append(to_text(e), error))
    return false;
  last_ = e.n;
  syncer_->dirty();
  return true;
}

namespace {

/// Of the lines that are about no session: those that a kept one names as its cause, and the launches of its workers.
/// Without them a chain would end in the middle (BEYOND-1).
std::vector<ledger_entry> still_named(std::vector<ledger_entry> loose, const std::vector<ledger_entry>& kept) {
  std::set<std::uint64_t> causes;
  std::set<std::string> workers;
  for (const auto& e : kept) {
    causes.insert(e.cause);
    if (e.what == "claimed")
      workers.insert(e.facts.at("worker"));
  }
  std::vector<ledger_entry> out;
  std::sort(loose.begin(), loose.end(), [](const auto& a, const auto& b) { return a.n < b.n; });
  for (auto e = loose.rbegin(); e != loose.rend(); ++e) { // a cause stands before its effect
    bool launch = e->what == "spawned" && e->facts.count("worker") != 0 && workers.count(e->facts["worker"]) != 0;
    if (!launch && causes.count(e->n) == 0)
      continue;
    causes.insert(e->cause);
    out.push_back(std::move(*e));
  }
  return out;
}

} // namespace

/// A checkpoint repeats what is still true: the lines of sessions that exist, of removed ones what `wait` and keys
/// need, and what their causes are. Each is repeated with all that a newer version may have put into it (SUP-6).
void ledger::begin_segment(failure& error) {
  std::map<session_id, std::vector<ledger_entry>> by_session;
  std::map<std::uint64_t, json> richer; ///< by number: lines that hold more than an entry of ours
  std::vector<session_id> order;
  std::vector<ledger_entry> loose, kept;
  read_lines(
      where_.ledger(), 0,
      [&](const json& line) {
        auto e = ledger_entry_from_json(line);
        if (to_json(e) != line)
          richer[e.n] = line;
        if (e.session.empty()) {
          loose.push_back(std::move(e));
          return;
        }
        if (by_session.count(e.session) == 0)
          order.push_back(e.session);
        by_session[e.session].push_back(std::move(e));
      },
      false);
  ledger_entry mark;
  mark.n = ++last_;
  mark.t = wall_now();
  mark.what = "checkpoint";
  for (const auto& id : order) {
    auto& entries = by_session[id];
    bool gone = is_removed(entries);
    if (gone && entries.back().t < mark.t - 30 * day)
      continue;
    for (auto& e : entries) {
      if (gone && e.what == "removed") // its chain is cut short, and has no gap
        e.cause = entries.front().n;
      if (!gone || e.what == "dispatched" || e.what == "removed")
        kept.push_back(e);
    }
  }
  for (auto& e : still_named(std::move(loose), kept))
    kept.push_back(std::move(e));
  std::string out = to_text(mark) + "\n";
  for (const auto& e : kept) {
    auto line = to_json(e);
    if (auto at = richer.find(e.n); at != richer.end()) {
      if (e.cause != 0)
        at->second["cause"] = e.cause; // it may be another one by now
      line = std::move(at->second);
    }
    out += to_line(line) + "\n";
  }
  auto old = where_.state + "/ledger." + std::to_string(mark.n) + ".jsonl";
  std::error_code ignored;
  std::filesystem::create_hard_link(where_.ledger(), old, ignored);
  if (!replace_file(where_.ledger(), out, true, error))
    return;
  file_ = line_file::open(where_.ledger(), error);
  syncer_ = std::make_unique<syncer>(where_.ledger());
  segment_ = std::max(segment_, file_.size() * 2);
}

std::vector<ledger_entry> ledger::chain(const session_id& id) const {
  failure error;
  auto all = read_file(where_.ledger(), error).value_or("");
  std::vector<ledger_entry> out, spawned;
  std::set<std::string> workers;
  std::size_t at = 0;
  auto needle = "\"" + id.value + "\"";
  while (at < all.size()) {
    auto end = std::min(all.find('\n', at), all.size());
    auto line = std::string_view(all).substr(at, end - at);
    at = end + 1;
    bool about = line.find(needle) != std::string_view::npos;
    if (!about && line.find("\"spawned\"") == std::string_view::npos)
      continue;
    try {
      auto e = ledger_entry_from_json(json::parse(line));
      if (e.what == "spawned")
        spawned.push_back(std::move(e));
      else if (e.session == id) {
        if (e.facts.count("worker"))
          workers.insert(e.facts["worker"]);
        out.push_back(std::move(e));
      }
    } catch (const std::exception&) { // reported when the ledger was opened
    }
  }
  for (auto& e : spawned)
    if (workers.count(e.facts["worker"]))
      out.push_back(std::move(e));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.n < b.n; });
  return out;
}

namespace {

/// The epitaph of a removed session, and when it was removed.
std::optional<std::pair<ledger_entry, wall_ms>> epitaph_in(const std::string& folder) {
  failure error;
  auto text = read_file(epitaph_path(folder), error);
  if (!text)
    return {};
  try {
    auto kept = json::parse(*text);
    return std::pair(ledger_entry_from_json(kept.at("entry")), optional_number(kept, "at", 0));
  } catch (const std::exception&) { // of another version, or not whole
    return {};
  }
}

} // namespace

void ledger::bury(const session_id& id, const ledger_entry& epitaph, wall_ms now) const {
  failure error; // what cannot be kept cannot be brought back, and that is said when it is asked for
  auto text = to_line({{"at", now}, {"entry", to_json(epitaph)}});
  replace_file(epitaph_path(where_.session(id.value)), text, true, error);
}

bool ledger::revive(const session_id& id, const std::string& by, wall_ms now, session_history& out, failure& error) {
  auto folder = where_.session(id.value);
  auto kept = epitaph_in(folder);
  if (!kept || kept->first.session != id || kept->first.spec.empty()) {
    error = {errc::no_such_session,
             "nothing is kept of a session '" + id.value + "'\nlist those that can be brought back: troupe resume"};
    return false;
  }
  auto line = std::move(kept->first);
  line.t = now;
  line.facts["by"] = by;
  out.id = id;
  if (!append(line, error))
    return false;
  ::unlink(epitaph_path(folder).c_str());
  for (auto& e : chain(id))
    if (e.session == id)
      out.entries.push_back(std::move(e));
  read_transcript(folder, out);
  return true;
}

std::vector<row> ledger::buried() const {
  std::vector<row> out;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(where_.state + "/sessions", error)) {
    auto kept = epitaph_in(each.path().string());
    if (!kept || kept->first.spec.empty())
      continue;
    row r;
    r.id = kept->first.session;
    r.name = kept->first.facts["name"];
    r.state = kept->first.facts["state"];
    r.sentence = kept->first.facts["sentence"];
    r.cwd = kept->first.spec.front().cwd;
    r.harness = kept->first.spec.front().harness;
    r.process = "exited";
    r.changed_at = kept->second;
    r.gone = true;
    out.push_back(std::move(r));
  }
  std::sort(out.begin(), out.end(), [](const row& a, const row& b) { return a.changed_at > b.changed_at; });
  return out;
}

namespace {

void flush(journal_keeper_state& s) {
  s.flushing = false;
  for (const auto& [id, c] : std::exchange(s.cached, {})) {
    failure error;
    auto text = to_line({{"row", to_json(c.now)}, {"ledger", c.entry}, {"transcript", c.event}});
    replace_file(s.where.session(id.value) + "/state.json", text, false, error);
  }
}

void drop(const paths& where, const session_id& id) {
  std::error_code ignored;
  auto folder = where.session(id.value);
  for (const char* name : {"/output", "/state.json"})
    std::filesystem::remove(folder + name, ignored);
  for (const char* name : {"/tmp", "/shells"})
    std::filesystem::remove_all(folder + name, ignored);
  std::filesystem::remove(folder, ignored); // only when nothing is left in it
}

} // namespace

journal_keeper_actor::behavior_type
make_journal_keeper(journal_keeper_actor::stateful_pointer<journal_keeper_state> self, paths where,
                    std::function<void(const std::string&)> log) {
  auto& st = self->state;
  st.where = std::move(where);
  st.log = std::move(log);
  st.lines = std::make_unique<ledger>(st.where);
  return {
      [self](append& a) -> caf::result<appended> {
        auto& s = self->state;
        if (s.closed) { // nothing starts any more that waits for its line
          s.unanswered.push_back(self->make_response_promise<appended>());
          return s.unanswered.back();
        }
        failure error;
        if (!s.lines->append(a.entry, error)) {
          s.log("event=ledger_not_written error=\"" + error.text + "\"");
          return make_error(errc::disk, error.text);
        }
        std::string line = "event=" + a.entry.what + " n=" + std::to_string(a.entry.n);
        if (!a.entry.session.empty())
          line += " session=" + a.entry.session.value;
        for (const auto& [name, value] : a.entry.facts)
          if (name != "text" && name != "digest" && name != "key") // a reply's text is the user's own affair
            line += " " + name + "=" + json(value).dump(-1, ' ', true, json::error_handler_t::replace);
        s.log(line);
        return appended{a.entry.n};
      },
      [self](load_journal&) -> caf::result<journal> {
        auto& s = self->state;
        journal out;
        failure error;
        if (!s.lines->open(out, error)) {
          s.log("event=ledger_not_opened error=\"" + error.text + "\"");
          return make_error(errc::disk, error.text);
        }
        for (const auto& p : out.problems)
          s.log("event=set_aside what=" + json(p).dump());
        return out;
      },
      [self](drop_session& d) {
        auto& s = self->state;
        s.cached.erase(d.id);
        for (const auto& e : d.epitaph)
          s.lines->bury(d.id, e, wall_now());
        drop(s.where, d.id);
      },
      [self](cache_row& c) {
        auto& s = self->state;
        if (c.now.gone)
          return;
        s.cached[c.now.id] = std::move(c);
        if (!std::exchange(s.flushing, true))
          self->delayed_send(self, std::chrono::seconds(1), timer_due{});
      },
      [self](archive_asked&) { return archive{self->state.lines->buried()}; },
      [self](revive_session& r) -> caf::result<session_history> {
        failure error;
        session_history out;
        if (!self->state.lines->revive(r.id, r.by, wall_now(), out, error))
          return make_error(error.code, error.text);
        self->state.log("event=resumed session=" + r.id.value + " by=" + r.by);
        return out;
      },
      [self](chain_asked& a) { return reasons{self->state.lines->chain(a.id)}; },
      [self](flush_journal& f) {
        auto& s = self->state;
        s.closed = true;
        flush(s);
        s.lines->sync();
        return f;
      },
      [self](timer_due&) { flush(self->state); },
  };
}

} // namespace troupe
