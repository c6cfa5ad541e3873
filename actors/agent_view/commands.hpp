// What typed text means: a dispatch, a shell job, a command, a session to go to, a filter (VIEW-5, VIEW-6). Pure.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "actors/agent_view/keymap.hpp"
#include "actors/agent_view/roster.hpp"

namespace troupe::view {

/// Something that can be named in the input.
struct named {
  std::string name, about;
  bool own = false; ///< the user's own, not a project's
};

/// What can be named. Told by the shell; empty until it is.
struct catalog {
  std::vector<named> agents;   ///< agent definitions
  std::vector<named> commands; ///< the user's and the project's commands, and skills: go to a new session as its prompt
  std::vector<std::pair<std::string, std::string>> repositories; ///< name and directory
  std::vector<std::string> models;
};

struct meaning {
  enum kind_ {
    nothing,
    act, ///< `what`, with `text` as its argument
    leave,
    sign_in,
    sign_out,
    model,    ///< `text` names it; empty: list them
    past,     ///< the picker of past sessions
    dispatch, ///< `text` is the prompt
    shell,    ///< `text` is the command
    select,   ///< `id`
    filter,
    refuse, ///< `text` says why; what was typed stays
  } kind = nothing;
  action what = action::none;
  std::string text{}, id{}, agent{}, directory{};
};

/// What `typed` asks for; `whole` is the same with pastes unfolded, and goes out as the prompt.
meaning read_input(const std::string& typed, const std::string& whole, const catalog& known, const roster& sessions,
                   const std::string& repository = {});

/// The agent definition that the text begins with, for the chip; 0: none.
std::size_t chip_size(const std::string& typed, const catalog& known);

/// A row's state in the screen's words.
std::string state_words(const std::string& state);
/// What fits the filter that the text is; empty where it is none.
std::function<bool(const session&)> filter_of(const std::string& typed);
/// What contains each of the words somewhere.
std::function<bool(const session&)> finder_of(const std::string& words);

/// What the word that is being typed may become.
struct candidate {
  std::string text, about;
};
std::vector<candidate> candidates_for(const std::string& typed, bool browse, const catalog& known);

} // namespace troupe::view
