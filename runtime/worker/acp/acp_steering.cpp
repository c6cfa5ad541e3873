// What a person changes in a running conversation: the turn's end, mode, model, other options.
#include "runtime/worker/acp/acp_harness.hpp"

namespace troupe {
namespace {

failure no_such(const std::string& what, const std::string& value, const std::string& all) {
  return {errc::bad_request, "the agent has no " + what + " '" + clipped(value, 100) + "'\n  " +
                                 (all.empty() ? "it offers no choice" : "it has: " + all)};
}

std::string values_of(const acp_choice& option) {
  std::string out = option.boolean ? "true, false" : "";
  for (const auto& [value, name] : option.values)
    out += (out.empty() ? "" : ", ") + value;
  return out;
}

} // namespace

void acp_harness::steer(const std::string& action, const std::string& name, const std::string& value,
                        const std::string& by, const steered_answer& done) {
  if (phase_ != phase::open)
    return done({errc::not_running, "the agent does not take it now\n  try again once it runs"}, {});
  if (action == "cancel") {
    if (!state_.busy())
      return done({errc::wrong_state, "no turn of the session runs\n  send it a message instead"}, {});
    perform(state_.cancel_turn(by));
    return done({}, "cancelled");
  }
  if (action == "mode")
    return set_mode(value, done);
  if (action == "model")
    return set_model(value, done);
  const auto* option = features_.option(name);
  if (option == nullptr)
    return done(no_such("option", name, features_.option_ids()), {});
  set_option(*option, value, done);
}

/// Asks the agent, at most `change_patience` long; then the request is withdrawn.
void acp_harness::change(const std::string& method, json params, const steered_answer& done,
                         std::function<void(const json& result)> taken) {
  params["sessionId"] = session_;
  auto timer = std::make_shared<asio::steady_timer>(loop_, options_.change_patience);
  const auto request = wire_->request(
      method, std::move(params), guarded([this, done, taken, timer](const json* result, const rpc_error& error) {
        timer->cancel();
        if (result == nullptr)
          return done({errc::refused, agent_name() + " did not take it: " + clean(error.message)}, {});
        taken(*result);
      }));
  timer->async_wait(guarded([this, request, done, timer](const asio::error_code& error) {
    if (error)
      return;
    wire_->cancel(request, true);
    done({errc::timed_out, agent_name() + " did not answer in time\n  try again when it rests"}, {});
  }));
}

void acp_harness::set_mode(const std::string& word, const steered_answer& done) {
  const auto mode = options_.driver.mode_id(word);
  if (!features_.has_mode(mode))
    return done(no_such("permission mode", word, features_.mode_ids()), {});
  const auto taken = [this, mode, word, done](const json& result) {
    tell(features_.took_mode(mode, true, word));
    tell(features_.took_options(result));
    done({}, mode);
  };
  if (features_.mode_is_option())
    change("session/set_config_option", {{"configId", features_.option_of("mode")->id}, {"value", mode}}, done, taken);
  else
    change("session/set_mode", {{"modeId", mode}}, done, taken);
}

void acp_harness::set_model(const std::string& value, const steered_answer& done) {
  if (const auto* option = features_.option_of("model"))
    return set_option(*option, value, done);
  const auto& all = features_.older_models();
  if (std::find(all.begin(), all.end(), value) == all.end()) {
    std::string words;
    for (const auto& each : all)
      words += (words.empty() ? "" : ", ") + each;
    return done(no_such("model", value, words), {});
  }
  change("session/set_model", {{"modelId", value}}, done, [this, value, done](const json&) {
    tell(features_.took_option({}, value, true));
    done({}, value);
  });
}

void acp_harness::set_option(const acp_choice& option, const std::string& value, const steered_answer& done) {
  json wanted = value;
  bool known = option.values.empty() && !option.boolean;
  for (const auto& [own, name] : option.values)
    known = known || own == value;
  json params{{"configId", option.id}};
  if (option.boolean && (value == "true" || value == "false")) {
    wanted = value == "true";
    params["type"] = "boolean";
    known = true;
  }
  if (!known)
    return done(no_such(option.category == "model" ? "model" : "value for " + option.id, value, values_of(option)), {});
  params["value"] = wanted;
  change("session/set_config_option", std::move(params), done,
         [this, id = option.id, wanted, value, done](const json& result) {
           tell(features_.took_option(id, wanted, true));
           tell(features_.took_options(result));
           done({}, value);
         });
}

} // namespace troupe
