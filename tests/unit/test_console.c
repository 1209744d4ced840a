/* The console's and HTTP's sockets: who gets in, half commands, clean ends. The loop runs in the test's own thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "proxy/console/console.h"
#include "proxy/control_call.h"
#include "proxy/http.h"
#include "proxy/ready.h"
#include "tests/unit/console_fakes.h"

static uv_loop_t loop;
static struct options options;
static char error[512];
static char admin_path[64], http_path[64];

static int start(void **state)
{
	(void)state;
	fake_start();
	options = fake_options;
	snprintf(admin_path, sizeof admin_path, "/tmp/wye-test-admin-%d", (int)getpid());
	snprintf(http_path, sizeof http_path, "/tmp/wye-test-http-%d", (int)getpid());
	options.n_admin = 1;
	strcpy(options.admin[0].host, admin_path);
	strcpy(options.http.host, http_path);
	assert_int_equal(uv_loop_init(&loop), 0);
	if (console_start(&loop, &options, error, sizeof error) != 0)
		fail_msg("%s", error);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	http_stop();
	console_stop();
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_not_equal(access(admin_path, F_OK), 0);
	config_stop();
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Runs the loop until the peer has sent something, at most a second: bytes, 0 at the end, -1 for silence. */
static ssize_t receive(int fd, char *out, size_t size)
{
	for (int i = 0; i < 100; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		ssize_t n = read(fd, out, size);
		if (n >= 0)
			return n;
		usleep(10000);
	}
	return -1;
}

static void give(int fd, const void *bytes, size_t n)
{
	assert_int_equal(write(fd, bytes, n), n);
}

/* A login of protocol 4.1 as "a", native plugin, 20 bytes of answer. */
static const char login[] = "\x4B\0\0\1\x01\x82\x08\0\0\0\0\1\x2D\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			    "a\0\x14"
			    "01234567890123456789"
			    "mysql_native_password";

