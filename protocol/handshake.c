#include "protocol/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SSL_REQUEST_LEN 32
#define LOGIN_FILLER 19 /* then MariaDB's extended flags, or 4 more bytes of filler */
#define NONCE_FIRST 8   /* bytes of the nonce in the greeting's old place */

unsigned version_number_of(const char *version)
{
	unsigned part[3] = {0, 0, 0};
	/* Old replicas refused a major version above 5, so MariaDB 10 put this in front for them. */
	if (strncmp(version, "5.5.5-", 6) == 0)
		version += 6;
	for (int i = 0; i < 3 && *version >= '0' && *version <= '9'; i++) {
		for (; *version >= '0' && *version <= '9'; version++)
			part[i] = part[i] < 1000 ? part[i] * 10 + (unsigned)(*version - '0') : part[i];
		if (*version == '.')
			version++;
		else
			break;
	}
	return part[0] * 10000 + part[1] * 100 + part[2];
}

bool version_is_mariadb(const char *version)
{
	return strcasestr(version, "mariadb") != NULL;
}

/* As much of the view as fits, with a NUL. */
static void copy_text(char *to, size_t size, struct view from)
{
	size_t len = from.len < size - 1 ? from.len : size - 1;
	if (len)
		memcpy(to, from.p, len);
	to[len] = 0;
}

/* A string whose NUL some peers leave out when it is the last field. */
static struct view read_last_cstr(struct reader *r)
{
	size_t left = reader_left(r);
	if (!r->bad && left && memchr(r->p, 0, left))
		return read_cstr(r);
	return read_rest(r);
}

/* The second half of the nonce: whatever its announced length, at least 13 bytes, of which the last is a NUL. */
static void read_nonce_rest(struct reader *r, uint8_t announced, uint8_t nonce[NONCE_LEN])
{
	size_t len = announced > NONCE_FIRST + 13 ? announced - NONCE_FIRST : 13;
	if (len > reader_left(r) && reader_left(r) >= NONCE_LEN - NONCE_FIRST)
		len = reader_left(r);
	struct view rest = read_bytes(r, len);
	if (rest.len >= NONCE_LEN - NONCE_FIRST)
		memcpy(nonce + NONCE_FIRST, rest.p, NONCE_LEN - NONCE_FIRST);
}

enum packet_result greeting_parse(struct view payload, struct greeting *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	*out = (struct greeting){.protocol = read_u8(&r)};
	if (out->protocol != 10)
		return PACKET_BAD;
	copy_text(out->version, sizeof out->version, read_cstr(&r));
	out->connection_id = read_u32(&r);
	struct view first = read_bytes(&r, NONCE_FIRST);
	if (first.len)
		memcpy(out->nonce, first.p, NONCE_FIRST);
	read_u8(&r);
	out->caps = read_u16(&r);
	out->collation = read_u8(&r);
	out->status = read_u16(&r);
	out->caps |= (uint32_t)read_u16(&r) << 16;
	uint8_t announced = read_u8(&r);
	read_bytes(&r, 6);
	uint32_t extended = read_u32(&r);
	if (r.bad || !(out->caps & CAP_PROTOCOL_41))
		return PACKET_BAD;
	if (!(out->caps & CAP_LONG_PASSWORD))
		out->mariadb_caps = extended;
	if (out->caps & CAP_SECURE_CONNECTION || reader_left(&r))
		read_nonce_rest(&r, announced, out->nonce);
	if (out->caps & CAP_PLUGIN_AUTH)
		copy_text(out->plugin, sizeof out->plugin, read_last_cstr(&r));
	out->version_number = version_number_of(out->version);
	out->is_mariadb = version_is_mariadb(out->version);
	return r.bad ? PACKET_BAD : PACKET_OK;
}

/* Ends a packet whose fields went in well, takes it back otherwise. */
static bool finish(struct buf *b, size_t begin, uint8_t *seq, bool complete)
{
	if (complete)
		return packet_end(b, begin, seq);
	if (begin != SIZE_MAX)
		b->end = b->start + begin;
	return false;
}

