// The agent view's machine: keys, changes and ticks in; a screen and intents out. Pure and total: no terminal, no
// socket, no clock, no actor framework. Whatever comes in whatever order, the state holds what `settle` promises.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/agent_view/commands.hpp"
#include "actors/agent_view/editor.hpp"
#include "actors/agent_view/keymap.hpp"
#include "actors/agent_view/roster.hpp"
#include "actors/agent_view/screen.hpp"
#include "messages/session.hpp"

namespace troupe::view {

/// What the view was opened with.
struct config {
  keymap keys;
  bool motion = true;       ///< view.reducedMotion is not set
  bool numbers = true;      ///< the first nine rows bear the digit that attaches to them
  std::string cwd;          ///< where it was opened: what it dispatches runs there
  std::string here{};       ///< the directory of the shell that opened it (ENV-3)
  std::string home;         ///< shown as ~
  std::string repository{}; ///< the root of the repository that it was opened in; or empty
  std::string under{};      ///< --cwd: only sessions started at or below it
  std::string model{}; ///< --model; what is dispatched runs with it, unless the session's own choice says otherwise
  std::string usual{}; ///< the model that a dispatch without one will use, as far as it is known (ENV-10)
  std::string effort{}, permission_mode{}, agent{}, harness{}, settings{}, mcp_config{};
  std::vector<std::string> add_dirs{};
  bool offline = false; ///< the provider needs no account
};

// Events.
struct key_pressed {
  std::string name; ///< see keymap; a character is its own name
};
struct pasted {
  std::string text;
};
struct mouse_used {
  enum kind_ { press, wheel_up, wheel_down } kind = press;
  int row = 0, column = 0;
};
struct resized {
  int rows = 0, columns = 0;
};
struct ticked {};
struct connected { ///< the subscription's snapshot
  std::vector<session> sessions;
};
struct disconnected {
  std::string why;
};
struct changed {
  session now;
};
struct removed {
  std::string id;
};
struct catalog_told {
  catalog known;
};
struct accounts_told {
  std::vector<std::string> names;
};
/// What became of an intent that bears a token.
struct outcome {
  std::uint64_t token = 0;
  bool good = true;
  std::string text{}; ///< the new session's id; the error, with its remedy behind a newline; what the editor left
  std::vector<std::pair<std::string, std::string>> list{}; ///< of past sessions: id and what it was
};
/// In place of an outcome: the dispatch waits for the user's word about its directory (TRUST-2).
struct trust_asked {
  std::uint64_t token = 0;
  std::string directory, hash;     ///< whose settings they are; what they are, so that nothing else is trusted
  bool changed = false;            ///< it was trusted, and says otherwise now
  std::vector<std::string> allows; ///< what it would be allowed, in sentences
};
using event = std::variant<key_pressed, pasted, mouse_used, resized, ticked, connected, disconnected, changed, removed,
                           catalog_told, accounts_told, outcome, trust_asked>;

/// What the shell is to do. Those with a token are answered by an outcome.
struct intent {
  enum kind_ {
    dispatch, ///< text, directory, agent, model; `shell`: text is a command line; `trust`: the directory is trusted
              ///< first, as this hash; `yes`: without the directory's own settings
    reply,    ///< id, text
    answer,   ///< id, question, text
    stop,
    losses, ///< id: what would its removal lose
    remove, ///< id; `yes`: with what is uncommitted in its worktree
    respawn,
    rename, ///< id, text
    pin,    ///< id, `yes`
    wake,   ///< id: somebody is about to reply (KEEP-6)
    attach, ///< id
    sign_in,
    sign_out,
    look,    ///< id: the last lines that a shell job has put out; the outcome's text
    past,    ///< list removed sessions
    resume,  ///< id
    edit,    ///< text
    persist, ///< text: what the view remembers, as JSON
    notify,  ///< text: a session wants somebody (VIEW-7)
    suspend,
    redraw,
    leave,
  } kind = redraw;
  std::uint64_t token = 0;
  std::string id{}, text{}, question{}, directory{}, agent{}, model{}, trust{};
  bool shell = false, yes = false;
  bool operator==(const intent&) const = default;
};

/// A question of the view's own, or a list to pick from: keys go to it while it is there.
struct dialog {
  std::vector<std::string> text;
  struct choice {
    std::string label;
    std::vector<intent> wants; ///< sent when it is chosen
    std::string model{};       ///< or this becomes the dispatch model
    std::string key{};         ///< chooses it at once
    bool attach = false;       ///< to what is dispatched
  };
  std::vector<choice> choices;
  std::size_t at = 0;
  std::string about{};    ///< the text that it came of: goes from the input where that is run
  wall_ms deaf_until = 0; ///< keys before that were meant for what was there before it
};

enum class asking { dispatch, reply, rename, find }; ///< what the input line is for

struct state {
  config set;
  int rows = 24, columns = 80;
  wall_ms now = 0;
  roster sessions;
  catalog known;
  enum { connecting, live, lost } link = connecting;
  std::string why_lost;
  std::vector<std::string> accounts;
  bool accounts_known = false;

  // Selection and window (window.cpp).
  item selected, top;
  std::pair<item, item> neighbours; ///< below and above the selection as it was: where it goes when its row vanishes
  std::vector<item> window;         ///< the items on the screen
  std::vector<int> window_rows;     ///< the screen row of each

  // Input line.
  asking mode = asking::dispatch;
  editor input, reply, name, find;
  std::map<std::string, std::string> drafts; ///< replies begun, by session
  std::string renaming, finding;             ///< the session; the words of the filter that stays
  std::string peeked;                        ///< the session that `reply` is for
  std::string filter_text;                   ///< what the roster's filter was made of
  std::vector<candidate> offers;
  int offer = -1; ///< the one chosen
  bool browsing = false;
  bool waking = false; ///< the peeked session was told that a reply is coming

  bool peeking = false, helping = false;
  struct {
    std::string id;
    std::vector<std::string> lines;
    wall_ms due = 0; ///< when to ask again; 0: when it changes
    bool asked = false;
  } looking; ///< the shell job that is peeked at: what it put out last
  int help_top = 0;
  std::vector<dialog> dialogs; ///< none or one
  std::string model_override;  ///< `/model NAME`: for this run of the view

  struct {
    std::string text;
    bool bad = false;
    wall_ms until = 0;
  } notice;
  struct {
    std::string id;
    wall_ms until = 0;
  } stopping;             ///< Ctrl+X was pressed on it
  wall_ms leaving = 0;    ///< Ctrl+C was pressed; until then a second one leaves
  std::string remembered; ///< what was persisted last
  std::uint64_t next_token = 1;
  struct errand {
    intent what;
    bool attach = false;
    std::string text; ///< to put back where it fails
  };
  std::map<std::uint64_t, errand> errands;
  std::string awaited; ///< a session that is selected once it is there
};

/// Takes one event in. What is wanted is appended to `out`.
void next(state& s, const event& e, wall_ms now, std::vector<intent>& out);

/// The screen as it is now.
screen show(const state& s);
/// A session in words: its name, state, what it says, and what may be answered.
std::string spoken(const session& x);
/// When the screen changes by itself: milliseconds from now; 0: never.
std::int64_t next_change(const state& s);

/// What the view remembers between its runs, and back; what is not understood is left out.
std::string remember(const state& s);
void recall(state& s, const std::string& text);

/// The model that the next dispatch will use, and whether it was chosen in this run (VIEW-6).
std::pair<std::string, bool> dispatch_model(const state& s);

} // namespace troupe::view
