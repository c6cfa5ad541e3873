// The table of tools.
#include "runtime/agent/tools.hpp"

#include <algorithm>

#include "runtime/agent/background_shells.hpp"
#include "runtime/agent/file_tools.hpp"
#include "runtime/agent/file_wait.hpp"
#include "runtime/agent/foreground_shell.hpp"
#include "runtime/agent/monitors.hpp"
#include "runtime/agent/output_window.hpp"
#include "runtime/agent/search_tools.hpp"
#include "runtime/agent/skill_book.hpp"
#include "runtime/agent/subagents.hpp"
#include "runtime/agent/tool_limits.hpp"

namespace troupe::agent {
namespace {

using started = std::unique_ptr<running_tool>;

started tell(const tool_context& context, tool_done done, tool_outcome outcome) {
  context.events.defer([done = std::move(done), outcome = std::move(outcome)] { done(outcome); });
  return nullptr;
}

started refuse(const tool_context& context, tool_done done, const std::string& why) {
  return tell(context, std::move(done), {true, why, {}, {}, {}, {}});
}

/// A field that must be there and hold no NUL, which would cut a path or a command short.
std::optional<std::string> plain(const json& input, const char* name) {
  auto value = text_field(input, name);
  return value && !value->empty() && value->find('\0') == std::string::npos ? value : std::nullopt;
}

started start_bash(const tool_context& context, const json& input, tool_done done) {
  const auto command = plain(input, "command");
  if (!command)
    return refuse(context, std::move(done), "bash wants a command");
  if (!flag_field(input, "background")) {
    const auto timeout = number_field(input, "timeout", context.limits.bash_timeout);
    return run_in_foreground(context, *command,
                             milliseconds{std::clamp<std::int64_t>(timeout, 1, context.limits.bash_longest)},
                             std::move(done));
  }
  if (const auto live = context.shells.count(); live >= context.limits.background_shells)
    return refuse(context, std::move(done),
                  std::to_string(live) +
                      " background commands run already (native.backgroundShells): end one with bash_kill");
  std::string error;
  const auto id = context.shells.start(*command, context.env, context.cwd, error);
  if (id.empty())
    return refuse(context, std::move(done), error);
  tool_outcome outcome;
  outcome.text = "runs in the background as " + id;
  outcome.raw = {{"id", id}};
  return tell(context, std::move(done), std::move(outcome));
}

started start_bash_output(const tool_context& context, const json& input, tool_done done) {
  const auto id = text_field(input, "id").value_or("");
  return tell(context, std::move(done),
              context.tasks != nullptr && context.tasks->knows(id)       ? context.tasks->describe(id)
              : context.watches != nullptr && context.watches->knows(id) ? context.watches->describe(id)
                                                                         : context.shells.describe(id));
}

started start_bash_kill(const tool_context& context, const json& input, tool_done done) {
  const auto id = text_field(input, "id").value_or("");
  if (context.tasks != nullptr && context.tasks->knows(id))
    context.tasks->end(id, std::move(done));
  else if (context.watches != nullptr && context.watches->knows(id))
    context.watches->end(id, std::move(done));
  else
    context.shells.end(id, std::move(done));
  return nullptr;
}

started start_glob(const tool_context& context, const json& input, tool_done done) {
  const auto pattern = plain(input, "pattern");
  if (!pattern)
    return refuse(context, std::move(done), "glob wants a pattern");
  search_request wanted;
  wanted.folder = absolute_path(text_field(input, "path").value_or("."), context.cwd, context.env);
  wanted.glob = *pattern;
  wanted.limit = number_field(input, "limit", 0);
  return search_files(context, std::move(wanted), std::move(done));
}

started start_grep(const tool_context& context, const json& input, tool_done done) {
  const auto pattern = plain(input, "pattern");
  if (!pattern)
    return refuse(context, std::move(done), "grep wants a pattern");
  search_request wanted;
  wanted.folder = absolute_path(text_field(input, "path").value_or("."), context.cwd, context.env);
  wanted.glob = text_field(input, "glob").value_or("");
  wanted.regex = *pattern;
  wanted.any_case = flag_field(input, "ignoreCase");
  wanted.show = text_field(input, "show").value_or("content");
  wanted.context = std::clamp<std::int64_t>(number_field(input, "context", 0), 0, 50);
  wanted.limit = number_field(input, "limit", 0);
  if (wanted.show != "content" && wanted.show != "files" && wanted.show != "count")
    return refuse(context, std::move(done), "grep shows content, files or count");
  return search_files(context, std::move(wanted), std::move(done));
}

started start_task(const tool_context& context, const json& input, tool_done done) {
  if (context.tasks == nullptr)
    return refuse(context, std::move(done), "a subagent starts no subagents");
  return context.tasks->run(input, std::move(done));
}

started start_monitor(const tool_context& context, const json& input, tool_done done) {
  const auto command = plain(input, "command");
  const auto regex = plain(input, "pattern");
  if (context.watches == nullptr)
    return refuse(context, std::move(done), "a subagent starts no monitors");
  if (!command || !regex)
    return refuse(context, std::move(done), "monitor wants a command and a pattern");
  std::string error;
  const auto id = context.watches->start(*command, *regex, text_field(input, "description").value_or(""), context.env,
                                         context.cwd, error);
  if (id.empty())
    return refuse(context, std::move(done), error);
  tool_outcome outcome;
  outcome.text = "runs as " + id + "; what it sees comes as a prompt";
  outcome.raw = {{"id", id}};
  return tell(context, std::move(done), std::move(outcome));
}

started start_skill(const tool_context& context, const json& input, tool_done done) {
  std::string error;
  auto text =
      context.skills.expand(text_field(input, "name").value_or(""), text_field(input, "arguments").value_or(""), error);
  return tell(context, std::move(done), {!error.empty(), error.empty() ? std::move(text) : error, {}, {}, {}, {}});
}

started start_read(const tool_context& context, const json& input, tool_done done) {
  const auto path = plain(input, "path");
  if (!path)
    return refuse(context, std::move(done), "read wants a path");
  return tell(context, std::move(done),
              read_lines_of(absolute_path(*path, context.cwd, context.env), number_field(input, "offset", 1),
                            number_field(input, "limit", read_lines)));
}

started start_write(const tool_context& context, const json& input, tool_done done) {
  const auto path = plain(input, "path");
  const auto content = text_field(input, "content");
  if (!path || !content)
    return refuse(context, std::move(done), "write wants a path and content");
  return tell(context, std::move(done), write_whole(absolute_path(*path, context.cwd, context.env), *content));
}

started start_edit(const tool_context& context, const json& input, tool_done done) {
  const auto path = plain(input, "path");
  const auto before = text_field(input, "old");
  const auto after = text_field(input, "new");
  if (!path || !before || !after)
    return refuse(context, std::move(done), "edit wants a path, old and new");
  return tell(context, std::move(done),
              edit_text(absolute_path(*path, context.cwd, context.env), *before, *after, flag_field(input, "all")));
}

started start_wait(const tool_context& context, const json& input, tool_done done) {
  const auto path = plain(input, "path");
  if (!path)
    return refuse(context, std::move(done), "wait wants a path");
  return wait_for_file(context, absolute_path(*path, context.cwd, context.env), std::move(done));
}

started start_exit(const tool_context& context, const json& input, tool_done) {
  context.exit(static_cast<int>(number_field(input, "status", 1)));
  return nullptr;
}

/// The session asks by itself, as it asks for permissions; what was not asked has no answer.
started start_ask(const tool_context& context, const json&, tool_done done) {
  return refuse(context, std::move(done), "the question was not asked");
}

constexpr const char* bash_text =
    "Runs a command line in the user's shell, in the session's directory, and gives its output and exit status. "
    "With background it goes on by itself and its id is given at once.";
constexpr const char* bash_schema = R"({"type":"object","required":["command"],"properties":{
"command":{"type":"string","description":"the command line"},
"timeout":{"type":"integer","description":"milliseconds after which it is ended; 120000 unless given"},
"background":{"type":"boolean","description":"let it run on, as for a server"}}})";
constexpr const char* shell_id_schema = R"({"type":"object","required":["id"],"properties":{
"id":{"type":"string","description":"as bash, task or monitor gave it"}}})";
constexpr const char* read_schema = R"({"type":"object","required":["path"],"properties":{
"path":{"type":"string","description":"absolute, or relative to the session's directory"},
"offset":{"type":"integer","description":"the first line, from 1"},
"limit":{"type":"integer","description":"how many lines at most"}}})";
constexpr const char* write_schema = R"({"type":"object","required":["path","content"],"properties":{
"path":{"type":"string"},"content":{"type":"string","description":"the whole new content"}}})";
constexpr const char* edit_schema = R"({"type":"object","required":["path","old","new"],"properties":{
"path":{"type":"string"},"old":{"type":"string","description":"text that stands there exactly, and once unless all is set"},
"new":{"type":"string","description":"what stands there afterwards"},
"all":{"type":"boolean","description":"replace every occurrence"}}})";

