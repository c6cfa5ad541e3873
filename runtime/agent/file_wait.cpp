// inotify on the nearest folder that exists.
#include "runtime/agent/file_wait.hpp"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace troupe::agent {
namespace {

class file_wait : public running_tool {
public:
  file_wait(event_loop& events, std::string path, tool_done done)
      : events_(events), path_(std::move(path)), done_(std::move(done)) {}
  ~file_wait() override { let_go(); }
  void start();
  void cancel() override { tell(true, "cancelled"); }

private:
  void look();
  bool watch_nearest();
  void tell(bool failed, const std::string& text);
  void let_go();
  event_loop& events_;
  std::string path_;
  tool_done done_;
  unique_fd inotify_;
  std::string watched_;
};

void file_wait::start() {
  inotify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify_)
    return tell(true, std::string("cannot wait for a file: ") + std::strerror(errno));
  events_.watch(inotify_.get(), POLLIN, [this](short) {
    char buffer[4096];
    while (read(inotify_.get(), buffer, sizeof buffer) > 0)
      ; // what happened does not matter: the path is looked at again
    look();
  });
  look();
}

void file_wait::look() {
  // A folder may appear between the look and the watch: so watch first, then look, until nothing nearer is there.
  do {
    if (access(path_.c_str(), F_OK) == 0)
      return tell(false, path_ + " is there");
  } while (watch_nearest());
}

/// True when another folder than before is watched now.
bool file_wait::watch_nearest() {
  auto folder = path_;
  do {
    folder.erase(std::max<std::size_t>(folder.rfind('/'), 1));
  } while (folder != "/" && access(folder.c_str(), F_OK) != 0);
  if (folder == watched_)
    return false;
  const auto added = inotify_add_watch(inotify_.get(), folder.c_str(),
                                       IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
  if (added >= 0 || errno == ENOENT) {
    watched_ = added >= 0 ? folder : "";
    return true;
  }
  tell(true, "cannot watch " + folder + ": " + std::strerror(errno));
  return false;
}

void file_wait::tell(bool failed, const std::string& text) {
  if (!done_)
    return;
  let_go();
  events_.defer([done = std::exchange(done_, nullptr), failed, text] { done({failed, text, {}, {}, {}, {}}); });
}

void file_wait::let_go() {
  if (inotify_)
    events_.unwatch(inotify_.get());
  inotify_.reset();
}

} // namespace

std::unique_ptr<running_tool> wait_for_file(const tool_context& context, const std::string& path, tool_done done) {
  auto wait = std::make_unique<file_wait>(context.events, path, std::move(done));
  wait->start();
  return wait;
}

} // namespace troupe::agent
