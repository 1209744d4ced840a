#include "proxy/doctor/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {
#define X(name, word) word,
		SEVERITIES(X)
#undef X
	};
	return names[severity];
}

struct finding *findings_add(struct findings *f, enum severity severity, const char *subject, const char *format, ...)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 16;
		f->all = realloc(f->all, f->cap * sizeof *f->all);
		if (!f->all)
			abort();
	}
	struct finding *one = &f->all[f->n++];
	memset(one, 0, sizeof *one);
	one->severity = severity;
	snprintf(one->subject, sizeof one->subject, "%s", subject);
	va_list args;
	va_start(args, format);
	vsnprintf(one->text, sizeof one->text, format, args);
	va_end(args);
	return one;
}

void finding_advise(struct finding *f, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(f->advice, sizeof f->advice, format, args);
	va_end(args);
}

void findings_finish(struct findings *f)
{
	free(f->all);
	*f = (struct findings){.n = 0};
}

void findings_sort(struct findings *f)
{
	struct finding *sorted = calloc(f->n ? f->n : 1, sizeof *sorted);
	size_t n = 0;
	if (!sorted)
		abort();
	for (int severity = 0; severity < SEVERITIES_COUNT; severity++)
		for (size_t i = 0; i < f->n; i++)
			if ((int)f->all[i].severity == severity)
				sorted[n++] = f->all[i];
	free(f->all);
	f->all = sorted;
	f->cap = f->n ? f->n : 1;
}

void finding_line(const struct finding *f, char *out, size_t out_size)
{
	snprintf(out, out_size, "%s%s%s%s%s", f->subject, *f->subject ? ": " : "", f->text, *f->advice ? "; " : "",
		 f->advice);
}
