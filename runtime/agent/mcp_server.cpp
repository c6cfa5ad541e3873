// JSON-RPC with a server that may do anything.
#include "runtime/agent/mcp_server.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::agent {
namespace {

constexpr milliseconds end_grace{1000};    ///< from SIGTERM to SIGKILL
constexpr milliseconds closing_grace{500}; ///< from the end of its input to SIGTERM
constexpr milliseconds status_grace{500};  ///< from the end of its output to its own
constexpr std::size_t unwritten_limit = std::size_t{16} << 20;
constexpr std::size_t most_tools = 512;
constexpr std::size_t description_limit = 4096;
constexpr const char* version = "2025-06-18";

} // namespace

/// A call that waits for its answer.
class mcp_server::running_call : public running_tool {
public:
  running_call(mcp_server& server, tool_done done) : server_(server), life_(server.life_), done_(std::move(done)) {}
  void begin(const std::string& name, const json& input);
  void cancel() override;

private:
  void tell(tool_outcome outcome);
  mcp_server& server_;
  std::weak_ptr<bool> life_;
  tool_done done_;
  std::uint64_t id_ = 0;
};

void mcp_server::running_call::begin(const std::string& name, const json& input) {
  id_ = server_.request("tools/call", {{"name", name}, {"arguments", input}}, server_.limits_.mcp_call,
                        [this](const json* result, const std::string& error) {
                          id_ = 0;
                          tell(result != nullptr
                                   ? outcome_of_call(*result, static_cast<std::size_t>(server_.limits_.output_bytes))
                                   : tool_outcome{true, error, {}, {}, {}, {}});
                        });
}

void mcp_server::running_call::cancel() {
  if (id_ == 0 || life_.expired())
    return;
  server_.send({{"jsonrpc", "2.0"},
                {"method", "notifications/cancelled"},
                {"params", {{"requestId", id_}, {"reason", "cancelled"}}}});
  server_.forget(std::exchange(id_, 0));
  tell({true, "cancelled", {}, {}, {}, {}});
}

void mcp_server::running_call::tell(tool_outcome outcome) {
  if (done_)
    server_.events_.defer([done = std::exchange(done_, nullptr), outcome = std::move(outcome)] { done(outcome); });
}

mcp_server::mcp_server(event_loop& events, mcp_setup setup, std::string mark, const tool_limits& limits, callbacks told)
    : events_(events), setup_(std::move(setup)), mark_(std::move(mark)), limits_(limits), told_(std::move(told)) {}

mcp_server::~mcp_server() {
  life_.reset();
  close_pipes();
  events_.cancel(grace_);
  for (auto& [id, each] : asked_)
    events_.cancel(each.deadline);
  if (leader_.pid > 0)
    events_.on_child(leader_.pid, [](int) {});
}

void mcp_server::start() {
  const auto program = find_program(setup_.env, setup_.command);
  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
  if (program.empty())
    return fail("there is no program '" + setup_.command + "'");
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
    return fail(std::string("no pipe: ") + std::strerror(errno));
  const unique_fd their_in(in[0]), their_out(out[1]), their_err(err[1]);
  in_.reset(in[1]);
  out_.reset(out[0]);
  err_.reset(err[0]);
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), setup_.arguments.begin(), setup_.arguments.end());
  auto env = setup_.env;
  env.emplace_back(mark_variable, mark_);
  const auto pid = start_in_session(arguments, env, setup_.cwd, their_in.get(), their_out.get(), their_err.get());
  if (pid < 0)
    return fail("it cannot be started: " + std::string(std::strerror(-pid)));
  leader_ = process_of(pid);
  for (const auto* fd : {&in_, &out_, &err_})
    fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  events_.watch(out_.get(), POLLIN, [this](short) { read_some(); });
  events_.watch(err_.get(), POLLIN, [this](short) { read_errors(); });
  events_.on_child(pid, [this](int status) {
    leader_.pid = 0;
    read_errors();
    if (!ending_)
      fail(WIFEXITED(status) ? "it exited with status " + std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status)) + " killed it");
  });
  const json params{{"protocolVersion", version},
                    {"capabilities", {{"roots", json::object()}}},
                    {"clientInfo", {{"name", "troupe"}, {"version", TROUPE_VERSION}}}};
  request("initialize", params, limits_.mcp_start, [this](const json* r, const std::string& e) { initialized(r, e); });
}

void mcp_server::initialized(const json* result, const std::string& error) {
  if (result == nullptr)
    return fail("it did not take initialize: " + error);
  send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  const auto* can = field(*result, "capabilities");
  has_tools_ = can != nullptr && field(*can, "tools") != nullptr;
  if (!has_tools_)
    return settle();
  listed_.clear();
  listing_ = true;
  list_tools({});
}

void mcp_server::list_tools(const std::string& cursor) {
  json params = json::object();
  if (!cursor.empty())
    params["cursor"] = cursor;
  request("tools/list", params, limits_.mcp_start, [this](const json* result, const std::string& error) {
    if (result != nullptr)
      return take_tools(*result);
    listing_ = false;
    told_.note("the MCP server " + setup_.name + " did not list its tools: " + error);
    settle();
  });
}

