// A terminal attached to a conversation: keys and the session's events in; a screen and intents out (ATT-1 to ATT-5,
// BG-1). Pure and total, like the agent view's machine, with which it shares keys, input line and screen.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "actors/agent_view/machine.hpp"
#include "actors/conversation_view/transcript.hpp"

namespace troupe::view {

/// What the terminal was attached with.
struct conversation_config {
  std::string id;
  std::string home; ///< shown as ~
  bool motion = true;
  bool left_detaches = true; ///< view.leftDetaches (ATT-2)
  bool read_only = false;
  bool foreground = false; ///< tied to this terminal until sent to the background (BG-1, BG-3)
};

// Events beside the terminal's own.
struct happened { ///< lines of the transcript, in order
  std::vector<troupe::event> lines;
};
struct row_told {
  session now;
};
struct session_gone {};
struct worker_reached { ///< live: what is typed reaches a process
  bool live = true;
};
struct link_told { ///< of the supervisor
  bool live = true;
};
struct done_told {
  std::uint64_t token = 0;
  bool good = true;
  std::string text{};
};
using conversation_event = std::variant<key_pressed, pasted, mouse_used, resized, ticked, happened, row_told,
                                        session_gone, worker_reached, link_told, done_told>;

struct conversation_intent {
  enum kind_ {
    reply,      ///< text
    answer,     ///< question, text
    cancel,     ///< the running turn
    stop,       ///< the session
    rename,     ///< text
    edit,       ///< text, in the editor
    background, ///< text: a prompt for it, or none (BG-1)
    fork,       ///< text: a prompt for the copy, or none (BG-2)
    mode,       ///< text: the permission mode from now on
    model,      ///< text
    view,       ///< detach to the view
    leave,      ///< detach to where one came from
    suspend,
    redraw,
  } kind = redraw;
  std::uint64_t token = 0;
  std::string text{}, question{};
  bool operator==(const conversation_intent&) const = default;
};

struct conversation {
  conversation_config set;
  int rows = 24, columns = 80;
  wall_ms now = 0;
  transcript said;
  session about;
  bool told = false;     ///< the row is there
  bool live = false;     ///< its worker is reached
  bool connected = true; ///< to the supervisor
  bool gone = false;
  std::string recap; ///< of what happened while nobody looked; until the first key
  editor input;
  std::size_t choice = 0; ///< of the question that is shown
  std::string chosen_for; ///< the question's id that `choice` is about
  std::size_t above = 0;  ///< lines between the bottom of the window and the end
  wall_ms edited = 0;     ///< when the input was edited last
  wall_ms leaving = 0;    ///< Ctrl+C was pressed
  bool helping = false;
  struct {
    std::string text;
    bool bad = false;
    wall_ms until = 0;
  } notice;
  std::uint64_t next_token = 1;
  std::vector<conversation_intent> errands;
};

void next(conversation& c, const conversation_event& e, wall_ms now, std::vector<conversation_intent>& out);
screen show(const conversation& c);
std::int64_t next_change(const conversation& c);
/// The question that waits for an answer; null: none.
const question* asked(const conversation& c);
bool turn_runs(const conversation& c);

} // namespace troupe::view
