// The public runtime: each call is a request to the front desk.
#include <random>

#include "runtime/embedding/embedded_supervisor.hpp"
#include "runtime/embedding/followers.hpp"
#include "runtime/embedding/readings.hpp"

namespace troupe::embed {

namespace {

/// A key that nobody else makes (SUP-11).
std::string fresh_key() {
  std::random_device source;
  std::string out = "host-";
  for (int i = 0; i < 4; ++i)
    out += std::to_string(source()) + (i < 3 ? "-" : "");
  return out;
}

std::string key_or_fresh(const std::string& key) {
  return key.empty() ? fresh_key() : key;
}

/// What `read` makes of the answer; an answer that is not understood is an error like others.
template <class T, class F>
result<T> shaped(const result<json>& answer, F read) {
  if (!answer)
    return answer.error();
  try {
    return T(read(*answer));
  } catch (const std::exception& e) {
    return error{errc::bad_request, std::string("the answer is not understood: ") + e.what()};
  }
}

error only_error(const result<json>& answer) {
  return answer ? error{} : answer.error();
}

json by_id(const std::string& session) {
  return {{"id", bytes_to_json(session)}};
}

} // namespace

struct runtime::parts {
  explicit parts(options how) : supervisor(std::make_shared<embedded_supervisor>(std::move(how))) {}
  std::shared_ptr<embedded_supervisor> supervisor;
};

runtime::runtime(std::shared_ptr<parts> p) : parts_(std::move(p)) {}

result<std::unique_ptr<runtime>> runtime::start(options how, milliseconds deadline) {
  auto p = std::make_shared<parts>(std::move(how));
  if (auto wrong = p->supervisor->start(deadline))
    return wrong;
  return std::unique_ptr<runtime>(new runtime(std::move(p)));
}

runtime::~runtime() {
  if (parts_->supervisor->inside_agent()) { // its own thread is waited for: by another one
    std::thread([p = parts_] { p->supervisor->end(workers::keep, std::chrono::seconds(10)); }).detach();
    return;
  }
  if (!has_ended())
    parts_->supervisor->end(workers::keep, std::chrono::seconds(10));
  parts_->supervisor->abandon();
}

error runtime::end(workers how, milliseconds deadline) {
  return parts_->supervisor->end(how, deadline);
}

bool runtime::has_ended() const {
  return parts_->supervisor->over();
}

result<dispatched> runtime::dispatch(const embed::dispatch& what, milliseconds deadline) {
  auto params = dispatch_params(what, parts_->supervisor->shell());
  params["key"] = key_or_fresh(what.key);
  return shaped<dispatched>(
      parts_->supervisor->ask("session/dispatch", std::move(params), deadline), [](const json& r) {
        return dispatched{optional_text(r, "id"), optional_text(r, "name"), optional_text(r, "harness"),
                          optional_flag(r, "warm", false), optional_flag(r, "repeated", false)};
      });
}

result<std::vector<session>> runtime::list(bool all, milliseconds deadline) {
  return shaped<std::vector<session>>(parts_->supervisor->ask("session/list", {{"all", all}}, deadline),
                                      [](const json& r) {
                                        std::vector<session> out;
                                        for (const auto& row : r)
                                          out.push_back(session_of(row));
                                        return out;
                                      });
}

result<session> runtime::get(const std::string& session, milliseconds deadline) {
  return shaped<embed::session>(parts_->supervisor->ask("session/get", by_id(session), deadline), session_of);
}

result<std::unique_ptr<subscription>> runtime::subscribe(std::size_t capacity, milliseconds deadline) {
  if (capacity < 1 || capacity > 1'000'000)
    return error{errc::bad_request, "a subscription holds 1 to 1,000,000 changes"};
  auto p = std::make_unique<subscription::parts>();
  if (auto wrong = p->open(parts_->supervisor, capacity, deadline))
    return wrong;
  return std::unique_ptr<subscription>(new subscription(std::move(p)));
}

result<std::unique_ptr<event_stream>> runtime::follow(const std::string& session, std::uint64_t after,
                                                      milliseconds deadline) {
  auto row = parts_->supervisor->ask("session/get", by_id(session), deadline);
  if (!row)
    return row.error();
  auto p = std::make_unique<event_stream::parts>();
  p->open(parts_->supervisor, optional_text(*row, "id"), optional_text(*row, "directory"), after);
  return std::unique_ptr<event_stream>(new event_stream(std::move(p)));
}

result<std::unique_ptr<terminal>> runtime::attach(const std::string& session, std::uint16_t rows, std::uint16_t cols,
                                                  bool read_only, milliseconds deadline) {
  auto params = by_id(session);
  params["wake"] = false;
  auto place = parts_->supervisor->ask("session/attach", std::move(params), deadline);
  if (!place)
    return place.error();
  if (optional_text(*place, "kind") != "pty")
    return error{errc::wrong_state, "this session is a conversation and has no terminal\nfollow its events"};
  auto socket = optional_text(*place, "socket");
  if (socket.empty())
    return error{errc::not_running, "the shell job has no process\nrespawn it to run it again"};
  auto p = std::make_unique<terminal::parts>();
  if (auto wrong = p->open(socket, rows, cols, read_only))
    return wrong;
  return std::unique_ptr<terminal>(new terminal(std::move(p)));
}

result<std::string> runtime::reply(const std::string& session, const std::string& text, const std::string& key,
                                   milliseconds deadline) {
  auto params = by_id(session);
  params["text"] = bytes_to_json(text);
  params["key"] = key_or_fresh(key);
  params["env"] = to_json(parts_->supervisor->shell());
  return shaped<std::string>(parts_->supervisor->ask("session/reply", std::move(params), deadline),
                             [](const json& r) { return optional_text(r, "outcome"); });
}

result<std::string> runtime::answer(const std::string& session, const std::string& choice, const std::string& question,
                                    const std::string& by, const std::string& key, milliseconds deadline) {
  auto params = by_id(session);
  params["choice"] = bytes_to_json(choice);
  params["by"] = by;
  params["key"] = key_or_fresh(key);
  if (!question.empty())
    params["question"] = question;
  return shaped<std::string>(parts_->supervisor->ask("session/answer", std::move(params), deadline),
                             [](const json& r) { return optional_text(r, "choice"); });
}

error runtime::stop(const std::string& session, milliseconds deadline) {
  return only_error(parts_->supervisor->ask_for_end({session}, "session/stop", by_id(session), deadline));
}

error runtime::remove(const std::string& session, milliseconds deadline) {
  return only_error(parts_->supervisor->ask_for_end({session}, "session/remove", by_id(session), deadline));
}

error runtime::remove(const std::string& session, uncommitted changes, milliseconds deadline) {
  auto params = by_id(session);
  params["force"] = changes == uncommitted::remove;
  return only_error(parts_->supervisor->ask_for_end({session}, "session/remove", std::move(params), deadline));
}

error runtime::respawn(const std::string& session, milliseconds deadline) {
  auto params = by_id(session);
  params["env"] = to_json(parts_->supervisor->shell());
  return only_error(parts_->supervisor->ask_for_end({session}, "session/respawn", std::move(params), deadline));
}

error runtime::rename(const std::string& session, const std::string& name, milliseconds deadline) {
  auto params = by_id(session);
  params["name"] = bytes_to_json(name);
  return only_error(parts_->supervisor->ask("session/rename", std::move(params), deadline));
}

error runtime::pin(const std::string& session, bool pinned, milliseconds deadline) {
  auto params = by_id(session);
  params["pinned"] = pinned;
  return only_error(parts_->supervisor->ask("session/pin", std::move(params), deadline));
}

result<std::vector<outcome>> runtime::wait(const std::vector<std::string>& sessions, milliseconds deadline) {
  auto ids = json::array();
  for (const auto& s : sessions)
    ids.push_back(bytes_to_json(s));
  return shaped<std::vector<outcome>>(
      parts_->supervisor->ask_for_end(sessions, "session/wait", {{"ids", std::move(ids)}}, deadline),
      [](const json& r) {
        std::vector<outcome> out;
        for (const auto& x : r)
          out.push_back(outcome_of(x));
        return out;
      });
}

result<std::vector<std::string>> runtime::why(const std::string& session, milliseconds deadline) {
  return shaped<std::vector<std::string>>(parts_->supervisor->ask("session/why", by_id(session), deadline),
                                          [](const json& r) {
                                            std::vector<std::string> out;
                                            for (const auto& line : r)
                                              out.push_back(optional_text(line, "text"));
                                            return out;
                                          });
}

result<status> runtime::status(milliseconds deadline) {
  return shaped<embed::status>(parts_->supervisor->ask("supervisor/status", json::object(), deadline), status_of);
}

} // namespace troupe::embed
