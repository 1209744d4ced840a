#include "proxy/session/template.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: the texts are our own clients' and the chains are compared by length and bytes. */
static uint64_t hash_of(struct view sql, const struct state *state)
{
	uint64_t h = 1469598103934665603u ^ (uint64_t)(uintptr_t)state;
	for (size_t i = 0; i < sql.len; i++)
		h = (h ^ sql.p[i]) * 1099511628211u;
	return h;
}

struct template *template_get(struct worker *w, struct view sql, struct state *state)
{
	uint64_t hash = hash_of(sql, state);
	struct template **chain = &w->templates[hash % WORKER_TEMPLATES];
	for (struct template *t = *chain; t; t = t->next)
		if (t->hash == hash && t->state == state && t->len == sql.len && !memcmp(t->sql, sql.p, sql.len))
			return template_ref(t);
	struct template *t = malloc(sizeof *t + sql.len);
	if (!t)
		abort();
	*t = (struct template){.references = 1, .state = state_ref(state), .hash = hash, .len = sql.len};
	memcpy(t->sql, sql.p, sql.len);
	t->next = *chain;
	*chain = t;
	return t;
}

struct template *template_copy(struct template *t)
{
	struct template *copy = malloc(sizeof *copy + t->len);
	if (!copy)
		abort();
	memcpy(copy, t, sizeof *copy + t->len);
	copy->references = 1;
	copy->alone = true;
	state_ref(copy->state);
	return copy;
}

struct template *template_ref(struct template *t)
{
	t->references++;
	return t;
}

void template_unref(struct worker *w, struct template *t)
{
	if (!t || --t->references)
		return;
	if (!t->alone) {
		struct template **at = &w->templates[t->hash % WORKER_TEMPLATES];
		while (*at != t)
			at = &(*at)->next;
		*at = t->next;
	}
	state_unref(w->states, t->state);
	free(t);
}
