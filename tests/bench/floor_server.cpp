// The floor: a static server that spawns a command into a PTY for whoever connects, and a static client that asks it.
// With an argument `ask` it is the client; `mark FIFO` is the smallest command that tells when its main runs.
// `bench-floor-server SOCKET [ask]`, `bench-floor-server mark FIFO`.
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"

int main(int argc, char** argv) {
  if (argc < 2)
    return 2;
  char byte = 0;
  if (argc > 2 && std::strcmp(argv[1], "mark") == 0) {
    int fd = ::open(argv[2], O_WRONLY | O_CLOEXEC);
    return fd >= 0 && ::write(fd, "m", 1) == 1 ? 0 : 1;
  }
  if (argc > 2) {
    int fd = troupe::connect_to(argv[1]);
    return fd >= 0 && ::write(fd, "x", 1) == 1 && ::read(fd, &byte, 1) == 1 ? 0 : 1;
  }
  troupe::failure error;
  int listening = troupe::listen_on(argv[1], error);
  ::fcntl(listening, F_SETFL, 0);
  ::signal(SIGCHLD, SIG_IGN);
  if (::write(1, "r", 1) != 1)
    return 1;
  for (;;) {
    int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || ::read(fd, &byte, 1) != 1)
      return 1;
    int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[128];
    ::grantpt(master);
    ::unlockpt(master);
    ::ptsname_r(master, name, sizeof name);
    troupe::spawn_request r;
    r.program = "/bin/true";
    r.arguments = {"true"};
    r.terminal = name;
    troupe::spawn(r);
    if (::write(fd, "k", 1) != 1)
      return 1;
    ::close(fd);
    ::close(master);
  }
}
