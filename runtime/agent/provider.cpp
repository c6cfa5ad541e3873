// The providers by name, and the one that is chosen anew for each step.
#include "runtime/agent/provider.hpp"

#include "runtime/agent/model/choice.hpp"
#include "runtime/agent/offline_provider.hpp"

namespace troupe::agent {
namespace {

/// Chooses at each step, since a login may come between two of them.
class choosing_provider : public provider {
public:
  choosing_provider(event_loop& events, const session_setup& setup)
      : events_(events), setup_(setup), offline_(events, setup.cwd) {}

  void begin_step(const step_request& request, step_sink& sink) override {
    std::string error;
    const auto name = choose_provider(setup_, error);
    if (name == "offline")
      return offline_.begin_step(request, sink);
    if (error.empty())
      error = "the provider '" + name + "' is not there yet\n  use --model offline";
    const auto mine = ++generation_;
    events_.defer([this, mine, &sink, error] {
      if (mine == generation_)
        sink.fail(error);
    });
  }
  void cancel() override {
    ++generation_;
    offline_.cancel();
  }

private:
  event_loop& events_;
  const session_setup& setup_;
  offline_provider offline_;
  std::uint64_t generation_ = 0;
};

} // namespace

bool is_provider(std::string_view name) {
  return name.empty() || name == "offline" || is_model_provider(name);
}

std::unique_ptr<provider> make_provider(event_loop& events, http_client&, const session_setup& setup) {
  return std::make_unique<choosing_provider>(events, setup);
}

} // namespace troupe::agent
