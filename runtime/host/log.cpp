// The supervisor's log, by spdlog.
#include "runtime/host/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <sys/stat.h>

namespace troupe {

struct event_log::parts {
  std::shared_ptr<spdlog::logger> out;
};

event_log::event_log(const std::string& path, bool echo) : parts_(std::make_unique<parts>()) {
  spdlog::file_event_handlers opening; // the umask is the process's own business
  opening.after_open = [](const std::string&, std::FILE* file) { ::fchmod(::fileno(file), 0600); };
  std::vector<spdlog::sink_ptr> sinks;
  sinks.push_back(
      std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, std::size_t{4} << 20, 3, false, opening));
  if (echo)
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  parts_->out = std::make_shared<spdlog::logger>("troupe", sinks.begin(), sinks.end());
  parts_->out->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
  parts_->out->flush_on(spdlog::level::info);
}

event_log::~event_log() = default;

void event_log::write(const std::string& line) {
  parts_->out->log(spdlog::level::info, spdlog::string_view_t(line));
}

void event_log::flush() {
  parts_->out->flush();
}

} // namespace troupe
