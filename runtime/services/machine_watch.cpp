// What the kernel says of the host.
#include "runtime/services/machine_watch.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/files/paths.hpp"

namespace troupe {

namespace {

constexpr std::int64_t least_sleep_ms = 1000; ///< the two clocks are not read at the very same moment

std::int64_t milliseconds_of(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

/// Where this process's control group is (v2); or empty.
std::string own_group() {
  failure ignored;
  auto text = read_file("/proc/self/cgroup", ignored).value_or("");
  auto at = text.starts_with("0::") ? 0 : text.find("\n0::");
  if (at == std::string::npos)
    return {};
  auto from = text.find("::", at) + 2;
  return "/sys/fs/cgroup" + text.substr(from, text.find('\n', from) - from);
}

/// The first number behind `label`.
std::optional<std::uint64_t> number_behind(const std::string& text, std::string_view label) {
  auto at = text.find(label);
  if (at == std::string::npos)
    return {};
  at = text.find_first_of("0123456789", at + label.size());
  std::uint64_t out = 0;
  if (at == std::string::npos || std::from_chars(text.data() + at, text.data() + text.size(), out).ec != std::errc())
    return {};
  return out;
}

} // namespace

clock_reading read_clocks() {
  return {milliseconds_of(CLOCK_BOOTTIME), milliseconds_of(CLOCK_MONOTONIC), milliseconds_of(CLOCK_REALTIME)};
}

std::optional<double> available_percent(const std::string& meminfo) {
  auto total = number_behind(meminfo, "MemTotal:"), available = number_behind(meminfo, "MemAvailable:");
  if (!total || !available || *total == 0)
    return {};
  return 100.0 * static_cast<double>(*available) / static_cast<double>(*total);
}

std::optional<double> group_percent(std::string folder) {
  std::optional<double> least;
  failure ignored;
  while (!folder.empty()) {
    auto used = number_behind(read_file(folder + "/memory.current", ignored).value_or(""), "");
    if (!used) // no group, or the root of all
      break;
    auto most = number_behind(read_file(folder + "/memory.max", ignored).value_or(""), ""); // none: "max"
    auto droppable = number_behind(read_file(folder + "/memory.stat", ignored).value_or(""), "\ninactive_file ");
    if (most && *most > 0) {
      auto held = *used - std::min(*used, droppable.value_or(0));
      auto left = 100.0 * static_cast<double>(*most - std::min(*most, held)) / static_cast<double>(*most);
      least = std::min(left, least.value_or(left));
    }
    folder.resize(folder.rfind('/') == std::string::npos ? 0 : folder.rfind('/'));
  }
  return least;
}

std::optional<std::uint64_t> stalled_us(const std::string& pressure) {
  auto at = pressure.find("some ");
  return at == std::string::npos ? std::nullopt : number_behind(pressure.substr(at), "total=");
}

machine_watch::machine_watch(asio::io_context& loop, memory_settings chosen, std::function<clock_reading()> clocks)
    : loop_(loop), chosen_(std::move(chosen)), clocks_(std::move(clocks)), timer_(loop), last_(clocks_()),
      last_stalled_(stalled()) {
  if (chosen_.group_folder.empty())
    chosen_.group_folder = own_group();
}

void machine_watch::listen(news tell) {
  tell_ = std::move(tell);
  if (open_trigger())
    await_trigger();
  arm();
}

/// The kernel tells of stalls by itself where it lets us ask for it: from 6.4 on, or with CAP_SYS_RESOURCE.
bool machine_watch::open_trigger() {
  unique_fd fd(::open(chosen_.pressure_file.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  struct statfs at {};
  if (!fd || ::fstatfs(fd.get(), &at) != 0 || at.f_type != PROC_SUPER_MAGIC) // a plain file would be written over
    return false;
  auto wish = "some " + std::to_string(chosen_.stall_ms * 1000) + " " + std::to_string(chosen_.window_ms * 1000) + '\0';
  if (!last_stalled_ || ::write(fd.get(), wish.data(), wish.size()) < 0)
    return false;
  trigger_ = std::make_unique<asio::posix::stream_descriptor>(loop_);
  asio::error_code error;
  trigger_->assign(fd.get(), error);
  if (error) {
    trigger_.reset();
    return false;
  }
  static_cast<void>(fd.release());
  return true;
}

void machine_watch::await_trigger() {
  trigger_->async_wait(asio::posix::stream_descriptor::wait_error, [this](const asio::error_code& error) {
    if (error) // the timer looks from here on
      trigger_.reset();
    else {
      if (auto state = state_of(chosen_.stall_ms * 1000, chosen_.window_ms); state.pressed)
        tell_.memory(state);
      await_trigger();
    }
  });
}

void machine_watch::arm() {
  timer_.expires_after(std::chrono::milliseconds(chosen_.check_ms));
  timer_.async_wait([this](const asio::error_code& error) {
    if (error)
      return;
    check();
    arm();
  });
}

void machine_watch::check() {
  auto now = clocks_();
  auto asleep = (now.boot - last_.boot) - (now.monotonic - last_.monotonic);
  if (asleep >= least_sleep_ms)
    tell_.slept({asleep, last_.wall});
  auto seen = stalled();
  if (!trigger_)
    if (auto state = state_of(seen && last_stalled_ ? std::optional(*seen - *last_stalled_) : std::nullopt,
                              now.monotonic - last_.monotonic);
        state.pressed)
      tell_.memory(state);
  last_ = now;
  last_stalled_ = seen;
}

std::optional<std::uint64_t> machine_watch::stalled() const {
  failure ignored;
  return stalled_us(read_file(chosen_.pressure_file, ignored).value_or(""));
}

/// Of the host, or of the control group where that has less.
std::optional<double> machine_watch::percent() const {
  failure ignored;
  auto host = available_percent(read_file(chosen_.info_file, ignored).value_or(""));
  auto group = group_percent(chosen_.group_folder);
  return host && group ? std::min(host, group) : host ? host : group;
}

/// Processes stall for other reasons too, such as those of a neighbour's control group: ending what rests here would
/// not help them. `stalled`: microseconds of stall within the last `within_ms`; none where the kernel does not tell.
memory_state machine_watch::state_of(std::optional<std::uint64_t> stalled, std::int64_t within_ms) const {
  auto left = percent();
  memory_state out;
  out.low = left && *left < static_cast<double>(chosen_.low_percent);
  if (stalled) {
    auto bound = std::max(within_ms, chosen_.window_ms) * chosen_.stall_ms * 1000 / chosen_.window_ms;
    auto plenty = left && *left >= static_cast<double>(chosen_.plenty_percent);
    out.pressed = static_cast<std::int64_t>(*stalled) >= bound && !plenty;
    out.evidence = std::to_string(*stalled / 1000) + " ms of stall in " + std::to_string(within_ms) + " ms";
  } else if (left) {
    out.pressed = *left < static_cast<double>(chosen_.least_percent);
    out.evidence = std::to_string(static_cast<int>(*left)) + " % of memory available";
  }
  out.low = out.low || out.pressed;
  return out;
}

void machine_watch::look(std::function<void(memory_state)> done) {
  auto before = stalled();
  if (!before) {
    done(state_of({}, 0));
    return;
  }
  auto wait = std::make_shared<asio::steady_timer>(loop_, std::chrono::milliseconds(chosen_.window_ms));
  wait->async_wait([this, wait, before, done = std::move(done)](const asio::error_code&) {
    auto after = stalled();
    done(state_of(after ? std::optional(*after - *before) : std::nullopt, chosen_.window_ms));
  });
}

} // namespace troupe
