// Markdown as lines of a screen.
#include "actors/conversation_view/markdown.hpp"

#include <algorithm>

#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

bool is_link(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

/// Where an address in running text ends.
std::size_t link_end(std::string_view text) {
  auto end = std::min(text.find_first_of(" \t<>\"'`)]"), text.size());
  while (end > 0 && std::string_view(".,;:!?").find(text[end - 1]) != std::string_view::npos)
    --end;
  return end;
}

class inline_reader {
public:
  explicit inline_reader(ink base) : base_(base) {}
  std::vector<span> read(std::string_view text) {
    while (!text.empty()) {
      auto taken = code(text);
      if (taken == 0)
        taken = strong(text);
      if (taken == 0)
        taken = reference(text);
      if (taken == 0 && is_link(text)) {
        taken = link_end(text);
        put(text.substr(0, taken), ink::accent, std::string(text.substr(0, taken)));
      }
      if (taken == 0) {
        plain_ += text[0];
        taken = 1;
      }
      text.remove_prefix(taken);
    }
    flush();
    return std::move(out_);
  }

private:
  void flush() {
    if (!plain_.empty())
      out_.push_back({std::exchange(plain_, {}), base_});
  }
  void put(std::string_view text, ink as, std::string link = {}) {
    flush();
    out_.push_back({std::string(text), as, std::move(link)});
  }
  std::size_t code(std::string_view text) {
    auto end = text.starts_with('`') ? text.find('`', 1) : std::string_view::npos;
    if (end == std::string_view::npos || end == 1)
      return 0;
    put(text.substr(1, end - 1), ink::code);
    return end + 1;
  }
  std::size_t strong(std::string_view text) {
    auto end =
        text.starts_with("**") && text.size() > 4 && text[2] != ' ' ? text.find("**", 2) : std::string_view::npos;
    if (end == std::string_view::npos || end == 2)
      return 0;
    put(text.substr(2, end - 2), ink::strong);
    return end + 2;
  }
  std::size_t reference(std::string_view text) {
    auto middle = text.starts_with('[') ? text.find("](") : std::string_view::npos;
    auto end = middle == std::string_view::npos ? middle : text.find(')', middle);
    if (end == std::string_view::npos || middle == 1)
      return 0;
    auto address = text.substr(middle + 2, end - middle - 2);
    if (!is_link(address))
      return 0;
    put(text.substr(1, middle - 1), ink::accent, std::string(address));
    return end + 1;
  }
  ink base_;
  std::string plain_;
  std::vector<span> out_;
};

std::string spaces(int n) {
  return std::string(static_cast<std::size_t>(std::max(n, 0)), ' ');
}

std::string safe_line(std::string_view text) {
  std::string out;
  for (char c : text)
    out += c == '\t' ? "    " : std::string(1, c);
  if (!out.empty() && out.back() == '\r')
    out.pop_back();
  return visible(out);
}

std::size_t leading_spaces(std::string_view text) {
  return std::min(text.find_first_not_of(' '), text.size());
}

/// "- ", "* ", "1. ": how long the mark is; 0: none.
std::size_t list_mark(std::string_view text) {
  if (text.size() > 1 && (text[0] == '-' || text[0] == '*' || text[0] == '+') && text[1] == ' ')
    return 2;
  auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return digits > 0 && digits < 4 && digits + 1 < text.size() && (text[digits] == '.' || text[digits] == ')') &&
                 text[digits + 1] == ' '
             ? digits + 2
             : 0;
}

class block_reader {
public:
  block_reader(int columns, int indent) : columns_(std::max(columns, indent + 8)), indent_(indent) {}

  std::vector<line> read(std::string_view text) {
    for (;;) {
      auto end = std::min(text.find('\n'), text.size());
      take(safe_line(text.substr(0, end)));
      if (end == text.size())
        break;
      text.remove_prefix(end + 1);
    }
    while (!out_.empty() && out_.back().spans.empty())
      out_.pop_back();
    return std::move(out_);
  }

private:
  void take(const std::string& text) {
    auto shift = leading_spaces(text);
    auto rest = std::string_view(text).substr(shift);
    if (rest.starts_with("```") || rest.starts_with("~~~"))
      fence(rest);
    else if (fenced_)
      code(text);
    else if (rest.empty())
      blank();
    else if (auto level = std::min(rest.find_first_not_of('#'), rest.size());
             level > 0 && level < 7 && level < rest.size() && rest[level] == ' ')
      add(inline_reader(ink::strong).read(rest.substr(level + 1)), indent_, indent_);
    else if (rest.starts_with("---") && rest.find_first_not_of("- ") == std::string_view::npos)
      out_.push_back({{{spaces(indent_), ink::plain}, {rule(), ink::dim}}});
    else if (rest.starts_with("> "))
      quote(rest.substr(2));
    else if (auto mark = list_mark(rest); mark > 0)
      item(static_cast<int>(shift), rest, mark);
    else if (rest.starts_with("|"))
      code(text); // a table keeps its columns
    else
      add(inline_reader(ink::plain).read(rest), indent_, indent_);
  }
  void fence(std::string_view rest) {
    fenced_ = !fenced_;
    difference_ = fenced_ && (rest.ends_with("diff") || rest.ends_with("patch"));
  }
  /// Code is not broken between words: what does not fit goes on in the next line.
  void code(const std::string& text) {
    auto as = difference_ && text.starts_with("+")   ? ink::added
              : difference_ && text.starts_with("-") ? ink::removed
              : difference_ && text.starts_with("@") ? ink::dim
                                                     : ink::code;
    std::string_view rest = text;
    do {
      auto size = std::max(fitting(rest, columns_ - indent_ - 2), rest.empty() ? 0 : character_after(rest, 0));
      out_.push_back({{{spaces(indent_ + 2), ink::plain}, {std::string(rest.substr(0, size)), as}}});
      rest.remove_prefix(size);
    } while (!rest.empty());
  }
  void blank() {
    if (!out_.empty() && !out_.back().spans.empty())
      out_.emplace_back();
  }
  void quote(std::string_view text) {
    for (auto& l : wrap_spans(inline_reader(ink::dim).read(text), columns_ - indent_ - 2, 0, 0)) {
      l.spans.insert(l.spans.begin(), {spaces(indent_) + "│ ", ink::dim});
      out_.push_back(std::move(l));
    }
  }
  void item(int shift, std::string_view rest, std::size_t mark) {
    auto spans = inline_reader(ink::plain).read(rest.substr(mark));
    auto sign = std::string(rest.substr(0, mark));
    if (mark == 2)
      sign = "· ";
    spans.insert(spans.begin(), {sign, ink::accent});
    auto at = indent_ + std::min(shift, columns_ / 3);
    add(spans, at, at + static_cast<int>(mark));
  }
  void add(const std::vector<span>& spans, int first, int rest) {
    for (auto& l : wrap_spans(spans, columns_, first, rest))
      out_.push_back(std::move(l));
  }
  [[nodiscard]] std::string rule() const {
    std::string out;
    for (int i = 0; i < std::min(columns_ - indent_, 24); ++i)
      out += "─";
    return out;
  }
  int columns_, indent_;
  bool fenced_ = false, difference_ = false;
  std::vector<line> out_;
};

} // namespace

