// troupe-model: carries the built-in agent's requests to a model's provider. One an agent, started and ended by it, and
// apart from it so that an agent at rest does not hold what TLS and HTTP need. Requests and their secrets come over
// descriptor 0, never as arguments or variables.
#include <csignal>
#include <cstdio>
#include <cstring>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/agent/transport/transfers.hpp"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0)
    return std::puts("troupe-model " TROUPE_VERSION) < 0;
  struct stat what {};
  if (argc > 1 || fstat(0, &what) != 0 || !S_ISSOCK(what.st_mode)) {
    std::fputs("troupe-model: it is started by troupe-agent and has no use by itself\n  see: man troupe\n", stderr);
    return 2;
  }
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  signal(SIGPIPE, SIG_IGN);
  for (const int each : {SIGINT, SIGHUP}) // the agent's to heed
    signal(each, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  troupe::agent::transfers all(0);
  all.run();
  return 0;
}
