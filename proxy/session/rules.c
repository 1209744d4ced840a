/*
 * The rules in force, applied to the statement in work.
 *
 * What a rule says of the route, of lag, consistency and time is asked for as hints are, after those of the statement and
 * of the session, which count more; of two rules the first counts. A rewrite makes another command of it, which is
 * classified anew and goes on behind that rule; a prepared statement is rewritten when it is prepared. A dry run only
 * counts, and never ends the search.
 */
#include "router/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/log.h"
#include "proxy/session/session.h"

#define LOGGED_A_SECOND 20u /* lines of one rule, in one worker */
#define REWRITTEN_MAX   (2 * PATTERN_TEXT_MAX + 65536u) /* with what stands before the text */

/* ER_NOT_ALLOWED_COMMAND, what other proxies' firewalls answer. */
#define DENIED          1148
#define DENIED_SQLSTATE "42000"

/* One statement on its way through the rules. */
struct passage {
	struct session *s;
	const struct dialect *dialect;
	const struct context *context;
	struct classification *c;
	struct rule_subject subject;
	struct hints asked; /* by the rules so far */
};

/* ---- what rules see ---- */

static struct view digest_text_of(void *arg)
{
	static _Thread_local uint8_t text[RULES_DIGEST_TEXT_MAX];
	static _Thread_local struct classify_scratch scratch; /* not the worker's, which the statement's effects lie in */
	static _Thread_local struct classification c;
	const struct passage *p = arg;
	const struct context context = {.pins = 0};
	scratch.text = text;
	scratch.text_capacity = sizeof text;
	classify(p->subject.text, p->dialect, &context, &scratch, &c);
	return c.digest_text;
}

static struct rule_matcher *matcher_of(struct worker *w)
{
	if (!w->rule_matcher)
		w->rule_matcher = rule_matcher_create();
	return w->rule_matcher;
}

/* ---- the command ---- */

uint8_t *rules_packet(const struct session *s, size_t *size)
{
	size_t len;
	const struct run *r = s->run;
	*size = r->rewritten ? r->rewritten_size : r->size;
	return r->rewritten ? r->rewritten : (uint8_t *)(uintptr_t)conn_input(&s->client, &len);
}

/* The text in the place of the one that stands at the end of the command. False: there is no room. */
static bool take_rewritten(struct passage *p, struct view text)
{
	struct run *r = p->s->run;
	size_t size;
	const uint8_t *packet = rules_packet(p->s, &size);
	size_t before = (size_t)(p->subject.text.p - packet);
	uint8_t *made = before + text.len - PACKET_HEADER < REWRITTEN_MAX ? malloc(before + text.len) : NULL;
	if (!made)
		return false;
	memcpy(made, packet, before);
	memcpy(made + before, text.p, text.len);
	put_u32(made, (uint32_t)(before + text.len - PACKET_HEADER)); /* and number 0 */
	free(r->rewritten);
	r->rewritten = made;
	r->rewritten_size = before + text.len;
	p->subject.text = (struct view){made + before, text.len};
	return true;
}

/* It is what the command's text now is. */
static void classify_anew(struct passage *p)
{
	classify(p->subject.text, p->dialect, p->context, p->s->worker->classify_scratch, p->c);
	if (p->asked.given)
		classify_ask(p->c, p->context, &p->asked, REASON_RULE);
	p->subject.class = p->c->route;
	p->subject.digest = p->c->digest;
}

/* ---- what rules do ---- */

static void add(_Atomic uint64_t *counter)
{
	stat_add(counter, 1);
}

static struct rule_count *count_of(const struct passage *p, const struct rule *rule)
{
	int worker = p->subject.worker;
	return worker >= 0 && (unsigned)worker < rule->n_counts ? &rule->counts[worker] : NULL;
}

/* Whether anything is another text then. */
static bool rewrite(struct passage *p, const struct rule *rule)
{
	struct session *s = p->s;
	struct buf made;
	if (s->run->statement || s->run->large)
		return false;
	buf_init(&made, 2 * PATTERN_TEXT_MAX);
	enum pattern_result got = pattern_replace(rule->on_text, rule_matcher_room(matcher_of(s->worker)), p->subject.text,
						  rule->rewrite, &made);
	struct view text = {buf_data(&made), buf_len(&made)};
	bool other = got == PATTERN_YES && !view_equal(text, p->subject.text);
	if (other && !rule->dry_run) {
		if (take_rewritten(p, text))
			classify_anew(p);
		else
			got = PATTERN_GAVE_UP;
	}
	if (got == PATTERN_GAVE_UP && count_of(p, rule))
		add(&count_of(p, rule)->failed);
	buf_finish(&made);
	return other && got == PATTERN_YES;
}

static bool same_wishes(const struct hints *a, const struct hints *b)
{
	return a->consistency == b->consistency && a->has_max_lag == b->has_max_lag && a->max_lag == b->max_lag &&
	       a->timeout == b->timeout && view_equal(a->server, b->server);
}

