// How the supervisor's program is called.
#include "runtime/supervisor/options.hpp"

#include <CLI/CLI.hpp>

namespace troupe {

std::string read_options(int argc, char** argv, supervisor_options& out) {
  CLI::App app{"Troupe's supervisor: hosts the actors. Started by `troupe` when it is needed."};
  app.add_option("--started-by", out.origin, "which command started it");
  app.add_option("--ready-fd", out.ready_fd, "gets one byte when the control socket accepts");
  app.add_option("--start-lock-fd", out.start_lock_fd, "the starter's lock, released when the control socket accepts");
  app.add_option("--lock-fd", out.lock_fd, "the lock, from the version before in this process");
  app.add_option("--listen-fd", out.listen_fd, "its control socket");
  app.add_option("--environments-fd", out.environments_fd, "its sessions' environments");
  app.add_option("--instance", out.instance, "whose service it is, for lists of processes");
  app.add_flag("--foreground", out.foreground, "stay, and log to standard error too");
  app.add_flag("--version", out.version, "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ParseError& e) {
    return e.what();
  }
  return {};
}

} // namespace troupe
