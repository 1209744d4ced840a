#include "proxy/failover/change.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

bool change_fail(struct change *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(c->error, sizeof c->error, format, args);
	va_end(args);
	return false;
}

void change_advise(struct change *c, const char *format, ...)
{
	size_t at = strlen(c->advice);
	va_list args;
	va_start(args, format);
	if (at && at + 2 < sizeof c->advice) {
		memcpy(c->advice + at, "; ", 3);
		at += 2;
	}
	vsnprintf(c->advice + at, sizeof c->advice - at, format, args);
	va_end(args);
}

void change_tell(struct change *c, const char *step, const char *server, bool ok, const char *format, ...)
{
	char text[600];
	va_list args;
	(void)c;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	changes_add_row(step, server, ok ? "done" : "failed", 0, text);
}

/* For tests: the step that the file WYE_FAIL_STEP names fails when it has been done, which is the worst moment; one that is
 * final, before it. */
static bool is_to_fail(const struct change_step *step)
{
	const char *path = getenv("WYE_FAIL_STEP");
	char name[64] = "";
	FILE *f = path ? fopen(path, "re") : NULL;
	if (f && !fgets(name, sizeof name, f))
		*name = '\0';
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return *name && strcmp(name, step->name) == 0;
}

static bool run_step(struct change *c, const struct change_step *step)
{
	*c->error = '\0';
	int64_t begun = now_us();
	bool fails = is_to_fail(step), ok = (fails && step->is_final) || step->run(c);
	if (ok && fails)
		ok = change_fail(c, "it is made to fail (WYE_FAIL_STEP)");
	changes_add_row(step->name, c->target ? c->target->name : "", ok ? "done" : "failed", now_us() - begun,
			ok ? step->what : c->error);
	return ok;
}

static void undo(struct change *c, const struct change_step *steps, size_t failed)
{
	for (size_t i = failed + 1; i-- > 0;) {
		if (!steps[i].undo)
			continue;
		int64_t begun = now_us();
		size_t left = strlen(c->advice);
		steps[i].undo(c);
		bool ok = strlen(c->advice) == left;
		changes_add_row(steps[i].name, c->target ? c->target->name : "", ok ? "undone" : "not undone", now_us() - begun,
				ok ? "" : c->advice + left);
	}
}

/* What fails when the change is final is told, and the rest is done all the same. */
bool change_run(struct change *c, const struct change_step *steps, size_t n)
{
	char first[sizeof c->error];
	bool final = false;
	for (size_t i = 0; i < n && !c->already; i++) {
		bool ok = !(c->stopping() && !final) || change_fail(c, "wye is being stopped");
		ok = ok && run_step(c, &steps[i]);
		if (!ok && !final) {
			memcpy(first, c->error, sizeof first);
			undo(c, steps, i);
			snprintf(c->error, sizeof c->error, "%s: %.500s", steps[i].name, first);
			return false;
		}
		final |= ok && steps[i].is_final;
	}
	return true;
}
