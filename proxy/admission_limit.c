#include "proxy/admission_limit.h"

/* Rates are alike that differ by less than this part. */
#define ALIKE_PART 32u
/* Steps of the limit, in parts of it. */
#define STEP_PART 4u

void admission_limit_init(struct admission_limit *l)
{
	*l = (struct admission_limit){.limit = ADMISSION_FIRST};
}

void admission_limit_step(struct admission_limit *l, uint64_t rate)
{
	if (rate + rate / ALIKE_PART < l->rate)
		l->grows = !l->grows;
	else if (rate < l->rate + l->rate / ALIKE_PART)
		l->grows = false;
	l->rate = rate;
	unsigned by = l->limit / STEP_PART + 1;
	if (l->grows)
		l->limit = l->limit + by < ADMISSION_MOST ? l->limit + by : ADMISSION_MOST;
	else
		l->limit = l->limit > ADMISSION_LEAST + by ? l->limit - by : ADMISSION_LEAST;
}
