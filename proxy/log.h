/*
 * Logs: one line an event, on standard error or in files, as text or JSON.
 *
 *	time level thread event key=value ...
 *	{"time": ..., "level": ..., "area": ..., "thread": ..., "event": ..., "key": "value", ..., "text": ...}
 *
 * Any thread may log. Between log_start() and log_stop() a line is put into a bounded queue, from which a thread of its
 * own writes: nobody waits for a disk. What finds the queue full is dropped and counted. Three streams: the log itself,
 * slow statements, and the audit; the latter two go to the log unless they have files. Event names are fixed words a
 * person can grep; each belongs to an area (log_area.c), whose level may be its own. Of one event in the log, more than
 * log_rate lines a second are left out and counted. Never a password; of statements, what is left when literals are taken
 * out, unless they were asked for.
 */
#ifndef WYE_PROXY_LOG_H
#define WYE_PROXY_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_stream { LOG_STREAM_LOG, LOG_STREAM_SLOW, LOG_STREAM_AUDIT, LOG_STREAMS };

#define LOG_LINE_MAX 2048u /* bytes; more is cut */

/* Name, word, what belongs there. */
#define LOG_AREAS(X)                                                                                                   \
	X(PROCESS, "process")   /* start, end, signals, settings that cannot be kept */                                \
	X(SERVERS, "servers")   /* the cluster: up, down, lag, roles, grants */                                        \
	X(ACCOUNTS, "accounts") /* accounts and the catalog that were read */                                          \
	X(SESSIONS, "sessions") /* clients: their ends, what they lost, rules that log */                              \
	X(POOLS, "pools")       /* connections to servers */                                                           \
	X(CONSOLE, "console")   /* administrators and the configuration */
enum log_area {
#define X(name, word) LOG_AREA_##name,
	LOG_AREAS(X)
#undef X
		LOG_AREA_COUNT
};
const char *log_area_name(enum log_area area);
enum log_area log_area_of(const char *event);

void log_set_level(enum log_level level);
/* "sessions=debug, servers=warning": areas that have a level of their own. An empty text: none has. False, and nothing
 * is changed, with a sentence in error; with `check_only` nothing is changed either. */
bool log_set_levels(const char *text, bool check_only, char *error, size_t error_size);
void log_set_format(enum log_format format);
void log_set_rate(uint64_t lines_a_second); /* 0: any number */
bool log_level_by_name(const char *name, enum log_level *level);
const char *log_level_name(enum log_level level);
bool log_wants(enum log_level level, const char *event);

/* Names this thread in its lines ("w0", "control", "monitor 127.0.0.1:3306"); the text is copied. */
void log_thread_name(const char *name);

/* The log itself is standard error until a file is named; SIGHUP calls log_reopen(), which opens all files anew. 0 or a
 * negative errno. */
int log_open(enum log_stream stream, const char *path);
int log_reopen(void);

/* The thread that writes. Without it whoever logs writes. log_stop() writes what is queued. */
void log_start(void);
void log_stop(void);

void log_line(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A line of a stream, whatever the levels are, from fields that may hold any bytes. */
struct log_fields {
	char text[LOG_LINE_MAX];
	size_t len;
};
void log_fields_begin(struct log_fields *f);
void log_field(struct log_fields *f, const char *name, const char *value); /* an empty one is left out */
void log_field_bytes(struct log_fields *f, const char *name, const void *value, size_t len);
void log_field_number(struct log_fields *f, const char *name, uint64_t value);
void log_fields_end(struct log_fields *f, enum log_stream stream, enum log_level level, const char *event);

/* Since the start. Any thread. */
struct log_counts {
	char path[512];  /* empty: standard error, or the log */
	uint64_t lines, bytes;
	uint64_t dropped;  /* the queue was full */
	uint64_t repeated; /* left out for log_rate */
	uint64_t failed;   /* could not be written */
};
void log_counts_read(enum log_stream stream, struct log_counts *out);
const char *log_stream_name(enum log_stream stream);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(event, ...)                                                                                          \
	do {                                                                                                           \
		if (log_wants(LOG_LEVEL_DEBUG, event))                                                                 \
			log_line(LOG_LEVEL_DEBUG, event, __VA_ARGS__);                                                 \
	} while (0)

#endif
