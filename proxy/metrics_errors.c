/* The errors that clients were answered with, by server and code: stats_errors without its accounts. */
#include "proxy/metrics_parts.h"

#include <stdlib.h>

#include "proxy/errors_seen.h"
#include "proxy/metrics_text.h"
#include "proxy/statements.h"

struct seen {
	int64_t slot;
	uint64_t code; /* 0: those seen least, of any code */
	uint64_t errors;
};

static int by_server_and_code(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

static size_t gather(struct seen *out)
{
	size_t n = 0;
	for (unsigned w = 0; w < stats_workers(); w++) {
		const struct tally *t = stats_errors_seen(w);
		struct error_id id;
		struct error_counts_read counts;
		uint64_t key;
		for (size_t i = 0; i < tally_rows(t); i++) {
			if (!tally_read(t, i, &key, &id, &counts) || !counts.errors)
				continue;
			bool others = !id.code;
			out[n++] = (struct seen){others ? STATEMENT_NO_SERVER : id.slot, id.code, counts.errors};
		}
	}
	return n;
}

static const char *server_name(const struct snapshot *s, int64_t slot)
{
	const struct server_info *server = slot < 0 ? NULL : snapshot_server_by_slot(s, (unsigned)slot);
	return server ? server->name : slot < 0 ? METRIC_SERVER_SELF : NULL;
}

void metrics_write_errors(FILE *out, const struct snapshot *s)
{
	size_t room = 0;
	for (unsigned w = 0; w < stats_workers(); w++)
		room += tally_rows(stats_errors_seen(w));
	struct seen *seen = calloc(room ? room : 1, sizeof *seen);
	if (!seen)
		abort();
	size_t n = gather(seen);
	qsort(seen, n, sizeof *seen, by_server_and_code);
	metric_describe(out, "wye_errors_total", "counter", "server,code",
			"Errors that clients were answered with, by who answered so and the error's number; code other: those seen least.");
	for (size_t i = 0, next; i < n; i = next) {
		uint64_t sum = 0;
		for (next = i; next < n && by_server_and_code(&seen[i], &seen[next]) == 0; next++)
			sum += seen[next].errors;
		const char *server = server_name(s, seen[i].slot);
		if (!server)
			continue; /* it is gone */
		char code[24];
		snprintf(code, sizeof code, "%llu", (unsigned long long)seen[i].code);
		metric_begin(out, "wye_errors_total", "server", server, "code", seen[i].code ? code : "other", NULL);
		metric_count(out, sum);
	}
	free(seen);
}
