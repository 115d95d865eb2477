"""Tests of bench/bench.py: its figures and its table."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import bench


def row(category, native, qemu, ours, error=None):
    return {"category": category, "samples": {"native": native, "qemu:riscv64": qemu, "dragoman:riscv64": ours}, "rss_kib": {}, "error": error or {}}


class Figures(unittest.TestCase):
    def test_geomean(self):
        self.assertAlmostEqual(bench.geomean([2, 8]), 4)
        self.assertAlmostEqual(bench.geomean([3, None, 0, 3]), 3)
        self.assertIsNone(bench.geomean([]))
        self.assertIsNone(bench.geomean([None]))

    def test_medians_and_ratio(self):
        r = row("integer", [1, 2, 9], [8, 8, 8], [4, 4, 5])
        self.assertEqual(bench.ratio(r, "dragoman:riscv64", "native"), 2)
        self.assertEqual(bench.ratio(r, "qemu:riscv64", "dragoman:riscv64"), 2)
        self.assertEqual(bench.spread_of(r, "dragoman:riscv64"), 0.25)
        self.assertIsNone(bench.spread_of(row("integer", [1], [1], [1]), "qemu:riscv64"))

    def test_a_failure_has_no_numbers(self):
        r = row("integer", [1], [8], [4], {"dragoman:riscv64": "status 139"})
        self.assertIsNone(bench.ratio(r, "dragoman:riscv64", "native"))
        self.assertEqual(bench.ratio(r, "qemu:riscv64", "native"), 8)
        self.assertIsNone(bench.ratio(row("integer", [1], [], [4]), "qemu:riscv64", "native"))

    def test_summary(self):
        s = bench.summary({"a": row("integer", [1], [8], [4]), "b": row("integer", [1], [2], [4]), "c": row("startup", [1], [9], [1])}, "qemu:riscv64", "dragoman:riscv64")
        self.assertAlmostEqual(s["integer"], 1)
        self.assertAlmostEqual(s["startup"], 9)
        self.assertAlmostEqual(s["all"], 1, msg="start-up is not in the whole")
        self.assertIsNone(s["float"])

    def test_markdown(self):
        doc = {"machine": "m", "guests": ["riscv64"], "rounds": 1, "clock": "wall time", "work": {"slow": row("call", [1], [2], [4]), "bad": row("call", [1], [2], [], {"dragoman:riscv64": "its output differs"})}}
        old = {"guests": ["riscv64"], "work": {"slow": row("call", [1], [2], [8])}}
        text = bench.markdown(doc, old)
        self.assertIn("| slow | call | 1.00 s | 2.00 | 4.00 | 0.50 **slower** | - | 8.00 | -50 % |", text)
        self.assertIn("Dragoman riscv64: its output differs", text)

    def test_every_program_has_a_category(self):
        names = bench.program_names()
        folder = os.path.join(bench.HERE, "programs")
        self.assertGreaterEqual(len(names) + len(bench.APPS), 30)
        have = {bench.program_category(os.path.join(folder, n + ".c")) for n in names} | {"application"}
        self.assertEqual(have, set(bench.CATEGORIES))


if __name__ == "__main__":
    unittest.main()
