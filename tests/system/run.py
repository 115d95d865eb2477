#!/usr/bin/env python3
"""Runs Debian's own programs under Dragoman, and natively, and compares.

    run.py [--build build] [--guest riscv64|aarch64] [--roots DIR] [--engine dragoman|qemu] [--jobs N] [--quick] [--large] [--json FILE]
           [--cache DIR] [--option OPTION]… [--list] [PATTERN…]

A case (cases.py) is a function that runs programs in a root directory and gives back a text: what they printed and how
they ended. It is called twice: with the amd64 packages, run natively, and with the guest's packages, run by the engine.
Both texts must be equal, or as the case compares them. A case that fails is tried once more on its own, since Debian's own
tests watch the clock: what passes then is counted as passed and marked.

Cases that need large packages run when they are named by a PATTERN, or with --large.

Native programs see their root by chroot, in a mount namespace of ours (and a user namespace where we are not root); the
guest's by `dragoman run --root`. `--engine qemu` runs qemu-user in Dragoman's place, by a binfmt_misc that only this
namespace sees: to tell a wrong case from a wrong translator.

--option is one for `dragoman run`, as --option=--tier=optimised.

Translations are not kept on disk, so that each run does all the work, unless --cache names a directory for them.

What the cases write goes to /tmp/t-PID in both roots. A failed case's two texts are kept in BUILD/system/GUEST/CASE.{native,guest}.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import guests

ROOT = os.path.dirname(os.path.dirname(HERE))
ROOTS = os.path.join(ROOT, "build", "roots")
INSIDE = "DGM_SYSTEM_TESTS_INSIDE"
KEEP = False

# How unshare(1) makes of us the user nobody, who owns what we own: in a user namespace.
NOBODY = ["--user", "--map-user=65534", "--map-group=65534"]

ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root", "LOGNAME": "root",
       "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "SHELL": "/bin/sh"}


class Failed(Exception):
    """The case could not do what it wanted; the text says what."""


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def text(self):
        """As a transcript. A status below zero is death by that signal."""
        return self.out + ("[stderr]\n" + self.err if self.err else "") + "[status %d]\n" % self.status


class Context:
    """What a case works with: one engine, one root, one fresh directory in it, which is also the working directory."""

    def __init__(self, engine, case, top):
        self.engine, self.case = engine, case
        self.cwd = "/tmp/%s/%s" % (top, case.name)  # as programs see it
        self.dir = engine.root + self.cwd           # as we see it
        self.native = engine.name == "native"
        self.children = []
        self.shared = os.path.join(ROOTS, "amd64", "tmp", top, case.name + ".shared")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        os.makedirs(self.shared, exist_ok=True)
        for f in case.files:
            shutil.copy(os.path.join(HERE, "files", f), self.dir)

    def popen(self, argv, env=None, user=False, **kw):
        """Starts a program in the root. It ends with the case at the latest. `user`: not as root, but as the user nobody."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen(self.engine.argv(argv, self.cwd, NOBODY if user else []), env=dict(ENV, **(env or {})), start_new_session=True, **kw)
        self.children.append(p)
        return p

    def run(self, argv, stdin=b"", env=None, timeout=None, user=False):
        """Runs a program in the root to its end."""
        p = self.popen(argv, env, user, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = p.communicate(stdin, timeout or self.case.timeout)
        except subprocess.TimeoutExpired:
            kill(p)
            out, err = p.communicate()
            raise Failed("%s took longer than %d s\n%s\n[stderr]\n%s" % (" ".join(argv), timeout or self.case.timeout,
                                                                       out.decode(errors="replace")[-3000:], err.decode(errors="replace")[-3000:]))
        return Result(p.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def tool(self, argv, stdin=b"", timeout=None):
        """Runs an amd64 program natively, whichever engine the case is for: clients of servers, makers of test data. It works in a directory that is the
        same for both engines, `shared` as we see it."""
        tool = Native("native", "amd64")
        cwd = os.path.join("/", os.path.relpath(self.shared, tool.root))
        p = subprocess.run(tool.argv(argv, cwd, []), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, timeout=timeout or self.case.timeout)
        return Result(p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace"))

    def close(self):
        for p in self.children:
            kill(p)
        for p in self.children:
            p.wait()
            for f in (p.stdin, p.stdout, p.stderr):
                if f:
                    f.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def kill(p):
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Native:
    def __init__(self, name, arch):
        self.name, self.arch, self.root = name, arch, os.path.join(ROOTS, arch)

    def argv(self, argv, cwd, user):
        return ["unshare"] + user + ["--root=" + self.root, "--wd=" + cwd] + argv


class Dragoman:
    name = "dragoman"

    def __init__(self, build, arch, cache, options):
        self.arch, self.root, self.command = arch, os.path.join(ROOTS, arch), os.path.join(build, "dragoman")
        self.options = (["--cache", os.path.abspath(cache)] if cache else ["--no-cache"]) + options

    def argv(self, argv, cwd, user):
        return (["unshare"] + user if user else []) + [self.command, "run"] + self.options + ["--root", self.root, "-C", cwd] + argv


def enter_namespace(argv):
    """Starts this script again in namespaces of its own. Returns only in there; None when that is not possible."""
    if os.environ.get(INSIDE):
        return
    qemu = any(a in ("qemu", "--engine=qemu") for a in argv)
    how = ["unshare", "--mount"]
    if os.getuid() != 0 or qemu:  # a binfmt_misc of our own needs a user namespace of our own
        how += ["--user", "--map-root-user"]
    if subprocess.run(how + ["true"], stderr=subprocess.DEVNULL).returncode:
        print("system tests: this machine lets us make no namespaces (tried: %s)" % " ".join(how), file=sys.stderr)
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp(how[0], how + [sys.executable, os.path.abspath(__file__)] + argv)


def mount_in(root):
    for d in ["dev", "proc"]:
        subprocess.run(["mount", "--rbind", "/" + d, os.path.join(root, d)], check=True)


# ELF header of an executable, its machine at the end, and which of its bits count.
ELF_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x%02x\x00"
ELF_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def register_qemu(guest):
    name = "qemu-%s-static" % guest.name
    static = shutil.which(name) or os.environ.get(name.upper().replace("-", "_"))
    if not static:
        sys.exit("system tests: --engine qemu needs %s (package qemu-user-static)" % name)
    subprocess.run(["mount", "-t", "binfmt_misc", "none", "/proc/sys/fs/binfmt_misc"], check=True)
    with open("/proc/sys/fs/binfmt_misc/register", "w") as f:
        f.write(":%s:M::%s:%s:%s:FPOC" % (guest.name, ELF_MAGIC % guest.machine, ELF_MASK, static))


def run_once(case, engine, top):
    """(text, seconds) of one side. What went wrong with the case itself becomes its text."""
    cx = Context(engine, case, top)
    start = time.monotonic()
    try:
        text = case.fn(cx)
    except Failed as e:
        text = "[case failed] %s\n" % e
    except Exception as e:  # a case that falls over must not take the others with it
        text = "[case failed] %s: %s\n" % (type(e).__name__, e)
    finally:
        cx.close()
    return text, time.monotonic() - start


def run_case(case, guest, native, top, keep):
    """(name, offences, native seconds, guest seconds)."""
    want, t_native = run_once(case, native, top)
    if want.startswith("[case failed]"):
        return case.name, ["natively: " + want.strip()], t_native, 0.0
    got, t_guest = run_once(case, guest, top)
    offences = case.compare(want, got)
    for name, text in (("native", want), ("guest", got)):
        path = os.path.join(keep, "%s.%s" % (case.name, name))
        if offences or KEEP:
            with open(path, "w") as f:
                f.write(text)
        elif os.path.exists(path):
            os.unlink(path)
    return case.name, offences, t_native, t_guest


def main(argv):
    global KEEP, ROOTS
    ap = argparse.ArgumentParser(description="Runs Debian's own programs under Dragoman, and natively, and compares.")
    ap.add_argument("--build", default=os.path.join(ROOT, "build"))
    guests.add_option(ap)
    ap.add_argument("--roots", default=ROOTS, help="where the Debian packages are")
    ap.add_argument("--engine", choices=["dragoman", "qemu"], default="dragoman")
    ap.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 2)
    ap.add_argument("--json", metavar="FILE", help="write the results here too")
    ap.add_argument("--cache", metavar="DIR", help="keep translations there (dragoman run --cache)")
    ap.add_argument("--option", action="append", default=[], metavar="OPTION", help="one for dragoman run")
    ap.add_argument("--keep", action="store_true", help="keep the texts of cases that pass too")
    ap.add_argument("--quick", action="store_true", help="without the long ones")
    ap.add_argument("--large", action="store_true", help="those that need large packages too")
    ap.add_argument("--list", action="store_true", help="name the cases")
    ap.add_argument("patterns", nargs="*", metavar="PATTERN")
    a = ap.parse_args(argv)
    sys.path[:0] = [HERE, os.path.join(ROOT, "tools")]
    import cases
    import programs  # noqa: F401 (both enter their cases in cases.CASES)
    import servers  # noqa: F401
    import signals
    chosen = [c for c in cases.CASES if not (a.quick and c.long) and (not c.large or a.large or a.patterns)
              and (not a.patterns or any(fnmatch.fnmatch(c.name, p) for p in a.patterns))]
    if a.list:
        for c in chosen:
            print("%-24s %s" % (c.name, " ".join(c.sets)))
        return 0
    if not chosen:
        print("system tests: no case is called %s" % " ".join(a.patterns), file=sys.stderr)
        return 2
    enter_namespace(argv)
    signals.as_a_terminal_gives_them()
    KEEP, ROOTS = a.keep, os.path.abspath(a.roots)

    native = Native("native", "amd64")
    guest = Native("qemu", a.guest.debian) if a.engine == "qemu" else Dragoman(os.path.abspath(a.build), a.guest.debian, a.cache, a.option)
    sets = sorted({"base"} | {s for c in chosen for s in c.sets})
    tools = sorted({s for c in chosen for s in c.tools})
    for arch, more in ((a.guest.debian, []), ("amd64", tools)):
        p = subprocess.run([os.path.join(ROOT, "tools", "guest_root.py"), "--quiet", "--dir", ROOTS, "--arch", arch] + sets + more)
        if p.returncode:
            return 1
    mount_in(native.root)
    if a.engine == "qemu":
        mount_in(guest.root)
        register_qemu(a.guest)
    keep = os.path.join(os.path.abspath(a.build), "system", a.guest.name)
    os.makedirs(keep, exist_ok=True)
    top = "t-%d" % os.getpid()
    rows = {}

    def show(row, again):
        name, offences, tn, tg = row
        if not offences:
            print("%-24s ok        native %6.2f s  %s %6.2f s%s" % (name, tn, a.engine, tg, "  (second try)" if again else ""), flush=True)
        elif again:
            print("%-24s FAILED    native %6.2f s  %s %6.2f s" % (name, tn, a.engine, tg))
            for l in offences[:12]:
                print("    " + l)
            print("    (texts: %s/%s.{native,guest})" % (os.path.relpath(keep, ROOT), name), flush=True)

    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        # those that may take long first, so that none of them is left running alone in the end
        order = sorted(chosen, key=lambda c: -c.timeout)
        todo = {pool.submit(run_case, c, guest, native, top, keep): c for c in order}
        for f in concurrent.futures.as_completed(todo):
            rows[todo[f].name] = f.result()
            show(f.result(), False)
    for c in chosen:
        if rows[c.name][1]:
            rows[c.name] = run_case(c, guest, native, top, keep)
            show(rows[c.name], True)
    for r in (native.root, guest.root):
        shutil.rmtree(os.path.join(r, "tmp", top), ignore_errors=True)
    failed = sum(1 for r in rows.values() if r[1])
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"passed": len(rows) - failed, "failed": failed, "skipped": 0,
                       "cases": [{"name": n, "ok": not o, "native_s": tn, "guest_s": tg} for n, o, tn, tg in rows.values()]}, f)
    print("%d passed, %d failed, 0 skipped" % (len(rows) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
