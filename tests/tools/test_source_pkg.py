"""Tests of tools/source_pkg.py: what it reads from apt, and what it lets out of a tarball. No network."""
import io
import os
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import source_pkg


def make_tar(path, members):
    """members: (name, content), content None for a folder, ('->', where) for a link."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            m = tarfile.TarInfo(name)
            data = b""
            if content is None:
                m.type = tarfile.DIRTYPE
            elif isinstance(content, tuple):
                m.type, m.linkname = tarfile.SYMTYPE, content[1]
            else:
                data = content
                m.size = len(data)
            tar.addfile(m, io.BytesIO(data))


class Names(unittest.TestCase):
    def test_request(self):
        self.assertEqual(source_pkg.parse_request("qemu:tests/tcg/,include"), ("qemu", ["tests/tcg", "include"]))
        self.assertEqual(source_pkg.parse_request("gcc-14"), ("gcc-14", []))

    def test_bad_requests(self):
        for text in ["", "-x", "a/b", "Q", "qemu:../etc", "qemu:a/../../b"]:
            with self.assertRaises(source_pkg.Failure, msg=text):
                source_pkg.parse_request(text)

    def test_uris(self):
        text = ("Reading package lists...\n'http://a.example/q_1.dsc' q_1.dsc 12462 SHA256:00\n"
                "'http://a.example/q_1.orig.tar.xz' q_1.orig.tar.xz 400 SHA256:00\nNeed to get 1 B\n")
        self.assertEqual(source_pkg.parse_uris(text), ["q_1.dsc", "q_1.orig.tar.xz"])
        self.assertEqual(source_pkg.parse_uris("E: nothing\n"), [])

    def test_upstream(self):
        files = ["q_1.dsc", "q_1.debian.tar.xz", "q_1.orig-doc.tar.gz", "q_1.orig.tar.xz", "q_1.orig.tar.xz.asc"]
        self.assertEqual(source_pkg.upstream(files), ["q_1.orig.tar.xz", "q_1.orig-doc.tar.gz"])
        self.assertEqual(source_pkg.upstream(["q_1.dsc", "q_1.tar.xz"]), ["q_1.tar.xz"])
        self.assertEqual(source_pkg.upstream(["q_1.dsc", "q_1.debian.tar.xz"]), [])


class Unpack(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.tar = os.path.join(self.dir.name, "x.tar.gz")
        self.to = os.path.join(self.dir.name, "to")

    def unpack(self, members, folders):
        make_tar(self.tar, members)
        n = source_pkg.unpack_tar(self.tar, folders, self.to)
        found = sorted(os.path.relpath(os.path.join(d, f), self.to) for d, _, fs in os.walk(self.to) for f in fs)
        return n, found

    def test_only_what_is_wanted(self):
        members = [("q-1", None), ("q-1/a/x.c", b"1"), ("q-1/ab/y.c", b"2"), ("q-1/b/z.c", b"3"), ("./q-1/a/w.c", b"4")]
        self.assertEqual(self.unpack(members, ["a"]), (2, ["a/w.c", "a/x.c"]))

    def test_everything(self):
        self.assertEqual(self.unpack([("q-1/a/x.c", b"1"), ("q-1/y", b"2")], []), (2, ["a/x.c", "y"]))

    def test_nothing_leaves(self):
        outside = os.path.join(self.dir.name, "evil")
        members = [("q/../../evil", b"1"), ("q/a/../../../evil", b"1"), ("/q/evil", b"1"), ("q/up", ("->", "../../evil")),
                   ("q/abs", ("->", "/etc/passwd")), ("q/in", ("->", "evil"))]
        _, found = self.unpack(members, [])
        self.assertFalse(os.path.exists(outside))
        self.assertFalse(os.path.lexists(os.path.join(self.to, "up")))
        self.assertFalse(os.path.lexists(os.path.join(self.to, "abs")))
        self.assertEqual(set(found) - {"evil", "in"}, set())

    def test_inner_tarball(self):
        inner = os.path.join(self.dir.name, "inner.tar.gz")
        make_tar(inner, [("gcc-1/a/x.c", b"1"), ("gcc-1/b/y.c", b"2")])
        with open(inner, "rb") as f:
            data = f.read()
        self.assertEqual(self.unpack([("pkg-1/gcc-1.tar.gz", data), ("pkg-1/other", b"3")], ["a"]), (1, ["a/x.c"]))

    def test_damaged(self):
        with open(self.tar, "wb") as f:
            f.write(b"\x1f\x8bnothing of the sort")
        with self.assertRaises((tarfile.TarError, EOFError, OSError)):
            source_pkg.unpack_tar(self.tar, [], self.to)


if __name__ == "__main__":
    unittest.main()
