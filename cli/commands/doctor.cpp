// troupe doctor [--repair] [--json]: checks the installation and the agents, names each fault and its remedy.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>
}

#include "cli/command.hpp"
#include "cli/doctor.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/run_program.hpp"
#include "runtime/io/sockets.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;
using namespace doctor;

constexpr int agent_patience_ms = 20'000;

/// The first line of what `program --version` prints; empty where it does not start.
std::string version_of(const std::string& program) {
  auto got = run_program({program, "--version"}, "/", {}, own_environment());
  return got.out.substr(0, got.out.find('\n'));
}

void check_programs(findings& out) {
  for (const char* name : {"troupe-supervisor", "troupe-worker", "troupe-agent", "troupe-worktree"}) {
    auto program = own_program(name);
    auto told = version_of(program);
    if (told.empty())
      out.push_back({"programs", grade::fault, std::string(name) + " does not start: " + program,
                     "install Troupe again: ./bootstrap install"});
    else if (!told.ends_with(std::string(" ") + TROUPE_VERSION))
      out.push_back({"programs", grade::fault,
                     "this command is version " TROUPE_VERSION ", and " + program + " says '" + visible(told) + "'",
                     "install all programs together: ./bootstrap install"});
    else
      out.push_back({"programs", grade::fine, std::string(name) + " " TROUPE_VERSION});
  }
}

/// SEC-3: a folder or a file that only its owner may look into.
void check_private(findings& out, const std::string& path, mode_t allowed) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno != ENOENT)
      out.push_back(
          {"home", grade::fault, path + " cannot be looked at: " + std::strerror(errno), "make it yours: chown"});
    return; // made by the first command that needs it
  }
  if (S_ISLNK(st.st_mode) || st.st_uid != ::getuid())
    out.push_back({"home", grade::fault, path + (S_ISLNK(st.st_mode) ? " is a link" : " belongs to another user"),
                   "set TROUPE_HOME to a folder of your own"});
  else if ((st.st_mode & 0777 & ~allowed) != 0)
    out.push_back({"home", grade::fault, path + " is open to others",
                   "troupe doctor --repair, or: chmod " + std::string(allowed == 0700 ? "700 " : "600 ") + path,
                   [path, allowed] { return ::chmod(path.c_str(), allowed) == 0; }});
  else
    out.push_back({"home", grade::fine, path + " is private"});
}

void check_home(findings& out, const paths& where) {
  std::vector<std::string> folders{where.config};
  for (const auto& more : {where.state, where.sockets, where.sockets + "/workers"})
    if (std::find(folders.begin(), folders.end(), more) == folders.end())
      folders.push_back(more);
  for (const auto& folder : folders)
    check_private(out, folder, 0700);
  check_private(out, where.config + "/credentials.json", 0600);
}

void check_settings(findings& out, const paths& where) {
  auto path = where.config + "/settings.json";
  failure error;
  auto text = read_file(path, error);
  std::vector<std::string> problems;
  if (text)
    read_settings(*text, path, problems);
  for (const auto& p : problems)
    out.push_back({"settings", grade::fault, p, "edit " + path});
  if (error.code != errc::ok)
    out.push_back({"settings", grade::fault, error.text, "make it readable: chmod 600 " + path});
  else if (problems.empty())
    out.push_back({"settings", grade::fine, text ? path : "no settings.json: the defaults hold"});
}

void check_kernel(findings& out) {
  utsname name{};
  ::uname(&name);
  std::string kernel = std::string(name.sysname) + " " + name.release;
  unique_fd pidfd(::pidfd_open(::getpid(), 0));
  if (!pidfd)
    out.push_back({"kernel", grade::fault, kernel + " has no pidfd_open: " + std::strerror(errno),
                   "Linux 5.3 or newer is needed, and a sandbox that lets it through"});
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    out.push_back({"kernel", grade::fault, std::string("no subreaper can be made: ") + std::strerror(errno),
                   "Linux 3.4 or newer is needed, and a sandbox that lets it through"});
  if (!identify(::getpid()))
    out.push_back({"kernel", grade::fault, "/proc does not show this process", "mount it: mount -t proc proc /proc"});
  if (::access("/proc/pressure/memory", R_OK) != 0)
    out.push_back({"kernel", grade::note, "no pressure-stall information: memory is judged by MemAvailable"});
  out.push_back({"kernel", grade::fine, kernel});
}

void check_supervisor(findings& out, client& c) {
  failure error;
  if (!c.connect(false, error)) {
    if (c.absent())
      out.push_back({"supervisor", grade::fine, "not running: the next command that needs it starts it"});
    else
      out.push_back({"supervisor", grade::fault, error.text.substr(0, error.text.find('\n')),
                     "end what holds the socket, then: troupe daemon status"});
    return;
  }
  auto status = c.ask("supervisor/status", json::object(), error, 10'000);
  if (!status)
    out.push_back({"supervisor", grade::fault, "it does not answer: " + error.text.substr(0, error.text.find('\n')),
                   "start it again, sessions go on: troupe daemon stop --any --keep-workers"});
  else if (text_of(*status, "version") != TROUPE_VERSION)
    out.push_back({"supervisor", grade::fault,
                   "it is version " + text_of(*status, "version") + ", this command " TROUPE_VERSION,
                   "replace it, sessions go on: troupe daemon stop --any --keep-workers"});
  else
    out.push_back({"supervisor", grade::fine, "process " + std::to_string(status->value("pid", 0)) + " serves"});
  if (status)
    for (const auto& p : status->value("problems", json::array()))
      if (p.is_string())
        out.push_back({"supervisor", grade::note, p.get<std::string>()});
}

void check_leftovers(findings& out, const paths& where) {
  std::vector<std::string> sockets{where.control_socket()};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(where.sockets + "/workers", ignored))
    sockets.push_back(entry.path().string());
  std::size_t dead = 0;
  for (const auto& socket : sockets)
    if (fs::exists(socket, ignored) && is_dead_socket(socket)) {
      ++dead;
      out.push_back({"leftovers", grade::fault, "nobody listens behind " + socket,
                     "troupe doctor --repair, or: rm " + socket,
                     [socket] { return is_dead_socket(socket) && ::unlink(socket.c_str()) == 0; }});
    }
  failure error;
  if (fs::exists(where.start_lock(), ignored) && !lock_file(where.start_lock(), 0, error))
    out.push_back({"leftovers", grade::note,
                   "a command is starting the background service, or hangs in it: " + where.start_lock(),
                   "who holds it: fuser " + where.start_lock()});
  if (dead == 0)
    out.push_back({"leftovers", grade::fine, "no socket is left over"});
}

