-- The steps of README.md for the command line clients; @TABLE@ is replaced.
SELECT 'session';
SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION();
USE app2
SELECT DATABASE();
USE app
SELECT 'types';
SELECT * FROM all_types ORDER BY id;
SELECT * FROM new_types ORDER BY id;
PREPARE s FROM 'SELECT * FROM all_types WHERE id >= ? ORDER BY id';
SET @id = 3;
EXECUTE s USING @id;
DEALLOCATE PREPARE s;
SELECT 'write';
DROP TABLE IF EXISTS @TABLE@;
CREATE TABLE @TABLE@ (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT, b BLOB, t DATETIME(6));
INSERT INTO @TABLE@ (i, d, n, s, b, t) VALUES (-5, 0.25, 1.5, 'Grüße \'\\" 😀', x'00FF10', '2024-02-29 01:02:03.000004');
INSERT INTO @TABLE@ (i) VALUES (1), (2), (3), (4), (5);
SELECT LAST_INSERT_ID(), ROW_COUNT();
SELECT * FROM @TABLE@ ORDER BY id;
UPDATE @TABLE@ SET i = i + 1 WHERE id > 2;
SELECT ROW_COUNT();
DELETE FROM @TABLE@ WHERE id = 4;
SELECT * FROM @TABLE@ ORDER BY id;
SELECT 'transaction';
BEGIN;
INSERT INTO @TABLE@ (i) VALUES (1000);
SELECT COUNT(*) FROM @TABLE@ WHERE i = 1000;
ROLLBACK;
SELECT COUNT(*) FROM @TABLE@ WHERE i = 1000;
BEGIN;
INSERT INTO @TABLE@ (i) VALUES (1000);
COMMIT;
SELECT COUNT(*) FROM @TABLE@ WHERE i = 1000;
SELECT 'procedure';
CALL two_sets(3);
SELECT 'several';
DELIMITER //
SELECT 1 AS a; UPDATE @TABLE@ SET i = 7 WHERE id = 1; SELECT i FROM @TABLE@ WHERE id = 1//
DELIMITER ;
SELECT 'errors';
INSERT INTO @TABLE@ (id) VALUES (1);
SELECT * FROM no_such_table;
SELEKT 1;
SELECT no_such_column FROM all_types;
INSERT INTO no_such_schema.t VALUES (1);
SELECT CAST('x' AS SIGNED);
SHOW WARNINGS;
SELECT 'still there';
SELECT 'many';
SELECT a.id, b.id AS other, c.char_10 FROM all_types a, all_types b, all_types c, all_types d, all_types e, all_types f, all_types g LIMIT 10000;
