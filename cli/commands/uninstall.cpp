// troupe uninstall [--purge]: stops the background service and removes what the installation put there, as its manifest
// has it; with --purge the user's own data too. Never anything else.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "cli/trust_question.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;

struct installation {
  std::string prefix, manifest;
  std::vector<std::string> files, folders; ///< below the prefix; folders only where the installation made them
};

/// A path that stays below the prefix.
bool is_below(const std::string& path) {
  if (path.empty() || path.front() == '/')
    return false;
  for (const auto& part : fs::path(path))
    if (part == ".." || part == ".")
      return false;
  return true;
}

/// The manifest beside this program: `f PATH` and `d PATH`, a line each.
std::optional<installation> find_installation(failure& error) {
  std::error_code none;
  installation out;
  out.prefix = fs::read_symlink("/proc/self/exe", none).parent_path().parent_path().string();
  out.manifest = out.prefix + "/share/troupe/manifest";
  auto text = read_file(out.manifest, error);
  if (!text) {
    error = {errc::bad_request, "this program was not put there by an installation of its own: there is no " +
                                    out.manifest +
                                    "\nremove it the way it came (a package: apt remove troupe; a build: its folder)"};
    return {};
  }
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);) {
    auto path = line.size() > 2 ? line.substr(2) : std::string();
    bool known = line.starts_with("f ") || line.starts_with("d ");
    if (!known || !is_below(path)) {
      error = {errc::bad_request, "the manifest is not of an installation of Troupe: " + out.manifest + ": " +
                                      visible(line) + "\ninstall again, then: troupe uninstall"};
      return {};
    }
    (line[0] == 'f' ? out.files : out.folders).push_back(path);
  }
  return out;
}

/// What a home of Troupe's may hold; nothing else in it is touched.
bool is_ours(const std::string& name) {
  static const std::vector<std::string> names{"settings.json", "credentials.json", "trust.json", "consents.json",
                                              "view.json",     "sessions",         "workers",    "epoch",
                                              "start.lock",    "agents",           "commands",   "skills"};
  static const std::vector<std::string> begins{"ledger.", "supervisor.", "credentials.", "trust.json.",
                                               "settings.json."};
  return std::find(names.begin(), names.end(), name) != names.end() ||
         std::any_of(begins.begin(), begins.end(), [&](const auto& b) { return name.starts_with(b); });
}

/// Folders of the user's data, each once.
std::vector<std::string> data_folders(const paths& where) {
  std::vector<std::string> out;
  for (const auto& f : {where.config, where.state, where.sockets})
    if (std::find(out.begin(), out.end(), f) == out.end() && fs::exists(f))
      out.push_back(f);
  return out;
}

struct tally {
  int removed = 0;
  std::vector<std::string> kept; ///< with the reason
};

void remove_file(const std::string& path, tally& all) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0)
    return; // somebody was faster
  if (S_ISDIR(st.st_mode))
    all.kept.push_back(path + ": a directory now");
  else if (::unlink(path.c_str()) == 0)
    ++all.removed;
  else
    all.kept.push_back(path + ": " + std::strerror(errno));
}

void remove_installation(const installation& what, tally& all) {
  for (const auto& f : what.files)
    remove_file(what.prefix + "/" + f, all);
  remove_file(what.manifest, all);
  auto folders = what.folders; // the deepest first; one that holds something else stays
  std::sort(folders.begin(), folders.end(), [](const auto& a, const auto& b) { return a > b; });
  for (const auto& d : folders)
    ::rmdir((what.prefix + "/" + d).c_str());
}

