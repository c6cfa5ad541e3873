// The figures of a native session with a model, with the floor in the same run: how soon after the command the first
// request is there, what agent and worker hold at rest, and how fast a long answer is in the transcript and at whoever
// looks on. `troupe-bench-model [--short]`; medians.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using clock_type = std::chrono::steady_clock;

namespace {

double median(std::vector<double> xs) {
  std::sort(xs.begin(), xs.end());
  return xs.empty() ? 0 : xs[xs.size() / 2];
}

/// A model server that says one word.
class server {
public:
  server() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(socket_.get(), 64);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  [[nodiscard]] int port() const { return port_; }

  /// Waits for a request and answers it in that many pieces; gives the moment in which it was there.
  clock_type::time_point serve(int pieces = 1) const {
    const unique_fd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char bytes[65536];
    if (::recv(peer.get(), bytes, sizeof bytes, 0) <= 0)
      return {};
    const auto there = clock_type::now();
    test::write_all(peer.get(), answer(pieces));
    ::shutdown(peer.get(), SHUT_WR);
    while (::recv(peer.get(), bytes, sizeof bytes, 0) > 0) {
    }
    return there;
  }

  static std::string answer(int pieces) {
    std::string out = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    for (int i = 0; i < pieces; ++i)
      out += "event: content_block_delta\ndata: "
             "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
             "\"text\":\"word " +
             std::to_string(i) + "\"}}\n\n";
    return out + "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n"
                 "data: {\"type\":\"message_stop\"}\n\n";
  }

private:
  unique_fd socket_;
  int port_ = 0;
};

/// Whoever looks on at a conversation: its events as frames, as a view gets them.
class onlooker {
public:
  explicit onlooker(const std::string& socket) : fd_(connect_to(socket)) {
    test::write_all(fd_.get(),
                    R"({"jsonrpc":"2.0","id":1,"method":"worker/attach","params":{"mode":"follow","from":0}})"
                    "\n");
    test::read_line(fd_.get());
  }
  /// Reads until the N-th turn has ended; gives the bytes of text that were told, and 0 where it ended otherwise.
  std::size_t read_turns(int turns) {
    char block[65536];
    while (ended_ < turns) {
      const auto n = ::recv(fd_.get(), block, sizeof block, 0);
      if (n <= 0)
        return 0;
      in_.append(block, static_cast<std::size_t>(n));
      take_frames();
    }
    return text_;
  }

private:
  void take_frames() {
    std::size_t at = 0;
    for (std::uint32_t size = 0; in_.size() - at >= 5; at += 5 + size) {
      std::memcpy(&size, in_.data() + at + 1, 4);
      if (in_.size() - at - 5 < size)
        break;
      const auto e = json::parse(std::string_view(in_).substr(at + 5, size), nullptr, false);
      if (in_[at] == 'e' && e.value("what", "") == "text" && e.value("detail", "") == "agent")
        text_ += e.value("text", "").size();
      ended_ += in_[at] == 'e' && e.value("what", "") == "turn_ended";
    }
    in_.erase(0, at);
  }
  unique_fd fd_;
  std::string in_;
  std::size_t text_ = 0;
  int ended_ = 0;
};

/// Connecting and sending as much as a request.
double floor_of(const server& model) {
  const auto t = clock_type::now();
  const unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(model.port()));
  ::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at);
  test::write_all(fd.get(), std::string(4096, 'x'));
  ::shutdown(fd.get(), SHUT_WR);
  return std::chrono::duration<double, std::milli>(model.serve() - t).count();
}

void await_spare(const test::sandbox& s) {
  const auto socket = s.connect();
  while (test::ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"supervisor/status"})").find("\"ready\":1") ==
         std::string::npos)
    ::usleep(2000);
  ::usleep(50'000); // and its HTTP, which starts beside it and tells nobody
}

double pss_kb(std::int32_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("Pss:"))
      return std::strtod(line.c_str() + 4, nullptr);
  return 0;
}

/// Of a worker and all below it.
double pss_of_tree(std::int32_t worker) {
  auto sum = pss_kb(worker);
  for (const auto& each : descendants(worker))
    sum += pss_kb(each.pid);
  return sum;
}

/// The same bytes from one socket to a file and to another socket, as they come.
double floor_of_stream(int pieces) {
  int in[2], out[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) != 0)
    return 0;
  const auto bytes = server::answer(pieces);
  const auto t = clock_type::now();
  std::thread model([&] {
    test::write_all(in[0], bytes);
    ::close(in[0]);
  });
  std::thread view([&] {
    char block[65536];
    while (::recv(out[1], block, sizeof block, 0) > 0) {
    }
  });
  {
    const unique_fd file(::memfd_create("journal", MFD_CLOEXEC));
    char block[65536];
    for (ssize_t n = 0; (n = ::recv(in[1], block, sizeof block, 0)) > 0;) {
      test::write_all(file.get(), {block, static_cast<std::size_t>(n)});
      test::write_all(out[0], {block, static_cast<std::size_t>(n)});
    }
    ::close(out[0]);
  }
  model.join();
  view.join();
  ::close(in[1]);
  ::close(out[1]);
  return std::chrono::duration<double, std::milli>(clock_type::now() - t).count();
}

