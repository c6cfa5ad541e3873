// troupe reply ID TEXT, troupe answer ID N-or-KIND, troupe answer ID NAME=VALUE...: what a person says to a session.
#include <algorithm>
#include <cctype>

#include "cli/command.hpp"

namespace troupe {

int run_reply(const arguments& args) {
  std::string id;
  std::vector<std::string> words;
  int code = exit_ok;
  argument_parser app{"Sends a session a message; one without a process is woken for it.", "troupe reply"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
  app.add_option("TEXT", words, "the message; - reads it from standard input").required();
  if (!read_arguments(app, args, "troupe reply fix-auth \"now add a test\"", code))
    return code;
  std::string text;
  for (const auto& w : words)
    text += (text.empty() ? "" : " ") + w;
  if (words == std::vector<std::string>{"-"})
    text = read_input();
  client c("troupe reply");
  json params{
      {"id", bytes_to_json(id)}, {"text", bytes_to_json(text)}, {"key", fresh_key()}, {"env", environment_json()}};
  auto got = reach(c, true) ? ask_or_say(c, "session/reply", params, true) : std::nullopt;
  if (!got)
    return exit_failure;
  print(text_of(*got, "outcome") + "\n");
  return exit_ok;
}

namespace {

/// NAME=VALUE of a form's field; a choice of another question has no such name.
bool is_value(const std::string& word) {
  const auto split = word.find('=');
  return split != std::string::npos && split > 0 &&
         std::all_of(word.begin(), word.begin() + static_cast<long>(split),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; });
}

} // namespace

int run_answer(const arguments& args) {
  std::string id;
  std::vector<std::string> words;
  int code = exit_ok;
  argument_parser app{"Answers a session's question; the first answer counts.", "troupe answer"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
  app.add_option("CHOICE", words,
                 "a number, a kind (allow_once, reject_once, ...) or an option's name; of a form: NAME=VALUE ..., "
                 "accept, decline or cancel")
      .required();
  if (!read_arguments(app, args, "troupe answer fix-auth 1", code))
    return code;
  json params{{"id", bytes_to_json(id)}, {"key", fresh_key()}, {"by", "command"}};
  if (std::all_of(words.begin(), words.end(), is_value)) {
    for (const auto& w : words)
      params["values"][w.substr(0, w.find('='))] = bytes_to_json(w.substr(w.find('=') + 1));
  } else {
    std::string choice;
    for (const auto& w : words)
      choice += (choice.empty() ? "" : " ") + w;
    params["choice"] = bytes_to_json(choice);
  }
  client c("troupe answer");
  auto got = reach(c, true) ? ask_or_say(c, "session/answer", params, true) : std::nullopt;
  if (!got)
    return exit_failure;
  print("answered · " + visible(text_of(*got, "choice")) + "\n");
  return exit_ok;
}

} // namespace troupe
