/* Messages between two processes: of any length, in order, with a file; and what is none. */
#include "proxy/upgrade/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
	uv_loop_t loop;
	struct channel a, b;
	int ends[2];
	unsigned messages, ended;
	size_t expected_len;
};

static void got(struct channel *c, const struct channel_message *m)
{
	struct pair *p = c->poll.loop->data;
	assert_int_equal(m->kind, CHANNEL_SESSION);
	assert_int_equal(m->data.len, p->expected_len);
	for (size_t i = 0; i < m->data.len; i += 997)
		assert_int_equal(m->data.p[i], (uint8_t)(i * 7));
	assert_true(m->file >= 0);
	assert_int_equal(write(m->file, "x", 1), 1);
	close(m->file);
	p->messages++;
}

static void ended(struct channel *c)
{
	((struct pair *)c->poll.loop->data)->ended++;
}

static int set_up(void **state)
{
	struct pair *p = calloc(1, sizeof *p);
	uv_loop_init(&p->loop);
	p->loop.data = p;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p->ends), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;
	channel_close(&p->a);
	channel_close(&p->b);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	free(p);
	return 0;
}

static void open_both(struct pair *p)
{
	assert_int_equal(channel_open(&p->a, &p->loop, p->ends[0]), 0);
	assert_int_equal(channel_open(&p->b, &p->loop, p->ends[1]), 0);
	p->b.on_message = got;
	p->b.on_end = ended;
}

static void test_messages_arrive_whole_and_in_order_with_their_files(void **state)
{
	static const size_t lens[] = {0, 1, 32765, 32766, 32767, 100000, 5000000};
	struct pair *p = *state;
	open_both(p);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		int ends[2];
		char byte = 0;
		uint8_t *data = malloc(lens[i] + 1);
		for (size_t k = 0; k < lens[i]; k++)
			data[k] = (uint8_t)(k * 7);
		assert_int_equal(pipe(ends), 0);
		p->expected_len = lens[i];
		channel_send(&p->a, CHANNEL_SESSION, (struct view){data, lens[i]}, ends[1]);
		free(data);
		while (p->messages == i)
			uv_run(&p->loop, UV_RUN_ONCE);
		assert_true(channel_has_sent(&p->a));
		assert_int_equal(read(ends[0], &byte, 1), 1);
		assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody else has it open */
		close(ends[0]);
	}
	channel_close(&p->a);
	while (!p->ended)
		uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(p->ended, 1);
}

static void test_a_message_is_waited_for_without_a_loop(void **state)
{
	struct pair *p = *state;
	struct channel_message m;
	struct buf in;
	buf_init(&in, 100);
	assert_int_equal(channel_open(&p->a, &p->loop, p->ends[0]), 0);
	assert_false(channel_wait(p->ends[1], 1, &in, &m));
	channel_send(&p->a, CHANNEL_BEGIN, view_of("abc"), -1);
	assert_true(channel_wait(p->ends[1], 1000, &in, &m));
	assert_int_equal(m.kind, CHANNEL_BEGIN);
	assert_int_equal(m.file, -1);
	assert_true(view_equal(m.data, view_of("abc")));
	/* More than the receiver takes. */
	uint8_t data[101] = {0};
	channel_send(&p->a, CHANNEL_BEGIN, (struct view){data, sizeof data}, -1);
	assert_false(channel_wait(p->ends[1], 1000, &in, &m));
	channel_close(&p->a);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_false(channel_wait(p->ends[1], 1000, &in, &m));
	buf_finish(&in);
	close(p->ends[1]);
}

static void test_what_is_no_part_of_a_message_ends_the_channel(void **state)
{
	struct pair *p = *state;
	assert_int_equal(channel_open(&p->b, &p->loop, p->ends[1]), 0);
	p->b.on_message = got;
	p->b.on_end = ended;
	assert_int_equal(send(p->ends[0], "x", 1, 0), 1);
	while (!p->ended)
		uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(p->messages, 0);
	close(p->ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages_arrive_whole_and_in_order_with_their_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_message_is_waited_for_without_a_loop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_part_of_a_message_ends_the_channel, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
