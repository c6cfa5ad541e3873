// What a worker knows of its conversation with an ACP agent: which prompt runs, which wait, what is asked, which tools
// and what else is at work. Events go in as calls, effects come out; no I/O, no clock, no JSON of the agent's.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/json.hpp"
#include "runtime/worker/acp/acp_form.hpp"

namespace troupe {

/// Write this event; what follows in the list may happen only once it is written (REST-5, BEYOND-7).
struct acp_emit {
  event what;
};
/// Pass this prompt to the agent. There is never a second one before `prompt_ended`.
struct acp_send_prompt {
  std::string key, text;
};
/// Answer the agent's request for a permission; no option: cancelled.
struct acp_respond {
  json request; ///< the id that the agent gave its request
  std::optional<std::string> option;
};
/// Answer the agent's request for a form or a link.
struct acp_form_answer {
  json request;
  std::string action; ///< accept, decline, cancel
  json content;       ///< of an accepted form
};
/// Ask the agent to end its turn.
struct acp_cancel_turn {};
/// Call `text_due` or `quiet_due` with this generation after the delay; a later one makes an earlier one stale.
struct acp_timer {
  enum class of { text, quiet } what;
  std::uint64_t generation;
  int delay_ms;
};
using acp_effect = std::variant<acp_emit, acp_send_prompt, acp_respond, acp_form_answer, acp_cancel_turn, acp_timer>;
using acp_effects = std::vector<acp_effect>;

/// What came of an answer: `error.code` is errc::ok, or `effects` is empty.
struct acp_answer {
  failure error;
  std::string question; ///< which one it was
  std::string choice;   ///< the option's name
  acp_effects effects;
};

/// A tool call as announced or changed; what is empty was not told.
struct acp_tool_update {
  std::string id, title, status;
  std::string kind;       ///< read, edit, execute, ...
  bool announced = false; ///< it is new (tool_call)
};

/// How a prompt ended: the agent's stop reason, or its error.
struct acp_prompt_end {
  std::string stop;
  std::string error;      ///< not empty: `stop` is ignored
  bool cancelled = false; ///< the error is the protocol's own for a cancelled request
};

/// One conversation during one run. Each member takes an event and gives what is to be done for it, in order.
class acp_state {
public:
  static constexpr std::size_t text_limit = 2048; ///< bytes of text that are held back for more
  static constexpr int text_delay_ms = 500;       ///< how long they are
  static constexpr int quiet_delay_ms =
      3000; ///< an agent that goes on by itself is at work until it is quiet this long
  static constexpr std::size_t event_limit = 32768; ///< bytes of text in one event
  static constexpr std::size_t open_questions = 64; ///< more are answered `cancelled` at once
  static constexpr std::size_t known_tools = 1024;  ///< tool calls of one turn whose status is followed
  static constexpr std::size_t shown_work = 64;     ///< work items in one event

