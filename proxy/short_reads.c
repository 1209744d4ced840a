#include "proxy/short_reads.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 1024u
#define LAST   32u /* so many are timed before one is believed to be short, and the quickest of these counts */
#define ONE_IN 8u  /* is timed after that */
#define AT_ONCE 8u /* statements that a server runs at once at least, without one making another slower */
/* One that has kept others waiting weighs as much as so many timed ones; a busy machine does that to any, now and then. */
#define STRIKE  16u
#define STRIKES (3 * STRIKE)
#define STRIKE_MS 300u /* what comes closer together is one strike: everything stood still */
#define REFUSED_MS 2000u /* doubled each time it happens again, up to: */
#define REFUSED_MOST_MS 120000u

struct place {
	uint64_t digest; /* 0: nobody's */
	uint64_t refused_until, struck_at;
	uint32_t refused_ms;
	uint32_t quickest, before; /* us: of those timed since, and of the LAST before these; UINT32_MAX: none yet */
	uint16_t strikes;
	uint8_t timed, untimed;
};

struct short_reads {
	struct place places[PLACES];
};

struct short_reads *short_reads_create(void)
{
	return calloc(1, sizeof(struct short_reads));
}

void short_reads_destroy(struct short_reads *t)
{
	free(t);
}

/* Digests are hashes. */
static struct place *own_place(struct short_reads *t, uint64_t digest)
{
	struct place *p = &t->places[digest % PLACES];
	if (p->digest != digest) {
		memset(p, 0, sizeof *p);
		p->digest = digest;
		p->quickest = p->before = UINT32_MAX;
	}
	return p;
}

uint32_t short_reads_cost(const struct short_reads *t, uint64_t digest, uint64_t now_ms)
{
	const struct place *p = t ? &t->places[digest % PLACES] : NULL;
	if (!p || p->digest != digest || p->before == UINT32_MAX || now_ms < p->refused_until)
		return 0;
	uint32_t us = p->quickest < p->before ? p->quickest : p->before;
	return us <= SHORT_READS_TOGETHER_US / 2 ? us : 0;
}

bool short_reads_asks(struct short_reads *t, uint64_t digest)
{
	struct place *p = t && digest ? own_place(t, digest) : NULL;
	return p && (p->before == UINT32_MAX || ++p->untimed % ONE_IN == 0);
}

void short_reads_note(struct short_reads *t, uint64_t digest, uint64_t us, uint64_t beside)
{
	struct place *p = t && digest ? own_place(t, digest) : NULL;
	if (!p)
		return;
	if (beside > AT_ONCE)
		us = us * AT_ONCE / beside;
	if (!us)
		us = 1;
	if (us < p->quickest)
		p->quickest = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX - 1;
	p->strikes -= p->strikes > 0;
	if (++p->timed < LAST)
		return;
	p->before = p->quickest;
	p->quickest = UINT32_MAX;
	p->timed = 0;
}

static void refuse(struct place *p, uint64_t now_ms)
{
	bool again = p->refused_ms && now_ms - p->refused_until < REFUSED_MOST_MS;
	p->refused_ms = again ? p->refused_ms * 2 : REFUSED_MS;
	if (p->refused_ms > REFUSED_MOST_MS)
		p->refused_ms = REFUSED_MOST_MS;
	p->refused_until = now_ms + p->refused_ms;
	p->strikes = 0;
}

void short_reads_strike(struct short_reads *t, uint64_t digest, uint64_t now_ms)
{
	struct place *p = t && digest ? own_place(t, digest) : NULL;
	if (!p || now_ms < p->refused_until || (p->struck_at && now_ms - p->struck_at < STRIKE_MS))
		return;
	p->struck_at = now_ms;
	p->strikes = (uint16_t)(p->strikes + STRIKE);
	if (p->strikes >= STRIKES)
		refuse(p, now_ms);
}

void short_reads_refuse(struct short_reads *t, uint64_t digest, uint64_t now_ms)
{
	struct place *p = t && digest ? own_place(t, digest) : NULL;
	/* Several at once tell the same. */
	if (p && now_ms >= p->refused_until)
		refuse(p, now_ms);
}
