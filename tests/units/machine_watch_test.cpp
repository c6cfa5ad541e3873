// What is made of the kernel's words about memory and sleep.
#define CAF_SUITE machine_watch
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "caf/test/unit_test.hpp"
#include "runtime/services/machine_watch.hpp"

using namespace troupe;

namespace {

struct host {
  std::string folder;
  memory_settings chosen;
  clock_reading now{1'000'000, 1'000'000, 5'000'000};
  asio::io_context loop;
  std::vector<memory_state> short_;
  std::vector<machine_slept> slept;
  std::unique_ptr<machine_watch> watch;
  host() {
    char pattern[] = "/tmp/troupe-test-XXXXXX";
    folder = ::mkdtemp(pattern);
    chosen.pressure_file = folder + "/pressure";
    chosen.info_file = folder + "/meminfo";
    chosen.group_folder = folder + "/group";
    chosen.check_ms = 3'600'000; // the test looks by itself
    available(60);
  }
  ~host() { std::filesystem::remove_all(folder); }
  void available(int percent) {
    std::ofstream(chosen.info_file) << "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: " << percent * 10 << " kB\n";
  }
  void stalled(int ms) {
    std::ofstream(chosen.pressure_file) << "some avg10=99.00 avg60=0.00 avg300=0.00 total=" << ms * 1000
                                        << "\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=7\n";
  }
  void begin() {
    watch = std::make_unique<machine_watch>(loop, chosen, [this] { return now; });
    watch->listen(
        {[this](memory_state m) { short_.push_back(std::move(m)); }, [this](machine_slept s) { slept.push_back(s); }});
  }
  void after(std::int64_t ms, std::int64_t asleep = 0) {
    now.monotonic += ms;
    now.boot += ms + asleep;
    now.wall += ms + asleep;
    watch->check();
  }
};

} // namespace

// SUP-8
CAF_TEST(without stall information what is available decides) {
  host h;
  h.begin();
  h.after(5000);
  CAF_CHECK(h.short_.empty());
  h.available(4);
  h.after(5000);
  CAF_REQUIRE_EQUAL(h.short_.size(), 1u);
  CAF_CHECK_EQUAL(h.short_[0].evidence, "4 % of memory available");
  h.available(8);
  memory_state seen;
  h.watch->look([&](memory_state m) { seen = std::move(m); });
  CAF_CHECK(!seen.pressed && seen.low);
}

// SUP-8, F-04
CAF_TEST(with stall information the stall of late decides and not how much was used or stalled before) {
  host h;
  h.available(1);
  h.stalled(90'000); // since boot, long ago
  h.begin();
  h.after(5000);
  CAF_CHECK(h.short_.empty());
  h.stalled(90'499); // 499 ms in 5 s: below 200 ms in 2 s
  h.after(5000);
  CAF_CHECK(h.short_.empty());
  h.stalled(90'999);
  h.after(5000);
  CAF_REQUIRE_EQUAL(h.short_.size(), 1u);
  CAF_CHECK_EQUAL(h.short_[0].evidence, "500 ms of stall in 5000 ms");
}

// SUP-8: a neighbour's control group may thrash while there is plenty here
CAF_TEST(a stall with plenty of memory left ends nobody) {
  host h;
  h.available(25);
  h.stalled(0);
  h.begin();
  h.stalled(4000);
  h.after(5000);
  CAF_CHECK(h.short_.empty());
  h.available(24);
  h.stalled(8000);
  h.after(5000);
  CAF_CHECK_EQUAL(h.short_.size(), 1u);
}

// SUP-8: in a container the host's memory says nothing
CAF_TEST(the limits of its control group and of those around it count) {
  host h;
  auto inner = h.folder + "/group/inner";
  std::filesystem::create_directories(inner);
  auto put = [](const std::string& folder, const char* most, int used, int droppable) {
    std::ofstream(folder + "/memory.max") << most << "\n";
    std::ofstream(folder + "/memory.current") << used << "\n";
    std::ofstream(folder + "/memory.stat") << "anon 7\ninactive_file " << droppable << "\n";
  };
  CAF_CHECK(!group_percent(inner));
  put(inner, "max", 900, 0);
  CAF_CHECK(!group_percent(inner));
  put(h.folder + "/group", "1000", 900, 100);
  CAF_CHECK_EQUAL(group_percent(inner).value_or(0), 20.0);
  put(inner, "500", 900, 500);
  CAF_CHECK_EQUAL(group_percent(inner).value_or(0), 20.0);
  put(inner, "500", 460, 0);
  CAF_CHECK_EQUAL(group_percent(inner).value_or(0), 8.0);
  h.stalled(0);
  h.begin();
  h.stalled(4000);
  h.after(5000);
  CAF_CHECK_EQUAL(h.short_.size(), 1u); // 20 % of the group's, 60 % of the host's
}

// KEEP-3, F-30
CAF_TEST(time in which the machine slept is told with the last time it was awake) {
  host h;
  h.begin();
  h.after(5000);
  CAF_CHECK(h.slept.empty());
  auto awake = h.now.wall;
  h.after(5000, 3'600'000);
  CAF_REQUIRE_EQUAL(h.slept.size(), 1u);
  CAF_CHECK_EQUAL(h.slept[0].ms, 3'600'000);
  CAF_CHECK_EQUAL(h.slept[0].since, awake);
  h.after(5000);
  CAF_CHECK_EQUAL(h.slept.size(), 1u);
}

// SUP-8
CAF_TEST(the files of the kernel are understood and what is no such file is not ) {
  CAF_CHECK_EQUAL(stalled_us("some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 total=9\n").value_or(0),
                  123u);
  CAF_CHECK(!stalled_us(""));
  CAF_CHECK(!stalled_us("full total=3\n"));
  CAF_CHECK_EQUAL(available_percent("MemTotal: 200 kB\nMemAvailable:  50 kB\n").value_or(0), 25.0);
  CAF_CHECK(!available_percent("MemTotal: 200 kB\n"));
  auto clocks = read_clocks();
  CAF_CHECK(clocks.boot >= clocks.monotonic && clocks.wall > 0);
}
