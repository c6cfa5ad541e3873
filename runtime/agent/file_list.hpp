// The files below a folder, as a stream: by `git ls-files` within a repository, so that ignored ones are left out, else
// by a walk of our own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/agent/process_tree.hpp"

namespace troupe::agent {

/// Lists files one after another. On the loop's thread; destroying it stops it, and kills git.
class file_list {
public:
  struct callbacks {
    std::function<bool(std::string&& path)> file; ///< relative to the folder; false: enough, `ended` follows
    std::function<void()> ended;                  ///< once, from the loop
  };
  virtual ~file_list() = default;
  /// Hands over files for about `budget`, then stops until it is called again.
  virtual void go_on(milliseconds budget) = 0;
};

/// `mark`: for git's process.
std::unique_ptr<file_list> list_files(event_loop& events, const std::string& folder, const environment& env,
                                      const std::string& mark, file_list::callbacks told);

} // namespace troupe::agent
