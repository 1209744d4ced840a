/*
 * The text in which a value of SET is kept: it means the same whatever SQL mode and character set it is read
 * under.
 *
 * Every function appends to *out and answers true, or answers false: the value cannot be kept, or *out is
 * full. What was appended in the second case is of no use.
 */
#ifndef WYE_ROUTER_STATE_VALUE_H
#define WYE_ROUTER_STATE_VALUE_H

#include "protocol/wire.h"

enum value_form { FORM_BAD, FORM_WORD, FORM_NUMBER, FORM_STRING };

/* What a plain literal is. Hexadecimal and bit literals count as numbers; a string is single-quoted printable
 * ASCII without a backslash. Nothing that is not one literal or word passes. */
enum value_form value_form_of(struct view sql);

/* A name of letters, digits and underscores: of a character set, collation or system variable. */
bool value_is_name(struct view text);
bool value_is_word(struct view text, const char *word); /* in any case */

/* 'text', from text. Not kept: anything that is not ASCII. */
bool value_write_string(struct buf *out, struct view text);
/* _charset'text' [COLLATE 'collation'], where the bytes of text are in that character set. */
bool value_write_charset_string(struct buf *out, struct view charset, struct view collation,
                                struct view text);
/* 'name', in lower case. */
bool value_write_name(struct buf *out, struct view name);
/* The decoded text of a string literal. */
bool value_read_string(struct buf *out, struct view sql);

/* Flags set one by one, 'mrr=on,index_merge=off': before is what was kept so far (empty: nothing), text what
 * is set now. Appends 'default,index_merge=off,mrr=on', or nothing when all are back at their defaults. */
bool value_merge_flags(struct buf *out, struct view before, struct view text);

#endif
