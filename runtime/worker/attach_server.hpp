// Terminals and readers attached to this worker: binary frames after one line of JSON (PROTOCOL.md). Each client has a
// position of its own in the ring, so that a slow one costs no memory and slows nobody (ATT-3).
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <asio/local/stream_protocol.hpp>

#include "messages/json.hpp"
#include "runtime/worker/pty_harness.hpp"
#include "runtime/worker/transcript.hpp"

namespace troupe {

class attach_server {
public:
  using socket = asio::local::stream_protocol::socket;
  enum class mode { terminal, read, follow };
  /// `changed` is told the number of terminals attached, on each change.
  explicit attach_server(std::function<void(std::size_t)> changed) : changed_(std::move(changed)) {}
  /// The PTY that clients see; null: a conversation, which may only be followed.
  void serve(pty_harness* pty) { pty_ = pty; }
  void serve(const transcript* events) { events_ = events; }
  /// Takes a client in after its line was answered. `history`: how many lines above the screen a terminal gets first.
  /// `rest`: bytes read behind that line.
  void take(socket s, mode how, std::uint16_t rows, std::uint16_t cols, std::uint64_t from, std::size_t history,
            const std::string& rest);
  /// New output, or a new event.
  void output();
  void happened(const event& e);
  /// The session has ended: the last frame to all, after what is owed; `flushed` when all have it or a second has
  /// passed.
  void end(const json& how, std::function<void()> flushed);
  [[nodiscard]] std::size_t terminals() const;

private:
  struct client;
  using handle = std::shared_ptr<client>;
  void read(const handle& c);
  bool take_frames(client& c);
  void frame(client& c, char type, std::string_view payload);
  void send(const handle& c);
  void fill(client& c);
  void fill_output(client& c);
  void fill_history(client& c);
  void drop(const handle& c);
  void typed(client& c, std::string_view bytes);
  void consider_flushed();
  std::function<void(std::size_t)> changed_;
  pty_harness* pty_ = nullptr;
  const transcript* events_ = nullptr;
  std::list<handle> clients_;
  std::function<void()> flushed_;
};

} // namespace troupe
