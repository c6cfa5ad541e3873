// The last bytes of an agent's standard error: evidence for why it ended. It is no part of the transcript.
#pragma once

#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// Reads a pipe to its end and keeps the last 4 KiB. On the loop's thread.
class output_tail : public std::enable_shared_from_this<output_tail> {
public:
  static constexpr std::size_t limit = 4096;
  static std::shared_ptr<output_tail> create(asio::io_context& loop, unique_fd pipe);
  void start();
  /// Reads what is there already, without waiting: for when the process has ended.
  void drain();
  void close();
  /// Whole lines only, where older bytes were dropped; no trailing line break.
  [[nodiscard]] std::string text() const;

private:
  output_tail(asio::io_context& loop, unique_fd pipe) : pipe_(loop, pipe.release()) {}
  void read();
  void keep(std::size_t n);
  asio::posix::stream_descriptor pipe_;
  char chunk_[4096];
  std::string kept_;
  bool cut_ = false;
};

} // namespace troupe
