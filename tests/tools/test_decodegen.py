"""Tests of tools/decodegen.py: each kind of mistake in a table is one clear error, and a good table gives C that works."""
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "tools"))
import decodegen

HEAD = """
prefix toy
member rd u8
member rs u8
member imm s32
operand xd reg rd
operand xs reg rs
operand imm dec imm
field rd = 3:0
field rs = 7:4
field imm = s 15 11:8 << 1   # five bits
field up = 7:4 + 8
format N
format R rd rs
format I rd rs imm
format U rd=up rs=rd
format C rd rs=5
extension Base
"""


def table(*lines):
    return HEAD + "\n".join(lines) + "\n"


class Errors(unittest.TestCase):
    def refused(self, text, message, line=None):
        with self.assertRaises(decodegen.TableError) as cm:
            decodegen.read_table(text, "t")
        got = str(cm.exception)
        self.assertIn(message, got)
        self.assertNotIn("\n", got)
        n = line if line is not None else len(text.rstrip("\n").split("\n"))
        self.assertTrue(got.startswith("t:%d: " % n if n else "t: "), got)

    def test_declarations(self):
        for text, message in [
            ("prefix a b", "one `prefix NAME`"),
            ("prefix a\nprefix b", "one `prefix NAME`"),
            ("member x", "a member is"),
            ("member x u64", "a member is"),
            ("member x u8\nmember x u8", "two members x"),
            ("member op u8", "two members op"),
            ("field", "a field is"),
            ("field f 3:0", "a field is"),
            ("field f = ", "a field is"),
            ("field f = s", "has no bits"),
            ("field f = 0:3", "not HIGH:LOW"),
            ("field f = 32", "not HIGH:LOW"),
            ("field f = 7:4 4:0", "uses a bit twice"),
            ("field f = 7:4 x", "'x' is not understood"),
            ("field f = 7:4 <<", "'<<' is not understood"),
            ("field f = 7:4 << q", "'q' is not a number"),
            ("field f = 31:0 << 1", "more than 32 bits"),
            ("field f = 1:0\nfield f = 1:0", "two fields f"),
            ("operand x reg y", "operand NAME KIND MEMBER"),
            ("operand x reg", "operand NAME KIND MEMBER"),
            ("member y u8\noperand x reg y\noperand x reg y", "two operands x"),
            ("suffix k m", "suffix KIND MEMBER"),
            ("extension", "extension NAME"),
            ("extension a b", "extension NAME"),
            ("nonsense!", "neither a declaration nor a mnemonic"),
            ('alias a "b', "the string is not closed"),
        ]:
            with self.subTest(text):
                self.refused(text, message)

    def test_formats(self):
        for line, message in [
            ("format", "a format is"),
            ("format X zz", "no member 'zz'"),
            ("format X rd rd", "sets rd twice"),
            ("format X rd=zz", "'zz' is neither a field nor an earlier member"),
            ("format X rd=300", "300 does not fit into u8"),
            ("format X rd=imm", "imm does not fit into u8"),
            ("format X rd=-1", "-1 does not fit into u8"),
            ("format R rd", "two formats R"),
            ("format X rd if", "nothing follows `if`"),
            ("format X rd if rs!=1", "a member that the format does not have"),
            ("format X rd if rd=1", "'rd=1' is no condition"),
            ("format X rd rs if rd!=rs", "'rd!=rs' is no condition"),
            ("format X rd if rd:9", "'rd:9' is no condition"),
            ("format X rd if @t", "'@t' is no condition"),
        ]:
            with self.subTest(line):
                self.refused(table(line), message)

    def test_instructions(self):
        for line, message in [
            ('a 0001 0000 .... ... R "xd"', "a has 15 bits"),
            ('a 0001 0000 .... .... R', "a format and"),
            ('a 0001 0000 .... .... Q "xd"', "no format 'Q'"),
            ('a 0001 0000 .... .... R "xq"', "no operand 'xq'"),
            ('a 0001 0000 .... .... R "xd,imm"', "operand imm prints imm, which format R does not set"),
            ('a 0001 0000 0... .... R "xd"', "takes bits 0x80, which are fixed"),
            ('a 0001 0000 -... .... R "xd"', "takes bits 0x80, which are not its own"),
            ('a 0001 .... .... .... R "xd"', "no field of format R takes bits 0xf00"),
            ('a 0001 0000 .... .... R "xd" zz', "'zz' is not understood"),
            ('a 0001 0000 .... .... R "xd" as=b as=c', "'as=c' is not understood"),
            ('a 0001 0000 .... .... R "xd" over=', "'over=' is not understood"),
            ('a 0001 0000 .... .... R "xd" over=zz', "no other instruction 'zz'"),
            ('a 0001 0000 .... .... R "xd" over=a', "no other instruction 'a'"),
            ('a 0001 0000 .... .... R "xd" as=9x', "can not name semantics"),
            ('a 0001 0000 .... .... R "xd" if imm!=0', "a member that the format does not have"),
            ('a 0001 0000 0000 .... C "xd"', "takes bits 0xf0"),
            ('a 0001 0000 ---- .... C "xd"', "takes bits 0xf0"),
        ]:
            with self.subTest(line):
                if "takes bits 0xf0" in message:
                    self.refused(table("format C2 rd rs=rs", line.replace(" C ", " C2 ")), message)
                else:
                    self.refused(table(line), message)
        self.refused('prefix t\nformat N\na 0000000000000000 N ""', "before any `extension`")
        self.refused(table('a 0001 0000 .... .... R "xd"', 'a 0010 0000 .... .... R "xd"'), "two instructions a")
        self.refused(table('a.b 0001 0000 .... .... R "xd"', 'a_b 0010 0000 .... .... R "xd"'), "same name in C")
        self.refused(table("format X rd rs=5 if rs!=5", 'a 0001 0000 0000 .... X "xd"'), "can never hold")

    def test_overlaps(self):
        self.refused(table('a 0001 0000 .... .... R "xd"', 'b 0001 ---- 0000 0000 N ""'), "b and a (t:19) overlap")
        self.refused(table('a 0001 0000 .... .... R "xd"', 'b 0001 0000 0000 0000 N ""'), "overlap")
        # conditions that tell them apart
        decodegen.read_table(table('a 0001 0000 .... .... R "xd" if rs!=0', 'b 0001 0000 0000 ---- N ""'), "t")
        decodegen.read_table(table("format E rd rs if rd:even", 'a 0001 0000 .... .... E "xd"', 'b 0001 0000 ---- 0011 N ""'), "t")
        self.refused(table('a 0001 0000 .... .... R "xd" if rs!=1', 'b 0001 0000 0000 ---- N ""'), "overlap")
        # a special case must be one
        decodegen.read_table(table('a 0001 0000 .... .... R "xd"', 'b 0001 0000 0000 ---- N "" over=a'), "t")
        self.refused(table('a 0001 0000 .... .... R "xd"', 'b 0011 0000 0000 ---- N "" over=a'), "no special case of a")
        self.refused(table('a 0001 0000 .... .... R "xd"', 'b 0001 0000 ---- ---- N "" over=a'), "no special case of a")

    def test_semantics(self):
        a, b = 'a 0001 0000 .... .... R "xd" as=x', 'b 0010 0000 .... .... R "xd" as=a'
        self.refused(table(a, b), "b has the semantics of a, which has those of x")

    def test_aliases(self):
        a = 'a 0001 0000 .... .... R "xd"'
        self.refused(table(a, "alias m a"), "an alias is")
        self.refused(table(a, 'alias m b "xd"'), "no instruction 'b' above")
        self.refused(table(a, 'alias m a "imm"'), "which format R does not set")
        self.refused(table(a, 'alias m a "xd" if imm=0'), "a member that the format does not have")
        self.refused(table(a, 'alias m a "xd" if rd=imm'), "a member that the format does not have")
        self.refused(table(a, 'alias m a "xd" if'), "nothing follows `if`")
        decodegen.read_table(table(a, 'alias m a "xd" if rd=rs rs!=3'), "t")

    def test_names(self):
        self.refused(table('a/b 0001 0000 .... .... R "xd"', 'a.b 0010 0000 .... .... R "xd"'), "same name in C")
        self.refused(table('a/ 0001 0000 .... .... R "xd"'), "neither a declaration nor a mnemonic")
        self.refused(table('a/b/c 0001 0000 .... .... R "xd"'), "neither a declaration nor a mnemonic")
        self.refused(table('a 0001 0000 .... .... R "xd"', 'alias b/c a "xd"'), "an alias is")
        t = decodegen.read_table(table('a/b 0001 0000 .... .... R "xd"', 'a/c 0010 0000 .... .... R "xd" if rs:test',
                                       'alias z a/c "xd" if rd=1 @check'), "t")
        self.assertIn("TOY_A_B,", decodegen.make_header(t, "t"))
        self.assertIn("bool toy_is_test(u32 value);", decodegen.make_header(t, "t"))
        self.assertIn("toy_is_test((u32)", decodegen.make_decoder(t, "t", "h"))
        text = decodegen.make_disasm(t, "t")
        self.assertIn('put_name(o, "a", true)', text)
        self.assertIn("if (aliases && i->rd == 1 && is_check(i))", text)

    def test_constants(self):
        for words, message in [
            ("imm", "'imm' is no MEMBER=NUMBER"),
            ("zz=1", "'zz=1' is no MEMBER=NUMBER"),
            ("imm=q", "'imm=q' is no MEMBER=NUMBER"),
            ("imm=1 imm=2", "sets imm already"),
            ("rd=1", "sets rd already"),
        ]:
            with self.subTest(words):
                self.refused(table('a 0001 0000 .... .... R %s "xd"' % words), message)
        self.refused(table('format X rd', 'a 0001 0000 0000 .... X rs=256 "xd"'), "256 does not fit into u8")
        t = decodegen.read_table(table('a 0001 0000 .... .... R imm=-3 "xd,imm"', 'b 0010 0000 .... .... R imm=-3 "xd"'), "t")
        self.assertEqual(decodegen.make_decoder(t, "t", "h").count("i->imm = (s32)(-3);"), 1)

    def test_suffixes(self):
        t = decodegen.read_table(table("suffix way rs", 'a 0001 0000 .... .... R "xd"', 'alias b+ a "xd"', 'alias c a "xd"'), "t")
        text = decodegen.make_disasm(t, "t")
        for name, times in [("a", 1), ("b", 1)]:
            self.assertEqual(text.count('sb_puts(o, "%s");' % name), times)
        self.assertEqual(text.count("print_way(o, i, i->rs);"), 2)
        self.assertIn('put_name(o, "c", true)', text)

    def test_include(self):
        files = {"d/in": 'a 0001 0000 .... .... R "xd"\nextension Two', "d/bad": 'a 0001', "d/self": "include self",
                 "d/back": "include t"}

        def read(path):
            if path not in files:
                raise OSError("no such file")
            return files[path]
        t = decodegen.read_table(table("include in", 'b 0010 0000 .... .... R "xd"'), "d/t", read)
        self.assertEqual([(i.name, i.where, i.ext) for i in t.insns], [("a", "d/in:1", "Base"), ("b", "d/t:%d" % (HEAD.count("\n") + 2), "Two")])
        for line, message in [
            ("include", "it is `include FILE`"),
            ("include ../x", "it is `include FILE`"),
            ("include none", "cannot be read"),
            ("include bad", "d/bad:1: a has 4 bits"),
            ("include self", "includes itself"),
            ("include back", "includes itself"),
        ]:
            with self.subTest(line), self.assertRaises(decodegen.TableError) as cm:
                decodegen.read_table(table(line), "d/t", read)
            self.assertIn(message, str(cm.exception))

    def test_empty(self):
        self.refused("", "no `prefix`", 0)
        self.refused("prefix x", "no instructions", 0)
        self.refused(HEAD, "no instructions", 0)

    def test_width_of_formats(self):
        t = decodegen.read_table(table('a 0001 0000 .... .... R "xd"', 'b 0000 0000 0000 0000 0010 0000 .... .... R "xd"'), "t")
        with self.assertRaises(decodegen.TableError):
            decodegen.make_decoder(t, "t", "h")


