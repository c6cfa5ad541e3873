// Where a session works.
#include "runtime/worker/isolation.hpp"

#include <sys/stat.h>

#include "messages/json.hpp"
#include "runtime/worker/acp/acp_wire.hpp"
#include "runtime/worktree/plan.hpp"

namespace troupe {

namespace {

constexpr std::chrono::seconds making_patience{300}; ///< a checkout of a very large repository
constexpr std::chrono::seconds asking_patience{20}, asking_pause{60};

bool is_there(const worktree& tree) {
  struct stat what {};
  return tree.inode != 0 && ::lstat(tree.path.c_str(), &what) == 0 && S_ISDIR(what.st_mode) &&
         what.st_dev == tree.device && what.st_ino == tree.inode;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

void isolation::plan(const assignment& job) {
  session_ = job.session.value;
  folder_ = job.directory;
  cwd_ = job.spec.cwd;
  env_ = session_environment(job, false);
  auto how = json::parse(job.isolation, nullptr, false);
  if (how.is_object()) {
    hook_ = optional_text(how, "createHook");
    asks_ = optional_flag(how, "askPulls", true);
  }
  tree_ = job.tree;
  if (is_there(tree_))
    return;
  tree_.device = tree_.inode = 0;
  if (tree_.path.empty() && how.is_object())
    tree_ = plan_worktree(cwd_, worktree_name(session_, job.spec.name), !hook_.empty()).tree;
  pending_ = !tree_.path.empty(); // one that an earlier run had is made again, whatever the settings say now
}

void isolation::run(const char* verb, const std::string& input, std::chrono::seconds patience,
                    std::function<void(const program_answer&)> done) {
  spawn_request r;
  r.program = program_;
  r.arguments = {"troupe-worktree", verb};
  r.env = env_;
  r.cwd = "/";
  ask_program(loop_, children_, std::move(r), input, patience, std::move(done));
}

void isolation::make(std::function<void(const std::string&, const std::string&)> done) {
  auto input = to_line(
      {{"session", session_}, {"folder", bytes_to_json(folder_)}, {"worktree", to_json(tree_)}, {"hook", hook_}});
  run("make", input, making_patience, [this, done = std::move(done)](const program_answer& a) {
    pending_ = false;
    auto got = json::parse(a.out, nullptr, false);
    if (a.late || !a.fault.empty() || !got.is_object())
      return done("the worktree " + tree_.path + " was not made: " +
                      (a.late             ? "git did not end in time"
                       : !a.fault.empty() ? a.fault
                                          : first_line(a.err.empty() ? to_text(a.status) : a.err)) +
                      "\ncheck the installation: troupe doctor",
                  {});
    try {
      auto error = optional_text(got, "error"), note = optional_text(got, "note");
      if (got.contains("worktree")) {
        tree_ = worktree_from_json(got["worktree"]);
      } else if (error.empty()) {
        called_off_ = true;
        tree_ = {};
      }
      done(error, note);
    } catch (const std::exception& e) {
      done(std::string("troupe-worktree's answer cannot be used: ") + e.what() +
               "\ncheck the installation: troupe doctor",
           {});
    }
  });
}

void isolation::ask_pulls(std::function<void(const pull_request&)> told) {
  auto now = std::chrono::steady_clock::now();
  if (!asks_ || tree_.branch.empty() || pending_ ||
      (asked_.time_since_epoch().count() != 0 && now < asked_ + asking_pause))
    return;
  asked_ = now;
  run("pulls", to_line({{"path", bytes_to_json(tree_.path)}}), asking_patience,
      [told = std::move(told)](const program_answer& a) {
        event e;
        e.data = a.out;
        if (auto found = pull_request_in(e); found.number != 0)
          told(found);
      });
}

} // namespace troupe
