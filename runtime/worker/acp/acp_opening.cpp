// How an agent is started and how its session is opened: initialize, session/new or session/load, mode, model, ready.
#include <algorithm>
#include <cstring>

#include <sys/stat.h>

#include "runtime/worker/acp/acp_harness.hpp"

namespace troupe {
namespace {

bool is_utf8(const std::string& bytes) {
  return bytes_to_json(bytes).is_string();
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words)
    out += (out.empty() ? "" : ", ") + w;
  return out;
}

} // namespace

void acp_harness::warm_up() {
  if (phase_ != phase::cold)
    return;
  warming_ = true;
  launch(options_.env, "/");
}

void acp_harness::start(const assignment& job) {
  if (job_ || phase_ == phase::over)
    return;
  job_ = job;
  state_.begin(job.run);
  outliving_.ignore(job.ignored_work);
  mkdir((job.directory + "/tmp").c_str(), 0700);
  if (phase_ == phase::cold)
    launch(options_.native ? options_.env : session_environment(job, true), options_.native ? "/" : job.spec.cwd);
  if (pid_ <= 0)
    return;
  event started;
  started.what = "started";
  started.value = pid_;
  callbacks_.emit(std::move(started));
  if (phase_ == phase::warm)
    open_session();
}

void acp_harness::launch(const environment& env, const std::string& cwd) {
  phase_ = phase::initializing;
  auto agent = start_agent(options_.program, options_.arguments, env, cwd);
  if (agent.pid <= 0)
    return fail("cannot start " + agent_name() + " in " + cwd + ": " + std::strerror(-agent.pid) +
                "\n  see that it is installed and in PATH, and that the directory is there");
  listen(std::move(agent));
  set_deadline(options_.patience, agent_name() + " did not answer initialize within " +
                                      std::to_string(options_.patience.count() / 1000) +
                                      " s\n  start it in a terminal to see what it waits for");
  wire_->request("initialize", initialize_params(),
                 guarded([this](const json* result, const rpc_error& error) { initialized(result, error); }));
}

void acp_harness::listen(agent_process agent) {
  pid_ = agent.pid;
  children_.watch(pid_, guarded([this](exit_status status) { exited(status); }));
  errors_ = output_tail::create(loop_, std::move(agent.errors));
  errors_->start();
  wire_ = acp_connection::create(loop_, std::move(agent.from_agent), std::move(agent.to_agent));
  // The connection calls nobody after `close`, which the destructor calls.
  wire_->start({[this](const auto& method, const json& params, const json& id) { return called(method, params, id); },
                [this](std::string_view line) { garbage(line); },
                [this](const std::string& why, bool broken) { closed(why, broken); }});
}

void acp_harness::initialized(const json* result, const rpc_error& error) {
  if (phase_ != phase::initializing)
    return;
  deadline_.cancel();
  if (result == nullptr)
    return fail(agent_name() + " refused initialize: " + error.message + "\n  see that it speaks ACP: read its manual");
  agent_ = read_agent_facts(*result);
  if (agent_.version != 1)
    return fail(agent_name() + " speaks version " + std::to_string(agent_.version) +
                " of ACP and this worker speaks 1\n  install a version of the agent that speaks 1");
  phase_ = phase::warm;
  if (std::exchange(warming_, false))
    callbacks_.warmed("");
  if (job_ && phase_ == phase::warm)
    open_session();
}

void acp_harness::open_session() {
  phase_ = phase::opening;
  if (!is_utf8(job_->spec.cwd))
    return fail(
        "the directory's name is no UTF-8, and ACP takes no other\n  dispatch from a directory with another name");
  set_deadline(options_.session_patience, agent_name() + " did not make a session within " +
                                              std::to_string(options_.session_patience.count() / 1000) +
                                              " s\n  start it in a terminal to see what it waits for");
  const bool known = job_->resume && !former_.empty();
  if (known && !agent_.load && !agent_.resume)
    note("the agent cannot load an earlier conversation: it begins a new one");
  request_session(!known          ? "session/new"
                  : agent_.load   ? "session/load"
                  : agent_.resume ? "session/resume"
                                  : "session/new");
}

void acp_harness::request_session(const std::string& method) {
  session_ = method == "session/new" ? "" : former_;
  wire_->request(
      method, session_params(*job_, options_.native, session_),
      guarded([this, method](const json* result, const rpc_error& error) { opened(result, error, method); }));
}

void acp_harness::opened(const json* result, const rpc_error& error, const std::string& method) {
  if (phase_ != phase::opening)
    return;
  if (result == nullptr && error.code == acp_sign_in)
    return fail(agent_name() + " wants a sign-in: " + error.message +
                "\n  sign in with the agent's own command, then: troupe respawn " + job_->session.value +
                (agent_.sign_in.empty() ? "" : "\n  it offers: " + agent_.sign_in));
  if (result == nullptr && method != "session/new") {
    note("the earlier conversation could not be loaded, a new one begins: " + error.message);
    return request_session("session/new");
  }
  if (result == nullptr)
    return fail(agent_name() + " made no session in " + job_->spec.cwd + ": " + error.message +
                "\n  start it in a terminal in that directory to see why");
  const auto facts = read_session_facts(*result);
  if (method == "session/new")
    session_ = facts.id;
  if (session_.empty())
    return fail(agent_name() + " made a session without an id\n  install a version of it that speaks ACP 1");
  set_up(facts);
  if (failure_.empty())
    next_step();
}

void acp_harness::set_up(const acp_session_facts& facts) {
  const auto& wanted = job_->spec.permission_mode;
  const auto mode = wanted.empty() && !job_->resume ? std::string("default") : wanted;
  const bool offered = std::find(facts.modes.begin(), facts.modes.end(), mode) != facts.modes.end();
  if (offered && mode != facts.mode)
    setup_.push_back({"session/set_mode",
                      {{"sessionId", session_}, {"modeId", mode}},
                      "the permission mode " + mode,
                      !wanted.empty()});
  else if (!offered && !wanted.empty()) // BEYOND-5: never with another mode than was meant
    return fail(agent_name() + " has no permission mode '" + wanted + "' and would run in " +
                (facts.mode.empty() ? "its own" : "'" + facts.mode + "'") +
                "\n  dispatch again with a mode it has: --permission-mode " +
                (facts.modes.empty() ? "is not for this agent" : listed(facts.modes)));
  const auto& model = job_->spec.model;
  if (options_.native || model.empty() || model == facts.model)
    return;
  if (facts.model_option.empty())
    return note("the agent has no choice of models: it runs with its own, not with " + model);
  setup_.push_back({"session/set_config_option",
                    {{"sessionId", session_}, {"configId", facts.model_option}, {"value", model}},
                    "the model " + model,
                    false});
}

void acp_harness::next_step() {
  if (setup_.empty())
    return ready();
  auto step = std::move(setup_.front());
  setup_.pop_front();
  wire_->request(step.method, std::move(step.params),
                 guarded([this, what = step.what, binding = step.binding](const json* result, const rpc_error& error) {
                   if (phase_ != phase::opening)
                     return;
                   if (result == nullptr && binding)
                     return fail(agent_name() + " did not take " + what + ": " + error.message +
                                 "\n  dispatch again with a mode it takes: --permission-mode");
                   if (result == nullptr)
                     note("the agent did not take " + what + ": " + error.message);
                   next_step();
                 }));
}

void acp_harness::ready() {
  deadline_.cancel();
  phase_ = phase::open;
  was_ready_ = true;
  outliving_.take_baseline();
  perform(state_.ready(session_));
}

} // namespace troupe
