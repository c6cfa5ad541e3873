// The commands and skills that the user and the project have written, as the session was told of them: a prompt that
// begins with `/NAME` stands for the text of one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/agent/fields.hpp"

namespace troupe::agent {

/// One of them. Its text is read when it is used.
struct skill_entry {
  std::string name, description, hint;
  std::string path; ///< absolute; empty: built in
  std::string text; ///< of one that is built in
  bool skill = false;
};

class skill_book {
public:
  /// `catalog`: {commands, skills}, each a list of {name, description, argumentHint?, path}. Adds those built in.
  explicit skill_book(const json& catalog = json());
  /// The text with its arguments in the places of $ARGUMENTS and $1 to $9; else they follow it. "" with `error` set
  /// where there is none of that name or its file cannot be read.
  [[nodiscard]] std::string expand(const std::string& name, const std::string& arguments, std::string& error) const;
  /// What the prompt stands for where it begins with `/NAME`; none where it does not name one. `error` as above.
  [[nodiscard]] std::optional<std::string> expand_prompt(const std::string& prompt, std::string& error) const;
  /// ACP's availableCommands.
  [[nodiscard]] json available() const;
  /// For the model: the names and what they are for, one a line; empty where the user and the project have written
  /// none.
  [[nodiscard]] std::string listed() const;

private:
  [[nodiscard]] const skill_entry* find(const std::string& name) const;
  std::vector<skill_entry> entries_;
};

/// What stands behind the front matter of a Markdown file.
std::string without_front_matter(const std::string& text);
/// The same of the file at that path; none where it is no regular file of at most 256 KiB.
std::optional<std::string> read_without_front_matter(const std::string& path);
/// `text` with the arguments in their places.
std::string with_arguments(const std::string& text, const std::string& arguments);

} // namespace troupe::agent
