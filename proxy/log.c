#include "proxy/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static _Atomic int threshold = LOG_LEVEL_INFO;
static _Atomic int log_fd = STDERR_FILENO;
static char log_path[1024];
static _Thread_local char thread_name[64] = "main";

static const char *const names[] = {"error", "warning", "info", "debug"};

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool log_level_by_name(const char *name, enum log_level *level)
{
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

const char *log_level_name(enum log_level level)
{
	return names[level];
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

void log_thread_name(const char *name)
{
	snprintf(thread_name, sizeof thread_name, "%s", name);
	/* For top, perf and debuggers as well, which know fifteen characters; the main thread's name is the program's. */
	char shortened[16];
	snprintf(shortened, sizeof shortened, "%.15s", name);
	if (gettid() != getpid())
		pthread_setname_np(pthread_self(), shortened);
}

int log_open(const char *path)
{
	snprintf(log_path, sizeof log_path, "%s", path);
	return log_reopen();
}

/* The old descriptor is replaced in place (dup2), so that a line being written by another thread is not lost. */
int log_reopen(void)
{
	if (!*log_path)
		return 0;
	int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	int old = atomic_load(&log_fd);
	if (old == STDERR_FILENO) {
		atomic_store(&log_fd, fd);
		return 0;
	}
	int failed = dup3(fd, old, O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return failed;
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
	if (!log_wants(level))
		return;
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	char line[LINE_MAX_BYTES];
	size_t n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s %s %s ", now.tv_nsec / 1000000, names[level],
			      thread_name, event);
	va_list args;
	va_start(args, format);
	int more = vsnprintf(line + n, sizeof line - n - 1, format, args);
	va_end(args);
	if (more > 0)
		n = n + (size_t)more < sizeof line - 1 ? n + (size_t)more : sizeof line - 2;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' '; /* what a peer sent must not start a line of its own */
	line[n++] = '\n';
	ssize_t written = write(atomic_load(&log_fd), line, n);
	(void)written; /* a log that cannot be written must not stop the proxy */
}
