// Cuts a terminal's byte stream into text, characters and whole control sequences. It stands before libvterm because
// libvterm 0.1 writes past its tables at a CSI of many parameters, prints APC strings, loses characters that are cut
// between two reads, and does not say whether it is in its ground state. Any cut of the input gives the same.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// One CSI sequence. Views are valid during the call only.
struct control_sequence {
  struct number {
    int value = -1;    ///< -1 when it is missing
    bool more = false; ///< a colon follows: the next number belongs to this one
  };
  char leader = 0; ///< one of < = > ?, 0 when there is none
  std::span<const number> numbers;
  std::string_view intermediates;
  std::string_view raw; ///< all between the [ and the final byte
  char final = 0;

  /// The number at `i`, `otherwise` when it is missing.
  [[nodiscard]] int at(std::size_t i, int otherwise) const {
    return i < numbers.size() && numbers[i].value >= 0 ? numbers[i].value : otherwise;
  }
};

/// Whether that private mode puts the alternate screen in place of the main one.
constexpr bool is_alternate_screen(int mode) {
  return mode == 47 || mode == 1047 || mode == 1049;
}

class sequence_sink {
public:
  virtual ~sequence_sink() = default;
  /// Printable ASCII and BEL, BS, HT, LF, VT, FF, CR.
  virtual void on_text(std::string_view run) = 0;
  /// One valid character beyond ASCII; what was no UTF-8 comes as U+FFFD.
  virtual void on_character(std::string_view utf8, char32_t c) = 0;
  /// SO or SI.
  virtual void on_shift(char control) = 0;
  /// What follows the ESC: up to two intermediates and the final byte.
  virtual void on_escape(std::string_view bytes) = 0;
  virtual void on_csi(const control_sequence& s) = 0;
  /// A whole OSC, DCS, SOS, PM or APC string; `kind` is the byte after the ESC. At most its first 4 KiB.
  virtual void on_string(char kind, std::string_view text) = 0;
};

class sequence_reader {
public:
  explicit sequence_reader(sequence_sink& sink) : sink_(sink) {}
  void feed(std::string_view bytes);
  /// Whether no character or sequence is unfinished.
  [[nodiscard]] bool ground() const { return at_ == state::ground && pending_.empty(); }

private:
  enum class state : std::uint8_t { ground, escape, csi, string, string_escape };
  void take(char byte);
  void take_ground(char byte);
  void take_escape(char byte);
  void take_csi(char byte);
  void take_string(char byte);
  bool control(char byte);
  void continue_character(char byte);
  void replace();
  void finish_csi(char final);
  void abort(char byte);
  sequence_sink& sink_;
  state at_ = state::ground;
  bool too_long_ = false;
  char kind_ = 0;
  std::size_t need_ = 0; ///< length of the unfinished character
  std::string pending_, collected_;
};

/// The code point of one valid character, U+FFFD for an overlong form, a surrogate or what lies beyond Unicode.
char32_t decode(std::string_view utf8);
/// Appends the character as UTF-8.
void put_utf8(std::string& out, char32_t c);

} // namespace troupe
