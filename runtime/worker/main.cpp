// troupe-worker: hosts one session. Started by the supervisor with its listening socket as descriptor 3.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>

#include <asio/io_context.hpp>

#include "runtime/io/process.hpp"
#include "runtime/worker/worker.hpp"

int main(int argc, char** argv) {
  troupe::worker_options options;
  options.version = TROUPE_VERSION;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--version") == 0) {
      std::printf("troupe-worker %s\n", TROUPE_VERSION);
      return 0;
    }
    if (std::strcmp(argv[i], "--worker") == 0 && i + 1 < argc)
      options.id = std::strtoull(argv[++i], nullptr, 10);
    else if (std::strcmp(argv[i], "--parent") == 0 && i + 1 < argc)
      options.parent = std::atoi(argv[++i]);
    else if (std::strcmp(argv[i], "--warm") == 0 && i + 1 < argc)
      options.warm = {argv[++i]};
    else if (std::strcmp(argv[i], "--driver") == 0 && i + 1 < argc)
      options.driver = argv[++i];
    else if (std::strcmp(argv[i], "--agent") == 0) { // all that follows
      options.warm.assign(argv + i + 1, argv + argc);
      options.native = false;
      break;
    }
  }
  if (options.id == 0 || ::fcntl(3, F_SETFD, FD_CLOEXEC) != 0) {
    std::fputs("troupe-worker: started by the supervisor only\n  to run a session: troupe --bg --exec 'CMD'\n", stderr);
    return 2;
  }
  troupe::become_subreaper();
  asio::io_context loop(1);
  troupe::worker all(loop, std::move(options), 3);
  loop.run();
  return 0;
}
