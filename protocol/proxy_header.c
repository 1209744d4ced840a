#include "protocol/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#define LINE_SIGN "PROXY "
static const uint8_t binary_sign[12] = "\r\n\r\n\0\r\nQUIT\n";
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* ABSENT where they differ in what is here of both. */
static enum proxy_header_sign sign_of(struct view bytes, const void *sign, size_t len)
{
	size_t here = bytes.len < len ? bytes.len : len;
	if (here && memcmp(bytes.p, sign, here) != 0)
		return PROXY_HEADER_ABSENT;
	return here == len ? PROXY_HEADER_PRESENT : PROXY_HEADER_UNCLEAR;
}

enum proxy_header_sign proxy_header_sign(struct view bytes)
{
	enum proxy_header_sign line = sign_of(bytes, LINE_SIGN, strlen(LINE_SIGN));
	enum proxy_header_sign binary = sign_of(bytes, binary_sign, sizeof binary_sign);
	return line > binary ? line : binary;
}

/* ---- version 1: PROXY TCP4 192.0.2.7 192.0.2.1 51234 3306 CR LF ---- */

/* The next word of a line whose words stand apart by one space each, as a string. False: there is none, or it is longer. */
static bool next_word(struct view *line, char *word, size_t size)
{
	const uint8_t *space = line->len ? memchr(line->p, ' ', line->len) : NULL;
	size_t len = space ? (size_t)(space - line->p) : line->len;
	if (!len || len >= size || memchr(line->p, '\0', len))
		return false;
	memcpy(word, line->p, len);
	word[len] = '\0';
	size_t passed = len + (space != NULL);
	*line = (struct view){line->p + passed, line->len - passed};
	return !space || line->len;
}

static bool port_of(const char *word, uint16_t *port)
{
	unsigned long n = 0;
	if (word[0] == '0' && word[1])
		return false;
	for (const char *c = word; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		n = n * 10 + (unsigned)(*c - '0');
	}
	*port = (uint16_t)n;
	return n <= UINT16_MAX;
}

static bool address_of(const char *word, int family, uint8_t address[16])
{
	if (family == AF_INET6)
		return inet_pton(AF_INET6, word, address) == 1;
	memcpy(address, mapped, sizeof mapped);
	return inet_pton(AF_INET, word, address + sizeof mapped) == 1;
}

/* What stands behind the sign; both sides' addresses must be right, the proxy's own is not used. */
static bool parse_words(struct view line, struct proxy_header *out)
{
	char word[INET6_ADDRSTRLEN];
	uint8_t own[16];
	uint16_t own_port;
	if (!next_word(&line, word, sizeof word))
		return false;
	if (strcmp(word, "UNKNOWN") == 0) /* and whatever follows */
		return true;
	bool v4 = strcmp(word, "TCP4") == 0;
	int family = v4 ? AF_INET : AF_INET6;
	out->client = PROXY_CLIENT_IP;
	return (v4 || strcmp(word, "TCP6") == 0) && next_word(&line, word, sizeof word) &&
	       address_of(word, family, out->address) && next_word(&line, word, sizeof word) &&
	       address_of(word, family, own) && next_word(&line, word, 6) && port_of(word, &out->port) &&
	       next_word(&line, word, 6) && port_of(word, &own_port) && !line.len;
}

static enum packet_result parse_line(struct view bytes, struct proxy_header *out)
{
	size_t most = bytes.len < PROXY_HEADER_LINE_MAX ? bytes.len : PROXY_HEADER_LINE_MAX;
	const uint8_t *end = memchr(bytes.p, '\n', most);
	if (!end)
		return most == PROXY_HEADER_LINE_MAX ? PACKET_BAD : PACKET_PARTIAL;
	if (end[-1] != '\r')
		return PACKET_BAD;
	out->size = (size_t)(end + 1 - bytes.p);
	size_t sign = strlen(LINE_SIGN);
	struct view words = {bytes.p + sign, out->size - sign};
	if (words.len < 2)
		return PACKET_BAD;
	words.len -= 2;
	return parse_words(words, out) ? PACKET_OK : PACKET_BAD;
}

/* ---- version 2: the sign, version and command, family and protocol, length, addresses, what else is told ---- */

#define FIXED_LEN   16u
#define VERSION_2   0x20u
#define BY_ITSELF   0u /* the proxy's own connection: it looks whether we live */
#define FOR_ANOTHER 1u

enum { FAMILY_UNKNOWN, FAMILY_IP4, FAMILY_IP6, FAMILY_UNIX };
enum { PROTOCOL_UNKNOWN, PROTOCOL_STREAM };

static unsigned port_at(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* The addresses come source, destination, then the ports likewise. What follows them (TLVs) is not used. */
static bool parse_addresses(unsigned family, struct view rest, struct proxy_header *out)
{
	switch (family) {
	case FAMILY_UNKNOWN:
		return true;
	case FAMILY_IP4:
		if (rest.len < 12)
			return false;
		memcpy(out->address, mapped, sizeof mapped);
		memcpy(out->address + sizeof mapped, rest.p, 4);
		out->port = (uint16_t)port_at(rest.p + 8);
		out->client = PROXY_CLIENT_IP;
		return true;
	case FAMILY_IP6:
		if (rest.len < 36)
			return false;
		memcpy(out->address, rest.p, 16);
		out->port = (uint16_t)port_at(rest.p + 32);
		out->client = PROXY_CLIENT_IP;
		return true;
	case FAMILY_UNIX:
		out->client = PROXY_CLIENT_UNIX;
		return rest.len >= 216;
	default:
		return false;
	}
}

static enum packet_result parse_binary(struct view bytes, struct proxy_header *out)
{
	if (bytes.len < FIXED_LEN)
		return PACKET_PARTIAL;
	unsigned command = bytes.p[12] ^ VERSION_2, family = bytes.p[13] >> 4, protocol = bytes.p[13] & 0xf;
	if (command > FOR_ANOTHER)
		return PACKET_BAD;
	size_t len = port_at(bytes.p + 14);
	out->size = FIXED_LEN + len;
	if (bytes.len < out->size)
		return PACKET_PARTIAL;
	if (command == BY_ITSELF) /* whatever else it says */
		return PACKET_OK;
	if (protocol != (family == FAMILY_UNKNOWN ? PROTOCOL_UNKNOWN : PROTOCOL_STREAM))
		return PACKET_BAD;
	return parse_addresses(family, (struct view){bytes.p + FIXED_LEN, len}, out) ? PACKET_OK : PACKET_BAD;
}

enum packet_result proxy_header_parse(struct view bytes, struct proxy_header *out)
{
	*out = (struct proxy_header){.client = PROXY_CLIENT_SAME};
	if (proxy_header_sign(bytes) == PROXY_HEADER_UNCLEAR)
		return PACKET_PARTIAL;
	if (sign_of(bytes, LINE_SIGN, strlen(LINE_SIGN)) == PROXY_HEADER_PRESENT)
		return parse_line(bytes, out);
	if (sign_of(bytes, binary_sign, sizeof binary_sign) == PROXY_HEADER_PRESENT)
		return parse_binary(bytes, out);
	return PACKET_BAD;
}
