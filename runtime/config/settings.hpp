// The user's settings, as far as the supervisor reads them. A bad file or value is told and leaves the default.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "messages/json.hpp"
#include "runtime/config/harnesses.hpp"

namespace troupe {

/// When memory counts as short (SUP-8, REST-6).
struct memory_settings {
  std::string pressure_file = "/proc/pressure/memory"; ///< memory.pressureFile
  std::string info_file = "/proc/meminfo";             ///< memory.infoFile
  std::string group_folder;         ///< memory.groupFolder: a control group (v2) whose limit counts too; empty: its own
  std::int64_t stall_ms = 200;      ///< memory.stallMs: pressed when processes stall so long ...
  std::int64_t window_ms = 2000;    ///< memory.windowMs: ... within this time
  std::int64_t plenty_percent = 25; ///< memory.plentyAvailablePercent: with so much left, stalls are not for lack of it
  std::int64_t least_percent = 5; ///< memory.leastAvailablePercent: pressed below it, where the kernel tells no stalls
  std::int64_t low_percent = 10;  ///< memory.lowAvailablePercent: a failed start is told with it
  std::int64_t check_ms = 5000;   ///< memory.checkMs: how often memory and the clocks are looked at
};

struct settings {
  std::size_t pool_size = 1;                ///< warmPool.size (POOL-1)
  bool pool_follow = false;                 ///< warmPool.size "auto" (POOL-10)
  std::size_t pool_most = 4;                ///< warmPool.max (POOL-10)
  std::int64_t pool_max_age_seconds = 3600; ///< warmPool.maxAgeSeconds (POOL-4)
  std::size_t launch_most = 4;              ///< launch.maxConcurrent (POOL-3)
  std::int64_t linger_seconds = 60;         ///< supervisor.lingerSeconds (SUP-3)
  std::int64_t idle_ms = 3'600'000;         ///< session.idleSeconds, also of parts of one (KEEP-1)
  std::int64_t sentence_ms = 15'000;        ///< session.sentenceSeconds, likewise; 0: at once (VIEW-8)
  std::int64_t freeze_ms = 300'000;         ///< session.freezeSeconds, likewise; 0: never (BEYOND-3)
  std::vector<std::string> ignored_work;    ///< activeWork.ignore: names of commands (KEEP-2)
  std::int64_t row_seconds = 300;           ///< session.doneRowSeconds (KEEP-7)
  std::int64_t pull_refresh_ms = 300'000;   ///< pullRequests.refreshSeconds, also of parts of one; 0: never (PR-1)
  std::string notify_command; ///< notify.command: told when a session needs somebody, finishes or fails (VIEW-7)
  memory_settings memory;
  bool bypass_accepted = false; ///< permissions.bypassAccepted: as if accepted at a terminal, for programs (NAT-2)
  std::string provider;         ///< provider: of the built-in agent's models
  std::string harness;          ///< harness: what `--bg PROMPT` runs; empty: the first that is ready
  std::vector<harness_driver> harnesses = built_in_drivers(); ///< harnesses.NAME over the built-in rows
  std::set<std::string> hosted; ///< agents of the program that embeds the supervisor; from no file
};

/// Reads `text`, the content of settings.json; `problems` gets one sentence a fault. `where` names the file in them.
settings read_settings(const std::string& text, const std::string& where, std::vector<std::string>& problems);

} // namespace troupe
