#include "proxy/http_assets.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

const struct asset *asset_find(const char *path)
{
	for (size_t i = 0; i < http_assets_count; i++)
		if (strcmp(http_assets[i].path, path) == 0)
			return &http_assets[i];
	return NULL;
}

char *asset_unpack(const struct asset *a)
{
	char *whole = malloc(a->whole_size ? a->whole_size : 1);
	z_stream z = {.next_in = (unsigned char *)(size_t)a->data,
		      .avail_in = (unsigned)a->size,
		      .next_out = (unsigned char *)whole,
		      .avail_out = (unsigned)a->whole_size};
	if (!whole || inflateInit2(&z, 15 + 16) != Z_OK) {
		free(whole);
		return NULL;
	}
	int done = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (done == Z_STREAM_END)
		return whole;
	free(whole);
	return NULL;
}
