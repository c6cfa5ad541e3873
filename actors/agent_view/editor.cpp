// The input line.
#include "actors/agent_view/editor.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr std::string_view fold_open = "[Pasted text #";
constexpr std::size_t long_paste = 800;
constexpr int many_lines = 4;
constexpr std::size_t most_kept = 100;

std::string fold_name(std::size_t number) {
  return std::string(fold_open) + std::to_string(number) + "]";
}

/// The folded paste at `at`: its length in the text and its number; 0 for none.
std::pair<std::size_t, std::size_t> fold_at(std::string_view text, std::size_t at) {
  auto rest = text.substr(at);
  if (!rest.starts_with(fold_open))
    return {};
  std::size_t number = 0;
  auto digits = rest.substr(fold_open.size());
  auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  auto end = static_cast<std::size_t>(read.ptr - rest.data());
  if (read.ec != std::errc() || end >= rest.size() || rest[end] != ']')
    return {};
  return {end + 1, number};
}

/// What a terminal would not show, left out; carriage returns are line breaks.
std::string typed(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\r') {
      if (i + 1 >= text.size() || text[i + 1] != '\n')
        out += '\n';
    } else if (c == '\t') {
      out += "    ";
    } else if (c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)) {
      out += c;
    }
  }
  return out;
}

} // namespace

std::size_t editor::before(std::size_t at) const {
  if (at > 0 && text_[at - 1] == ']')
    if (auto open = text_.rfind(fold_open, at - 1); open != std::string::npos)
      if (auto [size, number] = fold_at(text_, open); size != 0 && open + size == at && number <= pastes_.size())
        return open;
  return character_before(text_, at);
}

std::size_t editor::after(std::size_t at) const {
  if (auto [size, number] = fold_at(text_, std::min(at, text_.size())); size != 0 && number <= pastes_.size())
    return at + size;
  return character_after(text_, at);
}

std::size_t editor::word_before() const {
  auto at = cursor_;
  while (at > 0 && (text_[at - 1] == ' ' || text_[at - 1] == '\n'))
    --at;
  while (at > 0 && text_[at - 1] != ' ' && text_[at - 1] != '\n')
    at = before(at);
  return at;
}

std::size_t editor::word_after() const {
  auto at = cursor_;
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\n'))
    ++at;
  while (at < text_.size() && text_[at] != ' ' && text_[at] != '\n')
    at = after(at);
  return at;
}

std::size_t editor::line_start() const {
  auto at = cursor_ == 0 ? std::string::npos : text_.rfind('\n', cursor_ - 1);
  return at == std::string::npos ? 0 : at + 1;
}

std::size_t editor::line_end() const {
  return std::min(text_.find('\n', cursor_), text_.size());
}

void editor::erase(std::size_t from, std::size_t to, bool keep) {
  if (keep && to > from)
    cut_ = text_.substr(from, to - from);
  text_.erase(from, to - from);
  cursor_ = from;
}

bool editor::go_line(bool up) {
  auto start = line_start();
  auto column = width(std::string_view(text_).substr(start, cursor_ - start));
  std::size_t goal = 0;
  if (up) {
    if (start == 0)
      return false;
    auto earlier = start < 2 ? std::string::npos : text_.rfind('\n', start - 2);
    goal = earlier == std::string::npos ? 0 : earlier + 1;
  } else {
    if (line_end() == text_.size())
      return false;
    goal = line_end() + 1;
  }
  auto there = std::string_view(text_).substr(goal, std::min(text_.find('\n', goal), text_.size()) - goal);
  cursor_ = goal + fitting(there, column);
  return true;
}

