/* What clients and graphical tools look up in a server's own schemas when they begin. */
#include "proxy/console/console_views.h"

#define SCHEMA "'wye'"
#define NONE(columns) "SELECT " columns " WHERE 0"

const struct console_view console_views_information[] = {
	{"information_schema.schemata",
	 "SELECT 'def' AS CATALOG_NAME, column1 AS SCHEMA_NAME, 'utf8mb4' AS DEFAULT_CHARACTER_SET_NAME, "
	 "'utf8mb4_general_ci' AS DEFAULT_COLLATION_NAME, NULL AS SQL_PATH, 'NO' AS DEFAULT_ENCRYPTION "
	 "FROM (VALUES (" SCHEMA "), ('information_schema'))"},
	{"information_schema.tables",
	 "SELECT 'def' AS TABLE_CATALOG, " SCHEMA " AS TABLE_SCHEMA, name AS TABLE_NAME, 'BASE TABLE' AS TABLE_TYPE, "
	 "'wye' AS ENGINE, 10 AS VERSION, 'Dynamic' AS ROW_FORMAT, NULL AS TABLE_ROWS, 0 AS AVG_ROW_LENGTH, "
	 "0 AS DATA_LENGTH, 0 AS MAX_DATA_LENGTH, 0 AS INDEX_LENGTH, 0 AS DATA_FREE, NULL AS AUTO_INCREMENT, "
	 "NULL AS CREATE_TIME, NULL AS UPDATE_TIME, NULL AS CHECK_TIME, 'utf8mb4_general_ci' AS TABLE_COLLATION, "
	 "NULL AS CHECKSUM, '' AS CREATE_OPTIONS, description AS TABLE_COMMENT FROM console_tables WHERE NOT hidden"},
	{"information_schema.columns",
	 "SELECT 'def' AS TABLE_CATALOG, " SCHEMA " AS TABLE_SCHEMA, c.table_name AS TABLE_NAME, c.name AS COLUMN_NAME, "
	 "c.position AS ORDINAL_POSITION, NULL AS COLUMN_DEFAULT, 'YES' AS IS_NULLABLE, "
	 "CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'REAL' THEN 'double' ELSE 'text' END AS DATA_TYPE, "
	 "CASE c.type WHEN 'TEXT' THEN 65535 END AS CHARACTER_MAXIMUM_LENGTH, "
	 "CASE c.type WHEN 'TEXT' THEN 65535 END AS CHARACTER_OCTET_LENGTH, "
	 "CASE c.type WHEN 'INTEGER' THEN 19 WHEN 'REAL' THEN 22 END AS NUMERIC_PRECISION, "
	 "CASE c.type WHEN 'INTEGER' THEN 0 END AS NUMERIC_SCALE, NULL AS DATETIME_PRECISION, "
	 "CASE c.type WHEN 'TEXT' THEN 'utf8mb4' END AS CHARACTER_SET_NAME, "
	 "CASE c.type WHEN 'TEXT' THEN 'utf8mb4_general_ci' END AS COLLATION_NAME, "
	 "CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'REAL' THEN 'double' ELSE 'text' END AS COLUMN_TYPE, "
	 "'' AS COLUMN_KEY, '' AS EXTRA, 'select' AS PRIVILEGES, c.description AS COLUMN_COMMENT, "
	 "'' AS GENERATION_EXPRESSION, NULL AS SRS_ID FROM console_columns c JOIN console_tables t ON t.name = "
	 "c.table_name WHERE NOT t.hidden"},
	{"information_schema.engines",
	 "SELECT 'wye' AS ENGINE, 'DEFAULT' AS SUPPORT, 'live tables of wye' AS COMMENT, 'NO' AS TRANSACTIONS, "
	 "'NO' AS XA, 'NO' AS SAVEPOINTS"},
	{"information_schema.character_sets",
	 "SELECT 'utf8mb4' AS CHARACTER_SET_NAME, 'utf8mb4_general_ci' AS DEFAULT_COLLATE_NAME, "
	 "'UTF-8 Unicode' AS DESCRIPTION, 4 AS MAXLEN"},
	{"information_schema.collations",
	 "SELECT 'utf8mb4_general_ci' AS COLLATION_NAME, 'utf8mb4' AS CHARACTER_SET_NAME, 45 AS ID, 'Yes' AS IS_DEFAULT, "
	 "'Yes' AS IS_COMPILED, 1 AS SORTLEN, 'PAD SPACE' AS PAD_ATTRIBUTE"},
	{"information_schema.processlist",
	 "SELECT Id AS ID, User AS USER, Host AS HOST, db AS DB, Command AS COMMAND, Time AS TIME, State AS STATE, "
	 "Info AS INFO FROM processlist"},
	{"information_schema.global_variables",
	 "SELECT upper(Variable_name) AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_variables"},
	{"information_schema.session_variables",
	 "SELECT upper(Variable_name) AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_variables"},
	{"information_schema.global_status",
	 "SELECT upper(Variable_name) AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_status"},
	{"information_schema.session_status",
	 "SELECT upper(Variable_name) AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_status"},
	{"performance_schema.global_variables",
	 "SELECT Variable_name AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_variables"},
	{"performance_schema.session_variables",
	 "SELECT Variable_name AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_variables"},
	{"performance_schema.global_status",
	 "SELECT Variable_name AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_status"},
	{"performance_schema.session_status",
	 "SELECT Variable_name AS VARIABLE_NAME, Value AS VARIABLE_VALUE FROM console_status"},
	{"information_schema.user_privileges",
	 "SELECT '''' || user || '''@''%''' AS GRANTEE, 'def' AS TABLE_CATALOG, 'SELECT' AS PRIVILEGE_TYPE, "
	 "'NO' AS IS_GRANTABLE FROM mysql_account"},
	{"mysql.user", "SELECT user AS User, '%' AS Host FROM mysql_account"},
	{"mysql_account", "SELECT substr(user(), 1, instr(user(), '@') - 1) AS user"},

	/* Kinds of objects that the console has none of. */
	{"mysql.help_topic", NONE("0 AS help_topic_id, '' AS name, 0 AS help_category_id, '' AS description, '' AS example, '' AS url")},
	{"mysql.proc", NONE("'' AS db, '' AS name, '' AS type, '' AS specific_name")},
	{"information_schema.views",
	 NONE("'' AS TABLE_CATALOG, '' AS TABLE_SCHEMA, '' AS TABLE_NAME, '' AS VIEW_DEFINITION, '' AS CHECK_OPTION, "
	      "'' AS IS_UPDATABLE, '' AS DEFINER, '' AS SECURITY_TYPE, '' AS CHARACTER_SET_CLIENT, "
	      "'' AS COLLATION_CONNECTION")},
	{"information_schema.routines",
	 NONE("'' AS SPECIFIC_NAME, '' AS ROUTINE_CATALOG, '' AS ROUTINE_SCHEMA, '' AS ROUTINE_NAME, '' AS ROUTINE_TYPE, "
	      "'' AS DATA_TYPE, '' AS DTD_IDENTIFIER, '' AS ROUTINE_BODY, '' AS ROUTINE_DEFINITION, '' AS IS_DETERMINISTIC, "
	      "'' AS SQL_DATA_ACCESS, '' AS SECURITY_TYPE, '' AS CREATED, '' AS LAST_ALTERED, '' AS SQL_MODE, "
	      "'' AS ROUTINE_COMMENT, '' AS DEFINER")},
	{"information_schema.parameters",
	 NONE("'' AS SPECIFIC_CATALOG, '' AS SPECIFIC_SCHEMA, '' AS SPECIFIC_NAME, 0 AS ORDINAL_POSITION, '' AS "
	      "PARAMETER_MODE, '' AS PARAMETER_NAME, '' AS DATA_TYPE, '' AS DTD_IDENTIFIER, '' AS ROUTINE_TYPE")},
	{"information_schema.triggers",
	 NONE("'' AS TRIGGER_CATALOG, '' AS TRIGGER_SCHEMA, '' AS TRIGGER_NAME, '' AS EVENT_MANIPULATION, "
	      "'' AS EVENT_OBJECT_SCHEMA, '' AS EVENT_OBJECT_TABLE, 0 AS ACTION_ORDER, '' AS ACTION_STATEMENT, "
	      "'' AS ACTION_TIMING, '' AS CREATED, '' AS SQL_MODE, '' AS DEFINER")},
	{"information_schema.events",
	 NONE("'' AS EVENT_CATALOG, '' AS EVENT_SCHEMA, '' AS EVENT_NAME, '' AS DEFINER, '' AS TIME_ZONE, '' AS EVENT_BODY, "
	      "'' AS EVENT_DEFINITION, '' AS EVENT_TYPE, '' AS STATUS, '' AS EVENT_COMMENT")},
	{"information_schema.statistics",
	 NONE("'' AS TABLE_CATALOG, '' AS TABLE_SCHEMA, '' AS TABLE_NAME, 0 AS NON_UNIQUE, '' AS INDEX_SCHEMA, "
	      "'' AS INDEX_NAME, 0 AS SEQ_IN_INDEX, '' AS COLUMN_NAME, '' AS COLLATION, 0 AS CARDINALITY, 0 AS SUB_PART, "
	      "'' AS PACKED, '' AS NULLABLE, '' AS INDEX_TYPE, '' AS COMMENT, '' AS INDEX_COMMENT, '' AS IS_VISIBLE, "
	      "'' AS EXPRESSION")},
	{"information_schema.table_constraints",
	 NONE("'' AS CONSTRAINT_CATALOG, '' AS CONSTRAINT_SCHEMA, '' AS CONSTRAINT_NAME, '' AS TABLE_SCHEMA, "
	      "'' AS TABLE_NAME, '' AS CONSTRAINT_TYPE, '' AS ENFORCED")},
	{"information_schema.check_constraints",
	 NONE("'' AS CONSTRAINT_CATALOG, '' AS CONSTRAINT_SCHEMA, '' AS CONSTRAINT_NAME, '' AS CHECK_CLAUSE")},
	{"information_schema.key_column_usage",
	 NONE("'' AS CONSTRAINT_CATALOG, '' AS CONSTRAINT_SCHEMA, '' AS CONSTRAINT_NAME, '' AS TABLE_CATALOG, "
	      "'' AS TABLE_SCHEMA, '' AS TABLE_NAME, '' AS COLUMN_NAME, 0 AS ORDINAL_POSITION, "
	      "0 AS POSITION_IN_UNIQUE_CONSTRAINT, '' AS REFERENCED_TABLE_SCHEMA, '' AS REFERENCED_TABLE_NAME, "
	      "'' AS REFERENCED_COLUMN_NAME")},
	{"information_schema.referential_constraints",
	 NONE("'' AS CONSTRAINT_CATALOG, '' AS CONSTRAINT_SCHEMA, '' AS CONSTRAINT_NAME, '' AS UNIQUE_CONSTRAINT_CATALOG, "
	      "'' AS UNIQUE_CONSTRAINT_SCHEMA, '' AS UNIQUE_CONSTRAINT_NAME, '' AS MATCH_OPTION, '' AS UPDATE_RULE, "
	      "'' AS DELETE_RULE, '' AS TABLE_NAME, '' AS REFERENCED_TABLE_NAME")},
	{"information_schema.partitions",
	 NONE("'' AS TABLE_CATALOG, '' AS TABLE_SCHEMA, '' AS TABLE_NAME, '' AS PARTITION_NAME, '' AS SUBPARTITION_NAME, "
	      "0 AS PARTITION_ORDINAL_POSITION, '' AS PARTITION_METHOD, '' AS PARTITION_EXPRESSION, 0 AS TABLE_ROWS")},
	{"information_schema.plugins",
	 NONE("'' AS PLUGIN_NAME, '' AS PLUGIN_VERSION, '' AS PLUGIN_STATUS, '' AS PLUGIN_TYPE, '' AS PLUGIN_LIBRARY")},
	{"information_schema.schema_privileges",
	 NONE("'' AS GRANTEE, '' AS TABLE_CATALOG, '' AS TABLE_SCHEMA, '' AS PRIVILEGE_TYPE, '' AS IS_GRANTABLE")},
	{"information_schema.table_privileges",
	 NONE("'' AS GRANTEE, '' AS TABLE_CATALOG, '' AS TABLE_SCHEMA, '' AS TABLE_NAME, '' AS PRIVILEGE_TYPE, "
	      "'' AS IS_GRANTABLE")},
	{NULL, NULL},
};
