"""Tests of tools/check.py and tools/test.py: what they read, and that offences are found."""
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import check
import test as runner


class Flags(unittest.TestCase):
    def test_output_and_dependencies_go(self):
        argv = "-Ilibcore.a.p -I../lib -DX=1 -Wall -std=gnu17 -ffreestanding -O2 -g -MD -MQ a.o -MF a.d -o a.o -c ../a.c".split()
        self.assertEqual(check.clean_flags(argv), ["-I" + os.path.join(check.BUILD, "libcore.a.p"), "-I" + os.path.join(check.ROOT, "lib"),
                                                   "-DX=1", "-Wall", "-std=gnu17", "-ffreestanding"])


class Words(unittest.TestCase):
    def offences(self, text):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "lib"))
            with open(os.path.join(root, "lib", "a.c"), "w") as f:
                f.write(text)
            with mock.patch.object(check, "ROOT", root):
                return check.check_words()

    def test_banned(self):
        for text in ["the target machine\n", "int target_arch;\n", "a guest target\n", "target ISA\n", "fetch http://deb." + "debian.org/x\n"]:
            self.assertEqual(len(self.offences(text)), 1, text)

    def test_allowed(self):
        for text in ["the branch target address\n", '__attribute__((target("avx2")))\n', "--target x\n", '<!DOCTYPE target SYSTEM "x">\n']:
            self.assertEqual(self.offences(text), [], text)


class Promises(unittest.TestCase):
    def test_names_are_found(self):
        text = "Text `a/b`.\n| promise | held by |\n|---|---|\n| x `no/t` | `ir/ir-fold` `system/python-*`, `./dev check` |\n"
        self.assertEqual(check.promised_tests(text), ["ir/ir-fold", "system/python-*"])


class Docs(unittest.TestCase):
    def test_names_are_found(self):
        self.assertEqual(check.named_files("`a/b.c` `x.h` `<isa>.c` `ls` `python3 x.py` `../t.md`"), ["../t.md", "a/b.c", "x.h"])


class Undefined(unittest.TestCase):
    def test_what_may_be_called(self):
        for name in ["mk_pages_alloc", "__udivti3", "__clzdi2", "__aarch64_cas8_acq_rel"]:
            self.assertTrue(check.MAY_CALL.fullmatch(name), name)
        for name in ["malloc", "printf", "__atomic_compare_exchange_16", "write", "mkdir"]:
            self.assertFalse(check.MAY_CALL.fullmatch(name), name)


class TestLog(unittest.TestCase):
    def test_names_of_several_versions_of_meson(self):
        lines = [{"name": "dragoman:ir / ir fold", "result": "OK"}, {"name": "unit - dragoman:fold", "result": "FAIL", "stdout": "x"},
                 {"name": "plain", "result": "SKIP"}, {"name": "unknown", "result": "TIMEOUT"}]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            f.write("\n".join(map(json.dumps, lines)))
            f.flush()
            got = runner.read_log(f.name, {"ir fold": "ir", "fold": "unit", "plain": "other"})
        self.assertEqual([r[:3] for r in got], [("ir", "ir fold", "OK"), ("unit", "fold", "FAIL"), ("other", "plain", "SKIP"), ("other", "unknown", "TIMEOUT")])
        self.assertEqual(runner.count(got), {"ir": [1, 0, 0], "unit": [0, 1, 0], "other": [0, 1, 1]})

    def test_no_log(self):
        self.assertEqual(runner.read_log("/nonexistent", {}), [])


if __name__ == "__main__":
    unittest.main()
