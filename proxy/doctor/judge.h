/*
 * What the answers of the servers mean for wye's promises: pure, from checkups to findings.
 */
#ifndef WYE_PROXY_DOCTOR_JUDGE_H
#define WYE_PROXY_DOCTOR_JUDGE_H

#include "proxy/doctor/checkup.h"
#include "proxy/doctor/finding.h"

struct judge_input {
	const struct checkup *servers;
	size_t n;
	uint64_t connections; /* that wye may open to one server, its own included */
};

/* Each server for itself (judge_server.c). */
void judge_server(const struct checkup *c, const struct judge_input *in, struct findings *out);
/* And beside the others (judge_cluster.c). */
void judge_cluster(const struct judge_input *in, struct findings *out);

/* The one that is primary and has answered, or NULL. */
const struct checkup *judge_primary(const struct judge_input *in);

#endif
