/* Certificates made and checked in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/certificate.h"

#define NOW 1790000000 /* some day in 2026 */

static void test_a_made_pair_belongs_together_and_lasts_ten_years(void **state)
{
	(void)state;
	struct certificate c;
	time_t expires;
	char error[128] = "";
	assert_true(certificate_make(&c, "wye", NOW));
	assert_int_equal(strlen(c.certificate_pem), c.certificate_len);
	assert_int_equal(strlen(c.key_pem), c.key_len);
	assert_true(certificate_check(view_of(c.certificate_pem), view_of(c.key_pem), &expires, error, sizeof error));
	assert_true(expires == (time_t)NOW + 3650 * 86400L);
	certificate_finish(&c);
	assert_null(c.key_pem);
}

static void test_two_certificates_differ(void **state)
{
	(void)state;
	struct certificate a, b;
	uint8_t ha[32], hb[32];
	time_t expires;
	char error[128] = "";
	assert_true(certificate_make(&a, "wye", NOW) && certificate_make(&b, "wye", NOW));
	assert_true(certificate_sha256(view_of(a.certificate_pem), ha));
	assert_true(certificate_sha256(view_of(b.certificate_pem), hb));
	assert_memory_not_equal(ha, hb, 32);
	assert_false(certificate_check(view_of(a.certificate_pem), view_of(b.key_pem), &expires, error, sizeof error));
	assert_string_equal(error, "the private key does not belong to the certificate");
	certificate_finish(&a);
	certificate_finish(&b);
}

static void test_what_is_no_pem_is_named(void **state)
{
	(void)state;
	struct certificate c;
	time_t expires;
	char error[128];
	uint8_t hash[32];
	assert_true(certificate_make(&c, "wye", NOW));
	assert_false(certificate_check(view_of("nonsense"), view_of(c.key_pem), &expires, error, sizeof error));
	assert_non_null(strstr(error, "certificate file"));
	assert_false(certificate_check(view_of(c.certificate_pem), view_of(""), &expires, error, sizeof error));
	assert_non_null(strstr(error, "key file"));
	assert_false(certificate_sha256(view_of(c.key_pem), hash));
	certificate_finish(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_made_pair_belongs_together_and_lasts_ten_years),
		cmocka_unit_test(test_two_certificates_differ),
		cmocka_unit_test(test_what_is_no_pem_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
