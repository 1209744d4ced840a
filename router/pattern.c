#include "router/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STACK_FIRST (16u << 10) /* of a compiled pattern's own stack */
#define STACK_MAX   (256u << 10)
#define HEAP_MAX_KIB 1024u /* where patterns cannot be compiled to machine code */
#define NAME_MAX_BYTES 32u /* of a group, PCRE2's own limit */

struct pattern {
	pcre2_code *code;
};

struct pattern_room {
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	pcre2_match_data *data;
};

struct pattern_room *pattern_room_create(void)
{
	struct pattern_room *room = calloc(1, sizeof *room);
	if (!room)
		abort();
	room->context = pcre2_match_context_create(NULL);
	room->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MAX, NULL);
	room->data = pcre2_match_data_create(1, NULL); /* whether it matches: where does not matter */
	if (!room->context || !room->data)
		abort();
	pcre2_set_match_limit(room->context, PATTERN_STEPS_MAX);
	pcre2_set_depth_limit(room->context, PATTERN_STEPS_MAX);
	pcre2_set_heap_limit(room->context, HEAP_MAX_KIB);
	if (room->stack) /* without one the thread's own is used, of 32 KiB */
		pcre2_jit_stack_assign(room->context, NULL, room->stack);
	return room;
}

void pattern_room_destroy(struct pattern_room *room)
{
	if (!room)
		return;
	pcre2_match_data_free(room->data);
	pcre2_jit_stack_free(room->stack);
	pcre2_match_context_free(room->context);
	free(room);
}

struct pattern *pattern_compile(const char *text, char *error, size_t error_size)
{
	const uint32_t options = PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
	int code;
	size_t at = 0;
	if (strlen(text) > PATTERN_MAX) {
		snprintf(error, error_size, "it is longer than %u bytes", PATTERN_MAX);
		return NULL;
	}
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
	if (!compiled) {
		char why[160] = "";
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
		snprintf(error, error_size, "%s, at byte %zu", why, at + 1);
		return NULL;
	}
	/* Where the processor is not known to PCRE2 it is interpreted, within the same limits. */
	(void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
	struct pattern *p = malloc(sizeof *p);
	if (!p)
		abort();
	p->code = compiled;
	return p;
}

void pattern_destroy(struct pattern *p)
{
	if (!p)
		return;
	pcre2_code_free(p->code);
	free(p);
}

/* ---- replacements ---- */

static bool has_group(const struct pattern *p, const char *name, size_t len)
{
	char text[NAME_MAX_BYTES + 1];
	uint32_t groups = 0;
	if (!len || len > NAME_MAX_BYTES)
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	if (!isdigit((unsigned char)*text))
		return pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)text) > 0;
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	return !*end && n <= groups;
}

static bool refuse(char *error, size_t error_size, const char *why, size_t at)
{
	snprintf(error, error_size, "%s, at byte %zu", why, at + 1);
	return false;
}

bool pattern_check_replacement(const struct pattern *p, const char *with, char *error, size_t error_size)
{
	for (size_t i = 0; with[i]; i++) {
		if (with[i] != '$')
			continue;
		size_t at = i++;
		if (with[i] == '$')
			continue;
		bool braces = with[i] == '{';
		const char *name = with + i + braces;
		size_t len = isdigit((unsigned char)*name) ? strspn(name, "0123456789") : 0;
		if (!len)
			while (isalnum((unsigned char)name[len]) || name[len] == '_')
				len++;
		if (braces && name[len] != '}')
			return refuse(error, error_size, "a '${' has no '}'", at);
		if (!has_group(p, name, len))
			return refuse(error, error_size, "the pattern has no such group (a dollar sign is written $$)", at);
		i = (size_t)(name - with) + len - 1 + braces;
	}
	return true;
}

/* ---- matches ---- */

enum pattern_result pattern_match(const struct pattern *p, struct pattern_room *room, struct view text)
{
	size_t len = text.len < PATTERN_TEXT_MAX ? text.len : PATTERN_TEXT_MAX;
	int got = pcre2_match(p->code, text.len ? text.p : (PCRE2_SPTR) "", len, 0, 0, room->data, room->context);
	return got >= 0 ? PATTERN_YES : got == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_GAVE_UP;
}

enum pattern_result pattern_replace(const struct pattern *p, struct pattern_room *room, struct view text, const char *with,
                                    struct buf *out)
{
	size_t room_left = out->max - buf_len(out);
	if (text.len > PATTERN_TEXT_MAX)
		return PATTERN_GAVE_UP;
	PCRE2_SIZE len = room_left < 2 * PATTERN_TEXT_MAX ? room_left : 2 * PATTERN_TEXT_MAX;
	PCRE2_UCHAR *made = malloc(len + 1);
	if (!made)
		return PATTERN_GAVE_UP;
	int got = pcre2_substitute(p->code, text.len ? text.p : (PCRE2_SPTR) "", text.len, 0, PCRE2_SUBSTITUTE_GLOBAL, NULL,
	                           room->context, (PCRE2_SPTR)with, PCRE2_ZERO_TERMINATED, made, &len);
	enum pattern_result result = got > 0 ? PATTERN_YES : got == 0 ? PATTERN_NO : PATTERN_GAVE_UP;
	if (got > 0 && !buf_append(out, made, len))
		result = PATTERN_GAVE_UP;
	free(made);
	return result;
}
