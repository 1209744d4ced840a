#include "proxy/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/log_format.h"
#include "proxy/log_queue.h"
#include "proxy/log_repeats.h"

#define SECOND_US 1000000LL

struct stream {
	_Atomic int fd; /* -1: it goes to the log */
	char path[512];
	_Atomic uint64_t lines, bytes, dropped, repeated, failed;
};

static struct stream streams[LOG_STREAMS] = {
	[LOG_STREAM_LOG] = {.fd = STDERR_FILENO}, [LOG_STREAM_SLOW] = {.fd = -1}, [LOG_STREAM_AUDIT] = {.fd = -1}};
static _Atomic int format_now = LOG_FORMAT_TEXT;
static _Atomic uint64_t rate = 100;
static _Thread_local char thread_name[64] = "main";

static pthread_t writer;
static _Atomic bool running;
static sem_t filled;      /* one for each record passed on */
static pthread_mutex_t direct = PTHREAD_MUTEX_INITIALIZER; /* without the thread: one writes at a time */

static const char *const level_names[] = {"error", "warning", "info", "debug"};

bool log_level_by_name(const char *name, enum log_level *level)
{
	for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++)
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

const char *log_stream_name(enum log_stream stream)
{
	static const char *const names[] = {"log", "slow", "audit"};
	return names[stream];
}

void log_set_format(enum log_format format)
{
	atomic_store(&format_now, (int)format);
}

