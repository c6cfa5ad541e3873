// troupe_search: exhausts bounded worlds and prints a table, or the shortest story of a property that breaks.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "tests/search/worlds.hpp"

namespace troupe::search {

namespace {

void tell_story(const setting& s, const outcome& o) {
  std::printf("\n%s: %s\n  after these %zu steps:\n", s.name.c_str(), o.violation.c_str(), o.path.size());
  auto w = first_world(s);
  int n = 0;
  for (const auto& m : o.path) {
    std::printf("  %3d  %s\n", ++n, told(w, m).c_str());
    w = *after(w, m);
  }
}

struct options {
  bool deep = false, planted = false, list = false;
  std::vector<std::string> only;
};

bool read(int argc, char** argv, options& o) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--deep") == 0)
      o.deep = true;
    else if (std::strcmp(argv[i], "--planted") == 0)
      o.planted = true;
    else if (std::strcmp(argv[i], "--list") == 0)
      o.list = true;
    else if (argv[i][0] == '-')
      return false;
    else
      o.only.emplace_back(argv[i]);
  }
  return true;
}

struct search_table {
  std::vector<setting> all;
  bool planted;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  outcome sum;
  int faults = 0;

  void work() {
    for (auto at = next++; at < all.size(); at = next++) {
      auto o = explorer<world>().run(first_world(all[at]));
      std::lock_guard guard(mutex);
      row(all[at], o);
    }
  }

  void row(const setting& s, const outcome& o) {
    std::printf("%-22s %10zu %12zu %8zu %6zu %8.2f  %s\n", s.name.c_str(), o.states, o.transitions, o.quiet, o.depth,
                o.seconds, planted ? o.violation.substr(0, o.violation.find('\n')).c_str() : s.about.c_str());
    std::fflush(stdout);
    sum.states += o.states;
    sum.transitions += o.transitions;
    sum.quiet += o.quiet;
    sum.depth = std::max(sum.depth, o.depth);
    if (o.violation.empty() != planted)
      return;
    ++faults;
    if (planted)
      std::printf("  the bug planted here was not found\n");
    else
      tell_story(s, o);
  }
};

int run(const options& o) {
  search_table table{planted_worlds(), o.planted, {}, {}, {}, 0};
  if (!o.planted)
    table.all = worlds(o.deep);
  if (!o.only.empty())
    std::erase_if(table.all,
                  [&](const setting& s) { return std::find(o.only.begin(), o.only.end(), s.name) == o.only.end(); });
  std::printf("%-22s %10s %12s %8s %6s %8s\n", "world", "states", "transitions", "quiet", "depth", "seconds");
  auto began = std::chrono::steady_clock::now();
  std::thread second([&] { table.work(); });
  table.work();
  second.join();
  std::printf("%-22s %10zu %12zu %8zu %6zu %8.2f\n", "all of them", table.sum.states, table.sum.transitions,
              table.sum.quiet, table.sum.depth,
              std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  if (table.faults == 0 && !table.all.empty())
    std::printf(o.planted ? "each planted bug was found\n" : "every property holds in every state\n");
  return table.faults == 0 && !table.all.empty() ? 0 : 1;
}

} // namespace

} // namespace troupe::search

int main(int argc, char** argv) {
  troupe::search::options o;
  if (!troupe::search::read(argc, argv, o)) {
    std::fprintf(stderr, "usage: troupe_search [--deep] [--planted] [WORLD...]\n");
    return 2;
  }
  if (o.list) {
    for (const auto& s : troupe::search::worlds(true))
      std::printf("%-22s %s\n", s.name.c_str(), s.about.c_str());
    return 0;
  }
  return troupe::search::run(o);
}
