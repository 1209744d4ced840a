/* Who is primary: every way a cluster may look, told as a few servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proxy/topology_roles.h"

#define NONE ROLE_NO_SERVER

static struct role_view writable(const char *name)
{
	return (struct role_view){.name = name, .known = true, .up = true, .writable = true, .source = NONE};
}

static struct role_view replica_of(const char *name, int source)
{
	return (struct role_view){
	    .name = name, .known = true, .up = true, .source = source, .linked = true, .was_replica = true};
}

static struct role_view dead(struct role_view v)
{
	v.up = false;
	return v;
}

static struct role_decision d; /* the last one, for the tests to look into */

static int decide(const struct role_view *views, unsigned n, int present)
{
	roles_decide(views, n, present, &d);
	return d.usable ? d.primary : NONE;
}

static void test_the_writable_server_is_primary_and_the_others_its_replicas(void **state)
{
	(void)state;
	struct role_view v[] = {replica_of("a", 1), writable("b"), replica_of("c", 1)};
	assert_int_equal(decide(v, 3, NONE), 1);
	assert_int_equal(d.roles[0], SERVER_REPLICA);
	assert_int_equal(d.roles[1], SERVER_PRIMARY);
	assert_int_equal(d.roles[2], SERVER_REPLICA);
	assert_true(d.attached[0] && d.attached[2]);
	assert_int_equal(d.rival, NONE);
}

static void test_a_server_alone_is_primary(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a")};
	assert_int_equal(decide(v, 1, NONE), 0);
	v[0].writable = false;
	assert_int_equal(decide(v, 1, NONE), NONE);
	assert_int_equal(d.primary, 0); /* for its name, and for what it says itself */
	assert_true(d.read_only);
	assert_string_equal(d.reason, "a is read-only");
}

static void test_a_replica_of_a_replica_belongs_to_the_cluster(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), replica_of("b", 0), replica_of("c", 1)};
	assert_int_equal(decide(v, 3, NONE), 0);
	assert_true(d.attached[2]);
	assert_int_equal(d.roles[2], SERVER_REPLICA);
}

static void test_a_writable_replica_is_never_primary(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), replica_of("b", 0)};
	v[1].writable = true;
	assert_int_equal(decide(v, 2, NONE), 0);
	assert_int_equal(d.roles[1], SERVER_REPLICA);
	assert_int_equal(d.rival, NONE);
	v[0] = dead(v[0]); /* not even when the primary dies: it still tries to reach it */
	assert_int_equal(decide(v, 2, 0), NONE);
	assert_int_equal(d.primary, 0);
	assert_int_equal(d.roles[1], SERVER_REPLICA);
	v[0].up = true; /* nor when its link is stopped for a while */
	v[1].linked = false;
	assert_int_equal(decide(v, 2, 0), 0);
	assert_int_equal(d.roles[1], SERVER_REPLICA);
	assert_int_equal(d.rival, NONE);
}

static void test_a_dead_primary_keeps_its_role_and_its_replicas(void **state)
{
	(void)state;
	struct role_view v[] = {dead(writable("a")), replica_of("b", 0), replica_of("c", 0)};
	assert_int_equal(decide(v, 3, 0), NONE);
	assert_int_equal(d.primary, 0);
	assert_string_equal(d.reason, "a is down");
	assert_true(d.attached[1] && d.attached[2]);
	/* Also when it has been dead since before the first look. */
	v[0] = (struct role_view){.name = "a", .source = NONE};
	assert_int_equal(decide(v, 3, NONE), NONE);
	assert_int_equal(d.primary, 0);
	assert_int_equal(d.roles[0], SERVER_PRIMARY);
}

static void test_a_promoted_replica_is_followed_when_the_primary_is_gone(void **state)
{
	(void)state;
	struct role_view v[] = {dead(writable("a")), replica_of("b", 0), replica_of("c", 0)};
	v[1].writable = true;
	v[1].linked = false; /* STOP REPLICA, without RESET */
	assert_int_equal(decide(v, 3, 0), 1);
	v[1].source = NONE; /* RESET REPLICA ALL */
	assert_int_equal(decide(v, 3, 0), 1);
	assert_false(d.attached[2]); /* until it is pointed at the new one */
	assert_int_equal(d.roles[2], SERVER_REPLICA);
	v[2].source = 1;
	assert_int_equal(decide(v, 3, 1), 1);
	assert_true(d.attached[2]);
}

