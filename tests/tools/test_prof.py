"""Tests of tools/prof.py: reading samples, joining them with translations, what is shown."""
import os
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import prof

MAP = """7f0000000000 400 dragoman:common
7f0000001000 20 guest:10500 main (hello)
7f0000001020 40 guest:10540 main+0x40 (hello)
7f0000002000 10 guest:3ff7e00c04 libz.so.1+0x4c04 (libz.so.1)
7f0000003000 10 guest:40000
7f0000001010 20 guest:20000 late (hello)
"""


def hits(*rows):
    return [prof.Hit(pid, weight, part, function, pc, start, ip) for pid, weight, part, function, pc, start, ip in rows]


class Reading(unittest.TestCase):
    def test_perf(self):
        text = "  12 7f0000001004 guest:10500 main (hello) (/tmp/perf-12.map)\n 12     55 do_thing+0x10 (/x/dragoman)\n 13 ffffffff81000000 [unknown] ([kernel.kallsyms])\n"
        self.assertEqual(prof.read_perf(text, 0.5), [
            prof.Sample(12, 0x7f0000001004, 0.5, "guest:10500 main (hello)", "/tmp/perf-12.map"), prof.Sample(12, 0x55, 0.5, "do_thing", "/x/dragoman"),
            prof.Sample(13, 0xffffffff81000000, 0.5, "[unknown]", "[kernel.kallsyms]")])

    def test_ptrace(self):
        text = "map 7 1000-2000 r-xp 00001000 fe:00 123   /no/such file\n7 8 1800 2000000\n7 8 9999 1000000\nnonsense\n"
        first, second = prof.read_ptrace(text)
        self.assertEqual((first.pid, first.ip, first.weight, first.dso), (7, 0x1800, 0.002, "/no/such file"))
        self.assertIsNone(second.dso)


class Joining(unittest.TestCase):
    def test_the_line_that_holds_an_address(self):
        t = prof.Translations(MAP)
        self.assertEqual(t.find(0x7f0000001008), (0x7f0000001000, 0x10500, "main", "hello"))
        self.assertEqual(t.find(0x7f000000105f)[1:], (0x10540, "main", "hello"))
        self.assertIsNone(t.find(0x7f0000001060))
        self.assertIsNone(t.find(0x10))
        self.assertEqual(t.find(0x7f0000000010)[1:], (None, "(entering and leaving)", "engine: dispatch"))

    def test_a_later_line_wins(self):
        self.assertEqual(prof.Translations(MAP).find(0x7f0000001018)[2], "late")

    def test_without_a_name(self):
        t = prof.Translations(MAP)
        self.assertEqual(t.find(0x7f0000002001)[2:], ("libz.so.1+0x4c00…", "libz.so.1"))
        self.assertEqual(t.find(0x7f0000003001)[2:], ("no file", "made at run time"))

    def test_parts_of_the_engine(self):
        sources = {"vcpu_run": "translator/engine/run.c", "scan.isra.0": "translator/host/common/unit.c", "do_read": "personality/linux/file.c", "opt_run": "translator/opt/opt.c"}
        for symbol, part in (("vcpu_run", "engine: dispatch"), ("scan.isra.0", "engine: translating"), ("do_read", "engine: system calls"), ("opt_run", "engine: optimising"),
                             ("a64_help_nzcv", "engine: helpers")):
            self.assertEqual(prof.part_of(symbol, "/x/dragoman", sources)[0], part, symbol)
        self.assertEqual(prof.part_of("exc_page_fault", "[kernel.kallsyms]", {})[0], "kernel")
        self.assertEqual(prof.part_of("memcpy", "/lib/libc.so.6", {})[0], "engine: C library")
        self.assertEqual(prof.part_of(None, None, {})[0], "translations that are gone")

    def test_every_source_of_the_engine_has_a_part(self):
        root = os.path.join(os.path.dirname(prof.__file__), "..")
        for folder in ("translator/engine", "translator/ir", "personality/linux", "kernel/hosted", "lib", "cmd"):
            for f in os.listdir(os.path.join(root, folder)):
                if f.endswith(".c"):
                    self.assertTrue(any(prof.re.search("(^|/)" + p, folder + "/" + f) for p, _ in prof.PARTS), f)


class Showing(unittest.TestCase):
    rows = hits((1, 0.3, "hello", "main", 0x10500, 0x7f0000001000, 0x7f0000001004), (1, 0.1, "hello", "<late> & co", 0x20000, 0x7f0000009000, 0x7f0000009000),
                (1, 0.1, "engine: translating", "scan", None, None, 5))

    def test_tables(self):
        text = "\n".join(prof.report(self.rows, 5))
        self.assertIn("80.0 % in guest code", text)
        self.assertIn(" 60.00%     300.0  10500 main", text)
        self.assertIn(" 20.00%     100.0  scan", text)

    def test_picture(self):
        tree = xml.etree.ElementTree.fromstring(prof.flame(self.rows, "a <title>"))
        said = [e.text for e in tree.iter() if e.text]
        self.assertIn("10500", said)
        self.assertIn("<late> & co", said)
        several = prof.flame(self.rows + hits((2, 0.1, "kernel", "x", None, None, 9)), "t")
        self.assertIn("process 2", several)
        xml.etree.ElementTree.fromstring(prof.flame([], "nothing"))

    def test_annotated(self):
        log = ("block 10500: 2 instructions, 8 bytes, 5 host bytes\n  -- 10500  addi\ta0,a0,1\n  7f0000001000:  48 83 c0 01\n  -- 10504  ret\n  7f0000001004:  c3\n"
               "block 20000: 1 instructions, 4 bytes, 1 host bytes\n  -- 20000  nop\n  7f0000009990:  90\n")
        text = list(prof.annotate(self.rows, log, 2))
        if not prof.shutil.which("objdump"):
            self.skipTest("no objdump")
        self.assertIn("60.00% 10500 main (hello)", text)
        self.assertTrue(any(l.startswith("  60.00%") and l.endswith("ret") for l in text), text)
        self.assertTrue(any("10500  addi" in l for l in text), text)
        self.assertIn("  (not printed)", text, "the other translation of this pc is not where the samples were")


if __name__ == "__main__":
    unittest.main()
