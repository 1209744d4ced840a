#include "proxy/log_settings.h"

#include <stdio.h>

#include "proxy/audit.h"

void log_configure(const struct settings *s)
{
	char error[256];
	log_set_level(s->log_level);
	log_set_levels(s->log_levels, false, error, sizeof error); /* was checked when it was set */
	log_set_format(s->log_format);
	log_set_rate(s->log_rate);
	audit_configure(s->audit);
}

bool log_open_files(const struct settings *s, char *error, size_t error_size)
{
	const struct {
		const char *setting, *path;
		enum log_stream stream;
	} files[] = {{"log_file", s->log_file, LOG_STREAM_LOG},
		     {"slow_log_file", s->slow_log_file, LOG_STREAM_SLOW},
		     {"audit_file", s->audit_file, LOG_STREAM_AUDIT}};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (*files[i].path && log_open(files[i].stream, files[i].path) != 0) {
			snprintf(error, error_size, "cannot write to %s %s", files[i].setting, files[i].path);
			return false;
		}
	return true;
}
