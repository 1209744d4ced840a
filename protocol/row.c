#include "protocol/row.h"

#include "protocol/constants.h"
#include "protocol/packet.h"

#define PACKET_LIMIT    (1u << 20)
#define COLUMN_UNSIGNED 0x20

static bool take(struct view *rest, struct view *payload)
{
	struct packet p;
	if (packet_next(rest->p, rest->len, PACKET_LIMIT, &p) != PACKET_OK || p.continues)
		return false;
	*payload = p.payload;
	*rest = (struct view){rest->p + p.size, rest->len - p.size};
	return true;
}

/* Types as the wire numbers them. */
static enum row_kind kind_of(uint8_t type, uint16_t flags)
{
	switch (type) {
	case 1: /* TINY, SHORT, LONG, LONGLONG, INT24 */
	case 2:
	case 3:
	case 8:
	case 9:
		return flags & COLUMN_UNSIGNED ? ROW_UNSIGNED : ROW_INTEGER;
	case 0: /* DECIMAL, NEWDECIMAL */
	case 246:
		return ROW_DECIMAL;
	case 4: /* FLOAT, DOUBLE */
	case 5:
		return ROW_DOUBLE;
	case 15: /* VARCHAR, the BLOBs, VAR_STRING, STRING */
	case 249:
	case 250:
	case 251:
	case 252:
	case 253:
	case 254:
		return ROW_STRING;
	default:
		return ROW_OTHER;
	}
}

static bool read_definition(struct view payload, uint32_t mariadb_caps, struct row_cell *cell)
{
	struct reader r = reader_of(payload.p, payload.len);
	unsigned strings = mariadb_caps & MCAP_EXTENDED_METADATA ? 7 : 6;
	for (unsigned i = 0; i < strings; i++)
		read_lenenc_str(&r);
	read_u8(&r);  /* length of what follows */
	read_u16(&r); /* character set */
	uint32_t width = read_u32(&r);
	uint8_t type = read_u8(&r);
	uint16_t flags = read_u16(&r);
	cell->kind = kind_of(type, flags);
	cell->width = width;
	return !r.bad;
}

static bool read_cells(struct view payload, struct row_cell *cells, unsigned n)
{
	struct reader r = reader_of(payload.p, payload.len);
	for (unsigned i = 0; i < n; i++) {
		bool null = false;
		size_t len = read_lenenc(&r, &null);
		if (null)
			cells[i].text = (struct view){NULL, 0};
		else
			cells[i].text = read_bytes(&r, len);
		if (!null && !cells[i].text.p)
			cells[i].text = view_of("");
	}
	return !r.bad && reader_left(&r) == 0;
}

bool row_read(struct view answer, uint32_t caps, uint32_t mariadb_caps, struct row_cell *cells, unsigned n)
{
	struct view payload;
	if (!take(&answer, &payload) || !payload.len || payload.p[0] == HEADER_ERR)
		return false;
	struct reader r = reader_of(payload.p, payload.len);
	if (read_lenenc(&r, NULL) != n || r.bad)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!take(&answer, &payload) || !read_definition(payload, mariadb_caps, &cells[i]))
			return false;
	if (!(caps & CAP_DEPRECATE_EOF) && !take(&answer, &payload))
		return false;
	if (!take(&answer, &payload) || !payload.len || payload.p[0] == HEADER_ERR)
		return false;
	/* The end of no rows; a row that begins with this byte would be 16 MiB long. */
	if (payload.p[0] == HEADER_EOF)
		return false;
	return read_cells(payload, cells, n);
}
