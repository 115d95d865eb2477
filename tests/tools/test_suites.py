"""Tests of tests/suites: judging, known failures, retries, the table, and what is read from other projects' files."""
import os
import sys
import tempfile
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "suites"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import suite
import suite_gcc_torture
import suite_posix
import suite_rt_tests
import suite_stress_ng
import suite_testfloat
import testfloat_aarch64
import testfloat_riscv64

GUEST = suite.guests.GUESTS["riscv64"]
MODULE = types.SimpleNamespace(TITLE="T", ABOUT="about", NOTES=[])


def outcome(status, output=""):
    return suite.Outcome(status, output, 0.0)


def results_of(rows):
    """rows: {test: (native, qemu, ours)}"""
    r = suite.Results("/nonexistent/results.json", "riscv64")
    for name, verdicts in rows.items():
        for side, v in zip(suite.SIDES, verdicts):
            if v:
                r.put(name, side, v, 1, "")
    return r


class Judging(unittest.TestCase):
    def test_status(self):
        for status, want in [(0, "pass"), (3, "exit 3"), (-11, "SIGSEGV"), (-63, "signal 63"), (None, "time-out")]:
            self.assertEqual(suite.by_status(outcome(status), "ours"), want)

    def test_posix(self):
        for status, want in [(0, "pass"), (1, "fail"), (2, "unresolved"), (4, "skip"), (5, "skip"), (3, "exit 3"), (-6, "SIGABRT"),
                             (None, "time-out")]:
            self.assertEqual(suite_posix.judge(outcome(status), "ours"), want)

    def test_testfloat_must_have_tested(self):
        self.assertEqual(suite_testfloat.judge(outcome(0, "In 408 tests, no errors found in x.\n"), "ours"), "pass")
        self.assertEqual(suite_testfloat.judge(outcome(0, ""), "ours"), "output")
        self.assertEqual(suite_testfloat.judge(outcome(1, "80 tests performed; 20 errors found.\n"), "ours"), "errors")
        self.assertEqual(suite_testfloat.judge(outcome(-4), "ours"), "SIGILL")

    def test_stress(self):
        good = "stress-ng: info:  [1] successful run completed in 2.00 secs\n"
        self.assertEqual(suite_stress_ng.judge(outcome(0, good), "ours"), "pass")
        self.assertEqual(suite_stress_ng.judge(outcome(0, "stress-ng: info:  [1] skipped: 1: x (1)\n" + good), "ours"), "skip")
        self.assertEqual(suite_stress_ng.judge(outcome(4), "ours"), "skip")
        self.assertEqual(suite_stress_ng.judge(outcome(2), "ours"), "exit 2")
        self.assertEqual(suite_stress_ng.judge(outcome(0, ""), "ours"), "output")

    def test_rt(self):
        t = [t for t in suite_rt_tests.tests(None) if t.name == "cyclictest"][0]
        self.assertEqual(t.judge(outcome(0, "T: 0 Max: 5"), "ours"), "pass")
        self.assertEqual(t.judge(outcome(0, ""), "ours"), "output")


class Known(unittest.TestCase):
    def load(self, text, guest="riscv64"):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(text)
            f.flush()
            return suite.load_known(f.name, guest)

    def test_reads(self):
        known = self.load("# why\n\na/*-1 ours,qemu  for a reason\n")
        self.assertEqual(suite.reason_for(known, "a/2-1", "qemu"), "for a reason")
        self.assertIsNone(suite.reason_for(known, "a/2-1", "native"))
        self.assertIsNone(suite.reason_for(known, "b", "ours"))

    def test_guests(self):
        text = "a ours@aarch64,qemu  one reason\nb native@aarch64  another\n"
        self.assertEqual(self.load(text, "riscv64"), [("a", ["qemu"], "one reason")])
        self.assertEqual(self.load(text, "aarch64"), [("a", ["ours", "qemu"], "one reason"), ("b", ["native"], "another")])

    def test_bad_lines(self):
        for text in ["x\n", "x ours\n", "x theirs reason\n", "x ours,theirs reason\n", "x ours@pdp11 reason\n"]:
            with self.assertRaises(ValueError, msg=text):
                self.load(text)

    def test_absent_file(self):
        self.assertEqual(suite.load_known("/nonexistent", "riscv64"), [])

    def test_lists_of_the_tree(self):
        folder = os.path.join(HERE, "..", "suites", "known")
        for name in os.listdir(folder):
            suite.load_known(os.path.join(folder, name), "riscv64")

    def test_offences(self):
        r = results_of({"new": ("pass", "pass", "SIGSEGV"), "known": ("pass", "pass", "exit 1"), "everywhere": ("fail", "fail", "fail"),
                        "fine": ("pass", "pass", "pass"), "refused": ("unbuilt", "unbuilt", "unbuilt"), "alone": (None, None, "exit 2")})
        known = [("known", ["ours"], "x")]
        self.assertEqual([n for n, _, _ in suite.offences(r, sorted(r.tests), known)], ["alone", "new"])

    def test_stale(self):
        r = results_of({"a": ("pass", "pass", "pass"), "b": ("pass", "pass", "exit 1")})
        known = [("a", ["ours"], "x"), ("b", ["ours"], "x"), ("c", ["ours"], "not run"), ("a", ["qemu"], "x")]
        self.assertEqual(suite.stale(r, ["a", "b"], known), ["a"])