struct streamed {
  double ms = 0, peak_kb = 0;
  std::size_t text = 0;
};

/// One answer in that many pieces, from the request to the end of the turn at whoever looks on.
streamed stream(const test::sandbox& s, const server& model, const std::string& id, onlooker& view, int turn,
                int pieces) {
  const auto worker = s.field(id, "pid").get<std::int32_t>();
  streamed out;
  std::atomic<bool> over = false;
  s.troupe({"reply", id, "tell me more"});
  clock_type::time_point t;
  std::thread memory([&] {
    for (; !over; ::usleep(20'000))
      out.peak_kb = std::max(out.peak_kb, pss_of_tree(worker));
  });
  std::thread answering([&] { t = model.serve(pieces); });
  out.text = view.read_turns(turn);
  const auto end = clock_type::now();
  answering.join();
  over = true;
  memory.join();
  out.ms = std::chrono::duration<double, std::milli>(end - t).count();
  return out;
}

/// 100,000 deltas to journal and view.
void measure_stream(const test::sandbox& s, const server& model, bool brief) {
  const int pieces = brief ? 10'000 : 100'000;
  const auto pid = s.start({"--bg", "-q", "a task for a model", "--model", "m"}, "streaming");
  model.serve();
  test::wait_for(pid);
  auto id = test::slurp(s.root() + "/streaming");
  id.erase(id.find_last_not_of('\n') + 1);
  s.troupe({"wait", id});
  const auto control = s.connect();
  const auto place = json::parse(
      test::ask(control.get(),
                json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "session/attach"}, {"params", {{"id", id}}}}.dump()));
  onlooker view(place["result"]["socket"].get<std::string>());
  const auto few = stream(s, model, id, view, 2, pieces / 10);
  const auto many = stream(s, model, id, view, 3, pieces);
  const auto floor = floor_of_stream(pieces);
  const auto grown = (many.peak_kb - few.peak_kb) / 1024;
  std::printf("%-52s %6.0f ms   floor (the bytes alone) %.0f ms   %zu bytes of text, must 2000  %s\n",
              (std::to_string(pieces) + " deltas to journal and view").c_str(), many.ms, floor, many.text,
              many.ms <= 2000 && many.text > static_cast<std::size_t>(pieces) * 6 ? "ok" : "MISS");
  std::printf("%-52s %6.2f MB   peak %.2f MB, a tenth of it %.2f MB   must 8.00  %s\n",
              "memory that ten times the deltas take more (PSS)", grown, many.peak_kb / 1024, few.peak_kb / 1024,
              grown <= 8 ? "ok" : "MISS");
}

} // namespace

int main(int argc, char** argv) {
  const bool brief = argc > 1 && std::strcmp(argv[1], "--short") == 0;
  const int rounds = brief ? 5 : 60, sessions = brief ? 3 : 20;
  const server model;
  test::sandbox s;
  s.configure(json{{"provider", "anthropic"},
                   {"env", {{"ANTHROPIC_BASE_URL", "http://127.0.0.1:" + std::to_string(model.port())}}},
                   {"native", {{"transportRestSeconds", 1}}},
                   {"session", {{"freezeSeconds", 0}}}}
                  .dump());
  std::vector<double> floors, first, back;
  std::vector<std::string> ids;
  s.troupe({"agents"});
  for (int i = 0; i < rounds; ++i) {
    await_spare(s);
    floors.push_back(floor_of(model));
    const auto t = clock_type::now();
    const auto pid = s.start({"--bg", "-q", "a task for a model", "--model", "m"}, "id" + std::to_string(i));
    const auto there = model.serve();
    first.push_back(std::chrono::duration<double, std::milli>(there - t).count());
    if (test::wait_for(pid) != 0)
      return std::fputs("a dispatch failed\n", stderr), 1;
    auto id = test::slurp(s.root() + "/id" + std::to_string(i));
    id.erase(id.find_last_not_of('\n') + 1);
    s.troupe({"wait", id});
    if (i < sessions)
      ids.push_back(id);
    else
      s.troupe({"rm", id});
  }
  const auto floor = median(floors), took = median(first);
  std::printf("%-52s %6.2f ms   floor (connecting) %.2f ms   over it %.2f, must 5.00  %s\n",
              "dispatch, warm: command to first model request", took, floor, took - floor,
              took - floor <= 5 ? "ok" : "MISS");
  ::sleep(2); // the transports have ended by now
  double sum = 0;
  for (const auto& id : ids)
    sum += pss_of_tree(s.field(id, "pid").get<std::int32_t>());
  sum /= static_cast<double>(ids.size()) * 1024;
  std::printf("%-52s %6.2f MB   mean of %zu                         must 6.00  %s\n",
              "memory of agent and worker at rest (PSS)", sum, ids.size(), sum <= 6 ? "ok" : "MISS");
  measure_stream(s, model, brief);
  return s.stop().empty() ? 0 : 1;
}
