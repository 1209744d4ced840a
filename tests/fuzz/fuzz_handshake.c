/*
 * The packets of the connection phase: the first byte chooses the parser, four more are the capabilities, the rest is the
 * payload. What parses is written again and must parse to the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/charset.h"
#include "protocol/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(struct view a, struct view b)
{
	assert(view_equal(a, b));
}

/* The payload of the packet just written; whole, since the input is small. */
static struct view written(struct buf *b)
{
	struct packet p;
	assert(packet_next(buf_data(b), buf_len(b), 0, &p) == PACKET_OK);
	return p.payload;
}

static void try_greeting(struct view payload)
{
	struct greeting g, again;
	struct buf b;
	uint8_t seq = 0;
	if (greeting_parse(payload, &g) != PACKET_OK)
		return;
	buf_init(&b, 1 << 16);
	assert(greeting_write(&b, &seq, &g));
	assert(greeting_parse(written(&b), &again) == PACKET_OK);
	assert(again.caps == g.caps && again.mariadb_caps == g.mariadb_caps && again.status == g.status);
	assert(strcmp(again.version, g.version) == 0 && strcmp(again.plugin, g.plugin) == 0);
	assert(again.version_number == g.version_number && again.connection_id == g.connection_id);
	charset_session_collation(g.collation, g.is_mariadb, g.version_number);
	buf_finish(&b);
}

static void walk(struct view attributes)
{
	struct view name, value;
	size_t left = attributes.len;
	while (attribute_next(&attributes, &name, &value)) {
		assert(attributes.len < left);
		left = attributes.len;
	}
}

static void try_login(struct view payload, uint32_t offered)
{
	struct login l, again;
	struct buf b;
	uint8_t seq = 0;
	if (login_parse(payload, offered, &l) != PACKET_OK)
		return;
	assert((l.caps & ~offered) == 0);
	walk(l.attributes);
	charset_session_collation(l.collation, false, 90704);
	l.caps = l.client_caps;
	buf_init(&b, 4 * payload.len + 1024);
	assert(l.ssl_request ? ssl_request_write(&b, &seq, &l) : login_write(&b, &seq, &l));
	assert(login_parse(written(&b), UINT32_MAX & ~CAP_LONG_PASSWORD, &again) == PACKET_OK);
	assert(again.ssl_request == l.ssl_request);
	check_same(again.user, l.user);
	check_same(again.auth, l.auth);
	check_same(again.schema, l.schema);
	check_same(again.plugin, l.plugin);
	check_same(again.attributes, l.attributes);
	buf_finish(&b);
}

static void try_change_user(struct view payload, uint32_t caps)
{
	struct login l, again;
	struct buf b;
	uint8_t seq = 0;
	if (change_user_parse(payload, caps, &l) != PACKET_OK)
		return;
	walk(l.attributes);
	buf_init(&b, 4 * payload.len + 1024);
	assert(change_user_write(&b, &seq, &l));
	assert(change_user_parse(written(&b), caps, &again) == PACKET_OK);
	check_same(again.user, l.user);
	check_same(again.auth, l.auth);
	check_same(again.schema, l.schema);
	check_same(again.plugin, l.plugin);
	check_same(again.attributes, l.attributes);
	assert(again.collation == l.collation);
	buf_finish(&b);
}

static void try_switch(struct view payload)
{
	struct view plugin, nonce;
	if (auth_switch_parse(payload, &plugin, &nonce) == PACKET_OK)
		assert(plugin.len + nonce.len < payload.len + 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 5)
		return 0;
	uint32_t caps = get_u32(data + 1);
	struct view payload = {data + 5, size - 5};
	switch (data[0] % 4) {
	case 0:
		try_greeting(payload);
		break;
	case 1:
		try_login(payload, caps);
		break;
	case 2:
		try_change_user(payload, caps);
		break;
	default:
		try_switch(payload);
	}
	return 0;
}
