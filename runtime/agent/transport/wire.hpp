// What the agent and troupe-model say to each other over their socket pair: frames of one machine, never written to
// disk.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace troupe::agent {

enum class frame_kind : std::uint32_t {
  request, ///< agent: a JSON object, a newline, and the body's bytes; see transfers.hpp
  cancel,  ///< agent: nothing more is told of that request
  status,  ///< transport: {status, headers}, once, ahead of data
  data,    ///< transport: bytes of the answer's body
  end,     ///< transport: the answer is complete
  failure, ///< transport: {kind, text}: there is no (more) answer
};

struct frame_head {
  frame_kind kind;
  std::uint32_t id;   ///< of the request
  std::uint64_t size; ///< bytes that follow
};

inline std::string to_frame(frame_kind kind, std::uint32_t id, std::string_view payload) {
  const frame_head head{kind, id, payload.size()};
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  return bytes.append(payload);
}

/// Cuts a stream into frames.
class frame_reader {
public:
  /// Calls `take(kind, id, payload)` for each whole frame.
  template <class F>
  void feed(std::string_view bytes, F take) {
    held_.append(bytes);
    std::size_t at = 0;
    frame_head head{};
    for (; held_.size() - at >= sizeof head; at += sizeof head + head.size) {
      std::memcpy(&head, held_.data() + at, sizeof head);
      if (held_.size() - at - sizeof head < head.size)
        break;
      take(head.kind, head.id, std::string_view(held_).substr(at + sizeof head, head.size));
    }
    held_.erase(0, at);
  }

private:
  std::string held_;
};

} // namespace troupe::agent
