/*
 * What a check has found: how bad it is, about whom, what, and what to do. A list of them, in the order of adding.
 */
#ifndef WYE_PROXY_DOCTOR_FINDING_H
#define WYE_PROXY_DOCTOR_FINDING_H

#include <stddef.h>

/* Name, word, what it means. */
#define SEVERITIES(X)                                                                                                  \
	X(PROBLEM, "problem")   /* a promise is broken: somebody should act */                                         \
	X(WARNING, "warning")   /* it works, and will not in some case that is to be expected */                       \
	X(INFO, "info")         /* worth knowing */                                                                    \
	X(OK, "ok")
enum severity {
#define X(name, word) SEVERITY_##name,
	SEVERITIES(X)
#undef X
		SEVERITIES_COUNT
};
const char *severity_name(enum severity severity);

struct finding {
	enum severity severity;
	char subject[160]; /* a server, an account, a statement's digest; empty: all of it */
	char text[640];
	char advice[640];  /* empty: nothing to do */
};

struct findings {
	struct finding *all;
	size_t n, cap;
};

/* The list begins as all zero. What is returned is valid until the next one is added. */
struct finding *findings_add(struct findings *f, enum severity severity, const char *subject, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void finding_advise(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void findings_finish(struct findings *f);

/* The worst first, and else in the order in which they were added. */
void findings_sort(struct findings *f);

/* "subject: text; advice" */
void finding_line(const struct finding *f, char *out, size_t out_size);

#endif
