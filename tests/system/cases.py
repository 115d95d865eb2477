"""The cases of the system tests: each runs one of Debian's programs at real work. Those whose programs are
servers are in servers.py, those that need more words in programs.py.

A case gets a run.Context and returns a text, which must be the same natively and under the engine. Scripts that programs run are in
files/. The Debian packages that a case needs are named as sets of tools/guest_root.py.
"""
import glob
import os
import pty
import re
import select
import time

from run import Failed

CASES = []


class Case:
    def __init__(self, name, fn, sets, files, timeout, compare, long, large, tools):
        self.name, self.fn, self.sets, self.files, self.timeout, self.compare, self.long, self.large = name, fn, sets, files, timeout, compare, long, large
        self.tools = tools


def equal(want, got):
    """Offences: the lines that differ, as a small diff."""
    if want == got:
        return []
    if got.startswith("[case failed]"):
        return got.splitlines()
    import difflib
    return list(difflib.unified_diff(want.splitlines(), got.splitlines(), "native", "guest", n=1, lineterm=""))[2:] or ["texts differ in line ends"]


def case(name, sets=(), files=(), timeout=120, compare=equal, long=False, large=False, tools=()):
    """`long`: it takes most of a minute and more natively, and --quick leaves it out. `large`: it needs packages of some tens of megabytes
    and more, and runs only when asked for. `tools`: sets of which only the native programs are wanted."""
    def add(fn):
        CASES.append(Case(name, fn, list(sets), list(files), timeout, compare, long, large, list(tools)))
        return fn
    return add


def script(name, argv, sets=(), files=(), timeout=120, env=None):
    """A case that runs one program to its end and compares all of what it said."""
    @case(name, sets, files, timeout)
    def fn(cx):
        return cx.run(argv, env=env).text()


# --- shells and small tools ---

for _name in ("pipes", "jobs"):
    def _bash(cx, name=_name):
        r = cx.run(["/bin/bash", "bash_%s.sh" % name])
        return re.sub(r"(line \d+: +)\d+ ", r"\1PID ", r.text())
    case("bash-" + _name, files=["bash_%s.sh" % _name])(_bash)

script("coreutils", ["/bin/sh", "coreutils.sh"], files=["coreutils.sh"])
script("busybox", ["/usr/bin/busybox", "sh", "busybox.sh"], files=["busybox.sh"])


@case("exit-status")
def exit_status(cx):
    """Exit codes and deaths by signal arrive as they are; so do arguments, environment and standard input."""
    out = []
    for code in (0, 1, 2, 125, 126, 127, 128, 255):
        out.append(cx.run(["/bin/sh", "-c", "exit %d" % code]).text())
    for sig in ("HUP", "INT", "ABRT", "KILL", "SEGV", "PIPE", "ALRM", "TERM", "USR1"):
        out.append(sig + cx.run(["/bin/bash", "-c", "ulimit -c 0; kill -%s $$" % sig]).text())
    out.append(cx.run(["/usr/bin/printf", "%s|", "", "a b", "\n", "ü", "-x", "--"]).text())
    out.append(cx.run(["/usr/bin/env"], env={"DGM_TEST": "a=b c", "EMPTY": ""}).text())
    out.append(cx.run(["/usr/bin/md5sum"], stdin=bytes(range(256)) * 4096).text())
    out.append(cx.run(["/bin/cat"], stdin=b"").text())
    return "".join(out)


@case("bash-tty")
def bash_tty(cx):
    """An interactive bash on a terminal: line discipline, ^C, ^Z, fg, window size."""
    master, slave = pty.openpty()
    p = cx.popen(["/bin/bash", "--norc", "--noprofile", "-i"], env={"PS1": "$ ", "TERM": "dumb", "HISTFILE": "", "INPUTRC": "/dev/null"},
                 stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: become_leader(slave))
    os.close(slave)
    said = b""

    def until(pattern, seconds=30):
        nonlocal said
        end = time.monotonic() + seconds
        while not re.search(pattern, said):
            if time.monotonic() > end:
                raise Failed("no %r in %r" % (pattern, said))
            if select.select([master], [], [], 0.2)[0]:
                try:
                    said += os.read(master, 4096)
                except OSError:
                    break
        got, said = said, b""
        return got

    def send(text, pattern=rb"\$ $"):
        os.write(master, text)
        return until(pattern)

    try:
        until(rb"\$ $")
        log = [send(b"echo $((40 + 2)); tty >/dev/null && echo tty\n"), send(b"stty size; stty rows 33 cols 101; stty size\n")]
        os.write(master, b"sleep 100\n")
        time.sleep(1)
        log.append(send(b"\x1a"))
        log.append(send(b"jobs\n"))
        os.write(master, b"fg\n")
        time.sleep(0.5)
        log.append(send(b"\x03"))
        log.append(send(b"echo $?\n"))
        os.write(master, b"cat\n")
        time.sleep(0.5)
        os.write(master, b"typed\n")
        log.append(send(b"\x04"))
        log.append(send(b"trap 'echo winch' WINCH; kill -WINCH $$; sleep 0.1\n"))
        log.append(send(b"exit 3\n", rb"exit\r\n"))
        status = p.wait(20)
    finally:
        os.close(master)
    text = b"".join(log).decode(errors="replace").replace("\r", "")
    return re.sub(r"\x1b\[\?2004[hl]", "", text) + "[status %d]\n" % status