constexpr const char* glob_schema = R"({"type":"object","required":["pattern"],"properties":{
"pattern":{"type":"string"},"path":{"type":"string","description":"the folder to look in"},
"limit":{"type":"integer","description":"how many at most"}}})";
constexpr const char* grep_schema = R"({"type":"object","required":["pattern"],"properties":{
"pattern":{"type":"string"},"path":{"type":"string","description":"a folder or a file"},
"glob":{"type":"string","description":"which files, such as *.{cpp,hpp}"},
"ignoreCase":{"type":"boolean"},"show":{"type":"string","enum":["content","files","count"]},
"context":{"type":"integer","description":"lines around each match"},
"limit":{"type":"integer","description":"how many lines at most"}}})";
constexpr const char* task_schema = R"({"type":"object","required":["description","prompt"],"properties":{
"description":{"type":"string","description":"three to five words that say what it does"},
"prompt":{"type":"string","description":"all that it must know: it sees nothing of this conversation"},
"agent":{"type":"string","description":"the name of an agent definition"},
"background":{"type":"boolean","description":"go on at once; its result comes as a prompt"}}})";
constexpr const char* monitor_schema = R"({"type":"object","required":["command","pattern"],"properties":{
"command":{"type":"string"},"pattern":{"type":"string","description":"a regular expression (PCRE) for a line"},
"description":{"type":"string","description":"what is watched, in a few words"}}})";
constexpr const char* skill_schema = R"({"type":"object","required":["name"],"properties":{
"name":{"type":"string"},"arguments":{"type":"string"}}})";