/* Whether the statement goes anywhere else then, or otherwise. */
static bool ask(struct passage *p, const struct rule *rule)
{
	struct classification *c = p->c;
	const enum route route = c->route;
	const enum reason reason = c->reason;
	const uint32_t flags = c->flags;
	const struct hints hints = c->hints;
	classify_ask(c, p->context, &rule->hints, REASON_RULE);
	bool changed = c->route != route || c->reason != reason || !same_wishes(&c->hints, &hints);
	if (rule->dry_run) {
		c->route = route;
		c->reason = reason;
		c->flags = flags;
		c->hints = hints;
	} else {
		hints_inherit(&p->asked, &rule->hints);
		p->subject.class = c->route;
	}
	return changed;
}

static void deny(struct passage *p, const struct rule *rule)
{
	struct run *r = p->s->run;
	p->c->route = ROUTE_DENY;
	p->c->reason = REASON_RULE;
	r->denied = strdup(rule->deny);
}

/* So many lines a second, and in the next one how many were left out. */
static void log_hit(const struct passage *p, const struct rule *rule, struct rule_count *n)
{
	const struct session *s = p->s;
	uint64_t second = worker_now(s->worker) / 1000;
	if (second == n->log_second && n->logged >= LOGGED_A_SECOND) {
		n->not_logged++;
		return;
	}
	if (second != n->log_second)
		n->logged = 0;
	n->log_second = second;
	n->logged++;
	log_info("rule", "session=%u rule=%u user=%s client=%s digest=%016" PRIx64 " route=%s%s not_logged=%u", s->id,
		 rule->id, s->user ? s->user : "", s->peer ? s->peer : "", p->c->digest, route_name(p->c->route),
		 rule->dry_run ? " dry_run=1" : "", n->not_logged);
	n->not_logged = 0;
}

/* True: no other rule is looked at. */
static bool act(struct passage *p, const struct rule *rule)
{
	struct rule_count *n = count_of(p, rule);
	bool changed = rule->deny != NULL;
	if (rule->deny && !rule->dry_run)
		deny(p, rule);
	if (rule->rewrite)
		changed |= rewrite(p, rule);
	if (rule->hints.given)
		changed |= ask(p, rule);
	enum mirror_outcome mirror = MIRROR_DONE;
	if (rule->mirror) {
		mirror = mirror_why_not(p->s, p->c->route, p->c->reason, p->c->flags);
		changed |= mirror == MIRROR_DONE;
		if (!rule->dry_run)
			mirror_ask(p->s, rule);
	}
	if (changed && n)
		add(&n->changed);
	if (rule->log && n)
		log_hit(p, rule, n);
	if (p->s->run->explanation)
		explain_note_rule(p->s->run->explanation, rule, changed, mirror);
	return !rule->dry_run && (rule->deny || !rule->continues);
}

static void pass(struct passage *p)
{
	struct worker *w = p->s->worker;
	struct rule_cursor at = {0};
	const struct rule *rule;
	do
		rule = rules_next(w->snapshot->rules, &at, &p->subject, matcher_of(w));
	while (rule && !act(p, rule));
}

static struct rule_subject subject_of(const struct session *s, struct view sql, const struct classification *c,
				      const struct address *client)
{
	return (struct rule_subject){
		.user = view_of(s->user ? s->user : ""),
		.schema = state_schema_of(s->want),
		.text = sql,
		.client = client,
		.class = c->route,
		.digest = c->digest,
		.digest_text = digest_text_of,
		.worker = s->run->explanation ? -1 : (int)s->worker->index,
	};
}

struct view rules_apply(struct session *s, struct view sql, const struct dialect *dialect, const struct context *context,
			struct classification *c)
{
	struct passage p = {.s = s, .dialect = dialect, .context = context, .c = c};
	struct address client = {0};
	if (s->worker->snapshot->rules->asks_client)
		client = s->address;
	p.subject = subject_of(s, sql, c, &client);
	p.subject.arg = &p;
	pass(&p);
	return p.subject.text;
}

/* ---- refusals ---- */

bool rules_deny_front(struct session *s, struct view sql)
{
	static _Thread_local struct classification c;
	struct run *r = s->run;
	struct dialect dialect = routing_dialect(s);
	const struct context context = {.pins = 0};
	classify(sql, &dialect, &context, s->worker->classify_scratch, &c);
	c.route = ROUTE_PRIMARY; /* as it runs */
	(void)rules_apply(s, sql, &dialect, &context, &c);
	return r->denied;
}

enum step rules_deny(struct session *s)
{
	struct run *r = s->run;
	bool large = r->large;
	stat_add(&s->worker->stats->routes[ROUTE_DENY][REASON_RULE], 1);
	bool sent = session_answer_error(s, DENIED, DENIED_SQLSTATE, "%s", r->denied ? r->denied : "");
	run_end(s);
	/* The rest of a large one is still coming; its bytes cannot be told from commands. */
	if (large)
		return session_fail(s, END_CLIENT_PROTOCOL);
	return sent ? session_enter(s, SESSION_COMMAND) : session_fail(s, END_CLIENT_GONE);
}