def become_leader(slave):
    import fcntl
    import termios
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x18\0\x50\0\0\0\0\0")


# --- languages ---

script("perl", ["/usr/bin/perl", "perl.pl"], ["perl"], ["perl.pl"])
script("lua", ["/usr/bin/lua5.4", "lua.lua"], ["lua"], ["lua.lua"])
script("node", ["/usr/bin/node", "node.js"], ["node"], ["node.js"], 300)


@case("gawk", ["gawk"], ["gawk.awk"])
def gawk(cx):
    text = cx.run(["/usr/bin/cat", "/usr/share/common-licenses/GPL-3"]).out.encode()
    return cx.run(["/usr/bin/gawk", "-f", "gawk.awk"], stdin=text * 5).text()


@case("sqlite", ["sqlite"], ["sqlite.sql"], 300)
def sqlite(cx):
    with open(os.path.join(cx.dir, "sqlite.sql"), "rb") as f:
        return cx.run(["/usr/bin/sqlite3", "db"], stdin=f.read()).text()


@case("gcc", ["gcc"], ["cprog.c"], 300)
def gcc(cx):
    """Debian's own compiler, assembler and linker; what they make then runs, dynamic and static."""
    out = []
    for flags in (["-O2"], ["-O0", "-g"], ["-O3", "-static"], ["-O1", "-flto"]):
        out.append(cx.run(["/usr/bin/gcc", "-Wall"] + flags + ["-o", "prog", "cprog.c", "-lm", "-pthread"]).text())
        out.append(cx.run([cx.cwd + "/prog", "arg"]).text())
    out.append(cx.run(["/usr/bin/gcc", "-o", "x", "-x", "c", "-"], stdin=b"int main(void) { return y; }\n").text())
    return "".join(out)


@case("java", ["java"], ["Main.java"], 600)
def java(cx):
    opt = ["-Xmx256m", "-Xss512k"]
    return cx.run(["/usr/bin/javac", "-J-Xmx256m", "Main.java"]).text() + cx.run(["/usr/bin/java"] + opt + ["Main"]).text()


script("git", ["/bin/sh", "git.sh"], ["git"], ["git.sh"], 300)


# --- Python's own regression tests ---

def python_results(text):
    """test id -> ok, skipped, FAIL or ERROR, from the verbose output of Python's test runner."""
    out, pending = {}, None
    for line in text.splitlines():
        m = re.match(r"(\w+ \([\w.]+\))", line)
        if m:
            pending = m.group(1)
        m = re.search(r"\.\.\. (skipped)\b", line) or re.search(r"\.\.\..* ?(ok|FAIL|ERROR|expected failure|unexpected success)$", line)
        if not m and pending:
            m = re.match(r"(ok|FAIL|ERROR|skipped)\b", line)
        if m and pending:
            out[pending] = m.group(1)
            pending = None
        # a summary's own lines say it for tests whose progress line was torn apart by other output
        m = re.match(r"(FAIL|ERROR): (\w+ \([\w.]+\))", line)
        if m:
            out[m.group(2)] = m.group(1)
    return out


def no_new_failures(want, got):
    """Offences of a Python test module: what passes natively must pass; and a run that ends well natively must end well."""
    if got.startswith("[case failed]"):
        return got.splitlines()
    a, b = python_results(want), python_results(got)
    bad = []
    for name, result in sorted(a.items()):
        if result == "ok" and b.get(name) != "ok":
            bad.append("%s: natively ok, here %s" % (name, b.get(name, "missing")))
    for name, result in sorted(b.items()):
        if result in ("FAIL", "ERROR") and name not in a:
            bad.append("%s: %s, and natively not run" % (name, result))
    end = lambda t: (t.rstrip().splitlines() or ["nothing"])[-1]
    # Where a test fails natively, it may pass here, and all is well then.
    if not bad and end(got) not in (end(want), "[status 0]"):
        bad.append("ended with %s, natively with %s" % (end(got), end(want)))
    return bad


