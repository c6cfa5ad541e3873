// troupe-supervisor: takes the lock, opens the socket, and serves until it may leave.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <asio/signal_set.hpp>

#include "runtime/host/supervisor_host.hpp"
#include "runtime/io/sockets.hpp"
#include "runtime/supervisor/options.hpp"

namespace troupe {

namespace {

int complain(const failure& error) {
  std::fprintf(stderr, "troupe-supervisor: %s\n", error.text.c_str());
  return 1;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void tell_ready(const supervisor_options& o, unique_fd start_lock) {
  if (o.ready_fd >= 0) {
    [[maybe_unused]] auto written = ::write(o.ready_fd, "1", 1);
    ::close(o.ready_fd);
  }
  start_lock.reset();
}

int run(supervisor_options o) {
  failure error;
  auto where = find_paths(error);
  if (!where || !make_folders(*where, error))
    return complain(error);
  unique_fd start_lock(o.start_lock_fd); // whoever starts one holds it until the socket accepts (SUP-1)
  if (start_lock)
    ::fcntl(start_lock.get(), F_SETFD, FD_CLOEXEC);
  else if (start_lock = lock_start(*where, error); !start_lock)
    return complain(error);
  if (o.ready_fd >= 0)
    ::fcntl(o.ready_fd, F_SETFD, FD_CLOEXEC);
  if (unique_fd other(connect_to(where->control_socket())); other) {
    if (o.foreground)
      return complain({errc::refused, "the background service runs already\n  see it: troupe daemon status"});
    tell_ready(o, std::move(start_lock));
    return 0;
  }
  auto right = take_directory(*where, leaving_seconds, error); // the last one may be about to leave
  if (!right) {
    if (error.code == errc::ok)
      error = {errc::timed_out, "another background service holds " + where->supervisor_lock() +
                                    " and does not serve\n  who holds it: fuser " + where->supervisor_lock()};
    return complain(error);
  }
  become_subreaper();
  raise_descriptor_limit();
  unique_fd listening(listen_on(where->control_socket(), error));
  if (!listening)
    return complain(error);
  host_setup setup;
  setup.where = *where;
  setup.right = std::move(*right);
  setup.listening = std::move(listening);
  setup.origin = o.origin;
  setup.version = TROUPE_VERSION;
  setup.on_demand = !o.foreground;
  setup.echo = o.foreground;
  setup.shell = own_environment();
  setup.worker_program = own_program("troupe-worker");
  setup.agent_program = own_program("troupe-agent");
  setup.supervisor_program = own_program("troupe-supervisor");
  static supervisor_host all(std::move(setup));
  tell_ready(o, std::move(start_lock));
  asio::signal_set signals(all.loop(), SIGTERM, SIGINT);
  signals.async_wait([&](const asio::error_code& e, int) {
    if (!e)
      all.ask_stop(true);
  });
  std::_Exit(all.run()); // a supervisor never unlocks, it exits (SUP-1)
}

} // namespace

} // namespace troupe

int main(int argc, char** argv) {
  troupe::supervisor_options options;
  auto fault = troupe::read_options(argc, argv, options);
  if (!fault.empty()) {
    std::fprintf(stderr, "troupe-supervisor: %s\n", fault.c_str());
    return 2;
  }
  if (options.version) {
    std::printf("troupe-supervisor %s\n", TROUPE_VERSION);
    return 0;
  }
  return troupe::run(std::move(options));
}
