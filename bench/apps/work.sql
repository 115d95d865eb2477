CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, name TEXT, v REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
INSERT INTO t SELECT i, (i * 7919) % 1009, printf('name-%06d', (i * 31) % 100003), i * 0.25 FROM n;
CREATE INDEX tk ON t (k);
SELECT k, count(*), round(sum(v), 2) FROM t GROUP BY k ORDER BY 3 DESC LIMIT 3;
SELECT count(*) FROM t a JOIN t b ON a.id = b.k WHERE a.name < 'name-05';
SELECT count(DISTINCT substr(name, 1, 8)), max(length(name) * k) FROM t WHERE name LIKE '%7%';
