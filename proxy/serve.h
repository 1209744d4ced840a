/* `wye serve`: the process from its options to its end. */
#ifndef WYE_PROXY_SERVE_H
#define WYE_PROXY_SERVE_H

/* argv after the word `serve` (or after the program's name). The exit status: 0, 1 cannot run, 2 usage. */
int serve(int argc, char **argv);

#endif
