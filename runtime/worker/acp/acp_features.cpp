// What an agent tells of itself.
#include "runtime/worker/acp/acp_features.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/worker/acp/acp_state.hpp"
#include "runtime/worker/acp/acp_wire.hpp"

namespace troupe {
namespace {

constexpr std::size_t most_items = 256, name_bytes = 256, text_bytes = 1024;

const json& list_in(const json& object, const char* name) {
  static const json none = json::array();
  const auto* list = field_of(object, name);
  return list != nullptr && list->is_array() ? *list : none;
}

event make(const char* what, std::string detail = {}) {
  event e;
  e.what = what;
  e.detail = std::move(detail);
  return e;
}

/// An event when `now` is other than what was told last.
void tell(acp_features::events& out, const char* what, std::string& told, const json& now) {
  auto text = to_line(now);
  if (text == told)
    return;
  auto e = make(what);
  e.data = told = std::move(text);
  out.push_back(std::move(e));
}

void read_values(const json& list, acp_choice& into) {
  for (const auto& each : list) {
    if (const auto& inner = list_in(each, "options"); !inner.empty())
      read_values(inner, into); // a group
    else if (auto value = text_of(each, "value"); !value.empty() && into.values.size() < most_items)
      into.values.emplace_back(clipped(value, name_bytes), clipped(text_of(each, "name"), name_bytes));
  }
}

json plan_of(const json& update) {
  auto out = json::array();
  for (const auto& each : list_in(update, "entries"))
    if (out.size() < most_items)
      out.push_back({{"content", clipped(text_of(each, "content"), text_bytes)},
                     {"status", clipped(text_of(each, "status"), 32)},
                     {"priority", clipped(text_of(each, "priority"), 32)}});
  return out;
}

json commands_of(const json& update) {
  auto out = json::array();
  for (const auto& each : list_in(update, "availableCommands")) {
    if (out.size() == most_items || text_of(each, "name").empty())
      continue;
    json row{{"name", clipped(text_of(each, "name"), name_bytes)},
             {"description", clipped(text_of(each, "description"), text_bytes)}};
    if (const auto* input = field_of(each, "input"))
      if (const auto hint = text_of(*input, "hint"); !hint.empty())
        row["hint"] = clipped(hint, name_bytes);
    out.push_back(std::move(row));
  }
  return out;
}

constexpr const char* token_fields[] = {"inputTokens",      "outputTokens",      "totalTokens",
                                        "cachedReadTokens", "cachedWriteTokens", "thoughtTokens"};

double number_in(const json& object, const char* name) {
  const auto* value = field_of(object, name);
  return value != nullptr && value->is_number() ? std::clamp(value->get<double>(), -9e15, 9e15) : 0;
}

/// What some agents tell in place of `usage`: `_meta.quota.token_count` (gemini 0.61).
json quota_of(const json& result) {
  const auto* at = field_of(result, "_meta");
  for (const auto* name : {"quota", "token_count"})
    at = at != nullptr ? field_of(*at, name) : nullptr;
  if (at == nullptr || !at->is_object())
    return json::object();
  const auto in = number_in(*at, "input_tokens"), said = number_in(*at, "output_tokens");
  return {{"inputTokens", in}, {"outputTokens", said}, {"totalTokens", in + said}};
}

/// A change that somebody would want to see at once; the rest waits for the turn's end.
bool notable(const json& now, const json& before) {
  const auto size = std::max(1.0, number_in(now, "size"));
  return std::abs(number_in(now, "used") - number_in(before, "used")) * 100 >= size ||
         number_in(now, "cost") >= number_in(before, "cost") + 0.01;
}

} // namespace

void acp_features::set_former_usage(const std::string& data) {
  auto former = json::parse(data, nullptr, false);
  if (!former.is_object())
    return;
  told_usage_ = data;
  usage_ = former_ = std::move(former);
}

acp_features::events acp_features::opened(const json& result) {
  events out;
  if (const auto* modes = field_of(result, "modes")) {
    modes_.clear();
    for (const auto& each : list_in(*modes, "availableModes"))
      if (auto id = text_of(each, "id"); !id.empty() && modes_.size() < most_items)
        modes_.emplace_back(clipped(id, name_bytes), clipped(text_of(each, "name"), name_bytes));
    if (const auto now = text_of(*modes, "currentModeId"); !now.empty())
      mode_ = clipped(now, name_bytes);
  }
  if (const auto* models = field_of(result, "models")) {
    models_.clear();
    for (const auto& each : list_in(*models, "availableModels"))
      if (auto id = text_of(each, "modelId"); !id.empty() && models_.size() < most_items)
        models_.push_back(clipped(id, name_bytes));
    model_ = clipped(text_of(*models, "currentModelId"), name_bytes);
  }
  read_options(list_in(result, "configOptions"));
  tell_options(out);
  if (!mode_.empty())
    out.push_back(make("mode", mode_));
  tell_model(out, false);
  return out;
}

void acp_features::read_options(const json& list) {
  if (list.empty())
    return;
  options_.clear();
  for (const auto& each : list) {
    const auto* value = field_of(each, "currentValue");
    acp_choice c{clipped(text_of(each, "id"), name_bytes),
                 clipped(text_of(each, "name"), name_bytes),
                 clipped(text_of(each, "category"), 64),
                 value != nullptr && value->is_boolean(),
                 {},
                 {}};
    if (c.id.empty() || options_.size() == 64 || (value != nullptr && !value->is_string() && !c.boolean))
      continue;
    c.value = value == nullptr ? json("") : c.boolean ? *value : json(clipped(value->get<std::string>(), name_bytes));
    read_values(list_in(each, "options"), c);
    options_.push_back(std::move(c));
  }
  if (const auto* m = option_of("model"); m != nullptr && m->value.is_string())
    model_ = m->value.get<std::string>();
  if (const auto* m = option_of("mode"); m != nullptr && modes_.empty() && m->value.is_string())
    mode_ = m->value.get<std::string>();
}

void acp_features::tell_options(events& out) {
  auto modes = json::array(), options = json::array();
  for (const auto& [id, name] : modes_)
    modes.push_back({{"id", id}, {"name", name}});
  for (const auto& o : options_) {
    auto values = json::array();
    for (const auto& [value, name] : o.values)
      values.push_back({{"value", value}, {"name", name}});
    options.push_back(
        {{"id", o.id}, {"name", o.name}, {"category", o.category}, {"value", o.value}, {"values", values}});
  }
  json all{{"modes", modes}, {"mode", mode_}, {"options", options}};
  if (!models_.empty())
    all["models"] = models_;
  if (!modes.empty() || !options.empty() || !models_.empty())
    tell(out, "options", told_options_, all);
}

void acp_features::tell_model(events& out, bool asked) {
  const auto now = model();
  if (now.empty() || (now == told_model_ && !asked))
    return;
  told_model_ = now;
  auto e = make("model", now);
  if (asked)
    e.id = "asked";
  out.push_back(std::move(e));
}

acp_features::events acp_features::took_mode(const std::string& id, bool asked, const std::string& word) {
  events out;
  if (id == mode_ && !asked)
    return out;
  mode_ = clipped(id, name_bytes);
  if (modes_.empty())
    for (auto& o : options_)
      if (o.category == "mode")
        o.value = mode_;
  auto e = make("mode", mode_);
  if (asked) {
    e.id = "asked";
    e.text = word;
  }
  out.push_back(std::move(e));
  tell_options(out);
  return out;
}

acp_features::events acp_features::took_option(const std::string& id, const json& value, bool asked) {
  events out;
  for (auto& o : options_)
    if (o.id == id)
      o.value = value;
  const auto* o = option(id);
  const bool is_model = (o != nullptr && o == option_of("model")) || id.empty();
  if (is_model && value.is_string())
    model_ = value.get<std::string>();
  if (is_model)
    tell_model(out, asked);
  tell_options(out);
  return out;
}

acp_features::events acp_features::took_options(const json& result) {
  events out;
  read_options(list_in(result, "configOptions"));
  tell_model(out, false);
  tell_options(out);
  return out;
}

acp_features::events acp_features::updated(const std::string& kind, const json& update) {
  events out;
  if (kind == "plan") {
    tell(out, "plan", told_plan_, plan_of(update));
  } else if (kind == "available_commands_update") {
    tell(out, "commands", told_commands_, commands_of(update));
  } else if (kind == "current_mode_update") {
    auto id = text_of(update, "currentModeId");
    if (id.empty()) // as some older agents have it
      id = text_of(update, "modeId");
    if (!id.empty())
      return took_mode(id, false, {});
  } else if (kind == "config_option_update") {
    const auto before = mode_;
    out = took_options(update);
    if (mode_ != before)
      out.push_back(make("mode", mode_));
  } else if (kind == "session_info_update") {
    if (auto title = clipped(text_of(update, "title"), text_bytes); !title.empty() && title != title_) {
      auto e = make("title");
      e.text = title_ = std::move(title);
      out.push_back(std::move(e));
    }
  } else if (kind == "usage_update") {
    return use(update, false);
  }
  return out;
}

acp_features::events acp_features::turn_ended(const json& result) {
  events out;
  if (const auto* usage = field_of(result, "usage"); usage != nullptr && usage->is_object())
    return use(*usage, true);
  if (auto usage = quota_of(result); !usage.empty())
    return use(usage, true);
  if (!usage_.empty())
    tell(out, "usage", told_usage_, usage_);
  return out;
}

acp_features::events acp_features::use(const json& more, bool add) {
  for (const auto* name : token_fields)
    if (add && field_of(more, name) != nullptr && field_of(more, name)->is_number()) {
      const auto base = number_in(turns_add_up_ ? usage_ : former_, name);
      usage_[name] = static_cast<std::int64_t>(base + std::max(0.0, number_in(more, name)));
    }
  for (const auto* name : {"used", "size"})
    if (!add && field_of(more, name) != nullptr && field_of(more, name)->is_number())
      usage_[name] = static_cast<std::int64_t>(number_in(more, name));
  if (const auto* cost = field_of(more, "cost"); cost != nullptr && cost->is_object()) { // of this process's session
    usage_["cost"] = number_in(former_, "cost") + number_in(*cost, "amount");
    usage_["currency"] = clipped(text_of(*cost, "currency"), 8);
  }
  events out;
  const auto told = json::parse(told_usage_, nullptr, false);
  if (!usage_.empty() && (add || notable(usage_, told)))
    tell(out, "usage", told_usage_, usage_);
  return out;
}

std::string acp_features::mode_ids() const {
  std::string out;
  const auto* m = option_of("mode");
  const auto& all = modes_.empty() && m != nullptr ? m->values : modes_;
  for (const auto& [id, name] : all)
    out += (out.empty() ? "" : ", ") + id;
  return out;
}

bool acp_features::has_mode(const std::string& id) const {
  const auto* m = option_of("mode");
  const auto& all = modes_.empty() && m != nullptr ? m->values : modes_;
  return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.first == id; });
}

const acp_choice* acp_features::option(const std::string& id) const {
  const auto at = std::find_if(options_.begin(), options_.end(), [&](const auto& o) { return o.id == id; });
  return at == options_.end() ? nullptr : &*at;
}

const acp_choice* acp_features::option_of(const std::string& category) const {
  const auto at = std::find_if(options_.begin(), options_.end(), [&](const auto& o) { return o.category == category; });
  return at == options_.end() ? nullptr : &*at;
}

std::string acp_features::option_ids() const {
  std::string out;
  for (const auto& o : options_)
    out += (out.empty() ? "" : ", ") + o.id;
  return out;
}

std::string acp_features::model() const {
  return model_;
}

} // namespace troupe