void check_tools(findings& out) {
  const char* path = std::getenv("PATH");
  for (const auto& [name, use] :
       {std::pair{"git", "worktrees need it"}, std::pair{"gh", "pull requests are found with it"}})
    if (find_program(name, path ? path : "").empty())
      out.push_back({"tools", grade::note, std::string(name) + " is not in PATH: " + use,
                     std::string("install it: apt-get install ") + name});
    else
      out.push_back({"tools", grade::fine, name});
}

std::vector<harness_driver> drivers(const paths& where) {
  failure error;
  std::vector<std::string> problems;
  auto text = read_file(where.config + "/settings.json", error);
  return text ? read_settings(*text, "settings.json", problems).harnesses : built_in_drivers();
}

const char* word(grade g) {
  return g == grade::fine ? "ok" : g == grade::note ? "note" : "fault";
}

json to_json(const findings& all, const std::vector<agent_report>& agents) {
  json out{{"version", TROUPE_VERSION}, {"findings", json::array()}, {"agents", json::array()}};
  for (const auto& f : all) {
    json row{{"check", f.check}, {"grade", word(f.how)}, {"text", f.text}};
    if (!f.remedy.empty())
      row["remedy"] = f.remedy;
    out["findings"].push_back(std::move(row));
  }
  for (const auto& a : agents) {
    json row{{"name", a.name}, {"state", a.state}};
    for (const auto& [name, text] : {std::pair{"version", &a.version}, {"text", &a.text}, {"remedy", &a.remedy}})
      if (!text->empty())
        row[name] = *text;
    if (a.ms > 0)
      row["initializeMs"] = a.ms;
    out["agents"].push_back(std::move(row));
  }
  return out;
}

void show(const findings& all, const std::vector<agent_report>& agents) {
  for (const auto& f : all) {
    print((f.how == grade::fine ? "✓ " : f.how == grade::note ? "· " : "✗ ") + f.check + ": " + visible(f.text) + "\n");
    if (!f.remedy.empty())
      print("    " + visible(f.remedy) + "\n");
  }
  for (const auto& a : agents) {
    print((a.state == "ready"           ? "✓ "
           : a.state == "not installed" ? "· "
                                        : "✗ ") +
          std::string("agent ") + visible(a.name) + ": " + a.state +
          (a.version.empty() ? "" : " · " + visible(a.version)) +
          (a.ms > 0 ? " · starts in " + std::to_string(a.ms) + " ms" : "") +
          (a.text.empty() || a.state == "not installed" ? "" : " · " + visible(a.text)) + "\n");
    if (!a.remedy.empty())
      print("    " + visible(a.remedy) + "\n");
  }
}

/// What was mended is said instead of the fault.
void repair(findings& all) {
  for (auto& f : all)
    if (f.mend && f.mend())
      f = {f.check, grade::fine, "mended: " + f.text};
}

} // namespace

int run_doctor(const arguments& args) {
  bool mend = false, as_json = false, no_agents = false, env = false, redact = false;
  std::string dir;
  int code = exit_ok;
  argument_parser app{"Checks the installation and the agents, and names each fault and its remedy.", "troupe doctor"};
  app.add_flag("--repair", mend, "mend what can be mended; removes left-over worktrees that have nothing to lose");
  app.add_flag("--json", as_json, "as JSON");
  app.add_flag("--no-agents", no_agents, "start no agent");
  app.add_flag("--env", env,
               "instead: which variable reaches a session of DIR, where it comes from, which rule decides");
  app.add_flag("--redact", redact, "instead: print the ledger, fit to be shared");
  app.add_option("DIR", dir, "with --env a directory (here); with --redact a ledger's file");
  if (!read_arguments(app, args, "troupe doctor --repair", code))
    return code;
  if (redact)
    return print_redacted(dir);
  if (env)
    return show_environment(dir, as_json);
  if (!dir.empty())
    return fail_usage("troupe doctor: " + dir + " belongs to --env or --redact", "troupe doctor --env " + dir);
  client c("troupe doctor");
  failure error;
  if (!c.find_home(error))
    return fail(error);
  findings all;
  check_programs(all);
  check_home(all, c.where());
  check_settings(all, c.where());
  check_kernel(all);
  check_supervisor(all, c);
  check_leftovers(all, c.where());
  check_worktrees(all, c.where());
  check_tools(all);
  if (mend)
    repair(all);
  auto agents = no_agents ? std::vector<agent_report>() : examine_agents(drivers(c.where()), agent_patience_ms);
  if (as_json)
    print(to_line(to_json(all, agents)) + "\n");
  else
    show(all, agents);
  return std::any_of(all.begin(), all.end(), [](const auto& f) { return f.how == grade::fault; }) ? exit_failure
                                                                                                  : exit_ok;
}

} // namespace troupe
