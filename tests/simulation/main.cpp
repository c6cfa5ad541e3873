// troupe_simulation: runs seeds of the simulated world, and tells the story of one that fails.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/simulation/shrink.hpp"

namespace {

using namespace troupe::simulation;
using steady = std::chrono::steady_clock;

struct options {
  std::uint64_t seed = 0, from = 1, seeds = 0;
  double hours = 0;
  unsigned threads = 2;
  std::size_t steps = 200;
  bool plain = false;
};

struct totals {
  std::atomic<std::uint64_t> next, done{0}, messages{0}, supervisors{0}, failed{0};
};

double seconds_since(steady::time_point t) {
  return std::chrono::duration<double>(steady::now() - t).count();
}

void print_rate(const totals& all, steady::time_point began, unsigned threads) {
  auto s = seconds_since(began);
  auto cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC; // of all threads: others may use the machine too
  std::printf("%llu seeds, %llu messages, %llu supervisors in %.1f s on %u threads; "
              "%.0f seeds/s, %.0f messages/s a core\n",
              static_cast<unsigned long long>(all.done), static_cast<unsigned long long>(all.messages),
              static_cast<unsigned long long>(all.supervisors), s, threads, static_cast<double>(all.done) / cpu,
              static_cast<double>(all.messages) / cpu);
  std::fflush(stdout);
}

void print_story(const run_result& r) {
  for (const auto& line : r.lines)
    std::printf("%s\n", line.c_str());
  for (const auto& v : r.broken)
    std::printf("broken: %s: %s\n", v.rule.c_str(), v.text.c_str());
}

/// One seed with its story; a failing one is made short first.
int tell(std::uint64_t seed, const options& o) {
  auto t = draw(seed, o.steps);
  run_options how;
  auto result = play(t, how);
  if (!result.broken.empty() && !o.plain) {
    auto rule = result.broken.front().rule;
    t = shrink(std::move(t), rule, how, 20'000);
    std::printf("seed %llu breaks '%s'; shortened from %zu to %zu steps:\n", static_cast<unsigned long long>(seed),
                rule.c_str(), o.steps, t.size());
  }
  how.tell = true;
  result = play(t, how);
  print_story(result);
  std::printf("%s\n", result.broken.empty() ? "all properties hold" : "FAILED");
  return result.broken.empty() ? 0 : 1;
}

void work(totals& all, std::uint64_t end, steady::time_point until, const options& o) {
  while (all.failed < 10) {
    auto seed = all.next++;
    if (seed >= end || steady::now() >= until)
      return;
    auto result = play(draw(seed, o.steps), {});
    ++all.done;
    all.messages += result.messages;
    all.supervisors += result.supervisors;
    if (result.broken.empty())
      continue;
    ++all.failed;
    std::printf("seed %llu fails: %s: %s\n  its story: troupe_simulation --seed %llu\n",
                static_cast<unsigned long long>(seed), result.broken.front().rule.c_str(),
                result.broken.front().text.c_str(), static_cast<unsigned long long>(seed));
    std::fflush(stdout);
  }
}

int run_many(const options& o) {
  totals all;
  all.next = o.from;
  auto began = steady::now();
  auto until = o.hours > 0
                   ? began + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(o.hours * 3600))
                   : steady::time_point::max();
  auto end = o.seeds > 0 ? o.from + o.seeds : ~std::uint64_t{0};
  std::vector<std::thread> threads;
  std::atomic<unsigned> running{o.threads};
  for (unsigned i = 0; i < o.threads; ++i)
    threads.emplace_back([&] {
      work(all, end, until, o);
      --running;
    });
  for (auto shown = began; running > 0;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (seconds_since(shown) > 10) {
      shown = steady::now();
      print_rate(all, began, o.threads);
    }
  }
  for (auto& t : threads)
    t.join();
  print_rate(all, began, o.threads);
  std::printf("%llu failed\n", static_cast<unsigned long long>(all.failed));
  return all.failed == 0 ? 0 : 1;
}

/// Dispatches that are decided one behind the other, until each is answered, and the seconds that took. What has begun
/// before goes on meanwhile: sessions run and end, spares are started. A world keeps all that ever was in it, so each
/// has a few only; what makes and settles it is not counted.
double decide(std::uint64_t wanted, std::string& refused) {
  constexpr int in_a_world = 20;
  double spent = 0;
  for (std::uint64_t decided = 0; decided < wanted && refused.empty();) {
    day d({});
    d.settle();
    auto begun = steady::now();
    for (int i = 0; i < in_a_world; ++i, ++decided) {
      auto at = d.crowd.dispatch_new(d.supervisor(), true);
      while (!d.crowd.requests[at].over && d.calm_step(true)) {
      }
      if (!d.crowd.requests[at].granted)
        refused = "a dispatch was not granted: " + d.crowd.requests[at].error.text;
    }
    spent += seconds_since(begun);
  }
  return spent;
}

/// How many a second: in worlds of their own, one a thread.
int measure_dispatches(std::uint64_t wanted, unsigned threads) {
  std::vector<std::thread> running;
  std::vector<double> spent(threads);
  std::vector<std::string> refused(threads);
  for (unsigned i = 0; i < threads; ++i)
    running.emplace_back([&, i] { spent[i] = decide(wanted, refused[i]); });
  double rate = 0;
  for (unsigned i = 0; i < threads; ++i) {
    running[i].join();
    rate += static_cast<double>(wanted) / spent[i];
  }
  for (const auto& why : refused)
    if (!why.empty())
      return std::puts(why.c_str()), 1;
  std::printf("%llu dispatches decided, %.0f a second, %.0f in each of %u threads\n",
              static_cast<unsigned long long>(wanted * threads), rate, rate / threads, threads);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs the real actors in a simulated world.\nexample: troupe_simulation --seeds 20000"};
  options o;
  app.add_option("--seed", o.seed, "one seed, with its story; a failing one is shortened first");
  app.add_option("--seeds", o.seeds, "how many seeds");
  app.add_option("--hours", o.hours, "for how long, with progress every ten seconds");
  app.add_option("--from", o.from, "the first seed (default 1)");
  app.add_option("--threads", o.threads, "how many threads (default 2)")->check(CLI::Range(1, 256));
  app.add_option("--steps", o.steps, "choices of one day (default 200)");
  app.add_flag("--plain", o.plain, "with --seed: the whole story, not shortened");
  std::uint64_t dispatches = 0;
  app.add_option("--dispatches", dispatches, "instead: each thread decides so many, and tells how many a second");
  CLI11_PARSE(app, argc, argv);
  if (dispatches != 0)
    return measure_dispatches(dispatches, o.threads);
  if (o.seed != 0)
    return tell(o.seed, o);
  if (o.seeds == 0 && o.hours == 0)
    o.seeds = 1000;
  return run_many(o);
}
