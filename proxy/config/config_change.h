/*
 * The configuration of this process: the state in force, and the change that is being made to it.
 *
 *	              begin              (rows are written)             commit
 *	in force ───────────────> change of one owner ───────────────────────────> checked, stored with its history,
 *	    ^                          │     │                                      published, put into force
 *	    └──────────────────────────┘     └── refused: it stays open, to be mended or rolled back
 *	            roll back
 *
 * One change at a time. Its owner reads what it has written; everybody else reads what is in force, never waits for it
 * and is never held up by it. The control thread's, save config_get() and config_visible().
 */
#ifndef WYE_PROXY_CONFIG_CHANGE_H
#define WYE_PROXY_CONFIG_CHANGE_H

#include <sqlite3.h>

#include "proxy/config/config.h"

/* Opens the tables and publishes the first state; the settings of *options become those in force. `apply` puts later
 * states into force and cannot fail. False: one line in error. */
bool config_start(struct options *options, void (*apply)(const struct config *before, const struct config *after),
		  char *error, size_t error_size);
void config_stop(void);

/* What is changed outlives the process: there is a file of --config. */
bool config_is_durable(void);

/* Worker threads that this process has, or will have: as the first state says. */
unsigned config_workers(void);

/* The connection that the tables are on; administrators' statements run there too. */
sqlite3 *config_db(void);

/* The state in force, with a reference of the caller's. Any thread. NULL before config_start(). */
struct config *config_get(void);

/* Until the next call, what this thread reads is read for that owner. NULL: nobody's. */
void config_read_for(const void *owner);

/* What the reader sees: its own change, or else what is in force. With a reference. Any thread. */
struct config *config_visible(void);

/* Begins the owner's change, or goes on with it. False: another one is being made, or nothing can be changed. */
bool config_change_begin(const void *owner, const char *who, char *error, size_t error_size);
bool config_change_is(const void *owner); /* it has begun one */
void config_change_touched(void);	  /* a row was written */

/* False: refused, and the change is still open. */
bool config_change_commit(const void *owner, char *error, size_t error_size);
void config_change_roll_back(const void *owner);

/* While it is frozen, nothing can be changed. False: a change is open, and it is not frozen. The control thread's. */
bool config_freeze(bool frozen);

/* The tables as they are, to be freed with sqlite3_free(); NULL: a file has them. */
uint8_t *config_image(sqlite3_int64 *size);

/* Reads the file again that owns the configuration (--config FILE.sql). */
bool config_reload(const char *who, char *error, size_t error_size);

#endif
