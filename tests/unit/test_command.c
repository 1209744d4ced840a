/* The table of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/command.h"
#include "protocol/constants.h"

static void test_every_byte_has_a_name(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		const struct command_info *info = command_info((uint8_t)c);
		assert_non_null(info);
		assert_memory_equal(info->name, "COM_", 4);
		assert_in_range(info->answer, ANSWER_NONE, ANSWER_FOREIGN);
	}
	assert_string_equal(command_info(CMD_QUERY)->name, "COM_QUERY");
	assert_string_equal(command_info(CMD_STMT_BULK_EXECUTE)->name, "COM_STMT_BULK_EXECUTE");
	assert_string_equal(command_info(CMD_SUBSCRIBE_GROUP_REPLICATION)->name,
	                    "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM");
	assert_string_equal(command_info(0x22)->name, "COM_UNKNOWN");
	assert_string_equal(command_info(0xFF)->name, "COM_UNKNOWN");
}

static void test_a_command_that_nobody_knows_is_answered_by_an_error(void **state)
{
	(void)state;
	assert_int_equal(command_info(0x99)->answer, ANSWER_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_byte_has_a_name),
	    cmocka_unit_test(test_a_command_that_nobody_knows_is_answered_by_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
