/*
 * Changes of the topology: SWITCHOVER, FAILOVER, REJOIN and REOPEN, one at a time, by a thread of their own.
 *
 * The thread makes administrative connections of its own, in the monitor account's name, so that neither the control
 * thread nor a worker waits for a server. Who asks looks whether the number of his change has been reached, and reads its
 * rows then. All functions may be called from any thread, but start and stop.
 */
#ifndef WYE_PROXY_FAILOVER_CHANGES_H
#define WYE_PROXY_FAILOVER_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum change_kind { CHANGE_SWITCHOVER, CHANGE_FAILOVER, CHANGE_REJOIN, CHANGE_REOPEN };

struct change_request {
	enum change_kind kind;
	char server[280]; /* the new primary, or who is to return; empty: wye chooses */
	bool force;
	bool automatic;   /* nobody asked: failover = auto */
	char by[129];     /* who asked */
};

/* `told` is called on the loop's thread when a change has ended. 0 or UV_E*. */
int changes_start(uv_loop_t *loop, void (*told)(void));
/* A change under way is undone, or finished when it is past that. */
void changes_stop(void);

/* The number of the change, which begins at once; 0: another one is under way, as `error` says. */
uint64_t changes_ask(const struct change_request *request, char *error, size_t size);
/* The number of the one that ended last; 0: none has. */
uint64_t changes_ended(void);
bool changes_running(void);

/* Whether change `number`, the last one, was made; what went wrong if not. False also when it is not the last. */
bool changes_succeeded(uint64_t number, char *error, size_t size);

/* A row of the last change. */
struct change_row {
	uint64_t number;
	char change[16], step[24], server[280], state[12], text[600];
	int64_t at_us;  /* since the epoch */
	int64_t took_us;
};
#define CHANGE_ROWS_MAX 64u
size_t changes_copy(struct change_row out[CHANGE_ROWS_MAX]);

const char *change_kind_name(enum change_kind kind);

/* Rows are written by the thread of the change alone. */
void changes_add_row(const char *step, const char *server, const char *state, int64_t took_us, const char *text);

#endif
