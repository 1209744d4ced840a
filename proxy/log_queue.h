/*
 * The lines that wait to be written: a ring of slots, filled by any thread without a lock, emptied by one.
 *
 * A slot's turn counter says whose it is: a writer claims the next slot by moving `tail`, fills it in and passes it on;
 * the reader takes it when it was passed on. (The bounded queue of Dmitry Vyukov.)
 */
#ifndef WYE_PROXY_LOG_QUEUE_H
#define WYE_PROXY_LOG_QUEUE_H

#include "proxy/log.h"

#define LOG_QUEUE_SLOTS 512u /* a power of two */

struct log_record {
	int64_t time_us; /* since the epoch */
	enum log_level level;
	enum log_stream stream;
	const char *area;
	char thread[64];
	char event[40];
	size_t len;
	char text[LOG_LINE_MAX];
};

/* A slot to fill in; NULL when there is none, which the caller counts. Then it is passed on. Any thread. */
struct log_record *log_queue_claim(void);
void log_queue_pass(struct log_record *r);

/* The oldest that was passed on, or NULL; then it is given back. One thread. */
struct log_record *log_queue_take(void);
void log_queue_give_back(struct log_record *r);

#endif
