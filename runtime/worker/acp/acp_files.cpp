// Text files for an agent.
#include "runtime/worker/acp/acp_files.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/worker/acp/acp_wire.hpp"

namespace troupe {
namespace {

constexpr std::size_t most_bytes = std::size_t{4} << 20;

std::string path_in(const json& params, failure& error) {
  auto path = text_of(params, "path");
  if (!path.starts_with("/") || path.find('\0') != std::string::npos)
    error = {errc::bad_request, "path must be absolute"};
  return path;
}

std::size_t count_in(const json& params, const char* name, std::size_t otherwise) {
  const auto* value = field_of(params, name);
  return value != nullptr && value->is_number_unsigned() ? value->get<std::size_t>() : otherwise;
}

} // namespace

json read_text_file(const json& params, failure& error) {
  const auto path = path_in(params, error);
  if (error.code != errc::ok)
    return {};
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) { // a pipe or a device would hold the worker up
    error = {std::filesystem::exists(path, code) ? errc::bad_request : errc::no_such_session,
             path + " is no file that can be read"};
    return {};
  }
  std::ifstream in(path, std::ios::binary);
  const auto from = std::max<std::size_t>(count_in(params, "line", 1), 1);
  auto left = count_in(params, "limit", SIZE_MAX);
  std::string text, line;
  for (std::size_t n = 1; left > 0 && std::getline(in, line); ++n) {
    if (n < from)
      continue;
    --left;
    text += line;
    if (!in.eof())
      text += '\n';
    if (text.size() > most_bytes) {
      error = {errc::bad_request, path + " is larger than 4 MiB: read it in parts, with line and limit"};
      return {};
    }
  }
  if (in.bad() || !in.is_open()) {
    error = {errc::bad_request, path + " cannot be read: " + std::strerror(errno)};
    return {};
  }
  return {{"content", text}};
}

json write_text_file(const json& params, failure& error) {
  const auto path = path_in(params, error);
  const auto* content = field_of(params, "content");
  if (error.code == errc::ok && (content == nullptr || !content->is_string()))
    error = {errc::bad_request, "content must be a string"};
  std::error_code code;
  if (error.code == errc::ok && std::filesystem::exists(path, code) && !std::filesystem::is_regular_file(path, code))
    error = {errc::bad_request, path + " is no file that can be written"};
  if (error.code != errc::ok)
    return {};
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), code);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content->get_ref<const std::string&>();
  out.close();
  if (!out) {
    error = {errc::bad_request, path + " cannot be written: " + std::strerror(errno)};
    return {};
  }
  return json::object();
}

} // namespace troupe
