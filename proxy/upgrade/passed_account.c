#include "proxy/upgrade/passed_account.h"

#include <string.h>

enum { BY_HAND = 1, EMPTY = 2, HAS_SHA1 = 4, HAS_SHA256 = 8 };

static bool write_text(struct buf *out, const char *text, size_t len)
{
	return write_u16(out, (uint16_t)len) && write_bytes(out, text, len);
}

/* False when it does not fit, with a NUL behind it. */
static bool read_text(struct reader *r, char *out, size_t size, size_t *len)
{
	struct view v = read_bytes(r, read_u16(r));
	if (r->bad || v.len >= size)
		return false;
	memset(out, 0, size);
	if (v.len)
		memcpy(out, v.p, v.len);
	*len = v.len;
	return true;
}

bool passed_account_write(uint64_t id, const struct passed_account *p, struct buf *out)
{
	const struct account *a = &p->account;
	const struct vault_secret *s = &p->secret;
	uint8_t flags = (uint8_t)((a->by_hand ? BY_HAND : 0) | (s->empty ? EMPTY : 0) | (s->has_sha1 ? HAS_SHA1 : 0) |
				  (s->has_sha256 ? HAS_SHA256 : 0));
	return a->verifier_len < sizeof a->verifier && s->clear_len < sizeof s->clear && write_u64(out, id) &&
	       write_u8(out, flags) && write_u8(out, (uint8_t)a->plugin) && write_text(out, a->user, strlen(a->user)) &&
	       write_text(out, a->host, strlen(a->host)) && write_text(out, a->plugin_name, strlen(a->plugin_name)) &&
	       write_text(out, a->verifier, a->verifier_len) && write_bytes(out, s->sha1_stage1, sizeof s->sha1_stage1) &&
	       write_bytes(out, s->sha256_stage1, sizeof s->sha256_stage1) &&
	       write_bytes(out, s->sha256_stage2, sizeof s->sha256_stage2) && write_text(out, s->clear, s->clear_len);
}

static void read_digest(struct reader *r, uint8_t *out, size_t n)
{
	struct view v = read_bytes(r, n);
	if (v.len)
		memcpy(out, v.p, n);
}

bool passed_account_read(struct view bytes, uint64_t *id, struct passed_account *p)
{
	struct reader r = reader_of(bytes.p, bytes.len);
	struct account *a = &p->account;
	struct vault_secret *s = &p->secret;
	size_t len;
	memset(p, 0, sizeof *p);
	*id = read_u64(&r);
	uint8_t flags = read_u8(&r), plugin = read_u8(&r);
	if (plugin >= ACCOUNT_PLUGINS || !read_text(&r, a->user, sizeof a->user, &len) ||
	    !read_text(&r, a->host, sizeof a->host, &len) ||
	    !read_text(&r, a->plugin_name, sizeof a->plugin_name, &len) ||
	    !read_text(&r, a->verifier, sizeof a->verifier, &a->verifier_len))
		return false;
	a->plugin = (enum account_plugin)plugin;
	a->by_hand = flags & BY_HAND;
	s->empty = flags & EMPTY;
	s->has_sha1 = flags & HAS_SHA1;
	s->has_sha256 = flags & HAS_SHA256;
	read_digest(&r, s->sha1_stage1, sizeof s->sha1_stage1);
	read_digest(&r, s->sha256_stage1, sizeof s->sha256_stage1);
	read_digest(&r, s->sha256_stage2, sizeof s->sha256_stage2);
	return read_text(&r, s->clear, sizeof s->clear, &s->clear_len) && !reader_left(&r);
}
