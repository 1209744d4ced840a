/*
 * One thread that watches one server through the client library.
 *
 * Every monitor_interval it looks at the server (monitor_look.h) and keeps the findings for the control
 * thread, which is told through a callback and takes them. In between, where it is told to, it reads the
 * server's applied position and publishes it (proxy/positions.h): every position_interval_busy while a session
 * lacks one, every position_interval else. It loads the accounts, the stored functions and the views when asked. A
 * failure seen by anybody (monitor_look_soon) makes it look at once. Calls
 * block, in its own thread only; stopping breaks the connection under it. The functions here are the control
 * thread's unless they say otherwise.
 */
#ifndef WYE_PROXY_MONITOR_H
#define WYE_PROXY_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/accounts.h"
#include "proxy/monitor_lag.h"
#include "proxy/monitor_look.h"
#include "proxy/objects.h"
#include "proxy/options.h"
#include "proxy/settings.h"

struct monitor;

/* What all monitors share; outlives them. */
struct monitor_common {
	const char *user, *password;
	struct lag_history *history;
	void (*told)(void); /* there is something to take; called in the monitor's thread */
};

/* What the position of this server means. */
enum monitor_follow { FOLLOW_NOTHING, FOLLOW_AS_REPLICA, FOLLOW_AS_PRIMARY };

struct monitor_accounts {
	uint64_t ticket;         /* which request this answers */
	struct account_set *set; /* the taker's reference; NULL = it failed */
	struct library_error error;
};

struct monitor_objects {
	uint64_t ticket;
	struct object_set *set; /* the taker's reference; NULL = it failed */
	unsigned missing;       /* GRANTs that it lacks for more: bits of enum duty */
	struct library_error error;
};

/* NULL when no thread can be made. */
struct monitor *monitor_start(unsigned slot, const struct endpoint *at, const struct monitor_common *common,
                              const struct settings *settings);
void monitor_configure(struct monitor *m, const struct settings *settings);
void monitor_follow(struct monitor *m, enum monitor_follow follow);

/* Any thread, as long as the monitor lives. A flood of them is one look each few milliseconds. */
void monitor_look_soon(struct monitor *m);

void monitor_want_accounts(struct monitor *m, uint64_t ticket);
void monitor_want_objects(struct monitor *m, uint64_t ticket);

/* The newest look, and the newest accounts: false when there is nothing since the last time. */
bool monitor_take_look(struct monitor *m, struct look *look);
bool monitor_take_accounts(struct monitor *m, struct monitor_accounts *accounts);
bool monitor_take_objects(struct monitor *m, struct monitor_objects *objects);

/* Stopping is asked of all first, then each is waited for and freed. */
void monitor_stop(struct monitor *m);
void monitor_join(struct monitor *m);

#endif
