// Removing a folder by descriptor (SEC-4): never by a path that somebody could turn into a link meanwhile, never
// through a link, never into another file system or mount.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// Opens a folder, part by part, where no part but the first (`root`) may be a link. Empty: errno says why.
unique_fd open_folder(const std::string& root, const std::string& below);
/// Opens the folder `name` in `parent`, which may be neither a link nor a mount. Empty: errno (EXDEV: a mount).
unique_fd open_within(int parent, const std::string& name);
/// Whether that descriptor is the folder with this device and inode.
bool is_folder(int fd, std::uint64_t device, std::uint64_t inode);

/// The first mount below the folder, by its path within; empty: there is none.
std::string mount_within(int folder);
/// Empties the folder. What cannot be removed stays, and is told: `left` is the first such path and why. True: it is
/// empty.
bool empty_folder(int folder, std::string& left);
/// Empties and removes the folder `name` in `parent`.
bool remove_folder(int parent, const std::string& name, std::string& left);

} // namespace troupe
