/*
 * Logs: one line an event, `time level thread event key=value ...`, on standard error or a file.
 *
 * Any thread may log. Event names are fixed words a person can grep. Never a password, and SQL only at debug with
 * its literals replaced.
 */
#ifndef WYE_PROXY_LOG_H
#define WYE_PROXY_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
bool log_level_by_name(const char *name, enum log_level *level);
const char *log_level_name(enum log_level level);
bool log_wants(enum log_level level);

/* Names this thread in its lines ("w0", "control", "monitor 127.0.0.1:3306"); the text is copied. */
void log_thread_name(const char *name);

/* Standard error until a file is named; SIGHUP calls log_reopen(). 0 or a negative errno. */
int log_open(const char *path);
int log_reopen(void);

void log_line(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                                                \
	do {                                                                                                           \
		if (log_wants(LOG_LEVEL_DEBUG))                                                                        \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                                        \
	} while (0)

#endif
