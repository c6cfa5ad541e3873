// ptrace: a stop in front of and behind each system call of each thread of one process. Its children are not traced.
#include "tests/crash_matrix/traced_program.hpp"

#include <csignal>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/io/process.hpp"

namespace troupe::crash {

namespace {

constexpr int call_stop = SIGTRAP | 0x80; ///< by PTRACE_O_TRACESYSGOOD

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& w : words)
    out.push_back(w.data());
  out.push_back(nullptr);
  return out;
}

void go_on(pid_t thread, int signal) {
  ::ptrace(PTRACE_SYSCALL, thread, nullptr,
           signal); // fails when the thread was killed meanwhile, which is told by wait
}

} // namespace

traced_program::traced_program(trace_request request) : request_(std::move(request)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
  unique_fd ours(ends[0]);
  ready_.reset(ends[1]);
  tracer_ = std::thread([this] { trace(); });
  char byte = 0;
  while (::read(ours.get(), &byte, 1) < 0 && errno == EINTR) { // a byte, or the end of it
  }
}

void traced_program::end() {
  if (!tracer_.joinable())
    return;
  {
    std::lock_guard guard(mutex_);
    unwanted_ = true;
    if (now_)
      signal_process(*now_, SIGKILL);
  }
  tracer_.join();
}

/// Between fork and exec nothing allocates: another thread may have held the lock.
pid_t traced_program::launch() const {
  auto words = request_.arguments;
  std::vector<std::string> pairs;
  for (const auto& [name, value] : request_.env)
    pairs.push_back(name + "=" + value);
  auto arguments = pointers(words), env = pointers(pairs);
  unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto pid = ::fork();
  if (pid != 0)
    return pid;
  for (int fd = 0; fd < 3; ++fd)
    ::dup2(null.get(), fd);
  ::dup2(ready_ ? ready_.get() : null.get(), 3);
  ::setsid();
  if (::chdir("/") != 0 || ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
    ::_exit(126);
  ::raise(SIGSTOP);
  ::execve(request_.program.c_str(), arguments.data(), env.data());
  ::_exit(127);
}

void traced_program::trace() {
  while (lives_.size() < request_.kill_at.size() && (lives_.empty() || lives_.back().killed) && begin_life())
    follow();
  ready_.reset();
}

bool traced_program::begin_life() {
  std::lock_guard guard(mutex_);
  if (unwanted_)
    return false;
  pid_ = launch();
  ready_.reset();
  int status = 0;
  if (pid_ < 0 || ::waitpid(pid_, &status, __WALL) != pid_ || !WIFSTOPPED(status))
    return false;
  now_ = identify(pid_);
  lives_.emplace_back();
  threads_ = {{pid_, {}}};
  ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
  return true;
}

void traced_program::follow() {
  go_on(pid_, 0);
  for (int status = 0;;) {
    auto thread = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (thread < 0 && errno == EINTR)
      continue;
    if (thread > 0 && WIFSTOPPED(status))
      take_stop(thread, status);
    else if (thread < 0 || thread == pid_)
      return;
  }
}

void traced_program::take_stop(pid_t thread, int status) {
  auto signal = WSTOPSIG(status);
  if (signal == call_stop) {
    at_call(thread);
    return;
  }
  bool fresh = threads_.try_emplace(thread).second;
  bool of_ptrace = status >> 16 != 0 || (fresh && signal == SIGSTOP);
  go_on(thread, of_ptrace ? 0 : signal);
}

void traced_program::at_call(pid_t thread) {
  __ptrace_syscall_info told{};
  ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof told, &told);
  auto& call = threads_[thread];
  call.done = told.op == PTRACE_SYSCALL_INFO_EXIT;
  if (call.done) {
    call.result = told.exit.rval;
  } else {
    call.number = told.entry.nr;
    std::memcpy(call.arguments, told.entry.args, sizeof call.arguments);
  }
  auto& life = lives_.back();
  auto name = life.killed ? std::string() : name_boundary(pid_, call);
  if (!name.empty()) {
    life.reached.push_back({life.reached.size() + 1, request_.step->load(), std::move(name)});
    life.killed = life.reached.size() == request_.kill_at[lives_.size() - 1];
  }
  if (life.killed)
    ::kill(pid_, SIGKILL);
  else
    go_on(thread, 0);
}

} // namespace troupe::crash
