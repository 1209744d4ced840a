/* wye: the first word of the command line chooses what is done; without one, or with an option, it serves. */
#include <stdio.h>
#include <string.h>

#include "proxy/help.h"
#include "proxy/import/import_command.h"
#include "proxy/options.h"
#include "proxy/route_command.h"
#include "proxy/serve.h"
#include "proxy/upgrade/arguments.h"

static int version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("wye %s\n", WYE_VERSION);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} words[] = {
	{"serve", serve}, {"route", route_command}, {"import", import_command}, {"version", version}, {"help", options_help},
	{"--version", version}, {"--help", options_help}, {"-h", options_help},
};

int main(int argc, char **argv)
{
	arguments_keep(argc, argv);
	for (size_t i = 0; argc > 1 && i < sizeof words / sizeof *words; i++)
		if (strcmp(argv[1], words[i].word) == 0)
			return words[i].run(argc - 2, argv + 2);
	return serve(argc - 1, argv + 1);
}
