// ACP's methods.
#include "runtime/agent/agent.hpp"

#include <algorithm>
#include <csignal>
#include <set>

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/agent/model/choice.hpp"
#include "runtime/agent/session_updates.hpp"

namespace troupe::agent {
namespace {

constexpr milliseconds rest_grace{200};
constexpr std::chrono::seconds default_rest{60}; ///< of troupe-model
constexpr std::chrono::minutes spare_rest{10};   ///< of one that no session has yet

std::string new_id() {
  unsigned char bytes[12];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    return {};
  std::string id;
  for (const auto byte : bytes) {
    id.push_back("0123456789abcdef"[byte >> 4]);
    id.push_back("0123456789abcdef"[byte & 15]);
  }
  return id;
}

/// An id is part of a path, so it is no more than letters, digits, "-" and "_".
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool is_folder(const std::string& path) {
  struct stat what {};
  return stat(path.c_str(), &what) == 0 && S_ISDIR(what.st_mode);
}

/// The path of a program in the folder of this one.
std::string program_beside(const char* name) {
  char path[4096];
  const auto size = readlink("/proc/self/exe", path, sizeof path);
  const std::string own(path, size < 0 ? 0 : static_cast<std::size_t>(size));
  return own.substr(0, own.rfind('/') + 1) + name;
}

/// The client says that the folder is a worktree which is being made.
bool comes_later(const json& params) {
  const auto* meta = field(params, "_meta");
  const auto* ours = meta != nullptr ? field(*meta, "troupe") : nullptr;
  const auto* tree = ours != nullptr ? field(*ours, "worktree") : nullptr;
  return tree != nullptr && !flag_field(*tree, "ready");
}

bool is_absolute(const std::string& path) {
  return path.starts_with("/") && path.find('\0') == std::string::npos;
}

/// The text in a prompt's blocks, a line break between them; none where the prompt is no list of blocks.
std::optional<std::string> text_in(const json& params) {
  const auto* blocks = field(params, "prompt");
  if (blocks == nullptr || !blocks->is_array() || blocks->empty())
    return std::nullopt;
  std::string all;
  for (const auto& block : *blocks) {
    const auto type = text_field(block, "type");
    if (!type)
      return std::nullopt;
    const auto* resource = field(block, "resource");
    auto text = *type == "text"            ? text_field(block, "text")
                : *type == "resource_link" ? text_field(block, "uri")
                : resource != nullptr      ? text_field(*resource, "text")
                                           : std::nullopt;
    all += (all.empty() ? "" : "\n") + text.value_or("[" + *type + " content is not taken]");
  }
  return all;
}

} // namespace

acp_agent::acp_agent(event_loop& events, int in, int out, agent_defaults own)
    : events_(events), client_(events, in, out), http_(events, program_beside("troupe-model")), own_(std::move(own)) {}

void acp_agent::start() {
  events_.on_signal([this](int) {
    if (!ending_)
      return end(false);
    for (const auto& row : all_below()) // asked twice: at once
      kill(row.pid, SIGKILL);
    _exit(1);
  });
  client_.start({[this](const std::string& name, const json& params, const json& id) { called(name, params, id); },
                 [this] { end(true); }});
}

void acp_agent::called(const std::string& name, const json& params, const json& id) {
  static const std::map<std::string_view, method> methods{
      {"initialize", &acp_agent::initialize},     {"session/new", &acp_agent::new_session},
      {"session/load", &acp_agent::load_session}, {"session/fork", &acp_agent::fork_session},
      {"session/prompt", &acp_agent::prompt},     {"session/cancel", &acp_agent::cancel},
      {"session/set_mode", &acp_agent::set_mode}, {"session/close", &acp_agent::close},
  };
  const auto found = methods.find(name);
  if (found != methods.end() && name == "session/cancel")
    return cancel(params, id);
  if (name == "_troupe/credentials")
    return credentials(params);
  if (name == "_troupe/worktree")
    return worktree(params);
  if (id.is_null())
    return; // a notification that is unknown, or a request that wants no answer, changes nothing
  if (ending_)
    return client_.respond_error(id, internal_error, "the agent is ending");
  if (found == methods.end())
    return client_.respond_error(id, method_not_found, "there is no method '" + name.substr(0, 100) + "'");
  (this->*found->second)(params, id);
}

void acp_agent::initialize(const json&, const json& id) {
  if (value_of(own_.env, "TROUPE_AHEAD") == "models") { // a spare of a supervisor whose sessions ask models
    http_.set_rest(spare_rest);
    http_.warm();
  }
  client_.respond(id,
                  {{"protocolVersion", 1},
                   {"agentCapabilities",
                    {{"loadSession", true},
                     {"sessionCapabilities", {{"close", json::object()}, {"fork", json::object()}}},
                     {"promptCapabilities", {{"image", false}, {"audio", false}, {"embeddedContext", true}}},
                     {"mcpCapabilities", {{"http", false}, {"sse", false}}}}},
                   {"agentInfo", {{"name", "troupe-agent"}, {"title", "Troupe's agent"}, {"version", TROUPE_VERSION}}},
                   {"authMethods", json::array()}});
}

bool acp_agent::read_setup(const json& params, session_setup& setup, problem& wrong) const {
  setup.cwd = text_field(params, "cwd").value_or("");
  const auto* servers = field(params, "mcpServers");
  if (!is_absolute(setup.cwd))
    wrong = {invalid_params, "cwd is no absolute path"};
  else if (!is_folder(setup.cwd) && !comes_later(params))
    wrong = {invalid_params, "cwd " + setup.cwd + " is no folder: make it first"};
  else if (servers != nullptr && !servers->is_array())
    wrong = {invalid_params, "mcpServers is no list"};
  setup.env = own_.env;
  setup.provider = own_.provider;
  setup.model = own_.model;
  if (servers != nullptr)
    setup.servers = *servers;
  if (const auto* more = field(params, "additionalDirectories"); more != nullptr && more->is_array())
    for (const auto& each : *more)
      setup.folders.push_back(bytes_of(each).value_or(setup.cwd));
  return wrong.code == 0 && read_extension(params, setup, wrong) && give_folder(setup, wrong);
}

bool acp_agent::read_extension(const json& params, session_setup& setup, problem& wrong) const {
  const auto* meta = field(params, "_meta");
  const auto* ours = meta != nullptr ? field(*meta, "troupe") : nullptr;
  if (ours == nullptr)
    return true;
  if (const auto* env = field(*ours, "env")) {
    auto given = environment_of(*env);
    if (!given) {
      wrong = {invalid_params, "_meta.troupe.env is neither a block of NAME=value nor a list of [name, value] pairs"};
      return false;
    }
    setup.env = std::move(*given);
  }
  if (const auto* folder = field(*ours, "sessionDir")) {
    setup.folder = bytes_of(*folder).value_or("");
    if (!is_absolute(setup.folder)) {
      wrong = {invalid_params, "_meta.troupe.sessionDir is no absolute path"};
      return false;
    }
  }
  setup.keeps_shells = flag_field(*ours, "keepShells");
  if (const auto* tree = field(*ours, "worktree")) {
    setup.isolated = true;
    setup.placed = flag_field(*tree, "ready");
    if (const auto* branch = field(*tree, "branch"))
      setup.branch = bytes_of(*branch).value_or("");
    if (const auto* from = field(*tree, "repository"))
      setup.repository = bytes_of(*from).value_or(setup.cwd);
  }
  if (const auto* snapshot = field(*ours, "snapshot"))
    setup.snapshot = environment_of(*snapshot).value_or(environment());
  setup.snapshot_epoch = static_cast<std::uint64_t>(number_field(*ours, "snapshotEpoch", 0));
  if (const auto* settings = field(*ours, "settings"); settings != nullptr && settings->is_object())
    setup.settings = *settings;
  if (const auto* definition = field(*ours, "definition"); definition != nullptr && definition->is_object())
    setup.definition = *definition;
  if (const auto* more = field(*ours, "addDirs"); more != nullptr && more->is_array())
    for (const auto& each : *more)
      setup.folders.push_back(bytes_of(each).value_or(setup.cwd));
  setup.model = text_field(*ours, "model").value_or(setup.model);
  setup.provider = text_field(*ours, "provider").value_or(setup.provider);
  if (is_provider(setup.provider))
    return true;
  wrong = {invalid_params, "the provider '" + setup.provider +
                               "' is not built in\n  use one of offline, anthropic, openai, bedrock, vertex"};
  return false;
}

bool acp_agent::give_folder(session_setup& setup, problem& wrong) const {
  if (!setup.folder.empty())
    return true;
  const auto state = value_of(own_.env, "XDG_STATE_HOME");
  const auto home = value_of(own_.env, "HOME");
  if (!is_absolute(state) && !is_absolute(home)) {
    wrong = {internal_error, "there is no place for the session's files: set XDG_STATE_HOME or HOME"};
    return false;
  }
  setup.folder = (is_absolute(state) ? state : home + "/.local/state") + "/troupe/agent/" + setup.id;
  return true;
}

session& acp_agent::add(session_setup setup, std::unique_ptr<conversation> talk) {
  const auto id = setup.id;
  if (std::string ignored; is_model_provider(choose_provider(setup, ignored))) {
    if (const auto* native = field(setup.settings, "native"))
      http_.set_rest(std::chrono::seconds(
          std::clamp<std::int64_t>(number_field(*native, "transportRestSeconds", default_rest.count()), 0, 86'400)));
    http_.warm();
  } else {
    http_.release();
  }
  auto made = std::make_unique<session>(events_, client_, http_, std::move(setup), std::move(talk),
                                        [this](int status) { exit_now(status); });
  return *(sessions_[id] = std::move(made));
}

void acp_agent::new_session(const json& params, const json& id) {
  session_setup setup;
  setup.id = new_id();
  problem wrong;
  std::string error;
  if (!read_setup(params, setup, wrong))
    return client_.respond_error(id, wrong.code, wrong.text);
  auto talk = conversation::create(setup.folder, setup.id, setup.cwd, error);
  if (!talk)
    return client_.respond_error(id, internal_error, error);
  const auto name = setup.id;
  auto& made = add(std::move(setup), std::move(talk));
  made.pick_up(); // of a conversation that could not be loaded
  client_.respond(id, {{"sessionId", name}, {"modes", modes_of(made.talk().current_mode())}});
  made.announce();
}

void acp_agent::load_session(const json& params, const json& id) {
  session_setup setup;
  problem wrong;
  setup.id = text_field(params, "sessionId").value_or("");
  if (!is_id(setup.id))
    return client_.respond_error(id, invalid_params, "sessionId is none");
  if (!read_setup(params, setup, wrong))
    return client_.respond_error(id, wrong.code, wrong.text);
  const auto known = sessions_.find(setup.id);
  auto* loaded = known == sessions_.end() ? nullptr : known->second.get();
  if (loaded != nullptr && loaded->busy())
    return client_.respond_error(id, invalid_request, "a turn is running in this session: it is loaded already");
  if (loaded == nullptr) {
    std::string error;
    bool missing = false;
    auto talk = conversation::load(setup.folder, setup.id, error, missing);
    if (!talk)
      return client_.respond_error(id, missing ? not_found : internal_error, error);
    loaded = &add(std::move(setup), std::move(talk));
    loaded->pick_up();
  }
  loaded->replay();
  client_.respond(id, {{"modes", modes_of(loaded->talk().current_mode())}});
  loaded->announce();
}

/// A session of its own that begins with what is saved of another one's conversation; nothing of what that one runs
/// comes with it.
void acp_agent::fork_session(const json& params, const json& id) {
  session_setup setup, former;
  setup.id = new_id();
  former.id = text_field(params, "sessionId").value_or("");
  problem wrong;
  if (!is_id(former.id))
    return client_.respond_error(id, invalid_params, "sessionId is none");
  if (!read_setup(params, setup, wrong))
    return client_.respond_error(id, wrong.code, wrong.text);
  const auto* meta = field(params, "_meta");
  const auto* ours = meta != nullptr ? field(*meta, "troupe") : nullptr;
  const auto* folder = ours != nullptr ? field(*ours, "forkDir") : nullptr;
  if (folder != nullptr)
    former.folder = bytes_of(*folder).value_or("");
  if (!give_folder(former, wrong))
    return client_.respond_error(id, wrong.code, wrong.text);
  std::string error;
  bool missing = false;
  auto talk = conversation::copy({former.folder, former.id}, {setup.folder, setup.id}, setup.cwd, error, missing);
  if (!talk)
    return client_.respond_error(id, missing ? not_found : internal_error, error);
  const auto name = setup.id;
  auto& made = add(std::move(setup), std::move(talk));
  client_.respond(id, {{"sessionId", name}, {"modes", modes_of(made.talk().current_mode())}});
  made.announce();
}

session* acp_agent::find(const json& params, const json& id) {
  const auto name = text_field(params, "sessionId").value_or("");
  const auto found = sessions_.find(name);
  if (found != sessions_.end())
    return found->second.get();
  if (!id.is_null())
    client_.respond_error(id, not_found, "there is no session '" + name.substr(0, 100) + "': make or load it first");
  return nullptr;
}

void acp_agent::prompt(const json& params, const json& id) {
  auto* where = find(params, id);
  if (where == nullptr)
    return;
  const auto text = text_in(params);
  if (!text)
    return client_.respond_error(id, invalid_params, "prompt is no list of content blocks");
  std::string error;
  const auto ended = [this, id](const turn_end& how) {
    json result{{"stopReason", how.stop}};
    if (how.usage.context() > 0)
      result["usage"] = usage_of(how.usage);
    if (how.error.empty())
      return client_.respond(id, std::move(result));
    client_.respond_error(id, internal_error, how.error);
  };
  const auto* meta = field(params, "_meta");
  const auto* ours = meta != nullptr ? field(*meta, "troupe") : nullptr;
  if (!where->prompt(*text, ours != nullptr && flag_field(*ours, "own"), ended, error))
    client_.respond_error(id, where->busy() ? invalid_request : internal_error, error);
}

void acp_agent::cancel(const json& params, const json& id) {
  auto* where = find(params, id);
  if (where == nullptr)
    return;
  where->cancel();
  if (!id.is_null()) // some clients send it as a request
    client_.respond(id, json::object());
}

/// Newer credentials, or none any more; an older epoch changes nothing (BEYOND-6).
void acp_agent::credentials(const json& params) {
  const auto found = sessions_.find(text_field(params, "sessionId").value_or(""));
  const auto* snapshot = field(params, "snapshot");
  auto given = snapshot != nullptr ? environment_of(*snapshot) : std::nullopt;
  if (found != sessions_.end() && given)
    found->second->renew(std::move(*given), static_cast<std::uint64_t>(number_field(params, "snapshotEpoch", 0)));
}

/// ISO-1: the folder that a session was told ahead is there.
void acp_agent::worktree(const json& params) {
  const auto found = sessions_.find(text_field(params, "sessionId").value_or(""));
  const auto* cwd = field(params, "cwd");
  if (found != sessions_.end() && cwd != nullptr)
    found->second->arrived(bytes_of(*cwd).value_or(""));
}

/// Ends a session with all it runs; its conversation can be loaded again.
void acp_agent::close(const json& params, const json& id) {
  auto* where = find(params, id);
  if (where == nullptr)
    return;
  const auto name = text_field(params, "sessionId").value_or("");
  where->end(
      [this, id, name] {
        client_.respond(id, json::object());
        events_.defer([this, name] {
          if (!ending_) // the end of all has a part in it by then
            sessions_.erase(name);
        });
      },
      false);
}

void acp_agent::set_mode(const json& params, const json& id) {
  auto* where = find(params, id);
  if (where == nullptr)
    return;
  const auto wanted = mode_of(text_field(params, "modeId").value_or(""));
  if (!wanted)
    return client_.respond_error(id, invalid_params, "modeId is none of default, acceptEdits, plan, bypassPermissions");
  if (!where->talk().set_mode(*wanted))
    return client_.respond_error(id, internal_error, "cannot save the mode");
  client_.respond(id, json::object());
}

void acp_agent::end(bool abandoned) {
  if (std::exchange(ending_, true))
    return;
  abandoned_ = abandoned;
  open_ = sessions_.size() + 1;
  const auto one_less = [this] {
    if (--open_ == 0)
      end_rest();
  };
  for (auto& [id, each] : sessions_)
    each->end(one_less, abandoned);
  events_.defer(one_less);
}

/// What tools let loose on purpose ends with the agent too, but for the shells that somebody else sees to. Those are
/// looked at last: what a shell starts between the two looks is then in neither list.
std::vector<process_row> acp_agent::to_end() const {
  auto rows = all_below();
  std::set<pid_t> kept;
  for (const auto& [id, each] : sessions_)
    if (abandoned_)
      for (const auto& row : each->kept())
        kept.insert(row.pid);
  std::erase_if(rows, [&](const process_row& row) { return kept.contains(row.pid); });
  return rows;
}

void acp_agent::end_rest() {
  rest_ = std::make_unique<tree_ending>(
      events_, [this] { return to_end(); }, rest_grace, [this] { events_.stop(); });
}

void acp_agent::exit_now(int status) {
  client_.flush(milliseconds{1000});
  _exit(status & 0xff);
}

} // namespace troupe::agent
