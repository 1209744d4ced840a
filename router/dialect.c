#include "router/dialect.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum text_charset charset;
} charsets[] = {
    {"gbk", TEXT_GBK},   {"sjis", TEXT_SJIS},       {"cp932", TEXT_SJIS},
    {"big5", TEXT_BIG5}, {"gb18030", TEXT_GB18030},
};

enum text_charset text_charset_of(struct view name)
{
	for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++)
		if (strlen(charsets[i].name) == name.len &&
		    strncasecmp(charsets[i].name, (const char *)name.p, name.len) == 0)
			return charsets[i].charset;
	return TEXT_ASCII_SAFE;
}
