// The rest clock: frozen first, reaped later.
#include "actors/session/rest.hpp"

namespace troupe::session_machine {

namespace {

bool freezes(const context& c) {
  return c.p.freeze > 0 && c.p.freeze < c.p.idle && !c.f().is_exec();
}

} // namespace

void begin_rest(context& c) {
  c.s.freeze_asked = false;
  watch_rest(c);
}

void watch_rest(context& c) {
  bool frozen_next = c.f().resting() && freezes(c) && !c.s.freeze_asked;
  if (frozen_next)
    c.arm_timer(timer::rest, c.p.freeze);
  else if (c.f().at_rest())
    c.arm_timer(timer::rest, c.p.idle - (c.s.freeze_asked ? c.p.freeze : 0));
  else
    ++c.s.rest_generation;
}

process stay_frozen(context& c, const worker_address& w) {
  c.s.freeze_asked = true; // by a predecessor, it may be
  watch_rest(c);
  return frozen{w};
}

process thaw_here(context& c, const worker_address& w, const std::string& why, bool first_cause) {
  c.write("thaw", {{"why", why}}, first_cause);
  c.put(thaw{w, why});
  begin_rest(c);
  return live{w};
}

bool freeze_first(context& c, const worker_address& w) {
  if (!c.f().resting() || !freezes(c) || std::exchange(c.s.freeze_asked, true))
    return false;
  c.write("freeze", {{"idle_ms", std::to_string(c.p.freeze)}});
  c.put(freeze{w, c.f().last_event});
  watch_rest(c);
  return true;
}

} // namespace troupe::session_machine
