/*
 * Telling systemd how things stand (sd_notify(3)): a service with Type=notify is started, reloading, stopping, or another
 * process now; and, with WatchdogSec=, that all threads are alive. Without systemd, or built without its library, all of
 * it does nothing. The control thread's.
 */
#ifndef WYE_PROXY_UPGRADE_NOTIFY_H
#define WYE_PROXY_UPGRADE_NOTIFY_H

#include <sys/types.h>
#include <uv.h>

void notify_ready(void);
void notify_stopping(void);
void notify_upgrading(void);          /* another process is being started */
void notify_upgraded(pid_t successor); /* that one is the service's main process from here on */

/* Says so twice in the time that systemd allows, unless a worker has not come round since the last time. */
void notify_watch(uv_loop_t *loop);

/* WATCHDOG_PID names the process that this one takes over from. */
void notify_take_over(void);

#endif
