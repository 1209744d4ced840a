#include "proxy/upgrade/arguments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static char **shown;
static uint8_t *kept;
static size_t kept_len;
static char **taken; /* what arguments_take() has given */

/* Not locked beyond the limit on locked memory: the vault says so (proxy/vault.h). */
static uint8_t *locked_room(size_t n)
{
	void *room = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		abort();
	mlock(room, n);
	madvise(room, n, MADV_DONTDUMP);
	return room;
}

void arguments_keep(int argc, char **argv)
{
	size_t len = 0;
	shown = argv;
	for (int i = 1; i < argc; i++)
		len += strlen(argv[i]) + 1;
	if (!len)
		return;
	kept = locked_room(len);
	for (int i = 1; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;
		memcpy(kept + kept_len, argv[i], n);
		kept_len += n;
	}
}

char **arguments_shown(void)
{
	return shown;
}

struct view arguments_told(void)
{
	return (struct view){kept, kept_len};
}

bool arguments_take(struct view text, int *argc, char ***argv)
{
	int n = 0;
	if (text.len && text.p[text.len - 1])
		return false;
	for (size_t i = 0; i < text.len; i++)
		n += !text.p[i];
	uint8_t *copy = text.len ? locked_room(text.len) : NULL;
	char **list = calloc((size_t)n + 1, sizeof *list);
	if (!list)
		abort();
	if (text.len)
		memcpy(copy, text.p, text.len);
	for (size_t at = 0, i = 0; at < text.len; at += strlen((char *)copy + at) + 1)
		list[i++] = (char *)copy + at;
	/* What this process passes on in its turn: it is not wiped, as these are. */
	kept = text.len ? locked_room(text.len) : NULL;
	kept_len = text.len;
	if (kept)
		memcpy(kept, text.p, kept_len);
	free(taken);
	taken = list;
	*argc = n;
	*argv = list;
	return true;
}
