#include "proxy/manual/manual.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/help.h"

static const struct {
	const char *name;
	void (*write)(FILE *out);
} pages[] = {
	{"wye.1", manual_write_command_page},
	{"wye-settings.7", manual_write_settings_page},
	{"wye.bash", manual_write_bash},
	{"console.md", manual_write_console_reference},
	{"settings.md", manual_write_settings_reference},
	{"metrics.md", manual_write_metrics_reference},
};

char *manual_topic(const char *topic)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	if (!memory)
		abort();
	help_print(memory, topic);
	fclose(memory);
	return text;
}

bool manual_print(FILE *out, const char *page)
{
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		if (strcmp(pages[i].name, page) == 0) {
			pages[i].write(out);
			return true;
		}
	return false;
}
