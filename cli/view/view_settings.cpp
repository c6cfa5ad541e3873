// What the settings and the environment say about the view.
#include "cli/view/view_settings.hpp"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include <langinfo.h>

#include "messages/wording.hpp"

namespace troupe {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void read_keys(const json& keys, view::keymap& into, std::vector<std::string>& problems) {
  for (const auto& [name, value] : keys.items()) {
    std::vector<std::string> bound;
    bool good = value.is_string() || value.is_array();
    if (value.is_string() && !value.get<std::string>().empty())
      bound = {value.get<std::string>()};
    for (const auto& key : value.is_array() ? value : json::array())
      if (key.is_string())
        bound.push_back(key.get<std::string>());
      else
        good = false;
    if (!good) {
      problems.push_back("keys." + name + " must be a key or a list of keys");
    } else if (!into.bind(name, bound)) {
      std::vector<std::string> names;
      for (const auto& entry : view::actions())
        names.emplace_back(entry.name);
      auto near = nearest_word(name, names);
      problems.push_back("there is no keys." + name + (near.empty() ? "" : ": did you mean keys." + near + "?"));
    }
  }
}

bool flag(const json& object, const char* name, bool otherwise) {
  auto at = object.find(name);
  return at != object.end() && at->is_boolean() ? at->get<bool>() : otherwise;
}

std::string word(const json& object, const char* name) {
  auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

void read_terminal(const json& view, view_settings& out) {
  auto term = variable("TERM"), theme = word(view, "theme"), colours = word(view, "colors");
  out.terminal.theme = theme == "dark"    ? terminal_options::dark
                       : theme == "light" ? terminal_options::light
                                          : terminal_options::by_terminal;
  out.terminal.colour = variable("NO_COLOR").empty() && colours != "none";
  out.terminal.sixteen = colours == "16" || term == "linux";
  std::setlocale(LC_CTYPE, "");
  auto locale = variable("LC_ALL") + variable("LC_CTYPE") + variable("LANG");
  bool utf8 = locale.empty() || std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0 ||
              locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  out.terminal.ascii = flag(view, "ascii", !utf8 || term == "linux");
  out.terminal.links = term != "linux";
}

/// The models that `/model` lists: the aliases, as the shell defines them, and those of the settings.
std::vector<std::string> model_names(const json& all) {
  std::vector<std::string> out{"opus", "sonnet", "haiku"};
  if (auto list = all.find("models"); list != all.end() && list->is_array())
    for (const auto& m : *list)
      if (m.is_string())
        out.push_back(m.get<std::string>());
  for (const char* name :
       {"ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"})
    if (auto model = variable(name); !model.empty())
      out.push_back(model);
  return out;
}

} // namespace

view_settings read_view_settings(const std::string& text, view::keymap& keys) {
  view_settings out;
  auto all = text.empty() ? json::object() : json::parse(text, nullptr, false);
  if (!all.is_object()) {
    out.problems.push_back("settings.json is no JSON object: all of it is left out");
    all = json::object();
  }
  auto part = [&](const char* name) {
    auto at = all.find(name);
    return at != all.end() && at->is_object() ? *at : json::object();
  };
  auto view = part("view");
  read_terminal(view, out);
  read_keys(part("keys"), keys, out.problems);
  auto notify = word(view, "notify");
  out.bell = notify.empty() || notify == "both" || notify == "bell";
  out.osc9 = notify.empty() || notify == "both" || notify == "osc9";
  out.screen_reader = flag(view, "screenReader", !variable("TROUPE_SCREEN_READER").empty());
  out.motion = !flag(view, "reducedMotion", false);
  out.left_detaches = flag(view, "leftDetaches", true);
  out.numbers = flag(view, "numbers", true);
  out.terminal.mouse = flag(all, "mouse", true);
  out.model = word(part("env"), "ANTHROPIC_MODEL");
  if (out.model.empty())
    out.model = variable("ANTHROPIC_MODEL");
  if (out.model.empty())
    out.model = word(all, "model");
  out.models = model_names(all);
  out.offline = word(all, "provider") == "offline" || word(part("provider"), "name") == "offline" ||
                (!word(all, "harness").empty() && word(all, "harness") != "native");
  return out;
}

} // namespace troupe