/// Links are removed, never followed.
void remove_data(const std::string& folder, tally& all) {
  std::error_code error;
  struct stat st {};
  if (::lstat(folder.c_str(), &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != ::getuid())
    return all.kept.push_back(folder + ": not a directory of yours");
  std::vector<fs::path> inside;
  for (const auto& entry : fs::directory_iterator(folder, error))
    inside.push_back(entry.path());
  for (const auto& path : inside) {
    if (!is_ours(path.filename().string())) {
      all.kept.push_back(path.string() + ": not Troupe's");
      continue;
    }
    auto n = fs::remove_all(path, error);
    if (error)
      all.kept.push_back(path.string() + ": " + error.message());
    else
      all.removed += static_cast<int>(n);
  }
  ::rmdir(folder.c_str());
}

struct uninstall_options {
  bool purge = false, yes = false, dry = false, keep = false, stop = false;
};

void show_plan(const installation& what, const paths& where, const uninstall_options& o) {
  print("would be removed:\n  " + what.prefix + ": " + std::to_string(what.files.size()) + " files, as " +
        what.manifest + " lists them\n");
  for (const auto& f : data_folders(where))
    print(
        std::string(o.purge ? "  " : "stays:\n  ") + f + ": " +
        (o.purge ? "settings, credentials, sessions and their transcripts\n" : "your data (--purge removes it too)\n"));
  print("stays:\n  worktrees that sessions have made in your repositories (.troupe/worktrees)\n");
}

/// Sessions that a process works for; -1 after an error that was printed.
int live_sessions(client& c) {
  auto rows = ask_or_say(c, "session/list", {{"all", true}});
  return rows ? static_cast<int>(
                    std::count_if(rows->begin(), rows->end(), [](const auto& r) { return r.contains("pid"); }))
              : -1;
}

/// Ends the service, and the sessions as is wanted. False: not wanted, or a failure that was told.
bool end_service(const uninstall_options& o, bool& ended) {
  client c("troupe uninstall");
  failure error;
  c.be_quiet();
  ended = true;
  if (!c.connect(false, error)) {
    if (!c.absent())
      fail(error);
    return c.absent();
  }
  auto live = live_sessions(c);
  if (live < 0)
    return false;
  bool keep = o.keep;
  if (live > 0 && !o.keep && !o.stop) {
    if (!at_terminal()) {
      fail({errc::needs_any, std::to_string(live) + (live == 1 ? " session still runs" : " sessions still run") +
                                 "\nsay what is to become of them: --stop-sessions or --keep-sessions"});
      return false;
    }
    auto answer = ask_terminal(std::to_string(live) + (live == 1 ? " session still runs" : " sessions still run") +
                               ": stop, let them run on, or do nothing? [s/l/N] ");
    if (answer != "s" && answer != "l")
      return false;
    keep = answer == "l";
  }
  if (o.purge && keep) {
    fail({errc::bad_request,
          "sessions cannot run on when their data is removed\nuse --stop-sessions, or leave --purge out"});
    return false;
  }
  auto stopped = c.ask_surely("supervisor/stop", {{"any", true}, {"keepWorkers", keep}}, error);
  if (!stopped && error.code != errc::not_running) {
    fail(error);
    return false;
  }
  ended = !keep;
  c.wait_closed(10'000);
  return true;
}

} // namespace

int run_uninstall(const arguments& args) {
  uninstall_options o;
  int code = exit_ok;
  argument_parser app{"Removes what the installation put there; your data stays unless --purge is given.",
                      "troupe uninstall"};
  app.add_flag("--purge", o.purge, "your data too: settings, credentials, sessions");
  app.add_flag("-y,--yes", o.yes, "without a question");
  app.add_flag("--dry-run", o.dry, "only tell what would be removed, and what stays");
  app.add_flag("--stop-sessions", o.stop, "end the sessions that run");
  app.add_flag("--keep-sessions", o.keep, "let the sessions that run go on; nothing restarts them");
  if (!read_arguments(app, args, "troupe uninstall --dry-run", code))
    return code;
  if (o.stop && o.keep)
    return fail_usage("troupe uninstall: --stop-sessions and --keep-sessions exclude each other", "leave one out");
  failure error;
  auto what = find_installation(error);
  auto where = what ? find_paths(error) : std::nullopt;
  if (!what || !where)
    return fail(error);
  show_plan(*what, *where, o);
  if (o.dry)
    return exit_ok;
  if (!o.yes && !at_terminal())
    return fail(
        {errc::needs_any, "nothing was removed: nobody was asked\nanswer at a terminal, or: troupe uninstall --yes"});
  if (!o.yes && ask_terminal("remove it? [y/N] ") != "y")
    return exit_failure;
  if (o.purge && !o.yes &&
      ask_terminal("your sessions, credentials and settings too, for good? type purge: ") != "purge")
    return exit_failure;
  bool ended = true;
  if (!end_service(o, ended))
    return exit_failure;
  tally all;
  if (o.purge)
    for (const auto& f : data_folders(*where))
      remove_data(f, all);
  remove_installation(*what, all);
  print("removed · " + std::to_string(all.removed) + " files" + (ended ? "" : " · sessions run on") + "\n");
  for (const auto& k : all.kept)
    print_error("  kept " + visible(k) + "\n");
  return all.kept.empty() ? exit_ok : exit_failure;
}

} // namespace troupe
