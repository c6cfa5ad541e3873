// The transcript: what happened in a session, one numbered line an event, written by the worker alone (STATE-2,
// STATE-4).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/session.hpp"
#include "runtime/files/line_file.hpp"

namespace troupe {

class transcript {
public:
  /// A prompt that was taken; `sent` once the harness has passed it on (REST-5).
  struct prompt {
    std::string key, text;
    bool sent = false;
  };
  /// Reads what is there, mends it, and opens it for writing. `problems` of the file come as sentences.
  bool open(const std::string& path, std::vector<std::string>& problems, failure& error);
  /// Numbers and writes an event; safe from the death of any process when it returns. Gives its number, 0 on failure.
  std::uint64_t write(event& e, failure& error);
  /// All events after number `since`, read from the file.
  [[nodiscard]] std::vector<event> after(std::uint64_t since) const;
  [[nodiscard]] std::uint64_t last() const { return last_; }
  /// The number under which a prompt with this key was taken; 0: not yet.
  [[nodiscard]] std::uint64_t taken(const std::string& key) const;
  [[nodiscard]] std::vector<prompt> unsent() const;
  /// The agent's own session id, of the last run that had one.
  [[nodiscard]] const std::string& agent_session() const { return agent_session_; }
  /// What the session has used so far, as its last `usage` event had it; or empty.
  [[nodiscard]] const std::string& usage() const { return usage_; }
  /// Something was said in it, by whomever.
  [[nodiscard]] bool has_words() const { return has_words_; }
  void sync() { file_.sync(); }

private:
  void note(const event& e);
  std::string path_, agent_session_, usage_;
  line_file file_;
  std::uint64_t last_ = 0;
  std::map<std::string, std::uint64_t> taken_;
  std::vector<prompt> prompts_;
  bool has_words_ = false;
};

/// Makes a session's folder, takes its lock and opens its transcript, for the one who is to be its host (STATE-4). On
/// failure nothing is held. `problems` of the transcript come as sentences.
bool hold_session(const assignment& job, unique_fd& lock, transcript& events, std::vector<std::string>& problems,
                  failure& error);

/// Tells an agent that its process was ended in the middle of an answer, and whether a message came since (REST-4,
/// REST-5).
std::string interruption_notice(bool messages);
/// What was said in the conversation at `path`, as events of another session that goes on from there (BG-2): its words,
/// prompts and tool calls, the last `most` of them, without number, time and run.
std::vector<event> copied_words(const std::string& path, std::size_t most);
/// A prompt that a run begins with; `taken`: the transcript has it already.
struct opening_prompt {
  std::string key, text;
  bool taken = false;
};
/// REST-5: the first prompt once; after a restart a word about an interruption, then what was taken and not sent.
std::vector<opening_prompt> opening_prompts(const transcript& events, const assignment& job);

} // namespace troupe