class Command(unittest.TestCase):
    def run_main(self, args):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            rc = decodegen.main(args)
        return rc, err.getvalue()

    def test_bad_table_writes_nothing(self):
        with tempfile.TemporaryDirectory() as d:
            path, out = os.path.join(d, "t.decode"), os.path.join(d, "out.h")
            with open(path, "w") as f:
                f.write(table('a 0001 .... .... .... R "xd"'))
            rc, err = self.run_main([path, "--header", out])
            self.assertEqual(rc, 1)
            self.assertEqual(err.count("\n"), 1)
            self.assertFalse(os.path.exists(out))

    def test_bad_files(self):
        with tempfile.TemporaryDirectory() as d:
            rc, err = self.run_main([os.path.join(d, "none")])
            self.assertEqual((rc, err.count("\n")), (1, 1))
            path = os.path.join(d, "binary")
            with open(path, "wb") as f:
                f.write(b"\xff\xfe\x00")
            rc, err = self.run_main([path])
            self.assertEqual((rc, err.count("\n")), (1, 1))


MAIN = r"""
#include "toy.h"
#include <stdio.h>
int main(void)
{
    for (u32 w = 0; w < 0x10000; w++) {
        struct toy_insn i;
        u32 back = 0;
        bool ok = toy_decode16(w, &i);
        if (!ok && (i.op || i.len))
            return 1;
        if (ok && (!toy_encode(&i, &back) || ((back ^ w) & ~ignored(i.op))))
            return 2;
        if (ok && i.op == TOY_INC && (back & 15) != 3)
            return 4;
        if (ok)
            printf("%x %d %d %d %d\n", w, i.op, i.rd, i.rs, i.imm);
    }
    struct toy_insn bad = {.op = TOY_INC, .rd = 7, .rs = 7};
    u32 w;
    return toy_encode(&bad, &w) ? 3 : 0;
}
"""


