/* Whose process is at the other end of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Both ways of asking, each for itself. */
#include "proxy/peer_user.c"

#define NOBODY 65534u

static int listen_at(int family, const char *address, struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	int fd = socket(family, SOCK_STREAM, 0);
	assert_int_equal(inet_pton(family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr), 1);
	*len = family == AF_INET ? sizeof v4 : sizeof v6;
	memcpy(at, family == AF_INET ? (void *)&v4 : (void *)&v6, *len);
	assert_int_equal(bind(fd, (struct sockaddr *)at, *len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, len), 0);
	return fd;
}

static struct pair pair_of(int fd)
{
	struct pair p;
	socklen_t near = sizeof p.near, far = sizeof p.far;
	assert_int_equal(getpeername(fd, (struct sockaddr *)&p.near, &near), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&p.far, &far), 0);
	return p;
}

static void found_and_lost(int listener, int client)
{
	uid_t user = NOBODY, listed_user = NOBODY;
	assert_true(client >= 0);
	int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct pair p = pair_of(server);
	assert_true(peer_user(server, &user));
	assert_int_equal(user, geteuid());
	assert_true(peer_is_owner(server));
	if (p.near.ss_family == AF_INET && !by_list(&p, &listed_user)) {
		as_mapped(&p.near);
		as_mapped(&p.far);
	}
	assert_true(by_list(&p, &listed_user));
	assert_int_equal(listed_user, geteuid());
	/* Whose process has let go of it could be anybody's. */
	close(client);
	assert_false(peer_is_owner(server));
	close(server);
}

static int connect_from(int family, const void *at, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM, 0);
	return connect(fd, at, len) == 0 ? fd : -1;
}

static void test_of_a_connection_over_loopback(void **state)
{
	(void)state;
	struct sockaddr_storage at;
	socklen_t len;
	int listener = listen_at(AF_INET, "127.0.0.1", &at, &len);
	found_and_lost(listener, connect_from(AF_INET, &at, len));
	as_mapped(&at);
	found_and_lost(listener, connect_from(AF_INET6, &at, sizeof(struct sockaddr_in6)));
	close(listener);
	listener = listen_at(AF_INET6, "::1", &at, &len);
	found_and_lost(listener, connect_from(AF_INET6, &at, len));
	close(listener);
}

static void test_of_a_unix_socket(void **state)
{
	(void)state;
	int ends[2];
	uid_t user = NOBODY;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_true(peer_user(ends[0], &user) && peer_is_owner(ends[0]));
	assert_int_equal(user, geteuid());
	close(ends[0]);
	close(ends[1]);
}

/* Connects, and holds it until it is told to go. */
static void be_somebody_else(const struct sockaddr_storage *at, socklen_t len, int leash)
{
	char end;
	if (setuid(NOBODY) != 0)
		_exit(1);
	int fd = connect_from(AF_INET, at, len);
	ssize_t n = read(leash, &end, 1);
	_exit(fd < 0 || n != 0);
}

static void test_another_user_is_told_apart(void **state)
{
	(void)state;
	struct sockaddr_storage at;
	socklen_t len;
	int leash[2], status;
	uid_t user = 0;
	if (geteuid() != 0) /* only root can be somebody else */
		return;
	int listener = listen_at(AF_INET, "127.0.0.1", &at, &len);
	assert_int_equal(pipe(leash), 0);
	pid_t child = fork();
	if (child == 0) {
		close(leash[1]);
		be_somebody_else(&at, len, leash[0]);
	}
	int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct pair p = pair_of(server);
	assert_true(peer_user(server, &user));
	assert_int_equal(user, NOBODY);
	user = 0;
	assert_true(by_list(&p, &user));
	assert_int_equal(user, NOBODY);
	assert_false(peer_is_owner(server));
	close(leash[1]);
	close(leash[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(server);
	close(listener);
}

static void test_only_loopback_is_this_machine(void **state)
{
	(void)state;
	static const struct {
		int family;
		const char *text;
		bool is;
	} cases[] = {{AF_INET, "127.0.0.1", true},  {AF_INET, "127.8.0.9", true},	  {AF_INET, "128.0.0.1", false},
		     {AF_INET, "10.0.0.1", false},  {AF_INET6, "::1", true},		  {AF_INET6, "::2", false},
		     {AF_INET6, "fe80::1", false},  {AF_INET6, "::ffff:127.0.0.1", true}, {AF_INET6, "::ffff:10.0.0.1", false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sockaddr_storage a = {.ss_family = (sa_family_t)cases[i].family};
		void *where = cases[i].family == AF_INET ? (void *)&((struct sockaddr_in *)&a)->sin_addr
							 : (void *)&((struct sockaddr_in6 *)&a)->sin6_addr;
		assert_int_equal(inet_pton(cases[i].family, cases[i].text, where), 1);
		assert_int_equal(peer_is_loopback(&a), cases[i].is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_a_connection_over_loopback),
	    cmocka_unit_test(test_of_a_unix_socket),
	    cmocka_unit_test(test_another_user_is_told_apart),
	    cmocka_unit_test(test_only_loopback_is_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
