// The view's connection to the supervisor.
#include "cli/view/supervisor_link.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <asio/post.hpp>
#include <malloc.h>

#include "cli/client.hpp"
#include "cli/view/row_reader.hpp"
#include "runtime/io/sockets.hpp"

namespace troupe {

namespace {

constexpr int first_retry_ms = 100, longest_retry_ms = 2000;
constexpr int patience = 3;                ///< attempts before a supervisor that vanished is started again
constexpr std::size_t large_roster = 1000; ///< whose snapshot is worth giving back to the kernel

failure no_connection() {
  return {errc::worker_gone, "the background service is away\nit is tried again; see: troupe daemon status"};
}

} // namespace

struct supervisor_link::shared {
  supervisor_link* link; ///< null: gone
};

supervisor_link::supervisor_link(asio::io_context& loop, paths where, std::string command, callbacks cb)
    : loop_(loop), where_(std::move(where)), command_(std::move(command)), cb_(std::move(cb)), timer_(loop),
      shared_(std::make_shared<shared>(shared{this})) {}

supervisor_link::~supervisor_link() {
  close();
  shared_->link = nullptr;
}

void supervisor_link::open() {
  if (int fd = connect_to(where_.control_socket()); fd >= 0)
    greet(fd);
  else
    start_supervisor();
}

void supervisor_link::close() {
  closed_ = true;
  timer_.cancel();
  if (peer_)
    peer_->channel().close();
}

void supervisor_link::try_connect() {
  if (closed_ || peer_ || starting_)
    return;
  if (int fd = connect_to(where_.control_socket()); fd >= 0) {
    greet(fd);
    return;
  }
  // One that said goodbye was stopped by somebody, who may want it to stay so: a wish of this view starts it again.
  if ((!left_ || !queue_.empty()) && failures_ >= patience)
    start_supervisor();
  else
    retry(std::min(first_retry_ms << std::min(failures_, 5), longest_retry_ms));
}

void supervisor_link::retry(int ms) {
  ++failures_;
  timer_.expires_after(std::chrono::milliseconds(ms));
  timer_.async_wait([this](const asio::error_code& e) {
    if (!e)
      try_connect();
  });
}

void supervisor_link::start_supervisor() {
  starting_ = true;
  std::thread([&loop = loop_, work = asio::make_work_guard(loop_), held = shared_, command = command_] {
    client c(command);
    c.be_quiet();
    failure error;
    bool good = c.connect(true, error);
    asio::post(loop, [held, good, error] {
      auto* link = held->link;
      if (link == nullptr || link->closed_)
        return;
      link->starting_ = false;
      int fd = good ? connect_to(link->where_.control_socket()) : -1;
      if (fd >= 0)
        link->greet(fd);
      else
        link->lost(good ? std::string("it does not answer") : error.text);
    });
  }).detach();
}

void supervisor_link::greet(int fd) {
  line_channel::socket socket(loop_, asio::local::stream_protocol(), fd);
  auto peer = rpc_peer::create(line_channel::create(std::move(socket), unread_limit, answer_limit));
  peer_ = peer;
  peer->start({[this](const std::string& method, json params, const json&) { take(method, std::move(params)); },
               [this, peer](const std::string& why) {
                 if (peer_ == peer)
                   lost(why);
               }});
  subscribe();
}

void supervisor_link::subscribe() {
  peer_->request("session/subscribe", {{"all", true}}, [this](const json* result, const failure&) {
    if (result == nullptr || closed_)
      return;
    view::connected snapshot;
    if (auto rows = result->find("sessions"); rows != result->end() && rows->is_array()) {
      snapshot.sessions.reserve(rows->size());
      for (const auto& row : *rows)
        snapshot.sessions.push_back(session_from_json(row));
    }
    failures_ = 0;
    told_lost_ = left_ = false;
    bool large = snapshot.sessions.size() >= large_roster;
    cb_.event(std::move(snapshot));
    cb_.live();
    for (auto& w : std::exchange(queue_, {}))
      ask(w.method, std::move(w.params), std::move(w.done));
    if (large)
      asio::post(loop_, [] { ::malloc_trim(0); }); // the text of a large snapshot is many times its rows
  });
}

void supervisor_link::take(const std::string& method, json params) {
  if (method == "session/changed" && params.contains("session"))
    cb_.event(view::changed{session_from_json(params["session"])});
  else if (method == "session/removed" && params.contains("id") && params["id"].is_string())
    cb_.event(view::removed{params["id"].get<std::string>()});
  else if (method == "session/lost")
    subscribe();
  else if (method == "goodbye")
    left_ = true;
}

void supervisor_link::lost(const std::string& why) {
  peer_.reset();
  if (closed_)
    return;
  if (!std::exchange(told_lost_, true))
    cb_.event(view::disconnected{why});
  if (failures_ > patience)
    for (auto& w : std::exchange(queue_, {}))
      w.done(nullptr, why.empty() ? no_connection() : failure{errc::worker_gone, why});
  retry(std::min(first_retry_ms << std::min(failures_, 5), longest_retry_ms));
}

void supervisor_link::ask(const std::string& method, json params, answer done) {
  if (closed_) {
    done(nullptr, no_connection());
  } else if (peer_) {
    peer_->request(method, std::move(params), std::move(done));
  } else {
    queue_.push_back({method, std::move(params), std::move(done)});
    if (left_ && !starting_) {
      timer_.cancel();
      start_supervisor();
    }
  }
}

void supervisor_link::ask_keyed(const std::string& method, json params, answer done) {
  ask_until(std::chrono::steady_clock::now() + std::chrono::seconds(60), method, std::move(params), std::move(done));
}

void supervisor_link::ask_until(std::chrono::steady_clock::time_point end, const std::string& method, json params,
                                answer done) {
  ask(method, params, [=, &loop = loop_, held = shared_](const json* result, const failure& error) {
    bool lost = result == nullptr && (error.code == errc::worker_gone || error.code == errc::draining);
    auto over = [held] { return held->link == nullptr || held->link->closed_; };
    if (!lost || over() || std::chrono::steady_clock::now() >= end)
      return done(result, error);
    asio::post(loop, [=] { // behind the end of the connection, which answers whoever still waits on it first
      if (!over())
        held->link->ask_until(end, method, params, done);
      else if (held->link != nullptr)
        done(nullptr, error); // else who asked is gone as well
    });
  });
}

} // namespace troupe
