-- A million rows: insert, index, aggregate, join, update, delete, full-text search, JSON, check.
PRAGMA journal_mode = WAL;
CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, name TEXT, v REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
INSERT INTO t SELECT i, (i * 7919) % 10007, printf('name-%06d', (i * 31) % 1000003), i * 0.25 FROM n;
SELECT count(*), sum(k), round(avg(v), 3), min(name), max(name) FROM t;
CREATE INDEX tk ON t (k); CREATE INDEX tn ON t (name);
SELECT k, count(*), sum(v) FROM t GROUP BY k ORDER BY 2 DESC, 1 LIMIT 5;
SELECT count(*) FROM t a JOIN t b ON a.id = b.k WHERE a.name < 'name-5';
SELECT id, name, row_number() OVER (PARTITION BY k % 3 ORDER BY name) FROM t WHERE id < 8;
BEGIN; UPDATE t SET v = v * 2 WHERE k BETWEEN 100 AND 200; DELETE FROM t WHERE k > 9000; COMMIT;
SELECT count(*), sum(v) FROM t;
BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t WHERE name GLOB 'name-00*';
CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f SELECT name || ' word' || (id % 97) FROM t WHERE id <= 20000;
SELECT count(*) FROM f WHERE f MATCH 'word13'; SELECT json_group_array(json_object('k', k)) FROM (SELECT DISTINCT k FROM t ORDER BY k LIMIT 4);
EXPLAIN QUERY PLAN SELECT * FROM t WHERE k = 5 AND v > 3; SELECT hex(sha3(group_concat(name))) FROM (SELECT name FROM t ORDER BY id LIMIT 1000);
SELECT quote(9223372036854775807 + 1), 1 / 3.0, 10 / 3, -7 % 3, 'ä' LIKE 'Ä', round(2.5), 1e308 * 10;
SELECT strftime('%Y-%m-%d', 1700000000, 'unixepoch'), julianday('2024-02-29'); VACUUM; PRAGMA integrity_check;
