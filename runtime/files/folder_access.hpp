// Why a directory cannot be worked in, in words that say what is missing and where it is granted (CLI-6).
#pragma once

#include <string>

#include "messages/errors.hpp"

namespace troupe {

/// What keeps this process's user out of the directory `path` (absolute): errc::directory with the folder on the way
/// that is closed, whose it is and how it is opened; errc::ok where nothing does, or where it is not there.
failure folder_fault(const std::string& path);

} // namespace troupe
