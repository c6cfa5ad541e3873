// What a command takes on its line. CLI11 reads it; its header stands behind this one, because it makes its checks anew
// in every source that includes it, which cost a twelfth of the client's start.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace troupe {

using arguments = std::vector<std::string>; ///< without the command's own name

/// What a command takes, as its own description has it: for completion, and for the tests that hold help and man page
/// against it (CLI-4).
struct described_option {
  std::vector<std::string> names; ///< with their dashes
  std::string text;
  bool takes_value = false;
};
struct described_command {
  std::string name; ///< empty: troupe itself
  std::string summary, example;
  std::vector<described_option> options;
  std::vector<std::string> words; ///< of its arguments, as ID
  std::vector<described_command> below{};
};

class argument_parser {
public:
  /// One option or word; each function gives it back.
  class option {
  public:
    explicit option(CLI::Option& of) : of_(&of) {}
    option& required();
    option& hidden();    ///< neither in the help nor in completions
    option& one_value(); ///< a list that takes one value each time it is named, so that a word may follow

  private:
    CLI::Option* of_;
  };

  /// `name` as it is typed, for instance "troupe agents".
  argument_parser(const std::string& description, const std::string& name);
  ~argument_parser();
  argument_parser(const argument_parser&) = delete;
  argument_parser& operator=(const argument_parser&) = delete;

  /// `names` with their dashes, "-q,--quiet". What is read is put into `into`, which must outlive the parser.
  option add_flag(const std::string& names, bool& into, const std::string& text);
  /// The same with a value; without dashes a word, "ID".
  option add_option(const std::string& names, std::string& into, const std::string& text);
  option add_option(const std::string& names, std::vector<std::string>& into, const std::string& text);
  option add_option(const std::string& names, std::size_t& into, const std::string& text);
  option add_option(const std::string& names, double& into, const std::string& text);

  /// A word with options of its own, of which one must be given. Lives as long as this.
  argument_parser& add_subcommand(const std::string& name, const std::string& description);
  /// What a subcommand does not know is looked for above it.
  void fallthrough();
  /// Whether this subcommand was given.
  bool parsed() const;

private:
  friend bool read_arguments(argument_parser&, const arguments&, const std::string&, int&);
  explicit argument_parser(CLI::App& below);

  std::unique_ptr<CLI::App> own_;
  CLI::App* app_;
  std::vector<std::unique_ptr<argument_parser>> below_;
};

/// Reads `args` into what `app` was told of. True: go on. False: `code` is the exit status, and help or one line about
/// the fault, with the nearest right option, has been printed.
bool read_arguments(argument_parser& app, const arguments& args, const std::string& example, int& code);

/// What the command takes that `run` is: it gets as far as its `read_arguments`, which reads nothing this time.
described_command describe(const std::function<void()>& run);

} // namespace troupe
