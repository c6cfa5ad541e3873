// What a command takes on its line, read by CLI11.
#include "cli/argument_parser.hpp"

#include <CLI/CLI.hpp>

#include "cli/output.hpp"

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

argument_parser::option& argument_parser::option::required() {
  of_->required();
  return *this;
}

argument_parser::option& argument_parser::option::hidden() {
  of_->group("");
  return *this;
}

argument_parser::option& argument_parser::option::one_value() {
  of_->allow_extra_args(false);
  return *this;
}

argument_parser::argument_parser(const std::string& description, const std::string& name)
    : own_(std::make_unique<CLI::App>(description, name)), app_(own_.get()) {}

argument_parser::argument_parser(CLI::App& below) : app_(&below) {}

argument_parser::~argument_parser() = default;

argument_parser::option argument_parser::add_flag(const std::string& names, bool& into, const std::string& text) {
  return option(*app_->add_flag(names, into, text));
}

argument_parser::option argument_parser::add_option(const std::string& names, std::string& into,
                                                    const std::string& text) {
  return option(*app_->add_option(names, into, text));
}

argument_parser::option argument_parser::add_option(const std::string& names, std::vector<std::string>& into,
                                                    const std::string& text) {
  return option(*app_->add_option(names, into, text));
}

argument_parser::option argument_parser::add_option(const std::string& names, std::size_t& into,
                                                    const std::string& text) {
  return option(*app_->add_option(names, into, text));
}

argument_parser::option argument_parser::add_option(const std::string& names, double& into, const std::string& text) {
  return option(*app_->add_option(names, into, text));
}

argument_parser& argument_parser::add_subcommand(const std::string& name, const std::string& description) {
  app_->require_subcommand(1);
  below_.push_back(std::unique_ptr<argument_parser>(new argument_parser(*app_->add_subcommand(name, description))));
  return *below_.back();
}

void argument_parser::fallthrough() {
  app_->fallthrough();
}

bool argument_parser::parsed() const {
  return app_->parsed();
}

bool read_arguments(argument_parser& parser, const arguments& args, const std::string& example, int& code) {
  auto& app = *parser.app_;
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

described_command describe(const std::function<void()>& run) {
  described_command out;
  description = &out;
  run();
  description = nullptr;
  return out;
}

} // namespace troupe
