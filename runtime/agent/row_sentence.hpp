// What a turn came to, in a sentence for the session's row: written by a small model where `native.sentenceModel` names
// one (VIEW-8). Nothing waits for it, and where it fails the session's own last words stay.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/agent/provider.hpp"

namespace troupe::agent {

class row_sentence : public step_sink {
public:
  /// `session` is read anew each time and outlives it. `told`: the sentence; `spent`: what it has cost. From the loop.
  row_sentence(event_loop& events, http_client& http, const session_setup& session,
               std::function<void(const std::string&)> told, std::function<void(const token_usage&)> spent);
  /// Asks about the conversation's latest turn. Without effect when no model is named or the session asks none.
  void ask(const std::vector<message>& conversation);
  /// Another turn begins, or the session ends: nobody wants it any more.
  void drop();

  void text(std::string_view more) override { said_ += more; }
  void thought(std::string_view) override {}
  void proof(std::string, bool) override {}
  void call(std::string, std::string, json) override {} // none is offered
  void used(const token_usage& usage) override { usage_ = usage; }
  void note(const std::string&) override {}
  void finish(step_end how) override;
  void fail(const std::string&) override { asking_ = false; }
  void when_drained(event_loop::task next) override { events_.defer(std::move(next)); }

private:
  event_loop& events_;
  http_client& http_;
  const session_setup& session_;
  std::function<void(const std::string&)> told_;
  std::function<void(const token_usage&)> spent_;
  session_setup setup_; ///< the session's with that model
  std::unique_ptr<provider> model_;
  std::vector<message> asked_;
  std::vector<tool_offer> no_tools_;
  std::string said_;
  token_usage usage_;
  bool asking_ = false;
};

/// The request: what was wanted, and what was said last, each cut to what a sentence needs. Pure; empty where nothing
/// was said.
std::string sentence_request(const std::vector<message>& conversation);
/// The first line of what a model has said, without quotes and at most 160 bytes, cut between characters.
std::string one_sentence(std::string said);

} // namespace troupe::agent
