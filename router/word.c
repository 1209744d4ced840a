#include "router/word.h"

#include <assert.h>
#include <string.h>

/* Reserved words that have no enum keyword. */
static const struct {
	uint8_t reserved;
	const char *names;
} others[] = {
    {RESERVED_BOTH,
     "ACCESSIBLE ADD AND ASC ASENSITIVE BEFORE BETWEEN BIGINT BLOB BOTH CASCADE CHAR COLUMN "
     "CONDITION CONSTRAINT CONTINUE CONVERT CROSS CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP "
     "CURRENT_USER CURSOR DAY_HOUR DAY_MICROSECOND DAY_MINUTE DAY_SECOND DEC DECIMAL DELAYED "
     "DETERMINISTIC DISTINCTROW DIV DOUBLE EACH ELSE ELSEIF ENCLOSED ESCAPED EXIT FLOAT FLOAT4 "
     "FLOAT8 FORCE FOREIGN FULLTEXT HAVING HIGH_PRIORITY HOUR_MICROSECOND HOUR_MINUTE "
     "HOUR_SECOND IGNORE INFILE INNER INOUT INSENSITIVE INT INT1 INT2 INT3 INT4 INT8 INTEGER "
     "INTERVAL ITERATE JOIN LEADING LEAVE LEFT LIMIT LINEAR LINES LOCALTIME LOCALTIMESTAMP "
     "LONG LONGBLOB LONGTEXT LOW_PRIORITY MATCH MAXVALUE MEDIUMBLOB MEDIUMINT MEDIUMTEXT "
     "MIDDLEINT MINUTE_MICROSECOND MINUTE_SECOND MOD MODIFIES NATURAL "
     "NUMERIC OPTIONALLY ORDER OUT OUTER OVER PRECISION PRIMARY RANGE READS READ_WRITE REAL "
     "REFERENCES REGEXP REQUIRE RESTRICT RIGHT RLIKE ROWS ROW_NUMBER SECOND_MICROSECOND "
     "SENSITIVE SEPARATOR SMALLINT SPECIFIC SQL SQLEXCEPTION SQLSTATE SQLWARNING "
     "SQL_BIG_RESULT SQL_SMALL_RESULT SSL STARTING STRAIGHT_JOIN TERMINATED THEN TINYBLOB "
     "TINYINT TINYTEXT TRAILING UNSIGNED USAGE USING UTC_DATE UTC_TIME UTC_TIMESTAMP VARBINARY "
     "VARCHAR VARCHARACTER VARYING WHEN WHERE XOR YEAR_MONTH ZEROFILL"},
    {RESERVED_MYSQL, "CUBE CUME_DIST DENSE_RANK EMPTY EXTERNAL FIRST_VALUE GENERATED GROUPING GROUPS "
                     "IO_AFTER_GTIDS IO_BEFORE_GTIDS JSON_TABLE LAG LAST_VALUE LATERAL LEAD NTH_VALUE NTILE "
                     "OPTIMIZER_COSTS OPTION PERCENT_RANK QUALIFY RANK STORED SYSTEM TABLESAMPLE VIRTUAL "
                     "WINDOW"},
    {RESERVED_MARIADB,
     "CURRENT_ROLE DELETE_DOMAIN_ID DO_DOMAIN_IDS IGNORE_DOMAIN_IDS MASTER_DEMOTE_TO_REPLICA "
     "MASTER_DEMOTE_TO_SLAVE MASTER_SSL_VERIFY_SERVER_CERT PAGE_CHECKSUM PARSE_VCOL_EXPR "
     "PORTION REF_SYSTEM_ID STATS_AUTO_RECALC STATS_PERSISTENT STATS_SAMPLE_PAGES"},
};

static const struct {
	const char *name;
	uint8_t reserved;
	uint16_t keyword;
} keywords[] = {
#define X(name, reserved) {#name, RESERVED_##reserved, KW_##name},
    KEYWORDS(X)
#undef X
};

