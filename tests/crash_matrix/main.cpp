// troupe_crash_matrix: the supervisor killed with SIGKILL at the boundaries of a scripted day, one day a kill
// (BEYOND-2).
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/crash_matrix/day.hpp"
#include "tests/crash_matrix/table.hpp"

using namespace troupe::crash;

namespace {

struct options {
  std::size_t points = 60, offset = 0, jobs = 2;
  bool nightly = false, keep = false;
  std::vector<std::uint64_t> point;
};

void print_faults(const day_result& day) {
  const auto& f = day.found;
  for (const auto& [column, list] : {std::pair("lost", &f.lost),
                                     {"orphan", &f.orphans},
                                     {"double", &f.doubled},
                                     {"undone", &f.undone},
                                     {"unanswered", &f.unanswered}})
    for (const auto& text : *list)
      std::printf("  %s: %s\n", column, text.c_str());
}

std::string place(const day_result& day) {
  if (day.kills == 0)
    return "no kill";
  const auto& b = day.reached.back();
  return std::string(day.kills > 1 ? "the next one " : "") + "killed at point " + std::to_string(b.n) + " (" + b.step +
         ": " + b.name + ")";
}

/// The day as it is without a kill: it has to be a good one, and tells how many points there are.
std::size_t count_points(bool keep) {
  auto day = play_day({0}, keep);
  if (!day.found.none()) {
    std::printf("the day went wrong without any kill:\n");
    print_faults(day);
    return 0;
  }
  std::printf("the day has %zu kill points and takes %lld ms\n", day.reached.size(), static_cast<long long>(day.ms));
  return day.reached.size();
}

using kill_points = std::vector<std::uint64_t>;

constexpr std::size_t recovery = 80; ///< so many boundaries has a supervisor that starts and adopts what there is
constexpr std::size_t recoveries = 660;

/// Spread evenly over the day; another offset gives other points. Nightly: every point of the day, and then the points
/// of the recovery, behind first deaths that are spread over the day.
std::vector<kill_points> choose(const options& o, std::size_t count) {
  std::vector<kill_points> out;
  auto n = o.nightly ? count : std::min(o.points, count);
  for (std::size_t i = 0; i < n; ++i)
    out.push_back({(i * count / n + o.offset) % count + 1});
  for (std::size_t i = 0; o.nightly && i < recoveries; ++i)
    out.push_back({(i * count / recoveries + o.offset) % count + 1, i % recovery + 1});
  return out;
}

class matrix {
public:
  matrix(std::vector<kill_points> points, const options& o) : points_(std::move(points)), options_(o) {}

  int run() {
    std::vector<std::thread> players;
    for (std::size_t i = 0; i < options_.jobs; ++i)
      players.emplace_back([this] {
        for (std::size_t at; (at = next_++) < points_.size();)
          play(points_[at]);
      });
    for (auto& p : players)
      p.join();
    std::printf("\n%s\n%s\n", table_.by_part().c_str(), table_.by_boundary().c_str());
    std::printf("%zu kills, %zu days went wrong", table_.days(), table_.faulty());
    std::printf(missed_ > 0 ? ", %zu points were not reached again\n" : "\n", missed_);
    return table_.faulty() == 0 && table_.days() > 0 ? 0 : 1;
  }

private:
  /// No two days are alike to the call: one that ends ahead of its point is played again with an earlier one. A second
  /// supervisor that came too late to be the next one leaves the day with one kill.
  void play(kill_points at) {
    auto day = play_day(at, options_.keep);
    for (int i = 1; i < 4 && day.kills == 0 && day.found.none(); ++i) {
      at.back() = std::max<std::uint64_t>(at.back() * 3 / 4, 1);
      day = play_day(at, options_.keep);
    }
    std::lock_guard guard(mutex_);
    if (day.kills > 0)
      table_.add(day);
    else
      ++missed_;
    if (!day.found.none()) {
      std::printf("%s\n", place(day).c_str());
      print_faults(day);
      if (!day.kept.empty())
        std::printf("  kept: %s\n", day.kept.c_str());
    }
    if (++done_ % 50 == 0)
      std::printf("… %zu of %zu\n", done_, points_.size());
    std::fflush(stdout);
  }

  std::vector<kill_points> points_;
  const options& options_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  table table_;
  std::size_t done_ = 0, missed_ = 0;
};

int play_one(const options& o) {
  auto day = play_day(o.point.empty() ? std::vector<std::uint64_t>{0} : o.point, o.keep);
  for (const auto& b : day.reached)
    std::printf("%5llu  %-10s  %-10s  %s\n", static_cast<unsigned long long>(b.n), part_of(b).c_str(), b.step.c_str(),
                b.name.c_str());
  std::printf("%s, %lld ms\n", place(day).c_str(), static_cast<long long>(day.ms));
  print_faults(day);
  if (!day.kept.empty())
    std::printf("kept: %s\n", day.kept.c_str());
  return day.found.none() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Kills the supervisor at the boundaries of a scripted day and looks at what is left.",
               "troupe_crash_matrix"};
  app.add_option("--points", o.points, "so many kills, spread evenly over the day");
  app.add_option("--offset", o.offset, "other points: each so many later");
  app.add_flag("--nightly", o.nightly, "every point, and those of the supervisor that follows a killed one");
  auto* one = app.add_option("--point", o.point,
                             "this point alone, with all boundaries ahead of it; 0: no kill; a "
                             "second number: the next supervisor's");
  app.add_option("--jobs", o.jobs, "days at the same time");
  app.add_flag("--keep", o.keep, "leave the folders of days that went wrong");
  CLI11_PARSE(app, argc, argv);
  if (*one)
    return play_one(o);
  auto count = count_points(o.keep);
  return count == 0 ? 1 : matrix(choose(o, count), o).run();
}
