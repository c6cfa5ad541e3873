// What the control socket offers: each method reads its parameters, asks an actor, and shapes the answer.
#include "runtime/control/front_methods.hpp"

#include <algorithm>

#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "runtime/control/trusting.hpp"
#include "runtime/control/users_word.hpp"

namespace troupe {

namespace {

/// Sends a message to the supervisor and answers the call with what `shape` makes of the answer.
template <class Answer, class Message, class Shape>
void ask(front_desk_state& s, const caller& call, Message message, Shape shape,
         std::chrono::seconds patience = deadline::ending) {
  auto* desk = &s;
  s.self->request(s.setup.supervisor, patience, std::move(message))
      .then([desk, call, shape](Answer& a) { desk->respond(call, shape(a)); },
            [desk, call](caf::error& e) { desk->refuse(call, failure_of(e)); });
}

json id_of(const done& d) {
  json out{{"id", d.id.value}};
  if (!d.note.empty())
    out["note"] = bytes_to_json(d.note);
  return out;
}

environment env_of(const json& params) {
  return params.contains("env") ? environment_from_json(params["env"]) : environment{};
}

/// What a front end's shell hands on to a session that it wakes.
environment handed_on(const front_desk_state& s, const json& params) {
  return s.setup.directories->handed_on(env_of(params), false);
}

/// SEC-1: from inside a session no higher a mode than its own, and no settings that say what needs no asking.
bool may_dispatch(const reasons& own, const dispatch_spec& spec, failure& error) {
  std::string mode;
  for (const auto& line : own.chain)
    if (!line.spec.empty())
      mode = line.spec.front().permission_mode;
  auto word = [](const std::string& m) { return m.empty() ? std::string("default") : m; };
  if (spec.kind != "agent" ||
      (height_of_mode(word(spec.permission_mode)) <= height_of_mode(word(mode)) && spec.settings.empty()))
    return true;
  error = {errc::not_allowed, "a session may not dispatch with " +
                                  (spec.settings.empty() ? "the permission mode " + word(spec.permission_mode) +
                                                               ", since its own is " + word(mode)
                                                         : std::string("settings of its own")) +
                                  "\nask it from outside: a terminal that is no session's"};
  return false;
}

void pass_on(front_desk_state& s, const caller& call, dispatch message) {
  ask<dispatched>(
      s, call, std::move(message),
      [](const dispatched& d) {
        return json{{"id", d.id.value},
                    {"name", bytes_to_json(d.name)},
                    {"harness", d.harness},
                    {"warm", d.warm},
                    {"repeated", d.repeated}};
      },
      deadline::dispatch);
}

void dispatch_with(front_desk_state& s, const front_call& call, bool native_ready) {
  failure error;
  auto message = read_dispatch(call.params, s.setup.chosen, *s.setup.directories, native_ready, error);
  if (error.code == errc::ok)
    error = missing_consent(s, message.spec);
  if (error.code != errc::ok) {
    s.refuse(call, error, error.code == errc::not_trusted ? trust_question(s, message.spec) : json::object());
    return;
  }
  const auto by = s.insider(call);
  if (by.empty())
    return pass_on(s, call, std::move(message));
  auto* desk = &s;
  s.self->request(s.setup.supervisor, deadline::local, why{by})
      .then(
          [desk, call = caller(call), message](reasons& r) {
            failure no;
            if (may_dispatch(r, message.spec, no))
              pass_on(*desk, call, message);
            else
              desk->refuse(call, no);
          },
          [desk, call = caller(call)](caf::error& e) { desk->refuse(call, failure_of(e)); });
}

/// Whether the built-in agent is ready is asked only where that decides which one runs.
void do_dispatch(front_desk_state& s, const front_call& call) {
  const auto& chosen = s.setup.chosen;
  if (optional_text(call.params, "kind") != "agent" || !optional_text(call.params, "harness").empty() ||
      !chosen.harness.empty() || !chosen.provider.empty()) {
    dispatch_with(s, call, true);
    return;
  }
  auto* desk = &s;
  auto go_on = [desk, call](bool ready) { desk->guarded(call, [&] { dispatch_with(*desk, call, ready); }); };
  s.self->request(s.setup.credentials, deadline::local, accounts_asked{})
      .then([go_on](accounts& a) { go_on(!a.all.empty()); }, [go_on](caf::error&) { go_on(false); });
}

/// BG-2: a new session that begins with a copy of another one's conversation.
void do_fork(front_desk_state& s, const front_call& call) {
  session_id id;
  if (!s.resolve(call, id))
    return;
  auto* desk = &s;
  s.self->request(s.setup.supervisor, deadline::local, find_place{id, false, {}})
      .then(
          [desk, id, call](const place& p) {
            desk->guarded(call, [&] {
              failure error;
              const auto* now = desk->rows.find(id);
              auto message = read_fork(call.params, {id, now ? now->name : std::string()}, p, desk->setup.chosen,
                                       *desk->setup.directories, error);
              if (error.code == errc::ok)
                error = missing_consent(*desk, message.spec);
              if (error.code == errc::ok)
                pass_on(*desk, call, std::move(message));
              else
                desk->refuse(call, error,
                             error.code == errc::not_trusted ? trust_question(*desk, message.spec) : json::object());
            });
          },
          [desk, call = caller(call)](caf::error& e) { desk->refuse(call, failure_of(e)); });
}

void do_list(front_desk_state& s, const front_call& call) {
  if (const auto& self_id = s.insider(call); !self_id.empty()) {
    s.respond_text(call, "[" + s.rows.text(self_id) + "]");
    return;
  }
  s.respond_text(call, s.rows.list(optional_flag(call.params, "all", false), optional_text(call.params, "cwd")));
}

void do_get(front_desk_state& s, const front_call& call) {
  if (session_id id; s.resolve(call, id))
    ask<place>(s, call, find_place{id, false, {}}, [desk = &s, id](const place& p) {
      const auto* now = desk->rows.find(id);
      auto out = now ? to_json(*now) : json{{"id", id.value}};
      out["directory"] = bytes_to_json(p.directory);
      for (const auto& [name, text] : p.details)
        out[name] = json::parse(text, nullptr, false);
      return out;
    });
}

void do_subscribe(front_desk_state& s, const front_call& call) {
  bool all = optional_flag(call.params, "all", false);
  s.subscribers[call.from] = all;
  s.count_subscribers();
  s.respond_text(call, "{\"seq\":" + std::to_string(s.rows.seq()) + ",\"sessions\":" + s.rows.list(all, {}) + "}");
}

void do_stop(front_desk_state& s, const front_call& call) {
  session_id id;
  if (!s.resolve(call, id))
    return;
  auto* desk = &s;
  ask<done>(s, call, stop_session{id, optional_text(call.params, "by", "command")}, [desk](const done& d) {
    const auto* now = desk->rows.find(d.id);
    return json{{"id", d.id.value}, {"state", now ? now->state : "stopped"}};
  });
}

void do_remove(front_desk_state& s, const front_call& call) {
  bool force = optional_flag(call.params, "force", false);
  if (session_id id; s.resolve(call, id))
    ask<done>(s, call, remove_session{id, optional_text(call.params, "by", "command"), force, {}}, id_of,
              deadline::removing);
}

void do_losses(front_desk_state& s, const front_call& call) {
  if (session_id id; s.resolve(call, id))
    ask<losses>(
        s, call, losses_asked{id}, [](const losses& x) { return to_json(x); }, deadline::removing);
}

json removed_json(const row& x) {
  return {{"id", x.id.value},
          {"name", bytes_to_json(x.name)},
          {"cwd", bytes_to_json(x.cwd)},
          {"harness", x.harness},
          {"state", x.state},
          {"sentence", bytes_to_json(x.sentence)},
          {"removedAt", x.changed_at}};
}

void do_removed(front_desk_state& s, const front_call& call) {
  ask<archive>(s, call, archive_asked{}, [](const archive& a) {
    auto out = json::array();
    for (const auto& x : a.all)
      out.push_back(removed_json(x));
    return out;
  });
}

/// CLI-8, among those that were removed: exact id, exact name (the one removed last), unique prefix.
session_id removed_one(const std::string& word, const std::vector<row>& all, failure& error) {
  std::vector<session_id> fits;
  for (const auto& x : all)
    if (x.id.value == word || x.name == word)
      return x.id;
    else if (!word.empty() && x.id.value.starts_with(word))
      fits.push_back(x.id);
  if (fits.size() == 1)
    return fits.front();
  error = fits.empty() ? failure{errc::no_such_session, "no removed session is '" + word +
                                                            "'\nlist those that can be brought back: troupe resume"}
                       : failure{errc::ambiguous, "'" + word + "' fits " + std::to_string(fits.size()) +
                                                      " removed sessions\nname one in full: troupe resume"};
  return {};
}

void do_resume(front_desk_state& s, const front_call& call) {
  auto* desk = &s;
  auto word = required_text(call.params, "id");
  auto by = optional_text(call.params, "by", "command");
  s.self->request(s.setup.supervisor, deadline::ending, archive_asked{})
      .then(
          [desk, call, word, by](archive& a) {
            failure error;
            auto id = removed_one(word, a.all, error);
            if (error.code != errc::ok)
              desk->refuse(call, error);
            else
              ask<done>(*desk, call, resume_session{id, by, handed_on(*desk, call.params)}, id_of);
          },
          [desk, call = caller(call)](caf::error& e) { desk->refuse(call, failure_of(e)); });
}

void do_respawn(front_desk_state& s, const front_call& call) {
  if (session_id id; s.resolve(call, id))
    ask<done>(s, call, respawn_session{id, "command", handed_on(s, call.params)}, id_of);
}

void do_rename(front_desk_state& s, const front_call& call) {
  auto name = required_text(call.params, "name");
  if (name.empty() || name.size() > 256)
    throw field_error("field 'name' must have 1 to 256 bytes");
  if (session_id id; s.resolve(call, id))
    ask<done>(s, call, rename_session{id, name}, [name](const done& d) {
      return json{{"id", d.id.value}, {"name", bytes_to_json(name)}};
    });
}

void do_pin(front_desk_state& s, const front_call& call) {
  bool pinned = optional_flag(call.params, "pinned", true);
  if (session_id id; s.resolve(call, id))
    ask<done>(s, call, pin_session{id, pinned}, [pinned](const done& d) {
      return json{{"id", d.id.value}, {"pinned", pinned}};
    });
}

void do_reply(front_desk_state& s, const front_call& call) {
  reply_to message{
      {}, required_text(call.params, "key"), required_text(call.params, "text"), handed_on(s, call.params)};
  if (message.text.empty())
    throw field_error("field 'text' must not be empty");
  if (s.resolve(call, message.id))
    ask<replied>(s, call, std::move(message), [](const replied& r) { return json{{"outcome", r.outcome}}; });
}

void do_answer(front_desk_state& s, const front_call& call) {
  const auto& given = call.params;
  if (given.contains("values") && !given["values"].is_object())
    throw field_error("field 'values' must be an object");
  auto choice = given.contains("values")                                          ? to_line(given["values"])
                : given.contains("choice") && given["choice"].is_number_integer() ? given["choice"].dump()
                                                                                  : required_text(given, "choice");
  answer_question message{{},
                          required_text(call.params, "key"),
                          optional_text(call.params, "question"),
                          choice,
                          optional_text(call.params, "by", "command")};
  if (s.resolve(call, message.id))
    ask<answer_taken>(s, call, std::move(message), [](const answer_taken& a) {
      return json{{"question", a.question}, {"choice", bytes_to_json(a.choice)}};
    });
}

/// KEEP-2: declared by a program inside the session; the answer means that its worker has it.
void do_work(front_desk_state& s, const front_call& call) {
  auto action = required_text(call.params, "action");
  if (action != "start" && action != "end")
    throw field_error("field 'action' must be start or end");
  declare_work message{{}, action == "start", required_text(call.params, "work"), optional_text(call.params, "title")};
  if (message.work.empty() || message.work.size() > 256)
    throw field_error("field 'work' must have 1 to 256 bytes");
  if (message.begins && (message.title.empty() || message.title.size() > 4096))
    throw field_error("field 'title' must have 1 to 4096 bytes");
  if (s.resolve(call, message.id))
    ask<work_declared>(s, call, std::move(message), [](const work_declared& w) {
      return json{{"work", bytes_to_json(w.work)}};
    });
}

/// Cancels the turn, or changes mode, model or another option of a running conversation.
void steer(front_desk_state& s, const front_call& call, const std::string& action, const std::string& name,
           const std::string& value) {
  steer_session message{{}, action, name, value, optional_text(call.params, "by", "command")};
  if (action != "cancel" && (value.empty() || value.size() > 1024))
    throw field_error("the value must have 1 to 1024 bytes");
  if (!s.resolve(call, message.id))
    return;
  auto id = message.id;
  ask<steered>(s, call, std::move(message), [id](const steered& x) {
    return json{{"id", id.value}, {"value", bytes_to_json(x.value)}};
  });
}

void do_cancel(front_desk_state& s, const front_call& call) {
  steer(s, call, "cancel", {}, {});
}

/// NAT-2: a mode that lets all run is accepted once, however it comes about; an agent's own word for it is the same.
void do_set_mode(front_desk_state& s, const front_call& call) {
  const auto mode = required_text(call.params, "mode");
  dispatch_spec wanted;
  wanted.kind = "agent";
  wanted.permission_mode = mode;
  for (const auto& d : s.setup.chosen.harnesses)
    if (mode != d.mode_id("default") && mode == d.mode_id("bypassPermissions"))
      wanted.permission_mode = "bypassPermissions";
  if (const auto error = missing_consent(s, wanted); error.code != errc::ok)
    s.refuse(call, error);
  else
    steer(s, call, "mode", {}, mode);
}

void do_set_model(front_desk_state& s, const front_call& call) {
  steer(s, call, "model", {}, required_text(call.params, "model"));
}

void do_set_option(front_desk_state& s, const front_call& call) {
  steer(s, call, "option", required_text(call.params, "option"), required_text(call.params, "value"));
}

json place_json(const place& p) {
  json out{{"kind", p.kind},
           {"state", p.state},
           {"process", p.process},
           {"directory", bytes_to_json(p.directory)},
           {"live", !p.socket.empty()}};
  if (!p.socket.empty())
    out["socket"] = bytes_to_json(p.socket);
  return out;
}

void do_attach(front_desk_state& s, const front_call& call) {
  find_place message{{}, optional_flag(call.params, "wake", true), handed_on(s, call.params)};
  if (!s.resolve(call, message.id))
    return;
  s.setup.directories->refresh_link(message.id, env_of(call.params));
  ask<place>(s, call, std::move(message), place_json);
}

void do_logs(front_desk_state& s, const front_call& call) {
  if (session_id id; s.resolve(call, id))
    ask<place>(s, call, find_place{id, false, {}}, place_json);
}

void do_wait(front_desk_state& s, const front_call& call) {
  front_desk_state::waiter w{call, {}, s.next_ticket++};
  for (const auto& word : optional_texts(call.params, "ids")) {
    failure error;
    w.ids.push_back(s.rows.resolve(word, true, error));
    if (error.code != errc::ok) {
      s.refuse(call, error);
      return;
    }
  }
  if (w.ids.empty())
    throw field_error("field 'ids' must name at least one session");
  if (s.answer_waiter(w))
    return;
  if (auto ms = optional_number(call.params, "timeoutMs", -1); ms >= 0)
    s.self->delayed_send(
        caf::actor_cast<real_front_desk>(s.self->ctrl()), std::chrono::milliseconds(ms),
        thunk{[desk = &s, ticket = w.ticket] {
          auto at = std::find_if(desk->waiters.begin(), desk->waiters.end(),
                                 [&](const auto& x) { return x.ticket == ticket; });
          if (at == desk->waiters.end())
            return;
          desk->refuse(at->call,
                       {errc::timed_out, "not all of them have ended in time\nsee what they do: troupe agents --json"});
          desk->waiters.erase(at);
        }});
  s.waiters.push_back(std::move(w));
}

void do_why(front_desk_state& s, const front_call& call) {
  failure error;
  auto id = s.rows.resolve(required_text(call.params, "id"), true, error);
  if (error.code != errc::ok)
    s.refuse(call, error);
  else
    ask<reasons>(s, call, why{id}, [desk = &s, id](const reasons& r) {
      auto out = sentences(r.chain);
      if (const auto* now = desk->rows.find(id))
        out.insert(out.begin(), state_sentence(*now));
      return out;
    });
}

void do_status(front_desk_state& s, const front_call& call) {
  auto* desk = &s;
  ask<supervisor_status>(s, call, status_asked{}, [desk](const supervisor_status& x) {
    const auto& u = desk->setup;
    return json{{"state", x.state},
                {"pid", u.pid},
                {"version", u.version},
                {"uptimeMs", u.now() - desk->started},
                {"origin", u.origin},
                {"socket", bytes_to_json(u.socket)},
                {"workers", x.workers},
                {"sessions", x.sessions},
                {"spares", x.spares},
                {"pool", x.pool},
                {"holds", x.holds},
                {"epoch", u.epoch},
                {"log", bytes_to_json(u.log)},
                {"problems", desk->problems}};
  });
}

void do_supervisor_stop(front_desk_state& s, const front_call& call) {
  stop_supervisor message{optional_flag(call.params, "any", false), optional_flag(call.params, "keepWorkers", false)};
  ask<supervisor_stopped>(s, call, message, [](const supervisor_stopped& x) {
    return json{{"stopped", x.stopped}, {"kept", x.kept}};
  });
}

void do_auth_status(front_desk_state& s, const front_call& call) {
  auto* desk = &s;
  s.self->request(s.setup.credentials, deadline::local, accounts_asked{})
      .then(
          [desk, call = caller(call)](accounts& a) {
            auto list = json::array();
            for (const auto& x : a.all) {
              json item{{"variable", x.variable}, {"source", x.source}, {"kind", x.kind}};
              if (!x.host.empty())
                item["host"] = x.host;
              if (!x.name.empty())
                item["account"] = bytes_to_json(x.name);
              if (x.expires != 0)
                item["expires"] = x.expires;
              list.push_back(std::move(item));
            }
            json out{{"accounts", list}};
            if (!a.problem.empty())
              out["problem"] = bytes_to_json(a.problem);
            desk->respond(call, out);
          },
          [desk, call = caller(call)](caf::error& e) { desk->refuse(call, failure_of(e)); });
}

/// CRED-6: whoever waits, and every worker, hears of it.
void do_logout(front_desk_state& s, const front_call& call) {
  auto* desk = &s;
  s.self->request(s.setup.credentials, deadline::ending, sign_out{optional_text(call.params, "by", "command")})
      .then(
          [desk, call = caller(call)](signed_out& x) {
            desk->respond(call, {{"accounts", x.accounts}});
          },
          [desk, call = caller(call)](caf::error& e) { desk->refuse(call, failure_of(e)); });
}

void do_hello(front_desk_state& s, const front_call& call) {
  auto wanted = optional_number(call.params, "protocol", 1);
  if (wanted < 1)
    throw field_error("field 'protocol' must be 1");
  s.respond(call, {{"protocol", 1}, {"troupe", s.setup.version}});
}

} // namespace

const std::map<std::string, front_method>& front_methods() {
  static const std::map<std::string, front_method> all{{"hello", do_hello},
                                                       {"session/dispatch", do_dispatch},
                                                       {"session/fork", do_fork},
                                                       {"session/list", do_list},
                                                       {"session/get", do_get},
                                                       {"session/subscribe", do_subscribe},
                                                       {"session/stop", do_stop},
                                                       {"session/remove", do_remove},
                                                       {"session/respawn", do_respawn},
                                                       {"session/rename", do_rename},
                                                       {"session/pin", do_pin},
                                                       {"session/reply", do_reply},
                                                       {"session/answer", do_answer},
                                                       {"session/cancel", do_cancel},
                                                       {"session/set_mode", do_set_mode},
                                                       {"session/set_model", do_set_model},
                                                       {"session/set_option", do_set_option},
                                                       {"session/work", do_work},
                                                       {"session/attach", do_attach},
                                                       {"session/logs", do_logs},
                                                       {"session/wait", do_wait},
                                                       {"session/why", do_why},
                                                       {"supervisor/status", do_status},
                                                       {"supervisor/stop", do_supervisor_stop},
                                                       {"auth/status", do_auth_status},
                                                       {"auth/logout", do_logout},
                                                       {"trust/look", do_trust_look},
                                                       {"session/losses", do_losses},
                                                       {"session/removed", do_removed},
                                                       {"session/resume", do_resume},
                                                       {"trust/grant", do_trust_grant},
                                                       {"trust/revoke", do_trust_revoke},
                                                       {"trust/list", do_trust_list},
                                                       {"settings/show", do_settings_show},
                                                       {"environment/show", do_environment_show},
                                                       {"catalog/list", do_catalog_list},
                                                       {"consent/give", do_consent_give}};
  return all;
}

} // namespace troupe
