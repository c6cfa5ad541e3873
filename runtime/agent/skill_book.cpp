// Names to texts.
#include "runtime/agent/skill_book.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/unique_fd.hpp"

namespace troupe::agent {
namespace {

constexpr off_t largest = 256 * 1024;
constexpr const char* init_text =
    "Look at this project and write AGENTS.md in its top directory, for agents that will work here: what the project "
    "is, how "
    "it is built, tested and run, how its code is laid out, and which habits its code follows that are not to be seen "
    "at "
    "once. Keep it short, and true: run the commands that you name. Where there is one already, mend it.";

std::vector<std::string> words_of(const std::string& arguments) {
  std::vector<std::string> words;
  std::string word;
  char quote = '\0';
  bool any = false;
  for (const char c : arguments) {
    if (quote != '\0' ? c == quote : c == '"' || c == '\'') {
      quote = quote == '\0' ? c : '\0';
      any = true;
    } else if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      if (any)
        words.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word.push_back(c);
      any = true;
    }
  }
  if (any)
    words.push_back(word);
  return words;
}

bool read_text(const std::string& path, std::string& into) {
  const unique_fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat what {};
  if (!file || fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode) || what.st_size > largest)
    return false;
  into.resize(static_cast<std::size_t>(what.st_size));
  const auto n = pread(file.get(), into.data(), into.size(), 0);
  into.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return n >= 0;
}

} // namespace

std::string without_front_matter(const std::string& text) {
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n"))
    return text;
  const auto end = text.find("\n---", 3);
  const auto behind = end == std::string::npos ? end : text.find('\n', end + 1);
  return end == std::string::npos ? text : behind == std::string::npos ? "" : text.substr(behind + 1);
}

std::optional<std::string> read_without_front_matter(const std::string& path) {
  std::string text;
  if (!read_text(path, text))
    return std::nullopt;
  return without_front_matter(text);
}

std::string with_arguments(const std::string& text, const std::string& arguments) {
  const auto words = words_of(arguments);
  std::string out;
  bool used = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = std::string_view(text).substr(at);
    if (rest.starts_with("$ARGUMENTS")) {
      out += arguments;
      at += 10;
      used = true;
    } else if (rest.size() > 1 && rest[0] == '$' && rest[1] >= '1' && rest[1] <= '9' &&
               (rest.size() == 2 || rest[2] < '0' || rest[2] > '9')) {
      const auto n = static_cast<std::size_t>(rest[1] - '1');
      out += n < words.size() ? words[n] : "";
      at += 2;
      used = true;
    } else {
      out.push_back(text[at++]);
    }
  }
  if (!used && !arguments.empty())
    out += (out.ends_with("\n") ? "\n" : "\n\n") + std::string("ARGUMENTS: ") + arguments;
  return out;
}

skill_book::skill_book(const json& catalog) {
  for (const char* list : {"commands", "skills"})
    if (const auto* all = field(catalog, list); all != nullptr && all->is_array())
      for (const auto& each : *all) {
        const auto* path = field(each, "path");
        skill_entry entry{text_field(each, "name").value_or(""),
                          text_field(each, "description").value_or(""),
                          text_field(each, "argumentHint").value_or(""),
                          path != nullptr ? bytes_of(*path).value_or("") : "",
                          {},
                          std::string_view(list) == "skills"};
        if (!entry.name.empty() && !entry.path.empty() && find(entry.name) == nullptr)
          entries_.push_back(std::move(entry));
      }
  if (find("init") == nullptr)
    entries_.push_back({"init", "Writes AGENTS.md: what an agent must know of this project", "", "", init_text, false});
}

const skill_entry* skill_book::find(const std::string& name) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.name == name; });
  return at == entries_.end() ? nullptr : &*at;
}

std::string skill_book::expand(const std::string& name, const std::string& arguments, std::string& error) const {
  const auto* entry = find(name.starts_with("/") ? name.substr(1) : name);
  if (entry == nullptr) {
    error = "there is no skill or command '" + name.substr(0, 100) + "'";
    return {};
  }
  auto text = entry->text;
  if (!entry->path.empty() && !read_text(entry->path, text)) {
    error = "cannot read " + entry->path + ", which is /" + entry->name +
            "\n  see that it is there, and no larger than 256 KiB";
    return {};
  }
  text = with_arguments(without_front_matter(text), arguments);
  if (entry->skill)
    text = "The files of this skill are in " + entry->path.substr(0, entry->path.rfind('/')) + "\n\n" + text;
  return text;
}

std::optional<std::string> skill_book::expand_prompt(const std::string& prompt, std::string& error) const {
  if (!prompt.starts_with("/"))
    return std::nullopt;
  const auto end = std::min(prompt.find_first_of(" \t\n"), prompt.size());
  const auto name = prompt.substr(1, end - 1);
  if (find(name) == nullptr)
    return std::nullopt; // a path, or a word for the model
  auto arguments = prompt.substr(std::min(end + 1, prompt.size()));
  while (!arguments.empty() && (arguments.back() == ' ' || arguments.back() == '\n'))
    arguments.pop_back();
  return expand(name, arguments, error);
}

std::string skill_book::listed() const {
  std::string all;
  for (const auto& e : entries_)
    if (!e.path.empty())
      all += "- " + e.name + ": " + e.description + "\n";
  return all;
}

json skill_book::available() const {
  auto list = json::array();
  for (const auto& e : entries_) {
    list.push_back({{"name", e.name}, {"description", e.description}});
    if (!e.hint.empty())
      list.back()["input"] = {{"hint", e.hint}};
  }
  return list;
}

} // namespace troupe::agent
