// A session between its turns.
#include "runtime/agent/session.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/agent/model/system_prompt.hpp"
#include "runtime/agent/session_subagent.hpp"
#include "runtime/agent/session_updates.hpp"

namespace troupe::agent {
namespace {

const json& object_in(const json& from, const char* name) {
  static const json none = json::object();
  const auto* value = field(from, name);
  return value != nullptr && value->is_object() ? *value : none;
}

std::vector<std::string> words_in(const json& from, const char* name) {
  std::vector<std::string> words;
  if (const auto* list = field(from, name); list != nullptr && list->is_array())
    for (const auto& each : *list)
      if (each.is_string())
        words.push_back(each.get<std::string>());
  return words;
}

/// The agent definitions that a task may name.
std::vector<subagent_kind> kinds_in(const json& definition) {
  std::vector<subagent_kind> kinds;
  const auto* list = field(object_in(definition, "catalog"), "agents");
  if (list != nullptr && list->is_array())
    for (const auto& each : *list)
      if (const auto* path = field(each, "path"); path != nullptr && text_field(each, "name"))
        kinds.push_back({*text_field(each, "name"), text_field(each, "description").value_or(""),
                         bytes_of(*path).value_or(""), words_in(each, "tools"), text_field(each, "model").value_or(""),
                         text_field(each, "isolation").value_or("")});
  return kinds;
}

/// What stands behind a `!`.
std::string command_in(const std::string& text) {
  const auto from = text.starts_with("!") ? text.find_first_not_of(" \t", 1) : std::string::npos;
  return from == std::string::npos ? std::string() : text.substr(from);
}

} // namespace

session::session(event_loop& events, json_rpc& client, http_client& http, session_setup setup,
                 std::unique_ptr<conversation> talk, std::function<void(int)> exit)
    : events_(events), client_(client), http_(http), setup_(std::move(setup)),
      limits_(limits_from(object_in(setup_.settings, "native"), problems_)), tool_env_(without_credentials(setup_.env)),
      permissions_(permissions_from(object_in(setup_.settings, "permissions"), setup_.folders, setup_.cwd, tool_env_,
                                    problems_)),
      place_(setup_.placed), talk_(std::move(talk)), model_(make_provider(events, http, setup_)),
      exit_(std::move(exit)), tools_(words_in(setup_.definition, "tools")),
      skills_(object_in(setup_.definition, "catalog")),
      shells_(events, setup_.folder + "/shells", setup_.id, [this] { announce_background(); }),
      tasks_(events, limits_.subagents, kinds_in(setup_.definition),
             {[this](const std::string& id, const subagent_kind* kind, std::string& error) {
                return make_subagent(id, kind, error);
              },
              [this] { announce_background(); }, [this](std::string text) { wakes_.add(std::move(text)); }}),
      watches_(
          events, setup_.id, limits_, [this] { announce_background(); },
          [this](std::string text) { wakes_.add(std::move(text)); }),
      servers_(events, tools_, setup_.id, limits_, [this](const std::string& text) { note(text); }),
      wakes_(
          client, setup_.id, [this] { return turn_ == nullptr; },
          [this](const std::string& text) {
            std::string error;
            own_turn_ = begin(
                text, false, [](const turn_end&) {}, error);
          }),
      sentence_(
          events, http, setup_,
          [this](const std::string& text) {
            client_.notify("_troupe/sentence", {{"sessionId", setup_.id}, {"text", text}});
          },
          [this](const token_usage& usage) { talk_->spend(usage); }) {
  permissions_.guarded = permissions_.guarded || setup_.isolated;
  if (setup_.snapshot_epoch != 0) // of a client that has a store
    setup_.replace_credentials = [this](std::uint64_t epoch, std::function<void()> done) {
      replace_credentials(epoch, std::move(done));
    };
  if (place_.is_there())
    start_servers();
}

void session::start_servers() {
  servers_.start(
      mcp_setups(setup_.servers, object_in(setup_.settings, "mcpServers"), setup_.env, setup_.cwd, problems_));
}

void session::arrived(const std::string& cwd) {
  if (place_.is_there())
    return;
  setup_.placed = true;
  setup_.isolated = setup_.isolated && cwd == setup_.cwd; // else there is no worktree after all
  setup_.cwd = cwd;
  permissions_ =
      permissions_from(object_in(setup_.settings, "permissions"), setup_.folders, setup_.cwd, tool_env_, problems_);
  permissions_.guarded = permissions_.guarded || setup_.isolated;
  start_servers();
  for (const auto& each : std::exchange(problems_, {}))
    note(each);
  place_.arrived();
}

/// An answer to the request that comes ahead of the credentials has no use: the client sends them first.
void session::replace_credentials(std::uint64_t epoch, std::function<void()> done) {
  client_.request("_troupe/refused", {{"sessionId", setup_.id}, {"snapshotEpoch", epoch}},
                  [done = std::move(done)](const json*) { done(); });
}

void session::note(const std::string& text) {
  client_.notify("_troupe/note", {{"sessionId", setup_.id}, {"text", text}});
}

void session::announce() {
  for (const auto& each : std::exchange(problems_, {}))
    note(each);
  send_update(client_, setup_.id,
              {{"sessionUpdate", "available_commands_update"}, {"availableCommands", skills_.available()}});
  if (!servers_.running().empty())
    announce_background();
}

void session::announce_background() {
  auto running = shells_.running();
  tasks_.list(running);
  watches_.list(running);
  json told{{"sessionId", setup_.id}, {"running", std::move(running)}};
  if (auto servers = servers_.running(); !servers.empty())
    told["servers"] = std::move(servers);
  client_.notify("_troupe/background", std::move(told));
}

/// The user's and the project's instructions, each under its path.
std::string session::memory() {
  std::string all;
  std::vector<std::string> problems;
  const auto& from = setup_.placed ? setup_.cwd : setup_.repository;
  for (const auto& file : read_memory(from, setup_.env, static_cast<std::size_t>(limits_.memory_bytes), problems))
    all += (all.empty() ? "" : "\n\n") + ("Instructions from " + file.path) + ":\n\n" + file.text;
  if (!std::exchange(memory_told_, true))
    for (const auto& each : problems)
      note(each);
  const auto add = [&](const char* what, const std::string& list) {
    if (!list.empty())
      all += (all.empty() ? "" : "\n\n") + std::string(what) + list;
  };
  add("Skills and commands; read one with the tool skill when its description fits the task:\n", skills_.listed());
  add("Agents that the tool task can name:\n", tasks_.listed());
  return all;
}

turn_parts session::parts(conversation& talk, provider& model, const toolbox& tools) {
  return {events_,
          client_,
          talk,
          model,
          shells_,
          &tasks_,
          &watches_,
          skills_,
          tools,
          permissions_,
          *talk_,
          limits_,
          tool_env_,
          setup_.cwd,
          exit_,
          system_prompt(setup_, memory()),
          {},
          [this](event_loop::task next) {
            // Without servers nothing but tools waits for the place: the model is asked at once. A script is read
            // there.
            if (setup_.provider != "offline" && setup_.servers.empty() &&
                object_in(setup_.settings, "mcpServers").empty())
              return next();
            place_.when_there([this, next = std::move(next)]() mutable { servers_.when_settled(std::move(next)); });
          },
          place_};
}

bool session::prompt(const std::string& text, bool own, std::function<void(const turn_end&)> ended,
                     std::string& error) {
  wakes_.prompted();
  if (turn_ && own_turn_ && !next_) {
    next_ = waiting_prompt{text, own, std::move(ended)};
    return true;
  }
  if (turn_) {
    error = "a turn is running in this session: wait for its end or cancel it";
    return false;
  }
  return begin(text, own, std::move(ended), error);
}

bool session::begin(const std::string& text, bool own, std::function<void(const turn_end&)> ended, std::string& error) {
  sentence_.drop();
  const auto expanded = skills_.expand_prompt(text, error);
  if (!error.empty())
    return false;
  message said{message::role::user, {{piece::kind::text, expanded.value_or(text), {}, {}, {}}}, {}, {}, {}, {}, false};
  if (!talk_->append(std::move(said))) {
    error = std::string("cannot save the conversation: ") + std::strerror(errno);
    return false;
  }
  turn_ = std::make_unique<turn>(parts(*talk_, *model_, tools_),
                                 [this, ended = std::move(ended)](const turn_end& how) { turn_over(ended, how); });
  if (const auto command = own ? command_in(text) : std::string(); !command.empty())
    turn_->start_command(command);
  else
    turn_->start();
  return true;
}

void session::turn_over(const std::function<void(const turn_end&)>& ended, const turn_end& how) {
  const auto told = ended; // the turn holds it
  turn_.reset();
  own_turn_ = false;
  told(how);
  if (const auto next = std::exchange(at_rest_, nullptr))
    return next();
  auto waiting = std::exchange(next_, std::nullopt);
  std::string error;
  if (waiting && !begin(waiting->text, waiting->own, waiting->ended, error))
    waiting->ended({{}, error});
  if (!turn_ && how.error.empty() && how.stop == "end_turn")
    sentence_.ask(talk_->visible());
  wakes_.go_on();
}

void session::cancel() {
  if (auto waiting = std::exchange(next_, std::nullopt))
    waiting->ended({"cancelled", {}});
  if (turn_)
    turn_->cancel();
}

void session::renew(environment snapshot, std::uint64_t epoch) {
  if (epoch < setup_.snapshot_epoch)
    return;
  for (auto& [model, other] : other_models_)
    other.snapshot = snapshot;
  setup_.snapshot = std::move(snapshot);
  setup_.snapshot_epoch = epoch;
}

/// What a provider of that model reads; empty or `inherit`: the session's own.
const session_setup& session::setup_for(const std::string& model) {
  if (model.empty() || model == "inherit" || model == setup_.model)
    return setup_;
  auto [at, fresh] = other_models_.try_emplace(model, setup_);
  at->second.model = model;
  return at->second;
}

void session::replay() {
  agent::replay(client_, *talk_, setup_.cwd, setup_.env);
}

std::unique_ptr<subagent_run> session::make_subagent(const std::string& id, const subagent_kind* kind,
                                                     std::string& error) {
  if (kind != nullptr && kind->isolation == "worktree") {
    error = "the agent " + kind->name +
            " works in a worktree of its own, which a subagent cannot have: "
            "it can be a session, by troupe --bg --agent " +
            kind->name;
    return nullptr;
  }
  auto talk = conversation::create(setup_.folder + "/subagents/" + id, setup_.id + "/" + id, setup_.cwd, error);
  if (!talk)
    return nullptr;
  auto made = std::make_unique<session_subagent>(
      std::move(talk), make_provider(events_, http_, setup_for(kind != nullptr ? kind->model : std::string())),
      tools_.narrowed(kind != nullptr ? kind->tools : std::vector<std::string>(), {"task", "monitor"}));
  auto own = parts(made->talk(), made->model(), made->tools());
  own.tasks = nullptr;
  own.watches = nullptr;
  own.subagent = id;
  auto general = setup_; // the session's own definition is not the subagent's
  general.definition = json();
  own.system = system_prompt(general, memory());
  if (const auto text = kind != nullptr ? read_without_front_matter(kind->path) : std::nullopt)
    own.system += "\n\n" + *text;
  made->set_parts(own);
  return made;
}

std::vector<process_row> session::kept() const {
  return setup_.keeps_shells && !closed_ ? shells_.trees() : std::vector<process_row>();
}

/// Subagents, monitors and servers end with the session in any case.
void session::end_work(event_loop::task done) {
  auto left = std::make_shared<int>(3);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0)
      done();
  };
  tasks_.end_all(one_less);
  watches_.end_all(one_less);
  servers_.end_all(one_less);
}

void session::end(event_loop::task done, bool abandoned) {
  closed_ = closed_ || !abandoned;
  wakes_.close();
  sentence_.drop();
  auto shells = [this, done = std::move(done)] {
    end_work([this, done] {
      if (!closed_ && setup_.keeps_shells)
        events_.defer(done);
      else
        shells_.end_all(done);
    });
  };
  if (!turn_)
    return shells();
  at_rest_ = std::move(shells);
  cancel();
}

} // namespace troupe::agent
