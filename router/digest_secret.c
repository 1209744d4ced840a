#include "router/digest_secret.h"

#include <string.h>
#include <strings.h>

static bool is_word(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->len == strlen(word) && strncasecmp((const char *)t->p, word, t->len) == 0;
}

static bool is_one_of(const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (is_word(t, *words))
			return true;
	return false;
}

/* PASSWORD, MASTER_PASSWORD, SOURCE_PASSWORD, OLD_PASSWORD and their like, and a column of that name. */
static bool names_a_password(const struct token *t)
{
	static const char word[] = "password";
	const size_t n = sizeof word - 1;
	return t->kind == TOKEN_WORD && t->len >= n && strncasecmp((const char *)t->p + t->len - n, word, n) == 0;
}

/* Behind a word that tells of a password: what may be one. A bare word only where nothing else can stand. */
static bool may_be_one(const struct digest_secret *s, const struct token *t)
{
	if (t->kind == TOKEN_QUOTED || t->kind == TOKEN_BAD)
		return s->at != SECRET_NOWHERE;
	return t->kind == TOKEN_WORD && s->at == SECRET_NEXT && s->of_account && !names_a_password(t) && !is_word(t, "RANDOM");
}

static void note_word(struct digest_secret *s, const struct token *t)
{
	static const char *const firsts[] = {"CREATE", "ALTER", "SET", "GRANT", "CHANGE", "START", NULL};
	static const char *const behind_identified[] = {"BY", "AS", "USING", "REPLACE", NULL};
	s->at = SECRET_NOWHERE;
	if (!s->begun) {
		s->of_account = is_one_of(t, firsts);
		s->sets = is_word(t, "SET");
	} else if (names_a_password(t)) {
		s->at = SECRET_NAMED;
		s->set_password |= s->sets;
	} else if (is_word(t, "IDENTIFIED")) {
		s->identified = true;
	} else if (s->identified && is_one_of(t, behind_identified)) {
		s->at = SECRET_NEXT;
	}
}

bool digest_secret_is(struct digest_secret *s, const struct token *t)
{
	bool secret = may_be_one(s, t);
	if (secret)
		s->at = SECRET_NOWHERE;
	else if (t->kind == TOKEN_WORD)
		note_word(s, t);
	else if ((t->kind == '=' || t->kind == '(') && (s->at == SECRET_NAMED || (s->set_password && t->kind == '=')))
		s->at = SECRET_NEXT;
	else
		s->at = SECRET_NOWHERE;
	s->begun = true;
	return secret;
}
