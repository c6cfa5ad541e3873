// troupe cancel ID; troupe set ID [--mode M] [--model M] [--option NAME=VALUE]: how a running conversation goes on.
#include "cli/command.hpp"

namespace troupe {

namespace {

void list(const json& row) {
  const auto options = row.value("options", json::object());
  const auto line = [](const std::string& name, const std::string& now, const std::string& all) {
    print(name + " " + visible(now.empty() ? "-" : now) + (all.empty() ? "" : "  (" + visible(all) + ")") + "\n");
  };
  std::string modes;
  for (const auto& m : options.value("modes", json::array()))
    modes += (modes.empty() ? "" : ", ") + text_of(m, "id");
  line("mode", text_of(options, "mode"), modes);
  for (const auto& o : options.value("options", json::array())) {
    std::string values;
    for (const auto& v : o.value("values", json::array()))
      values += (values.empty() ? "" : ", ") + text_of(v, "value");
    line(text_of(o, "category") == "model" ? "model" : "option " + visible(text_of(o, "id")),
         o["value"].is_string() ? o["value"].get<std::string>() : o["value"].dump(), values);
  }
}

bool change(client& c, const std::string& method, json params, const char* what) {
  auto got = ask_or_say(c, method, params);
  if (got)
    print(std::string(what) + " · " + text_of(*got, "id") + " · " + visible(text_of(*got, "value")) + "\n");
  return got.has_value();
}

} // namespace

int run_cancel(const arguments& args) {
  std::vector<std::string> ids;
  int code = exit_ok;
  argument_parser app{"Cancels the turn that runs; the session stays, and the next message goes on.", "troupe cancel"};
  app.add_option("ID", ids, "id, name, or the beginning of an id").required();
  if (!read_arguments(app, args, "troupe cancel fix-auth", code))
    return code;
  client c("troupe cancel");
  if (!reach(c, true))
    return exit_failure;
  for (const auto& id : ids)
    if (!change(c, "session/cancel", {{"id", bytes_to_json(id)}}, "cancelled"))
      code = exit_failure;
  return code;
}

int run_set(const arguments& args) {
  std::string id, mode, model;
  std::vector<std::string> options;
  int code = exit_ok;
  argument_parser app{"Changes how a running conversation goes on, or lists what can be chosen.", "troupe set"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
  app.add_option("--mode", mode, "its permission mode");
  app.add_option("--model", model, "its model");
  app.add_option("--option", options, "another option of its agent: NAME=VALUE").one_value();
  if (!read_arguments(app, args, "troupe set fix-auth --mode plan", code))
    return code;
  for (const auto& o : options)
    if (o.find('=') == std::string::npos)
      return fail_usage("troupe set: --option needs NAME=VALUE: " + o, "see what there is: troupe set " + id);
  client c("troupe set");
  if (!reach(c, true))
    return exit_failure;
  if (mode.empty() && model.empty() && options.empty()) {
    auto row = ask_or_say(c, "session/get", {{"id", bytes_to_json(id)}});
    if (!row)
      return exit_failure;
    list(*row);
    return exit_ok;
  }
  bool well = true;
  if (!mode.empty())
    well = change(c, "session/set_mode", {{"id", bytes_to_json(id)}, {"mode", mode}}, "mode") && well;
  if (!model.empty())
    well = change(c, "session/set_model", {{"id", bytes_to_json(id)}, {"model", model}}, "model") && well;
  for (const auto& o : options)
    well =
        change(c, "session/set_option",
               {{"id", bytes_to_json(id)}, {"option", o.substr(0, o.find('='))}, {"value", o.substr(o.find('=') + 1)}},
               "option") &&
        well;
  return well ? exit_ok : exit_failure;
}

} // namespace troupe
