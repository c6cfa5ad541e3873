// A program that runs Troupe inside: a shell job in a worker, and an agent of its own that asks before it acts.
#include <cstdlib>
#include <iostream>
#include <memory>

#include <troupe.hpp>

namespace embed = troupe::embed;
using namespace std::chrono_literals;

namespace {

class greeter : public embed::agent {
public:
  embed::result<std::string> initialize(const embed::beginning&, embed::conversation way) override {
    way_ = std::make_unique<embed::conversation>(std::move(way));
    return std::string();
  }
  void prompt(embed::turn now) override {
    auto answer = way_->ask("Greet " + now.prompt() + "?", {{"Yes", "allow_once"}, {"No", "reject_once"}}, 60s);
    if (answer && answer->kind == "allow_once")
      way_->text("Hello, " + now.prompt() + "!");
    now.end();
  }

private:
  std::unique_ptr<embed::conversation> way_;
};

int fault(const char* what, const embed::error& why) {
  std::cerr << what << ": " << why.text << '\n';
  return 1;
}

int run(const std::string& directory) {
  embed::options how;
  how.directory = directory;
  how.agents["greeter"] = [] { return std::make_unique<greeter>(); };
  auto started = embed::runtime::start(std::move(how));
  if (!started)
    return fault("start", started.error());
  auto& troupe = **started;

  embed::dispatch job;
  job.kind = "exec";
  job.command = {"/bin/sh", "-c", "exit 7"};
  job.cwd = "/tmp";
  auto first = troupe.dispatch(job);
  if (!first)
    return fault("dispatch", first.error());

  embed::dispatch greeting;
  greeting.harness = "greeter";
  greeting.prompt = "World";
  greeting.cwd = "/tmp";
  auto second = troupe.dispatch(greeting);
  if (!second)
    return fault("dispatch", second.error());
  if (auto asked = troupe.wait({second->id}, 20s); !asked || asked->front().state != "blocked")
    return fault("wait", asked ? embed::error{} : asked.error());
  if (auto answered = troupe.answer(second->id, "allow_once"); !answered)
    return fault("answer", answered.error());

  auto ended = troupe.wait({first->id}, 20s);
  if (!ended || ended->front().exit_status != 7)
    return fault("wait", ended ? embed::error{} : ended.error());
  auto said = troupe.follow(second->id);
  for (auto e = (*said)->next(20s); e; e = (*said)->next(20s)) {
    if (e->what == "text")
      std::cout << e->text << std::endl;
    if (e->what == "turn_ended")
      break;
  }
  if (auto why = troupe.end(embed::workers::stop))
    return fault("end", why);
  return 0;
}

} // namespace

int main() {
  char folder[] = "/tmp/embeds-troupe-XXXXXX";
  if (::mkdtemp(folder) == nullptr)
    return 1;
  int status = run(folder);
  std::system(("rm -rf " + std::string(folder)).c_str());
  return status;
}