bool editor::key(const std::string& name) {
  static const std::map<std::string, void (*)(editor&)> moves{
      {"left", [](editor& e) { e.cursor_ = e.before(e.cursor_); }},
      {"right", [](editor& e) { e.cursor_ = e.after(e.cursor_); }},
      {"ctrl+left", [](editor& e) { e.cursor_ = e.word_before(); }},
      {"ctrl+right", [](editor& e) { e.cursor_ = e.word_after(); }},
      {"home", [](editor& e) { e.cursor_ = e.line_start(); }},
      {"end", [](editor& e) { e.cursor_ = e.line_end(); }},
      {"backspace", [](editor& e) { e.erase(e.before(e.cursor_), e.cursor_, false); }},
      {"delete", [](editor& e) { e.erase(e.cursor_, e.after(e.cursor_), false); }},
      {"ctrl+w", [](editor& e) { e.erase(e.word_before(), e.cursor_, true); }},
      {"alt+d", [](editor& e) { e.erase(e.cursor_, e.word_after(), true); }},
      {"ctrl+u", [](editor& e) { e.erase(e.line_start(), e.cursor_, true); }},
      {"ctrl+k", [](editor& e) { e.erase(e.cursor_, e.line_end(), true); }},
      {"ctrl+y", [](editor& e) { e.insert(e.cut_); }},
  };
  static const std::map<std::string, std::string> same{
      {"alt+left", "ctrl+left"},    {"alt+b", "ctrl+left"},  {"alt+right", "ctrl+right"},
      {"alt+f", "ctrl+right"},      {"ctrl+a", "home"},      {"ctrl+e", "end"},
      {"ctrl+b", "left"},           {"ctrl+h", "backspace"}, {"alt+backspace", "ctrl+w"},
      {"ctrl+backspace", "ctrl+w"}, {"ctrl+d", "delete"}};
  if (name == "up" || name == "down")
    return go_line(name == "up");
  auto alias = same.find(name);
  auto move = moves.find(alias == same.end() ? name : alias->second);
  if (move == moves.end())
    return false;
  move->second(*this);
  return true;
}

void editor::insert(std::string_view text) {
  auto clean = typed(text);
  text_.insert(cursor_, clean);
  cursor_ += clean.size();
}

void editor::paste(std::string_view text) {
  auto clean = typed(text);
  bool much = clean.size() > long_paste || std::count(clean.begin(), clean.end(), '\n') >= many_lines;
  if (!much) {
    insert(clean);
    return;
  }
  for (std::size_t n = 0; n < pastes_.size(); ++n) {
    auto at = text_.find(fold_name(n + 1));
    if (pastes_[n] == clean && at != std::string::npos) {
      text_.replace(at, fold_name(n + 1).size(), clean);
      cursor_ = at + clean.size();
      return;
    }
  }
  pastes_.push_back(std::move(clean));
  insert(fold_name(pastes_.size()));
}

std::string editor::whole() const {
  std::string out;
  for (std::size_t at = 0; at < text_.size();) {
    auto [size, number] = fold_at(text_, at);
    if (size != 0 && number >= 1 && number <= pastes_.size()) {
      out += pastes_[number - 1];
      at += size;
    } else {
      out += text_[at++];
    }
  }
  return out;
}

void editor::clear() {
  set({});
  pastes_.clear();
}

void editor::set(std::string text) {
  text_ = typed(text);
  cursor_ = text_.size();
  at_ = history_.size();
}

void editor::remember(const std::string& entered) {
  if (!entered.empty() && (history_.empty() || history_.back() != entered))
    history_.push_back(entered);
  if (history_.size() > most_kept)
    history_.erase(history_.begin());
  at_ = history_.size();
}

bool editor::older() {
  if (at_ == 0)
    return false;
  if (at_ == history_.size())
    draft_ = text_;
  auto to = at_ - 1;
  set(history_[to]);
  at_ = to;
  return true;
}

bool editor::newer() {
  if (at_ >= history_.size())
    return false;
  auto to = at_ + 1;
  set(to == history_.size() ? draft_ : history_[to]);
  at_ = to;
  return true;
}

editor::picture editor::draw(int columns, int most) const {
  picture out;
  columns = std::max(columns, 2);
  std::size_t line = 0; // where the line of the text begins
  for (;;) {
    auto end = std::min(text_.find('\n', line), text_.size());
    for (auto at = line;;) {
      auto piece = std::string_view(text_).substr(at, end - at);
      auto size = std::max(fitting(piece, columns - 1), piece.empty() ? 0 : character_after(piece, 0));
      bool last = at + size == end;
      if (cursor_ >= at && (cursor_ < at + size || (last && cursor_ <= end))) {
        out.row = static_cast<int>(out.lines.size());
        out.column = width(visible(piece.substr(0, cursor_ - at)));
      }
      out.lines.push_back(visible(piece.substr(0, size)));
      at += size;
      if (last)
        break;
    }
    if (end == text_.size())
      break;
    line = end + 1;
  }
  most = std::max(most, 1);
  if (auto excess = static_cast<int>(out.lines.size()) - most; excess > 0) {
    auto first = std::clamp(out.row - most / 2, 0, excess);
    out.lines.erase(out.lines.begin(), out.lines.begin() + first);
    out.lines.resize(static_cast<std::size_t>(most));
    out.row -= first;
  }
  return out;
}

} // namespace troupe::view