static void test_a_switchover_is_followed_step_by_step(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), replica_of("b", 0), replica_of("c", 0)};
	v[0].writable = false;
	assert_int_equal(decide(v, 3, 0), NONE);
	assert_int_equal(d.primary, 0);
	assert_true(d.read_only);
	assert_string_equal(d.reason, "a is read-only");
	v[1].source = NONE;
	v[1].linked = false;
	assert_int_equal(decide(v, 3, 0), NONE);
	assert_int_equal(d.primary, 0);
	assert_true(d.read_only);
	v[1].writable = true;
	assert_int_equal(decide(v, 3, 0), 1);
	assert_false(d.read_only);
	v[0] = replica_of("a", 1);
	assert_int_equal(decide(v, 3, 1), 1);
	assert_int_equal(d.roles[0], SERVER_REPLICA);
	assert_int_equal(d.rival, NONE);
}

static void test_a_second_writable_server_is_an_alarm_and_nothing_else(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), writable("old"), replica_of("c", 0)};
	assert_int_equal(decide(v, 3, 0), 0);
	assert_int_equal(d.rival, 1);
	assert_int_equal(d.roles[1], SERVER_UNKNOWN);
	assert_false(d.attached[1]);
	/* Without a primary yet, the one with followers. */
	assert_int_equal(decide(v, 3, NONE), 0);
	assert_int_equal(d.rival, 1);
}

static void test_an_old_primary_that_comes_back_gets_no_write_even_when_the_primary_dies(void **state)
{
	(void)state;
	struct role_view v[] = {dead(writable("a")), writable("old"), replica_of("c", 0)};
	assert_int_equal(decide(v, 3, 0), NONE);
	assert_int_equal(d.primary, 0);
	assert_int_equal(d.rival, 1);
}

static void test_between_two_that_could_be_it_none_is_chosen(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), writable("b")};
	assert_int_equal(decide(v, 2, NONE), NONE);
	assert_int_equal(d.primary, NONE);
	assert_string_equal(d.reason, "a and b may both be written");
	v[1].by_hand = SERVER_ROLE_PRIMARY;
	assert_int_equal(decide(v, 2, NONE), 1);
	v[1].by_hand = SERVER_ROLE_REPLICA;
	assert_int_equal(decide(v, 2, NONE), 0);
	assert_int_equal(d.roles[1], SERVER_REPLICA);
	assert_true(d.attached[1]);
	assert_int_equal(d.rival, NONE);
	/* Two replicas promoted at once. */
	struct role_view w[] = {dead(writable("a")), writable("b"), writable("c")};
	w[1].was_replica = w[2].was_replica = true;
	assert_int_equal(decide(w, 3, 0), NONE);
	assert_string_equal(d.reason, "b and c may both be written");
}

static void test_a_mirror_is_never_primary_replica_or_rival(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), replica_of("b", 0), writable("apart"), replica_of("copy", 0)};
	v[2].by_hand = v[3].by_hand = SERVER_ROLE_MIRROR;
	assert_int_equal(decide(v, 4, NONE), 0);
	assert_int_equal(d.rival, NONE);
	assert_int_equal(d.roles[2], SERVER_MIRROR);
	assert_int_equal(d.roles[3], SERVER_MIRROR);
	/* Nor when nobody else is left. */
	v[0] = dead(v[0]);
	v[1] = dead(v[1]);
	assert_int_equal(decide(v, 4, 0), NONE);
	assert_int_equal(d.roles[2], SERVER_MIRROR);
	struct role_view alone[] = {writable("apart")};
	alone[0].by_hand = SERVER_ROLE_MIRROR;
	assert_int_equal(decide(alone, 1, NONE), NONE);
}

static void test_of_a_ring_the_writable_one_is_primary(void **state)
{
	(void)state;
	struct role_view v[] = {replica_of("a", 1), replica_of("b", 0), replica_of("c", 0)};
	v[0].writable = true;
	assert_int_equal(decide(v, 3, NONE), 0);
	assert_int_equal(d.roles[1], SERVER_REPLICA);
	assert_true(d.attached[1]);
	assert_int_equal(d.rival, NONE);
	/* The other one is made writable when the first dies. */
	v[0] = dead(v[0]);
	assert_int_equal(decide(v, 3, 0), NONE);
	v[1].writable = true;
	assert_int_equal(decide(v, 3, 0), 1);
	/* Both may be written: the present one stays. */
	v[0].up = true;
	assert_int_equal(decide(v, 3, 1), 1);
	assert_int_equal(decide(v, 3, 0), 0);
}

