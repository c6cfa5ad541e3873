// Completions in the shells themselves: bash, zsh and fish are asked what they offer (CLI-4). A shell that is not
// installed is skipped with a word.
#define CAF_SUITE completions
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "caf/test/unit_test.hpp"
#include "tests/process/shell.hpp"

using namespace troupe;
using troupe::test::all_commands;
using troupe::test::run;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> shells{"bash", "zsh", "fish"};

bool is_here(const std::string& shell) {
  for (const char* folder : {"/bin/", "/usr/bin/", "/usr/local/bin/"})
    if (fs::exists(folder + shell))
      return true;
  std::printf("COMPLETION SKIPPED: %s is not installed\n", shell.c_str());
  return false;
}

/// Each line that is to be completed, and what is offered for it.
using offers = std::map<std::string, std::set<std::string>>;

/// bash calls the function that the script registers, as it would at a Tab.
constexpr const char* bash_driver = R"(source "$1"
while IFS= read -r line; do
  echo "= $line"
  read -ra COMP_WORDS <<<"$line"
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  $(complete -p troupe | sed 's/.*-F \([^ ]*\) .*/\1/')
  printf '%s\n' "${COMPREPLY[@]}"
done <"$2"
exit 0
)";

/// zsh completes on a terminal only: an inner one has it, notes whatever its completion adds, and takes the next line.
constexpr const char* zsh_driver = R"(zmodload zsh/zpty || exit 3
export SCRIPT=$1 LINES_FILE=$2 OFFERS=$3 DUMP=$3.dump
setup=$3.setup
cat >$setup <<'END'
PROMPT=
autoload -Uz compinit && compinit -u -d $DUMP
source $SCRIPT
zstyle ':completion:*' insert-tab false
zstyle ':completion:*' completer _complete
compadd() {
  local -a hits
  if [[ " $* " != *' -'(O|A|D)' '* ]]; then
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- $hits >>$OFFERS
  fi
  builtin compadd "$@"
}
zle -C offer list-choices _main_complete
each-line() {
  local line
  for line in "${(@f)$(<$LINES_FILE)}"; do
    BUFFER=$line CURSOR=$#line
    print -r -- "= $line" >>$OFFERS
    zle offer
  done
  exit
}
zle -N each-line
bindkey '^X' each-line
END
zpty z zsh -f -i
zpty -w z "source $setup; print rea\dy"
zpty -r -m z said '*ready*' || exit 4
zpty -w -n z $'\x18'
while zpty -r z said; do :; done
cat $OFFERS
exit 0
)";

constexpr const char* fish_driver = R"(source $argv[1]
while read -l line
  echo "= $line"
  complete -C $line | string split -f1 \t
end <$argv[2]
exit 0
)";

/// What `shell` offers for those lines. `troupe` is found in PATH.
offers asked(const sandbox& s, const std::string& shell, const std::vector<std::string>& lines) {
  const auto base = s.root() + "/" + shell;
  std::string all;
  for (const auto& line : lines)
    all += line + "\n";
  spill(base + ".lines", all);
  spill(base + ".script", s.troupe({"completion", shell}).out);
  spill(base + ".driver", shell == "bash" ? bash_driver : shell == "zsh" ? zsh_driver : fish_driver);
  std::vector<std::string> words{"timeout", "60", shell};
  if (shell == "zsh")
    words.emplace_back("-f");
  else
    words.emplace_back(shell == "bash" ? "--norc" : "--no-config");
  words.insert(words.end(), {base + ".driver", base + ".script", base + ".lines", base + ".offers"});
  auto got =
      run(s, words, {{"PATH", s.programs() + ":/usr/local/bin:/usr/bin:/bin"}, {"HOME", s.root()}, {"TERM", "dumb"}});
  CAF_REQUIRE_EQUAL(got.status == 0 ? "" : shell + ": " + got.out, "");
  offers out;
  std::istringstream in(got.out);
  std::string line, now;
  while (std::getline(in, line))
    if (line.starts_with("= "))
      out[now = line.substr(2)];
    else if (!line.empty())
      out[now].insert(line);
  return out;
}

/// The line on which a command's flags are offered.
std::string flags_line(const std::string& command) {
  return "troupe " + command + (command.empty() ? "-" : " -");
}

std::string joined(const std::set<std::string>& all) {
  std::string out;
  for (const auto& x : all)
    out += " " + x;
  return out;
}

} // namespace

// CLI-4: a new command or flag is offered by all three, or this fails
CAF_TEST(each shell offers each command and each of its flags) {
  sandbox s;
  auto commands = all_commands(s);
  CAF_CHECK(commands.size() > 30);
  std::vector<std::string> lines{"troupe "};
  for (const auto& [name, c] : commands) {
    lines.push_back(flags_line(name));
    if (!c["below"].empty())
      lines.push_back("troupe " + name + " ");
  }
  for (const auto& shell : shells) {
    if (!is_here(shell))
      continue;
    auto offered = asked(s, shell, lines);
    for (const auto& [name, c] : commands) {
      auto space = name.find(' ');
      auto line = space == std::string::npos ? std::string("troupe ") : "troupe " + name.substr(0, space + 1);
      if (!name.empty() && !offered[line].contains(name.substr(space + 1)))
        CAF_ERROR(shell << " does not offer " << name << " for '" << line << "' but:" << joined(offered[line]));
      auto flags = offered[flags_line(name)];
      for (const auto& o : c["options"])
        for (const auto& n : o["names"])
          if (!flags.contains(n.get<std::string>()))
            CAF_ERROR(shell << " does not offer " << name << " " << n << " but:" << joined(flags));
    }
  }
  CAF_CHECK(s.processes().empty()); // nothing is started for it
}

// CLI-4
CAF_TEST(each shell offers the values of a flag) {
  sandbox s;
  for (const auto& shell : shells) {
    if (!is_here(shell))
      continue;
    auto offered = asked(s, shell, {"troupe --bg --permission-mode ", "troupe set x --mode pl", "troupe auth "});
    CAF_CHECK_EQUAL(joined(offered["troupe --bg --permission-mode "]), " acceptEdits bypassPermissions default plan");
    CAF_CHECK_EQUAL(joined(offered["troupe set x --mode pl"]), " plan");
    CAF_CHECK_EQUAL(joined(offered["troupe auth "]), " status");
  }
}

// CLI-4, CLI-8
CAF_TEST(each shell offers sessions by id and name whether a supervisor runs or not and starts none) {
  sandbox s;
  auto id = s.bg({"--name", "two: words", "--exec", "sleep 300"});
  CAF_CHECK(test::until(s, [&] { return fs::exists(s.home() + "/sessions/" + id + "/state.json"); }));
  auto look = [&] {
    for (const auto& shell : shells) {
      if (!is_here(shell))
        continue;
      auto all = asked(s, shell, {"troupe stop ", "troupe logs --lines 5 two", "troupe work end "});
      auto name = shell == "fish" ? "two: words" : "two:\\ words"; // fish escapes on insertion
      CAF_CHECK_EQUAL(joined(all["troupe stop "]), joined({id, name}));
      CAF_CHECK_EQUAL(joined(all["troupe logs --lines 5 two"]), joined({name}));
      CAF_CHECK(!all["troupe work end "].contains(id)); // that is no session
    }
  };
  look();
  CAF_CHECK(s.stop().empty());
  look();
  CAF_CHECK(s.processes().empty());
}
