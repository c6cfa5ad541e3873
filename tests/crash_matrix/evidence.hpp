// What can be seen from outside without asking Troupe: processes by identity, and the lines of its files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/crash_matrix/day.hpp"

namespace troupe::crash {

/// The live processes of one session, by the mark in their environment, and its worker; a description each.
std::vector<std::string> processes_of(const test::sandbox& home, const std::string& session);
/// The processes of this home that are left after the end; those that were on their way out get a second.
std::vector<std::string> left_after(const test::sandbox& home);
/// Ledger and transcripts: numbers without gap or double, nothing set aside, each prompt once in the agent's own
/// conversation, no start behind a stop.
void read_files(const test::sandbox& home, const std::map<std::string, std::string>& ids, faults& found);

} // namespace troupe::crash
