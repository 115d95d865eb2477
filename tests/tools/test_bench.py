"""Tests of bench/bench.py: its figures, its table, its plot."""
import os
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import bench
import plot


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
        categories = [bench.program_category(os.path.join(folder, n + ".c")) for n in names if n != "true"] + [a[0] for a in bench.APPS.values()]
        self.assertEqual(set(categories) | {"startup"}, set(bench.CATEGORIES))
        for g in bench.GUESTS:
            self.assertGreaterEqual(sum(bool(bench.guests_of(c, [g])) for c in categories), 60, g)

    def test_what_changed(self):
        old = {"a": row("call", [1, 1], [], [2, 2.1]), "b": row("call", [1, 1], [], [2, 2.1]), "gone": row("call", [1], [], [1]), "one": row("call", [1], [], [1])}
        new = {"a": row("call", [1, 1], [], [2.1, 2.2]), "b": row("call", [1, 1], [], [3, 3.1]), "new": row("call", [1], [], [1]), "one": row("call", [1], [], [1.15])}
        self.assertEqual([c[0] for c in bench.changes(new, old, "dragoman:riscv64", "native")], ["b"])
        self.assertEqual([c[0] for c in bench.changes(old, new, "dragoman:riscv64", "native")], ["b"])
        self.assertAlmostEqual(bench.ratio_spread(row("call", [1, 2], [], [2, 4]), "dragoman:riscv64", "native"), 0, msg="a slow moment hit both")

    def test_a_vector_program_has_no_row_of_a_guest_without(self):
        r = {"category": "vector", "samples": {"native": [1], "qemu:aarch64": [8], "dragoman:aarch64": [2]}, "rss_kib": {}, "error": {}}
        doc = {"machine": "m", "guests": ["riscv64", "aarch64"], "rounds": 1, "clock": "wall time", "work": {"v": r}}
        self.assertIn("| v | vector | 1.00 s | - | - | - | - | 8.00 | 2.00 | 4.00 | - |", bench.markdown(doc))
        self.assertIn("aarch64: furthest from native: v 2.00. Slower than QEMU: none.", bench.markdown(doc))


class Plot(unittest.TestCase):
    doc = {"machine": "m <&>", "rounds": 1, "versions": {"qemu": "qemu-riscv64 version 7.2.1"}, "guests": ["riscv64"],
           "work": {"slow": row("call", [1], [2], [4]), "quick": row("call", [1], [8], [2]), "alone": row("float", [1], [], [1]), "bad": row("call", [1], [2], [], {"dragoman:riscv64": "x"})}}

    def test_rows(self):
        rows = plot.rows_of(self.doc["work"], "riscv64")
        self.assertEqual([(n, c) for n, c, _ in rows], [(None, "float"), ("alone", "float"), (None, "call"), ("slow", "call"), ("quick", "call")])
        self.assertAlmostEqual(rows[2][2][0], 8 ** 0.5)

    def test_it_is_well_formed(self):
        tree = xml.etree.ElementTree.fromstring(plot.draw(self.doc, "riscv64"))
        said = [e.text for e in tree.iter() if e.text]
        self.assertIn("slow", said)
        self.assertIn("QEMU 7.2", said)
        self.assertNotIn("bad", said)
        self.assertEqual(plot.draw(self.doc, "riscv64"), plot.draw(self.doc, "riscv64"))
        xml.etree.ElementTree.fromstring(plot.draw({"machine": "m", "rounds": 1, "versions": {}, "work": {}}, "aarch64"))


if __name__ == "__main__":
    unittest.main()
