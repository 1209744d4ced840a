#include "proxy/utf8.h"

#include <stdbool.h>
#include <stdint.h>

size_t utf8_character(const unsigned char *p, size_t len)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
	for (size_t n = 0; n < 4; n++) {
		if ((p[0] & forms[n].mask) != forms[n].lead)
			continue;
		uint32_t code = p[0] & (unsigned char)~forms[n].mask;
		if (n >= len)
			return 0;
		for (size_t i = 1; i <= n; i++) {
			if ((p[i] & 0xC0) != 0x80)
				return 0;
			code = code << 6 | (p[i] & 0x3F);
		}
		bool fine = code >= forms[n].least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
		return fine ? n + 1 : 0;
	}
	return 0;
}
