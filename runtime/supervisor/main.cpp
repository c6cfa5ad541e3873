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
#include "runtime/supervisor/succession.hpp"

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

/// Serves with the lock and the socket at hand, until it may leave or a newer version goes on.
int serve(const supervisor_options& o, host_setup setup, unique_fd start_lock) {
  become_subreaper();
  raise_descriptor_limit();
  setup.origin = o.origin;
  setup.version = TROUPE_VERSION;
  setup.on_demand = !o.foreground;
  setup.echo = o.foreground;
  setup.shell = own_environment();
  setup.worker_program = own_program("troupe-worker");
  setup.agent_program = own_program("troupe-agent");
  setup.supervisor_program = own_program("troupe-supervisor");
  setup.follow_program = true;
  auto program = setup.supervisor_program, socket = setup.where.control_socket();
  static supervisor_host all(std::move(setup));
  tell_ready(o, std::move(start_lock));
  asio::signal_set signals(all.loop(), SIGTERM, SIGINT);
  signals.async_wait([&](const asio::error_code& e, int) {
    if (!e)
      all.ask_stop(true);
  });
  auto code = all.run();
  if (all.next()) {
    execute_next(program, o, std::move(*all.next()));
    all.log().write("event=executable_not_started program=\"" + program + "\"");
    ::unlink(socket.c_str()); // the next command starts one
  }
  std::_Exit(code); // a supervisor never unlocks, it exits (SUP-1)
}

/// SUP-6: this is the next version, in the process of the one before.
int go_on(const supervisor_options& o, paths where) {
  failure error;
  for (int fd : {o.lock_fd, o.listen_fd, o.environments_fd})
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  auto right = inherit_directory(where, unique_fd(o.lock_fd), error);
  if (!right)
    return complain(error);
  host_setup setup;
  setup.where = std::move(where);
  setup.right = std::move(*right);
  setup.listening = unique_fd(o.listen_fd);
  setup.environments = read_environments(o.environments_fd);
  ::close(o.environments_fd);
  return serve(o, std::move(setup), {});
}

int run(const supervisor_options& o) {
  failure error;
  auto where = find_paths(error);
  if (!where || !make_folders(*where, error))
    return complain(error);
  if (o.lock_fd >= 0 && o.listen_fd >= 0)
    return go_on(o, *where);
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
  host_setup setup;
  setup.where = *where;
  setup.right = std::move(*right);
  setup.listening = unique_fd(listen_on(where->control_socket(), error));
  if (!setup.listening)
    return complain(error);
  return serve(o, std::move(setup), std::move(start_lock));
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
  return troupe::run(options);
}
