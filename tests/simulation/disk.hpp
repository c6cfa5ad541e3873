// What survives the death of any process: the ledger, the transcripts, the credentials, the count of supervisors.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "messages/session.hpp"

namespace troupe::simulation {

/// A worktree that a worker has made for its session.
struct disk_tree {
  session_id owner;
  std::uint64_t inode = 0;
  bool there = false, dirty = false;
};

struct disk {
  std::vector<ledger_entry> ledger;
  std::uint64_t last = 0;  ///< the ledger's last number
  bool torn = false;       ///< half a line stands at the ledger's end; the next supervisor cuts it off
  std::uint64_t epoch = 0; ///< of the latest supervisor (SUP-1)
  std::map<session_id, std::vector<event>> transcripts;
  std::set<session_id> folders;           ///< sessions whose folder is there
  std::map<std::string, disk_tree> trees; ///< by path
  std::uint64_t inodes = 0;
  snapshot credentials; ///< what `troupe login` has stored
  std::uint64_t logins = 0;
};

/// All lines about one session, in order.
inline std::vector<ledger_entry> lines_of(const disk& d, const session_id& id) {
  std::vector<ledger_entry> out;
  for (const auto& e : d.ledger)
    if (e.session == id)
      out.push_back(e);
  return out;
}

} // namespace troupe::simulation
