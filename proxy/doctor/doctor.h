/*
 * The check of everything around wye: CHECK on the console and `wye --check`.
 *
 * Every server is asked by a thread of the loop's pool over a connection of its own, for a few seconds at most; what they
 * said, the monitors' picture of the cluster, the accounts and the statements that ran are judged together when the last
 * has answered, or when it is not waited for any longer. Nothing is asked unless somebody wants to know. The control
 * thread's, but for doctor_copy().
 */
#ifndef WYE_PROXY_DOCTOR_DOCTOR_H
#define WYE_PROXY_DOCTOR_DOCTOR_H

#include <stdint.h>
#include <uv.h>

#include "proxy/doctor/finding.h"

/* 0 or UV_E*. `told`, which may be NULL, is called after each check. */
int doctor_start(uv_loop_t *loop, void (*told)(void));
/* Checks under way are given up; run the loop for the last callbacks. Safe without a start. */
void doctor_stop(void);

/* Begins a check, after the one that runs: the number it will have. */
uint64_t doctor_ask(void);
/* The number of the newest that has ended; 0: there was none. */
uint64_t doctor_answered(void);

/* What the newest one has found, the worst first, and when (us since the epoch, 0: there was none). The caller's to
 * findings_finish(). Any thread. */
int64_t doctor_copy(struct findings *out);

/* `wye --check`: checks, prints what was found, one line each, and returns the number of problems. */
int doctor_report(uv_loop_t *loop);

/* Statements that tie their sessions, or that could run on replicas (doctor_statements.c). */
void doctor_judge_statements(struct findings *out);

#endif
