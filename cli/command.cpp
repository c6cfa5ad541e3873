// What all commands share.
#include "cli/command.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace troupe {

namespace {

/// The option that was meant by an unknown one.
std::string nearest_option(const CLI::App& app, const std::string& typed) {
  std::vector<std::string> words;
  for (const auto* o : app.get_options())
    for (const auto& name : o->get_lnames())
      words.push_back("--" + name);
  return nearest_word(typed, words);
}

/// Where a command's description goes while it is asked for one instead of being run.
described_command* description = nullptr;

described_command described(const CLI::App& app) {
  described_command out{app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}};
  for (const auto* o : app.get_options()) {
    if (o->get_group().empty())
      continue;
    if (o->get_positional()) {
      out.words.push_back(o->get_name(true));
      continue;
    }
    described_option one{{}, o->get_description(), o->get_items_expected_max() > 0};
    for (const auto& name : o->get_snames())
      one.names.push_back("-" + name);
    for (const auto& name : o->get_lnames())
      one.names.push_back("--" + name);
    out.options.push_back(std::move(one));
  }
  for (const auto* below : app.get_subcommands({}))
    out.below.push_back(described(*below));
  return out;
}

} // namespace

std::vector<described_command> describe_commands() {
  std::vector<described_command> out;
  auto ask = [&](const std::string& name, const std::string& summary, auto run) {
    described_command one;
    description = &one;
    run(arguments{});
    description = nullptr;
    one.name = name;
    if (!summary.empty())
      one.summary = summary;
    out.push_back(std::move(one));
  };
  ask("", "", run_bg);
  for (const auto& c : commands())
    ask(c.name, c.summary, c.run);
  return out;
}

bool read_arguments(CLI::App& app, const arguments& args, const std::string& example, int& code) {
  auto name = app.get_name();
  app.footer("example: " + example);
  for (auto* below : app.get_subcommands({}))
    if (below->get_footer().empty())
      below->footer("example: " + name + " " + below->get_name());
  if (description != nullptr) {
    *description = described(app);
    return false;
  }
  arguments reversed(args.rbegin(), args.rend());
  try {
    app.parse(reversed);
    return true;
  } catch (const CLI::CallForHelp&) {
    print(app.help());
    code = exit_ok;
  } catch (const CLI::ExtrasError&) {
    auto extra = app.remaining().empty() ? std::string() : app.remaining().front();
    for (const auto& a : args)
      if (a.starts_with("-") && a != "--" && extra.empty())
        extra = a;
    auto near = nearest_option(app, extra);
    code = fail_usage(name + ": " + (extra.starts_with("-") ? "unknown option: " : "one word too many: ") + extra,
                      near.empty() ? "see: " + name + " --help" : "did you mean " + near + "?");
  } catch (const CLI::ParseError& e) {
    code = fail_usage(name + ": " + e.what(), "for example: " + example);
  }
  return false;
}

bool reach(client& c, bool start) {
  failure error;
  if (c.connect(start, error))
    return true;
  fail(error);
  return false;
}

std::optional<json> ask_or_say(client& c, const std::string& method, const json& params, bool surely) {
  failure error;
  auto result = surely ? c.ask_surely(method, params, error) : c.ask(method, params, error);
  if (!result)
    fail(error);
  return result;
}

int become_view(const arguments& args) {
  char self[PATH_MAX];
  auto n = ::readlink("/proc/self/exe", self, sizeof self);
  auto program = own_program("troupe-view");
  arguments words{"troupe-view", "--client", std::string(self, static_cast<std::size_t>(std::max<ssize_t>(n, 0)))};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> list;
  for (auto& w : words)
    list.push_back(w.data());
  list.push_back(nullptr);
  ::execv(program.c_str(), list.data());
  return fail({errc::not_started, "the view cannot be started: " + program + ": " + std::strerror(errno) +
                                      "\ninstall it beside troupe, or list sessions: troupe agents --list"});
}

std::string settings_argument(const std::string& given) {
  char real[PATH_MAX];
  if (given.starts_with("{") || !::realpath(given.c_str(), real))
    return given;
  return real;
}

std::string read_input() {
  std::string out;
  char block[65536];
  for (;;) {
    auto n = ::read(STDIN_FILENO, block, sizeof block);
    if (n <= 0)
      return out;
    out.append(block, static_cast<std::size_t>(n));
  }
}

} // namespace troupe
