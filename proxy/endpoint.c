/* Addresses as people write them; declared in proxy/options.h. */
#include "proxy/options.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static bool refuse(char *error, size_t error_size, const char *text, const char *why)
{
	snprintf(error, error_size, "'%.100s' is no address: %s", text, why);
	return false;
}

static bool is_ipv6(const char *text, size_t len)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return inet_pton(AF_INET6, host, &address) == 1;
}

static bool parse_port(const char *text, uint16_t *port)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	unsigned long value = strtoul(text, &end, 10);
	if (*end || value == 0 || value > 65535)
		return false;
	*port = (uint16_t)value;
	return true;
}

static bool parse_socket(struct endpoint *e, const char *text, char *error, size_t error_size)
{
	if (strlen(text) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return refuse(error, error_size, text, "a Unix socket's path has at most 107 bytes");
	snprintf(e->host, sizeof e->host, "%s", text);
	return true;
}

bool endpoint_parse(struct endpoint *e, const char *text, uint16_t default_port, char *error, size_t error_size)
{
	memset(e, 0, sizeof *e);
	if (*text == '/')
		return parse_socket(e, text, error, error_size);
	const char *host = text, *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	if (*text == '[') {
		const char *bracket = strchr(text, ']');
		if (!bracket || !is_ipv6(text + 1, (size_t)(bracket - text - 1)))
			return refuse(error, error_size, text, "an IPv6 address is written [2001:db8::1]:3306");
		host = text + 1;
		len = (size_t)(bracket - host);
		colon = bracket[1] ? bracket + 1 : NULL;
		if (colon && *colon != ':')
			return refuse(error, error_size, text, "a ':' and the port follow the ']'");
	} else if (is_ipv6(text, strlen(text))) {
		len = strlen(text);
		colon = NULL;
	}
	if (!len)
		return refuse(error, error_size, text, "the host is missing; 0.0.0.0:PORT means every IPv4 address");
	if (len >= sizeof e->host)
		return refuse(error, error_size, text, "a host has at most 255 bytes");
	if (!colon && strspn(host, "0123456789") == len)
		return refuse(error, error_size, text, "a port alone is not enough, write HOST:PORT");
	e->port = default_port;
	if (colon && !parse_port(colon + 1, &e->port))
		return refuse(error, error_size, text, "the port is a number from 1 to 65535");
	memcpy(e->host, host, len);
	if (strpbrk(e->host, " /@,:") && !is_ipv6(e->host, len))
		return refuse(error, error_size, text, "write HOST:PORT, [IPV6]:PORT or the path of a Unix socket");
	return true;
}

void endpoint_format(const struct endpoint *e, char *out, size_t out_size)
{
	if (e->host[0] == '/')
		snprintf(out, out_size, "%s", e->host);
	else
		snprintf(out, out_size, strchr(e->host, ':') ? "[%s]:%u" : "%s:%u", e->host, e->port);
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && (a->port ? strcasecmp(a->host, b->host) : strcmp(a->host, b->host)) == 0;
}
