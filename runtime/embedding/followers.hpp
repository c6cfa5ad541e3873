// What follows a runtime: changes of the roster, a session's events, a job's terminal.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/embedding/embedded_supervisor.hpp"
#include "runtime/io/frames.hpp"
#include "runtime/io/unique_fd.hpp"
#include "runtime/troupe.hpp"

namespace troupe::embed {

/// The lines that wait, between the front desk and the subscriber.
struct change_queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t capacity = 0;
  std::deque<std::string> lines; ///< the first one ever is the snapshot
  bool fresh = true;             ///< the snapshot has not been read: it takes none of the room
  bool lost = false, over = false;
  /// Takes a line, or drops it and all later ones when it is full; then true.
  bool take(std::string line);
  /// The next line; false with the reason.
  bool next(std::string& line, milliseconds deadline, error& why);
};

struct subscription::parts {
  ~parts();
  error open(std::shared_ptr<embedded_supervisor> to, std::size_t capacity, milliseconds deadline);
  std::weak_ptr<embedded_supervisor> supervisor;
  connection_id line = 0;
  std::shared_ptr<change_queue> queue = std::make_shared<change_queue>();
  std::vector<session> snapshot;
  std::uint64_t seq = 0;
};

/// Reads a transcript line by line, also while it is written.
class transcript_reader {
public:
  void open(std::string path, std::uint64_t after);
  /// The next event. False: nothing more yet, or `why`.
  bool next(troupe::event& e, failure& why);

private:
  bool fill(failure& why);
  std::string path_, buffer_;
  std::uint64_t last_ = 0, inode_ = 0;
  unique_fd fd_;
  std::size_t at_ = 0; ///< where the next line begins in the buffer
};

struct event_stream::parts {
  void open(const std::shared_ptr<embedded_supervisor>& of, const std::string& session, const std::string& directory,
            std::uint64_t after);
  transcript_reader reader;
  std::shared_ptr<transcript_watch> watch = std::make_shared<transcript_watch>();
};

struct terminal::parts {
  error open(const std::string& socket, std::uint16_t rows, std::uint16_t cols, bool read_only);
  /// One frame as output; false for a frame that says nothing.
  bool take(char type, const std::string& payload, output& out);
  frame_stream frames;
  std::mutex writing;
  bool read_only = false, over = false;
};

} // namespace troupe::embed