static void test_a_client_that_sends_halves_is_served_and_one_that_quits_is_closed(void **state)
{
	(void)state;
	char got[512];
	int fd = connect_to(admin_path);
	assert_true(receive(fd, got, sizeof got) > 60);
	size_t len = sizeof login;
	char packet[sizeof login];
	memcpy(packet, login, len);
	packet[0] = (char)(len - 4);
	for (size_t i = 0; i < len; i++) {
		give(fd, packet + i, 1);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_true(receive(fd, got, sizeof got) >= 11);
	assert_int_equal(got[4], 0);
	give(fd, "\5\0\0\0\x19\1\0\0\0", 9); /* COM_STMT_CLOSE: no answer */
	uv_run(&loop, UV_RUN_NOWAIT);
	give(fd, "\1\0\0\0\x0E", 5);
	assert_int_equal(receive(fd, got, sizeof got), 11);
	give(fd, "\1\0\0\0\1", 5);
	assert_int_equal(receive(fd, got, sizeof got), 0);
	close(fd);
}

static void test_clients_that_are_there_at_the_end_are_closed(void **state)
{
	(void)state;
	char got[512];
	for (int i = 0; i < 3; i++) {
		int fd = connect_to(admin_path);
		assert_true(receive(fd, got, sizeof got) > 60);
		if (i == 1)
			close(fd);
	}
}

static void test_the_hundred_and_first_client_is_told_so(void **state)
{
	(void)state;
	char got[512];
	int fds[101];
	for (int i = 0; i < 101; i++) {
		fds[i] = connect_to(admin_path);
		ssize_t n = receive(fds[i], got, sizeof got);
		assert_true(n > 10);
		assert_int_equal(got[4], i < 100 ? 10 : -1);
	}
	assert_int_equal(receive(fds[100], got, sizeof got), 0);
	for (int i = 0; i < 101; i++)
		close(fds[i]);
}

static void test_only_the_owner_may_open_the_socket(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(stat(admin_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_an_address_in_use_is_said_and_leaves_nothing_behind(void **state)
{
	(void)state;
	struct options second = options;
	strcpy(second.http.host, admin_path);
	assert_int_not_equal(http_start(&second, error, sizeof error), 0);
	assert_non_null(strstr(error, admin_path));
	assert_int_equal(access(admin_path, F_OK), 0);
}

static char answer_of_http[8192];

static void *ask_http(void *path)
{
	char request[128];
	int fd = connect_to(http_path);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", (const char *)path);
	give(fd, request, strlen(request));
	size_t n = 0;
	ssize_t got;
	while (n < sizeof answer_of_http - 1 && (got = read(fd, answer_of_http + n, sizeof answer_of_http - 1 - n)) > 0)
		n += (size_t)got;
	answer_of_http[n] = '\0';
	close(fd);
	return NULL;
}

/* From another thread, while this one is the control thread. */
static const char *ask_while_controlling(char *path)
{
	pthread_t thread;
	assert_int_equal(http_start(&options, error, sizeof error), 0);
	assert_int_equal(pthread_create(&thread, NULL, ask_http, path), 0);
	for (int i = 0; i < 300 && pthread_tryjoin_np(thread, NULL) != 0; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		usleep(10000);
	}
	assert_non_null(strstr(answer_of_http, "200 OK"));
	return answer_of_http;
}

static void test_http_asks_the_control_thread_for_sessions(void **state)
{
	(void)state;
	char path[] = "/api/v1/stats_sessions";
	assert_non_null(strstr(ask_while_controlling(path), "\"user\": \"shop \\\"quoted\\\"\""));
}

static void test_the_pools_of_all_workers_are_one_row_an_account(void **state)
{
	(void)state;
	char path[] = "/api/v1/stats_pools";
	const char *answer = ask_while_controlling(path);
	const char *app = strstr(answer, "\"user\": \"app\""), *shop = strstr(answer, "\"user\": \"shop\"");
	assert_true(app && shop && app < shop);
	assert_null(strstr(app + 1, "\"user\": \"app\""));
	assert_non_null(strstr(app, "\"idle\": 4"));
	assert_non_null(strstr(app, "\"waited_max_ms\": 300"));
	assert_non_null(strstr(app, "\"closed_age\": 10"));
}

static const char *http_get(const char *path)
{
	static char answer[65536];
	char request[128];
	int fd = connect_to(http_path);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path);
	give(fd, request, strlen(request));
	size_t n = 0;
	ssize_t got;
	while (n < sizeof answer - 1 && (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	close(fd);
	return answer;
}

static void test_readiness_follows_the_primary_and_the_draining(void **state)
{
	(void)state;
	assert_int_equal(http_start(&options, error, sizeof error), 0);
	assert_non_null(strstr(http_get("/readyz"), " 200 "));
	fake_publish(SERVER_STATE_DOWN);
	assert_non_null(strstr(http_get("/readyz"), "not ready: connection refused"));
	assert_non_null(strstr(http_get("/healthz"), " 200 "));
	fake_publish(SERVER_STATE_UP);
	ready_set_draining(true);
	assert_non_null(strstr(http_get("/readyz"), " 503 "));
	ready_set_draining(false);
	assert_non_null(strstr(http_get("/nowhere"), "/metrics"));
	assert_non_null(strstr(http_get("/api/v1/stats_server"), "did you mean stats_servers?"));
	assert_non_null(strstr(http_get("/api/v1/stats_servers"), "\"lag_ms\": null"));
	assert_non_null(strstr(http_get("/metrics"), "wye_build_info"));
}

static void count_call(void *arg)
{
	++*(int *)arg;
}

static void *call_twice(void *arg)
{
	*(bool *)arg = control_call(count_call, &(int){0}, 50); /* nobody runs the loop: not begun */
	return NULL;
}

static void test_a_call_that_nobody_answers_is_taken_back(void **state)
{
	(void)state;
	pthread_t thread;
	bool answered = true;
	int calls = 0;
	assert_int_equal(pthread_create(&thread, NULL, call_twice, &answered), 0);
	pthread_join(thread, NULL);
	assert_false(answered);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_true(control_call(count_call, &calls, 50)); /* on its own thread: at once */
	assert_int_equal(calls, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_client_that_sends_halves_is_served_and_one_that_quits_is_closed),
		TEST(test_clients_that_are_there_at_the_end_are_closed),
		TEST(test_the_hundred_and_first_client_is_told_so),
		TEST(test_only_the_owner_may_open_the_socket),
		TEST(test_an_address_in_use_is_said_and_leaves_nothing_behind),
		TEST(test_http_asks_the_control_thread_for_sessions),
		TEST(test_the_pools_of_all_workers_are_one_row_an_account),
		TEST(test_readiness_follows_the_primary_and_the_draining),
		TEST(test_a_call_that_nobody_answers_is_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
