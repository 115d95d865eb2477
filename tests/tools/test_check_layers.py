"""Tests of tools/check_layers.py: each rule is broken once, in a small tree made for it."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import check_layers

GOOD = {
    "lib/types.h": "#pragma once\n#include <stdint.h>\n",
    "lib/str.h": '#pragma once\n#include "lib/types.h"\n',
    "lib/str.c": '/* "quoted" */\n#include "lib/str.h"\n',
    "kernel/include/mk/mk.h": '#pragma once\n#include "lib/types.h"\n',
    "kernel/include/mk/arch/x86_64/regs.h": "#pragma once\n#ifdef __x86_64__\n#endif\n",
    "kernel/hosted/fault.c": '#include <signal.h>\n#include "mk/mk.h"\n#ifdef __linux__\n#endif\n',
    "translator/vcpu.h": '#pragma once\n#include "lib/types.h"\n',
    "translator/ir/ir.h": '#pragma once\n#include "lib/types.h"\n#include "translator/ir/ops.def"\n',
    "translator/ir/ops.def": "OP(add)\n",
    "translator/guest/guest.h": '#pragma once\n#include "translator/ir/ir.h"\n',
    "translator/guest/riscv64/decode.c": '#include "translator/guest/guest.h"\n#include "decode_gen.h"\n',
    "translator/host/host.h": '#pragma once\n#include "translator/ir/ir.h"\n',
    "translator/host/x86_64/emit.c": '#include "translator/host/host.h"\n#include "regs.h"\n',
    "translator/engine/run.c": '#include "translator/guest/guest.h"\n#include "translator/host/host.h"\n#include "mk/mk.h"\n',
    "personality/linux/exec.c": '#include <fcntl.h>\n#include "translator/vcpu.h"\n',
    "machine/bus.h": '#pragma once\n#include "mk/mk.h"\n',
    "cmd/main.c": '#include <stdio.h>\n#include "machine/bus.h"\n',
}


class Tree(unittest.TestCase):
    def check(self, changes):
        """Offences of the good tree with `changes` made to it."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in dict(GOOD, **changes).items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w") as f:
                    f.write(text)
            return check_layers.check_tree(root)

    def offends(self, rule, path, text, line=1):
        found = self.check({path: text})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith("%s:%d: %s: " % (path, line, rule)), found[0])

    def test_good_tree(self):
        self.assertEqual(self.check({}), [])

    def test_upward_arrows(self):
        self.offends("layers", "lib/a.h", '#pragma once\n#include "mk/mk.h"\n', 2)
        self.offends("layers", "lib/a.c", '#include "translator/vcpu.h"\n')
        self.offends("layers", "translator/engine/a.c", '#include "machine/bus.h"\n')
        self.offends("layers", "translator/ir/a.c", '\n#include "translator/guest/guest.h"\n', 2)

    def test_lib_may_use_kernel_in_c_files(self):
        self.assertEqual(self.check({"lib/a.c": '#include "mk/mk.h"\n'}), [])

    def test_siblings(self):
        self.offends("layers", "personality/linux/a.c", '#include "machine/bus.h"\n')
        self.offends("layers", "translator/guest/riscv64/a.c", '#include "translator/host/host.h"\n')
        self.offends("layers", "translator/host/x86_64/a.c", '#include "translator/guest/guest.h"\n')

    def test_private_to_isa(self):
        h = {"translator/guest/riscv64/rv.h": "#pragma once\n"}
        for path in ["translator/guest/aarch64/a.c", "translator/engine/a.c", "personality/linux/a.c"]:
            found = self.check(dict(h, **{path: '#include "translator/guest/riscv64/rv.h"\n'}))
            self.assertEqual(len(found), 1, found)
            self.assertIn("private to its ISA", found[0])

    def test_files_named_after_an_isa(self):
        h = {"translator/guest/riscv64/rv.h": "#pragma once\n"}
        text = '#include "translator/guest/riscv64/rv.h"\n'
        for path in ["personality/linux/abi/riscv64_signal.c", "personality/linux/abi/riscv64/signal.c", "personality/linux/riscv64.c"]:
            self.assertEqual(self.check(dict(h, **{path: text})), [])
        self.assertEqual(len(self.check(dict(h, **{"personality/linux/abi/aarch64_signal.c": text}))), 1)
        self.assertEqual(len(self.check(dict(h, **{"personality/linux/riscv64ish.c": text}))), 1)

    def test_kernel_is_behind_mk(self):
        self.offends("layers", "translator/engine/a.c", '#include "kernel/hosted/hosted.h"\n')
        self.offends("layers", "personality/linux/a.c", '#include "kernel/hosted/hosted_int.h"\n')
        self.assertEqual(self.check({"personality/linux/a.c": '#include "kernel/hosted/hosted.h"\n'}), [])

    def test_outsider(self):
        self.offends("layers", "cmd/a.c", '#include "tests/helper.h"\n')

    def test_relative_include(self):
        self.offends("layers", "translator/guest/riscv64/a.c", '#include "../../host/host.h"\n')

    def test_system_headers(self):
        self.offends("system", "lib/a.c", "#include <string.h>\n")
        self.offends("system", "machine/a.c", "#  include  <stdio.h>\n")

    def test_comments_do_not_count(self):
        self.assertEqual(self.check({"lib/a.c": "/*\n#include <stdio.h>\n*/\n// #include <stdio.h>\n"}), [])

    def test_cycle(self):
        found = self.check({"lib/a.h": '#pragma once\n#include "lib/b.h"\n', "lib/b.h": '#pragma once\n#include "lib/a.h"\n'})
        self.assertEqual(found, ["lib/a.h:1: cycles: lib/a.h -> lib/b.h -> lib/a.h"])

    def test_self_cycle(self):
        self.offends("cycles", "lib/a.h", '#pragma once\n#include "lib/a.h"\n')

    def test_own_header_first(self):
        self.offends("first", "lib/str.c", '#include "lib/types.h"\n#include "lib/str.h"\n')

    def test_pragma_once(self):
        self.offends("once", "lib/a.h", "#ifndef A\n#endif\n")
        self.assertEqual(self.check({"lib/a_def.h": "OP(add)\n"}), [])

    def test_arch_macros(self):
        self.offends("macros", "translator/engine/a.c", "#if defined(__x86_64__)\n#endif\n")
        self.offends("macros", "lib/a.c", "\n#ifdef __linux__\n#endif\n", 2)

    def test_size(self):
        self.offends("size", "lib/a.c", "\n" * 1601, 1601)

    def test_not_a_tree(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(check_layers.main([root]), 2)


if __name__ == "__main__":
    unittest.main()
