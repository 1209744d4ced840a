/*
 * How long a worker's loop lets events gather before it looks for them: pure.
 *
 * Waking up is the dearest part of a statement when servers and clients are slow with each: a turn of the loop for every
 * single packet. When statements take long because there are many, a pause that is small beside that costs them nothing
 * and lets several packets come together; they are written together, too. There is none while turns have enough to do, so
 * that a worker that is busy never rests; and the quickest of the statements set the measure, so that no slow ones beside
 * them make them slow.
 */
#ifndef WYE_PROXY_PACE_H
#define WYE_PROXY_PACE_H

#include <stdint.h>

struct pace {
	uint32_t usual;    /* 1/256 ms: what quick statements take now, from their first byte to the end of their answer */
	uint32_t a_second; /* statements, of the period before */
	uint32_t answered; /* in this period */
	uint32_t events;   /* of this turn of the loop */
};

/* A statement has been answered, so long after it came. */
static inline void pace_note(struct pace *p, uint64_t ms)
{
	uint32_t took = ms < 1000 ? (uint32_t)ms << 8 : 1000u << 8;
	p->answered++;
	if (took < p->usual)
		p->usual -= (p->usual - took + 15) / 16;
	else if (took > p->usual)
		p->usual += took - p->usual < 16 ? took - p->usual : 16;
}

static inline uint32_t pace_usual_us(const struct pace *p)
{
	return (uint32_t)((uint64_t)p->usual * 1000 / 256);
}

/* A period has ended. */
void pace_period(struct pace *p, uint64_t ms);

/* A turn has ended: us to pause before the next one, at most `most`; 0: none. */
uint64_t pace_turn(struct pace *p, uint64_t most);

#endif
