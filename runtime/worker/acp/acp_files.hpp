// The client's fs methods, for agents whose driver offers them: text files by absolute path, with the user's own
// rights.
#pragma once

#include "messages/errors.hpp"
#include "messages/json.hpp"

namespace troupe {

/// `fs/read_text_file`: `path`, `line` from 1, `limit` in lines. At most 4 MiB; a larger part is refused. The result,
/// or null with `error` set (errc::no_such_session stands for a file that is not there).
json read_text_file(const json& params, failure& error);
/// `fs/write_text_file`: `path`, `content`. Makes the folders that are missing, and leaves a file's mode as it is.
json write_text_file(const json& params, failure& error);

} // namespace troupe
