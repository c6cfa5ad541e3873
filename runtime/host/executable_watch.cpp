// Watching the executable by inotify on its folder, since it is replaced by a rename.
#include "runtime/host/executable_watch.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr auto quiet = std::chrono::milliseconds(200); ///< a program that is being written is not asked yet
constexpr auto patience = std::chrono::seconds(5);     ///< for the answer to --version
constexpr std::size_t longest_answer = 256;

/// The numbers of a version; empty when there is anything else in it.
std::vector<unsigned> numbers(const std::string& version) {
  std::vector<unsigned> out;
  const char *at = version.data(), *end = at + version.size();
  while (at < end) {
    unsigned n = 0;
    auto [rest, error] = std::from_chars(at, end, n);
    if (error != std::errc() || (rest < end && (*rest != '.' || rest + 1 == end)))
      return {};
    out.push_back(n);
    at = rest < end ? rest + 1 : end;
  }
  return out;
}

} // namespace

bool is_newer(const std::string& candidate, const std::string& own) {
  auto a = numbers(candidate), b = numbers(own);
  return !a.empty() && !b.empty() && a > b;
}

struct executable_watch::question {
  question(asio::io_context& loop, int fd) : answer(loop, fd), deadline(loop) {}
  asio::posix::stream_descriptor answer;
  asio::steady_timer deadline;
  std::optional<process_identity> who;
  std::string text;
  std::array<char, longest_answer> block{};
  bool over = false;

  /// Reads until the end, then calls `done` with all of it; at most `longest_answer` bytes.
  static void read(const std::shared_ptr<question>& q, const std::function<void()>& done) {
    q->answer.async_read_some(asio::buffer(q->block), [q, done](const asio::error_code& error, std::size_t n) {
      q->text.append(q->block.data(), n);
      if (q->over)
        return;
      if (error || q->text.size() > longest_answer)
        done();
      else
        read(q, done);
    });
  }
};

executable_watch::executable_watch(asio::io_context& loop, reaper& children, std::string program, std::string name,
                                   std::string own, news tell)
    : loop_(loop), children_(children), program_(std::move(program)), name_(std::move(name)), own_(std::move(own)),
      tell_(std::move(tell)), changes_(loop), quiet_(loop), known_(identity_of("/proc/self/exe")) {
  unique_fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  auto folder = program_.substr(0, program_.rfind('/') + 1);
  if (!fd || ::inotify_add_watch(fd.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB) < 0) {
    tell_.log("event=executable_not_watched folder=\"" + folder + "\"");
    return;
  }
  changes_.assign(fd.release());
  await_change();
  settle(); // it may have been replaced ahead of the watch
}

executable_watch::identity executable_watch::identity_of(const std::string& file) {
  struct stat st {};
  if (::stat(file.c_str(), &st) != 0)
    return {};
  return {st.st_dev, st.st_ino, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
}

void executable_watch::await_change() {
  changes_.async_read_some(asio::buffer(events_), [this](const asio::error_code& error, std::size_t) {
    if (error)
      return;
    settle();
    await_change();
  });
}

/// Asked once nothing has changed for a moment; the folder's other files are nobody's affair.
void executable_watch::settle() {
  auto now = identity_of(program_);
  if (now == known_ || now == identity{})
    return;
  quiet_.expires_after(quiet);
  quiet_.async_wait([this](const asio::error_code& error) {
    if (!error && !asking_)
      ask();
  });
}

void executable_watch::ask() {
  known_ = identity_of(program_);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return leave_alone("no pipe to ask it by");
  unique_fd read(ends[0]), write(ends[1]), null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  spawn_request r;
  r.program = program_;
  r.arguments = {name_, "--version"};
  r.cwd = "/";
  r.new_session = true;
  r.fds = {{null.get(), 0}, {write.get(), 1}, {null.get(), 2}};
  auto pid = spawn(r);
  if (pid < 0)
    return leave_alone("it cannot be started");
  children_.watch(pid, [](exit_status) {});
  asking_ = std::make_shared<question>(loop_, read.release());
  asking_->who = identify(pid);
  auto finish = [this, q = asking_.get()](const std::string& text) {
    if (std::exchange(q->over, true))
      return;
    if (q->who) // whatever it does beside answering
      signal_process(*q->who, SIGKILL);
    auto keep = std::move(asking_);
    keep->deadline.cancel();
    asio::error_code ignored;
    keep->answer.cancel(ignored);
    answered(text);
    settle(); // it may have changed again meanwhile
  };
  asking_->deadline.expires_after(patience);
  asking_->deadline.async_wait([finish, keep = asking_](const asio::error_code& error) {
    if (!error)
      finish({});
  });
  question::read(asking_, [finish, q = asking_.get()] { finish(q->text); });
}

void executable_watch::answered(const std::string& text) {
  auto line = text.substr(0, text.find('\n'));
  if (!line.starts_with(name_ + " "))
    return leave_alone("it does not answer --version");
  auto version = line.substr(name_.size() + 1);
  if (!is_newer(version, own_))
    return leave_alone("its version is not newer than " + own_);
  tell_.log("event=executable_replaced version=\"" + version + "\"");
  tell_.newer(version);
}

void executable_watch::leave_alone(const std::string& why) {
  tell_.log("event=executable_left_alone program=\"" + program_ + "\" why=\"" + why + "\"");
}

} // namespace troupe
