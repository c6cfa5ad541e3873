// The repository on the real system.
#include "runtime/services/repository.hpp"

#include "messages/json.hpp"
#include "runtime/services/ask_on_loop.hpp"

namespace troupe {

namespace {

constexpr std::chrono::seconds patience{55}; ///< less than whoever asks has (deadline::repository)

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

template <class T, class Read>
void worktree_keeper::run(const char* verb, const std::string& input, answer<T> done, Read read) {
  spawn_request r;
  r.program = setup_.program;
  r.arguments = {"troupe-worktree", verb};
  r.env = setup_.env;
  r.cwd = "/";
  auto log = setup_.log;
  ask_program(loop_, children_, std::move(r), input, patience,
              [done = std::move(done), read, verb, log](const program_answer& a) {
                try {
                  if (a.late || !a.fault.empty() || !a.status.known || a.status.signalled || a.status.value != 0)
                    throw std::runtime_error(a.late             ? "git did not end in time"
                                             : !a.fault.empty() ? a.fault
                                                                : first_line(a.err));
                  T got = read(json::parse(a.out));
                  done(&got, {});
                } catch (const std::exception& e) {
                  log(std::string("event=worktree_failed verb=") + verb +
                      " why=" + json(e.what()).dump(-1, ' ', true, json::error_handler_t::replace));
                  done(nullptr, {errc::disk, std::string(e.what()) + "\ntry again, or look at it with git"});
                }
              });
}

void worktree_keeper::inspect(const inspect_worktree& x, answer<losses> done) {
  run<losses>("inspect", to_line({{"worktree", to_json(x.tree)}}), std::move(done), losses_from_json);
}

void worktree_keeper::remove(const remove_worktree& x, answer<worktree_removed> done) {
  auto hook = x.tree.branch.empty() ? setup_.remove_hook(x.tree.repository) : std::string();
  auto input = to_line({{"worktree", to_json(x.tree)}, {"force", x.force}, {"hook", hook}});
  run<worktree_removed>("remove", input, std::move(done), [](const json& got) {
    return worktree_removed{optional_flag(got, "removed", false), optional_text(got, "why"),
                            optional_text(got, "branch"), optional_text(got, "snapshot")};
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
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