static void test_a_role_by_hand_is_obeyed_even_when_the_server_is_read_only_or_down(void **state)
{
	(void)state;
	struct role_view v[] = {writable("a"), replica_of("b", 0)};
	v[1].by_hand = SERVER_ROLE_PRIMARY;
	assert_int_equal(decide(v, 2, 0), 1);
	v[1].up = false;
	assert_int_equal(decide(v, 2, 1), NONE);
	assert_int_equal(d.primary, 1);
	assert_false(d.read_only);
	assert_string_equal(d.reason, "b is down");
}

static void test_a_source_that_is_no_member_is_a_source_all_the_same(void **state)
{
	(void)state;
	struct role_view v[] = {replica_of("a", ROLE_OTHER_SERVER), replica_of("b", 0)};
	v[0].writable = true;
	assert_int_equal(decide(v, 2, NONE), NONE);
	v[0].linked = false; /* cut off: it leads its own cluster now */
	assert_int_equal(decide(v, 2, NONE), 0);
}

static void test_no_servers_and_servers_that_never_answered(void **state)
{
	(void)state;
	assert_int_equal(decide(NULL, 0, NONE), NONE);
	struct role_view v[] = {{.name = "a", .source = NONE}, {.name = "b", .source = NONE}};
	assert_int_equal(decide(v, 2, NONE), NONE);
	assert_int_equal(d.roles[0], SERVER_UNKNOWN);
	assert_string_equal(d.reason, "no server may be written");
}

/* Whatever the views are: indices stay within, one primary at most, and only a writable or chosen one is
 * usable. */
static void test_any_graph_gives_a_sound_decision(void **state)
{
	(void)state;
	unsigned seed = 1;
	for (unsigned round = 0; round < 20000; round++) {
		struct role_view v[6];
		unsigned n = (unsigned)rand_r(&seed) % 7;
		for (unsigned i = 0; i < n; i++)
			v[i] = (struct role_view){.name = "x",
			                          .known = rand_r(&seed) % 4,
			                          .up = rand_r(&seed) % 3,
			                          .writable = rand_r(&seed) % 2,
			                          .linked = rand_r(&seed) % 2,
			                          .was_replica = rand_r(&seed) % 2,
			                          .source = rand_r(&seed) % ((int)n + 2) - 2};
		int present = n ? rand_r(&seed) % ((int)n + 1) - 1 : NONE;
		int primary = decide(v, n, present);
		assert_in_range(primary + 1, 0, n);
		if (primary >= 0)
			assert_true(v[primary].up && v[primary].known && v[primary].writable);
		unsigned primaries = 0;
		for (unsigned i = 0; i < n; i++)
			primaries += d.roles[i] == SERVER_PRIMARY;
		assert_int_equal(primaries, d.primary >= 0);
		assert_int_equal(!d.usable, *d.reason != '\0');
		assert_false(d.read_only && (d.usable || !v[d.primary].up || v[d.primary].writable));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_writable_server_is_primary_and_the_others_its_replicas),
	    cmocka_unit_test(test_a_server_alone_is_primary),
	    cmocka_unit_test(test_a_replica_of_a_replica_belongs_to_the_cluster),
	    cmocka_unit_test(test_a_writable_replica_is_never_primary),
	    cmocka_unit_test(test_a_dead_primary_keeps_its_role_and_its_replicas),
	    cmocka_unit_test(test_a_promoted_replica_is_followed_when_the_primary_is_gone),
	    cmocka_unit_test(test_a_switchover_is_followed_step_by_step),
	    cmocka_unit_test(test_a_second_writable_server_is_an_alarm_and_nothing_else),
	    cmocka_unit_test(test_an_old_primary_that_comes_back_gets_no_write_even_when_the_primary_dies),
	    cmocka_unit_test(test_between_two_that_could_be_it_none_is_chosen),
	    cmocka_unit_test(test_of_a_ring_the_writable_one_is_primary),
	    cmocka_unit_test(test_a_mirror_is_never_primary_replica_or_rival),
	    cmocka_unit_test(test_a_role_by_hand_is_obeyed_even_when_the_server_is_read_only_or_down),
	    cmocka_unit_test(test_a_source_that_is_no_member_is_a_source_all_the_same),
	    cmocka_unit_test(test_no_servers_and_servers_that_never_answered),
	    cmocka_unit_test(test_any_graph_gives_a_sound_decision),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
