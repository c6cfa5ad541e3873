// The settings that are in force for a directory, read from its files and the user's at each launch (ENV-1), as far as
// the user trusts it (TRUST); and what they make of a session: its environment, and which stored credentials go along.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/session/session.hpp"
#include "runtime/config/environment_policy.hpp"
#include "runtime/config/settings_layers.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/services/project_reading.hpp"
#include "runtime/services/trust_book.hpp"

namespace troupe {

/// What is in force for one directory.
struct directory_view {
  std::string project; ///< real path of the directory whose own settings count: the session's, or one above it
  project_word word;   ///< what that one says, trusted or not
  trust_state trust = trust_state::nothing;
  users_word user;
  std::vector<settings_layer> layers; ///< lowest first, the project's only when it is trusted and wanted
  std::vector<std::string> warnings;  ///< what was left out of them (TRUST-4), values that are none
  failure fault;                      ///< a file that cannot be understood
  [[nodiscard]] bool trusted() const { return trust == trust_state::nothing || trust == trust_state::trusted; }
};

class directory_settings {
public:
  /// `laid_over`: JSON that goes over settings.json (an embedding program's); `service`: the environment that the
  /// background service was started with.
  directory_settings(paths where, std::string laid_over, environment service);

  /// `settings`: FILE or JSON of --settings, or empty. `without`: leave the project's own out. `for_others`: a harness
  /// that reads files of its own there.
  [[nodiscard]] directory_view look(const std::string& cwd, const std::string& settings, bool without,
                                    bool for_others) const;
  /// Checks a dispatch and completes it: trust, mode, model, choices. `shell`: the whole environment of who dispatches.
  /// `view`: what the view sets for what it dispatches. The failure is errc::not_trusted where the user must decide.
  failure complete(dispatch_spec& spec, const environment& shell, const launch_choice& mode,
                   const launch_choice& model) const;
  /// The environment that a shell hands on (ENV-2, ENV-3). `at_home`: the session runs where that shell is.
  [[nodiscard]] environment handed_on(const environment& shell, bool at_home) const;
  /// What a session is launched with. `env`: as handed on; empty: no shell has woken it (ENV-5).
  [[nodiscard]] launch_settings settle(const session_id& id, const dispatch_spec& spec, const environment& env) const;
  /// The command of `worktree.removeHook` in the settings of a directory; empty: none, or not trusted.
  [[nodiscard]] std::string remove_hook(const std::string& directory) const;
  /// Points a session's SSH_AUTH_SOCK at the agent of the shell that attaches (ENV-2).
  void refresh_link(const session_id& id, const environment& shell) const;

  /// Each variable of a session that would be dispatched now: name, origin, rule, whether it reaches it (ENV-6). No
  /// value.
  [[nodiscard]] json explain(const std::string& cwd, const environment& shell, const std::string& settings) const;

  /// Who changes it makes what was judged by it void.
  [[nodiscard]] trust_book& book() {
    judged_.reset();
    return book_;
  }
  [[nodiscard]] const trust_book& book() const { return book_; }
  [[nodiscard]] environment_policy policy() const;
  [[nodiscard]] json user_settings() const;
  /// Whether a harness reads files of a project's that would have to be trusted, and can be told not to (TRUST-2).
  std::function<bool(const std::string&harness)> reads_projects, leaves_projects_alone;
  /// What a session's agent is told of definitions: the one named (empty: none) and the catalog of all; null where
  /// there is nothing. `with_project`: the directory's own count (TRUST-1).
  std::function<json(const std::string& name, const std::string& cwd, bool with_project)> definition;

private:
  [[nodiscard]] std::string link_of(const session_id& id) const;
  /// What the last dispatch was judged by; its launch takes it.
  struct judged {
    std::string cwd, settings;
    bool without, others;
    directory_view view;
    std::chrono::steady_clock::time_point until;
  };
  [[nodiscard]] directory_view take_judged(const dispatch_spec& spec, bool others) const;
  mutable std::optional<judged> judged_;
  paths where_;
  std::string laid_over_;
  environment service_;
  trust_book book_;
};

/// settings.json with what an embedding program lays over it, as text.
std::string laid_over(const std::string& text, const std::string& over);

} // namespace troupe
