// Forms and links.
#include "runtime/worker/acp/acp_form.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/worker/acp/acp_state.hpp"
#include "runtime/worker/acp/acp_wire.hpp"

namespace troupe {
namespace {

constexpr std::size_t most_fields = 64, most_choices = 64, text_bytes = 4096, data_bytes = std::size_t{256} << 10;

const json& properties_of(const json& schema) {
  static const json none = json::object();
  const auto* all = field_of(schema, "properties");
  return all != nullptr && all->is_object() ? *all : none;
}

bool required(const json& schema, const std::string& name) {
  const auto* list = field_of(schema, "required");
  return list != nullptr && list->is_array() && std::find(list->begin(), list->end(), json(name)) != list->end();
}

/// The words that a field may have, each with how it is shown; empty: any.
std::vector<std::pair<std::string, std::string>> choices_of(const json& field) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto* items = field_of(field, "items");
  const auto& at = items != nullptr ? *items : field;
  for (const auto* name : {"enum", "oneOf", "anyOf"})
    if (const auto* list = field_of(at, name); list != nullptr && list->is_array())
      for (const auto& each : *list) {
        auto value = each.is_string() ? each.get<std::string>() : text_of(each, "const");
        auto title = each.is_string() ? value : text_of(each, "title");
        if (out.size() < most_choices && (each.is_string() || each.is_object()))
          out.emplace_back(value, title.empty() ? value : title);
      }
  return out;
}

void add(std::vector<option>& options, const std::string& name, const std::string& kind, const std::string& id = {}) {
  options.push_back({static_cast<std::uint32_t>(options.size() + 1), name, kind, id});
}

/// The one field of a form that is answered by one choice; none where there are more, or it takes any words.
std::vector<std::pair<std::string, std::string>> only_choices(const json& schema) {
  const auto& fields = properties_of(schema);
  if (fields.size() != 1)
    return {};
  const auto& field = *fields.begin();
  if (text_of(field, "type") == "boolean")
    return {{"true", "Yes"}, {"false", "No"}};
  return text_of(field, "type") == "string" ? choices_of(field) : std::vector<std::pair<std::string, std::string>>{};
}

bool is_link(const std::string& url) {
  return (url.starts_with("https://") || url.starts_with("http://")) && url.size() <= 8192 &&
         std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 32 && c != 127; });
}

/// Which fields a form has, in words.
std::string listed(const json& schema) {
  std::string out;
  for (const auto& [name, field] : properties_of(schema).items())
    out += (out.empty() ? "" : ", ") + name + (required(schema, name) ? "" : "?");
  return out;
}

failure wrong_value(const std::string& name, const std::string& needed) {
  return {errc::bad_request,
          "field '" + clipped(name, 100) + "' must be " + needed + "\n  give it as: " + clipped(name, 100) + "=VALUE"};
}

template <class Number>
bool read_number(const std::string& text, Number& out) {
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, out);
  return failed == std::errc() && at == end && !text.empty();
}

bool within(const json& field, double value) {
  const auto* least = field_of(field, "minimum");
  const auto* most = field_of(field, "maximum");
  return (least == nullptr || !least->is_number() || value >= least->get<double>()) &&
         (most == nullptr || !most->is_number() || value <= most->get<double>());
}

