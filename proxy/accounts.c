#include "proxy/accounts.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How exactly an account's host says who may come: the order in which the servers try them. */
enum host_kind { HOST_LITERAL, HOST_NETWORK, HOST_PATTERN, HOST_ANY };

/* An IP address as its bytes; IPv4 in IPv6's clothes (::ffff:10.0.0.1) is IPv4. */
struct ip {
	uint8_t bytes[16];
	unsigned len; /* 4 or 16, 0 = none */
};

struct entry {
	struct account account;
	enum host_kind kind;
	unsigned exactness; /* within one kind: bits of the netmask, or bytes before the first wildcard */
	struct ip ip, mask;
};

struct account_set {
	_Atomic unsigned references;
	bool sealed;
	uint64_t max_password_errors;
	size_t n, room;
	struct entry *entries; /* sorted by user, then from the most to the least exact host */
};

static uint8_t id_key[16];
static pthread_once_t id_key_once = PTHREAD_ONCE_INIT;

static void id_key_make(void)
{
	if (RAND_bytes(id_key, sizeof id_key) != 1)
		abort();
}

/* Keyed, so that nobody who may choose a password can look for a verifier that shares another account's id.
 */
uint64_t account_id(const struct account *account)
{
	pthread_once(&id_key_once, id_key_make);
	struct {
		uint8_t key[sizeof id_key];
		char user[sizeof account->user], host[sizeof account->host],
		    plugin[sizeof account->plugin_name];
		char verifier[sizeof account->verifier];
		uint8_t by_hand, kind;
	} text;
	memset(&text, 0, sizeof text);
	memcpy(text.key, id_key, sizeof id_key);
	memcpy(text.user, account->user, strnlen(account->user, sizeof text.user - 1));
	memcpy(text.host, account->host, strnlen(account->host, sizeof text.host - 1));
	memcpy(text.plugin, account->plugin_name, strnlen(account->plugin_name, sizeof text.plugin - 1));
	memcpy(text.verifier, account->verifier,
	       account->verifier_len < sizeof text.verifier ? account->verifier_len : sizeof text.verifier);
	text.by_hand = account->by_hand;
	text.kind = (uint8_t)account->plugin;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256((const uint8_t *)&text, sizeof text, digest);
	OPENSSL_cleanse(&text, sizeof text);
	uint64_t id;
	memcpy(&id, digest, sizeof id);
	return id ? id : 1;
}

/* An IPv4 address in the form of an IPv6 one is an IPv4 address. */
static void ip_unmap(struct ip *ip)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	if (memcmp(ip->bytes, mapped, sizeof mapped) != 0)
		return;
	memmove(ip->bytes, ip->bytes + sizeof mapped, 4);
	ip->len = 4;
}

static struct ip ip_parse(const char *text)
{
	struct ip ip = {.len = 0};
	if (inet_pton(AF_INET, text, ip.bytes) == 1) {
		ip.len = 4;
	} else if (inet_pton(AF_INET6, text, ip.bytes) == 1) {
		ip.len = 16;
		ip_unmap(&ip);
	}
	return ip;
}

