// Files are listed first, then looked at, a slice of each between two rounds of the loop.
#include "runtime/agent/search_tools.hpp"

#include <algorithm>
#include <deque>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/agent/file_list.hpp"
#include "runtime/agent/file_tools.hpp"
#include "runtime/agent/glob_match.hpp"
#include "runtime/agent/output_window.hpp"
#include "runtime/agent/pattern.hpp"
#include "runtime/agent/tool_limits.hpp"

namespace troupe::agent {
namespace {

constexpr milliseconds slice{8};
constexpr std::size_t longest_line = 500; ///< bytes of a line that are shown

std::string content_of_file(const std::string& path) {
  const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat what {};
  if (!file || fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode) || what.st_size > static_cast<off_t>(edit_limit))
    return {};
  std::string content(static_cast<std::size_t>(what.st_size), '\0');
  const auto n = pread(file.get(), content.data(), content.size(), 0);
  content.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return content.find('\0', 0) < 8192 ? std::string() : content; // no text
}

/// Where the line behind `at` begins; 0: there is none.
std::size_t next_line(const std::string& content, std::size_t at) {
  const auto end = content.find('\n', at);
  return end == std::string::npos ? 0 : end + 1;
}

class search : public running_tool {
public:
  search(const tool_context& context, search_request wanted, tool_done done)
      : events_(context.events), limits_(context.limits), wanted_(std::move(wanted)), done_(std::move(done)) {
    if (wanted_.limit <= 0)
      wanted_.limit = limits_.search_results;
  }
  ~search() override { let_go(); }
  void start(const tool_context& context);
  void cancel() override { tell(true, "cancelled"); }

private:
  bool found_file(std::string&& path);
  void go_on();
  void look(const std::string& path);
  void look_at_lines(const std::string& path, const std::string& content);
  void finish();
  void tell(bool failed, std::string text);
  void let_go();
  void add(std::string line);
  [[nodiscard]] bool full() const { return lines_.size() >= static_cast<std::size_t>(wanted_.limit); }
  event_loop& events_;
  const tool_limits& limits_;
  search_request wanted_;
  tool_done done_;
  std::optional<pattern> regex_;
  std::unique_ptr<file_list> files_;
  std::deque<std::string> queue_;                            ///< grep: not looked at yet
  std::vector<std::pair<std::int64_t, std::string>> newest_; ///< glob: by time of change
  std::vector<std::string> lines_;
  std::int64_t seen_ = 0, more_ = 0;
  bool listed_ = false, cut_ = false;
  event_loop::ticket next_ = 0, deadline_ = 0;
};

void search::start(const tool_context& context) {
  std::string error;
  if (!wanted_.regex.empty() && !(regex_ = pattern::compile(wanted_.regex, wanted_.any_case, error)))
    return tell(true, error);
  struct stat what {};
  if (stat(wanted_.folder.c_str(), &what) != 0)
    return tell(true, "cannot search " + wanted_.folder + ": there is no such file or folder");
  deadline_ = events_.after(milliseconds{limits_.search_time}, [this] {
    cut_ = true;
    finish();
  });
  if (!S_ISDIR(what.st_mode)) {
    if (!regex_)
      return tell(true, wanted_.folder + " is no folder");
    queue_.push_back("");
    listed_ = true;
  } else {
    files_ =
        list_files(events_, wanted_.folder, context.env, context.mark,
                   {[this](std::string&& path) { return found_file(std::move(path)); }, [this] { listed_ = true; }});
  }
  go_on();
}

bool search::found_file(std::string&& path) {
  if (++seen_ > limits_.search_files) {
    cut_ = true;
    return false;
  }
  if (!wanted_.glob.empty() && !fits_file(path, wanted_.glob))
    return true;
  struct stat what {};
  if (regex_)
    queue_.push_back(std::move(path));
  else if (stat((wanted_.folder + "/" + path).c_str(), &what) == 0) // one that git tracks may be gone
    newest_.emplace_back(what.st_mtim.tv_sec, std::move(path));
  return true;
}

void search::go_on() {
  if (!done_)
    return;
  if (!listed_)
    files_->go_on(slice);
  const auto until = std::chrono::steady_clock::now() + slice;
  while (!queue_.empty() && std::chrono::steady_clock::now() < until) {
    look(queue_.front());
    queue_.pop_front();
  }
  if (listed_ && queue_.empty())
    return finish();
  next_ = events_.after(milliseconds{queue_.empty() ? 1 : 0}, [this] { go_on(); });
}

void search::look(const std::string& path) {
  const auto content = content_of_file(path.empty() ? wanted_.folder : wanted_.folder + "/" + path);
  const auto name = path.empty() ? wanted_.folder : path;
  if (wanted_.show == "content")
    return look_at_lines(name, content);
  std::int64_t count = 0;
  std::size_t from = 0;
  do {
    const auto at = regex_->find(content, from);
    if (!at)
      break;
    if (wanted_.show == "files")
      return add(name);
    ++count;
    from = next_line(content, at->second);
  } while (from != 0);
  if (count > 0)
    add(name + ":" + std::to_string(count));
}

/// `path:number:line`, and `path-number-line` for those around it, as grep writes them.
void search::look_at_lines(const std::string& path, const std::string& content) {
  std::size_t counted = 0, shown = 0; ///< lines before `counted_at`; the last line that was shown
  std::size_t counted_at = 0, next = 0;
  do {
    const auto at = regex_->find(content, next);
    if (!at)
      return;
    counted += static_cast<std::size_t>(std::count(content.begin() + static_cast<std::ptrdiff_t>(counted_at),
                                                   content.begin() + static_cast<std::ptrdiff_t>(at->first), '\n'));
    counted_at = at->first;
    const auto number = counted + 1;
    const auto around = static_cast<std::size_t>(wanted_.context);
    auto from = content.rfind('\n', at->first == 0 ? std::string::npos : at->first - 1);
    from = at->first == 0 || from == std::string::npos ? 0 : from + 1;
    auto first = number;
    for (; first > 1 && number - first < around && first > shown + 1; --first)
      from = from < 2 ? 0 : content.rfind('\n', from - 2) + 1;
    for (auto line = first; from <= content.size() && line <= number + around; ++line) {
      const auto end = std::min(content.find('\n', from), content.size());
      if (line > shown && !(from == content.size() && from > 0)) {
        auto text = content.substr(from, end - from);
        if (text.size() > longest_line)
          text = std::string(whole_end(std::string_view(text).substr(0, longest_line))) + " ...";
        const char* mark = line == number || regex_->find(text) ? ":" : "-";
        add(path + mark + std::to_string(line) + mark + text);
        shown = line;
      }
      from = end + 1;
    }
    next = next_line(content, at->second);
  } while (next != 0 && more_ < 1000);
}

void search::add(std::string line) {
  if (full())
    ++more_;
  else
    lines_.push_back(std::move(line));
}

void search::finish() {
  std::sort(newest_.begin(), newest_.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  for (auto& [time, path] : newest_)
    add(std::move(path));
  std::string text;
  for (const auto& line : lines_)
    text += line + "\n";
  if (lines_.empty())
    text = "nothing was found\n";
  if (more_ > 0)
    text += "[... " + std::to_string(more_) + " more: narrow the search, or raise its limit]\n";
  if (cut_)
    text += "[the search was cut short after " + std::to_string(seen_) + " files: give a path or a narrower glob]\n";
  output_window window(static_cast<std::size_t>(limits_.output_bytes));
  window.append(text);
  tell(false, window.text());
}

void search::tell(bool failed, std::string text) {
  if (!done_)
    return;
  let_go();
  events_.defer([done = std::exchange(done_, nullptr), failed, text = std::move(text)] {
    done({failed, text, {}, {}, {}, {}});
  });
}

void search::let_go() {
  files_.reset();
  events_.cancel(std::exchange(next_, 0));
  events_.cancel(std::exchange(deadline_, 0));
}

} // namespace

std::unique_ptr<running_tool> search_files(const tool_context& context, search_request wanted, tool_done done) {
  auto run = std::make_unique<search>(context, std::move(wanted), std::move(done));
  run->start(context);
  return run;
}

} // namespace troupe::agent
