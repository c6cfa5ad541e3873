// PCRE2, without its compiler to machine code: a spare agent has no writable code, and patterns are used once.
#include "runtime/agent/pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace troupe::agent {
namespace {

constexpr std::uint32_t most_steps = 1'000'000;  ///< of backtracking in one search
constexpr std::uint32_t most_memory = 16 * 1024; ///< KiB in one search

} // namespace

struct pattern::parts {
  pcre2_code* code = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* limits = nullptr;
  parts() = default;
  parts(const parts&) = delete;
  parts& operator=(const parts&) = delete;
  ~parts() {
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
  }
};

std::optional<pattern> pattern::compile(const std::string& text, bool any_case, std::string& error) {
  auto p = std::make_shared<parts>();
  int code = 0;
  PCRE2_SIZE at = 0;
  const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_MULTILINE |
                                PCRE2_NEVER_BACKSLASH_C | (any_case ? PCRE2_CASELESS : 0);
  p->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &code, &at, nullptr);
  if (p->code == nullptr) {
    PCRE2_UCHAR why[256] = {};
    pcre2_get_error_message(code, why, sizeof why);
    error = "the pattern is no regular expression: at character " + std::to_string(at + 1) + ": " +
            reinterpret_cast<const char*>(why);
    return std::nullopt;
  }
  p->data = pcre2_match_data_create(1, nullptr);
  p->limits = pcre2_match_context_create(nullptr);
  if (p->data == nullptr || p->limits == nullptr) {
    error = "there is no memory for the pattern";
    return std::nullopt;
  }
  pcre2_set_match_limit(p->limits, most_steps);
  pcre2_set_heap_limit(p->limits, most_memory);
  return pattern(std::move(p));
}

std::optional<std::pair<std::size_t, std::size_t>> pattern::find(std::string_view text, std::size_t from) const {
  if (from > text.size())
    return std::nullopt;
  const int n = pcre2_match(parts_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, 0, parts_->data,
                            parts_->limits);
  if (n < 0)
    return std::nullopt;
  const auto* bounds = pcre2_get_ovector_pointer(parts_->data);
  return std::pair(std::min(bounds[0], bounds[1]), bounds[1]); // \K may put the start behind the end
}

} // namespace troupe::agent
