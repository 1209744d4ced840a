#include "proxy/short_reads.h"

#include <stdlib.h>
#include <string.h>

#define PLACES     1024u
#define SEEN_FIRST 16u   /* so many are looked at before one is believed to be short */
#define QUICK_ONE_IN 256u /* of so many one must have been quick */
/* One that has kept others waiting weighs as much as so many quick ones; a busy machine does that to any, now and then. */
#define STRIKE  64u
#define STRIKES (3 * STRIKE)
#define STRIKE_MS 300u /* what comes closer together is one strike: everything stood still */
#define SHARED_MOST_MS 50u
#define PER_MS 4u /* short ones a crowded server runs in this time, at least */
#define REFUSED_MS 2000u /* doubled each time it happens again, up to: */
#define REFUSED_MOST_MS 120000u

struct place {
	uint64_t digest; /* 0: nobody's */
	uint64_t refused_until, struck_at;
	uint32_t refused_ms;
	uint16_t since_quick, strikes;
	uint8_t seen;
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
		p->since_quick = QUICK_ONE_IN;
	}
	return p;
}

bool short_reads_know(const struct short_reads *t, uint64_t digest, uint64_t now_ms)
{
	const struct place *p = t ? &t->places[digest % PLACES] : NULL;
	return p && p->digest == digest && p->seen >= SEEN_FIRST && p->since_quick < QUICK_ONE_IN &&
	       now_ms >= p->refused_until;
}

/* Of many that run at once each has its part of the server's time; but what takes this long has waited for something. */
static bool is_quick(uint64_t took_ms, uint64_t beside)
{
	return took_ms <= SHORT_READS_MS || (took_ms <= SHARED_MOST_MS && took_ms <= beside / PER_MS);
}

void short_reads_note(struct short_reads *t, uint64_t digest, uint64_t took_ms, uint64_t beside, uint64_t bytes,
		      uint64_t now_ms)
{
	if (!t || !digest)
		return;
	if (bytes > SHORT_READS_BYTES) {
		short_reads_refuse(t, digest, now_ms);
		return;
	}
	struct place *p = own_place(t, digest);
	if (p->seen < SEEN_FIRST)
		p->seen++;
	if (is_quick(took_ms, beside)) {
		p->since_quick = 0;
		p->strikes -= p->strikes > 0;
	} else if (p->since_quick < QUICK_ONE_IN) {
		p->since_quick++;
	}
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
