// A conversation as blocks that are drawn once and drawn again only when they change: what streams in costs its own
// block. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "actors/agent_view/screen.hpp"
#include "messages/session.hpp"

namespace troupe::view {

class transcript {
public:
  static constexpr std::size_t most_blocks = 4000; ///< older ones are dropped: `troupe logs` has them

  void take(const troupe::event& e);
  void set_columns(int columns);
  /// Tool calls and thoughts in full, or folded.
  void set_unfolded(bool unfolded);
  [[nodiscard]] bool unfolded() const { return unfolded_; }
  [[nodiscard]] std::size_t lines() const { return total_; }
  /// `count` lines from line `first` on.
  [[nodiscard]] std::vector<line> slice(std::size_t first, std::size_t count) const;
  /// What happened since all terminals were gone, in a sentence; empty: nothing, or nobody ever was there.
  [[nodiscard]] std::string recap() const;
  [[nodiscard]] const std::vector<std::string>& prompts() const { return prompts_; }
  [[nodiscard]] bool turn_runs() const { return turn_; }
  [[nodiscard]] wall_ms turn_since() const { return turn_since_; }
  [[nodiscard]] std::uint64_t last() const { return last_; }

private:
  struct block {
    enum kind_ { user, agent, thought, tool, asked, answered, remark, fault } kind;
    std::string id, text, status;
    std::vector<line> drawn;
    bool fresh = false; ///< `drawn` is what the text says
  };
  void add(block::kind_ kind, const std::string& text, const std::string& id = {}, const std::string& status = {});
  void on_text(const troupe::event& e);
  void on_tool(const troupe::event& e);
  void draw(std::size_t at);
  void draw_all();
  [[nodiscard]] std::vector<line> lines_of(std::size_t at) const;
  [[nodiscard]] bool folded_away(std::size_t at) const;
  std::deque<block> blocks_;
  std::map<std::string, std::size_t> tools_; ///< number of the block, counted from the very first
  std::size_t dropped_ = 0, total_ = 0;
  std::vector<std::string> prompts_;
  std::map<std::string, std::string> taken_; ///< prompts by key, until they are sent
  int columns_ = 80;
  bool unfolded_ = false, turn_ = false, new_turn_ = false, away_ = false, was_there_ = false;
  wall_ms turn_since_ = 0;
  std::uint64_t last_ = 0;
  struct {
    int turns = 0, tools = 0, questions = 0, prompts = 0;
  } meanwhile_;
};

} // namespace troupe::view
