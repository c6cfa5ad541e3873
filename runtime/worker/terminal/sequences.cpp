// Text, characters and control sequences of a terminal's byte stream.
#include "runtime/worker/terminal/sequences.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t csi_limit = 256, string_limit = 4096, escape_limit = 3, number_limit = 64;

bool in(char c, int low, int high) {
  auto u = static_cast<unsigned char>(c);
  return u >= low && u <= high;
}

/// What libvterm may see as it is, in a run.
bool passes(char c) { return in(c, 0x20, 0x7e) || in(c, 0x07, 0x0d); }

} // namespace

char32_t decode(std::string_view s) {
  auto at = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(s[i])); };
  char32_t c = s.size() == 2 ? at(0) & 0x1f : s.size() == 3 ? at(0) & 0x0f : at(0) & 0x07;
  for (std::size_t i = 1; i < s.size(); ++i)
    c = c << 6 | (at(i) & 0x3f);
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool bad = s.size() < 2 || s.size() > 4 || c < least[s.size()] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000);
  return bad ? 0xfffd : c;
}

void put_utf8(std::string& out, char32_t c) {
  auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80)
    return put(c);
  int rest = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr char32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  put(lead[rest] | c >> (6 * rest));
  while (rest-- > 0)
    put(0x80 | (c >> (6 * rest) & 0x3f));
}

void sequence_reader::feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (ground()) {
      auto from = i;
      while (i < bytes.size() && passes(bytes[i]))
        ++i;
      if (i > from)
        sink_.on_text(bytes.substr(from, i - from));
      if (i == bytes.size())
        return;
    }
    take(bytes[i++]);
  }
}

void sequence_reader::take(char byte) {
  if (byte == 0x18 || byte == 0x1a) { // CAN and SUB end anything
    if (!pending_.empty())
      replace();
    at_ = state::ground;
    return;
  }
  switch (at_) {
  case state::ground:
    return take_ground(byte);
  case state::escape:
    return take_escape(byte);
  case state::csi:
    return take_csi(byte);
  case state::string:
    return take_string(byte);
  case state::string_escape:
    if (byte != '\\') {
      collected_.clear();
      return take_escape(byte);
    }
    at_ = state::ground;
    sink_.on_string(kind_, collected_);
  }
}

/// Controls that act wherever they stand.
bool sequence_reader::control(char byte) {
  if (in(byte, 0x07, 0x0d))
    sink_.on_text({&byte, 1});
  else if (byte == 0x0e || byte == 0x0f)
    sink_.on_shift(byte);
  return in(byte, 0, 0x1f) || byte == 0x7f;
}

void sequence_reader::replace() {
  pending_.clear();
  sink_.on_character("\xef\xbf\xbd", 0xfffd);
}

void sequence_reader::continue_character(char byte) {
  pending_ += byte;
  if (pending_.size() < need_)
    return;
  auto c = decode(pending_);
  if (c == 0xfffd)
    return replace();
  if (c >= 0xa0) // U+0080 to U+009F are controls: no terminal prints them
    sink_.on_character(pending_, c);
  pending_.clear();
}

void sequence_reader::take_ground(char byte) {
  if (!pending_.empty()) {
    if (in(byte, 0x80, 0xbf))
      return continue_character(byte);
    replace();
  }
  if (byte == 0x1b) {
    at_ = state::escape;
    collected_.clear();
  } else if (in(byte, 0xc2, 0xf4)) {
    need_ = in(byte, 0xc2, 0xdf) ? 2 : in(byte, 0xe0, 0xef) ? 3 : 4;
    pending_ = byte;
  } else if (in(byte, 0x80, 0xff)) {
    replace();
  } else if (!control(byte)) {
    sink_.on_text({&byte, 1});
  }
}

/// A byte that has no place in a sequence ends it and is read anew.
void sequence_reader::abort(char byte) {
  at_ = state::ground;
  take_ground(byte);
}

void sequence_reader::take_escape(char byte) {
  at_ = state::escape;
  if (byte == 0x1b) {
    collected_.clear();
  } else if (control(byte)) {
    return;
  } else if (in(byte, 0x80, 0xff)) {
    abort(byte);
  } else if (in(byte, 0x20, 0x2f)) {
    if (collected_.size() < escape_limit)
      collected_ += byte;
  } else if (collected_.empty() && byte == '[') {
    at_ = state::csi;
    too_long_ = false;
  } else if (collected_.empty() && std::string_view("]PX^_").find(byte) != std::string_view::npos) {
    at_ = state::string;
    kind_ = byte;
  } else {
    at_ = state::ground;
    collected_ += byte;
    if (collected_.size() <= escape_limit)
      sink_.on_escape(collected_);
  }
}

void sequence_reader::take_csi(char byte) {
  if (byte == 0x1b) {
    at_ = state::escape;
    collected_.clear();
  } else if (control(byte)) {
    return;
  } else if (in(byte, 0x80, 0xff)) {
    abort(byte);
  } else if (in(byte, 0x40, 0x7e)) {
    at_ = state::ground;
    if (!too_long_)
      finish_csi(byte);
  } else if (collected_.size() < csi_limit) {
    collected_ += byte;
  } else {
    too_long_ = true;
  }
}

void sequence_reader::take_string(char byte) {
  if (byte == 0x1b) {
    at_ = state::string_escape;
  } else if (byte == 0x07 && kind_ == ']') {
    at_ = state::ground;
    sink_.on_string(kind_, collected_);
  } else if (!in(byte, 0, 0x1f) && byte != 0x7f && collected_.size() < string_limit) {
    collected_ += byte;
  }
}

void sequence_reader::finish_csi(char final) {
  std::string_view rest = collected_;
  control_sequence s;
  s.raw = rest;
  s.final = final;
  if (!rest.empty() && in(rest[0], 0x3c, 0x3f)) {
    s.leader = rest[0];
    rest.remove_prefix(1);
  }
  std::array<control_sequence::number, number_limit> numbers{};
  std::size_t n = 0;
  auto size = std::min(rest.find_first_not_of("0123456789;:"), rest.size());
  for (char c : rest.substr(0, size)) {
    if (c == ';' || c == ':') {
      numbers[n].more = c == ':';
      if (++n == number_limit)
        return;
    } else {
      auto& value = numbers[n].value;
      value = std::min(std::max(value, 0) * 10 + (c - '0'), 99'999'999);
    }
  }
  s.numbers = std::span(numbers).first(size > 0 ? n + 1 : 0);
  s.intermediates = rest.substr(size);
  bool sound = std::all_of(s.intermediates.begin(), s.intermediates.end(), [](char c) { return in(c, 0x20, 0x2f); });
  if (sound && s.intermediates.size() <= 2)
    sink_.on_csi(s);
}

} // namespace troupe