void mcp_server::take_tools(const json& result) {
  const auto* tools = field(result, "tools");
  if (tools != nullptr && tools->is_array())
    for (const auto& each : *tools)
      if (listed_.size() < most_tools && text_field(each, "name"))
        listed_.push_back(tool_from(each));
  const auto next = text_field(result, "nextCursor").value_or("");
  if (!next.empty() && listed_.size() < most_tools)
    return list_tools(next);
  listing_ = false;
  told_.tools(std::exchange(listed_, {}));
  settle();
  if (std::exchange(stale_, false)) {
    listing_ = true;
    list_tools({});
  }
}

tool mcp_server::tool_from(const json& listed) {
  const auto name = text_field(listed, "name").value_or("");
  const auto* annotations = field(listed, "annotations");
  const bool looks = annotations != nullptr && flag_field(*annotations, "readOnlyHint");
  const auto* schema = field(listed, "inputSchema");
  auto description = text_field(listed, "description").value_or("");
  if (description.size() > description_limit)
    description = whole_end(std::string_view(description).substr(0, description_limit));
  tool made;
  made.name = "mcp__" + setup_.name + "__" + name;
  made.kind = looks ? "read" : "other";
  made.can = looks ? reach::looks : reach::commands;
  made.offline_only = false;
  made.description = std::move(description);
  made.schema = schema != nullptr && schema->is_object() ? to_line(*schema) : R"({"type":"object"})";
  made.start = [this, life = std::weak_ptr<bool>(life_), name](const tool_context& context, const json& input,
                                                               tool_done done) -> std::unique_ptr<running_tool> {
    if (!life.expired())
      return call(name, input, std::move(done));
    context.events.defer([done = std::move(done)] { done({true, "its MCP server has ended", {}, {}, {}, {}}); });
    return nullptr;
  };
  return made;
}

std::unique_ptr<running_tool> mcp_server::call(const std::string& name, const json& input, tool_done done) {
  auto made = std::make_unique<running_call>(*this, std::move(done));
  made->begin(name, input);
  return made;
}

// ---- messages

std::uint64_t mcp_server::request(const char* method, json params, std::int64_t patience, answer done) {
  const auto id = ++last_;
  auto& mine = asked_[id];
  mine.done = std::move(done);
  mine.deadline = events_.after(milliseconds{patience}, [this, id, patience, what = std::string(method)] {
    auto node = asked_.extract(id);
    if (node.empty())
      return;
    send({{"jsonrpc", "2.0"},
          {"method", "notifications/cancelled"},
          {"params", {{"requestId", id}, {"reason", "timed out"}}}});
    node.mapped().done(nullptr, "the MCP server " + setup_.name + " did not answer " + what + " within " +
                                    std::to_string(patience) + " ms");
  });
  if (dead_)
    events_.defer([this, life = std::weak_ptr<bool>(life_)] {
      if (!life.expired())
        drop_calls("the MCP server " + setup_.name + " is not there any more");
    });
  send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
  return id;
}

void mcp_server::forget(std::uint64_t id) {
  if (auto node = asked_.extract(id); !node.empty())
    events_.cancel(node.mapped().deadline);
}

void mcp_server::send(const json& message) {
  if (!in_)
    return;
  unwritten_ += to_line(message) + "\n";
  if (unwritten_.size() > unwritten_limit)
    return events_.defer([this, life = std::weak_ptr<bool>(life_)] {
      if (!life.expired())
        fail("it does not read its input");
    });
  write_some();
}

void mcp_server::write_some() {
  while (in_ && !unwritten_.empty()) {
    const auto n = write(in_.get(), unwritten_.data(), std::min<std::size_t>(unwritten_.size(), 65536));
    if (n < 0 && errno == EAGAIN)
      return events_.watch(in_.get(), POLLOUT, [this](short) { write_some(); });
    if (n < 0) { // its end is told by its output
      unwritten_.clear();
      break;
    }
    unwritten_.erase(0, static_cast<std::size_t>(n));
  }
  if (in_)
    events_.unwatch(in_.get());
}

void mcp_server::read_some() {
  char buffer[65536];
  const auto n = read(out_.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    events_.unwatch(out_.get());
    if (!ending_) // mostly it is about to end, and its status says more
      events_.after(status_grace, [this, life = std::weak_ptr<bool>(life_)] {
        if (!life.expired() && !ending_ && leader_.pid != 0)
          fail("it closed its output");
      });
    return;
  }
  const auto life = std::weak_ptr<bool>(life_);
  bool too_long = false;
  lines_.feed(
      {buffer, static_cast<std::size_t>(n)},
      [&](std::string_view line) {
        if (!life.expired() && !dead_)
          take(line);
      },
      [&] { too_long = true; });
  if (too_long && !life.expired())
    fail("it wrote a line of more than 8 MiB");
}

