// A reader of shell grammar by descent, one character ahead.
#include "runtime/agent/shell_command.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace troupe::agent {
namespace {

constexpr std::size_t most_commands = 256;
constexpr int deepest = 16;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

template <std::size_t N>
bool among(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_assignment(std::string_view word) {
  const auto sign = word.find('=');
  if (sign == std::string_view::npos || sign == 0 || (word[0] >= '0' && word[0] <= '9'))
    return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(sign), [](unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

class reader {
public:
  reader(std::string_view line, int depth, std::vector<simple_command>& out) : line_(line), depth_(depth), out_(out) {}
  /// Reads to the end, or to the `closing` parenthesis. False where it does not understand.
  bool read(char closing);
  [[nodiscard]] std::size_t position() const { return at_; }

private:
  struct here_document {
    std::string end;
    bool tabs, literal;
  };
  [[nodiscard]] bool more() const { return at_ < line_.size(); }
  [[nodiscard]] char now() const { return line_[at_]; }
  [[nodiscard]] bool starts(std::string_view what) const { return line_.substr(at_).starts_with(what); }
  bool word(shell_word& into, bool& any);
  bool double_quoted(shell_word& into);
  bool expansion(shell_word& into);
  bool nested(char closing, shell_word& into);
  bool backticks(shell_word& into);
  bool braces(shell_word& into);
  bool redirection();
  bool here_documents();
  bool add(shell_word w);
  bool finish_command();
  bool leading(const std::string& text);
  std::string_view line_;
  std::size_t at_ = 0;
  int depth_;
  std::vector<simple_command>& out_;
  simple_command command_;
  bool list_of_for_ = false; ///< between `for` and `do`: no command
  std::deque<here_document> waiting_;
};

bool reader::read(char closing) {
  if (depth_ > deepest)
    return false;
  while (more()) {
    const char c = now();
    if (is_blank(c)) {
      ++at_;
    } else if (c == '\\' && at_ + 1 < line_.size() && line_[at_ + 1] == '\n') {
      at_ += 2;
    } else if (c == '#') { // only where a word begins
      at_ = std::min(line_.find('\n', at_), line_.size());
    } else if (c == '\n') {
      ++at_;
      if (!finish_command() || !here_documents())
        return false;
    } else if (c == '&' && at_ + 1 < line_.size() && line_[at_ + 1] == '>') {
      if (!redirection())
        return false;
    } else if (c == ';' || c == '|' || c == '&') {
      if (starts(";;")) // of a case
        return false;
      ++at_;
      if (!finish_command())
        return false;
    } else if (c == ')') {
      if (closing != ')' || !finish_command())
        return false;
      ++at_;
      return waiting_.empty();
    } else if (c == '(') {
      if (!command_.words.empty() || starts("((")) // a function, or arithmetic
        return false;
      ++at_;
      shell_word ignored;
      if (!nested(')', ignored))
        return false;
    } else if (c == '<' || c == '>') {
      if (!redirection())
        return false;
    } else {
      shell_word w;
      bool any = false;
      if (!word(w, any))
        return false;
      const bool descriptor = any && more() && (now() == '<' || now() == '>') && !w.text.empty() &&
                              w.text.size() <= 2 && w.text.find_first_not_of("0123456789") == std::string::npos;
      if (any && !descriptor && !add(std::move(w)))
        return false;
    }
  }
  return closing == '\0' && finish_command() && waiting_.empty();
}

/// A piece in quotes, or an expansion, or plain characters, until a blank or an operator.
bool reader::word(shell_word& into, bool& any) {
  while (more()) {
    const char c = now();
    if (is_blank(c) || c == '\n' || c == ';' || c == '|' || c == '&' || c == ')' || c == '(' || c == '<' || c == '>') {
      if ((c == '<' || c == '>') && at_ + 1 < line_.size() && line_[at_ + 1] == '(' && into.text.empty()) {
        at_ += 2;
        any = into.expands = true;
        if (!nested(')', into))
          return false;
        continue;
      }
      return true;
    }
    any = true;
    if (c == '\\') {
      if (at_ + 1 >= line_.size())
        return false;
      if (line_[at_ + 1] != '\n')
        into.text.push_back(line_[at_ + 1]);
      at_ += 2;
    } else if (c == '\'') {
      const auto end = line_.find('\'', at_ + 1);
      if (end == std::string_view::npos)
        return false;
      into.text += line_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else if (c == '"') {
      ++at_;
      if (!double_quoted(into))
        return false;
    } else if (c == '$' || c == '`') {
      if (!expansion(into))
        return false;
    } else {
      into.expands = into.expands || c == '*' || c == '?' || c == '[' || c == '{' || c == '~';
      into.text.push_back(c);
      ++at_;
    }
  }
  return true;
}

bool reader::double_quoted(shell_word& into) {
  while (more()) {
    const char c = now();
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '$' || c == '`') {
      if (!expansion(into))
        return false;
    } else if (c == '\\' && at_ + 1 < line_.size() &&
               std::string_view("$`\"\\\n").find(line_[at_ + 1]) != std::string_view::npos) {
      if (line_[at_ + 1] != '\n')
        into.text.push_back(line_[at_ + 1]);
      at_ += 2;
    } else {
      into.text.push_back(c);
      ++at_;
    }
  }
  return false;
}

bool reader::expansion(shell_word& into) {
  into.expands = true;
  if (now() == '`')
    return backticks(into);
  if (starts("$(("))
    return false; // arithmetic may hold commands, and is rare
  if (starts("$(")) {
    at_ += 2;
    return nested(')', into);
  }
  if (starts("${")) {
    at_ += 2;
    into.text += "${";
    return braces(into);
  }
  if (starts("$'")) { // escapes that this does not decode: the value is not known
    for (at_ += 2; more() && now() != '\''; ++at_)
      if (now() == '\\')
        ++at_;
    into.text += "$''";
    return more() && ++at_ > 0;
  }
  into.text.push_back('$');
  ++at_;
  return true;
}

/// Commands up to `closing`, which are judged like all others.
bool reader::nested(char closing, shell_word& into) {
  reader inner(line_.substr(at_), depth_ + 1, out_);
  if (!inner.read(closing))
    return false;
  into.text += "$(...)";
  at_ += inner.position();
  return true;
}

bool reader::backticks(shell_word& into) {
  std::string content;
  for (++at_; more() && now() != '`'; ++at_) {
    if (now() == '\\' && at_ + 1 < line_.size())
      ++at_;
    content.push_back(now());
  }
  if (!more())
    return false;
  ++at_;
  into.text += "$(...)";
  reader inner(content, depth_ + 1, out_);
  return inner.read('\0');
}

bool reader::braces(shell_word& into) {
  while (more()) {
    const char c = now();
    if (c == '}') {
      into.text.push_back(c);
      ++at_;
      return true;
    }
    if (c == '$' || c == '`') {
      if (!expansion(into))
        return false;
    } else if (c == '\'' || c == '"' || c == '\\') {
      return false; // quoting within braces has rules of its own
    } else {
      into.text.push_back(c);
      ++at_;
    }
  }
  return false;
}

bool reader::redirection() {
  if ((starts("<(") || starts(">("))) {
    shell_word w;
    bool any = false;
    return word(w, any) && add(std::move(w));
  }
  std::string op;
  while (more() && (now() == '<' || now() == '>' || now() == '&' || now() == '|'))
    op.push_back(line_[at_++]);
  const bool tabs = op == "<<" && more() && now() == '-';
  at_ += tabs ? 1 : 0;
  while (more() && is_blank(now()))
    ++at_;
  const auto from = at_;
  shell_word target;
  bool any = false;
  if (!word(target, any) || !any)
    return false;
  if (op == "<<") {
    const auto written = line_.substr(from, at_ - from);
    waiting_.push_back({target.text, tabs, written.find_first_of("'\"\\") != std::string_view::npos});
  }
  const bool to_descriptor =
      op == ">&" && (target.text == "-" || target.text.find_first_not_of("0123456789") == std::string::npos);
  if (op.find('>') != std::string::npos && !to_descriptor && (target.expands || target.text != "/dev/null"))
    command_.writes = true;
  return true;
}

/// The bodies of here documents begin behind the line that names them; an unquoted one expands.
bool reader::here_documents() {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    const auto& doc = waiting_.front();
    for (bool over = false; !over;) {
      if (!more())
        return false;
      const auto end = std::min(line_.find('\n', at_), line_.size());
      auto text = line_.substr(at_, end - at_);
      while (doc.tabs && text.starts_with("\t"))
        text.remove_prefix(1);
      over = text == doc.end;
      at_ = std::min(end + 1, line_.size());
      for (std::size_t i = 0; !over && !doc.literal && i < text.size(); ++i) {
        if (text[i] == '\\') {
          ++i;
        } else if (text[i] == '$' || text[i] == '`') {
          reader inner(text.substr(i), depth_ + 1, out_);
          shell_word ignored;
          if (!inner.expansion(ignored))
            return false;
          i += std::max<std::size_t>(inner.position(), 1) - 1;
        }
      }
    }
  }
  return true;
}

bool reader::add(shell_word w) {
  if (command_.words.empty() && is_assignment(w.text)) {
    command_.assignments.push_back(std::move(w.text));
    return true;
  }
  if (command_.words.empty() && command_.assignments.empty() && (!w.expands || w.text == "{") && leading(w.text))
    return true;
  if (command_.words.empty() && (w.text == "case" || w.text == "function" || w.text == "select" || w.text == "[["))
    return false;
  command_.words.push_back(std::move(w));
  return true;
}

/// Reserved words ahead of a command change nothing about it.
bool reader::leading(const std::string& text) {
  static constexpr std::array<std::string_view, 13> reserved{"if", "then", "else", "elif", "fi",   "while", "until",
                                                             "do", "done", "!",    "{",    "time", "}"};
  if (text == "for")
    list_of_for_ = true;
  else if (text == "do")
    list_of_for_ = false;
  return among(text, reserved);
}

bool reader::finish_command() {
  auto done = std::exchange(command_, {});
  if (std::exchange(list_of_for_, false)) // its words are values; substitutions in them were read by themselves
    return true;
  if (done.words.empty() && done.assignments.empty() && !done.writes)
    return true;
  out_.push_back(std::move(done));
  return out_.size() <= most_commands;
}

// ---- commands that run commands

constexpr std::array<std::string_view, 7> shells{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"};
constexpr std::array<std::string_view, 5> plain_wrappers{"timeout", "nice", "nohup", "time", "stdbuf"};
constexpr std::array<std::string_view, 14> other_wrappers{"env",      "command", "builtin", "exec",   "sudo",
                                                          "doas",     "xargs",   "setsid",  "ionice", "chrt",
                                                          "parallel", "unshare", "watch",   "flock"};
/// Options of wrappers that take the next word as their value.
constexpr std::array<std::string_view, 19> with_value{"-n", "-s", "-k", "-u", "-C", "-o", "-e", "-i", "-g",      "-I",
                                                      "-L", "-P", "-d", "-a", "-c", "-p", "-E", "-S", "--signal"};

std::string name_of(const simple_command& c) {
  if (c.words.empty())
    return {};
  const auto& first = c.words.front().text;
  return first.substr(first.rfind('/') + 1);
}

} // namespace

std::string simple_command::text() const {
  std::string all;
  for (const auto& a : assignments)
    all += (all.empty() ? "" : " ") + a;
  for (const auto& w : words)
    all += (all.empty() ? "" : " ") + w.text;
  return all;
}

std::optional<std::vector<simple_command>> commands_in(std::string_view line) {
  std::vector<simple_command> out;
  reader all(line, 0, out);
  if (!all.read('\0'))
    return std::nullopt;
  return out;
}

bool wraps_plainly(const simple_command& outer) {
  return outer.assignments.empty() && !outer.writes && among(name_of(outer), plain_wrappers);
}

std::optional<simple_command> wrapped_in(const simple_command& outer) {
  const auto name = name_of(outer);
  if (!among(name, plain_wrappers) && !among(name, other_wrappers))
    return std::nullopt;
  std::size_t at = 1;
  bool skipped_operand = name != "timeout" && name != "flock"; // a duration, a file
  simple_command inner;
  inner.writes = outer.writes;
  for (; at < outer.words.size(); ++at) {
    const auto& word = outer.words[at].text;
    if (word == "--")
      continue;
    if (word.size() > 1 && word[0] == '-') {
      at += among(word, with_value) && at + 1 < outer.words.size() ? 1 : 0;
    } else if (is_assignment(word)) {
      inner.assignments.push_back(word);
    } else if (!std::exchange(skipped_operand, true)) {
      continue;
    } else {
      break;
    }
  }
  if (at >= outer.words.size())
    return std::nullopt;
  inner.words.assign(outer.words.begin() + static_cast<std::ptrdiff_t>(at), outer.words.end());
  return inner;
}

std::optional<std::string> line_given_by(const simple_command& outer) {
  const auto name = name_of(outer);
  if (name == "eval" && outer.words.size() > 1) {
    std::string line;
    for (std::size_t i = 1; i < outer.words.size(); ++i)
      line += (i > 1 ? " " : "") + outer.words[i].text;
    return line;
  }
  if (!among(name, shells))
    return std::nullopt;
  for (std::size_t i = 1; i + 1 < outer.words.size(); ++i) {
    const auto& word = outer.words[i].text;
    if (word.size() > 1 && word[0] == '-' && word[1] != '-' && word.find('c') != std::string::npos)
      return outer.words[i + 1].text;
  }
  return std::nullopt;
}

std::optional<std::vector<simple_command>> unwrapped(const std::vector<simple_command>& commands) {
  auto all = commands;
  for (std::size_t i = 0; i < all.size(); ++i) { // grows while it is gone through
    if (all.size() > most_commands)
      return std::nullopt;
    if (auto inner = wrapped_in(all[i]))
      all.push_back(std::move(*inner));
    else if (const auto line = line_given_by(all[i])) {
      auto given = commands_in(*line);
      if (!given)
        return std::nullopt;
      all.insert(all.end(), given->begin(), given->end());
    }
  }
  return all;
}

} // namespace troupe::agent