/* The words that statement_scan() acts on. */
static const uint16_t acting[] = {
    KW_FROM,   KW_FOR,     KW_LOCK,     KW_INTO,      KW_UPDATE,  KW_DELETE,
    KW_INSERT, KW_REPLACE, KW_WITH,     KW_EXECUTE,   KW_XA,      KW_SQL_CALC_FOUND_ROWS,
    KW_TABLE,  KW_NEXT,    KW_PREVIOUS, KW_EXAMINED,  KW_TEMPORARY, KW_PREPARE,
    KW_SET,
};

#define WORDS_MAX 1400u
struct word word_table[WORDS_MAX];
struct word_slot word_slots[WORD_SLOTS];
static unsigned n_words;

bool word_tail_equal(const struct word *w, const uint8_t *p)
{
	for (unsigned i = 16; i < w->len; i++)
		if ((p[i] | 0x20) != ((uint8_t)w->name[i] | 0x20))
			return false;
	return true;
}

static void first_bytes(const uint8_t *p, size_t len, uint64_t *lo, uint64_t *hi)
{
	uint8_t bytes[16] = {0};
	memcpy(bytes, p, len < 16 ? len : 16);
	memcpy(lo, bytes, 8);
	memcpy(hi, bytes + 8, 8);
}

const struct word *word_of(const uint8_t *p, size_t len)
{
	uint64_t lo, hi;
	if (!len || len > WORD_MAX)
		return NULL;
	first_bytes(p, len, &lo, &hi);
	return word_find(lo, hi, p, len);
}

static struct word *word_add(const char *name, size_t len)
{
	struct word *w = (struct word *)word_of((const uint8_t *)name, len);
	if (w)
		return w;
	assert(n_words < WORDS_MAX && len <= WORD_MAX);
	w = &word_table[n_words++];
	w->name = name;
	w->len = (uint8_t)len;
	w->since[FLAVOR_MYSQL] = w->since[FLAVOR_MARIADB] = FUNCTION_NEVER;
	first_bytes((const uint8_t *)name, len, &w->lo, &w->hi);
	w->lo |= WORD_FOLD;
	w->hi |= WORD_FOLD;
	uint64_t hash = word_hash(w->lo, w->hi, len);
	unsigned slot = (unsigned)(hash >> 52);
	while (word_slots[slot].place)
		slot = (slot + 1) % WORD_SLOTS;
	word_slots[slot] = (struct word_slot){(uint16_t)n_words, (uint16_t)(hash >> 36)};
	return w;
}

/* Takes the next of several names from a list with blanks. */
static size_t next_name(const char **list)
{
	*list += strspn(*list, " ");
	return strcspn(*list, " ");
}

static void add_function(const char *name, size_t len, const struct function_group *g)
{
	struct word *w = word_add(name, len);
	const uint32_t since[2] = {[FLAVOR_MYSQL] = g->mysql_since, [FLAVOR_MARIADB] = g->mariadb_since};
	w->in_grammar |= g->form != FORM_NATIVE;
	for (int flavor = 0; flavor < 2; flavor++)
		if (since[flavor] != FUNCTION_NEVER) {
			w->since[flavor] = since[flavor];
			w->form[flavor] = (uint8_t)g->form;
			w->class[flavor] = (uint8_t)g->class;
		}
}

/* Before main(), so that no thread can meet a half-built index. */
__attribute__((constructor)) static void words_build(void)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		struct word *w = word_add(keywords[i].name, strlen(keywords[i].name));
		w->keyword = keywords[i].keyword;
		w->in_grammar = true;
		w->reserved = keywords[i].reserved;
		w->opens_list = w->keyword == KW_IN || w->keyword == KW_VALUES || w->keyword == KW_VALUE ||
		                w->keyword == KW_ROW;
	}
	for (unsigned i = 0; i < n_words; i++)
		for (size_t k = 0; k < sizeof acting / sizeof *acting; k++)
			word_table[i].acts |= word_table[i].keyword == acting[k];
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		for (const char *p = others[i].names; *p;) {
			size_t len = next_name(&p);
			struct word *w = word_add(p, len);
			w->reserved |= others[i].reserved;
			w->in_grammar = true;
			p += len;
		}
	for (unsigned i = 0; i < n_function_groups; i++)
		for (const char *p = function_groups[i].names; *p;) {
			size_t len = next_name(&p);
			add_function(p, len, &function_groups[i]);
			p += len;
		}
}