static struct ip ip_of(const struct sockaddr *address)
{
	struct ip ip = {.len = 0};
	if (address->sa_family == AF_INET) {
		memcpy(ip.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
		ip.len = 4;
	} else if (address->sa_family == AF_INET6) {
		memcpy(ip.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
		ip.len = 16;
		ip_unmap(&ip);
	}
	return ip;
}

static bool ip_is_loopback(const struct ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};
	return (ip->len == 4 && ip->bytes[0] == 127) || (ip->len == 16 && memcmp(ip->bytes, one, 16) == 0);
}

/* 10.0.0.0/255.255.255.0 (both servers) and 10.0.0.0/8, 2001:db8::/32 (MySQL 8.0.23 and later). */
static bool network_parse(struct entry *e)
{
	const char *slash = strchr(e->account.host, '/');
	char base[64];
	if (!slash || (size_t)(slash - e->account.host) >= sizeof base)
		return false;
	memcpy(base, e->account.host, (size_t)(slash - e->account.host));
	base[slash - e->account.host] = '\0';
	e->ip = ip_parse(base);
	if (!e->ip.len)
		return false;
	char *end;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	if (end != slash + 1 && !*end && bits <= e->ip.len * 8ul) {
		e->mask.len = e->ip.len;
		for (unsigned i = 0; i < bits; i++)
			e->mask.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	} else {
		e->mask = ip_parse(slash + 1);
	}
	if (e->mask.len != e->ip.len)
		return false;
	for (unsigned i = 0; i < e->mask.len; i++)
		e->exactness += (unsigned)__builtin_popcount(e->mask.bytes[i]);
	return true;
}

static void host_understand(struct entry *e)
{
	const char *host = e->account.host;
	if (!*host || strcmp(host, "%") == 0) {
		e->kind = HOST_ANY;
	} else if (strpbrk(host, "%_")) {
		e->kind = HOST_PATTERN;
		e->exactness = (unsigned)strcspn(host, "%_");
	} else if (network_parse(e)) {
		e->kind = HOST_NETWORK;
	} else {
		e->kind = HOST_LITERAL;
		e->ip = ip_parse(host);
		e->exactness = e->ip.len ? 1 : 0; /* 127.0.0.1 before localhost */
	}
}

struct account_set *account_set_create(void)
{
	struct account_set *set = calloc(1, sizeof *set);
	if (!set)
		abort();
	set->references = 1;
	return set;
}

bool account_set_add(struct account_set *set, const struct account *account)
{
	assert(!set->sealed);
	if (account->verifier_len > sizeof account->verifier ||
	    !memchr(account->user, '\0', sizeof account->user) ||
	    !memchr(account->host, '\0', sizeof account->host) ||
	    !memchr(account->plugin_name, '\0', sizeof account->plugin_name))
		return false;
	if (set->n == set->room) {
		size_t room = set->room ? set->room * 2 : 16;
		struct entry *grown = reallocarray(set->entries, room, sizeof *grown);
		if (!grown)
			return false;
		set->entries = grown;
		set->room = room;
	}
	struct entry *e = &set->entries[set->n++];
	memset(e, 0, sizeof *e);
	e->account = *account;
	e->account.id = account_id(account);
	host_understand(e);
	return true;
}

/* Which of two entries is tried first when both match: by hand, then the more exact host. Equal is 0. */
static int order_of_hosts(const struct entry *a, const struct entry *b)
{
	if (a->account.by_hand != b->account.by_hand)
		return a->account.by_hand ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->exactness != b->exactness)
		return a->exactness > b->exactness ? -1 : 1;
	return 0;
}

static int order(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int by_user = strcmp(a->account.user, b->account.user);
	if (by_user)
		return by_user;
	int by_host = order_of_hosts(a, b);
	return by_host ? by_host : strcmp(a->account.host, b->account.host);
}

void account_set_seal(struct account_set *set)
{
	if (set->n)
		qsort(set->entries, set->n, sizeof *set->entries, order);
	set->sealed = true;
}

struct account_set *account_set_ref(struct account_set *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void account_set_unref(struct account_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	if (set->entries)
		OPENSSL_cleanse(set->entries, set->n * sizeof *set->entries);
	free(set->entries);
	free(set);
}

size_t account_set_size(const struct account_set *set)
{
	return set->n;
}

const struct account *account_set_by_id(const struct account_set *set, uint64_t id)
{
	for (size_t i = 0; i < account_set_size(set); i++)
		if (account_set_at(set, i)->id == id)
			return account_set_at(set, i);
	return NULL;
}

const struct account *account_set_at(const struct account_set *set, size_t index)
{
	return &set->entries[index].account;
}

void account_set_limit_errors(struct account_set *set, uint64_t max_password_errors)
{
	assert(!set->sealed);
	set->max_password_errors = max_password_errors;
}

uint64_t account_set_errors_max(const struct account_set *set)
{
	return set ? set->max_password_errors : 0;
}

bool account_set_equal(const struct account_set *a, const struct account_set *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->n != b->n || a->max_password_errors != b->max_password_errors)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct account *x = &a->entries[i].account, *y = &b->entries[i].account;
		if (x->id != y->id || x->locked != y->locked || x->password_expired != y->password_expired ||
		    x->require_tls != y->require_tls || x->require_certificate != y->require_certificate || x->skips_init_connect != y->skips_init_connect)
			return false;
	}
	return true;
}