const tool table[] = {
    {"bash", "execute", reach::commands, false, bash_text, bash_schema, start_bash},
    {"bash_output", "read", reach::harmless, false,
     "Gives the status and the output of a background command, subagent or monitor.", shell_id_schema,
     start_bash_output},
    {"bash_kill", "execute", reach::harmless, false,
     "Ends a background command, subagent or monitor with all that it has started.", shell_id_schema, start_bash_kill},
    {"read", "read", reach::harmless, false, "Gives lines of a text file.", read_schema, start_read},
    {"write", "edit", reach::edits, false, "Writes a whole file, in place of what was there.", write_schema,
     start_write},
    {"edit", "edit", reach::edits, false, "Replaces text in a file that exists.", edit_schema, start_edit},
    {"glob", "search", reach::harmless, false,
     "Names files whose path fits a pattern, such as src/**/*.cpp, the latest changed first. Files that git ignores "
     "are left out.",
     glob_schema, start_glob},
    {"grep", "search", reach::harmless, false,
     "Searches files for a regular expression (PCRE). Files that git ignores are left out.", grep_schema, start_grep},
    {"task", "think", reach::harmless, false,
     "Gives a task to a subagent, which works on it with a context of its own and the same tools, and gives back what "
     "it says "
     "last. Several calls in one step run at the same time.",
     task_schema, start_task, true},
    {"monitor", "execute", reach::commands, false,
     "Runs a command in the background and watches its output: a line that the pattern matches wakes you with a "
     "prompt.",
     monitor_schema, start_monitor},
    {"skill", "read", reach::harmless, false,
     "Gives the text of a skill or command that the user or the project has written.", skill_schema, start_skill},
    {"ask", "other", reach::harmless, true, "", "{}", start_ask},
    {"wait", "other", reach::harmless, true, "", "{}", start_wait},
    {"exit", "other", reach::harmless, true, "", "{}", start_exit},
};

} // namespace

std::span<const tool> all_tools() {
  return table;
}

const tool* find_tool(const std::string& name) {
  const auto* found = std::find_if(std::begin(table), std::end(table), [&](const tool& t) { return name == t.name; });
  return found == std::end(table) ? nullptr : found;
}

std::string title_of(const std::string& tool_name, const json& input) {
  constexpr std::size_t longest = 120;
  for (const char* name : {"command", "question", "description", "pattern", "path", "name", "id", "prompt"})
    if (const auto value = text_field(input, name)) {
      auto line = value->substr(0, value->find('\n'));
      if (line.size() > longest || line.size() < value->size())
        line = std::string(whole_end(line.substr(0, longest))) + " ...";
      const bool bare = std::string_view(name) == "command" || std::string_view(name) == "question" ||
                        std::string_view(name) == "description";
      return bare ? line : tool_name + " " + line;
    }
  return tool_name;
}

std::string absolute_path(const std::string& path, const std::string& cwd, const environment& env) {
  if (path.starts_with("/"))
    return path;
  const auto home = value_of(env, "HOME");
  if (path.starts_with("~/") && !home.empty())
    return home + path.substr(1);
  return cwd + "/" + path;
}

} // namespace troupe::agent
