/*
 * Many clients that log in, perhaps run one statement each, and then do nothing.
 *
 *	idle_clients PORT COUNT USER [STATEMENT]
 *
 * The account has no password. Says "ready" on standard output when all are in, and ends when its standard input does.
 * Connects from 127.0.0.1, 127.0.0.2, ... in turn, since one address has not enough ports.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PER_ADDRESS 20000u
#define CAPS 0x000aa20du /* LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, ... */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void read_all(int fd, uint8_t *to, size_t n)
{
	while (n) {
		ssize_t got = read(fd, to, n);
		if (got <= 0)
			die("idle_clients: read");
		to += got;
		n -= (size_t)got;
	}
}

/* One packet; its first byte. */
static uint8_t read_packet(int fd)
{
	static uint8_t payload[65536];
	uint8_t header[4];
	read_all(fd, header, sizeof header);
	size_t n = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
	if (!n || n > sizeof payload)
		die("idle_clients: packet");
	read_all(fd, payload, n);
	if (payload[0] == 0xff) {
		fprintf(stderr, "idle_clients: refused: %.*s\n", (int)n - 9, payload + 9);
		exit(1);
	}
	return payload[0];
}

static void write_packet(int fd, uint8_t seq, const void *payload, size_t n)
{
	uint8_t packet[4096] = {(uint8_t)n, (uint8_t)(n >> 8), 0, seq};
	if (n > sizeof packet - 4)
		die("idle_clients: too long");
	memcpy(packet + 4, payload, n);
	if (write(fd, packet, n + 4) != (ssize_t)n + 4)
		die("idle_clients: write");
}

static void log_in(int fd, const char *user)
{
	uint8_t response[256] = {CAPS & 0xff, CAPS >> 8 & 0xff, CAPS >> 16 & 0xff, CAPS >> 24, 0, 0, 0, 1, 33};
	size_t n = 32;
	memcpy(response + n, user, strlen(user) + 1);
	n += strlen(user) + 1;
	response[n++] = 0; /* no password */
	static const char plugin[] = "mysql_native_password";
	memcpy(response + n, "sbtest", 7);
	n += 7;
	memcpy(response + n, plugin, sizeof plugin);
	read_packet(fd);
	write_packet(fd, 1, response, n + sizeof plugin);
	if (read_packet(fd) == 0xfe) { /* another method: still no password */
		if (write(fd, "\0\0\0\3", 4) != 4)
			die("idle_clients: write");
		read_packet(fd);
	}
}

/* One result set, with EOF packets. */
static void run(int fd, const char *statement)
{
	char payload[1024];
	int n = snprintf(payload, sizeof payload, "\3%s", statement);
	write_packet(fd, 0, payload, (size_t)n);
	if (read_packet(fd) == 0)
		return;
	for (unsigned ends = 0; ends < 2;)
		ends += read_packet(fd) == 0xfe;
}

static int connected(unsigned i, uint16_t port)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + i / PER_ADDRESS)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	if (fd < 0)
		die("idle_clients: socket");
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) || connect(fd, (struct sockaddr *)&to, sizeof to))
		die("idle_clients: connect");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: idle_clients PORT COUNT USER [STATEMENT]\n");
		return 2;
	}
	unsigned count = (unsigned)atoi(argv[2]);
	struct rlimit files = {count + 100, count + 100};
	char byte;
	setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned i = 0; i < count; i++) {
		int fd = connected(i, (uint16_t)atoi(argv[1]));
		log_in(fd, argv[3]);
		if (argc > 4)
			run(fd, argv[4]);
	}
	printf("ready\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}
