#include "proxy/pace.h"

#define PART    16u /* of what a statement takes anyway */
#define ENOUGH  16u /* events of one turn */
#define LEAST_US 30u /* less is lost in the timer */

void pace_period(struct pace *p, uint64_t ms)
{
	p->a_second = ms ? (uint32_t)((uint64_t)p->answered * 1000 / ms) : 0;
	p->answered = 0;
}

uint64_t pace_turn(struct pace *p, uint64_t most)
{
	uint32_t events = p->events;
	uint64_t us = pace_usual_us(p) / PART;
	p->events = 0;
	if (us > most)
		us = most;
	/* Where nothing is to be expected meanwhile, there is nothing to gain. */
	if (events >= ENOUGH || us < LEAST_US || us * p->a_second < 500000)
		return 0;
	return us;
}
