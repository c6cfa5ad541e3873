// Starting the stub, and talking with it over its pipes.
#include "tests/support/model_stub.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/io/process.hpp"

namespace troupe::test {
namespace {

using json = nlohmann::json;

int run(std::vector<std::string> words) {
  spawn_request r;
  r.program = words.front();
  r.arguments = std::move(words);
  r.env = own_environment();
  const unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  r.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
  int status = -1;
  const auto pid = spawn(r);
  if (pid > 0)
    ::waitpid(pid, &status, 0);
  return status;
}

void make_certificate(const std::string& folder) {
  if (run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
           "2", "-subj", "/CN=stub", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key.pem", "-out",
           folder + "/cert.pem"}) != 0)
    throw std::runtime_error("openssl made no certificate");
}

} // namespace

model_stub::model_stub(bool tls) {
  const char* temporary = std::getenv("TMPDIR");
  folder_ = std::string(temporary && *temporary ? temporary : "/tmp") + "/troupe-stub-XXXXXX";
  const char* source = std::getenv("TROUPE_SOURCE");
  if (!source || !::mkdtemp(folder_.data()))
    throw std::runtime_error("no folder can be made, or TROUPE_SOURCE is not set: run the tests by ctest");
  spawn_request r;
  r.program = "python3";
  r.arguments = {"python3", std::string(source) + "/tests/support/model_stub.py"};
  if (tls) {
    make_certificate(folder_);
    r.arguments.insert(r.arguments.end(), {"--tls", certificate(), folder_ + "/key.pem"});
  }
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe can be made");
  const unique_fd theirs(in[0]), theirs_too(out[1]);
  in_.reset(in[1]);
  out_.reset(out[0]);
  r.env = own_environment();
  r.fds = {{in[0], 0}, {out[1], 1}, {2, 2}};
  pid_ = spawn(r);
  const auto ports = read();
  port_ = ports.at("port").get<int>();
  tls_port_ = tls ? ports.at("tlsPort").get<int>() : 0;
}

model_stub::~model_stub() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

json model_stub::read() {
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      auto line = json::parse(buffer_.substr(0, end));
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd ready{out_.get(), POLLIN, 0};
    char bytes[65536];
    const auto n = ::poll(&ready, 1, 30'000) == 1 ? ::read(out_.get(), bytes, sizeof bytes) : 0;
    if (n <= 0)
      throw std::runtime_error("the model stub says nothing");
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
}

void model_stub::add(json steps) {
  const auto line = json{{"add", steps.is_array() ? std::move(steps) : json::array({std::move(steps)})}}.dump() + "\n";
  if (::write(in_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw std::runtime_error("the model stub does not listen");
  for (auto heard = read(); !heard.contains("ok"); heard = read())
    seen_.push_back(std::move(heard));
}

json model_stub::next() {
  if (seen_.empty())
    return read();
  auto first = std::move(seen_.front());
  seen_.pop_front();
  return first;
}

json model_stub::request() {
  for (;;)
    if (auto heard = next(); heard.contains("request") && heard["request"].value("method", "") == "POST")
      return heard["request"];
}

bool model_stub::asked() {
  add(json::array()); // what came before the answer has come
  for (const auto& each : seen_)
    if (each.contains("request"))
      return true;
  return false;
}

} // namespace troupe::test
