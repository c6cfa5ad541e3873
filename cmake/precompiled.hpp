// What most sources include from outside the project, parsed once a build (TROUPE_PRECOMPILED). A source includes what it
// uses all the same: with a compiler cache, and where the option is off, this file is not read.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>