  /// The worker's run, which makes questions' ids unique over all runs: q2.1 is the first one of run 2.
  void begin(std::uint32_t run) { run_ = run; }
  /// The agent's session is there: prompts may go. `copies`: the agent can copy a conversation (BG-2).
  acp_effects ready(const std::string& agent_session, bool copies = false);
  /// A prompt that stands in the transcript as taken. Goes at once when none runs, else after those before it (REST-5).
  acp_effects deliver(std::string key, std::string text);
  /// The running prompt was answered. `processes`: what of the agent's tree outlives the turn (KEEP-2); it is told
  /// before the end of the turn, so that the session is never seen at rest in between.
  acp_effects prompt_ended(const acp_prompt_end& how, std::vector<work_item> processes);
  /// A piece of text; `who` is "agent" or "thought".
  acp_effects text(const std::string& who, const std::string& piece);
  /// Told on as an event only when the status is another one.
  acp_effects tool(const acp_tool_update& update);
  /// The agent asks. `tool`: the call it is about, whose title is used when `title` is empty.
  acp_effects asked(json request, const std::string& tool, const std::string& title, std::vector<option> options);
  /// The agent asks for values or for a link to be opened; `form.kind` is not empty.
  acp_effects asked_form(json request, acp_form form);
  /// The running turn is to end; what it asks is cancelled. Nothing where none runs. The next prompt goes when it has.
  acp_effects cancel_turn(const std::string& by);
  /// The agent takes its request back: nobody can answer it any more.
  acp_effects withdrawn(const json& request);
  /// The first answer counts. `question` empty: the oldest open one. `choice`: a number, a kind, yes/no/allow/deny (by
  /// kind), or an option's exact name; for a form also its values as a JSON object. Errors: answered (says by whom),
  /// wrong_state (none open), bad_request (no such option, question).
  acp_answer answer(const std::string& question, const std::string& choice, const std::string& by);
  /// All that the agent says it runs in the background.
  acp_effects background(std::vector<work_item> declared);
  /// All processes that outlive their turn, as looked up between turns or as known during one.
  acp_effects processes(std::vector<work_item> found);
  acp_effects text_due(std::uint64_t generation);
  acp_effects quiet_due(std::uint64_t generation);
  /// The harness is asked to end: what is asked is cancelled, what waits stays taken and not sent.
  acp_effects ending();
  /// The agent's process has ended. The running turn has no end, so that the next run knows that it was interrupted.
  acp_effects gone();

  /// The agent cannot be talked to any more, though what it said may still be heard: no prompt is sent into the void.
  void hold() { held_back_ = true; }

  [[nodiscard]] bool turn_runs() const { return running_.has_value(); }
  /// The agent is at work, with or without a prompt.
  [[nodiscard]] bool busy() const { return running_ || alone_; }
  [[nodiscard]] const std::vector<work_item>& declared() const { return declared_; }

private:
  enum class phase { opening, open, ending, gone };
  struct prompt {
    std::string key, text;
  };
  struct asking {
    json request;
    question what;
  };
  struct settled {
    std::string question, by, choice;
  };
  struct tool_call {
    std::string title, status, kind;
    bool outlives = false; ///< still in progress when its turn ended
  };
  void next_prompt(acp_effects& out);
  void flush(acp_effects& out);
  void alone(acp_effects& out);
  void put_question(acp_effects& out, json request, question q);
  void cancel_questions(acp_effects& out, const std::string& by, bool respond);
  void settle(std::size_t at, const std::string& by, const std::string& words, std::uint32_t n, acp_effect response,
              acp_effects& out);
  void end_tools(bool cancelled);
  bool room_for(const std::string& tool);
  void show_work(acp_effects& out);
  [[nodiscard]] std::vector<work_item> all_work() const;
  [[nodiscard]] failure not_open(const std::string& question) const;

  phase phase_ = phase::opening;
  std::uint32_t run_ = 0;
  std::optional<prompt> running_;
  std::deque<prompt> queue_;
  std::vector<asking> asked_;   ///< the oldest first
  std::deque<settled> settled_; ///< the latest last
  std::uint32_t questions_ = 0;
  std::map<std::string, tool_call> tools_;
  std::vector<work_item> declared_, processes_, shown_;
  std::string held_, held_by_; ///< text that waits for more, and whose it is
  std::uint64_t text_generation_ = 0, quiet_generation_ = 0;
  bool held_back_ = false;
  bool alone_ = false;      ///< the agent works without a prompt
  bool cancelling_ = false; ///< the running turn was asked to end
};

/// The option that `choice` means, or null. By number, then by kind, then by name: an agent names its options as it
/// likes, so a name never hides a kind.
const option* find_option(const std::vector<option>& options, const std::string& choice);
/// At most `limit` bytes of `text`, cut before a UTF-8 character rather than in it.
std::string clipped(const std::string& text, std::size_t limit);

} // namespace troupe
