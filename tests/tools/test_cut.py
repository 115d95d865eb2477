"""Tests of tests/golden/cut.py: which loop is cut out of a program, and how it is written."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import cut

CODE = [(0x100, "li a0,0", None), (0x104, "addi a0,a0,1", None), (0x108, "beqz a0,120 <main+0x20>", 0x120), (0x10c, "jal ra,200 <f>", 0x200),
        (0x110, "bne a0,a1,104 <main+0x4>", 0x104), (0x114, "addi a2,a2,1", None), (0x118, "j 100 <main>", 0x100), (0x120, "ret", None)]


class Cut(unittest.TestCase):
    def test_the_shortest_loop_that_is_hot_enough(self):
        self.assertEqual(cut.cut(CODE, {0x104: 90, 0x114: 10}, "riscv64", 50, 100), (1, 4))
        self.assertEqual(cut.cut(CODE, {0x104: 40, 0x114: 60}, "riscv64", 50, 100), (0, 6))
        self.assertIsNone(cut.cut(CODE, {0x104: 40, 0x200: 60}, "riscv64", 50, 100))
        self.assertIsNone(cut.cut(CODE, {0x104: 90}, "riscv64", 50, 2), "longer than wanted")

    def test_a_call_back_is_no_loop(self):
        code = [(0x100, "nop", None), (0x104, "bl 100 <f>", 0x100)]
        self.assertIsNone(cut.cut(code, {0x100: 1}, "aarch64", 50, 100))

    def test_as_assembler(self):
        self.assertEqual(list(cut.assembler(CODE, 1, 4, "riscv64")), [
            "l0:", "    addi a0, a0, 1", "    beqz a0, out0", "    jal ra, out1", "    bne a0, a1, l0", "out0:", "out1:", "    ret"])


if __name__ == "__main__":
    unittest.main()
