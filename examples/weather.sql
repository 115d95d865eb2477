-- Asks the database that weather.py made.
.mode column
.headers on
SELECT sqlite_version() AS sqlite, count(*) AS frosty_hours, count(DISTINCT station) AS stations FROM weather WHERE celsius < 0;
WITH day AS (SELECT station, hour / 24 AS day, avg(celsius) AS mean FROM weather GROUP BY station, day),
     swing AS (SELECT station, day, mean - lag(mean) OVER (PARTITION BY station ORDER BY day) AS change FROM day)
SELECT station, day, round(change, 2) AS sudden_change FROM swing ORDER BY abs(change) DESC LIMIT 5;
PRAGMA integrity_check;
