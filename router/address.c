#include "router/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITS_OF_V4 32u
#define BITS       128u

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool parse_bare(struct address *a, const char *text, bool *v4)
{
	*a = (struct address){.local = strcmp(text, "unix") == 0};
	*v4 = inet_pton(AF_INET, text, a->bytes + sizeof mapped) == 1;
	if (*v4)
		memcpy(a->bytes, mapped, sizeof mapped);
	return a->local || *v4 || inet_pton(AF_INET6, text, a->bytes) == 1;
}

bool address_parse(struct address *a, const char *text)
{
	bool v4;
	return parse_bare(a, text, &v4);
}

void address_text(const struct address *a, char *text, size_t text_size)
{
	bool v4 = address_is_v4(a);
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + sizeof mapped : a->bytes, text, (socklen_t)text_size))
		*text = '\0';
}

static bool only_zeros_behind(const struct address_range *r)
{
	for (unsigned i = r->bits; i < BITS; i++)
		if (r->first.bytes[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

bool address_range_parse(struct address_range *r, const char *text, char *error, size_t error_size)
{
	char host[INET6_ADDRSTRLEN + 2], *end = NULL;
	bool v4 = false;
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	bool fine = len < sizeof host;
	unsigned long bits = 0;
	if (fine) {
		memcpy(host, text, len);
		host[len] = '\0';
		fine = parse_bare(&r->first, host, &v4) && !(r->first.local && slash);
	}
	unsigned most = v4 ? BITS_OF_V4 : BITS;
	if (fine && slash) {
		bits = strtoul(slash + 1, &end, 10);
		fine = slash[1] >= '0' && slash[1] <= '9' && !*end && bits <= most;
	}
	if (!fine) {
		snprintf(error, error_size, "allowed: an address or a range such as 10.0.0.0/8 or fd00::/16, or unix");
		return false;
	}
	r->bits = slash ? (unsigned)bits + BITS - most : BITS;
	if (!only_zeros_behind(r)) {
		snprintf(error, error_size, "bits of the address lie outside its /%lu", bits);
		return false;
	}
	return true;
}

bool address_is_v4(const struct address *a)
{
	return !a->local && memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

bool address_in_range(const struct address *a, const struct address_range *r)
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;
	if (a->local || r->first.local)
		return a->local == r->first.local;
	return memcmp(a->bytes, r->first.bytes, whole) == 0 &&
	       (!rest || !((a->bytes[whole] ^ r->first.bytes[whole]) & (uint8_t)(0xff00 >> rest)));
}

/* The next range of a list as text. False: there are no more. */
static bool next_range(const char **list, char *text, size_t size)
{
	const char *at = *list + strspn(*list, " \t,");
	size_t len = strcspn(at, " \t,");
	*list = at + len;
	snprintf(text, size, "%.*s", (int)len, at);
	return len;
}

#define RANGE_TEXT_MAX 64u /* the longest range has 43 */

bool address_list_check(const char *list, char *error, size_t error_size)
{
	char text[RANGE_TEXT_MAX], why[128];
	struct address_range r;
	while (next_range(&list, text, sizeof text))
		if (!address_range_parse(&r, text, why, sizeof why)) {
			snprintf(error, error_size, "'%s': %s", text, why);
			return false;
		}
	return true;
}

bool address_list_has(const char *list, const struct address *a)
{
	char text[RANGE_TEXT_MAX], why[128];
	struct address_range r;
	while (next_range(&list, text, sizeof text))
		if (address_range_parse(&r, text, why, sizeof why) && address_in_range(a, &r))
			return true;
	return false;
}
