// A conversation as whole lines, for those who hear it and for terminals that only print. Pure.
#pragma once

#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe::view {

class speech {
public:
  /// What is to be said at this event, a text each; text that streams in is held until its line or its turn is whole.
  std::vector<std::string> take(const troupe::event& e);

private:
  void flush(std::vector<std::string>& out);
  std::string held_;
};

} // namespace troupe::view