class Running(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.old = suite.ROOT
        suite.ROOT = self.dir.name
        self.addCleanup(setattr, suite, "ROOT", self.old)
        self.cx = suite.Context("x", "/bin/false", False, GUEST)
        self.cx.launcher = []

    def run_all(self, tests, sides=("native",), retries=2):
        r = suite.Results(self.cx.path("results.json"), "riscv64")
        suite.run_all(self.cx, tests, list(sides), r, 2, lambda s: None, retries)
        return r

    def script(self, name, text, **kw):
        return suite.Test(name, lambda side, cx: ["sh", "-c", text], whole=True, **kw)

    def test_outcomes(self):
        def refuse(side, cx):
            raise suite.Unbuilt("no")
        r = self.run_all([self.script("good", "exit 0"), self.script("bad", "exit 3"), self.script("slow", "sleep 20", timeout=0.2),
                          self.script("dead", "kill -9 $$"), suite.Test("no", refuse)], retries=0)
        self.assertEqual([r.verdict(n, "native") for n in ("good", "bad", "slow", "dead", "no")],
                         ["pass", "exit 3", "time-out", "SIGKILL", "unbuilt"])
        again = suite.Results(self.cx.path("results.json"), "riscv64")
        self.assertEqual(again.tests, r.tests)

    def test_guests_share_native(self):
        t = self.script("t", "exit 3")
        self.run_all([t], ("native", "ours"), 0)
        other = suite.Results(self.cx.path("results.json"), "aarch64")
        self.assertEqual((other.verdict("t", "native"), other.verdict("t", "ours")), ("exit 3", None))

    def test_second_try(self):
        mark = os.path.join(self.dir.name, "mark")
        r = self.run_all([self.script("flaky", "test -e %s && exit 0; touch %s; exit 1" % (mark, mark))])
        self.assertEqual((r.verdict("flaky", "native"), r.get("flaky", "native")["tries"]), ("pass", 2))

    def test_what_is_left_behind_ends(self):
        mark = os.path.join(self.dir.name, "late")
        self.run_all([self.script("parent", "(sleep 0.5; touch %s) & exit 0" % mark)])
        import time
        time.sleep(0.8)
        self.assertFalse(os.path.exists(mark))

    def test_other_output_than_qemu(self):
        t = suite.Test("t", lambda side, cx: ["sh", "-c", "echo " + side], whole=True, equal=True)
        self.assertEqual(self.run_all([t], ("qemu", "ours"), 0).verdict("t", "ours"), "output")
        same = suite.Test("t", lambda side, cx: ["echo", "x"], whole=True, equal=True)
        self.assertEqual(self.run_all([same], ("qemu", "ours"), 0).verdict("t", "ours"), "pass")


class Table(unittest.TestCase):
    def test_rows(self):
        r = results_of({"a": ("pass", "pass", "pass"), "b": ("pass", "SIGILL", "exit 1"), "c": ("fail", "fail", "fail"),
                        "d": ("pass", "pass", "SIGSEGV")})
        text = suite.table(MODULE, "run.py x", ["v"], [("riscv64", ["w"], r, ["a", "b", "c", "d"], [("b", ["ours"], "because")])])
        self.assertIn("\n## riscv64\n\n* w\n", text)
        self.assertIn("| passed | 3 | 2 | 1 |", text)
        self.assertIn("| failed | 1 | 2 | 3 |", text)
        self.assertIn("native does not have: 2; of these not QEMU's: 1.", text)
        self.assertIn("| b | pass | SIGILL | exit 1 | because |", text)
        self.assertIn("c (fail)", text)
        self.assertNotIn("| a |", text)


class Sources(unittest.TestCase):
    def test_options(self):
        o = suite_gcc_torture.options
        self.assertEqual(o('/* { dg-options "-fwrapv -O" } */', True), ["-fwrapv", "-O"])
        self.assertEqual(o('/* { dg-options { "-fwrapv" } } */', False), ["-fwrapv"])
        x86 = '/* { dg-options "-mno-mmx" { target { x86_64-*-* i?86-*-* } } } */'
        self.assertEqual((o(x86, True), o(x86, False)), (["-mno-mmx"], []))
        self.assertEqual(o('/* { dg-additional-options "-DSIGNAL_SUPPRESS" { target { ! signal } } } */', True), [])
        self.assertEqual(o("int main(void) { return 0; }", True), [])

    def test_subject(self):
        for guest in (testfloat_riscv64, testfloat_aarch64):
            names = []
            for variant in guest.VARIANTS:
                functions = guest.subjects(variant)
                self.assertEqual(len(functions), len({f[0] for f in functions}))
                names += [(group, name) for name, *_, group in functions]
                text = suite_testfloat.make_subject(guest, variant, functions)
                config = suite_testfloat.make_config(guest, functions)
                for name, *_ in functions:
                    self.assertIn(" subj_%s(" % name, text)
                    self.assertIn("#define SUBJ_%s\n" % name.upper(), config)
            self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
