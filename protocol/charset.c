#include "protocol/charset.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ARMSCII8, ASCII, BIG5, BINARY, CP1250, CP1251, CP1256, CP1257, CP850, CP852, CP866, CP932, DEC8,
	EUCJPMS, EUCKR, GB18030, GB2312, GBK, GEOSTD8, GREEK, HEBREW, HP8, KEYBCS2, KOI8R, KOI8U, LATIN1,
	LATIN2, LATIN5, LATIN7, MACCE, MACROMAN, SJIS, SWE7, TIS620, UCS2, UJIS, UTF16, UTF16LE, UTF32,
	UTF8MB3, UTF8MB4, CHARSETS
};

static const struct charset charsets[CHARSETS] = {
	[ARMSCII8] = {"armscii8", 32, 1, false, true},
	[ASCII] = {"ascii", 11, 1, false, true},
	[BIG5] = {"big5", 1, 2, true, true},
	[BINARY] = {"binary", 63, 1, false, true},
	[CP1250] = {"cp1250", 26, 1, false, true},
	[CP1251] = {"cp1251", 51, 1, false, true},
	[CP1256] = {"cp1256", 57, 1, false, true},
	[CP1257] = {"cp1257", 59, 1, false, true},
	[CP850] = {"cp850", 4, 1, false, true},
	[CP852] = {"cp852", 40, 1, false, true},
	[CP866] = {"cp866", 36, 1, false, true},
	[CP932] = {"cp932", 95, 2, true, true},
	[DEC8] = {"dec8", 3, 1, false, true},
	[EUCJPMS] = {"eucjpms", 97, 3, false, true},
	[EUCKR] = {"euckr", 19, 2, false, true},
	[GB18030] = {"gb18030", 248, 4, true, true},
	[GB2312] = {"gb2312", 24, 2, false, true},
	[GBK] = {"gbk", 28, 2, true, true},
	[GEOSTD8] = {"geostd8", 92, 1, false, true},
	[GREEK] = {"greek", 25, 1, false, true},
	[HEBREW] = {"hebrew", 16, 1, false, true},
	[HP8] = {"hp8", 6, 1, false, true},
	[KEYBCS2] = {"keybcs2", 37, 1, false, true},
	[KOI8R] = {"koi8r", 7, 1, false, true},
	[KOI8U] = {"koi8u", 22, 1, false, true},
	[LATIN1] = {"latin1", 8, 1, false, true},
	[LATIN2] = {"latin2", 9, 1, false, true},
	[LATIN5] = {"latin5", 30, 1, false, true},
	[LATIN7] = {"latin7", 41, 1, false, true},
	[MACCE] = {"macce", 38, 1, false, true},
	[MACROMAN] = {"macroman", 39, 1, false, true},
	[SJIS] = {"sjis", 13, 2, true, true},
	[SWE7] = {"swe7", 10, 1, false, true},
	[TIS620] = {"tis620", 18, 1, false, true},
	[UCS2] = {"ucs2", 35, 2, false, false},
	[UJIS] = {"ujis", 12, 3, false, true},
	[UTF16] = {"utf16", 54, 4, false, false},
	[UTF16LE] = {"utf16le", 56, 4, false, false},
	[UTF32] = {"utf32", 60, 4, false, false},
	[UTF8MB3] = {"utf8mb3", 33, 3, false, true},
	[UTF8MB4] = {"utf8mb4", 45, 4, false, true},
};

#define BOTH(id, name, cs) {id, name, &charsets[cs], COLLATION_MYSQL | COLLATION_MARIADB, 0, 0}
#define MYSQL(id, name, cs, since) {id, name, &charsets[cs], COLLATION_MYSQL, since, 0}
#define MARIADB(id, name, cs, since) {id, name, &charsets[cs], COLLATION_MARIADB, 0, since}

/* In the order of ids. Where the vendors use an id for different collations, both rows are here, of the same character
 * set. MariaDB's 0900 collations are other names for its own, from 11.4.5 on; only 255 is known to log in there. */
