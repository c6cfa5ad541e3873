// All rows as front ends see them: names resolved (CLI-8), each row's JSON made once a change that somebody sees,
// changes numbered. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/errors.hpp"
#include "messages/session.hpp"
#include "messages/wording.hpp"

namespace troupe {

class roster_view {
public:
  /// Takes a row in; gives the number of the change, 0 when nothing changed.
  std::uint64_t take(const row& now);
  /// Keeps what `wait` may still ask about a removed session, for 30 days (KEEP-7).
  void bury(const row& gone);
  /// The session that `word` names: exact id, exact name, unique prefix of an id. Fails with no_such_session or
  /// ambiguous, whose second line lists the candidates. `buried`: removed ones count too.
  session_id resolve(const std::string& word, bool buried, failure& error) const;
  /// The session whose worker is one of these processes; empty: none's.
  [[nodiscard]] session_id hosted_by(const std::vector<std::int32_t>& processes) const;
  [[nodiscard]] const row* find(const session_id& id) const; ///< null when there is none, or it is removed
  /// What is kept of a removed one: its id, name, harness, state, exit status and end.
  [[nodiscard]] std::optional<row> buried(const session_id& id) const;
  [[nodiscard]] const std::string& text(const session_id& id) const;
  /// The rows as a JSON list. Not `all`: those that live, work or wait (JSON-1). `under`: only those started at or
  /// below it. It has room for what an answer puts around it.
  [[nodiscard]] std::string list(bool all, const std::string& under) const;
  [[nodiscard]] std::uint64_t seq() const { return seq_; }
  /// Whether the short list shows it.
  static bool is_live(const row& x);

private:
  struct shown {
    row now;
    std::uint64_t order;
    mutable std::string text; ///< empty: nobody asked since the last change
    const std::string& json_text() const;
  };
  std::map<session_id, shown> rows_;
  std::map<std::uint64_t, session_id> order_;
  std::map<std::int32_t, session_id> hosts_; ///< by the worker's process
  struct headstone { ///< small: a busy month leaves tens of thousands
    std::string name, harness, state;
    std::int32_t exit_status;
    wall_ms removed_at;
  };
  std::map<session_id, headstone> buried_;
  std::uint64_t seq_ = 0, next_ = 1;
  mutable std::size_t longest_list_ = 0; ///< so far: how much room the next one may want
};

} // namespace troupe