std::size_t code_points(const std::string& s) {
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool long_enough(const json& field, const char* least, const char* most, std::size_t n) {
  const auto* low = field_of(field, least);
  const auto* high = field_of(field, most);
  return (low == nullptr || !low->is_number_unsigned() || n >= low->get<std::size_t>()) &&
         (high == nullptr || !high->is_number_unsigned() || n <= high->get<std::size_t>());
}

/// A word as the field's own value: by what it is, or by how it is shown.
bool pick(const std::vector<std::pair<std::string, std::string>>& choices, std::string& value) {
  for (const auto& [own, shown] : choices)
    if (own == value || shown == value) {
      value = own;
      return true;
    }
  return choices.empty();
}

std::string words_of(const std::vector<std::pair<std::string, std::string>>& choices) {
  std::string out;
  for (const auto& [own, shown] : choices)
    out += (out.empty() ? "" : ", ") + own;
  return out;
}

bool read_list(const json& field, const json& given, json& out) {
  out = json::array();
  if (given.is_array()) {
    out = given;
  } else if (given.is_string()) {
    const auto all = given.get<std::string>();
    for (std::size_t from = 0; !all.empty() && from <= all.size();) {
      const auto to = std::min(all.find(',', from), all.size());
      out.push_back(all.substr(from, to - from));
      from = to + 1;
    }
  } else {
    return false;
  }
  for (auto& each : out) {
    if (!each.is_string())
      return false;
    auto word = each.get<std::string>();
    if (!pick(choices_of(field), word))
      return false;
    each = word;
  }
  return long_enough(field, "minItems", "maxItems", out.size());
}

/// The value of one field, of the type that it has.
failure read_value(const std::string& name, const json& field, const json& given, json& out) {
  const auto type = text_of(field, "type");
  const auto word = given.is_string() ? given.get<std::string>() : given.is_object() ? "" : given.dump();
  if (type == "boolean") {
    const bool yes = word == "true" || word == "yes" || word == "y" || word == "1";
    if (!yes && word != "false" && word != "no" && word != "n" && word != "0")
      return wrong_value(name, "yes or no");
    out = yes;
  } else if (type == "integer") {
    std::int64_t n = 0;
    if (!read_number(word, n) || !within(field, static_cast<double>(n)))
      return wrong_value(name, "a whole number within its bounds");
    out = n;
  } else if (type == "number") {
    double n = 0;
    if (!read_number(word, n) || !within(field, n))
      return wrong_value(name, "a number within its bounds");
    out = n;
  } else if (type == "array") {
    if (!read_list(field, given, out))
      return wrong_value(name, "some of " + words_of(choices_of(field)) + ", with commas between");
  } else {
    auto text = word;
    if (const auto choices = choices_of(field); !pick(choices, text))
      return wrong_value(name, "one of " + words_of(choices));
    if (!long_enough(field, "minLength", "maxLength", code_points(text)))
      return wrong_value(name, "text of the length it asks for");
    out = text;
  }
  return {};
}

/// Values for all fields; throws nothing, names the first fault.
failure read_values(const json& schema, const json& given, json& out) {
  out = json::object();
  const auto& fields = properties_of(schema);
  for (const auto& [name, value] : given.items()) {
    const auto* field = field_of(fields, name);
    if (field == nullptr)
      return {errc::bad_request,
              "the form has no field '" + clipped(name, 100) + "'\n  its fields are: " + listed(schema)};
    json read;
    if (auto error = read_value(name, *field, value, read); error.code != errc::ok)
      return error;
    out[name] = std::move(read);
  }
  for (const auto& [name, field] : fields.items()) {
    if (out.contains(name))
      continue;
    if (const auto* otherwise = field_of(field, "default"); otherwise != nullptr && !otherwise->is_null())
      out[name] = *otherwise;
    else if (required(schema, name))
      return {errc::bad_request, "field '" + clipped(name, 100) + "' of the form is missing\n  its fields are: " +
                                     listed(schema) + "; give each as NAME=VALUE"};
  }
  return {};
}

acp_form_reply accepted(const json& schema, const json& given) {
  acp_form_reply out;
  out.error = read_values(schema, given, out.content);
  if (out.error.code != errc::ok)
    return out;
  out.action = "accept";
  for (const auto& [name, value] : out.content.items())
    out.words += (out.words.empty() ? "" : ", ") + name + "=" +
                 clipped(value.is_string() ? value.get<std::string>() : value.dump(), 200);
  return out;
}

} // namespace

acp_form read_form(const json& params) {
  acp_form out;
  auto mode = text_of(params, "mode");
  const auto* schema = field_of(params, "requestedSchema");
  if (mode.empty())
    mode = schema != nullptr ? "form" : "url";
  out.text = clipped(text_of(params, "message"), text_bytes);
  if (mode == "url") {
    const auto url = text_of(params, "url");
    if (!is_link(url))
      return out.wrong = "elicitation/create: url must be http or https", out;
    out.data = {{"url", url}};
    add(out.options, "I have opened it", "accept");
  } else if (mode == "form") {
    if (schema == nullptr || !schema->is_object() || properties_of(*schema).size() > most_fields ||
        to_line(*schema).size() > data_bytes)
      return out.wrong = "elicitation/create: requestedSchema must be an object of at most 64 fields", out;
    out.data = {{"schema", *schema}};
    for (const auto& [value, shown] : only_choices(*schema))
      add(out.options, clipped(shown, 1024), "choose", clipped(value, 1024));
    if (out.options.empty())
      add(out.options, "Send", "accept");
  } else {
    return out.wrong = "elicitation/create: mode must be form or url", out;
  }
  add(out.options, "Decline", "decline");
  add(out.options, "Cancel", "cancel");
  if (out.text.empty())
    out.text = mode == "url" ? "the agent asks to open a link" : "the agent asks for some values";
  out.kind = mode;
  return out;
}

acp_form_reply read_form_answer(const question& asked, const std::string& choice) {
  const auto data = json::parse(asked.data, nullptr, false);
  static const json none = json::object();
  const auto* schema = field_of(data, "schema");
  if (schema == nullptr)
    schema = &none;
  const auto& fields = properties_of(*schema);
  if (choice.starts_with("{")) {
    const auto values = json::parse(choice, nullptr, false);
    if (asked.kind != "form" || !values.is_object())
      return {{errc::bad_request, asked.kind == "form" ? "the values are no JSON object\n  give each as NAME=VALUE"
                                                       : "a link takes no values\n  answer accept, decline or cancel"},
              {},
              {},
              {}};
    return accepted(*schema, values);
  }
  const auto* chosen = find_option(asked.options, choice);
  if (chosen != nullptr && chosen->kind == "choose")
    return accepted(*schema, {{fields.begin().key(), chosen->id}});
  if (chosen != nullptr && chosen->kind == "accept")
    return asked.kind == "form" ? accepted(*schema, json::object()) : acp_form_reply{{}, "accept", {}, chosen->name};
  if (chosen != nullptr)
    return {{}, chosen->kind, {}, chosen->kind == "decline" ? "declined" : "cancelled"};
  if (asked.kind == "form" && fields.size() == 1)
    return accepted(*schema, {{fields.begin().key(), choice}});
  return {{errc::bad_request, "question " + asked.id + " has no choice '" + clipped(choice, 100) + "'\n  " +
                                  (asked.kind == "form" ? "fill in its fields as NAME=VALUE: " + listed(*schema)
                                                        : "answer accept, decline or cancel")},
          {},
          {},
          {}};
}

} // namespace troupe
