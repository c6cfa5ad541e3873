// A terminal attached to a conversation, put together: one loop, on which the machine, its terminal, the supervisor and
// the session's worker meet.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "actors/conversation_view/machine.hpp"
#include "actors/conversation_view/speech.hpp"
#include "cli/view/stage.hpp"
#include "cli/view/supervisor_link.hpp"
#include "cli/view/view_settings.hpp"
#include "cli/view/worker_link.hpp"

namespace troupe {

struct conversation_setup {
  paths where;
  view::conversation_config config;
  view_settings settings;
  std::string client; ///< the program `troupe`
};

class conversation_program {
public:
  explicit conversation_program(conversation_setup setup);
  /// Until it is left; the exit status.
  int run();
  /// It was left for the view.
  [[nodiscard]] bool to_view() const { return to_view_; }

private:
  void take(const view::conversation_event& e);
  void speak_of(const view::conversation_event& e);
  void terminal_event(view::event e);
  void supervisor_event(view::event e);
  void about_session(const view::session& now);
  void carry_out(const view::conversation_intent& wanted);
  /// `told`: the field of the answer that the machine is told.
  void ask(const view::conversation_intent& w, const std::string& method, json params, const char* told = "outcome");
  void seek(bool wake);
  void found(const json& place);
  void read_transcript(const std::string& directory);
  void worker_lost();
  void leave(const std::string& word);
  void end_foreground();
  conversation_setup setup_;
  asio::io_context loop_;
  view::conversation machine_;
  stage stage_;
  std::optional<supervisor_link> link_;
  std::shared_ptr<worker_link> worker_;
  asio::steady_timer again_;
  view::speech speech_;
  std::string noticed_; ///< what was told of the footer
  bool told_gone_ = false, heard_before_ = false;
  std::string last_words_;
  bool seeking_ = false, woken_ = false, to_view_ = false, backgrounded_ = false;
};

} // namespace troupe
