// A PTY's bytes as lines without escapes.
#include "runtime/worker/terminal/plain_lines.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace troupe {

namespace {

constexpr int most_columns = 1000; ///< that a line is made longer by without being written

} // namespace

std::string plain_lines::feed(std::string_view bytes) {
  reader_.feed(bytes);
  return std::exchange(out_, {});
}

std::string plain_lines::finish() {
  leave_line();
  return std::exchange(out_, {});
}

void plain_lines::put(char32_t c) {
  if (column_ >= line_.size())
    line_.resize(column_ + 1, U' ');
  line_[column_++] = c;
}

void plain_lines::end_line() {
  if (drawn_ || !alternate_) {
    for (char32_t c : line_)
      put_utf8(out_, c);
    out_ += '\n';
  }
  line_.clear();
  column_ = 0;
}

void plain_lines::leave_line() {
  if (!line_.empty())
    end_line();
  column_ = 0;
}

void plain_lines::on_text(std::string_view run) {
  for (char c : run)
    if (c == '\n')
      end_line();
    else if (c == '\r')
      column_ = 0;
    else if (c == '\b')
      column_ -= column_ > 0;
    else if (c == '\t' || static_cast<unsigned char>(c) >= 0x20)
      put(static_cast<unsigned char>(c));
}

void plain_lines::on_character(std::string_view, char32_t c) {
  put(c);
}

void plain_lines::on_escape(std::string_view bytes) {
  if (bytes == "D" || bytes == "E" || bytes == "M" || bytes == "c" || bytes == "8") // to another line, or to anywhere
    leave_line();
}

/// Of the line: its rest, what is ahead of it, or all.
void plain_lines::erase(int which) {
  if (which == 1)
    std::fill_n(line_.begin(), std::min(column_, line_.size()), U' ');
  else
    line_.resize(which == 0 ? std::min(column_, line_.size()) : 0);
}

void plain_lines::set_alternate(bool on) {
  leave_line();
  if (!drawn_ && !on && !alternate_)
    out_.clear(); // it was entered ahead of what was fed
  alternate_ = on;
}

void plain_lines::on_csi(const control_sequence& s) {
  if (s.leader == '?' && (s.final == 'h' || s.final == 'l')) {
    for (std::size_t i = 0; i < s.numbers.size(); ++i)
      if (is_alternate_screen(s.at(i, 0)))
        set_alternate(s.final == 'h');
    return;
  }
  if (s.leader != 0 || !s.intermediates.empty())
    return;
  const auto n = s.at(0, 0);
  if (s.final == 'K' || (s.final == 'J' && n == 0)) // what a progress line erases is gone
    erase(n);
  else if (s.final == 'G')
    column_ = static_cast<std::size_t>(std::clamp(n, 1, most_columns) - 1);
  else if (std::string_view("ABEFHJLMSTdf").find(s.final) != std::string_view::npos)
    leave_line();
}

namespace {

constexpr std::size_t most_characters = 240;
constexpr std::uint64_t looked_at = 8192; ///< bytes

bool says_something(std::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](unsigned char c) { return c >= 0x80 || std::isalnum(static_cast<int>(c)) != 0; });
}

/// Without blanks around it, and not longer than anybody shows.
std::string trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  std::size_t end = 0;
  for (std::size_t n = 0; end < line.size() && n < most_characters; ++n)
    do
      ++end;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80);
  line = line.substr(0, end);
  return std::string(line.substr(0, line.find_last_not_of(" \t") + 1));
}

} // namespace

std::string lines_at_end(const output_ring& ring, std::uint64_t offset, std::uint64_t most_bytes) {
  auto from = std::max({offset, ring.begin(), ring.end() - std::min(ring.end(), most_bytes)});
  auto piece = ring.read(from);
  std::string_view bytes(piece.data(), piece.size());
  if (from > offset) // that line lost its beginning, maybe amidst a sequence
    bytes.remove_prefix(std::min(bytes.find_first_not_of("\r\n", bytes.find_first_of("\r\n")), bytes.size()));
  plain_lines reader(false);
  auto text = reader.feed(bytes);
  text += reader.finish();
  return reader.fills_screen() ? std::string() : text;
}

std::string last_line(const output_ring& ring, std::uint64_t offset) {
  auto text = lines_at_end(ring, offset, looked_at);
  std::string_view rest(text);
  while (!rest.empty()) {
    rest.remove_suffix(1); // its newline
    auto begin = rest.rfind('\n') + 1;
    if (says_something(rest.substr(begin)))
      return trimmed(rest.substr(begin));
    rest = rest.substr(0, begin);
  }
  return {};
}

} // namespace troupe
