// From a dispatch to the first request that the model gets of a foreign agent, with a spare and without one:
// `troupe-bench-agents [ROUNDS]`. It needs the agents of tests/agents/install, in the folder that TROUPE_AGENTS names.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "tests/agents/foreign.hpp"

using namespace troupe;
using namespace troupe::test;
using clock_type = std::chrono::steady_clock;

namespace {

double median(std::vector<double> xs) {
  std::sort(xs.begin(), xs.end());
  return xs.empty() ? 0 : xs[xs.size() / 2];
}

/// Milliseconds of each dispatch but the first, which no spare can serve.
std::vector<double> dispatch(const foreign_agent& about, bool warm, int rounds) {
  foreign f(about, warm);
  std::vector<double> all;
  for (int i = 0; i <= rounds; ++i) {
    const auto t = clock_type::now();
    const auto id = f.dispatch("say something");
    f.model->request();
    if (i > 0)
      all.push_back(std::chrono::duration<double, std::milli>(clock_type::now() - t).count());
    f.reaches(id, "done");
    f.box.troupe({"rm", id});
    if (warm)
      f.sees([&] { return f.box.status()["spares"].value("ready", 0) >= 1; });
  }
  return all;
}

} // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (!std::getenv("TROUPE_BIN")) {
    char self[4096];
    const auto n = ::readlink("/proc/self/exe", self, sizeof self);
    const std::string path(self, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    ::setenv("TROUPE_BIN", path.substr(0, path.rfind('/')).c_str(), 1);
  }
  if (!agents_missing().empty())
    return 0;
  const auto cold = median(dispatch(gemini(), false, rounds)), warm = median(dispatch(gemini(), true, rounds));
  std::printf(
      "gemini, dispatch to the first model request (median of %d): cold %.0f ms, warm %.0f ms, %.1f times as fast\n",
      rounds, cold, warm, cold / warm);
  return 0;
}