def python_modules(cx, name):
    """What `-m test` calls the tests of a case. asyncio's sleep for minutes: two cases have every other of its modules each."""
    if not name.startswith("asyncio"):
        return ["test_" + name]
    found = sorted(os.path.basename(p)[:-3] for p in glob.glob(cx.engine.root + "/usr/lib/python3.*/test/test_asyncio/test_*.py"))
    if len(found) < 20:
        raise Failed("test_asyncio has only %d modules" % len(found))
    return ["test.test_asyncio." + m for m in found[int(name[-1]) - 1::2]]


for _module in ("asyncio1 asyncio2 socket subprocess threading signal math struct mmap ctypes decimal hashlib json re").split():
    def _python(cx, module=_module):
        r = cx.run(["/usr/bin/python3", "-m", "test", "-v", "-u", "none", "--timeout", "560"] + python_modules(cx, module),
                   env={"PYTHONHASHSEED": "1"})
        return r.text()
    case("python-" + _module, ["python", "python-tests"], timeout=600, compare=no_new_failures,
         long=_module in ("asyncio1", "asyncio2", "socket", "subprocess", "threading", "signal"))(_python)


# --- cryptography, and other languages' run times ---

@case("openssl-speed", ["openssl"], timeout=200)
def openssl_speed(cx):
    """The numbers differ; that each algorithm ran does not."""
    out = []
    for args in (["sha256", "aes-128-cbc", "ecdsap256", "ed25519"], ["-evp", "chacha20-poly1305"], ["-evp", "aes-128-gcm"]):
        r = cx.run(["/usr/bin/openssl", "speed", "-seconds", "1", "-bytes", "4096", "-mr"] + args)
        out += re.findall(r"(?m)^\+F\d*:\d+:([^:\n]+)", r.out) + ["status %d" % r.status]
    return "\n".join(out) + "\n"


@case("go-restic", ["go"], timeout=300)
def restic(cx):
    """A Go program with many goroutines: a backup made, checked and restored."""
    os.mkdir(cx.dir + "/data")
    for i in range(60):
        with open("%s/data/f%d" % (cx.dir, i), "wb") as f:
            f.write(bytes((i * j * 7919) & 255 for j in range(20000)))
    env = {"RESTIC_PASSWORD": "x", "RESTIC_REPOSITORY": cx.cwd + "/repo", "RESTIC_CACHE_DIR": cx.cwd + "/cache"}
    out = []
    for args in (["init"], ["backup", "data"], ["check", "--read-data"], ["restore", "latest", "--target", "back"], ["forget", "--keep-last", "1", "--prune"]):
        r = cx.run(["/usr/bin/restic", "-q"] + args, env=env)
        out.append("%s %d %s\n" % (args[0], r.status, r.err))
    out.append(cx.run(["/usr/bin/diff", "-r", "data", "back/data"]).text())
    return "".join(out)


@case("go-fzf", ["go"])
def fzf(cx):
    words = "\n".join("word%d-%s" % (i, "abcdefghij"[i % 10] * (i % 7)) for i in range(20000)).encode()
    return "".join(cx.run(["/usr/bin/fzf", "--filter", q], stdin=words).text() for q in ("w9d", "777", "^word1 ccc$", "nothing-at-all"))


@case("rust-ripgrep", ["rust"])
def ripgrep(cx):
    out = []
    for args in (["-c", "the"], ["-n", "-i", "warranty|liability", "--sort", "path"], ["-o", r"\b\w+ing\b", "--no-filename", "-j", "4"], ["-l", "--sort", "path", "GNU"], ["--json", "x{99}"], ["nothing-at-all"]):
        where = "/usr/share/common-licenses" + ("/GPL-3" if "-o" in args else "")
        r = cx.run(["/usr/bin/rg", "--no-config"] + args + [where], timeout=60)
        out.append("\n".join(sorted(re.sub(r'"elapsed.*', "", l) for l in r.out.splitlines())) + "[status %d]%s\n" % (r.status, r.err))
    out.append(cx.run(["/usr/bin/fdfind", "--threads", "4", "-e", "sh", ".", "/usr/share"]).text().count("\n") > 0 and "fd\n")
    return "".join(out)