bool greeting_write(struct buf *b, uint8_t *seq, const struct greeting *g)
{
	size_t begin = packet_begin(b);
	bool ok = begin != SIZE_MAX && write_u8(b, g->protocol) && write_cstr(b, g->version) &&
		  write_u32(b, g->connection_id) && write_bytes(b, g->nonce, NONCE_FIRST) && write_u8(b, 0) &&
		  write_u16(b, (uint16_t)g->caps) && write_u8(b, g->collation) && write_u16(b, g->status) &&
		  write_u16(b, (uint16_t)(g->caps >> 16)) && write_u8(b, NONCE_LEN + 1) && write_zeros(b, 6) &&
		  write_u32(b, g->caps & CAP_LONG_PASSWORD ? 0 : g->mariadb_caps) &&
		  write_bytes(b, g->nonce + NONCE_FIRST, NONCE_LEN - NONCE_FIRST) && write_u8(b, 0);
	if (ok && g->caps & CAP_PLUGIN_AUTH)
		ok = write_cstr(b, g->plugin);
	return finish(b, begin, seq, ok);
}

/* The answer to the nonce, in the form the flags say. */
static struct view read_auth(struct reader *r, uint32_t caps)
{
	if (caps & CAP_PLUGIN_AUTH_LENENC)
		return read_lenenc_str(r);
	if (caps & CAP_SECURE_CONNECTION)
		return read_bytes(r, read_u8(r));
	return read_cstr(r);
}

/* The fields after the schema, which are the same in a login and a COM_CHANGE_USER. Some drivers set the flags and leave
 * the last fields out: then they are empty. */
static void read_tail(struct reader *r, uint32_t caps, struct login *out)
{
	if (caps & CAP_PLUGIN_AUTH && reader_left(r))
		out->plugin = read_last_cstr(r);
	if (caps & CAP_CONNECT_ATTRS && reader_left(r))
		out->attributes = read_lenenc_str(r);
}

enum packet_result login_parse(struct view payload, uint32_t offered_caps, struct login *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	*out = (struct login){.client_caps = read_u32(&r)};
	uint32_t caps = out->client_caps;
	out->caps = caps & offered_caps;
	out->max_packet = read_u32(&r);
	out->collation = read_u8(&r);
	read_bytes(&r, LOGIN_FILLER);
	uint32_t extended = read_u32(&r);
	if (r.bad || !(out->caps & CAP_PROTOCOL_41))
		return PACKET_BAD;
	if (!((caps | offered_caps) & CAP_LONG_PASSWORD))
		out->mariadb_caps = extended;
	if (payload.len == SSL_REQUEST_LEN) {
		out->ssl_request = true;
		return out->caps & CAP_SSL ? PACKET_OK : PACKET_BAD;
	}
	out->user = read_cstr(&r);
	out->auth = read_auth(&r, caps);
	if (caps & CAP_CONNECT_WITH_DB && reader_left(&r))
		out->schema = read_last_cstr(&r);
	read_tail(&r, caps, out);
	if (caps & CAP_ZSTD && reader_left(&r))
		out->zstd_level = read_u8(&r);
	return r.bad ? PACKET_BAD : PACKET_OK;
}

static bool write_login_head(struct buf *b, const struct login *l, uint32_t caps)
{
	return write_u32(b, caps) && write_u32(b, l->max_packet) && write_u8(b, (uint8_t)l->collation) &&
	       write_zeros(b, LOGIN_FILLER) && write_u32(b, caps & CAP_LONG_PASSWORD ? 0 : l->mariadb_caps);
}

static bool write_text(struct buf *b, struct view s)
{
	return write_bytes(b, s.p, s.len) && write_u8(b, 0);
}

/* A form that cannot hold the answer is our own mistake or a misfit of plugin and server: nothing is written. */
static bool write_auth(struct buf *b, uint32_t caps, struct view auth)
{
	if (caps & CAP_PLUGIN_AUTH_LENENC)
		return write_lenenc_str(b, auth);
	if (caps & CAP_SECURE_CONNECTION)
		return auth.len <= 255 && write_u8(b, (uint8_t)auth.len) && write_bytes(b, auth.p, auth.len);
	return write_text(b, auth);
}

static bool write_tail(struct buf *b, const struct login *l)
{
	if (l->caps & CAP_PLUGIN_AUTH && !write_text(b, l->plugin))
		return false;
	return !(l->caps & CAP_CONNECT_ATTRS) || write_lenenc_str(b, l->attributes);
}