/* % is any run of characters, _ is one, a backslash makes the next one plain; letters of either case are
 * equal. */
static bool pattern_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;
	while (*text) {
		bool plain = *pattern == '\\' && pattern[1];
		const char *p = pattern + plain;
		if (!plain && *pattern == '%') {
			star = ++pattern;
			resume = text;
		} else if ((!plain && *pattern == '_') || (*p && strncasecmp(p, text, 1) == 0)) {
			pattern = p + 1;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '%')
		pattern++;
	return !*pattern;
}

/* Where a client comes from, in each of the forms a host can be compared with. */
struct origin {
	struct ip ip;
	char text[INET6_ADDRSTRLEN]; /* made when a pattern asks for it */
	bool is_localhost;
};

static struct origin origin_of(const struct sockaddr *address)
{
	struct origin from = {.is_localhost = true};
	if (!address || address->sa_family == AF_UNIX)
		return from;
	from.ip = ip_of(address);
	from.is_localhost = ip_is_loopback(&from.ip);
	return from;
}

static bool network_holds(const struct entry *e, const struct ip *ip)
{
	if (ip->len != e->ip.len)
		return false;
	for (unsigned i = 0; i < ip->len; i++)
		if ((ip->bytes[i] ^ e->ip.bytes[i]) & e->mask.bytes[i])
			return false;
	return true;
}

/* Of an address; over a Unix socket there is none. */
static bool text_matches(const char *pattern, struct origin *from)
{
	if (from->ip.len && !*from->text)
		inet_ntop(from->ip.len == 4 ? AF_INET : AF_INET6, from->ip.bytes, from->text, sizeof from->text);
	return *from->text && pattern_matches(pattern, from->text);
}

static bool host_matches(const struct entry *e, struct origin *from)
{
	switch (e->kind) {
	case HOST_ANY:
		return true;
	case HOST_NETWORK:
		return network_holds(e, &from->ip);
	case HOST_PATTERN:
		return text_matches(e->account.host, from) ||
		       (from->is_localhost && pattern_matches(e->account.host, "localhost"));
	case HOST_LITERAL:
		break;
	}
	if (e->ip.len)
		return from->ip.len == e->ip.len && memcmp(from->ip.bytes, e->ip.bytes, e->ip.len) == 0;
	return from->is_localhost && strcasecmp(e->account.host, "localhost") == 0;
}

static int compare_user(const struct entry *e, struct view user)
{
	size_t len = strlen(e->account.user);
	int got =
	    memcmp(e->account.user, user.p ? user.p : (const uint8_t *)"", len < user.len ? len : user.len);
	return got ? got : (len > user.len) - (len < user.len);
}

/* The first entry of this very user name whose host matches. */
static const struct entry *find_named(const struct account_set *set, struct view user,
                                      struct origin *from)
{
	size_t low = 0, high = set->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_user(&set->entries[middle], user) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < set->n && compare_user(&set->entries[low], user) == 0; low++)
		if (host_matches(&set->entries[low], from))
			return &set->entries[low];
	return NULL;
}

const struct account *account_find(const struct account_set *set, struct view user,
                                   const struct sockaddr *address)
{
	if (!set)
		return NULL;
	assert(set->sealed);
	struct origin from = origin_of(address);
	const struct entry *anonymous = find_named(set, (struct view){NULL, 0}, &from);
	const struct entry *named = user.len ? find_named(set, user, &from) : NULL;
	if (named && anonymous)
		return order_of_hosts(named, anonymous) <= 0 ? &named->account : &anonymous->account;
	return named ? &named->account : anonymous ? &anonymous->account : NULL;
}
