// The providers by name, and the one that is chosen anew for each step.
#include "runtime/agent/provider.hpp"

#include "runtime/agent/model/choice.hpp"
#include "runtime/agent/model/model_provider.hpp"
#include "runtime/agent/offline_provider.hpp"

namespace troupe::agent {
namespace {

/// Chooses at each step, since a login may come between two of them.
class choosing_provider : public provider {
public:
  choosing_provider(event_loop& events, http_client& http, const session_setup& setup)
      : setup_(setup), offline_(events, setup.cwd), model_(events, http, setup) {}

  void begin_step(const step_request& request, step_sink& sink) override {
    std::string error; // the model's provider tells it
    if (choose_provider(setup_, error) == "offline")
      offline_.begin_step(request, sink);
    else
      model_.begin_step(request, sink);
  }
  [[nodiscard]] model_facts facts() const override {
    std::string error;
    const auto name = choose_provider(setup_, error);
    return name.empty() || name == "offline" ? model_facts() : facts_of(setup_, resolve_model(setup_, name));
  }
  [[nodiscard]] bool overflowed() const override { return model_.overflowed(); }
  void cancel() override {
    offline_.cancel();
    model_.cancel();
  }

private:
  const session_setup& setup_;
  offline_provider offline_;
  model_provider model_;
};

} // namespace

bool is_provider(std::string_view name) {
  return name.empty() || name == "offline" || is_model_provider(name);
}

std::unique_ptr<provider> make_provider(event_loop& events, http_client& http, const session_setup& setup) {
  return std::make_unique<choosing_provider>(events, http, setup);
}

} // namespace troupe::agent