std::vector<line> wrap_spans(const std::vector<span>& spans, int columns, int first, int rest) {
  std::vector<line> out;
  int used = 0;
  auto open = [&](int indent) {
    out.emplace_back();
    used = std::min(indent, std::max(columns - 4, 0));
    if (used > 0)
      out.back().spans.push_back({spaces(used), ink::plain});
  };
  auto put = [&](std::string_view text, const span& like) {
    auto& line_spans = out.back().spans;
    if (!line_spans.empty() && line_spans.back().as == like.as && line_spans.back().link == like.link)
      line_spans.back().text += text;
    else
      line_spans.push_back({std::string(text), like.as, like.link});
    used += width(text);
  };
  open(first);
  int margin = used;
  for (const auto& s : spans)
    for (std::string_view text = s.text; !text.empty();) {
      auto gap = leading_spaces(text);
      auto word = text.substr(gap, std::min(text.find(' ', gap), text.size()) - gap);
      if (used + static_cast<int>(gap) + width(word) > columns && used > margin) {
        open(rest);
        margin = used;
        gap = 0;
        text.remove_prefix(leading_spaces(text));
      }
      put(text.substr(0, gap), s);
      text.remove_prefix(gap);
      while (width(word) > std::max(columns - used, 1)) {
        auto size = std::max(fitting(word, columns - used), character_after(word, 0));
        put(word.substr(0, size), s);
        word.remove_prefix(size);
        text.remove_prefix(size);
        open(rest);
        margin = used;
      }
      put(word, s);
      text.remove_prefix(word.size());
    }
  return out;
}

std::vector<line> markdown_lines(std::string_view text, int columns, int indent) {
  return block_reader(columns, indent).read(text);
}

} // namespace troupe::view
