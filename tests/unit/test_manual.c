/* The pages that are made from the program's own tables name all that these hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/help.h"
#include "proxy/manual/manual.h"
#include "proxy/options_table.h"
#include "proxy/settings.h"

static char *page(const char *name)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_true(manual_print(out, name));
	fclose(out);
	return text;
}

/* With the dashes as the macros of man(7) write them. */
static void assert_tells(const char *text, const char *format, const char *name)
{
	char plain[128], escaped[256];
	size_t n = 0;
	snprintf(plain, sizeof plain, format, name);
	for (const char *p = plain; *p; p++) {
		if (*p == '-')
			escaped[n++] = '\\';
		escaped[n++] = *p;
	}
	escaped[n] = '\0';
	if (!strstr(text, escaped))
		fail_msg("no '%s'", escaped);
}

static void test_the_man_page_tells_every_option_and_variable(void **state)
{
	const struct option_row *row;
	char *text = page("wye.1");
	(void)state;
	for (size_t i = 0; (row = options_row(i)); i++) {
		assert_tells(text, "\\fB--%s\\fR", row->name);
		assert_tells(text, "%s", row->variable);
	}
	assert_tells(text, "%s", "--sql-mode");
	assert_tells(text, "%s", "SIGUSR2");
	free(text);
}

static void test_the_man_page_tells_every_setting(void **state)
{
	const struct setting_info *info;
	char *text = page("wye-settings.7");
	(void)state;
	for (size_t i = 0; (info = settings_info(i)); i++)
		assert_tells(text, ".B %s\n", info->name);
	free(text);
}

/* What begins a line with a dot or a quote would be a macro. */
static void test_no_text_is_taken_for_a_macro(void **state)
{
	static const char *const pages[] = {"wye.1", "wye-settings.7"};
	static const char *const macros[] = {"\\\"", "TH ", "SH ", "TP\n", "B ", "BR ", "I ", "nf\n", "fi\n", "br\n"};
	(void)state;
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		char *text = page(pages[i]);
		for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
			bool known = *line != '.';
			assert_true(*line != '\'');
			for (size_t k = 0; k < sizeof macros / sizeof *macros; k++)
				known = known || strncmp(line + 1, macros[k], strlen(macros[k])) == 0;
			if (!known)
				fail_msg("%s: %.40s", pages[i], line);
		}
		free(text);
	}
}

static void test_the_completion_offers_every_command_option_and_setting(void **state)
{
	const struct help_command *command;
	const struct option_row *row;
	const struct setting_info *info;
	char *text = page("wye.bash"), word[128];
	(void)state;
	for (size_t i = 0; (command = help_command(i)); i++)
		assert_non_null(strstr(text, command->word));
	for (size_t i = 0; (row = options_row(i)); i++) {
		snprintf(word, sizeof word, " --%s", row->name);
		assert_non_null(strstr(text, word));
	}
	for (size_t i = 0; (info = settings_info(i)); i++) {
		snprintf(word, sizeof word, "%s=", info->name);
		assert_non_null(strstr(text, word));
	}
	assert_non_null(strstr(text, "words='none trx ro_trx autocommit0 temp_table'"));
	assert_null(strstr(text, "import:--config"));
	free(text);
}

/* CHANGELOG.md has a section for the version that is built. */
static void test_the_version_has_its_section_among_the_changes(void **state)
{
	char line[256], heading[64];
	bool found = false;
	(void)state;
	snprintf(heading, sizeof heading, "## %s\n", WYE_VERSION);
	FILE *changes = fopen(WYE_SOURCE "/CHANGELOG.md", "re");
	assert_non_null(changes);
	while (fgets(line, sizeof line, changes))
		found = found || strcmp(line, heading) == 0;
	fclose(changes);
	assert_true(found);
}

static void test_other_pages_are_not_there(void **state)
{
	(void)state;
	assert_false(manual_print(stdout, "wye.2"));
	assert_false(manual_print(stdout, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_man_page_tells_every_option_and_variable),
		cmocka_unit_test(test_the_man_page_tells_every_setting),
		cmocka_unit_test(test_no_text_is_taken_for_a_macro),
		cmocka_unit_test(test_the_completion_offers_every_command_option_and_setting),
		cmocka_unit_test(test_the_version_has_its_section_among_the_changes),
		cmocka_unit_test(test_other_pages_are_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
