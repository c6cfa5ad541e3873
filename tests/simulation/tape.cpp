// Drawing a day.
#include "tests/simulation/tape.hpp"

namespace troupe::simulation {

std::uint64_t dice::next() {
  auto z = at_ += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

namespace {

/// Some of the kinds, each with a weight, the first ones always among them.
template <class Kind>
std::vector<Kind> mix(dice& d, std::initializer_list<Kind> always) {
  std::vector<Kind> out(always);
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(Kind::last); ++i)
    if (d.roll(2) == 0)
      out.insert(out.end(), 1 + d.roll(3), static_cast<Kind>(i));
  return out;
}

} // namespace

tape draw(std::uint64_t seed, std::size_t steps) {
  dice d(seed);
  auto operations = mix<operation>(d, {operation::dispatch_agent, operation::dispatch_job, operation::reply});
  auto faults = mix<fault>(d, {});
  auto rare = faults.empty() ? 0U : d.roll(5) == 0 ? 0U : 1 + d.roll(4); // one day in five goes without a fault
  tape out;
  out.reserve(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    choice c;
    c.how = static_cast<std::uint16_t>(d.roll(1 << 16));
    auto p = d.roll(100);
    if (p < rare) {
      c.what = act::fault;
      c.which = static_cast<std::uint16_t>(faults[d.roll(static_cast<std::uint32_t>(faults.size()))]);
    } else if (p < 10) {
      c.what = act::operation;
      c.which = static_cast<std::uint16_t>(operations[d.roll(static_cast<std::uint32_t>(operations.size()))]);
    } else {
      c.what = p < 16 ? act::time : p < 60 ? act::message : act::deed;
      c.which = static_cast<std::uint16_t>(d.roll(1 << 16));
    }
    out.push_back(c);
  }
  return out;
}

} // namespace troupe::simulation
