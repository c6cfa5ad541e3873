// What an agent tells of itself and of its session beside the conversation: modes, models and other options, commands,
// plan, title, usage. The latest of each, and an event where one is new. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/json.hpp"

namespace troupe {

/// One option of a session that can be chosen, as `session/get` shows it.
struct acp_choice {
  std::string id, name, category;
  bool boolean = false;
  json value;                                              ///< the present one: a string, or true or false
  std::vector<std::pair<std::string, std::string>> values; ///< of a select: own word and name
};

class acp_features {
public:
  using events = std::vector<event>;

  /// `turns_add_up`: the usage that comes with a prompt's end is that turn's, and not the whole session's.
  explicit acp_features(bool turns_add_up = true) : turns_add_up_(turns_add_up) {}
  /// What earlier runs of the session have used, as their last `usage` event had it.
  void set_former_usage(const std::string& data);
  /// The answer to session/new, session/load or session/resume.
  events opened(const json& result);
  /// A `session/update` that is none of the conversation's; nothing for any other.
  events updated(const std::string& kind, const json& update);
  /// The agent has taken a mode or the value of an option; `asked`: a person wanted it, `word` as they said it.
  events took_mode(const std::string& id, bool asked, const std::string& word);
  events took_option(const std::string& id, const json& value, bool asked);
  /// The answer to session/set_config_option has all options as they are now.
  events took_options(const json& result);
  /// The end of a prompt; its result may tell what it used.
  events turn_ended(const json& result);

  [[nodiscard]] const std::string& mode() const { return mode_; }
  [[nodiscard]] std::string mode_ids() const; ///< for people: "default, plan"
  [[nodiscard]] bool has_mode(const std::string& id) const;
  [[nodiscard]] bool has_modes() const { return !modes_.empty() || option_of("mode") != nullptr; }
  /// Modes that are not of the protocol's `modes` are an option of this category.
  [[nodiscard]] bool mode_is_option() const { return modes_.empty(); }
  [[nodiscard]] const acp_choice* option(const std::string& id) const;
  [[nodiscard]] const acp_choice* option_of(const std::string& category) const; ///< the first one of it
  [[nodiscard]] std::string option_ids() const;
  [[nodiscard]] std::string model() const;
  /// An older agent's list of models, chosen by session/set_model.
  [[nodiscard]] const std::vector<std::string>& older_models() const { return models_; }

private:
  void read_options(const json& list);
  void tell_options(events& out);
  void tell_model(events& out, bool asked);
  events use(const json& more, bool add);

  bool turns_add_up_;
  std::string mode_, model_, told_model_, title_;
  std::vector<std::pair<std::string, std::string>> modes_; ///< id and name
  std::vector<std::string> models_;
  std::vector<acp_choice> options_;
  std::string told_options_, told_commands_, told_plan_, told_usage_;
  json usage_ = json::object(), former_ = json::object();
};

} // namespace troupe
