/* The files of the dashboard, which are part of the program: made from proxy/dashboard/ when it is built (cmake/Embed.cmake). */
#ifndef WYE_PROXY_HTTP_ASSETS_H
#define WYE_PROXY_HTTP_ASSETS_H

#include <stddef.h>

struct asset {
	const char *path;          /* as it is asked for */
	const char *type;
	const char *etag;          /* with its quotes: of the content */
	const unsigned char *data; /* gzip */
	size_t size, whole_size;   /* of data, and of what it holds */
};

extern const struct asset http_assets[];
extern const size_t http_assets_count;

/* NULL: there is none of that path. */
const struct asset *asset_find(const char *path);

/* What it holds, for clients that do not take gzip; the caller frees. NULL: no memory. */
char *asset_unpack(const struct asset *a);

#endif
