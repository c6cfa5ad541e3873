// How an agent is started and how its session is opened: initialize, session/new, load or fork, mode, model, ready.
#include <algorithm>
#include <cstring>

#include <sys/stat.h>

#include "runtime/worker/acp/acp_harness.hpp"

namespace troupe {
namespace {

/// The credential that an agent is given by `authenticate`: the one that its row names, else the only one that the user
/// has named for it; never one that just happens to be there.
const credential* late_credential(const harness_driver& driver, const std::vector<credential>& all) {
  const auto named =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.variable == driver.auth_variable; });
  if (named != all.end())
    return &*named;
  return all.size() == 1 && !driver.credentials.all ? &all.front() : nullptr;
}

bool is_utf8(const std::string& bytes) {
  return bytes_to_json(bytes).is_string();
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
    launch(options_.native
               ? options_.env
               : options_.driver.started_with(session_environment(job, options_.driver.by == credential_way::variables),
                                              job.spec.permission_mode),
           options_.native ? "/" : job.spec.cwd);
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
    return fail("cannot start " + agent_name() + " in " + cwd + ": " + std::strerror(-agent.pid) + "\n  " +
                (options_.driver.package.empty() ? std::string("see that it is installed and in PATH")
                                                 : install_remedy(options_.driver)) +
                ", and see that the directory is there");
  listen(std::move(agent));
  set_deadline(options_.patience, agent_name() + " did not answer initialize within " +
                                      std::to_string(options_.patience.count() / 1000) +
                                      " s\n  start it in a terminal to see what it waits for");
  wire_->request("initialize", initialize_params(options_.driver),
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
  if (!known && !job_->spec.fork_of.empty()) { // BG-2: nothing else would be a copy
    if (!agent_.copies)
      return fail(agent_name() + " cannot copy a conversation\n  begin a new one: troupe --bg --harness " +
                  job_->spec.harness + " \"PROMPT\"");
    return authenticate("session/fork");
  }
  if (known && !agent_.load && !agent_.resume)
    note("the agent cannot load an earlier conversation: it begins a new one");
  authenticate(!known          ? "session/new"
               : agent_.load   ? "session/load"
               : agent_.resume ? "session/resume"
                               : "session/new");
}

/// An agent that takes its credential late gets it now (SEC-5).
void acp_harness::authenticate(const std::string& method) {
  const auto& driver = options_.driver;
  const auto* secret = late_credential(driver, job_->credentials.credentials);
  if (options_.native || driver.by != credential_way::authenticate || driver.auth_method.empty() || secret == nullptr)
    return request_session(method);
  json params{{"methodId", driver.auth_method}};
  if (!driver.auth_meta.empty())
    params["_meta"][driver.auth_meta] = secret->secret;
  wire_->request("authenticate", std::move(params), guarded([this, method](const json* result, const rpc_error& error) {
                   if (phase_ != phase::opening)
                     return;
                   if (result == nullptr)
                     return fail(agent_name() + " did not take the credential: " + error.message + "\n  " +
                                 sign_in_remedy());
                   request_session(method);
                 }));
}

void acp_harness::request_session(const std::string& method) {
  session_ = method == "session/new" ? "" : method == "session/fork" ? job_->spec.fork_from : former_;
  std::vector<std::string> problems;
  auto params = session_params(*job_, options_.driver, agent_, options_.native, session_, problems);
  for (const auto& each : problems)
    note(each);
  wire_->request(method, std::move(params), guarded([this, method](const json* result, const rpc_error& error) {
                   opened(result, error, method);
                 }));
}

void acp_harness::opened(const json* result, const rpc_error& error, const std::string& method) {
  if (phase_ != phase::opening)
    return;
  if (result == nullptr && error.code == acp_sign_in)
    return fail(agent_name() + " wants a sign-in: " + error.message + "\n  " + sign_in_remedy() +
                (agent_.sign_in.empty() ? "" : "\n  it offers: " + agent_.sign_in));
  if (result == nullptr && method == "session/fork")
    return fail(agent_name() + " did not copy the conversation of " + job_->spec.fork_of + ": " + error.message +
                "\n  see that it is still there: troupe logs " + job_->spec.fork_of);
  if (result == nullptr && method != "session/new") {
    note("the earlier conversation could not be loaded, a new one begins: " + error.message);
    return request_session("session/new");
  }
  if (result == nullptr)
    return fail(agent_name() + " made no session in " + job_->spec.cwd + ": " + error.message +
                "\n  start it in a terminal in that directory to see why");
  if (method == "session/new" || method == "session/fork")
    session_ = clipped(text_of(*result, "sessionId"), 1024);
  if (session_.empty())
    return fail(agent_name() + " made a session without an id\n  install a version of it that speaks ACP 1");
  tell(features_.opened(*result));
  set_up();
  if (failure_.empty())
    next_step();
}

void acp_harness::set_up() {
  if (set_up_mode())
    set_up_model();
}

/// The mode that was wanted; where none was, the safe one, whatever the agent would begin with. False: it has none
/// such.
bool acp_harness::set_up_mode() {
  const auto& wanted = job_->spec.permission_mode;
  if (wanted.empty() && options_.native && job_->resume)
    return true; // it remembers its own
  const auto word = wanted.empty() ? std::string("default") : wanted;
  const auto mode = options_.driver.mode_id(word);
  if (!features_.has_mode(mode) && wanted.empty())
    return true;
  if (!features_.has_mode(mode)) { // BEYOND-5: never with another mode than was meant
    const auto all = features_.mode_ids();
    fail(agent_name() + " has no permission mode '" + wanted + "' and would run in " +
         (features_.mode().empty() ? "its own" : "'" + features_.mode() + "'") +
         "\n  dispatch again with a mode it has: --permission-mode " + (all.empty() ? "is not for this agent" : all));
    return false;
  }
  if (mode == features_.mode())
    return true;
  const auto what = "the permission mode " + word;
  const auto taken = [this, mode](const json&) { tell(features_.took_mode(mode, false, {})); };
  if (features_.mode_is_option())
    setup_.push_back({"session/set_config_option",
                      {{"sessionId", session_}, {"configId", features_.option_of("mode")->id}, {"value", mode}},
                      what,
                      !wanted.empty(),
                      taken});
  else
    setup_.push_back({"session/set_mode", {{"sessionId", session_}, {"modeId", mode}}, what, !wanted.empty(), taken});
  return true;
}

void acp_harness::set_up_model() {
  const auto& model = job_->spec.model;
  if (options_.native || model.empty() || model == features_.model())
    return;
  const auto* option = features_.option_of("model");
  const auto taken = [this, model, id = option != nullptr ? option->id : std::string()](const json& result) {
    tell(features_.took_option(id, model, false));
    tell(features_.took_options(result));
  };
  if (option != nullptr)
    setup_.push_back({"session/set_config_option",
                      {{"sessionId", session_}, {"configId", option->id}, {"value", model}},
                      "the model " + model,
                      false,
                      taken});
  else if (!features_.older_models().empty())
    setup_.push_back(
        {"session/set_model", {{"sessionId", session_}, {"modelId", model}}, "the model " + model, false, taken});
  else
    note("the agent has no choice of models: it runs with its own, not with " + model);
}

void acp_harness::next_step() {
  if (setup_.empty())
    return ready();
  auto step = std::move(setup_.front());
  setup_.pop_front();
  wire_->request(step.method, std::move(step.params),
                 guarded([this, what = step.what, binding = step.binding, taken = step.taken](const json* result,
                                                                                              const rpc_error& error) {
                   if (phase_ != phase::opening)
                     return;
                   if (result == nullptr && binding)
                     return fail(agent_name() + " did not take " + what + ": " + error.message +
                                 "\n  dispatch again with a mode it takes: --permission-mode");
                   if (result == nullptr)
                     note("the agent did not take " + what + ": " + error.message);
                   else
                     taken(*result);
                   next_step();
                 }));
}

void acp_harness::ready() {
  deadline_.cancel();
  phase_ = phase::open;
  was_ready_ = true;
  if (std::exchange(renewed_, false))
    send_credentials();
  if (!place_.empty())
    send_place();
  outliving_.take_baseline();
  perform(state_.ready(session_, agent_.copies));
}

} // namespace troupe
