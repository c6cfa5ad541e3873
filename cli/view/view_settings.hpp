// What the settings and the environment say about the view. What is not understood is told in `problems` and left out.
#pragma once

#include <string>
#include <vector>

#include "actors/agent_view/machine.hpp"
#include "cli/view/terminal_screen.hpp"
#include "messages/json.hpp"

namespace troupe {

struct view_settings {
  terminal_options terminal;
  bool bell = true, osc9 = true; ///< view.notify: "both", "bell", "osc9" or "off"
  bool screen_reader = false;    ///< view.screenReader
  bool motion = true;            ///< view.reducedMotion is not true
  bool left_detaches = true;     ///< view.leftDetaches
  bool numbers = true;           ///< view.numbers
  std::string model;             ///< of a dispatch that names none (ENV-10)
  bool offline = false;          ///< provider needs no account
  std::vector<std::string> models;
  std::vector<std::string> problems;
};

/// From the text of settings.json; `keys` gets the bindings of `keys.NAME`.
view_settings read_view_settings(const std::string& text, view::keymap& keys);

} // namespace troupe
