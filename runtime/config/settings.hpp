// The user's settings, as far as the supervisor reads them. A bad file or value is told and leaves the default.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "messages/json.hpp"

namespace troupe {

struct settings {
  std::size_t pool_size = 1;                                 ///< warmPool.size (POOL-1)
  std::int64_t pool_max_age_seconds = 3600;                  ///< warmPool.maxAgeSeconds (POOL-4)
  std::size_t launch_most = 4;                               ///< launch.maxConcurrent (POOL-3)
  std::int64_t linger_seconds = 60;                          ///< supervisor.lingerSeconds (SUP-3)
  std::int64_t idle_seconds = 3600;                          ///< session.idleSeconds (KEEP-1)
  std::int64_t freeze_seconds = 300;                         ///< session.freezeSeconds, 0: never (BEYOND-3)
  std::vector<std::string> ignored_work;                     ///< activeWork.ignore: names of commands (KEEP-2)
  std::int64_t row_seconds = 300;                            ///< session.doneRowSeconds (KEEP-7)
  std::string harness = "native";                            ///< harness: what `--bg PROMPT` runs
  std::map<std::string, std::vector<std::string>> harnesses; ///< harnesses.NAME.command: an ACP agent's command line
  std::set<std::string> hosted; ///< agents of the program that embeds the supervisor; from no file
};

/// Reads `text`, the content of settings.json; `problems` gets one sentence a fault. `where` names the file in them.
settings read_settings(const std::string& text, const std::string& where, std::vector<std::string>& problems);

} // namespace troupe
