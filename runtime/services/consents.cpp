// One small file.
#include "runtime/services/consents.hpp"

#include "runtime/files/paths.hpp"

namespace troupe {

json consents::read() const {
  failure ignored; // what cannot be read was not given
  auto all = json::parse(read_file(file_, ignored).value_or("{}"), nullptr, false);
  return all.is_object() ? all : json::object();
}

bool consents::given(const std::string& name) const {
  const auto all = read();
  const auto at = all.find(name);
  return at != all.end() && at->is_number_integer();
}

bool consents::give(const std::string& name, wall_ms now, failure& error) const {
  auto all = read();
  all[name] = now;
  return replace_file(file_, to_line(all) + "\n", true, error);
}

} // namespace troupe
