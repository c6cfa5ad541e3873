// libsecret, loaded at run time. Only what its stable ABI promises is used; its header is not needed.
#include "runtime/credentials/secret_service.hpp"

#include <cstdlib>

#include <dlfcn.h>

namespace troupe {

namespace {

/// As in libsecret's secret-schema.h; the reserved fields are part of the ABI.
struct attribute {
  const char* name;
  int type; ///< 0: string
};
struct schema {
  const char* name;
  int flags;
  attribute attributes[32];
  int reserved;
  void* reserved_pointers[7];
};
struct g_error {
  std::uint32_t domain;
  int code;
  char* message;
};

const schema ours{"org.troupe.Credentials", 0, {{"home", 0}}, 0, {}};

struct library {
  void* handle = nullptr;
  char* (*lookup)(const schema*, void*, g_error**, ...) = nullptr;
  int (*store)(const schema*, const char*, const char*, const char*, void*, g_error**, ...) = nullptr;
  int (*clear)(const schema*, void*, g_error**, ...) = nullptr;
  void (*free_password)(char*) = nullptr;
  void* (*service_get)(int, void*, g_error**) = nullptr;

  library() {
    handle = ::dlopen("libsecret-1.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      return;
    auto find = [&](auto& into, const char* name) {
      into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(::dlsym(handle, name));
      return into != nullptr;
    };
    if (!find(lookup, "secret_password_lookup_sync") || !find(store, "secret_password_store_sync") ||
        !find(clear, "secret_password_clear_sync") || !find(free_password, "secret_password_free") ||
        !find(service_get, "secret_service_get_sync"))
      handle = nullptr;
  }
};

const library& loaded() {
  static const library one;
  return one;
}

bool failed(g_error* fault, failure& error) {
  if (!fault)
    return false;
  error = {errc::no_credentials, std::string("the secret service refuses: ") + fault->message +
                                     "\nunlock the keyring, or set auth.store to \"file\""};
  return true;
}

bool there(failure& error) {
  if (loaded().handle)
    return true;
  error = {errc::no_credentials, "the secret service cannot be reached: libsecret is not installed\ninstall "
                                 "libsecret-1-0, or sign in again: troupe login"};
  return false;
}

} // namespace

bool secret_service::runs() {
  const char* bus = std::getenv("DBUS_SESSION_BUS_ADDRESS");
  if (!bus || !*bus || !loaded().handle)
    return false;
  constexpr int open_session = 1 << 1; // a session with the service is opened: an answer of its own
  g_error* fault = nullptr;
  return loaded().service_get(open_session, nullptr, &fault) != nullptr && !fault;
}

std::optional<std::string> secret_service::read(const std::string& home, failure& error) {
  if (!there(error))
    return {};
  g_error* fault = nullptr;
  char* text = loaded().lookup(&ours, nullptr, &fault, "home", home.c_str(), nullptr);
  if (failed(fault, error) || !text)
    return {};
  std::string out = text;
  loaded().free_password(text); // wiped
  return out;
}

bool secret_service::write(const std::string& home, const std::string& text, failure& error) {
  if (!there(error))
    return false;
  g_error* fault = nullptr;
  loaded().store(&ours, nullptr, "Troupe's credentials", text.c_str(), nullptr, &fault, "home", home.c_str(), nullptr);
  return !failed(fault, error);
}

bool secret_service::clear(const std::string& home, failure& error) {
  if (!there(error))
    return false;
  g_error* fault = nullptr;
  loaded().clear(&ours, nullptr, &fault, "home", home.c_str(), nullptr);
  return !failed(fault, error);
}

} // namespace troupe
