// A sentence for the session's row.
#include "runtime/agent/row_sentence.hpp"

#include <algorithm>

#include "runtime/agent/model/choice.hpp"

namespace troupe::agent {
namespace {

constexpr std::size_t request_limit = 4000, sentence_limit = 160;
const std::string system_words =
    "You write one status line about what an assistant has done. At most twelve words, no quotes, no preamble.";

/// At most `limit` bytes, cut before a character rather than in it.
std::string cut(const std::string& text, std::size_t limit) {
  auto end = std::min(limit, text.size());
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

std::string words_of(const message& m) {
  std::string out;
  for (const auto& p : m.pieces)
    if (p.is == piece::kind::text)
      out += p.text;
  return out;
}

std::string sentence_model(const session_setup& setup) {
  const auto* native = field(setup.settings, "native");
  return native != nullptr ? text_field(*native, "sentenceModel").value_or("") : std::string();
}

} // namespace

std::string sentence_request(const std::vector<message>& conversation) {
  std::string wanted, said;
  for (auto m = conversation.rbegin(); m != conversation.rend() && wanted.empty(); ++m)
    if (m->from == message::role::user)
      wanted = words_of(*m);
    else if (m->from == message::role::assistant && said.empty())
      said = words_of(*m);
  if (said.empty())
    return {};
  return "The request was:\n" + cut(wanted, request_limit) + "\n\nThe assistant's last words were:\n" +
         cut(said, request_limit) + "\n\nSay in one sentence what came of it.";
}

std::string one_sentence(std::string said) {
  while (!said.empty() && (said.front() == '\n' || said.front() == ' ' || said.front() == '"'))
    said.erase(0, 1);
  said.resize(std::min(said.find('\n'), said.size()));
  while (!said.empty() && (said.back() == ' ' || said.back() == '"' || said.back() == '\r'))
    said.pop_back();
  return cut(said, sentence_limit);
}

row_sentence::row_sentence(event_loop& events, http_client& http, const session_setup& session,
                           std::function<void(const std::string&)> told, std::function<void(const token_usage&)> spent)
    : events_(events), http_(http), session_(session), told_(std::move(told)), spent_(std::move(spent)) {}

void row_sentence::ask(const std::vector<message>& conversation) {
  const auto model = sentence_model(session_);
  auto request = sentence_request(conversation);
  std::string none;
  if (model.empty() || request.empty() || asking_ || !is_model_provider(choose_provider(session_, none)))
    return;
  setup_ = session_;
  setup_.model = model;
  setup_.definition = json();
  if (!model_)
    model_ = make_provider(events_, http_, setup_);
  asked_ = {message{message::role::user, {{piece::kind::text, std::move(request), {}, {}, {}}}, {}, {}, {}, {}, false}};
  said_.clear();
  usage_ = {};
  asking_ = true;
  model_->begin_step({asked_, system_words, no_tools_}, *this);
}

void row_sentence::drop() {
  if (std::exchange(asking_, false))
    model_->cancel();
}

void row_sentence::finish(step_end) {
  asking_ = false;
  usage_.cost = cost_of(model_->facts(), usage_);
  spent_(usage_);
  if (auto sentence = one_sentence(said_); !sentence.empty())
    told_(sentence);
}

} // namespace troupe::agent
