#!/usr/bin/env python3
"""Tests of tools/fuzz.py: parts of corpus files, names and numbers that are wrong, a fuzzer's end passed on."""
import io
import os
import stat
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import fuzz


class Fuzz(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.old, fuzz.ROOT = fuzz.ROOT, self.dir.name
        os.makedirs(os.path.join(fuzz.ROOT, "tests", "fuzz", "corpus", "x"))
        os.makedirs(os.path.join(fuzz.ROOT, "build-fuzz", "tests", "fuzz"))

    def tearDown(self):
        fuzz.ROOT = self.old
        self.dir.cleanup()

    def program(self, text, mode=0o755):
        path = os.path.join(fuzz.ROOT, "build-fuzz", "tests", "fuzz", "fuzz_x")
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, mode)

    def main(self, *argv):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            rc = fuzz.main(list(argv))
        return rc, out.getvalue(), err.getvalue()

    def test_split(self):
        self.assertEqual(fuzz.split(b"plain"), [b"plain"])
        self.assertEqual(fuzz.split(b"a\n; test: 1\nb\n; test: 2\n"), [b"a", b"; test: 1\nb", b"; test: 2\n"])
        self.assertEqual(b"\n".join(fuzz.split(b"\n; test:\n; test:")), b"\n; test:\n; test:")

    def test_seeds(self):
        corpus, into = os.path.join(fuzz.ROOT, "tests", "fuzz", "corpus", "x"), os.path.join(fuzz.ROOT, "seeds")
        for name, data in (("one", b"1"), ("two", b"; test: a\n; test: b")):
            with open(os.path.join(corpus, name), "wb") as f:
                f.write(data)
        fuzz.seeds(corpus, into)
        self.assertEqual(sorted(os.listdir(into)), ["one", "two.0", "two.1"])

    def test_names(self):
        self.assertEqual(self.main()[1], "there are no fuzzers: ./dev fuzz builds them\n")
        self.program("exit 0")
        self.assertEqual(self.main()[1], "x\n")
        self.program("exit 0", stat.S_IRUSR)
        self.assertEqual(fuzz.fuzzers(os.path.join(fuzz.ROOT, "build-fuzz")), {})
        self.program("exit 0")
        self.assertEqual(self.main("y")[0], 2)
        self.assertEqual(self.main("x", "long")[0], 2)
        self.assertEqual(self.main("x", "-1")[0], 2)

    def test_runs(self):
        self.program("exit 0")
        self.assertEqual(self.main("x", "1")[0], 0)
        self.program("exit 77")
        rc, out, _ = self.main("all", "1")
        self.assertEqual(rc, 1)
        self.assertIn("FAILED with status 77", out)


if __name__ == "__main__":
    unittest.main()
