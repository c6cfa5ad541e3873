// A JSON-RPC connection, bounded both ways.
#include "runtime/io/line_channel.hpp"

#include <fcntl.h>

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>

namespace troupe {

namespace {
constexpr std::size_t read_least = std::size_t{8} << 10, read_most = std::size_t{64} << 10;
} // namespace

line_channel::line_channel(socket s, std::size_t limit, std::size_t longest)
    : socket_(std::move(s)), limit_(limit), longest_(longest) {
  ::fcntl(socket_.native_handle(), F_SETFD,
          FD_CLOEXEC); // Asio's accept leaves it open to children, who would keep the channel alive
}

std::shared_ptr<line_channel> line_channel::create(socket s, std::size_t limit, std::size_t longest) {
  return std::shared_ptr<line_channel>(new line_channel(std::move(s), limit, longest));
}

void line_channel::start(callbacks cb) {
  cb_ = std::move(cb);
  read();
}

void line_channel::read() {
  if (reading_ || paused_ || closed_ || flushing_ || detached_ || !cb_.line)
    return;
  reading_ = true;
  auto old = in_.size(), block = much_ ? read_most : read_least;
  in_.resize(old + block);
  socket_.async_read_some(asio::buffer(in_.data() + old, block),
                          [self = shared_from_this(), old, block](const asio::error_code& error, std::size_t n) {
                            self->reading_ = false;
                            self->in_.resize(old + n);
                            self->much_ = n == block;
                            if (error) {
                              if (error != asio::error::operation_aborted)
                                self->finish(error == asio::error::eof ? "" : error.message());
                              return;
                            }
                            self->consume();
                            self->read();
                          });
}

void line_channel::consume() {
  std::size_t begin = 0;
  while (!paused_ && !closed_ && !flushing_ && !detached_) {
    auto end = in_.find('\n', std::max(begin, scanned_));
    if (end == std::string::npos) {
      scanned_ = in_.size();
      break;
    }
    auto line = std::string_view(in_).substr(begin, end - begin);
    begin = end + 1;
    scanned_ = begin;
    consumed_ = begin;
    if (line.size() > longest_) {
      refuse_length();
      return;
    }
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (!line.empty())
      cb_.line(line);
  }
  if (detached_ || closed_)
    return;
  in_.erase(0, begin);
  scanned_ -= std::min(scanned_, begin);
  consumed_ = 0;
  if (in_.size() > longest_ && !paused_)
    refuse_length();
}

void line_channel::refuse_length() {
  send(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a line may hold )" +
       std::to_string(longest_ >> 20) + R"( MiB at most"}})");
  close(true);
}

void line_channel::send(std::string line) {
  if (closed_ || detached_)
    return;
  if (queued_ > limit_ + largest_) { // whoever is still taking a long answer in may hear of changes meanwhile
    finish("peer does not read");
    return;
  }
  line += '\n';
  queued_ += line.size();
  largest_ = std::max(largest_, line.size());
  out_.push_back(std::move(line));
  write();
}

void line_channel::write() {
  if (!writing_.empty() || out_.empty() || closed_)
    return;
  writing_ = std::move(out_.front());
  for (out_.pop_front(); !out_.empty() && writing_.size() + out_.front().size() < read_most; out_.pop_front())
    writing_ += out_.front();
  asio::async_write(socket_, asio::buffer(writing_),
                    [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                      self->queued_ -= self->writing_.size();
                      self->writing_.clear();
                      if (self->queued_ == 0)
                        self->largest_ = 0;
                      if (error)
                        self->finish(error.message());
                      else if (!self->out_.empty())
                        self->write();
                      else if (self->flushing_)
                        self->finish("");
                      else if (self->drained_)
                        std::exchange(self->drained_, nullptr)();
                    });
}

void line_channel::pause(bool paused) {
  paused_ = paused;
  if (paused)
    return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] { // not from inside a callback of `consume`
    if (self->paused_ || self->closed_ || self->reading_)
      return;
    self->consume();
    self->read();
  });
}

void line_channel::drain(std::function<void()> done) {
  if (closed_ || queued_ == 0)
    asio::post(socket_.get_executor(), std::move(done));
  else
    drained_ = std::move(done);
}

void line_channel::close(bool flush) {
  if (flush && !out_.empty() + !writing_.empty() > 0) {
    flushing_ = true;
    return;
  }
  finish("");
}

void line_channel::finish(const std::string& why) {
  if (std::exchange(closed_, true))
    return;
  asio::error_code ignored;
  socket_.close(ignored);
  out_.clear();
  if (drained_)
    asio::post(socket_.get_executor(), std::exchange(drained_, nullptr));
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), why] { // callers may hold iterators over what this ends
               auto closed = std::move(self->cb_.closed);
               self->cb_ = {};
               if (closed)
                 closed(why);
             });
}

line_channel::socket line_channel::detach(std::string& rest) {
  detached_ = true;
  rest = in_.substr(consumed_);
  asio::post(socket_.get_executor(),
             [self = shared_from_this()] { self->cb_ = {}; }); // not from inside the callback that asks
  return std::move(socket_);
}

} // namespace troupe
