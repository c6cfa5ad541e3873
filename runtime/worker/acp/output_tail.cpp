// The tail of a pipe.
#include "runtime/worker/acp/output_tail.hpp"

#include <cerrno>

#include <unistd.h>

namespace troupe {

std::shared_ptr<output_tail> output_tail::create(asio::io_context& loop, unique_fd pipe) {
  return std::shared_ptr<output_tail>(new output_tail(loop, std::move(pipe)));
}

void output_tail::start() {
  read();
}

/// Not async_read_some: what that has read and not told yet would be overtaken, and overwritten, by `drain`.
void output_tail::read() {
  pipe_.async_wait(asio::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](const asio::error_code& error) {
                     if (error || !self->pipe_.is_open())
                       return;
                     const auto n = ::read(self->pipe_.native_handle(), self->chunk_, sizeof chunk_);
                     if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                       return self->close();
                     if (n > 0)
                       self->keep(static_cast<std::size_t>(n));
                     self->read();
                   });
}

void output_tail::keep(std::size_t n) {
  kept_.append(chunk_, n);
  if (kept_.size() <= limit)
    return;
  kept_.erase(0, kept_.size() - limit);
  cut_ = true;
}

void output_tail::drain() {
  constexpr int rounds = 256; // someone else may hold the pipe and write on
  for (int i = 0; i < rounds && pipe_.is_open(); ++i) {
    const auto n = ::read(pipe_.native_handle(), chunk_, sizeof chunk_);
    if (n <= 0)
      return;
    keep(static_cast<std::size_t>(n));
  }
}

void output_tail::close() {
  asio::error_code ignored;
  pipe_.close(ignored);
}

std::string output_tail::text() const {
  auto text = kept_;
  if (const auto end = text.find('\n'); cut_ && end != std::string::npos)
    text.erase(0, end + 1);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  return text;
}

} // namespace troupe
