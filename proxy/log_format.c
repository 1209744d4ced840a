#include "proxy/log_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct line {
	char *p;
	size_t n, max;
};

static void put(struct line *l, const char *bytes, size_t len)
{
	if (len > l->max - l->n)
		len = l->max - l->n;
	memcpy(l->p + l->n, bytes, len);
	l->n += len;
}

static void put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void put_format(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put_format(struct line *l, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	put_text(l, text);
}

static void put_time(struct line *l, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	char text[40];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	put_format(l, "%s.%03dZ", text, (int)(us % 1000000 / 1000));
}

/* ---- JSON ---- */

/* How many bytes of well-formed UTF-8 begin here, 0: none. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* of the second byte */
		size_t len;
	} forms[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
		     {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
		     {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		if (left < forms[i].len || p[1] < forms[i].low || p[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if (p[k] < 0x80 || p[k] > 0xBF)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static void put_json_string(struct line *l, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	put(l, "\"", 1);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(p + i, len - i);
		if (n == 0)
			put_text(l, "\\ufffd");
		else if (n == 1 && (p[i] == '"' || p[i] == '\\'))
			put_format(l, "\\%c", p[i]);
		else if (n == 1 && (p[i] < ' ' || p[i] == 0x7F))
			put_format(l, "\\u%04x", p[i]);
		else
			put(l, text + i, n);
		i += n ? n : 1;
	}
	put(l, "\"", 1);
}

static void put_json_member(struct line *l, const char *name, size_t name_len, const char *value, size_t len)
{
	put(l, ",", 1); /* the time came before */
	put_json_string(l, name, name_len);
	put(l, ":", 1);
	put_json_string(l, value, len);
}

static size_t name_len(const char *p, size_t left)
{
	size_t n = 0;
	while (n < left && ((p[n] >= 'a' && p[n] <= 'z') || p[n] == '_'))
		n++;
	return n && n < left && p[n] == '=' ? n : 0;
}

/* A value in quotes, in which a backslash stands before quotes and backslashes: what is between, and the bytes read. */
static size_t take_quoted(const char *p, size_t left, char *out, size_t *len)
{
	*len = 0;
	for (size_t i = 1; i < left; i++) {
		if (p[i] == '"')
			return i + 1;
		if (p[i] == '\\' && i + 1 < left)
			i++;
		out[(*len)++] = p[i];
	}
	return left;
}

static bool is_own(const char *name, size_t len)
{
	static const char *const names[] = {"time", "level", "area", "thread", "event", "text"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return true;
	return false;
}

/* key=value and key="value" become members as long as they come; the rest is the text. */
static void put_json_fields(struct line *l, const char *p, size_t left)
{
	static _Thread_local char value[LOG_LINE_MAX];
	size_t n, len;
	while (left && (n = name_len(p, left)) && !is_own(p, n)) {
		const char *name = p;
		size_t taken;
		if (n + 1 < left && p[n + 1] == '"') {
			taken = n + 1 + take_quoted(p + n + 1, left - n - 1, value, &len);
		} else {
			const char *end = memchr(p, ' ', left);
			taken = end ? (size_t)(end - p) : left;
			len = taken - n - 1;
			memcpy(value, p + n + 1, len);
		}
		put_json_member(l, name, n, value, len);
		p += taken;
		left -= taken;
		while (left && *p == ' ')
			p++, left--;
	}
	if (left)
		put_json_member(l, "text", 4, p, left);
}

static void put_json(struct line *l, const struct log_record *r)
{
	const char *level = log_level_name(r->level);
	put_text(l, "{\"time\":\"");
	put_time(l, r->time_us);
	put_text(l, "\"");
	put_json_member(l, "level", 5, level, strlen(level));
	put_json_member(l, "area", 4, r->area, strlen(r->area));
	put_json_member(l, "thread", 6, r->thread, strlen(r->thread));
	put_json_member(l, "event", 5, r->event, strlen(r->event));
	put_json_fields(l, r->text, r->len);
	put_text(l, "}");
}

/* ---- a line ---- */

size_t log_format_record(const struct log_record *r, enum log_format format, bool journal, char *out)
{
	static const int priorities[] = {[LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4, [LOG_LEVEL_INFO] = 6,
					 [LOG_LEVEL_DEBUG] = 7};
	struct line l = {.p = out, .max = LOG_FORMATTED_MAX - 1};
	if (journal)
		put_format(&l, "<%d>", priorities[r->level]);
	size_t begin = l.n;
	if (format == LOG_FORMAT_JSON) {
		put_json(&l, r);
	} else {
		if (!journal) {
			put_time(&l, r->time_us);
			put_format(&l, " %s ", log_level_name(r->level));
		}
		put_format(&l, "%s %s ", r->thread, r->event);
		put(&l, r->text, r->len);
		for (size_t i = begin; i < l.n; i++)
			if ((unsigned char)out[i] < ' ')
				out[i] = ' '; /* what a peer sent must not start a line of its own */
	}
	out[l.n++] = '\n';
	return l.n;
}
