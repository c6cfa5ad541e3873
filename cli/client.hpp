// The way to the supervisor: connects, starts it when it is not there (SUP-1, SUP-2), asks and waits. Blocking, one
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/json.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

class client {
public:
  /// Longer than any deadline of the supervisor's own: past it, it hangs.
  static constexpr int answer_ms = 90'000;
  /// `command`: what the user called, for `daemon status` (SUP-9).
  explicit client(std::string command) : command_(std::move(command)) {}

  /// Connects; starts the supervisor when there is none and `start` is set. False: `error` says why, `absent()` whether
  /// only because there is none.
  bool connect(bool start, failure& error);
  [[nodiscard]] bool absent() const { return absent_; }
  /// Asks and waits for the answer's line, at most `ms` (-1: for ever). The result as JSON; none: `error` says why,
  /// errc::worker_gone when the connection was lost. A request that a leaving supervisor has not taken is sent to the
  /// next one.
  std::optional<json> ask(const std::string& method, const json& params, failure& error, int ms = answer_ms);
  /// The same, unparsed: the text of `result`, for large lists.
  std::optional<std::string> ask_text(const std::string& method, const json& params, failure& error,
                                      int ms = answer_ms);
  /// Asks again on a new connection while it is lost, up to a minute: for requests that carry a key (SUP-11).
  std::optional<json> ask_surely(const std::string& method, const json& params, failure& error, int ms = answer_ms);
  /// The next line that is no answer: a notification. False when the connection is lost or `ms` have passed (-1:
  /// never).
  bool next_change(json& note, int ms);
  /// Waits until the supervisor has closed the connection; at most `ms`.
  bool wait_closed(int ms);
  [[nodiscard]] const paths& where() const { return *where_; }
  bool find_home(failure& error);
  /// Says nothing on the terminal while it starts the supervisor.
  void be_quiet() { quiet_ = true; }

private:
  bool start_supervisor(failure& error);
  bool spawn_supervisor(int start_lock, failure& error);
  bool read_line(std::string& line, int ms);
  bool send(const std::string& method, const json& params);
  bool answer_line(std::string& line, int ms, failure& error);
  failure silent() const;
  [[nodiscard]] bool not_taken() const { return !greeted_ || taken_ < sent_; }
  void note_goodbye(std::string_view line);
  std::string command_;
  std::optional<paths> where_;
  unique_fd socket_;
  std::string in_;
  std::size_t scanned_ = 0;
  std::uint64_t id_ = 0;
  std::uint64_t sent_ = 0, taken_ = 0; ///< requests of this connection, and how many of them a leaving supervisor took
  bool absent_ = false, greeted_ = false, start_ = false, quiet_ = false;
  std::vector<std::string> changes_;
};

/// A fresh key for a request that may have to be repeated (SUP-11): 128 random bits in hexadecimal.
std::string fresh_key();
/// This process's environment as a dispatch carries it.
json environment_json();
/// The text of a top-level member of a JSON object, without parsing the rest; empty when it is not there.
std::string_view member_span(std::string_view object, std::string_view name);
/// The elements of a JSON list, unparsed.
std::vector<std::string_view> list_spans(std::string_view list);

} // namespace troupe
