// The repository on the real system.
#include "runtime/services/repository.hpp"

#include "messages/json.hpp"
#include "runtime/services/ask_on_loop.hpp"
#include "runtime/services/gh_environment.hpp"

namespace troupe {

namespace {

constexpr std::chrono::seconds patience{55}; ///< less than whoever asks has (deadline::repository)
constexpr std::chrono::seconds asking_patience{20};

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

template <class T, class Read>
void worktree_keeper::run(const order& what, answer<T> done, Read read) {
  spawn_request r;
  r.program = setup_.program;
  r.arguments = {"troupe-worktree", what.verb};
  r.env = what.env;
  r.cwd = "/";
  auto told = [done = std::move(done), read, verb = what.verb, late = what.late, remedy = what.remedy,
               log = setup_.log](const program_answer& a) {
    try {
      if (a.late || !a.fault.empty() || !a.status.known || a.status.signalled || a.status.value != 0)
        throw std::runtime_error(a.late             ? std::string(late) + " did not end in time"
                                 : !a.fault.empty() ? a.fault
                                                    : first_line(a.err));
      T got = read(json::parse(a.out));
      done(&got, {});
    } catch (const std::exception& e) {
      log(std::string("event=worktree_failed verb=") + verb +
          " why=" + json(e.what()).dump(-1, ' ', true, json::error_handler_t::replace));
      done(nullptr, {errc::disk, std::string(e.what()) + "\n" + remedy});
    }
  };
  ask_program(loop_, children_, std::move(r), what.input, what.patience, std::move(told));
}

worktree_keeper::order worktree_keeper::with_git(const char* verb, std::string input) const {
  return {verb, std::move(input), setup_.env, patience, "git", "try again, or look at it with git"};
}

void worktree_keeper::inspect(const inspect_worktree& x, answer<losses> done) {
  run<losses>(with_git("inspect", to_line({{"worktree", to_json(x.tree)}})), std::move(done), losses_from_json);
}

void worktree_keeper::remove(const remove_worktree& x, answer<worktree_removed> done) {
  auto hook = x.tree.branch.empty() ? setup_.remove_hook(x.tree.repository) : std::string();
  auto input = to_line({{"worktree", to_json(x.tree)}, {"force", x.force}, {"hook", hook}});
  run<worktree_removed>(with_git("remove", std::move(input)), std::move(done), [](const json& got) {
    return worktree_removed{optional_flag(got, "removed", false), optional_text(got, "why"),
                            optional_text(got, "branch"), optional_text(got, "snapshot"),
                            optional_text(got, "ignored")};
  });
}

/// PR-1: whatever address `gh` gives, the answer is about the one that was asked for.
void worktree_keeper::ask(const ask_pull& x, answer<pull_request> done) {
  auto env = gh_environment(x.env, x.folders);
  order what{"pull", to_line({{"url", bytes_to_json(x.url)}}), env, asking_patience, "gh", "try it: gh auth status"};
  run<pull_request>(what, std::move(done), [url = x.url](const json& got) {
    if (auto why = optional_text(got, "error"); !why.empty())
      throw std::runtime_error(why);
    event told;
    told.data = to_line(got);
    auto out = pull_request_in(told);
    if (out.number == 0)
      throw std::runtime_error("troupe-worktree's answer cannot be used");
    out.url = url;
    return out;
  });
}

real_repository::behavior_type make_repository(real_repository::pointer self, asio::io_context* loop,
                                               std::shared_ptr<worktree_keeper> behind) {
  return {
      [=](inspect_worktree& x) {
        return ask_on_loop<losses, real_repository>(self, *loop, [behind, x](auto done) { behind->inspect(x, done); });
      },
      [=](remove_worktree& x) {
        return ask_on_loop<worktree_removed, real_repository>(self, *loop,
                                                              [behind, x](auto done) { behind->remove(x, done); });
      },
      [=](ask_pull& x) {
        return ask_on_loop<pull_request, real_repository>(self, *loop,
                                                          [behind, x](auto done) { behind->ask(x, done); });
      },
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
