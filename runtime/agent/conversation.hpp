// What was said and done in a session, saved message by message in `conversation.jsonl` (0600, append only), so that a
// new process goes on where a dead one stopped (REST-5).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/agent/fields.hpp"
#include "runtime/agent/permissions.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe::agent {

/// A part of what the assistant said in one step.
struct piece {
  enum class kind { text, thought, call };
  kind is = kind::text;
  std::string text;      ///< text, thought
  std::string id, name;  ///< call: unique in the conversation; the tool
  json input;            ///< call: an object
  std::string proof{};   ///< thought: what its provider wants to see with it again
  bool redacted = false; ///< thought: it is not shown, the proof stands for it
};

/// What a step has cost, in tokens.
struct token_usage {
  std::int64_t input = 0; ///< read anew: neither from a cache nor into one
  std::int64_t output = 0;
  std::int64_t cache_read = 0, cache_written = 0;
  std::string model{}; ///< who has counted
  double cost = 0;     ///< US dollars; 0: not known
  [[nodiscard]] std::int64_t context() const { return input + output + cache_read + cache_written; }
};

/// A tool's result.
struct tool_outcome {
  bool failed = false;
  std::string text;
  json raw;                        ///< for the client's rawOutput, null for none; not saved
  std::string path, before, after; ///< an edit: shown as a diff; not saved
};

token_usage operator+(const token_usage& a, const token_usage& b);

struct message {
  enum class role { user, assistant, tool };
  role from = role::user;
  std::vector<piece> pieces; ///< user (one text), assistant
  std::string stop;          ///< assistant: "", "end_turn", "refusal", "cancelled" or "failed"
  std::string call, name;    ///< tool: which call it answers
  std::string result;        ///< tool
  bool failed = false;       ///< tool
  token_usage usage{};       ///< assistant; all 0: not known
};

json to_json(const message& m);
/// None for what is no message of this version.
std::optional<message> message_from(const json& line);

/// Seconds for which a conversation that another process holds is waited for: the agent before may still be on its way
/// out.
constexpr unsigned lock_patience = 2;

/// One session's messages, in memory and in the file. The file is locked while this lives.
class conversation {
public:
  /// Starts one in `folder` (made 0700 where it is missing). One that is there already is set aside as
  /// conversation-TIME.jsonl. Null with `error` set when the folder or file cannot be made, or another process has it.
  static std::unique_ptr<conversation> create(const std::string& folder, const std::string& id, const std::string& cwd,
                                              std::string& error);
  /// Opens the one in `folder`: cuts off a torn last line, answers calls that were interrupted. Null with `error` set
  /// when there is none of that session (`missing` is set too), or another process has it for `patience` seconds more.
  static std::unique_ptr<conversation> load(const std::string& folder, const std::string& id, std::string& error,
                                            bool& missing, unsigned patience = lock_patience);

  /// Starts one that goes on from what is saved of `from`, which may be open elsewhere; calls that are not finished
  /// there are answered here. Null as with `load` and `create`.
  struct address {
    std::string folder, id;
  };
  static std::unique_ptr<conversation> copy(const address& from, const address& to, const std::string& cwd,
                                            std::string& error, bool& missing);

  /// Appends to the file, then to memory. False when the file could not be written: then nothing was added.
  bool append(message m);
  bool set_mode(mode m);
  /// Remembers that what this rule names is allowed for good.
  bool grant(const std::string& rule);

  /// What was spent for it beside its own steps, by a subagent.
  bool spend(const token_usage& usage);
  /// From now on a model is shown `summary` in place of all messages before `from`, an index into `messages()`. The
  /// file keeps them.
  bool compact(std::size_t from, const std::string& summary);

  [[nodiscard]] const std::vector<message>& messages() const { return messages_; }
  /// What a model is shown: all, or a summary and what came after it.
  [[nodiscard]] const std::vector<message>& visible() const { return compacted_from_ == 0 ? messages_ : visible_; }
  /// The index in `messages()` of the first one that is visible as it is.
  [[nodiscard]] std::size_t visible_from() const { return compacted_from_; }
  /// The tokens that the latest step has read and said; 0 where none has told since the latest compaction.
  [[nodiscard]] std::int64_t context() const;
  /// US dollars so far, as far as prices are known.
  [[nodiscard]] double cost() const { return cost_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] mode current_mode() const { return mode_; }
  [[nodiscard]] const std::vector<permission_rule>& granted() const { return granted_; }

private:
  conversation() = default;
  bool write(const json& line);
  bool read_all(std::string& error);
  void take(const json& line);
  void note_grant(const std::string& text);
  void add(message m);
  void note_compaction(std::size_t from, const std::string& summary);
  void answer_interrupted(const std::string& words);
  bool take_lines(const std::string& content, bool keep);
  unique_fd file_;
  std::string id_;
  mode mode_ = mode::ask;
  std::vector<permission_rule> granted_;
  std::vector<message> messages_;
  std::vector<message> visible_;   ///< where there is a compaction
  std::size_t compacted_from_ = 0; ///< 0: there is none
  std::size_t compacted_at_ = 0;   ///< how many messages there were then
  double cost_ = 0;
};

/// Makes a folder and those above it, 0700 where they are new. False with errno.
bool make_folders(const std::string& path);

} // namespace troupe::agent
