"""Tests of tools/mangen.py, bad input included."""
import contextlib
import io
import os
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import mangen

TEMPLATE = '.TH X "@VERSION@"\n@OPTIONS@\n.SH P\n@PASSES@\n.SH E\n@ENVIRONMENT@\n'


class Options(unittest.TestCase):
    def test_parse(self):
        text = '/* OPT(no) */\nOPT(A, "all", \'a\', NULL, NULL, "take all")\nOPT(B, "big-one", 0, "N", "X_B",\n    "one " "two")\n'
        self.assertEqual(mangen.parse_options(text), [("all", "a", None, None, "take all"), ("big-one", None, "N", "X_B", "one two")])

    def test_bad_tables(self):
        for text, says in [("", "no options"), ("OPT(A)\n", "t:1:"), ('\n\nOPT(A, "a", 0, NULL, NULL)\n', "t:3:"), ("int x;\n", "t:1:"),
                           ('OPT(A, "a", 0, NULL, NULL, "x")\nOPT(B, "a", 0, NULL, NULL, "y")\n', "a is there twice"),
                           ('OPT(A, "a", \'x\', NULL, NULL, "x")\nOPT(B, "b", \'x\', NULL, NULL, "y")\n', "-x is there twice")]:
            with self.assertRaises(mangen.TableError) as cm:
                mangen.parse_options(text, "t")
            self.assertIn(says, str(cm.exception))

    def test_page(self):
        page = mangen.make(TEMPLATE, [("big-one", "b", "N", "X_B", ".dots and -dashes")], [("on", "it is on", True), ("off", "it is off", False)], "1.2")
        self.assertIn('.TH X "1.2"', page)
        self.assertIn(".TP\n\\fB\\-b\\fR, \\fB\\-\\-big\\-one\\fR \\fIN\\fR\n\\&.dots and \\-dashes.\n", page)
        self.assertIn("\\fBX_B\\fR", page)
        self.assertIn(".TP\n\\fBon\\fR\nit is on\n.TP\n\\fBoff\\fR\nit is off (not done unless asked for)\n", page)

    def test_passes(self):
        self.assertEqual(mangen.parse_passes('/* PASS(no) */\nPASS(A, "a-b", UNIT, 1, "x " "y")\nPASS(C, "c", RUN, 0,\n  "z")\n'),
                         [("a-b", "x y", True), ("c", "z", False)])
        for text, says in [("PASS(A)\n", "t:1:"), ('\nPASS(A, "a", ELSE, 1, "x")\n', "t:2:"), ('PASS(A, "a", RUN, 1, "x")\nPASS(B, "a", RUN, 1, "y")\n', "twice")]:
            with self.assertRaises(mangen.TableError) as cm:
                mangen.parse_passes(text, "t")
            self.assertIn(says, str(cm.exception))

    def test_template_without_a_key(self):
        with self.assertRaises(mangen.TableError):
            mangen.make("@OPTIONS@\n@PASSES@\n@VERSION@\n", [("a", None, None, None, "x")], [], "1")

    def test_missing_file(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            self.assertEqual(mangen.main(["--template", "/nonexistent", "--options", "/nonexistent", "--passes", "/nonexistent", "--version", "1"]), 1)
        self.assertIn("mangen: ", err.getvalue())

    def test_the_real_ones(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(mangen.main(["--template", os.path.join(ROOT, "docs/dragoman.1.in"), "--options",
                                          os.path.join(ROOT, "cmd/options_def.h"), "--passes", os.path.join(ROOT, "translator/ir/passes.def"), "--version", "0"]), 0)
        self.assertIn("\\fB\\-\\-root\\fR", out.getvalue())
        self.assertNotIn("\n@", out.getvalue())


if __name__ == "__main__":
    unittest.main()
