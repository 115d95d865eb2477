"""A day's work for a small machine: a year of weather, put into a database and looked at.

    weather.py DATABASE

Makes hourly measurements of 24 stations (the same every time), stores them with Python's sqlite3, fits each station's yearly
curve by least squares, and prints what it found. weather.sql then asks the same database from the sqlite3 command.
"""
import hashlib
import math
import os
import random
import sqlite3
import sys

STATIONS, HOURS = 24, 24 * 365


def measurements(rng, station):
    base, swing = rng.uniform(2, 16), rng.uniform(4, 14)
    drift = 0.0
    for hour in range(HOURS):
        drift = 0.97 * drift + rng.gauss(0, 0.6)
        season = -swing * math.cos(2 * math.pi * (hour / HOURS - 0.05))
        day = 3 * math.sin(2 * math.pi * (hour % 24 - 9) / 24)
        yield station, hour, round(base + season + day + drift, 1)


def fit(values):
    """Mean, amplitude and coldest day of the yearly curve, by least squares."""
    a = b = 0.0
    mean = sum(values) / len(values)
    for hour, v in enumerate(values):
        x = 2 * math.pi * hour / HOURS
        a += (v - mean) * math.cos(x)
        b += (v - mean) * math.sin(x)
    a, b = 2 * a / len(values), 2 * b / len(values)
    coldest = (math.atan2(b, a) + math.pi) % (2 * math.pi) / (2 * math.pi) * 365
    return mean, math.hypot(a, b), coldest


def main(path):
    print("python %s on %s" % (".".join(map(str, sys.version_info[:3])), os.uname().machine))
    if os.path.exists(path):
        os.unlink(path)
    rng = random.Random(2024)
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE weather (station INTEGER, hour INTEGER, celsius REAL)")
    for station in range(STATIONS):
        db.executemany("INSERT INTO weather VALUES (?, ?, ?)", measurements(rng, station))
    db.execute("CREATE INDEX by_station ON weather (station, hour)")
    db.commit()
    n, mean = db.execute("SELECT count(*), avg(celsius) FROM weather").fetchone()
    print("%d measurements of %d stations, mean %.2f C" % (n, STATIONS, mean))
    digest = hashlib.sha256()
    fits = []
    for station in range(STATIONS):
        values = [row[0] for row in db.execute("SELECT celsius FROM weather WHERE station = ? ORDER BY hour", (station,))]
        digest.update(",".join(map(str, values)).encode())
        fits.append((station,) + fit(values))
    for station, mean, swing, coldest in sorted(fits, key=lambda f: -f[2])[:3]:
        print("station %2d: mean %5.2f C, swings by %5.2f C, coldest on day %.0f" % (station, mean, swing, coldest))
    print("sha256 of all values: %s" % digest.hexdigest()[:32])


main(sys.argv[1])
