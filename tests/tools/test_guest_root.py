"""Tests of tools/guest_root.py: what it reads from apt, and the files that it makes by rule. No network."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import guest_root


class Mirror(unittest.TestCase):
    def test_prefers_the_one_named_debian(self):
        text = ("|other|stable|http://a.example/debian/\nDebian|Debian-Security|trixie-security|http://b.example/debian-security/\n"
                "Debian|Debian|bookworm|http://c.example/deb/\n")
        self.assertEqual(guest_root.parse_targets(text), "http://c.example/deb")

    def test_before_lists_are_fetched(self):
        self.assertEqual(guest_root.parse_targets("||trixie|http://a.example/debian/\n"), "http://a.example/debian")

    def test_third_parties_are_not_taken(self):
        for text in ["", "garbage\n", "||nodistro|https://a.example/node/\n", "Debian|Debian|bookworm-updates|http://a.example/debian\n",
                     "Other|Other|stable|http://a.example/debian\n", "Debian|Debian|trixie|\n"]:
            self.assertIsNone(guest_root.parse_targets(text), text)


class Plan(unittest.TestCase):
    def test_reads_simulation(self):
        text = ("Reading package lists...\nInst gcc-14-base (14.2.0-19 Debian:13.1/stable [riscv64])\n"
                "Inst git:riscv64 (1:2.47.3-0 Debian:13.1/stable [all])\nConf git (1:2.47.3-0 Debian:13.1/stable [all])\nRemv x [1]\n")
        self.assertEqual(guest_root.parse_plan(text), [("gcc-14-base", "14.2.0-19", "riscv64"), ("git", "1:2.47.3-0", "all")])

    def test_nothing(self):
        self.assertEqual(guest_root.parse_plan("E: nothing\nInst\nInst x\n"), [])

    def test_file_name(self):
        self.assertEqual(guest_root.deb_name("git", "1:2.47.3-0+b1", "riscv64"), "git_1%3a2.47.3-0+b1_riscv64.deb")


class Rules(unittest.TestCase):
    def root(self, base, arch="riscv64"):
        return guest_root.Root(base, arch)

    def test_skeleton_and_files(self):
        with tempfile.TemporaryDirectory() as base:
            r = self.root(base, "amd64")
            r.skeleton()
            r.skeleton()
            r.finish()
            self.assertEqual(os.readlink(os.path.join(r.dir, "lib64")), "usr/lib64")
            self.assertEqual(os.stat(os.path.join(r.dir, "tmp")).st_mode & 0o7777, 0o1777)
            with open(os.path.join(r.dir, "etc/passwd")) as f:
                self.assertTrue(f.read().startswith("root:"))

    def test_master_passwd_and_what_a_package_brought(self):
        with tempfile.TemporaryDirectory() as base:
            r = self.root(base)
            r.skeleton()
            os.makedirs(os.path.join(r.dir, "usr/share/base-passwd"))
            with open(os.path.join(r.dir, "usr/share/base-passwd/passwd.master"), "w") as f:
                f.write("root:*:0:0:root:/root:/bin/bash\ngames:*:5:60::/x:/y\n")
            with open(os.path.join(r.dir, "etc/hosts"), "w") as f:
                f.write("mine\n")
            r.finish()
            with open(os.path.join(r.dir, "etc/passwd")) as f:
                self.assertEqual(f.read(), "root:x:0:0:root:/root:/bin/bash\ngames:x:5:60::/x:/y\n")
            with open(os.path.join(r.dir, "etc/hosts")) as f:
                self.assertEqual(f.read(), "mine\n")

    def test_alternatives(self):
        with tempfile.TemporaryDirectory() as base:
            r = self.root(base)
            r.skeleton()
            os.makedirs(os.path.join(r.dir, "usr/bin"), exist_ok=True)
            for name in ["mawk", "cc"]:
                open(os.path.join(r.dir, "usr/bin", name), "w").close()
            r.finish()
            self.assertEqual(os.readlink(os.path.join(r.dir, "usr/bin/awk")), "mawk")
            self.assertFalse(os.path.islink(os.path.join(r.dir, "usr/bin/cc")), "a real file is not replaced")
            self.assertFalse(os.path.lexists(os.path.join(r.dir, "usr/bin/java")))
            open(os.path.join(r.dir, "usr/bin/gawk"), "w").close()
            r.finish()
            self.assertEqual(os.readlink(os.path.join(r.dir, "usr/bin/awk")), "gawk")

    def test_complete_sets_are_left_alone(self):
        with tempfile.TemporaryDirectory() as base:
            r = self.root(base)
            self.assertFalse(r.is_complete("lua"))
            with open(os.path.join(r.sets_dir, "lua"), "w") as f:
                f.write("\n".join([guest_root.SUITE] + guest_root.SETS["lua"]))
            self.assertTrue(r.is_complete("lua"))
            r.add("lua", self.fail)
            with open(os.path.join(r.sets_dir, "lua"), "w") as f:
                f.write("oldsuite\nlua5.4\n")
            self.assertFalse(r.is_complete("lua"))

    def test_bad_names(self):
        with tempfile.TemporaryDirectory() as base:
            for name in ["../x", "-o", "A", "a b", ""]:
                err = io.StringIO()
                with contextlib.redirect_stderr(err):
                    self.assertEqual(guest_root.main(["--dir", base, "--", name]), 1)
                self.assertIn("not a package name", err.getvalue())


if __name__ == "__main__":
    unittest.main()
