"""Tests of tools/hostdis.py."""
import os
import shutil
import subprocess
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import hostdis

TOOL = os.path.join(ROOT, "tools", "hostdis.py")


@unittest.skipUnless(shutil.which("objdump"), "no objdump")
class Convert(unittest.TestCase):
    def convert(self, *lines):
        return list(hostdis.convert(lines))

    def test_other_lines_pass(self):
        lines = ["block 10: 1 instructions", "", "  -- 10  c.nop", "  12: 3", "  00000000: zz", "     10608:  000517b7  lui\ta5,0x51",
                 "     10672:  7422      c.ldsp\ts0,40(sp)", "  vCPU  0: pc 10"]
        self.assertEqual(self.convert(*lines), lines)

    def test_instructions(self):
        self.assertEqual(self.convert("  7f0000001000:  48 01 f8", "  -- 4  x", "  7f0000001003:  c3"),
                         ["  7f0000001000:  48 01 f8                        add rax,rdi", "  -- 4  x",
                          "  7f0000001003:  c3                              ret"])

    def test_instruction_over_two_lines(self):
        out = self.convert("  10000000:  90 48 b8 01 02 03", "  10000006:  04 05 06 07 08 c3")
        self.assertEqual([line.split("  ")[-1].strip() for line in out], ["nop", "movabs rax,0x807060504030201", "ret"])

    def test_addresses(self):
        out = self.convert("  10000000:  90", "x", "  20000000:  eb fe", "  20000002:  0f 84 f8 ff ff ff", "  20000008:  48 8b 05 00 00 00 00")
        self.assertTrue(out[2].endswith("jmp 0x20000000"), out)
        self.assertTrue(out[3].endswith("je 0x20000000"), out)
        self.assertTrue(out[4].endswith("# 0x2000000f"), out)

    def test_incomplete_instruction_spoils_nothing(self):
        out = self.convert("  10000000:  48 b8 01", "x", "  20000000:  c3")
        self.assertEqual(out[1], "x")
        self.assertTrue(out[2].endswith("ret"), out)

    def test_mark(self):
        out = self.convert("    7f0000001000:  90", "  > 7f0000001001:  0f 0b c3")
        self.assertTrue(out[0].startswith("    7f0000001000:"), out)
        self.assertTrue(out[1].startswith("  > 7f0000001001:") and out[1].endswith("ud2"), out)
        self.assertTrue(out[2].startswith("    7f0000001003:"), out)


class Tool(unittest.TestCase):
    def test_bad_objdump(self):
        r = subprocess.run([sys.executable, TOOL, "--objdump", "/none"], input="  10000000:  90\n", capture_output=True, text=True, check=False)
        self.assertEqual(r.returncode, 1)
        self.assertTrue(r.stderr.startswith("hostdis: ") and r.stderr.count("\n") == 1, r.stderr)

    def test_bytes_that_are_no_text(self):
        r = subprocess.run([sys.executable, TOOL], input=b"\xff\xfe\n", capture_output=True, check=False)
        self.assertEqual(r.returncode, 0, r.stderr)


if __name__ == "__main__":
    unittest.main()
