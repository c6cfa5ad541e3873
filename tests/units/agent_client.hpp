// An ACP client for the tests: drives the real troupe-agent over pipes, as a worker or an editor would.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nlohmann/json.hpp>

#include "runtime/io/unique_fd.hpp"

namespace troupe::test {

using json = nlohmann::json;

/// A new folder that goes away with its content.
struct scratch_folder {
  scratch_folder();
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

std::string text_of_file(const std::string& path); ///< empty where there is none
void write_file(const std::string& path, const std::string& text, bool append = false);
bool runs(pid_t pid); ///< and is no zombie

/// A FIFO: `read` waits for a writer, so a test hears that a command has come so far.
struct fifo {
  explicit fifo(std::string where);
  [[nodiscard]] std::string read_line() const;
  std::string path;
};

/// One running troupe-agent. Every wait has a deadline of 30 seconds and throws when it passes or the agent ends.
class agent_client {
public:
  /// `work` is the agent's HOME; its state and sessions are below it.
  explicit agent_client(const scratch_folder& work);
  ~agent_client(); ///< kills what is left
  agent_client(const agent_client&) = delete;
  agent_client& operator=(const agent_client&) = delete;

  void send_line(const std::string& line);
  int send(const std::string& method, json params);
  void notify(const std::string& method, json params);
  void answer(const json& request, const std::string& option); ///< a permission request, by option id
  json next();                                                 ///< the next message, whatever it is
  json await(const std::function<bool(const json&)>& wanted);  ///< keeps all that passes in `seen`
  json response(int id);
  json call(const std::string& method, json params) { return response(send(method, std::move(params))); }

  std::string open_session(const std::string& mode = "bypassPermissions", json extension = json::object());
  json load_session(const std::string& id, json extension = json::object());
  int start_prompt(const std::string& session, const std::string& text);
  json prompt(const std::string& session, const std::string& text) { return response(start_prompt(session, text)); }
  json permission_request();
  json background();                               ///< the next list of what runs in the background
  json call_in_progress(const std::string& title); ///< waits until that call runs

  [[nodiscard]] std::string said() const;  ///< all agent_message_chunk in `seen`
  [[nodiscard]] json tool_results() const; ///< the ended calls in `seen`: [{status, text}]

  void close_input() { in_.reset(); }
  int exit_code();  ///< waits; negative: the signal
  void kill_hard(); ///< SIGKILL, and waits
  [[nodiscard]] pid_t pid() const { return pid_; }
  std::vector<json> seen;

private:
  json extension_with(json extension) const;
  std::string folder_;
  pid_t pid_ = -1;
  unique_fd in_, out_;
  std::string buffer_;
  int last_ = 0;
};

} // namespace troupe::test
