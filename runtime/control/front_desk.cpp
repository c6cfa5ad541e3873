// The front desk's shell: whose request it is, who is answered, and who hears of changes.
#include "runtime/control/front_desk.hpp"

#include <algorithm>

#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "runtime/control/front_methods.hpp"

namespace troupe {

void front_desk_state::take(const front_call& call) {
  auto at = front_methods().find(call.method);
  if (at == front_methods().end()) {
    std::vector<std::string> words;
    for (const auto& [known, run] : front_methods())
      words.push_back(known);
    auto near = nearest_word(call.method, words);
    refuse_code(call, -32601, "there is no method '" + call.method + "'",
                near.empty() ? json::object() : json{{"nearest", near}});
    return;
  }
  guarded(call, [&] {
    if (may(call))
      at->second(*this, call);
  });
}

void front_desk_state::guarded(const caller& call, const std::function<void()>& what) {
  try {
    what();
  } catch (const field_error& e) {
    refuse_code(call, -32602, e.what());
  } catch (const json::exception& e) {
    refuse_code(call, -32602, e.what());
  }
}

bool front_desk_state::resolve(const front_call& call, session_id& id) {
  failure error;
  id = rows.resolve(required_text(call.params, "id"), false, error);
  if (error.code != errc::ok)
    refuse(call, error);
  return error.code == errc::ok;
}

void front_desk_state::respond(const caller& call, const json& result) {
  respond_text(call, to_line(result));
}

void front_desk_state::respond_text(const caller& call, std::string result) {
  if (!call.id.is_null()) { // in place: a list of thousands of sessions is copied no more than it must
    result.insert(0, "{\"id\":" + to_line(call.id) + ",\"jsonrpc\":\"2.0\",\"result\":");
    setup.lines.send(call.from, std::move(result += '}'));
  }
  setup.lines.answered(call.from);
}

void front_desk_state::refuse(const caller& call, const failure& why, json extra) {
  auto split = why.text.find('\n');
  extra["code"] = name_of(why.code);
  if (split != std::string::npos)
    extra["remedy"] = bytes_to_json(why.text.substr(split + 1));
  refuse_code(call, -32000, why.text.substr(0, split), std::move(extra));
}

void front_desk_state::refuse_code(const caller& call, int code, const std::string& text, json extra) {
  json error{{"code", code}, {"message", text}};
  if (!extra.empty())
    error["data"] = std::move(extra);
  if (!call.id.is_null())
    setup.lines.send(call.from, to_line({{"jsonrpc", "2.0"}, {"id", call.id}, {"error", std::move(error)}}));
  setup.lines.answered(call.from);
}

void front_desk_state::changed(const row& now) {
  const auto* before = rows.find(now.id);
  bool was_live = before && !before->gone && roster_view::is_live(*before);
  bool news = before && before->state != now.state && !now.gone &&
              (now.state == "blocked" || now.state == "done" || now.state == "failed");
  if (news && setup.notify)
    setup.notify(now);
  auto seq = rows.take(now);
  if (seq == 0)
    return;
  auto number = std::to_string(seq);
  for (const auto& [who, all] : subscribers) {
    bool shown = all || roster_view::is_live(now) || was_live;
    if (now.gone)
      setup.lines.send(who, R"({"jsonrpc":"2.0","method":"session/removed","params":{"seq":)" + number + R"(,"id":")" +
                                now.id.value + "\"}}");
    else if (shown)
      setup.lines.send(who, R"({"jsonrpc":"2.0","method":"session/changed","params":{"seq":)" + number +
                                R"(,"session":)" + rows.text(now.id) + "}}");
  }
  consider_waiters();
}

bool front_desk_state::answer_waiter(const waiter& w) {
  auto out = json::array();
  for (const auto& id : w.ids) {
    const auto* now = rows.find(id);
    auto removed = now ? std::nullopt : rows.buried(id);
    if (removed)
      now = &*removed;
    if (!now)
      return false;
    bool over = now->gone || now->state == "done" || now->state == "failed" || now->state == "stopped" ||
                now->state == "blocked";
    if (!over || (now->harness == "exec" && now->process != "exited" && !now->gone))
      return false;
    json item{{"id", id.value},
              {"name", bytes_to_json(now->name)},
              {"kind", now->harness == "exec" ? "exec" : "agent"},
              {"state", now->state}};
    if (now->exit_status >= 0)
      item["exitStatus"] = now->exit_status;
    out.push_back(std::move(item));
  }
  respond(w.call, out);
  return true;
}

void front_desk_state::consider_waiters() {
  for (auto at = waiters.begin(); at != waiters.end();)
    at = answer_waiter(*at) ? waiters.erase(at) : at + 1;
}

/// Whoever waits goes on waiting with the next supervisor.
void front_desk_state::dismiss_waiters() {
  for (const auto& w : std::exchange(waiters, {}))
    refuse(w.call, {errc::draining, "the background service is stopping\ntry again in a moment"});
}

void front_desk_state::gone(connection_id who) {
  subscribers.erase(who);
  count_subscribers();
  inside.erase(who);
  std::erase_if(waiters, [&](const waiter& w) { return w.call.from == who; });
}

void front_desk_state::count(std::uint32_t connections) {
  self->send(setup.supervisor, front_ends{connections});
}

void front_desk_state::count_subscribers() {
  if (std::exchange(counted, subscribers.size()) != subscribers.size())
    self->send(setup.supervisor, roster_watched{static_cast<std::uint32_t>(subscribers.size())});
}

real_front_desk::behavior_type make_front_desk(real_front_desk::stateful_pointer<front_desk_state> self,
                                               front_desk_setup setup) {
  self->state.setup = std::move(setup);
  self->state.started = self->state.setup.now();
  return {
      [self](row_changed& r) { self->state.changed(r.now); },
      [self](roster_loaded& r) {
        self->state.problems = std::move(r.problems);
        for (const auto& x : r.gone)
          self->state.rows.bury(x);
        self->state.setup.lines.open();
      },
      [self](leaving& l) {
        self->state.dismiss_waiters();
        self->state.setup.lines.leave(l.code);
      },
      [self](hand_over& h) {
        self->state.dismiss_waiters();
        self->state.setup.lines.make_room(std::move(h));
      },
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
