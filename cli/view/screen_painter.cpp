// Screens as bytes.
#include "cli/view/screen_painter.hpp"

#include <algorithm>
#include <map>

#include "actors/agent_view/text.hpp"

namespace troupe {

namespace {

constexpr int cheap_gap = 6;             ///< so many equal cells are written again rather than moved over
constexpr int worth_erasing = 4;         ///< so many blanks at a line's end are erased rather than written
constexpr std::size_t large_frame = 400; ///< is shown at once where the terminal can (mode 2026)

/// What a terminal without these signs shows instead.
std::string plain_sign(const std::string& text) {
  static const std::map<std::string, const char*> all{
      {"✻", "*"}, {"✽", "+"}, {"✢", "~"}, {"∙", "."}, {"❄", "#"}, {"✓", "v"}, {"✗", "x"}, {"■", "="}, {"❯", ">"},
      {"›", ">"}, {"…", "."}, {"·", "-"}, {"─", "-"}, {"↑", "^"}, {"↓", "v"}, {"←", "<"}, {"→", ">"}, {"│", "|"}};
  auto sign = all.find(text);
  return sign != all.end() ? sign->second : static_cast<unsigned char>(text[0]) < 0x80 ? text : "?";
}

std::string move_to(int row, int column) {
  return "\x1b[" + std::to_string(row + 1) + (column > 0 ? ";" + std::to_string(column + 1) : "") + "H";
}

} // namespace

void screen_painter::set_palette(palette p) {
  palette_ = p;
  known_ = false;
}

void screen_painter::resize(int rows, int columns) {
  rows_ = rows;
  columns_ = columns;
  known_ = false;
}

screen_painter::cells screen_painter::cells_of(const view::line& l) const {
  cells out;
  out.reserve(static_cast<std::size_t>(columns_));
  auto room = [&] { return columns_ - static_cast<int>(out.size()); };
  for (const auto& s : l.spans)
    for (std::size_t at = 0; at < s.text.size() && room() > 0;) {
      auto end = view::character_after(s.text, at);
      auto text = s.text.substr(at, end - at);
      auto wide = view::width(text);
      at = end;
      if (options_.ascii)
        text = plain_sign(text);
      if (wide == 0 && !out.empty()) {
        out.back().text += text;
        continue;
      }
      if (wide > room())
        break;
      out.push_back({text, s.as, l.chosen, options_.links ? s.link : ""});
      for (int i = 1; i < wide; ++i)
        out.push_back({options_.ascii ? "?" : "", s.as, l.chosen, options_.links ? s.link : ""});
    }
  out.resize(static_cast<std::size_t>(columns_), cell{" ", view::ink::plain, l.chosen, {}});
  return out;
}

void screen_painter::put(const cell& c, std::string& out) {
  if (c.link != link_) {
    out += "\x1b]8;;" + c.link + "\x1b\\";
    link_ = c.link;
  }
  bool blank = c.text == " " && !c.chosen; // looks the same in any colour
  if (auto pen = palette_.sgr(c.as, c.chosen); !blank && pen != pen_) {
    out += "\x1b[" + pen + "m";
    pen_ = pen;
  } else if (blank && pen_.find("48;") != std::string::npos) {
    out += "\x1b[0m";
    pen_ = "0";
  }
  out += c.text;
}

/// Whether terminals do not agree on how wide the character is that ends at this cell: one of several code points.
bool screen_painter::unsure(const cells& now, int at) {
  while (at > 0 && now[static_cast<std::size_t>(at)].text.empty())
    --at;
  const auto& text = now[static_cast<std::size_t>(at)].text;
  return text.size() > 4 && std::count_if(text.begin(), text.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }) > 1;
}

void screen_painter::paint_row(int row, const cells& now, std::string& out) {
  const auto& before = shown_[static_cast<std::size_t>(row)];
  auto differs = [&](int x) {
    return !known_ || now[static_cast<std::size_t>(x)] != before[static_cast<std::size_t>(x)];
  };
  auto is_blank = [&](int x) {
    const auto& c = now[static_cast<std::size_t>(x)];
    return c.text == " " && !c.chosen && c.link.empty();
  };
  int blank_from = columns_;
  while (blank_from > 0 && is_blank(blank_from - 1))
    --blank_from;
  for (int x = 0; x < columns_;) {
    if (!differs(x)) {
      ++x;
      continue;
    }
    while (x > 0 && now[static_cast<std::size_t>(x)].text.empty()) // never the right half alone
      --x;
    int end = x + 1;
    for (int last = x; end < columns_ && end - last <= cheap_gap; ++end)
      if (differs(end))
        last = end;
    while (end > x + 1 && !differs(end - 1))
      --end;
    while (end < columns_ && now[static_cast<std::size_t>(end)].text.empty())
      ++end;
    out += move_to(row, x);
    for (; x < end; ++x) {
      if (x >= blank_from && columns_ - x >= worth_erasing) {
        if (pen_ != "0")
          out += "\x1b[0m";
        pen_ = "0";
        out += "\x1b[K";
        return;
      }
      if (x > 0 && !now[static_cast<std::size_t>(x)].text.empty() && unsure(now, x - 1))
        out += "\x1b[" + std::to_string(x + 1) + "G"; // whatever the terminal has made of it
      put(now[static_cast<std::size_t>(x)], out);
    }
  }
}

std::string screen_painter::paint(const view::screen& now) {
  if (known_ && now == last_)
    return {};
  if (static_cast<int>(shown_.size()) != rows_)
    shown_.resize(static_cast<std::size_t>(rows_));
  static const view::line nothing;
  std::string out;
  pen_ = link_ = "?"; // whatever it is
  link_.clear();
  if (!known_)
    out += "\x1b[0m\x1b[2J";
  for (int row = 0; row < rows_; ++row) {
    auto at = static_cast<std::size_t>(row);
    const auto& l = at < now.lines.size() ? now.lines[at] : nothing;
    if (known_ && at < last_.lines.size() && last_.lines[at] == l)
      continue;
    auto fresh = cells_of(l);
    if (!known_)
      shown_[at].assign(static_cast<std::size_t>(columns_), cell{});
    bool was_known = std::exchange(known_, true); // the screen was just cleared
    paint_row(row, fresh, out);
    known_ = was_known;
    shown_[at] = std::move(fresh);
  }
  bool wrote = !out.empty();
  if (!link_.empty())
    out += "\x1b]8;;\x1b\\";
  if (wrote && pen_ != "0")
    out += "\x1b[0m";
  bool cursor = now.cursor_row >= 0, had_cursor = known_ && last_.cursor_row >= 0;
  if (wrote && had_cursor)
    out.insert(0, "\x1b[?25l");
  if (cursor &&
      (wrote || !had_cursor || last_.cursor_row != now.cursor_row || last_.cursor_column != now.cursor_column))
    out += move_to(now.cursor_row, now.cursor_column);
  if (cursor && (wrote || !had_cursor))
    out += "\x1b[?25h";
  else if (!cursor && (had_cursor || !known_))
    out.insert(0, "\x1b[?25l");
  known_ = true;
  last_ = now;
  return out.size() < large_frame ? out : "\x1b[?2026h" + out + "\x1b[?2026l";
}

} // namespace troupe