@unittest.skipUnless(shutil.which("cc"), "no C compiler")
class Generated(unittest.TestCase):
    def test_every_word(self):
        """The generated decoder against a plain one, on all 16-bit words."""
        text = table('add 0001 0000 .... .... R "xd,xs" if rd!=3',
                     'nop 0001 0000 0000 0000 N "" over=add',
                     'inc 0001 0001 .... --++ U "xd" as=add',
                     'addi .111 .... .... .... I "xd,xs,imm" if imm!=0 rd:even')
        t = decodegen.read_table(text, "t")
        want = []
        for w in range(0x10000):
            rd, rs, imm = w & 15, w >> 4 & 15, w >> 15 << 4 | w >> 8 & 15
            imm = (imm - 32 if imm & 16 else imm) * 2
            if w == 0x1000:
                want.append("%x 2 0 0 0" % w)
            elif w >> 8 == 0x10 and rd != 3:
                want.append("%x 1 %d %d 0" % (w, rd, rs))
            elif w >> 8 == 0x11:
                want.append("%x 3 %d %d 0" % (w, rs + 8, rs + 8))
            elif w >> 12 & 7 == 7 and imm and rd % 2 == 0:
                want.append("%x 4 %d %d %d" % (w, rd, rs, imm))
        with tempfile.TemporaryDirectory() as d:
            def put(name, s):
                with open(os.path.join(d, name), "w") as f:
                    f.write(s)
            put("toy.h", decodegen.make_header(t, "t"))
            put("d.c", decodegen.make_decoder(t, "t", "toy.h"))
            put("e.c", decodegen.make_encoder(t, "t", "toy.h"))
            put("m.c", MAIN.replace("#include <stdio.h>", "#include <stdio.h>\nstatic u32 ignored(u32 op) { return op == TOY_INC ? 15 : 0; }"))
            exe = os.path.join(d, "m")
            subprocess.run(["cc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-I", TOP, "-o", exe] +
                           [os.path.join(d, x) for x in ("d.c", "e.c", "m.c")], check=True)
            got = subprocess.run([exe], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        self.assertEqual(got, want)


if __name__ == "__main__":
    unittest.main()
