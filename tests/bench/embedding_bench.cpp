// Memory and speed of a supervisor inside a program: session events by an agent of the program's own, and sessions come
// and gone. `troupe-bench-embedding [--short]`; ends with 1 where memory grows by 5 MB or more.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include <malloc.h>
#include <unistd.h>

#include "runtime/troupe.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe::embed;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr double may_grow = 5; ///< MB after the first tenth

/// Memory that this process really has, in MB.
double resident() {
  std::ifstream in("/proc/self/statm");
  double pages = 0;
  in >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// The same once the deadlines of all requests of before have passed, which the clock holds until then; the heap's free
/// pages are given back first.
double at_rest(bool brief, double& paused) {
  auto begin = clock_type::now();
  if (!brief)
    std::this_thread::sleep_for(std::chrono::seconds(75));
  ::malloc_trim(0);
  paused += std::chrono::duration<double>(clock_type::now() - begin).count();
  return resident();
}

struct figures {
  double tenth = 0, last = 0, seconds = 0;
  int count = 0;
  bool ok = true;
};

bool show(const char* what, const figures& f) {
  bool fits = f.ok && f.last - f.tenth < may_grow;
  std::printf("%-28s %8d  %8.0f/s  %6.1f MB at a tenth  %6.1f MB at the end  grown %5.2f MB  must be below %.0f  %s\n",
              what, f.count, f.count / f.seconds, f.tenth, f.last, f.last - f.tenth, may_grow, fits ? "ok" : "MISS");
  std::fflush(stdout);
  return fits;
}

/// Tells so many steps, each an event of its own.
class teller : public agent {
public:
  explicit teller(figures& f) : f_(f) {}
  result<std::string> initialize(const beginning&, conversation way) override {
    way_.emplace(std::move(way));
    return std::string();
  }
  void prompt(turn now) override {
    auto begin = clock_type::now();
    for (int i = 0; i < f_.count && f_.ok; ++i) {
      f_.ok = !way_->tool("step", "one step of many", i % 2 == 0 ? "in_progress" : "completed");
      if (i == f_.count / 10)
        f_.tenth = resident();
    }
    f_.last = resident();
    f_.seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    now.end();
  }

private:
  std::optional<conversation> way_;
  figures& f_;
};

class quick : public agent {
public:
  result<std::string> initialize(const beginning&, conversation) override { return std::string(); }
  void prompt(turn now) override { now.end(); }
};

dispatch task(const char* harness) {
  dispatch d;
  d.harness = harness;
  d.prompt = "go on";
  d.cwd = "/tmp";
  return d;
}

} // namespace

// F-03
int main(int argc, char** argv) {
  bool brief = argc > 1 && std::strcmp(argv[1], "--short") == 0;
  troupe::test::sandbox place;
  figures events, sessions;
  events.count = brief ? 20'000 : 1'000'000;
  sessions.count = brief ? 500 : 10'000;
  options how;
  how.directory = place.home();
  // A session's last rest timer stays in the clock until it is due: a short rest shows soon what a long one does.
  how.settings = R"({"warmPool": {"size": 0}, "session": {"idleSeconds": 1}})";
  how.agents["teller"] = [&] { return std::make_unique<teller>(events); };
  how.agents["quick"] = [] { return std::make_unique<quick>(); };
  auto started = runtime::start(std::move(how));
  if (!started)
    return 1;
  auto& r = **started;
  auto told = r.dispatch(task("teller"));
  auto over = told ? r.wait({told->id}, std::chrono::hours(1)) : result<std::vector<outcome>>(told.error());
  events.ok = events.ok && over && over->front().state == "done" && !r.remove(told->id);
  bool fits = show("events of one session", events);
  double paused = 0;
  auto begin = clock_type::now();
  for (int i = 0; i < sessions.count && sessions.ok; ++i) {
    auto d = r.dispatch(task("quick"));
    sessions.ok = d && r.wait({d->id}, std::chrono::seconds(60)) && !r.remove(d->id);
    if (i == sessions.count / 10)
      sessions.tenth = at_rest(brief, paused);
  }
  sessions.seconds = std::chrono::duration<double>(clock_type::now() - begin).count() - paused;
  sessions.last = at_rest(brief, paused);
  fits = show("sessions come and gone", sessions) && fits;
  begin = clock_type::now();
  bool ended = !r.end(workers::stop);
  std::printf("the end took %.0f ms\n", std::chrono::duration<double, std::milli>(clock_type::now() - begin).count());
  return fits && ended ? 0 : 1;
}
