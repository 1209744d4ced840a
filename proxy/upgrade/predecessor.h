/*
 * The process that this one takes over from, if it was started so (proxy/upgrade/successor.h): what it says before this
 * one begins, and what it hands over later. The control thread's.
 */
#ifndef WYE_PROXY_UPGRADE_PREDECESSOR_H
#define WYE_PROXY_UPGRADE_PREDECESSOR_H

#include <stdbool.h>
#include <uv.h>

#include "proxy/options.h"

#define PREDECESSOR_VARIABLE "WYE_UPGRADE_FD" /* where its end of the channel is */

/* Before anything is opened. Where there is one, the command line becomes the one that it was started with, and what it
 * listens on is given to this process (proxy/upgrade/sockets.h). False, with a line in error: it cannot be understood. */
bool predecessor_begin(int *argc, char ***argv, char *error, size_t error_size);

/* Its configuration, where no file has it; the options keep a view. */
void predecessor_configure(struct options *options);

/* This process could serve: waits until it may. True also without a predecessor, or when it has gone. */
bool predecessor_wait(uv_loop_t *loop);
void predecessor_serving(void);
/* A worker says what has become of a session that has arrived. False: nobody listens any more, it keeps it. Any thread. */
struct moving_session;
bool predecessor_tell(struct moving_session *m);

void predecessor_stop(void);

#endif
