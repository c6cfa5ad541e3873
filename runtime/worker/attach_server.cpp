// Terminals and readers attached to this worker.
#include "runtime/worker/attach_server.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include <asio/buffer.hpp>
#include <asio/write.hpp>

namespace troupe {

namespace {
constexpr std::size_t frame_limit = std::size_t{1} << 20;
constexpr std::size_t output_piece = std::size_t{64} << 10;
constexpr std::size_t most_history = 2000;
constexpr std::size_t most_history_bytes = std::size_t{2} << 20;
constexpr std::size_t event_backlog = std::size_t{4} << 20;

std::string head(char type, std::size_t n) {
  std::string out(1, type);
  for (int i = 0; i < 4; ++i)
    out += static_cast<char>(n >> (8 * i) & 0xff);
  return out;
}
} // namespace

struct attach_server::client {
  explicit client(socket connection) : s(std::move(connection)) {}
  /// As large as a screen can be; a terminal that tells no size at all gets the usual one.
  void size(std::uint16_t r, std::uint16_t c) {
    rows = r == 0 ? 24 : std::min(r, screen::most_rows);
    cols = c == 0 ? 80 : std::clamp<std::uint16_t>(c, 2, screen::most_cols);
  }
  socket s;
  mode how = mode::terminal;
  std::uint16_t rows = 24, cols = 80;
  std::uint64_t at = 0;    ///< offset of the next output byte to send
  std::size_t history = 0; ///< lines that it gets before the first repaint
  bool repaint = false, ending = false, said_end = false, gone = false, writing = false;
  std::string in, out, sending;
  std::string end_text;
  std::array<char, 4096> block{};
};

void attach_server::take(socket s, mode how, std::uint16_t rows, std::uint16_t cols, std::uint64_t from,
                         std::size_t history, const std::string& rest) {
  auto c = std::make_shared<client>(std::move(s));
  c->how = how;
  c->size(rows, cols);
  c->in = rest;
  c->at = from;
  c->history = std::min(history, most_history);
  if (!pty_ && events_)
    for (const auto& e : events_->after(from))
      frame(*c, 'e', to_text(e));
  clients_.push_back(c);
  if (how != mode::follow) {
    changed_(terminals());
    c->repaint = true;
    if (how == mode::terminal && terminals() == 1 && pty_)
      pty_->resize(c->rows, c->cols);
    if (pty_)
      pty_->attended(true);
  }
  if (!take_frames(*c)) {
    drop(c);
    return;
  }
  read(c);
  send(c);
}

std::size_t attach_server::terminals() const {
  return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                [](const handle& c) { return c->how != mode::follow && !c->gone; }));
}

void attach_server::read(const handle& c) {
  c->s.async_read_some(asio::buffer(c->block), [this, c](const asio::error_code& error, std::size_t n) {
    if (c->gone)
      return;
    c->in.append(c->block.data(), n);
    if (error || !take_frames(*c))
      drop(c);
    else
      read(c);
  });
}

/// False when the client breaks the protocol.
bool attach_server::take_frames(client& c) {
  while (c.in.size() >= 5) {
    std::uint32_t n = 0;
    for (int i = 0; i < 4; ++i)
      n |= static_cast<std::uint32_t>(static_cast<unsigned char>(c.in[1 + static_cast<std::size_t>(i)])) << (8 * i);
    if (n > frame_limit)
      return false;
    if (c.in.size() < 5 + n)
      return true;
    auto payload = c.in.substr(5, n);
    char type = c.in[0];
    c.in.erase(0, 5 + n);
    if (type == 'i' && c.how == mode::terminal) {
      typed(c, payload);
    } else if (type == 'r' && n == 4) {
      auto number = [&](std::size_t at) {
        return static_cast<std::uint16_t>(static_cast<unsigned char>(payload[at]) |
                                          static_cast<unsigned char>(payload[at + 1]) << 8);
      };
      c.size(number(0), number(2));
      if (c.how == mode::terminal && pty_ && terminals() == 1) {
        pty_->resize(c.rows, c.cols);
        c.repaint = true;
      }
    }
  }
  return c.in.size() <= frame_limit + 5;
}

