// A worker process of the simulated world: a small state machine that says and writes what runtime/worker says and
// writes, and lives on when its supervisor dies.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/disk.hpp"
#include "tests/simulation/link.hpp"

namespace troupe::simulation {

class world;

/// What runs in a worker for its session: an ACP agent or a shell job.
struct harness {
  enum class phase { none, opening, open, gone } at = phase::none;
  struct prompt {
    std::string key, text;
  };
  std::deque<prompt> queue;           ///< taken, not passed on yet
  std::optional<std::string> running; ///< the key of the turn that runs
  std::uint64_t refused = 0;          ///< the epoch of the credentials that were turned down: others are waited for
  std::vector<question> asked;
  std::map<std::string, std::string> settled; ///< question to who answered it
  std::vector<work_item> work;
  std::string failure; ///< evidence for `ended`
  bool signalled = false;
  std::int64_t status = 0;
};

class worker {
public:
  worker(world& around, worker_id id, std::int32_t pid, bool warm);

  // What the world does with it. Each is one step.
  void read(link_ptr from);         ///< the first message of a connection
  void see_close(const link_ptr&);  ///< a connection's other end has closed
  void go_on(std::uint32_t how);    ///< the harness does what it does next
  void end_tree();                  ///< the tree has ended: `ended`, and the socket closes
  void leave();                     ///< the process exits
  void die(const std::string& why); ///< killed, from outside
  void harness_dies();
  void attach();
  void detach();
  void declare_work();
  void end_work();
  void name_pull(const pull_request& x); ///< its agent's `gh` has printed the address, or its own has told the state

  [[nodiscard]] bool can_go_on() const; ///< the harness has something to do
  [[nodiscard]] bool tree_may_end() const { return alive && !over && (!end_reason.empty() || harness_gone); }
  [[nodiscard]] bool may_leave() const;
  /// Whether nothing of the session is at work or waited for.
  [[nodiscard]] bool at_rest() const;
  [[nodiscard]] bool holds(const session_id& s) const { return alive && locked && job && job->session == s; }
  [[nodiscard]] bool wants_supervisor() const { return alive && !hung && lonely && !supervisor && !over; }
  [[nodiscard]] bool attachable() const { return alive && !hung && job && started && !over; }

  worker_id id;
  process_identity process;
  std::string socket, version; ///< of the program on the disk when it was started
  bool warm, alive = true, hung = false, exit_known = false;
  std::string evidence;   ///< of its end
  bool leftovers = false; ///< it died and its harness's tree runs on (KEEP-8)
  std::vector<link_ptr> links;
  link_ptr supervisor;
  std::uint64_t epoch = 0;
  bool frozen = false; ///< what runs below it stands still (BEYOND-3)
  bool goodbye = false, lonely = false, ready = false, started = false, over = false;
  std::optional<assignment> job;
  std::string said; ///< by its shell job, last (VIEW-8)
  bool locked = false;
  std::uint32_t terminals = 0;
  bool turn = false;
  std::string end_reason;
  bool harness_gone = false;
  harness inside;
  std::vector<work_item> declared; ///< by programs inside (KEEP-2)
  std::int64_t last_event_at = 0;  ///< on the clock that does not jump

private:
  worker_answer hello(const link_ptr& from, const say_hello& x);
  worker_answer assign(const assign_worker& x);
  void start(const start_worker& x);
  worker_answer deliver(const deliver_reply& x);
  worker_answer answer(const give_answer& x);
  worker_answer freeze(const freeze_worker& x);
  worker_answer renew(const renew_worker& x);
  worker_answer note(const note_work& x);
  worker_answer end(const end_worker& x);
  void thaw(const std::string& why);

  std::uint64_t emit(event e);
  void emit(const char* what, std::string about = {}, std::string detail = {}, std::string text = {},
            std::int64_t value = 0);
  void open_transcript();
  void make_tree();
  void begin_prompts();
  void take_prompt(const std::string& key, const std::string& text);
  void pass_on();
  void run_turn(std::uint32_t how);
  void end_turn(const std::string& detail, const std::string& text);
  void run_job(std::uint32_t how);
  void tell_output();
  void ask();
  void show_work();
  void settle_questions(const std::string& by);
  [[nodiscard]] bool is_job() const { return job && job->spec.kind == "exec"; }

  world& around_;
  std::map<std::string, std::uint64_t> taken_;
  std::vector<harness::prompt> unsent_;
  std::uint64_t last_ = 0;
  std::uint32_t questions_ = 0, works_ = 0;
  std::map<std::string, answer_taken> answers_;
  std::set<std::string> ended_work_;
};

} // namespace troupe::simulation
