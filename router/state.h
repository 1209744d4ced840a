/*
 * What a session has set on its connection, as one canonical value: schema, character sets, session
 * variables, user variables. Sessions and backend connections both carry a pointer to one; the difference of
 * two is what must be sent.
 *
 * A state is immutable, counted and interned in the table of its worker: two states are equal when their
 * pointers are, and the thousands of sessions that set the same few things share one. Nothing here is shared
 * between threads.
 *
 * Values are kept in a form that means the same under every SQL mode and character set, since they are
 * replayed on connections that have others: printable ASCII, strings in single quotes without a backslash
 * (others in hexadecimal), string values of user variables with the character set they were made under. The
 * caller gives strings decoded (state_set_string) or as a plain literal (state_set). What cannot be kept that
 * way, or would not mean the same when replayed, is refused with NULL: the caller then pins the session to
 * its connection.
 *
 * No character set in a state stands for the server's own defaults; what a connection really has after login
 * or COM_RESET_CONNECTION differs between the flavors, so a session should have its client's character set in
 * its state from the beginning (state_names after state_initial), and a backend connection what its login
 * set.
 */
#ifndef WYE_ROUTER_STATE_H
#define WYE_ROUTER_STATE_H

#include "protocol/wire.h"

#define STATE_ENTRIES_MAX 128u
#define STATE_BYTES_MAX   65536u

struct state_table;
struct state;

struct state_table *state_table_create(void);
void state_table_destroy(struct state_table *t); /* all states must have been let go */

/* The empty state. Each function that returns a state gives a reference that ends with state_unref. */
struct state *state_initial(struct state_table *t);
struct state *state_ref(struct state *s);
void state_unref(struct state_table *t, struct state *s); /* s may be NULL */

/*
 * The state that differs from s in one point (it may be s itself). NULL: a bound would be passed, or it
 * cannot be carried. Names are lower case: "sql_mode", or "@name" for a user variable (unquoted).
 */

/* SET name = value, the value being one literal or word as SQL text: 'text' (no backslash), 12, -1.5, 0xFF,
 * x'FF', ON, utf8mb4, NULL, TRUE, DEFAULT. Flags that are set one by one (optimizer_switch) are merged into
 * those set before. */
struct state *state_set(struct state_table *t, const struct state *s, struct view name,
                        struct view value_sql);
/* SET name = 'text', the text decoded; introducer: that of _utf8mb4'text' without its underscore, or empty.
 */
struct state *state_set_string(struct state_table *t, const struct state *s, struct view name,
                               struct view text, struct view introducer);
/*
 * @name as a server shows it: the type of its column in SELECT @name, its text there (for a USER_STRING its
 * bytes; without p: NULL), CHARSET(@name) and COLLATION(@name). What it was set from does not matter then:
 * replayed, it has the same type, value and collation.
 */
enum user_value { USER_INTEGER, USER_UNSIGNED, USER_DECIMAL, USER_DOUBLE, USER_STRING };
struct state *state_set_user(struct state_table *t, const struct state *s, struct view name,
                             enum user_value kind, struct view text, struct view charset,
                             struct view collation);
/* Without this user variable: for one whose value is not known any more. */
struct state *state_forget(struct state_table *t, const struct state *s, struct view name);
/* The value as a server shows it, in a tracker or for SELECT @@name: a number is a number, not a string. */
struct state *state_set_shown(struct state_table *t, const struct state *s, struct view name,
                              struct view text);
/* SET name = DEFAULT. Not carried for foreign_key_checks and unique_checks, which MySQL sets to 0 then,
 * whatever their global value is. */
struct state *state_set_default(struct state_table *t, const struct state *s, struct view name);
/* SET NAMES charset [COLLATE collation]; both without quotes. An empty charset: SET NAMES DEFAULT. */
struct state *state_names(struct state_table *t, const struct state *s, struct view charset,
                          struct view collation);
/* SET CHARACTER SET charset. An empty charset: DEFAULT, which cannot be carried. */
struct state *state_character_set(struct state_table *t, const struct state *s, struct view charset);
/* USE schema, COM_INIT_DB, or the SCHEMA tracker; empty: none (the current one was dropped). Cannot be
 * carried after SET CHARACTER SET, which took the schema's character set for character_set_connection. */
struct state *state_schema(struct state_table *t, const struct state *s, struct view schema);
/* The same, done on a connection that may have SET CHARACTER SET behind it. With *ask its collation_connection, that of the
 * schema before, is not part of the state that comes back: it must be asked for. */
struct state *state_schema_moved(struct state_table *t, const struct state *s, struct view schema, bool *ask);
/* SET ROLE roles, as SQL text; DEFAULT: what the login gave. Cannot be carried when it would read otherwise
 * elsewhere. */
struct state *state_role(struct state_table *t, const struct state *s, struct view roles);
/* What COM_RESET_CONNECTION leaves: the schema and the role. */
struct state *state_after_reset(struct state_table *t, const struct state *s);

/* s with the user variables of `users` in place of its own. NULL only beyond the bounds. */
struct state *state_with_users_of(struct state_table *t, struct state *s, const struct state *users);

struct state *state_without_users(struct state_table *t, struct state *s); /* never NULL */

/* Views into the state, valid as long as a reference is held. */
struct view state_schema_of(const struct state *s);
struct view state_role_of(const struct state *s); /* empty: that of the login */
/* The value as it will be replayed; false when it is not set. SET NAMES and SET CHARACTER SET are found by
 * the names "names" and "character set" ('utf8mb4' COLLATE 'utf8mb4_bin'). */
bool state_get(const struct state *s, struct view name, struct view *value);
bool state_has_user(const struct state *s, struct view name); /* without its @, in any case */
unsigned state_entries(const struct state *s);
/* How many different states are alive in the table. */
unsigned state_table_count(const struct state_table *t);

/* The whole of it as one string, and the state with that content, which another process has told: NULL when it is none, or
 * beyond the bounds. */
struct view state_content(const struct state *s);
struct state *state_restore(struct state_table *t, struct view content);

enum state_diff {
	DIFF_NONE = 0,
	DIFF_SET = 1,    /* the SET statement appended must be sent, and answered with OK */
	DIFF_SCHEMA = 2, /* COM_INIT_DB with state_schema_of(want) must be sent before it */
	DIFF_RESET = 4,  /* alone: cannot be done by these */
	DIFF_ROLE = 16,  /* SET ROLE with state_role_of(want) must be sent first, or DEFAULT when that is empty */
	DIFF_USER = 8    /* with DIFF_SET: it sets user variables only, which no server refuses */
};

/* What must be sent so that a connection that holds `have` holds `want`. The statement is complete, in one
 * SET, and may be parsed under any SQL mode and client character set.
 *
 * DIFF_RESET: have holds a user variable that want does not (nothing unsets one), or want has no schema while
 * have has one (nothing unselects it), or the buf is full, which then is as it was. COM_RESET_CONNECTION
 * helps in the first case: ask again with state_after_reset(have); where that gives DIFF_RESET as well, take
 * COM_CHANGE_USER or another connection. */
unsigned state_diff(const struct state *have, const struct state *want, struct buf *sql);

/* True when have holds a user variable that want does not: only COM_RESET_CONNECTION helps. */
bool state_leaves_users(const struct state *have, const struct state *want);

#endif
