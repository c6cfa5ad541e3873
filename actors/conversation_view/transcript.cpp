// A conversation as blocks.
#include "actors/conversation_view/transcript.hpp"

#include <algorithm>

#include "actors/agent_view/text.hpp"
#include "actors/conversation_view/markdown.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr int margin = 2;
constexpr std::size_t tools_shown = 3; ///< of several in a row, the last ones

std::vector<line> marked(const std::string& mark, ink mark_ink, const std::string& text, ink as, int columns) {
  std::vector<line> out;
  for (std::size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    std::string safe;
    for (char c : text.substr(at, end - at))
      safe += c == '\t' ? "    " : std::string(1, c);
    for (auto& l : wrap_spans({{visible(safe), as}}, columns, margin, margin))
      out.push_back(std::move(l));
    at = end + 1;
  }
  auto& first = out.front().spans;
  if (!first.empty())
    first.front().text.erase(0, margin); // where the mark goes
  first.insert(first.begin(), {mark, mark_ink});
  return out;
}

std::string sign_of(const std::string& status) {
  return status == "completed" ? "✓ " : status == "failed" ? "✗ " : status == "cancelled" ? "■ " : "✻ ";
}

ink ink_of(const std::string& status) {
  return status == "completed"   ? ink::good
         : status == "failed"    ? ink::bad
         : status == "cancelled" ? ink::off
                                 : ink::working;
}

std::string counted(int n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

} // namespace

void transcript::add(block::kind_ kind, const std::string& text, const std::string& id, const std::string& status) {
  blocks_.push_back({kind, id, text, status, {}, false});
  if (kind == block::tool && !id.empty())
    tools_[id] = dropped_ + blocks_.size() - 1;
  if (blocks_.size() > most_blocks) {
    total_ -= blocks_.front().drawn.size();
    blocks_.pop_front();
    ++dropped_;
  }
  draw(blocks_.size() - 1);
  for (auto at = blocks_.size() - 1;
       kind == block::tool && at > 0 && blocks_[at - 1].kind == block::tool && blocks_.size() - at <= tools_shown + 1;)
    draw(--at); // those before it may fold now
}

void transcript::draw(std::size_t at) {
  auto& b = blocks_[at];
  total_ -= b.drawn.size();
  b.drawn = lines_of(at);
  b.fresh = true;
  total_ += b.drawn.size();
}

void transcript::draw_all() {
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    draw(i);
}

/// Of several tool calls in a row only the last ones are shown, unless one runs or has failed.
bool transcript::folded_away(std::size_t at) const {
  if (unfolded_ || blocks_[at].kind != block::tool || blocks_[at].status != "completed")
    return false;
  std::size_t behind = 0;
  for (auto i = at + 1; i < blocks_.size() && blocks_[i].kind == block::tool && behind < tools_shown; ++i)
    ++behind;
  return behind >= tools_shown;
}

std::vector<line> transcript::lines_of(std::size_t at) const {
  const auto& b = blocks_[at];
  std::vector<line> out;
  bool first_tool = b.kind == block::tool && (at == 0 || blocks_[at - 1].kind != block::tool);
  switch (b.kind) {
  case block::user:
    out = marked("› ", ink::accent, b.text, ink::strong, columns_);
    break;
  case block::agent:
    out = markdown_lines(b.text, columns_, margin);
    break;
  case block::thought:
    out = marked("  ", ink::dim, unfolded_ ? b.text : "thinking: " + clip(visible_line(b.text), columns_ - 14),
                 ink::dim, columns_);
    break;
  case block::tool:
    if (folded_away(at))
      return first_tool ? std::vector<line>{{}, {{{"  … earlier tool calls · Ctrl+O shows them", ink::dim}}}}
                        : std::vector<line>{};
    out.push_back({{{"  " + sign_of(b.status), ink_of(b.status)},
                    {clip(visible_line(b.text), columns_ - 5), b.status == "failed" ? ink::bad : ink::dim}}});
    break;
  case block::asked:
    out = marked("? ", ink::waiting, b.text, ink::plain, columns_);
    break;
  case block::answered:
    out = marked("  ", ink::dim, "→ " + b.text, ink::dim, columns_);
    break;
  case block::remark:
    out = marked("  ", ink::dim, b.text, ink::dim, columns_);
    break;
  case block::fault:
    out = marked("✗ ", ink::bad, b.text, ink::bad, columns_);
    break;
  }
  bool close = b.kind == block::answered || (b.kind == block::tool && !first_tool);
  if (at > 0 && !close)
    out.insert(out.begin(), line{});
  return out;
}

