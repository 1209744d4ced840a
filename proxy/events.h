/*
 * What happened and why: the last few hundred events of topology, lag, failover and configuration, kept for
 * stats_events and written to the log. Any thread may note one.
 */
#ifndef WYE_PROXY_EVENTS_H
#define WYE_PROXY_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/log.h"

struct event {
	uint64_t number;  /* counts from 1 */
	int64_t time_us;  /* since the epoch */
	enum log_level level;
	char kind[32];    /* fixed word: server-up, server-down, replica-out, replica-in, new-primary, accounts, ... */
	char server[128]; /* host:port, or empty */
	char text[256];
};

void event_note(enum log_level level, const char *kind, const char *server, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* How many there were of a kind since the start; never fewer at a later look. */
#define EVENT_KINDS_MAX 64u
struct event_count {
	char kind[32];
	enum log_level level;
	uint64_t events;
};
size_t events_counts(struct event_count out[EVENT_KINDS_MAX]);

/* The newest events, oldest first, at most n; returns how many were written. */
size_t events_copy(struct event *out, size_t n);

#endif
