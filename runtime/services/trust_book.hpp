// trust.json in the config directory: which directories the user trusts, and as what they were when that was decided
// (TRUST-1, TRUST-3). Read anew at each question, so that a decision of another process counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "runtime/config/project_trust.hpp"

namespace troupe {

struct trust_entry {
  std::string path;         ///< real, bytes
  std::uint64_t device = 0; ///< with the inode: a directory put in its place is another one
  std::uint64_t inode = 0;
  std::string hash, others; ///< of what it said then; `others`: in files that other agents read
  wall_ms at = 0;
  std::vector<std::pair<std::string, std::string>> sends; ///< host and credential: consent to send it there (CRED-8)
};

/// What the user has decided about a directory as it is now.
enum class trust_state {
  nothing, ///< it says nothing that would need trust
  trusted,
  unknown, ///< nobody has decided
  changed, ///< it says something else than what was decided about
};

/// SHA-256 in hexadecimal.
std::string hash_of(const std::string& text);

class trust_book {
public:
  explicit trust_book(std::string path) : path_(std::move(path)) {}
  /// What holds for the directory `real`; `for_others`: what other agents read counts too.
  [[nodiscard]] trust_state state(const std::string& real, const project_word& word, bool for_others) const;
  /// The decision about it, if it still is that very directory.
  [[nodiscard]] std::optional<trust_entry> find(const std::string& real) const;
  [[nodiscard]] std::vector<trust_entry> all() const;
  /// Trusts a directory as it is now.
  bool grant(const std::string& real, const project_word& word,
             const std::vector<std::pair<std::string, std::string>>& sends, wall_ms now, failure& error);
  /// Takes trust back. False without an error where there was none.
  bool revoke(const std::string& real, failure& error);

private:
  bool write(const std::vector<trust_entry>& entries, failure& error) const;
  std::string path_;
};

} // namespace troupe