void transcript::on_text(const troupe::event& e) {
  auto kind = e.detail == "thought" ? block::thought : e.detail == "user" ? block::user : block::agent;
  if (e.detail == "user" && std::find(prompts_.begin(), prompts_.end(), e.text) != prompts_.end())
    return; // stands there as taken
  bool goes_on = !std::exchange(new_turn_, false) && kind != block::user;
  if (!blocks_.empty() && blocks_.back().kind == kind && goes_on) {
    blocks_.back().text += e.text;
    draw(blocks_.size() - 1);
  } else {
    add(kind, e.text);
  }
}

void transcript::on_tool(const troupe::event& e) {
  auto known = tools_.find(e.id);
  if (known == tools_.end() || known->second < dropped_) {
    ++meanwhile_.tools;
    add(block::tool, e.text.empty() ? e.id : e.text, e.id, e.detail);
    return;
  }
  auto at = known->second - dropped_;
  auto& b = blocks_[at];
  if (!e.text.empty())
    b.text = e.text;
  b.status = e.detail;
  draw(at);
}

void transcript::take(const troupe::event& e) {
  if (e.n <= last_ && e.n != 0)
    return;
  last_ = std::max(last_, e.n);
  if (e.what == "taken") {
    ++meanwhile_.prompts;
    prompts_.push_back(e.text);
    add(block::user, e.text);
  } else if (e.what == "sent") {
    turn_ = new_turn_ = true;
    turn_since_ = e.t;
  } else if (e.what == "text") {
    on_text(e);
  } else if (e.what == "tool") {
    on_tool(e);
  } else if (e.what == "question") {
    ++meanwhile_.questions;
    add(block::asked, e.text, e.id);
  } else if (e.what == "answered") {
    add(block::answered, e.text + (e.detail.empty() ? "" : " · by " + e.detail));
  } else if (e.what == "turn_ended") {
    turn_ = false;
    ++meanwhile_.turns;
    if (!e.text.empty())
      add(block::fault, e.text);
    else if (e.detail == "cancelled")
      add(block::remark, "interrupted");
    else if (e.detail != "end_turn" && !e.detail.empty())
      add(block::remark, "the turn ended: " + e.detail);
  } else if (e.what == "ended") {
    turn_ = false;
    if (!e.text.empty() && e.detail != "exited")
      add(block::remark, "its process ended: " + e.detail + ": " + e.text);
  } else if (e.what == "note") {
    add(block::remark, e.text);
  } else if (e.what == "attached") {
    away_ = e.value == 0;
    if (e.value == 0)
      meanwhile_ = {};
    was_there_ = true;
  }
}

std::string transcript::recap() const {
  if (!was_there_ || !away_)
    return {};
  std::string out;
  auto add = [&](int n, const char* what) {
    if (n > 0)
      out += (out.empty() ? "" : ", ") + counted(n, what);
  };
  add(meanwhile_.turns, "turn");
  add(meanwhile_.tools, "tool call");
  add(meanwhile_.questions, "question");
  return out.empty() ? out : "meanwhile: " + out;
}

void transcript::set_columns(int columns) {
  auto before = std::exchange(columns_, std::max(columns, 10));
  if (before != columns_)
    draw_all();
}

void transcript::set_unfolded(bool unfolded) {
  unfolded_ = unfolded;
  draw_all();
}

std::vector<line> transcript::slice(std::size_t first, std::size_t count) const {
  std::vector<line> out;
  std::size_t behind = total_ > first ? total_ - first : 0; // lines from `first` to the end
  std::size_t at = blocks_.size(), seen = 0;
  while (at > 0 && seen < behind)
    seen += blocks_[--at].drawn.size();
  auto skip = seen - std::min(seen, behind);
  for (; at < blocks_.size() && out.size() < count; ++at)
    for (const auto& l : blocks_[at].drawn) {
      if (skip > 0) {
        --skip;
        continue;
      }
      if (out.size() == count)
        break;
      out.push_back(l);
    }
  return out;
}

} // namespace troupe::view