void mcp_server::read_errors() {
  char buffer[4096];
  for (int rounds = 0; err_ && rounds < 16; ++rounds) {
    const auto n = read(err_.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n <= 0)
      return events_.unwatch(err_.get());
    errors_.append({buffer, static_cast<std::size_t>(n)});
  }
}

/// Lines that are no messages are passed over: some servers log there.
void mcp_server::take(std::string_view line) {
  if (nests_deeper(line, depth_limit))
    return;
  const auto message = json::parse(line.begin(), line.end(), nullptr, false);
  if (!message.is_object())
    return;
  if (const auto method = text_field(message, "method"))
    return take_request(message, *method);
  const auto* id = field(message, "id");
  if (id == nullptr || !id->is_number_unsigned())
    return;
  auto node = asked_.extract(id->get<std::uint64_t>());
  if (node.empty())
    return;
  events_.cancel(node.mapped().deadline);
  static const json none = json::object();
  const auto* error = field(message, "error");
  const auto* result = field(message, "result");
  if (error != nullptr)
    return node.mapped().done(nullptr, text_field(*error, "message").value_or("an error without words"));
  node.mapped().done(result != nullptr ? result : &none, {});
}

void mcp_server::take_request(const json& message, const std::string& method) {
  const auto* id = field(message, "id");
  if (method == "notifications/tools/list_changed" && has_tools_) {
    if (listing_)
      stale_ = true;
    else {
      listing_ = true;
      list_tools({});
    }
  }
  if (id == nullptr || id->is_null())
    return;
  json reply{{"jsonrpc", "2.0"}, {"id", *id}};
  if (method == "ping")
    reply["result"] = json::object();
  else if (method == "roots/list")
    reply["result"] = {{"roots", {{{"uri", "file://" + setup_.cwd}, {"name", "session"}}}}};
  else
    reply["error"] = {{"code", method_not_found}, {"message", "there is no method '" + method.substr(0, 100) + "'"}};
  send(reply);
}

// ---- ends

void mcp_server::settle() {
  if (!std::exchange(settled_, true))
    told_.settled();
}

void mcp_server::drop_calls(const std::string& why) {
  for (auto& [id, each] : std::exchange(asked_, {})) {
    events_.cancel(each.deadline);
    each.done(nullptr, why);
  }
}

void mcp_server::fail(const std::string& why) {
  if (std::exchange(dead_, true))
    return;
  auto text = "the MCP server " + setup_.name + " is not there: " + why;
  auto said = errors_.text();
  while (!said.empty() && (said.back() == '\n' || said.back() == ' '))
    said.pop_back();
  if (!said.empty())
    text += "\n  it wrote: " + said;
  close_pipes();
  told_.tools({});
  drop_calls(text);
  told_.note(text);
  settle();
  if (leader_.pid > 0)
    end_tree();
}

void mcp_server::close_pipes() {
  for (auto* fd : {&in_, &out_, &err_})
    if (*fd) {
      events_.unwatch(fd->get());
      fd->reset();
    }
}

void mcp_server::end_tree() {
  if (ending_tree_)
    return;
  const auto leader = leader_;
  ending_tree_ = std::make_unique<tree_ending>(
      events_, [leader, mark = mark_] { return tree_of(leader, mark); }, end_grace,
      [this] {
        if (ended_)
          events_.defer(std::exchange(ended_, nullptr));
      });
}

void mcp_server::end(event_loop::task done) {
  ending_ = true;
  if (leader_.pid <= 0)
    return events_.defer(std::move(done));
  ended_ = std::move(done);
  drop_calls("the session ends");
  if (in_) {
    events_.unwatch(in_.get());
    in_.reset();
  }
  grace_ = events_.after(closing_grace, [this] { end_tree(); });
  events_.on_child(leader_.pid, [this](int) { // what it leaves behind ends with it
    events_.cancel(grace_);
    end_tree();
  });
}

tool_outcome outcome_of_call(const json& result, std::size_t limit) {
  output_window text(limit);
  const auto* blocks = field(result, "content");
  bool first = true;
  if (blocks != nullptr && blocks->is_array())
    for (const auto& block : *blocks) {
      const auto type = text_field(block, "type").value_or("");
      const auto* resource = field(block, "resource");
      if (!std::exchange(first, false))
        text.append("\n");
      if (type == "text")
        text.append(text_field(block, "text").value_or(""));
      else if (type == "resource" && resource != nullptr && text_field(*resource, "text"))
        text.append(*text_field(*resource, "text"));
      else if (type == "resource_link")
        text.append(text_field(block, "uri").value_or(""));
      else
        text.append("[" + type + " content is not taken]");
    }
  if (const auto* structured = field(result, "structuredContent"); first && structured != nullptr)
    text.append(to_line(*structured));
  tool_outcome outcome;
  outcome.failed = flag_field(result, "isError");
  outcome.text = text.text();
  return outcome;
}

} // namespace troupe::agent
