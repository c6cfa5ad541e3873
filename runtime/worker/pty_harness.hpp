// A command in a PTY: its output goes to the ring, its input comes from attached terminals and replies.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include <asio/posix/stream_descriptor.hpp>

#include "runtime/worker/harness.hpp"
#include "runtime/worker/terminal/output_ring.hpp"
#include "runtime/worker/terminal/screen.hpp"

namespace troupe {

class pty_harness final : public harness {
public:
  pty_harness(asio::io_context& loop, reaper& children, harness_callbacks cb);
  /// Opens the terminal ahead of `start`, which else does it.
  void open_terminal(const assignment& job);
  void start(const assignment& job) override;
  void deliver(const std::string& key, const std::string& text) override;
  failure answer(const std::string& question, const std::string& choice, const std::string& by, std::string& resolved,
                 std::string& chosen) override;
  void steer(const std::string&, const std::string&, const std::string&, const std::string&,
             const steered_answer& done) override {
    done({errc::wrong_state, "a shell job has no turn, mode or model\nend it: troupe stop"}, {});
  }
  void begin_end() override {}
  [[nodiscard]] int grace() const override { return 0; } // SUP-4: a shell job has none

  /// Bytes from a terminal. Bounded: what a program does not read beyond 1 MiB is dropped.
  void type(std::string_view bytes);
  void resize(std::uint16_t rows, std::uint16_t cols);
  [[nodiscard]] const output_ring& ring() const { return ring_; }
  [[nodiscard]] screen& picture() { return *screen_; }
  /// Called after new output is in the ring.
  void on_output(std::function<void()> told) { told_ = std::move(told); }
  /// Whether a terminal is attached: it answers the program's queries, else libvterm does.
  void attended(bool yes);
  /// Output since the last terminal went: none where none was there yet, or one is there now.
  struct absence {
    std::int64_t ms = 0;
    std::uint64_t bytes = 0;
    std::size_t lines = 0;
    bool more = false; ///< than `lines`: not all of them are kept
  };
  [[nodiscard]] std::optional<absence> since_left() const;
  /// The last line that this run has put out (last_line).
  [[nodiscard]] std::string last_line() const;
  /// Reads what is left in the PTY; called when the tree has ended.
  void drain();

private:
  bool open_ring(const assignment& job);
  void read();
  bool read_some();
  ssize_t read_piece(bool& asks);
  void flush();
  asio::io_context& loop_;
  reaper& children_;
  harness_callbacks cb_;
  asio::posix::stream_descriptor master_;
  output_ring ring_;
  std::uint64_t began_at_ = 0; ///< where the output was when this run began
  std::unique_ptr<screen> screen_;
  std::function<void()> told_;
  std::string slave_, fault_; ///< of the terminal: its name, or why there is none
  std::string typing_, queued_;
  bool attended_ = false;
  std::optional<std::uint64_t> left_at_; ///< where the output was when the last terminal went
  std::chrono::system_clock::time_point left_;
};

} // namespace troupe
