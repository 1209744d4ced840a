/* `wye import proxysql|maxscale FILE`: another proxy's configuration as wye's, explained. */
#ifndef WYE_PROXY_IMPORT_COMMAND_H
#define WYE_PROXY_IMPORT_COMMAND_H

/* argv after the word `import`. Gives an exit status. */
int import_command(int argc, char **argv);

#endif