static const struct collation collations[] = {
	BOTH(1, "big5_chinese_ci", BIG5),
	BOTH(2, "latin2_czech_cs", LATIN2),
	BOTH(3, "dec8_swedish_ci", DEC8),
	BOTH(4, "cp850_general_ci", CP850),
	BOTH(5, "latin1_german1_ci", LATIN1),
	BOTH(6, "hp8_english_ci", HP8),
	BOTH(7, "koi8r_general_ci", KOI8R),
	BOTH(8, "latin1_swedish_ci", LATIN1),
	BOTH(9, "latin2_general_ci", LATIN2),
	BOTH(10, "swe7_swedish_ci", SWE7),
	BOTH(11, "ascii_general_ci", ASCII),
	BOTH(12, "ujis_japanese_ci", UJIS),
	BOTH(13, "sjis_japanese_ci", SJIS),
	BOTH(14, "cp1251_bulgarian_ci", CP1251),
	BOTH(15, "latin1_danish_ci", LATIN1),
	BOTH(16, "hebrew_general_ci", HEBREW),
	BOTH(18, "tis620_thai_ci", TIS620),
	BOTH(19, "euckr_korean_ci", EUCKR),
	BOTH(20, "latin7_estonian_cs", LATIN7),
	BOTH(21, "latin2_hungarian_ci", LATIN2),
	BOTH(22, "koi8u_general_ci", KOI8U),
	BOTH(23, "cp1251_ukrainian_ci", CP1251),
	BOTH(24, "gb2312_chinese_ci", GB2312),
	BOTH(25, "greek_general_ci", GREEK),
	BOTH(26, "cp1250_general_ci", CP1250),
	BOTH(27, "latin2_croatian_ci", LATIN2),
	BOTH(28, "gbk_chinese_ci", GBK),
	BOTH(29, "cp1257_lithuanian_ci", CP1257),
	BOTH(30, "latin5_turkish_ci", LATIN5),
	BOTH(31, "latin1_german2_ci", LATIN1),
	BOTH(32, "armscii8_general_ci", ARMSCII8),
	BOTH(33, "utf8mb3_general_ci", UTF8MB3),
	BOTH(34, "cp1250_czech_cs", CP1250),
	BOTH(35, "ucs2_general_ci", UCS2),
	BOTH(36, "cp866_general_ci", CP866),
	BOTH(37, "keybcs2_general_ci", KEYBCS2),
	BOTH(38, "macce_general_ci", MACCE),
	BOTH(39, "macroman_general_ci", MACROMAN),
	BOTH(40, "cp852_general_ci", CP852),
	BOTH(41, "latin7_general_ci", LATIN7),
	BOTH(42, "latin7_general_cs", LATIN7),
	BOTH(43, "macce_bin", MACCE),
	BOTH(44, "cp1250_croatian_ci", CP1250),
	BOTH(45, "utf8mb4_general_ci", UTF8MB4),
	BOTH(46, "utf8mb4_bin", UTF8MB4),
	BOTH(47, "latin1_bin", LATIN1),
	BOTH(48, "latin1_general_ci", LATIN1),
	BOTH(49, "latin1_general_cs", LATIN1),
	BOTH(50, "cp1251_bin", CP1251),
	BOTH(51, "cp1251_general_ci", CP1251),
	BOTH(52, "cp1251_general_cs", CP1251),
	BOTH(53, "macroman_bin", MACROMAN),
	BOTH(54, "utf16_general_ci", UTF16),
	BOTH(55, "utf16_bin", UTF16),
	BOTH(56, "utf16le_general_ci", UTF16LE),
	BOTH(57, "cp1256_general_ci", CP1256),
	BOTH(58, "cp1257_bin", CP1257),
	BOTH(59, "cp1257_general_ci", CP1257),
	BOTH(60, "utf32_general_ci", UTF32),
	BOTH(61, "utf32_bin", UTF32),
	BOTH(62, "utf16le_bin", UTF16LE),
	BOTH(63, "binary", BINARY),
	BOTH(64, "armscii8_bin", ARMSCII8),
	BOTH(65, "ascii_bin", ASCII),
	BOTH(66, "cp1250_bin", CP1250),
	BOTH(67, "cp1256_bin", CP1256),
	BOTH(68, "cp866_bin", CP866),
	BOTH(69, "dec8_bin", DEC8),
	BOTH(70, "greek_bin", GREEK),
	BOTH(71, "hebrew_bin", HEBREW),
	BOTH(72, "hp8_bin", HP8),
	BOTH(73, "keybcs2_bin", KEYBCS2),
	BOTH(74, "koi8r_bin", KOI8R),
	BOTH(75, "koi8u_bin", KOI8U),
	MYSQL(76, "utf8mb3_tolower_ci", UTF8MB3, 80000),
	BOTH(77, "latin2_bin", LATIN2),
	BOTH(78, "latin5_bin", LATIN5),
	BOTH(79, "latin7_bin", LATIN7),
	BOTH(80, "cp850_bin", CP850),
	BOTH(81, "cp852_bin", CP852),
	BOTH(82, "swe7_bin", SWE7),
	BOTH(83, "utf8mb3_bin", UTF8MB3),
	BOTH(84, "big5_bin", BIG5),
	BOTH(85, "euckr_bin", EUCKR),
	BOTH(86, "gb2312_bin", GB2312),
	BOTH(87, "gbk_bin", GBK),
	BOTH(88, "sjis_bin", SJIS),
	BOTH(89, "tis620_bin", TIS620),
	BOTH(90, "ucs2_bin", UCS2),
	BOTH(91, "ujis_bin", UJIS),
	BOTH(92, "geostd8_general_ci", GEOSTD8),
	BOTH(93, "geostd8_bin", GEOSTD8),
	BOTH(94, "latin1_spanish_ci", LATIN1),
	BOTH(95, "cp932_japanese_ci", CP932),
	BOTH(96, "cp932_bin", CP932),
	BOTH(97, "eucjpms_japanese_ci", EUCJPMS),
	BOTH(98, "eucjpms_bin", EUCJPMS),
	BOTH(99, "cp1250_polish_ci", CP1250),
	BOTH(101, "utf16_unicode_ci", UTF16),
	BOTH(102, "utf16_icelandic_ci", UTF16),
	BOTH(103, "utf16_latvian_ci", UTF16),
	BOTH(104, "utf16_romanian_ci", UTF16),
	BOTH(105, "utf16_slovenian_ci", UTF16),
	BOTH(106, "utf16_polish_ci", UTF16),
	BOTH(107, "utf16_estonian_ci", UTF16),
	BOTH(108, "utf16_spanish_ci", UTF16),
	BOTH(109, "utf16_swedish_ci", UTF16),
	BOTH(110, "utf16_turkish_ci", UTF16),
	BOTH(111, "utf16_czech_ci", UTF16),
	BOTH(112, "utf16_danish_ci", UTF16),
	BOTH(113, "utf16_lithuanian_ci", UTF16),
	BOTH(114, "utf16_slovak_ci", UTF16),
	BOTH(115, "utf16_spanish2_ci", UTF16),
	BOTH(116, "utf16_roman_ci", UTF16),
	BOTH(117, "utf16_persian_ci", UTF16),
	BOTH(118, "utf16_esperanto_ci", UTF16),
	BOTH(119, "utf16_hungarian_ci", UTF16),
	BOTH(120, "utf16_sinhala_ci", UTF16),
	BOTH(121, "utf16_german2_ci", UTF16),
	MYSQL(122, "utf16_croatian_ci", UTF16, 0),
	MARIADB(122, "utf16_croatian_mysql561_ci", UTF16, 0),
	BOTH(123, "utf16_unicode_520_ci", UTF16),
	BOTH(124, "utf16_vietnamese_ci", UTF16),
	BOTH(128, "ucs2_unicode_ci", UCS2),
	BOTH(129, "ucs2_icelandic_ci", UCS2),
	BOTH(130, "ucs2_latvian_ci", UCS2),
	BOTH(131, "ucs2_romanian_ci", UCS2),
	BOTH(132, "ucs2_slovenian_ci", UCS2),
	BOTH(133, "ucs2_polish_ci", UCS2),
	BOTH(134, "ucs2_estonian_ci", UCS2),
	BOTH(135, "ucs2_spanish_ci", UCS2),
	BOTH(136, "ucs2_swedish_ci", UCS2),
	BOTH(137, "ucs2_turkish_ci", UCS2),
	BOTH(138, "ucs2_czech_ci", UCS2),
	BOTH(139, "ucs2_danish_ci", UCS2),
	BOTH(140, "ucs2_lithuanian_ci", UCS2),
	BOTH(141, "ucs2_slovak_ci", UCS2),
	BOTH(142, "ucs2_spanish2_ci", UCS2),
	BOTH(143, "ucs2_roman_ci", UCS2),
	BOTH(144, "ucs2_persian_ci", UCS2),
	BOTH(145, "ucs2_esperanto_ci", UCS2),
	BOTH(146, "ucs2_hungarian_ci", UCS2),
	BOTH(147, "ucs2_sinhala_ci", UCS2),
	BOTH(148, "ucs2_german2_ci", UCS2),
	MYSQL(149, "ucs2_croatian_ci", UCS2, 0),
	MARIADB(149, "ucs2_croatian_mysql561_ci", UCS2, 0),
	BOTH(150, "ucs2_unicode_520_ci", UCS2),
	BOTH(151, "ucs2_vietnamese_ci", UCS2),
	BOTH(159, "ucs2_general_mysql500_ci", UCS2),
	BOTH(160, "utf32_unicode_ci", UTF32),
	BOTH(161, "utf32_icelandic_ci", UTF32),
	BOTH(162, "utf32_latvian_ci", UTF32),
	BOTH(163, "utf32_romanian_ci", UTF32),
	BOTH(164, "utf32_slovenian_ci", UTF32),
	BOTH(165, "utf32_polish_ci", UTF32),
	BOTH(166, "utf32_estonian_ci", UTF32),
	BOTH(167, "utf32_spanish_ci", UTF32),
	BOTH(168, "utf32_swedish_ci", UTF32),
	BOTH(169, "utf32_turkish_ci", UTF32),
	BOTH(170, "utf32_czech_ci", UTF32),
	BOTH(171, "utf32_danish_ci", UTF32),
	BOTH(172, "utf32_lithuanian_ci", UTF32),
	BOTH(173, "utf32_slovak_ci", UTF32),
	BOTH(174, "utf32_spanish2_ci", UTF32),
	BOTH(175, "utf32_roman_ci", UTF32),
	BOTH(176, "utf32_persian_ci", UTF32),
	BOTH(177, "utf32_esperanto_ci", UTF32),
	BOTH(178, "utf32_hungarian_ci", UTF32),
	BOTH(179, "utf32_sinhala_ci", UTF32),
	BOTH(180, "utf32_german2_ci", UTF32),
	MYSQL(181, "utf32_croatian_ci", UTF32, 0),
	MARIADB(181, "utf32_croatian_mysql561_ci", UTF32, 0),
	BOTH(182, "utf32_unicode_520_ci", UTF32),
	BOTH(183, "utf32_vietnamese_ci", UTF32),
	BOTH(192, "utf8mb3_unicode_ci", UTF8MB3),
	BOTH(193, "utf8mb3_icelandic_ci", UTF8MB3),
	BOTH(194, "utf8mb3_latvian_ci", UTF8MB3),
	BOTH(195, "utf8mb3_romanian_ci", UTF8MB3),
	BOTH(196, "utf8mb3_slovenian_ci", UTF8MB3),
	BOTH(197, "utf8mb3_polish_ci", UTF8MB3),
	BOTH(198, "utf8mb3_estonian_ci", UTF8MB3),
	BOTH(199, "utf8mb3_spanish_ci", UTF8MB3),
	BOTH(200, "utf8mb3_swedish_ci", UTF8MB3),
	BOTH(201, "utf8mb3_turkish_ci", UTF8MB3),
	BOTH(202, "utf8mb3_czech_ci", UTF8MB3),
	BOTH(203, "utf8mb3_danish_ci", UTF8MB3),
	BOTH(204, "utf8mb3_lithuanian_ci", UTF8MB3),
	BOTH(205, "utf8mb3_slovak_ci", UTF8MB3),
	BOTH(206, "utf8mb3_spanish2_ci", UTF8MB3),
	BOTH(207, "utf8mb3_roman_ci", UTF8MB3),
	BOTH(208, "utf8mb3_persian_ci", UTF8MB3),
	BOTH(209, "utf8mb3_esperanto_ci", UTF8MB3),
	BOTH(210, "utf8mb3_hungarian_ci", UTF8MB3),
	BOTH(211, "utf8mb3_sinhala_ci", UTF8MB3),
	BOTH(212, "utf8mb3_german2_ci", UTF8MB3),
	MYSQL(213, "utf8mb3_croatian_ci", UTF8MB3, 0),
	MARIADB(213, "utf8mb3_croatian_mysql561_ci", UTF8MB3, 0),
	BOTH(214, "utf8mb3_unicode_520_ci", UTF8MB3),
	BOTH(215, "utf8mb3_vietnamese_ci", UTF8MB3),
	BOTH(223, "utf8mb3_general_mysql500_ci", UTF8MB3),
	BOTH(224, "utf8mb4_unicode_ci", UTF8MB4),
	BOTH(225, "utf8mb4_icelandic_ci", UTF8MB4),
	BOTH(226, "utf8mb4_latvian_ci", UTF8MB4),
	BOTH(227, "utf8mb4_romanian_ci", UTF8MB4),
	BOTH(228, "utf8mb4_slovenian_ci", UTF8MB4),
	BOTH(229, "utf8mb4_polish_ci", UTF8MB4),
	BOTH(230, "utf8mb4_estonian_ci", UTF8MB4),
	BOTH(231, "utf8mb4_spanish_ci", UTF8MB4),
	BOTH(232, "utf8mb4_swedish_ci", UTF8MB4),
	BOTH(233, "utf8mb4_turkish_ci", UTF8MB4),
	BOTH(234, "utf8mb4_czech_ci", UTF8MB4),
	BOTH(235, "utf8mb4_danish_ci", UTF8MB4),
	BOTH(236, "utf8mb4_lithuanian_ci", UTF8MB4),
	BOTH(237, "utf8mb4_slovak_ci", UTF8MB4),
	BOTH(238, "utf8mb4_spanish2_ci", UTF8MB4),
	BOTH(239, "utf8mb4_roman_ci", UTF8MB4),
	BOTH(240, "utf8mb4_persian_ci", UTF8MB4),
	BOTH(241, "utf8mb4_esperanto_ci", UTF8MB4),
	BOTH(242, "utf8mb4_hungarian_ci", UTF8MB4),
	BOTH(243, "utf8mb4_sinhala_ci", UTF8MB4),
	BOTH(244, "utf8mb4_german2_ci", UTF8MB4),
	MYSQL(245, "utf8mb4_croatian_ci", UTF8MB4, 0),
	MARIADB(245, "utf8mb4_croatian_mysql561_ci", UTF8MB4, 0),
	BOTH(246, "utf8mb4_unicode_520_ci", UTF8MB4),
	BOTH(247, "utf8mb4_vietnamese_ci", UTF8MB4),
	MYSQL(248, "gb18030_chinese_ci", GB18030, 50704),
	MYSQL(249, "gb18030_bin", GB18030, 50704),
	MYSQL(250, "gb18030_unicode_520_ci", GB18030, 50704),
	{255, "utf8mb4_0900_ai_ci", &charsets[UTF8MB4], COLLATION_MYSQL | COLLATION_MARIADB, 80000, 110405},
	MYSQL(256, "utf8mb4_de_pb_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(257, "utf8mb4_is_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(258, "utf8mb4_lv_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(259, "utf8mb4_ro_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(260, "utf8mb4_sl_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(261, "utf8mb4_pl_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(262, "utf8mb4_et_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(263, "utf8mb4_es_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(264, "utf8mb4_sv_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(265, "utf8mb4_tr_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(266, "utf8mb4_cs_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(267, "utf8mb4_da_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(268, "utf8mb4_lt_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(269, "utf8mb4_sk_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(270, "utf8mb4_es_trad_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(271, "utf8mb4_la_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(273, "utf8mb4_eo_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(274, "utf8mb4_hu_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(275, "utf8mb4_hr_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(277, "utf8mb4_vi_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(278, "utf8mb4_0900_as_cs", UTF8MB4, 80000),
	MYSQL(279, "utf8mb4_de_pb_0900_as_cs", UTF8MB4, 80000),
	MYSQL(280, "utf8mb4_is_0900_as_cs", UTF8MB4, 80000),
	MYSQL(281, "utf8mb4_lv_0900_as_cs", UTF8MB4, 80000),
	MYSQL(282, "utf8mb4_ro_0900_as_cs", UTF8MB4, 80000),
	MYSQL(283, "utf8mb4_sl_0900_as_cs", UTF8MB4, 80000),
	MYSQL(284, "utf8mb4_pl_0900_as_cs", UTF8MB4, 80000),
	MYSQL(285, "utf8mb4_et_0900_as_cs", UTF8MB4, 80000),
	MYSQL(286, "utf8mb4_es_0900_as_cs", UTF8MB4, 80000),
	MYSQL(287, "utf8mb4_sv_0900_as_cs", UTF8MB4, 80000),
	MYSQL(288, "utf8mb4_tr_0900_as_cs", UTF8MB4, 80000),
	MYSQL(289, "utf8mb4_cs_0900_as_cs", UTF8MB4, 80000),
	MYSQL(290, "utf8mb4_da_0900_as_cs", UTF8MB4, 80000),
	MYSQL(291, "utf8mb4_lt_0900_as_cs", UTF8MB4, 80000),
	MYSQL(292, "utf8mb4_sk_0900_as_cs", UTF8MB4, 80000),
	MYSQL(293, "utf8mb4_es_trad_0900_as_cs", UTF8MB4, 80000),
	MYSQL(294, "utf8mb4_la_0900_as_cs", UTF8MB4, 80000),
	MYSQL(296, "utf8mb4_eo_0900_as_cs", UTF8MB4, 80000),
	MYSQL(297, "utf8mb4_hu_0900_as_cs", UTF8MB4, 80000),
	MYSQL(298, "utf8mb4_hr_0900_as_cs", UTF8MB4, 80000),
	MYSQL(300, "utf8mb4_vi_0900_as_cs", UTF8MB4, 80000),
	MYSQL(303, "utf8mb4_ja_0900_as_cs", UTF8MB4, 80000),
	MYSQL(304, "utf8mb4_ja_0900_as_cs_ks", UTF8MB4, 80000),
	MYSQL(305, "utf8mb4_0900_as_ci", UTF8MB4, 80000),
	MYSQL(306, "utf8mb4_ru_0900_ai_ci", UTF8MB4, 80000),
	MYSQL(307, "utf8mb4_ru_0900_as_cs", UTF8MB4, 80000),
	MYSQL(308, "utf8mb4_zh_0900_as_cs", UTF8MB4, 80011),
	MYSQL(309, "utf8mb4_0900_bin", UTF8MB4, 80017),
	MYSQL(310, "utf8mb4_nb_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(311, "utf8mb4_nb_0900_as_cs", UTF8MB4, 80030),
	MYSQL(312, "utf8mb4_nn_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(313, "utf8mb4_nn_0900_as_cs", UTF8MB4, 80030),
	MYSQL(314, "utf8mb4_sr_latn_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(315, "utf8mb4_sr_latn_0900_as_cs", UTF8MB4, 80030),
	MYSQL(316, "utf8mb4_bs_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(317, "utf8mb4_bs_0900_as_cs", UTF8MB4, 80030),
	MYSQL(318, "utf8mb4_bg_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(319, "utf8mb4_bg_0900_as_cs", UTF8MB4, 80030),
	MYSQL(320, "utf8mb4_gl_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(321, "utf8mb4_gl_0900_as_cs", UTF8MB4, 80030),
	MYSQL(322, "utf8mb4_mn_cyrl_0900_ai_ci", UTF8MB4, 80030),
	MYSQL(323, "utf8mb4_mn_cyrl_0900_as_cs", UTF8MB4, 80030),
	MARIADB(576, "utf8mb3_croatian_ci", UTF8MB3, 0),
	MARIADB(577, "utf8mb3_myanmar_ci", UTF8MB3, 0),
	MARIADB(578, "utf8mb3_thai_520_w2", UTF8MB3, 0),
	MARIADB(608, "utf8mb4_croatian_ci", UTF8MB4, 0),
	MARIADB(609, "utf8mb4_myanmar_ci", UTF8MB4, 0),
	MARIADB(610, "utf8mb4_thai_520_w2", UTF8MB4, 0),
	MARIADB(1032, "latin1_swedish_nopad_ci", LATIN1, 100202),
	MARIADB(1057, "utf8mb3_general_nopad_ci", UTF8MB3, 100202),
	MARIADB(1069, "utf8mb4_general_nopad_ci", UTF8MB4, 100202),
	MARIADB(1070, "utf8mb4_nopad_bin", UTF8MB4, 100202),
	MARIADB(1071, "latin1_nopad_bin", LATIN1, 100202),
	MARIADB(1107, "utf8mb3_nopad_bin", UTF8MB3, 100202),
	MARIADB(1216, "utf8mb3_unicode_nopad_ci", UTF8MB3, 100202),
	MARIADB(1238, "utf8mb3_unicode_520_nopad_ci", UTF8MB3, 100202),
	MARIADB(1248, "utf8mb4_unicode_nopad_ci", UTF8MB4, 100202),
	MARIADB(1270, "utf8mb4_unicode_520_nopad_ci", UTF8MB4, 100202),
	MARIADB(2048, "utf8mb3_uca1400_ai_ci", UTF8MB3, 101001),
	MARIADB(2049, "utf8mb3_uca1400_ai_cs", UTF8MB3, 101001),
	MARIADB(2050, "utf8mb3_uca1400_as_ci", UTF8MB3, 101001),
	MARIADB(2051, "utf8mb3_uca1400_as_cs", UTF8MB3, 101001),
	MARIADB(2052, "utf8mb3_uca1400_nopad_ai_ci", UTF8MB3, 101001),
	MARIADB(2053, "utf8mb3_uca1400_nopad_ai_cs", UTF8MB3, 101001),
	MARIADB(2054, "utf8mb3_uca1400_nopad_as_ci", UTF8MB3, 101001),
	MARIADB(2055, "utf8mb3_uca1400_nopad_as_cs", UTF8MB3, 101001),
	MARIADB(2304, "utf8mb4_uca1400_ai_ci", UTF8MB4, 101001),
	MARIADB(2305, "utf8mb4_uca1400_ai_cs", UTF8MB4, 101001),
	MARIADB(2306, "utf8mb4_uca1400_as_ci", UTF8MB4, 101001),
	MARIADB(2307, "utf8mb4_uca1400_as_cs", UTF8MB4, 101001),
	MARIADB(2308, "utf8mb4_uca1400_nopad_ai_ci", UTF8MB4, 101001),
	MARIADB(2309, "utf8mb4_uca1400_nopad_ai_cs", UTF8MB4, 101001),
	MARIADB(2310, "utf8mb4_uca1400_nopad_as_ci", UTF8MB4, 101001),
	MARIADB(2311, "utf8mb4_uca1400_nopad_as_cs", UTF8MB4, 101001),
};
#define COLLATIONS (sizeof collations / sizeof collations[0])

/* The first row of an id, or the first after where it would be. */
static size_t row_of(unsigned id)
{
	size_t low = 0, high = COLLATIONS;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (collations[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct collation *collation_by_id(unsigned id)
{
	size_t i = row_of(id);
	return i < COLLATIONS && collations[i].id == id ? &collations[i] : NULL;
}

static bool is_name(struct view given, const char *name)
{
	return given.len == strlen(name) && strncasecmp((const char *)given.p, name, given.len) == 0;
}

/* utf8 is what utf8mb3 was called until MySQL 8.0.30 and MariaDB 10.6, and still is by their users. */
static bool has_prefix_utf8(struct view name)
{
	return name.len > 5 && strncasecmp((const char *)name.p, "utf8_", 5) == 0;
}

const struct collation *collation_by_name(struct view name)
{
	bool old = has_prefix_utf8(name);
	struct view tail = old ? (struct view){name.p + 5, name.len - 5} : name;
	for (size_t i = 0; i < COLLATIONS; i++) {
		const struct collation *c = &collations[i];
		if (old ? c->charset == &charsets[UTF8MB3] && is_name(tail, c->name + strlen("utf8mb3_"))
			: is_name(name, c->name))
			return c;
	}
	return NULL;
}

/* MariaDB's ids above 1024 follow a plan: 1024 more is the same without padding, and from 2048 on there are 256 ids of
 * uca1400 for each Unicode character set. */
const struct charset *charset_by_collation_id(unsigned id)
{
	static const uint8_t uca1400[] = {UTF8MB3, UTF8MB4, UCS2, UTF16, UTF32};
	const struct collation *c = collation_by_id(id);
	if (c)
		return c->charset;
	if (id > 1024 && id < 1024 + 256 && (c = collation_by_id(id - 1024)))
		return c->charset;
	if (id >= 2048 && id < 2048 + 256 * sizeof uca1400)
		return &charsets[uca1400[(id - 2048) / 256]];
	return NULL;
}

const struct charset *charset_by_name(struct view name)
{
	if (is_name(name, "utf8"))
		return &charsets[UTF8MB3];
	for (size_t i = 0; i < CHARSETS; i++)
		if (is_name(name, charsets[i].name))
			return &charsets[i];
	return NULL;
}

bool collation_is_known_to(const struct collation *c, bool mariadb, unsigned version_number)
{
	if (!(c->vendors & (mariadb ? COLLATION_MARIADB : COLLATION_MYSQL)))
		return false;
	return version_number >= (mariadb ? c->mariadb_since : c->mysql_since);
}

/* The row of this id that such a server has. */
static const struct collation *known_row(unsigned id, bool mariadb, unsigned version_number)
{
	for (size_t i = row_of(id); i < COLLATIONS && collations[i].id == id; i++)
		if (collation_is_known_to(&collations[i], mariadb, version_number))
			return &collations[i];
	return NULL;
}

const struct collation *charset_session_collation(unsigned id, bool mariadb, unsigned version_number)
{
	const struct charset *cs = charset_by_collation_id(id);
	if (!cs || !cs->client_usable)
		return NULL;
	const struct collation *c = known_row(id, mariadb, version_number);
	if (!c && cs == &charsets[UTF8MB4] && !mariadb)
		c = known_row(255, false, version_number);
	return c ? c : known_row(cs->default_collation, mariadb, version_number);
}
