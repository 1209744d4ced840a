/*
 * Asking the control thread to do something and waiting for it, from another thread; the wait is bounded.
 */
#ifndef WYE_PROXY_CONTROL_CALL_H
#define WYE_PROXY_CONTROL_CALL_H

#include <stdbool.h>
#include <uv.h>

/* By the control thread, once; the loop must be run for calls to be answered. 0 or UV_E*. */
int control_call_start(uv_loop_t *loop);
/* Calls that wait get false; later ones too. What was posted is still done. */
void control_call_stop(void);

/* Runs fn(arg) on the control thread (at once, when this is it). False when it did not answer within the time or does
 * not run: fn has then not begun, and never will. */
bool control_call(void (*fn)(void *arg), void *arg, unsigned timeout_ms);

/* Runs fn(arg) on the control thread, soon; nobody waits for it. False: it does not run any more, and fn never will. */
bool control_post(void (*fn)(void *arg), void *arg);

#endif
