// The journal keeper on the real system: the ledger's one writer, and the reader of all transcripts (STATE-2, STATE-4).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "runtime/files/line_file.hpp"
#include "runtime/files/paths.hpp"

namespace troupe {

constexpr std::uint64_t segment_bytes = std::uint64_t{16}
                                        << 20; ///< STATE-2: then a new segment begins with a checkpoint

/// Syncs files from a thread of its own, at most once a second each, so that no dispatch waits for a disk (STATE-2).
class syncer;

/// The ledger as a file: numbering, segments, folding by session. Not thread safe; no CAF.
class ledger {
public:
  ledger(paths where, std::uint64_t segment = segment_bytes);
  ~ledger();
  /// Opens the file, mends it and reads all of it. Gives a failure when the file cannot be used at all.
  bool open(journal& out, failure& error);
  /// Numbers and writes one line; makes the session's folder ahead of a `dispatched`.
  bool append(ledger_entry& e, failure& error);
  /// The lines about one session, oldest first, and the `spawned` lines of its workers.
  std::vector<ledger_entry> chain(const session_id& id) const;
  /// Begins a removed session again (ISO-3), from what `bury` kept, and gives its history. Fails where nothing was kept
  /// or the session is there.
  bool revive(const session_id& id, const std::string& by, wall_ms now, session_history& out, failure& error);
  /// Keeps the line that would begin a session again, in its folder.
  void bury(const session_id& id, const ledger_entry& epitaph, wall_ms now) const;
  /// The sessions that can be brought back, the one removed last first.
  std::vector<row> buried() const;
  /// Safe from a power cut now.
  void sync() { file_.sync(); }

private:
  void begin_segment(failure& error);
  paths where_;
  std::uint64_t segment_, last_ = 0;
  line_file file_;
  std::unique_ptr<syncer> syncer_;
};

struct journal_keeper_state {
  static inline const char* name = "troupe.journal_keeper";
  explicit journal_keeper_state(journal_keeper_actor::pointer s) : self(s) {}
  journal_keeper_actor::pointer self;
  paths where;
  std::unique_ptr<ledger> lines;
  std::function<void(const std::string&)> log;
  std::map<session_id, cache_row> cached;
  bool flushing = false;
  bool closed = false;                                           ///< flushed for the next supervisor (SUP-6)
  std::vector<caf::typed_response_promise<appended>> unanswered; ///< asked since then
};
static_assert(!std::is_aggregate_v<journal_keeper_state>);

/// `log` takes one line an event (SUP-10), from the actor's thread.
journal_keeper_actor::behavior_type
make_journal_keeper(journal_keeper_actor::stateful_pointer<journal_keeper_state> self, paths where,
                    std::function<void(const std::string&)> log);

} // namespace troupe
