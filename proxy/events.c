#include "proxy/events.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENTS_KEPT 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct event ring[EVENTS_KEPT];
static uint64_t noted;
static struct event_count counts[EVENT_KINDS_MAX];
static size_t n_counts;

/* The words are few and fixed; were there more than there is room for, the last would stand for the rest. */
static void count(const struct event *e)
{
	size_t i = 0;
	while (i < n_counts && (counts[i].level != e->level || strcmp(counts[i].kind, e->kind) != 0))
		i++;
	if (i == EVENT_KINDS_MAX)
		i--;
	if (i == n_counts) {
		memcpy(counts[i].kind, e->kind, sizeof e->kind);
		counts[i].level = e->level;
		n_counts++;
	}
	counts[i].events++;
}

void event_note(enum log_level level, const char *kind, const char *server, const char *format, ...)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct event e = {.time_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000, .level = level};
	snprintf(e.kind, sizeof e.kind, "%s", kind);
	snprintf(e.server, sizeof e.server, "%s", server ? server : "");
	va_list args;
	va_start(args, format);
	vsnprintf(e.text, sizeof e.text, format, args);
	va_end(args);

	pthread_mutex_lock(&lock);
	e.number = ++noted;
	ring[noted % EVENTS_KEPT] = e;
	count(&e);
	pthread_mutex_unlock(&lock);

	if (*e.server)
		log_line(level, kind, "server=%s %s", e.server, e.text);
	else
		log_line(level, kind, "%s", e.text);
}

size_t events_counts(struct event_count out[EVENT_KINDS_MAX])
{
	pthread_mutex_lock(&lock);
	size_t n = n_counts;
	memcpy(out, counts, sizeof counts);
	pthread_mutex_unlock(&lock);
	return n;
}

size_t events_copy(struct event *out, size_t n)
{
	pthread_mutex_lock(&lock);
	uint64_t have = noted < EVENTS_KEPT ? noted : EVENTS_KEPT;
	if (n > have)
		n = (size_t)have;
	for (size_t i = 0; i < n; i++)
		out[i] = ring[(noted - n + 1 + i) % EVENTS_KEPT];
	pthread_mutex_unlock(&lock);
	return n;
}
