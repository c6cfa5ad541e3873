// What git ignores.
#include "runtime/worktree/ignored.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/unique_fd.hpp"
#include "runtime/worktree/git.hpp"
#include "runtime/worktree/tree_removal.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_counted = 20'000; ///< files of one folder; a look must not take seconds
constexpr const char* kept_folder = ".kept";

/// What compilers, interpreters and editors leave beside the sources.
constexpr std::array<std::string_view, 22> left_by_tools{
    ".o",   ".obj",   ".lo",  ".a",   ".la",  ".so",  ".dylib", ".dll",         ".d",        ".gch",         ".gcda",
    ".pyc", ".class", ".log", ".tmp", ".swp", ".pid", "~",      ".tsbuildinfo", ".DS_Store", ".eslintcache", ".gcno"};

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// Names that git ignores, folders that it ignores as such with a slash at their end.
std::vector<std::string> ignored_names(const std::string& path) {
  std::vector<std::string> out;
  auto got = git(path, {"status", "--porcelain=v1", "-z", "--ignored=matching", "--untracked-files=all",
                        "--ignore-submodules=all", "--no-renames"});
  for (const auto& line : split(got.out, '\0'))
    if (line.starts_with("!! ") && line.size() > 3)
      out.push_back(line.substr(3));
  return out;
}

/// Whether a pattern is for all that is in a folder (`logs/*`, or `*` in the folder's own .gitignore), and not for all
/// of the repository.
bool is_for_a_folder(const std::string& source, const std::string& pattern) {
  auto last = last_part(pattern);
  if (last != "*" && last != "**")
    return false;
  bool below = pattern.find('/') != std::string::npos && pattern != "/*" && pattern != "/**" && pattern != "**/*";
  return below || (source.find('/') != std::string::npos && source.front() != '/' && !source.starts_with(".git/"));
}

/// Of those names the ones that are ignored with the folder that they are in.
std::set<std::string> ignored_with_their_folder(const std::string& path, const std::vector<std::string>& names) {
  std::string input;
  for (const auto& name : names)
    input += name + '\0';
  std::set<std::string> out;
  if (input.empty())
    return out;
  auto told = split(git(path, {"check-ignore", "--verbose", "-z", "--stdin"}, input).out, '\0');
  for (std::size_t i = 0; i + 3 < told.size(); i += 4) // source, line, pattern, name
    if (is_for_a_folder(told[i], told[i + 2]))
      out.insert(told[i + 3]);
  return out;
}

bool is_program(const std::string& path) {
  std::array<char, 4> mark{};
  std::ifstream(path, std::ios::binary).read(mark.data(), mark.size());
  return std::string_view(mark.data(), mark.size()) == "\x7f"
                                                       "ELF";
}

bool is_same(const std::string& one, const std::string& other, const struct stat& size) {
  struct stat there {};
  if (::lstat(other.c_str(), &there) != 0 || !S_ISREG(there.st_mode) || there.st_size != size.st_size)
    return false;
  std::ifstream a(one, std::ios::binary), b(other, std::ios::binary);
  using bytes = std::istreambuf_iterator<char>;
  return a && b && std::equal(bytes(a), bytes(), bytes(b), bytes());
}

/// Files, and the bytes in them.
struct amount {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  bool more = false; ///< than were counted
  [[nodiscard]] std::string words() const {
    return (more ? "more than " : "") + std::to_string(files) + (files == 1 ? " file, " : " files, ") + in_bytes(bytes);
  }
};

amount amount_in(const std::string& folder) {
  amount out;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && at != end; at.increment(error)) {
    struct stat what {};
    if (::lstat(at->path().c_str(), &what) != 0 || S_ISDIR(what.st_mode))
      continue;
    if ((out.more = out.files == most_counted))
      break;
    ++out.files;
    out.bytes += static_cast<std::uint64_t>(what.st_size);
  }
  return out;
}

/// Opens the folder of `path` (a file's) below `root`, and makes it where `make`.
unique_fd folder_of(int root, const std::string& path, bool make) {
  unique_fd at(::fcntl(root, F_DUPFD_CLOEXEC, 0));
  for (const auto& part : split(path.substr(0, path.find_last_of('/') + 1), '/')) {
    if (make && at && ::mkdirat(at.get(), part.c_str(), 0700) != 0 && errno != EEXIST)
      return {};
    at = at ? open_within(at.get(), part) : unique_fd();
  }
  return at;
}

} // namespace

std::string in_bytes(std::uint64_t n) {
  constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  if (n < 1000)
    return std::to_string(n) + " B";
  auto x = static_cast<double>(n);
  std::size_t unit = 0;
  for (; x >= 1000 && unit + 1 < units.size(); ++unit)
    x /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), x < 10 ? "%.1f %s" : "%.0f %s", x, units[unit]);
  return text.data();
}

ignored_content ignored_in(const std::string& path, const std::string& checkout) {
  ignored_content out;
  const auto names = ignored_names(path);
  const auto with_folder = ignored_with_their_folder(path, names);
  amount others;
  for (const auto& name : names) {
    auto here = path + "/" + name;
    struct stat what {};
    if (name.back() == '/') {
      out.products.push_back(name + " (" + amount_in(here).words() + ")");
      continue;
    }
    if (::lstat(here.c_str(), &what) != 0)
      continue;
    bool tool = std::any_of(left_by_tools.begin(), left_by_tools.end(), [&](auto end) { return name.ends_with(end); });
    if (S_ISREG(what.st_mode) && !tool && !with_folder.contains(name) && !is_program(here) &&
        !is_same(here, checkout + "/" + name, what)) {
      out.files.push_back({name, static_cast<std::uint64_t>(what.st_size)});
      continue;
    }
    ++others.files;
    others.bytes += static_cast<std::uint64_t>(what.st_size);
  }
  if (others.files != 0)
    out.products.push_back((out.products.empty() ? "" : "other ") + std::string("build output (") + others.words() +
                           ")");
  return out;
}

std::string kept_place(const std::string& tree_path) {
  auto slash = tree_path.rfind('/');
  return tree_path.substr(0, slash + 1) + kept_folder + tree_path.substr(slash);
}

std::size_t keep_files(int parent, const std::string& name, int tree, const std::vector<ignored_file>& files,
                       std::string& left) {
  std::size_t kept = 0;
  const auto below = std::string(kept_folder) + "/" + name + "/";
  for (const auto& f : files) {
    auto to = folder_of(parent, below + f.path, true), from = to ? folder_of(tree, f.path, false) : unique_fd();
    auto file = last_part(f.path);
    if (from && ::renameat(from.get(), file.c_str(), to.get(), file.c_str()) == 0)
      ++kept;
    else if (left.empty())
      left = f.path + ": " + std::strerror(errno);
  }
  if (auto own = kept != 0 ? folder_of(parent, below, false) : unique_fd())
    ::futimens(own.get(), nullptr); // its age counts from now on
  return kept;
}

void drop_kept_files(int parent, std::int64_t before_seconds) {
  auto all = open_within(parent, kept_folder);
  if (!all)
    return;
  std::error_code error;
  for (const auto& each : fs::directory_iterator("/proc/self/fd/" + std::to_string(all.get()), error)) {
    auto name = each.path().filename().string();
    struct stat what {};
    std::string left;
    if (::fstatat(all.get(), name.c_str(), &what, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(what.st_mode) &&
        what.st_mtime < before_seconds)
      remove_folder(all.get(), name, left);
  }
  ::unlinkat(parent, kept_folder, AT_REMOVEDIR); // when it was the last
}

} // namespace troupe
