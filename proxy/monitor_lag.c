#include "proxy/monitor_lag.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 512
/* A lag is known to this part of it at least: 16 samples for each e-fold of its length fit well. */
#define RESOLUTION 16

struct sample {
	uint64_t number;
	int64_t at_us;
	struct gtid_set position;
};

struct lag_history {
	pthread_mutex_t lock;
	uint64_t epoch, noted;
	unsigned n;
	struct sample samples[SAMPLES_MAX]; /* oldest first */
};

struct lag_history *lag_history_create(void)
{
	struct lag_history *h = calloc(1, sizeof *h);
	if (!h)
		abort();
	pthread_mutex_init(&h->lock, NULL);
	h->epoch = 1;
	return h;
}

static void forget_all(struct lag_history *h)
{
	for (unsigned i = 0; i < h->n; i++)
		gtid_set_finish(&h->samples[i].position);
	h->n = 0;
}

void lag_history_destroy(struct lag_history *h)
{
	if (!h)
		return;
	forget_all(h);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void lag_history_restart(struct lag_history *h)
{
	pthread_mutex_lock(&h->lock);
	forget_all(h);
	h->epoch++;
	pthread_mutex_unlock(&h->lock);
}

/* Of two neighbours that lie close together for their age, one goes: the history reaches back for days, as
 * exactly as a lag of that length needs. The oldest and the newest stay. */
static void thin_out(struct lag_history *h)
{
	int64_t now = h->samples[h->n - 1].at_us;
	unsigned kept = 1;
	for (unsigned i = 1; i < h->n; i++) {
		struct sample *s = &h->samples[i];
		bool last = i == h->n - 1;
		int64_t gap_left = last ? 0 : h->samples[i + 1].at_us - h->samples[kept - 1].at_us;
		if (last || gap_left > (now - s->at_us) / RESOLUTION)
			h->samples[kept++] = *s;
		else
			gtid_set_finish(&s->position);
	}
	/* Cannot happen while the clock moves between samples; then the oldest makes room. */
	if (kept == h->n) {
		gtid_set_finish(&h->samples[0].position);
		memmove(&h->samples[0], &h->samples[1], --kept * sizeof h->samples[0]);
	}
	h->n = kept;
}

void lag_history_note(struct lag_history *h, const struct gtid_set *position, int64_t now_us)
{
	pthread_mutex_lock(&h->lock);
	if (!h->n || !gtid_set_equal(&h->samples[h->n - 1].position, position)) {
		if (h->n == SAMPLES_MAX)
			thin_out(h);
		struct sample *s = &h->samples[h->n];
		*s = (struct sample){.number = ++h->noted, .at_us = now_us};
		gtid_set_init(&s->position, position->flavor);
		if (gtid_set_copy(&s->position, position))
			h->n++;
	}
	pthread_mutex_unlock(&h->lock);
}

/* The first sample from the reader's place on that is not applied; h->n when all are. */
static unsigned first_missing(const struct lag_history *h, struct lag_reader *reader,
                              const struct gtid_set *applied)
{
	unsigned i = 0;
	while (i < h->n && h->samples[i].number < reader->next)
		i++;
	for (; i < h->n && gtid_set_contains(applied, &h->samples[i].position); i++) {
		reader->next = h->samples[i].number + 1;
		reader->anchored = true;
	}
	return i;
}

int64_t lag_history_read(struct lag_history *h, struct lag_reader *reader, const struct gtid_set *applied,
                         int64_t now_us)
{
	pthread_mutex_lock(&h->lock);
	if (reader->epoch != h->epoch)
		*reader = (struct lag_reader){.epoch = h->epoch};
	uint64_t before = reader->next;
	unsigned i = first_missing(h, reader, applied);
	bool measured = reader->next != before && before;
	reader->delay_us = measured && now_us > h->samples[i - 1].at_us ? now_us - h->samples[i - 1].at_us
	                                                                : measured ? 0 : -1;
	int64_t lag = -1;
	if (reader->anchored)
		lag = i == h->n ? 0 : now_us - h->samples[i].at_us;
	if (reader->anchored && lag < 0)
		lag = 0; /* noted by another thread after this one looked at its clock */
	pthread_mutex_unlock(&h->lock);
	return lag;
}
