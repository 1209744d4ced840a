/*
 * The cluster as wye sees it: which servers there are, who is primary, which replicas may be read.
 *
 * Runs on the control thread's loop; one monitor thread a server (proxy/monitor.h) reports to it. Whenever
 * something changed it builds a snapshot and publishes it.
 */
#ifndef WYE_PROXY_TOPOLOGY_H
#define WYE_PROXY_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "proxy/config/config.h"
#include "proxy/doctor/checkup.h"
#include "proxy/doctor/finding.h"
#include "proxy/options.h"

/* Starts the monitors of the servers that the configuration names on the loop. 0 or a negative UV_E*. */
int topology_start(uv_loop_t *loop, const struct options *options);

/* Runs the loop until the first picture is complete: every address of the command line was answered or
 * refused, the discovered members were looked at once, and the accounts are there; a snapshot is published
 * then. False when wye cannot run: `error` is the one line that says why and what to do (unreachable, refused
 * password, missing GRANT, no primary to be found). A cluster whose primary is dead but whose replicas answer
 * can run: that is a warning. */
bool topology_wait_first(uint64_t timeout_us, char *error, size_t error_size);

/* For a check (proxy/doctor/): what is wrong with the picture that the monitors give, and what is not; the servers that
 * are to be asked; whom they are asked as, without address and time-outs, valid until the settings change. The control
 * thread's. */
void topology_findings(struct findings *out);
size_t topology_checkups(struct checkup *out, size_t n);
/* Reads the files for TLS again (RELOAD TLS, SIGHUP). False with one line in error: what was in use stays. */
bool topology_reload_tls(char *error, size_t error_size);

void topology_login(struct library_login *login);

/* Asks for fresh accounts; a snapshot with accounts_ticket >= the number returned answers. Any thread;
 * requests are gathered so that a flood of wrong logins costs a server a few look-ups a second. */
uint64_t topology_request_accounts(void);
uint64_t topology_accounts_requested(void); /* the number returned last */

/* A client has changed stored functions or views: what is known of them is old until a snapshot has an objects_ticket
 * that is not below topology_objects_requested(). Any thread. */
void topology_request_objects(void);
uint64_t topology_objects_requested(void);

/* Something went wrong with this server on the data path (refused, reset, read-only): look at it now. Any
 * thread. */
void topology_suspect(unsigned slot);

/* Puts another state of the configuration into force; the control thread's. Of the settings, those that are read at
 * start only stay as they are. */
void topology_configure(const struct config *before, const struct config *after);

/* A replica takes no reads from here on, or may take them again; what runs there goes on. Not stored: it is forgotten with
 * the process. False, with a sentence in error. The control thread's. */
bool topology_drain(const char *server, bool drained, char *error, size_t error_size);

/* Stops every monitor thread and frees all. */
void topology_stop(void);

#endif
