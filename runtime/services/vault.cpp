// The vault on the real system.
#include "runtime/services/vault.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

#include "messages/json.hpp"
#include "runtime/config/environment_policy.hpp"
#include "runtime/services/ask_on_loop.hpp"

namespace troupe {

namespace {

constexpr auto helper_patience = std::chrono::seconds(10);
constexpr auto program_patience = std::chrono::seconds(30);
constexpr std::int64_t refresh_ahead_ms = 300'000; ///< as the store's machine reckons (CRED-2)

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

std::string as_json_text(const std::string& text) {
  return json(text).dump(-1, ' ', true, json::error_handler_t::replace);
}

} // namespace

credential_vault::credential_vault(asio::io_context& loop, reaper& children, vault_setup setup)
    : loop_(loop), children_(children), setup_(std::move(setup)) {
  const environment_policy policy;
  for (const auto& [name, value] : setup_.shell)
    if (policy.rule_for(name) == environment_rule::credential && !value.empty())
      keys_.emplace_back(name, value);
}

std::optional<credential_vault::helper> credential_vault::helper_of(const json& settings) const {
  if (!settings.is_object() || !settings.contains("apiKeyHelper"))
    return {};
  const auto& said = settings["apiKeyHelper"];
  helper out{{}, "ANTHROPIC_API_KEY", 300'000};
  if (said.is_string()) {
    out.command = said.get<std::string>();
  } else if (said.is_object() && said.contains("command") && said["command"].is_string()) {
    out.command = said["command"].get<std::string>();
    if (said.contains("variable") && said["variable"].is_string())
      out.variable = said["variable"].get<std::string>();
    if (said.contains("ttlSeconds") && said["ttlSeconds"].is_number_unsigned())
      out.ttl_ms = said["ttlSeconds"].get<std::int64_t>() * 1000;
  }
  return out.command.empty() ? std::nullopt : std::optional(out);
}

void credential_vault::complain(const std::string& why) {
  if (why != complained_ && !why.empty())
    setup_.log("event=credentials_refused why=" + as_json_text(why));
  complained_ = why;
}

stored_credentials credential_vault::stored(failure& error) const {
  auto out = read_stored(credentials_path(setup_.where), error);
  if (!out.elsewhere)
    return out;
  const bool known = secrets_of_ == stored_text(out);
  out = {};
  try {
    if (known)
      out = stored_from(secrets_);
  } catch (const std::exception&) { // nothing, then
  }
  out.elsewhere = true;
  return out;
}

void credential_vault::run(std::vector<std::string> arguments, std::function<void(const program_answer&)> done) {
  spawn_request r;
  r.program = setup_.program;
  r.arguments = {"troupe-credentials"};
  r.arguments.insert(r.arguments.end(), arguments.begin(), arguments.end());
  r.env = setup_.shell;
  std::erase_if(r.env, [&](const auto& pair) { return find_variable(keys_, pair.first) != nullptr; });
  r.cwd = "/";
  ask_program(loop_, children_, std::move(r), {}, program_patience, std::move(done));
}

void credential_vault::load(answer<snapshot> done) {
  loads_.push_back(std::move(done));
  if (loads_.size() == 1)
    next_load();
}

/// What the desktop's secret service keeps is read once for each state of the index.
void credential_vault::next_load() {
  auto finish = [this](const snapshot* got, const failure& error) {
    auto done = std::move(loads_.front());
    loads_.pop_front();
    done(got, error);
    if (!loads_.empty())
      next_load();
  };
  failure error;
  auto index = read_stored(credentials_path(setup_.where), error);
  auto go_on = [this, finish] {
    auto h = helper_of(setup_.settings());
    bool fresh = h && !helper_refused_ && helper_asked_ == h->command && setup_.now() < helper_at_ + h->ttl_ms &&
                 helper_fault_.empty();
    if (h && !fresh)
      ask_helper(*h, finish);
    else
      put_together(finish);
  };
  if (!index.elsewhere || secrets_of_ == stored_text(index))
    return go_on();
  run({"show"}, [this, go_on, text = stored_text(index)](const program_answer& a) {
    secrets_of_ = a.status.known && a.status.value == 0 ? text : std::string();
    secrets_ = secrets_of_.empty() ? std::string() : a.out;
    if (secrets_of_.empty())
      complain(first_line(a.err.empty() ? "the secret service does not answer" : a.err));
    go_on();
  });
}

/// apiKeyHelper: its standard output is the key (CRED-1).
void credential_vault::ask_helper(const helper& h, const answer<snapshot>& done) {
  spawn_request r;
  r.program = "/bin/sh";
  r.arguments = {"/bin/sh", "-c", h.command};
  r.env = setup_.shell;
  r.cwd = "/";
  ask_program(loop_, children_, std::move(r), {}, helper_patience, [this, h, done](const program_answer& a) {
    auto key = trimmed(a.out);
    bool good = a.status.known && !a.status.signalled && a.status.value == 0 && !key.empty() && !a.late;
    helper_fault_ = good     ? ""
                    : a.late ? "apiKeyHelper has not answered within 10 s"
                             : "apiKeyHelper failed: " + (a.fault.empty() ? to_text(a.status) : a.fault);
    if (good) {
      helper_key_ = key;
      helper_refused_ = false;
      helper_asked_ = h.command;
      helper_at_ = setup_.now();
    } else if (helper_asked_ != h.command) {
      helper_key_.clear();
    }
    put_together(done);
  });
}

void credential_vault::put_together(const answer<snapshot>& done) {
  failure error;
  auto held = stored(error);
  complain(error.code != errc::ok ? first_line(error.text) : helper_fault_);
  snapshot out;
  auto put = [&](const std::string& variable, const std::string& secret, wall_ms expires) {
    if (secret.empty() || std::any_of(out.credentials.begin(), out.credentials.end(),
                                      [&](const auto& c) { return c.variable == variable; }))
      return;
    out.credentials.push_back({variable, secret});
    if (expires != 0 && (out.expires == 0 || expires < out.expires))
      out.expires = expires;
  };
  for (const auto& [name, key] : held.keys)
    put(name, key, 0);
  for (const auto& l : held.logins)
    put(l.variable, l.access, l.expires);
  if (auto h = helper_of(setup_.settings()); h && helper_asked_ == h->command) // asked anew when its time is over
    put(h->variable, helper_key_, helper_at_ + h->ttl_ms + refresh_ahead_ms);
  for (const auto& [name, key] : keys_) // after a stored login (CRED-1)
    put(name, key, 0);
  if (out.credentials.empty() && (error.code != errc::ok || !helper_fault_.empty())) {
    failure why{errc::no_credentials,
                error.code != errc::ok ? error.text : helper_fault_ + "\nmend the setting apiKeyHelper"};
    return done(nullptr, why);
  }
  done(&out, {});
}

void credential_vault::refresh(bool refused, answer<snapshot> done) {
  std::vector<std::string> words{"refresh"};
  if (refused) {
    words.emplace_back("--refused");
    helper_refused_ = true;
  }
  run(std::move(words), [this, done = std::move(done)](const program_answer& a) {
    if (a.status.known && !a.status.signalled && a.status.value == 0 && !a.late)
      return load(done);
    auto why = a.late ? "the sign-in service does not answer" : a.fault.empty() ? first_line(a.err) : a.fault;
    setup_.log("event=refresh_failed why=" + as_json_text(why));
    done(nullptr, {errc::no_credentials, why.empty() ? to_text(a.status) : why});
  });
}

void credential_vault::clear(answer<signed_out> done) {
  keys_.clear(); // of the shell: signed out is signed out
  helper_key_.clear();
  helper_asked_.clear();
  secrets_.clear();
  secrets_of_.clear();
  run({"clear"}, [done = std::move(done)](const program_answer& a) {
    signed_out out;
    if (a.status.known && a.status.value == 0 && !a.late) {
      out.accounts = static_cast<std::uint32_t>(std::atoi(a.out.c_str()));
      return done(&out, {});
    }
    done(nullptr, {errc::disk, a.err.empty() ? "credentials cannot be deleted" : trimmed(a.err)});
  });
}

accounts credential_vault::list() const {
  accounts out;
  failure error;
  auto held = stored(error);
  auto source = std::string(held.elsewhere ? "secret service" : "credentials.json");
  for (const auto& [name, key] : held.keys) {
    auto host = held.hosts.find(name);
    out.all.push_back({name, source, "key", host == held.hosts.end() ? std::string() : host->second});
  }
  for (const auto& l : held.logins)
    out.all.push_back({l.variable, source, "login", l.host, l.account, l.expires});
  if (auto h = helper_of(setup_.settings()))
    out.all.push_back({h->variable, "apiKeyHelper", "helper"});
  for (const auto& [name, key] : keys_)
    if (std::none_of(out.all.begin(), out.all.end(), [&](const auto& a) { return a.variable == name; }))
      out.all.push_back({name, "environment of the shell that started the background service", "key"});
  out.problem = error.code != errc::ok ? error.text : helper_fault_;
  return out;
}

void credential_vault::watch(std::function<void()> changed) {
  changed_ = std::move(changed);
  unique_fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd || ::inotify_add_watch(fd.get(), setup_.where.config.c_str(),
                                 IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ATTRIB) < 0)
    return; // a login is seen when somebody asks
  folder_ = std::make_unique<asio::posix::stream_descriptor>(loop_, fd.release());
  listen();
}

void credential_vault::listen() {
  folder_->async_read_some(asio::buffer(notices_), [this](const asio::error_code& error, std::size_t n) {
    if (error)
      return;
    bool ours = false;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= n;) {
      inotify_event e{};
      std::memcpy(&e, notices_.data() + at, sizeof e);
      ours = ours || (e.len > 0 && std::string(notices_.data() + at + sizeof e) == "credentials.json");
      at += sizeof e + e.len;
    }
    if (ours)
      changed_();
    listen();
  });
}

real_vault::behavior_type make_vault(real_vault::pointer self, asio::io_context* loop,
                                     std::shared_ptr<credential_vault> behind) {
  return {
      [=](load_credentials&) {
        return ask_on_loop<snapshot, real_vault>(self, *loop, [behind](auto done) { behind->load(done); });
      },
      [=](refresh_credentials& x) {
        return ask_on_loop<snapshot, real_vault>(
            self, *loop, [behind, refused = x.refused](auto done) { behind->refresh(refused, done); });
      },
      [=](clear_credentials&) {
        return ask_on_loop<signed_out, real_vault>(self, *loop, [behind](auto done) { behind->clear(done); });
      },
      [=](accounts_asked&) { return behind->list(); },
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
