/*
 * What each server has applied, as far as this process knows: shared by all workers, read without a lock.
 *
 * A server's monitor asks for its position again and again (a "look") and publishes it; a worker whose wait for a
 * position succeeded there teaches it as well. Looks are numbered in one sequence over all servers, so that what was
 * asked after some moment can be told from what was asked before it: positions_number() taken after an answer came, a
 * look with a higher number knows at least what that answer showed.
 *
 * Looks are seldom while nobody lacks a position, frequent while somebody does (positions_want), and less so while sessions
 * only stay on a server longer than its share (positions_want_every): a look costs about as much as a statement.
 */
#ifndef WYE_PROXY_POSITIONS_H
#define WYE_PROXY_POSITIONS_H

#include "router/position.h"

/* For the catch-up of a server: not known. */
#define POSITIONS_NEVER UINT32_MAX

/* ---- any thread ---- */

uint64_t positions_number(void);

/* The server has certainly applied all that p asks for. */
bool positions_reached(unsigned slot, const struct position *p);

/* What the server had applied at a look with a number above `after`, the first of them that is still known, into *out
 * (initialised). False: there was no such look yet, or it told nothing. */
bool positions_looked_after(unsigned slot, uint64_t after);
bool positions_after(unsigned slot, uint64_t after, struct gtid_set *out);

/* The newest position known, for people; *out is initialised. */
bool positions_read(unsigned slot, struct gtid_set *out);

/* Somebody needs a position that is not known to be applied yet. `now_ms` is the monotonic clock. */
void positions_want(uint64_t now_ms);

/* Sessions stay where they have read, and make the servers' shares uneven by it: looks so far apart would do. */
void positions_want_every(uint64_t ms, uint64_t now_ms);

/* What a server is asked is of this life of it; what is learned from the answer counts only while it lasts. */
uint32_t positions_life(unsigned slot);

/* A wait on the server told that it has applied p. Forgotten when another thread is just teaching it, too. */
void positions_learn(unsigned slot, uint32_t life, const struct position *p);

/* How long the server has lately needed, in microseconds, from a commit on the primary until it had applied it; some
 * waits in vain in a row make it more than their time. */
uint32_t positions_needed_us(unsigned slot);
/* The same, but never less than the time for which it has lacked something now. */
uint32_t positions_catch_up_us(unsigned slot);
/* It needed about `us`, and certainly no longer than `at_most_us`. `now_us` is the monotonic clock. */
void positions_note_catch_up(unsigned slot, uint32_t us, uint64_t at_most_us, uint64_t now_us);
void positions_note_in_vain(unsigned slot, uint64_t began_us, uint64_t now_us, uint32_t us);

/* For how long it has lacked something that the primary has, at the last look; POSITIONS_NEVER: not known. */
uint32_t positions_behind_us(unsigned slot);

/* It may be late now, but has caught up within worth_us in the last seconds, and will probably do so again soon: not a
 * server that is late by its nature, or has stopped. */
bool positions_stumbles(unsigned slot, uint32_t worth_us);

/* ---- the server's monitor ---- */

/* A look begins: its number. */
uint64_t positions_look(void);
void positions_publish(unsigned slot, const struct gtid_set *applied, uint64_t number, uint64_t now_us);

/* How long it has lacked something that the primary has; -1: cannot be told. */
void positions_publish_behind(unsigned slot, int64_t behind_us);

/* The server was lost: it may come back with older data. */
void positions_forget(unsigned slot);

bool positions_are_wanted(uint64_t now_ms);
uint64_t positions_wanted_every(uint64_t now_ms); /* ms; UINT64_MAX: nobody says so */

#endif