void log_set_rate(uint64_t lines_a_second)
{
	atomic_store(&rate, lines_a_second);
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

/* ---- files ---- */

int log_open(enum log_stream stream, const char *path)
{
	snprintf(streams[stream].path, sizeof streams[stream].path, "%s", path);
	return log_reopen();
}

/* The old descriptor is replaced in place (dup3), so that a line being written by another thread is not lost. */
static int reopen(struct stream *s)
{
	if (!*s->path)
		return 0;
	int fd = open(s->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	int old = atomic_load(&s->fd);
	if (old < 0 || old == STDERR_FILENO) {
		atomic_store(&s->fd, fd);
		return 0;
	}
	int failed = dup3(fd, old, O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return failed;
}

int log_reopen(void)
{
	int failed = 0;
	for (unsigned i = 0; i < LOG_STREAMS; i++) {
		int one = reopen(&streams[i]);
		failed = failed ? failed : one;
	}
	return failed;
}

/* systemd says in JOURNAL_STREAM which device and inode its journal is: is standard error still that? */
static bool is_journal(void)
{
	static _Atomic int known = -1;
	int is = atomic_load(&known);
	if (is >= 0)
		return is;
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	is = text && sscanf(text, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	     st.st_dev == device && st.st_ino == inode;
	atomic_store(&known, is);
	return is;
}

/* ---- writing, in one thread at a time ---- */

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void write_record(const struct log_record *r)
{
	static char line[LOG_FORMATTED_MAX];
	struct stream *s = &streams[r->stream];
	int fd = atomic_load(&s->fd);
	if (fd < 0)
		fd = atomic_load(&streams[LOG_STREAM_LOG].fd);
	size_t len = log_format_record(r, (enum log_format)atomic_load(&format_now),
				       fd == STDERR_FILENO && is_journal(), line);
	ssize_t written = write(fd, line, len);
	if (written == (ssize_t)len) {
		count(&s->lines, 1);
		count(&s->bytes, len);
	} else {
		count(&s->failed, 1); /* a log that cannot be written must not stop the proxy */
	}
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static void write_own(const char *event, enum log_level level, const char *text)
{
	struct log_record r = {.time_us = now_us(), .level = level, .area = log_area_name(log_area_of(event))};
	snprintf(r.thread, sizeof r.thread, "log");
	snprintf(r.event, sizeof r.event, "%s", event);
	snprintf(r.text, sizeof r.text, "%s", text);
	r.len = strlen(r.text);
	write_record(&r);
}

static void tell_repeats(const char *event, enum log_level level, uint64_t times)
{
	char text[128];
	snprintf(text, sizeof text, "repeated %llu times in a second, beyond log_rate", (unsigned long long)times);
	write_own(event, level, text);
}

static void tell_dropped(void)
{
	static uint64_t told;
	uint64_t dropped = 0;
	char text[64];
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		dropped += atomic_load_explicit(&streams[i].dropped, memory_order_relaxed);
	if (dropped == told)
		return;
	snprintf(text, sizeof text, "lines=%llu the queue was full", (unsigned long long)(dropped - told));
	told = dropped;
	write_own("log-dropped", LOG_LEVEL_WARNING, text);
}

static void take_record(const struct log_record *r)
{
	uint64_t most = atomic_load(&rate);
	if (r->stream == LOG_STREAM_LOG && most && !log_repeats_allow(r->event, r->level, r->time_us, most, tell_repeats))
		count(&streams[LOG_STREAM_LOG].repeated, 1);
	else
		write_record(r);
}

static void empty_queue(void)
{
	struct log_record *r;
	while ((r = log_queue_take())) {
		take_record(r);
		log_queue_give_back(r);
	}
	tell_dropped();
}

/* Woken by each record; while something was left out, at least every second. */
static void wait_for_records(void)
{
	struct timespec until;
	if (!log_repeats_pending()) {
		while (sem_wait(&filled) < 0 && errno == EINTR)
			;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	while (sem_timedwait(&filled, &until) < 0 && errno == EINTR)
		;
}

static void *write_all(void *unused)
{
	(void)unused;
	log_thread_name("log");
	while (atomic_load(&running)) {
		wait_for_records();
		empty_queue();
		log_repeats_tell(now_us(), tell_repeats);
	}
	return NULL;
}

void log_start(void)
{
	if (sem_init(&filled, 0, 0) != 0)
		return;
	atomic_store(&running, true);
	if (pthread_create(&writer, NULL, write_all, NULL) != 0)
		atomic_store(&running, false);
}

void log_stop(void)
{
	if (!atomic_exchange(&running, false))
		return;
	sem_post(&filled);
	pthread_join(writer, NULL);
	empty_queue();
	log_repeats_tell(INT64_MAX, tell_repeats);
}

/* ---- lines ---- */

static void describe(struct log_record *r, enum log_stream stream, enum log_level level, const char *event)
{
	r->time_us = now_us();
	r->level = level;
	r->stream = stream;
	r->area = log_area_name(log_area_of(event));
	memcpy(r->thread, thread_name, sizeof r->thread);
	snprintf(r->event, sizeof r->event, "%s", event);
}

static void fill(struct log_record *r, const char *format, va_list args)
{
	int more = vsnprintf(r->text, sizeof r->text, format, args);
	r->len = more < 0 ? 0 : (size_t)more < sizeof r->text ? (size_t)more : sizeof r->text - 1;
}

static void submit(enum log_stream stream, enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void submit_list(enum log_stream stream, enum log_level level, const char *event, const char *format, va_list args)
{
	if (!atomic_load_explicit(&running, memory_order_acquire)) {
		static struct log_record record;
		pthread_mutex_lock(&direct);
		describe(&record, stream, level, event);
		fill(&record, format, args);
		write_record(&record);
		pthread_mutex_unlock(&direct);
		return;
	}
	struct log_record *r = log_queue_claim();
	if (!r) {
		count(&streams[stream].dropped, 1);
		return;
	}
	describe(r, stream, level, event);
	fill(r, format, args);
	log_queue_pass(r);
	sem_post(&filled);
}

static void submit(enum log_stream stream, enum log_level level, const char *event, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	submit_list(stream, level, event, format, args);
	va_end(args);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
	if (!log_wants(level, event))
		return;
	va_list args;
	va_start(args, format);
	submit_list(LOG_STREAM_LOG, level, event, format, args);
	va_end(args);
}

/* ---- fields ---- */

static bool is_plain(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] == '"' || p[i] == '\\' || p[i] == '=' || p[i] == 0x7F)
			return false;
	return true;
}

static void put(struct log_fields *f, char c)
{
	if (f->len + 2 < sizeof f->text) /* room for a last quote */
		f->text[f->len++] = c;
}

void log_field_bytes(struct log_fields *f, const char *name, const void *value, size_t len)
{
	const unsigned char *p = value;
	size_t needed = strlen(name) + 8;
	if (!len || f->len + needed >= sizeof f->text)
		return;
	f->len += (size_t)snprintf(f->text + f->len, sizeof f->text - f->len, "%s%s=", f->len ? " " : "", name);
	bool quotes = !is_plain(p, len);
	if (quotes)
		put(f, '"');
	for (size_t i = 0; i < len; i++) {
		if ((p[i] == '"' || p[i] == '\\') && f->len + 4 < sizeof f->text)
			put(f, '\\');
		else if (p[i] == '"' || p[i] == '\\')
			break;
		put(f, p[i] < ' ' ? ' ' : (char)p[i]);
	}
	if (quotes)
		f->text[f->len++] = '"';
	f->text[f->len] = '\0';
}

void log_field(struct log_fields *f, const char *name, const char *value)
{
	if (value)
		log_field_bytes(f, name, value, strlen(value));
}

void log_fields_begin(struct log_fields *f)
{
	f->len = 0; /* the text is large, and not worth clearing */
}

void log_field_number(struct log_fields *f, const char *name, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	log_field(f, name, text);
}

void log_fields_end(struct log_fields *f, enum log_stream stream, enum log_level level, const char *event)
{
	submit(stream, level, event, "%.*s", (int)f->len, f->text);
}

void log_counts_read(enum log_stream stream, struct log_counts *out)
{
	struct stream *s = &streams[stream];
	memcpy(out->path, s->path, sizeof out->path);
	out->lines = atomic_load(&s->lines);
	out->bytes = atomic_load(&s->bytes);
	out->dropped = atomic_load(&s->dropped);
	out->repeated = atomic_load(&s->repeated);
	out->failed = atomic_load(&s->failed);
}
