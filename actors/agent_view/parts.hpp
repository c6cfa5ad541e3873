// What the parts of the agent view's machine are to each other. Pure.
#pragma once

#include "actors/agent_view/machine.hpp"

namespace troupe::view {

using intents = std::vector<intent>;

// window.cpp: selection and scrolling.
/// Makes the state whole again: the selection is on a line that is shown, the window around it is full.
void settle(state& s);
void select(state& s, const item& x);
void step(state& s, int by);
void step_group(state& s, int by);
const session* selected_session(const state& s);
/// How the screen is divided, from the top.
struct division {
  int header = 0, list = 0, peek = 0, offers = 0, input = 0, footer = 0;
  bool rules = false; ///< lines above and below the input
  [[nodiscard]] int total() const { return header + list + peek + offers + input + footer + (rules ? 2 : 0); }
};
division divide(const state& s);

// actions.cpp: what the keys and their commands do.
void act(state& s, action what, const std::string& argument, intents& out);
void notice(state& s, std::string text, bool bad = false);
std::uint64_t send(state& s, intent what, intents& out, bool attach = false, std::string text = {});
void persist(state& s, intents& out);
std::string label(const session& s); ///< its name for people
std::string said(const session& s);  ///< what it asks, else says, on one line

// input.cpp: the input line.
editor& current(state& s);
const editor& current(const state& s);
void typed_key(state& s, const std::string& name, intents& out);
void submit(state& s, bool attach, intents& out);
void refilter(state& s);

// peek.cpp
void open_peek(state& s);
void close_peek(state& s);
/// A key while a session is peeked at; false: not for it.
bool peek_key(state& s, const std::string& name, intents& out);
void peek_moved(state& s); ///< the selection may be on another session now
void send_reply(state& s, intents& out);
std::string reply_hint(const state& s); ///< what may be typed there
/// Asks for what a shell job that is peeked at has put out last, where that is due.
void look(state& s, intents& out);
void looked(state& s, const std::string& id, const outcome& e);

// dialogs.cpp
bool dialog_key(state& s, const std::string& name, intents& out);
void ask_group(state& s, const group_key& g);
/// TRUST-2: the dispatch goes on with the user's word.
void ask_trust(state& s, const intent& wanted, bool attach, const std::string& typed, const trust_asked& e);
void ask_model(state& s);
/// ISO-2: what would be lost is shown first. `told`: messages/losses as JSON; where nothing is, the session goes.
void ask_removal(state& s, const std::string& id, const std::string& told, intents& out);

// speak.cpp
std::string spoken(const state& s);

// draw*.cpp
std::string group_title(const state& s, const group_key& g);
line row_line(const state& s, const session& x, bool chosen, int number);
std::vector<line> peek_lines(const state& s, int rows);
std::vector<line> dialog_lines(const state& s, int rows);
std::vector<line> help_lines(const state& s, int rows);
std::string short_path(const state& s, const std::string& path);
/// Moved to the right edge: what is left of a line's width goes between the two.
line spread(std::vector<span> left, std::vector<span> right, int columns);
int line_width(const std::vector<span>& spans);

} // namespace troupe::view