void attach_server::typed(client& c, std::string_view bytes) {
  if (!pty_)
    return;
  if (pty_->picture().rows() != c.rows || pty_->picture().cols() != c.cols) {
    pty_->resize(c.rows, c.cols); // ATT-3: the size follows who typed last
    for (auto& other : clients_)
      other->repaint = other->how != mode::follow;
    for (auto other : std::list<handle>(clients_))
      send(other);
  }
  pty_->type(bytes);
}

void attach_server::frame(client& c, char type, std::string_view payload) {
  c.out += head(type, payload.size());
  c.out += payload;
}

/// What has left the screen above, oldest first, as much as is bearable (ATT-1).
void attach_server::fill_history(client& c) {
  auto lines = pty_->picture().history(std::exchange(c.history, 0));
  auto first = lines.end();
  for (std::size_t bytes = 0; first != lines.begin() && (bytes += std::prev(first)->size()) < most_history_bytes;)
    --first;
  std::string piece;
  for (auto at = first; at != lines.end(); ++at) {
    piece += *at + "\x1b[0m\r\n";
    if (piece.size() > output_piece || at + 1 == lines.end())
      frame(c, 'h', std::exchange(piece, {}));
  }
}

/// Puts the next output of a client behind its position into its buffer: a repaint when it lost the thread, else bytes
/// of the ring.
void attach_server::fill_output(client& c) {
  const auto& ring = pty_->ring();
  if (!ring.valid())
    return;
  bool lost = c.at < ring.begin();
  if (c.how == mode::follow) {
    if (lost || c.at > ring.end()) {
      c.at = std::min(std::max(c.at, ring.begin()), ring.end());
      char offset[8];
      for (int i = 0; i < 8; ++i)
        offset[i] = static_cast<char>(c.at >> (8 * i) & 0xff);
      frame(c, 'g', {offset, 8});
    }
  } else if (c.repaint || lost) {
    c.repaint = false;
    if (c.history > 0)
      fill_history(c);
    frame(c, 'o', pty_->picture().repaint());
    c.at = ring.end();
    return;
  }
  auto piece = ring.read(c.at);
  auto n = std::min(piece.size(), output_piece);
  if (n > 0) {
    frame(c, 'o', {piece.data(), n});
    c.at += n;
  }
}

void attach_server::fill(client& c) {
  if (pty_ && c.out.empty())
    fill_output(c);
  bool owed = pty_ && pty_->ring().valid() && (c.at < pty_->ring().end() || c.repaint);
  if (c.ending && !c.said_end && !owed) {
    c.said_end = true;
    frame(c, 'x', c.end_text);
  }
}

void attach_server::send(const handle& c) {
  if (c->writing || c->gone)
    return;
  fill(*c);
  if (c->out.empty()) {
    if (c->said_end)
      drop(c);
    return;
  }
  c->writing = true;
  c->sending.swap(c->out);
  asio::async_write(c->s, asio::buffer(c->sending), [this, c](const asio::error_code& error, std::size_t) {
    c->writing = false;
    c->sending.clear();
    if (c->sending.capacity() > output_piece * 2)
      c->sending.shrink_to_fit();
    if (error)
      drop(c);
    else
      send(c);
  });
}

void attach_server::output() {
  for (auto& c : clients_)
    if (!c->writing)
      send(c);
}

void attach_server::happened(const event& e) {
  if (pty_ || clients_.empty())
    return;
  auto text = to_text(e);
  for (auto c : std::list<handle>(clients_)) {
    frame(*c, 'e', text);
    if (c->out.size() > event_backlog)
      drop(c); // it reads the file again from where it was
    else
      send(c);
  }
}

void attach_server::drop(const handle& c) {
  if (std::exchange(c->gone, true))
    return;
  asio::error_code ignored;
  c->s.close(ignored);
  clients_.remove(c);
  if (c->how != mode::follow) {
    if (pty_)
      pty_->attended(terminals() > 0);
    changed_(terminals());
  }
  consider_flushed();
}

void attach_server::end(const json& how, std::function<void()> flushed) {
  flushed_ = std::move(flushed);
  auto text = to_line(how);
  for (auto c : std::list<handle>(clients_)) {
    c->ending = true;
    c->end_text = text;
    send(c);
  }
  consider_flushed();
}

void attach_server::consider_flushed() {
  if (flushed_ && clients_.empty())
    std::exchange(flushed_, nullptr)();
}

} // namespace troupe
