// A PTY's screen, parsed as late as possible.
#include "runtime/worker/terminal/screen.hpp"

#include <algorithm>

#include "runtime/worker/terminal/plain_text.hpp"
#include "runtime/worker/terminal/terminal_state.hpp"

namespace troupe {

screen::screen(const output_ring& ring, std::uint16_t rows, std::uint16_t cols)
    : ring_(ring), rows_(std::clamp<std::uint16_t>(rows, 1, most_rows)),
      cols_(std::clamp<std::uint16_t>(cols, 2, most_cols)), parsed_(ring.begin()), live_from_(ring.end()) {
  if (parsed_ == 0)
    return;
  auto kept = unparsed(live_from_); // the oldest line lost its beginning, maybe amidst a sequence
  parsed_ += std::min(kept.find('\n') + 1, kept.size());
}

screen::~screen() = default;

terminal_state& screen::awake() {
  if (!terminal_) {
    terminal_ = std::make_unique<terminal_state>(rows_, cols_);
    terminal_->on_reply([this](std::string_view bytes) {
      if (reply_ && answering_ && parsed_ >= live_from_)
        reply_(bytes);
    });
  }
  return *terminal_;
}

std::string_view screen::unparsed(std::uint64_t until) const {
  auto piece = ring_.read(parsed_); // contiguous: the ring is mapped twice in a row
  return {piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), until - parsed_))};
}

void screen::feed(std::uint64_t until) {
  auto& terminal = awake();
  if (parsed_ < live_from_ && until > live_from_)
    feed(live_from_); // its queries are of an earlier run
  while (parsed_ < until) {
    auto piece = unparsed(until);
    terminal.feed(piece);
    parsed_ += piece.size();
  }
}

/// Jumps over plain lines at the front of what is not parsed, all but the last two screens of them: these scroll
/// everything older away, so that the screen is the same as if all had been parsed. False when there are not enough.
bool screen::skip(std::uint64_t until) {
  if (terminal_ && !terminal_->plain())
    return false;
  auto rest = unparsed(until);
  auto lines = rest.substr(0, plain_lines_at_front(rest));
  auto keep = start_of_last(lines, 2 * static_cast<std::size_t>(rows_) + 1);
  if (keep == std::string_view::npos || keep == 0)
    return false;
  parsed_ += keep;
  skipped_ += keep;
  return true;
}

/// Goes on until `room` bytes may be committed after `until`, parsing as little as that takes. A piece of output that
/// is not plain is parsed to its line's end, where skipping may start again.
void screen::advance(std::uint64_t until, std::size_t room) {
  while (parsed_ < until) {
    bool jumped = skip(until);
    if (until + room <= parsed_ + ring_.capacity())
      return;
    auto rest = unparsed(until);
    auto odd = plain_lines_at_front(rest);
    if (odd == rest.size() || (jumped && odd == 0))
      return feed(until);
    auto end = rest.find('\n', odd);
    feed(end == std::string_view::npos ? until : parsed_ + end + 1);
  }
}

void screen::feed_to(std::uint64_t offset) {
  offset = std::min(offset, ring_.end());
  // room beyond the capacity is never there: all is parsed or skipped
  advance(offset, ring_.capacity() + 1);
}

void screen::make_room(std::size_t n) {
  if (ring_.end() + n > parsed_ + ring_.capacity())
    advance(ring_.end(), n);
}

void screen::answer_queries(bool yes) {
  if (yes == answering_)
    return;
  if (terminal_ || yes) // what was put out while somebody else answered is not answered again
    catch_up();
  answering_ = yes;
}

void screen::resize(std::uint16_t rows, std::uint16_t cols) {
  rows = std::clamp<std::uint16_t>(rows, 1, most_rows);
  cols = std::clamp<std::uint16_t>(cols, 2, most_cols);
  if (rows == rows_ && cols == cols_)
    return;
  catch_up();
  rows_ = rows;
  cols_ = cols;
  if (terminal_)
    terminal_->resize(rows, cols);
}

std::string screen::repaint() {
  catch_up();
  return awake().repaint();
}

std::vector<std::string> screen::history(std::size_t most) {
  catch_up();
  auto& now = awake();
  auto bytes = ring_.read(ring_.begin());
  std::string_view kept(bytes.data(), bytes.size());
  bool midway = ring_.begin() > 0;
  if (midway) // the oldest line lost its beginning
    kept.remove_prefix(std::min(kept.find('\n') + 1, kept.size()));
  auto last = now.alternate() ? std::string_view::npos : start_of_last(kept, most + rows_);
  if (last != std::string_view::npos && last > 0) {
    kept.remove_prefix(last);
    midway = true;
  }
  terminal_state again(rows_, cols_);
  again.keep_history(most, midway);
  again.feed(kept);
  return again.alternate() == now.alternate() ? again.history(now.used()) : std::vector<std::string>{};
}

std::string screen::text() {
  catch_up();
  return awake().text();
}

const std::string& screen::title() const {
  static const std::string none;
  return terminal_ ? terminal_->title() : none;
}

} // namespace troupe
