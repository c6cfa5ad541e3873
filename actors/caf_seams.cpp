// CAF 0.17's peculiarities.
#include "actors/caf_seams.hpp"

#include "caf/sec.hpp"

namespace troupe {

failure failure_of(const caf::error& e) {
  if (e.category() == caf::atom("troupe")) {
    std::string text;
    const auto& context = e.context();
    if (context.match_elements<std::string>())
      text = context.get_as<std::string>(0);
    return {static_cast<errc>(e.code()), text};
  }
  if (e == caf::sec::request_timeout)
    return {errc::timed_out, "no answer within the deadline\nlook at: troupe daemon logs"};
  return {errc::draining, "the background service is stopping\ntry again in a moment"};
}

actor_config::actor_config() {
  add_message_types<caf::id_block::troupe>();
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", std::size_t{1}); // decisions are short; a second thread costs wake-ups between them
  add_error_category(caf::atom("troupe"), [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    std::string out(name_of(static_cast<errc>(code)));
    if (context.match_elements<std::string>())
      out += ": " + context.get_as<std::string>(0);
    return out;
  });
}

} // namespace troupe
