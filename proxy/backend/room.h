/*
 * Rooms: how many may be at once, of all workers together: connections to a server, connections of one account to a
 * server, clients, clients of one account.
 *
 * Whoever finds a room full notes since when he waits, by worker; who leaves it is told which worker has waited
 * longest, and tells that one. Nobody enters before a worker that has waited longer. Counters are atomics; the table
 * of the accounts' rooms has a lock, taken when a pool is made or a client logs in and never for a statement.
 *
 * A server may be full by its own limits (1040, 1203, 1226) before ours are reached: then no more are let in than it
 * had let in, and now and then one more is tried.
 */
#ifndef WYE_PROXY_BACKEND_ROOM_H
#define WYE_PROXY_BACKEND_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#define ROOM_CLIENTS UINT32_MAX /* in place of a server's slot: the clients of an account */

struct room;

struct room *room_of_server(unsigned slot);
struct room *room_of_clients(void);
struct room *room_of_account(uint64_t account_id, unsigned slot); /* a reference */
struct room *room_ref(struct room *r); /* of an account's; another reference */
void room_unref(struct room *r);

/* One more, if fewer than `limit` (0: any number) are in it. `now` in ms of the loops' clock. */
bool room_enter(struct room *r, uint64_t limit, unsigned worker, uint64_t now);
void room_force(struct room *r);           /* one more, whatever the limit: a KILL */
int room_leave(struct room *r);            /* the worker that is to be told of it, -1: none */
bool room_is_free(const struct room *r, uint64_t limit); /* room_enter would succeed, and nobody waits */

/* This worker waits since that time, in ms; 0: no longer. */
void room_want(struct room *r, unsigned worker, uint64_t since);
/* Since when another worker waits, the longest; 0: none does. */
uint64_t room_wanted(const struct room *r, unsigned worker);

/* The server has refused one, which has left already; true: this was not known. */
bool room_refused(struct room *r, uint64_t now);
/* It has let one in; true: it had been full. */
bool room_accepted(struct room *r);
bool room_was_refused(const struct room *r);

unsigned room_inside(const struct room *r);

/* Sessions that wait for it, of all workers: for the bound of the queue. */
void room_queue(struct room *r, int change);
unsigned room_queued(const struct room *r);

#endif