bool login_write(struct buf *b, uint8_t *seq, const struct login *l)
{
	size_t begin = packet_begin(b);
	bool ok = begin != SIZE_MAX && write_login_head(b, l, l->caps) && write_text(b, l->user) &&
		  write_auth(b, l->caps, l->auth);
	if (ok && l->caps & CAP_CONNECT_WITH_DB)
		ok = write_text(b, l->schema);
	ok = ok && write_tail(b, l);
	if (ok && l->caps & CAP_ZSTD)
		ok = write_u8(b, l->zstd_level);
	return finish(b, begin, seq, ok);
}

bool ssl_request_write(struct buf *b, uint8_t *seq, const struct login *l)
{
	size_t begin = packet_begin(b);
	return finish(b, begin, seq, begin != SIZE_MAX && write_login_head(b, l, l->caps | CAP_SSL));
}

bool auth_switch_write(struct buf *b, uint8_t *seq, const char *plugin, struct view nonce)
{
	size_t begin = packet_begin(b);
	return finish(b, begin, seq,
		      begin != SIZE_MAX && write_u8(b, HEADER_AUTH_SWITCH) && write_cstr(b, plugin) &&
			      write_bytes(b, nonce.p, nonce.len) && (nonce.len != NONCE_LEN || write_u8(b, 0)));
}

enum packet_result auth_switch_parse(struct view payload, struct view *plugin, struct view *nonce)
{
	struct reader r = reader_of(payload.p, payload.len);
	*nonce = (struct view){NULL, 0};
	if (read_u8(&r) != HEADER_AUTH_SWITCH || r.bad)
		return PACKET_BAD;
	if (!reader_left(&r)) {
		*plugin = view_of("mysql_old_password");
		return PACKET_OK;
	}
	*plugin = read_last_cstr(&r);
	*nonce = read_rest(&r);
	/* Only the nonces of 20 bytes end with a NUL that is not theirs; a nonce may hold no NUL itself. */
	if (nonce->len == NONCE_LEN + 1 && nonce->p[NONCE_LEN] == 0)
		nonce->len = NONCE_LEN;
	return r.bad ? PACKET_BAD : PACKET_OK;
}

bool auth_more_write(struct buf *b, uint8_t *seq, const void *data, size_t len)
{
	size_t begin = packet_begin(b);
	return finish(b, begin, seq,
		      begin != SIZE_MAX && write_u8(b, HEADER_AUTH_MORE) && write_bytes(b, data, len));
}

enum packet_result change_user_parse(struct view payload, uint32_t caps, struct login *out)
{
	struct reader r = reader_of(payload.p, payload.len);
	*out = (struct login){.caps = caps, .client_caps = caps};
	if (read_u8(&r) != CMD_CHANGE_USER)
		return PACKET_BAD;
	out->user = read_cstr(&r);
	/* One byte of length even where the login had a length-encoded one. */
	out->auth = read_auth(&r, caps & ~CAP_PLUGIN_AUTH_LENENC);
	out->schema = read_last_cstr(&r);
	if (reader_left(&r) >= 2) {
		out->collation = read_u16(&r);
		read_tail(&r, caps, out);
	}
	return r.bad ? PACKET_BAD : PACKET_OK;
}

bool change_user_write(struct buf *b, uint8_t *seq, const struct login *l)
{
	size_t begin = packet_begin(b);
	bool ok = begin != SIZE_MAX && write_u8(b, CMD_CHANGE_USER) && write_text(b, l->user) &&
		  write_auth(b, l->caps & ~CAP_PLUGIN_AUTH_LENENC, l->auth) && write_text(b, l->schema) &&
		  write_u16(b, l->collation) && write_tail(b, l);
	return finish(b, begin, seq, ok);
}

bool attribute_next(struct view *rest, struct view *name, struct view *value)
{
	if (!rest->len)
		return false;
	struct reader r = reader_of(rest->p, rest->len);
	*name = read_lenenc_str(&r);
	*value = read_lenenc_str(&r);
	if (r.bad)
		return false;
	*rest = read_rest(&r);
	return true;
}
