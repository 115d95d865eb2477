"""What the conformance suites share: building, running three ways, judging, known failures, the result table.

A suite is a module `suite_NAME.py` with

    TITLE, ABOUT      what the table's page says about it
    SOURCES           Debian source packages that it needs, as (package, folders); see tools/source_pkg.py
    PACKAGE           where there are none: the package whose programs are the tests
    SETS              sets of Debian programs that it needs, as (architecture, set), "guest" for the guest's; see tools/guest_root.py
    JOBS              how many tests run at a time
    tests(cx)         gives the tests

and a test is a `Test`. A run is for one guest ISA (`cx.guest`, see tests/guests.py), and each test runs on three *sides*: `native` (built
for this machine), `qemu` (qemu-ISA) and `ours` (dragoman run); the last two run the same file. A side's outcome is a *verdict*: `pass`, `skip` (the test itself said that it
cannot judge here), `unbuilt` (the compiler does not take it), or what went wrong: `exit 3`, `SIGSEGV`, `time-out`, `output`.

Outcomes are kept (build/suites/NAME/results.json), those of `native` once for all guests, so that sides, guests and parts can be run one by
one; the table is made of all that is kept. What failed is run again, alone, up to twice: these tests watch clocks, and the machine is busy. A test that
passed only so says so in the table.

Where we are root, tests run as nobody (with the right to real-time priorities where a suite asks for it): several of them
would set the clock, or signal all processes.
"""
import concurrent.futures
import fcntl
import fnmatch
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import guests  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SIDES = ["native", "qemu", "ours"]
NAMES = {"native": "native", "qemu": "QEMU", "ours": "Dragoman"}
FLAGS = {"riscv64": ["-march=rv64gc", "-mabi=lp64d"], "aarch64": ["-march=armv8-a"]}  # of the compilers for guests
NOBODY = 65534
LOG_MAX = 1 << 20
IN_ROOT = "/tmp/suites"
INSIDE = "DGM_SUITES_INSIDE"


class Unbuilt(Exception):
    """The compiler does not take the test; the text is its last words."""


class Unready(Exception):
    """The suite cannot run on this machine; the text says why."""


class Outcome:
    """How a run ended: status as subprocess has it (None: it ran out of time), output of both streams together."""

    def __init__(self, status, output, seconds):
        self.status, self.output, self.seconds = status, output, seconds


def by_status(outcome, side):
    """The usual judgement: exit status 0 passes."""
    if outcome.status is None:
        return "time-out"
    if outcome.status == 0:
        return "pass"
    if outcome.status < 0:
        return signal_name(-outcome.status)
    return "exit %d" % outcome.status


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


class Test:
    """One test of a suite.

    argv(side, cx)  what to run on a side, built when it is not yet; may raise Unbuilt
    judge(outcome, side)  the verdict
    equal           the output must be the same on `qemu` and `ours`
    quick           part of the quick subset
    timeout         seconds, for each side
    qemu_args       options of qemu-ISA; ours_args: of dragoman run
    whole           argv() gives the whole command line, the engine included
    env             variables beside the usual ones
    sides           where the test means something
    """

    def __init__(self, name, argv, judge=by_status, equal=False, quick=False, timeout=60, qemu_args=(), ours_args=(), whole=False,
                 sides=SIDES, env=None):
        self.name, self.argv, self.judge, self.equal, self.quick, self.timeout = name, argv, judge, equal, quick, timeout
        self.qemu_args, self.ours_args, self.whole = list(qemu_args), list(ours_args), whole
        self.sides, self.env = list(sides), env or {}


class Context:
    """Where a suite's files lie and how its programs are started."""

    def __init__(self, name, ours, realtime, guest):
        self.name, self.ours, self.guest = name, ours, guest
        self.dir = os.path.join(ROOT, "build", "suites", name)
        self.logs = os.path.join(self.dir, "logs")
        self.sources = os.path.join(ROOT, "build", "sources")
        self.roots = os.path.join(ROOT, "build", "roots")
        self.lock = threading.Lock()
        self.rooted = False
        self.launcher = []
        if os.getuid() == 0 and os.environ.get(INSIDE) != "user":
            self.launcher = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]
            rights = "+sys_nice,+ipc_lock" if realtime else ""
            self.launcher += ["--bounding-set=-all" + ("," + rights if rights else "")]
            if rights:
                self.launcher += ["--inh-caps=" + rights, "--ambient-caps=" + rights]
        os.makedirs(self.logs, exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def arch(self, side):
        """The architecture of a side's programs, as Debian calls it."""
        return "amd64" if side == "native" else self.guest.debian

    def tag(self, side):
        """What tells a side's files from those of other sides and guests."""
        return "%s-%s" % (self.guest.name, side)

    def compile(self, arch, out, sources, flags=(), libs=(), static=True, cwd=None):
        """Builds a program, unless it is there and was built by the same command. Gives its path, or raises Unbuilt."""
        out = self.path(arch, out)
        cc = ["gcc"] if arch == "amd64" else [self.guest.cc] + FLAGS[self.guest.name]
        cmd = cc + (["-static"] if static else []) + list(flags) + ["-o", out] + list(sources) + list(libs)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(out + ".lock", "w") as lock:  # two sides of a test may want the same file, and a run for another guest
            fcntl.flock(lock, fcntl.LOCK_EX)
            stamp = out + ".cmd"
            said = "\n".join(cmd)
            try:
                with open(stamp) as f:
                    old, _, words = f.read().partition("\n--\n")
                if old == said:
                    if os.path.exists(out):
                        return out
                    raise Unbuilt(words)
            except FileNotFoundError:
                pass
            p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=cwd)
            words = ""
            if p.returncode:
                errors = [l for l in p.stdout.splitlines() if "error" in l or "undefined reference" in l] or p.stdout.splitlines()[-1:]
                words = errors[0] if errors else "exit %d" % p.returncode
                if os.path.exists(out):
                    os.unlink(out)
            with open(stamp, "w") as f:
                f.write(said + "\n--\n" + words)
            if words:
                raise Unbuilt(words)
            return out

    def engine(self, side, qemu_args=(), ours_args=()):
        return {"native": [], "qemu": ["qemu-" + self.guest.name] + list(qemu_args), "ours": [self.ours, "run"] + list(ours_args)}[side]

    def in_root(self, side, argv, name):
        """The whole command line that runs one of Debian's programs in its root (see bind_roots), in a test's folder."""
        root = os.path.join(self.roots, self.arch(side))
        work = "%s/work/%s.%s" % (IN_ROOT, name.replace("/", "_"), self.tag(side))
        if side == "native":
            return ["unshare", "--root=" + root, "--wd=" + work] + self.launcher + argv
        if side == "qemu":
            return self.launcher + ["qemu-" + self.guest.name, "-L", root, root + argv[0]] + argv[1:]
        return self.launcher + [self.ours, "run", "--root", root, "-C", work] + argv

    def own_in_root(self, side, path, name):
        """The whole command line that runs a program built here; `ours` in its root, so that what it executes is the guest's."""
        if side == "ours" and self.rooted:
            return self.in_root(side, [IN_ROOT + path[len(self.dir):]], name)
        return self.launcher + self.engine(side) + [path]

    def run(self, test, side):
        """Runs a test on a side. Gives (verdict, Outcome or the compiler's words)."""
        try:
            argv = test.argv(side, self)
        except Unbuilt as e:
            return "unbuilt", str(e)
        if not test.whole:
            argv = self.launcher + self.engine(side, test.qemu_args, test.ours_args) + argv
        safe = test.name.replace("/", "_")
        work = self.path("work", "%s.%s" % (safe, self.tag(side)))
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        os.chmod(work, 0o777)
        log = os.path.join(self.logs, "%s.%s" % (safe, self.tag(side)))
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": work, "TMPDIR": work, "LANG": "C", "TZ": "UTC"}
        if test.whole:  # the folder has another name in there
            env["HOME"] = env["TMPDIR"] = "/tmp"
        env.update(test.env)
        start = time.monotonic()
        with open(log, "wb") as f:
            p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT, cwd=work, env=env,
                                 start_new_session=True)
            try:
                status = p.wait(test.timeout)
            except subprocess.TimeoutExpired:
                status = None
            try:
                os.killpg(p.pid, signal.SIGKILL)  # what it left behind, or all of it
            except ProcessLookupError:
                pass
            p.wait()
        seconds = time.monotonic() - start
        with open(log, "rb") as f:
            output = f.read(LOG_MAX).decode(errors="replace")
        shutil.rmtree(work, ignore_errors=True)
        outcome = Outcome(status, output, seconds)
        verdict = test.judge(outcome, side)
        return verdict, outcome


def enter_namespace(argv):
    """Starts the script again in process, IPC and mount namespaces of its own. Returns only inside, or where none are to be had.

    Where we are not root, a user namespace makes us root of little more than these."""
    if os.environ.get(INSIDE):
        return
    how = ["unshare", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.getuid() != 0:
        how += ["--user", "--map-root-user"]
    if subprocess.run(how + ["true"], stderr=subprocess.DEVNULL).returncode:
        return
    os.environ[INSIDE] = "root" if os.getuid() == 0 else "user"
    # A shell as process 1 takes in orphans; shared memory gets a place of its own; message queues may be as long as tests want.
    script = ('mount -t tmpfs tmpfs /dev/shm && chmod 1777 /dev/shm; '
              '{ echo 256 >/proc/sys/fs/mqueue/msg_max; echo 65536 >/proc/sys/fs/mqueue/msgsize_max; } 2>/dev/null; "$@"; exit $?')
    os.execvp(how[0], how + ["sh", "-c", script, "sh", sys.executable] + argv)


def bind_roots(cx):
    """Gives the roots of Debian programs what programs expect below /, and the folder in which tests work."""
    if not os.environ.get(INSIDE):
        raise Unready("programs of another root need namespaces, which this machine does not give")
    for arch in ("amd64", cx.guest.debian):
        root = os.path.join(cx.roots, arch)
        for d in ("dev", "proc", "sys") if arch == "amd64" else ():  # Dragoman grafts the host's by itself
            subprocess.run(["mount", "--rbind", "/" + d, os.path.join(root, d)], check=True)
        there = root + IN_ROOT
        os.makedirs(there, exist_ok=True)
        subprocess.run(["mount", "--bind", cx.dir, there], check=True)
    cx.rooted = True


def load_known(path, guest):
    """The list of known failures with a guest: [(pattern of names, sides, reason)]. Lines: NAME SIDE[,SIDE] REASON; a side with
    @ISA behind it is meant for that guest alone."""
    known = []
    try:
        with open(path) as f:
            lines = f.readlines()
    except FileNotFoundError:
        return known
    for n, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(None, 2)
        words = [w.partition("@") for w in parts[1].split(",")] if len(parts) > 1 else []
        if len(parts) != 3 or any(side not in SIDES or (at and isa not in guests.GUESTS) for side, at, isa in words):
            raise ValueError("%s:%d: not NAME SIDE[,SIDE] REASON" % (path, n))
        sides = [side for side, at, isa in words if not at or isa == guest]
        if sides:
            known.append((parts[0], sides, parts[2].strip()))
    return known


def reason_for(known, name, side):
    for pattern, sides, reason in known:
        if side in sides and fnmatch.fnmatchcase(name, pattern):
            return reason
    return None


def is_failure(verdict):
    return verdict not in ("pass", "skip", "unbuilt")


def worse(ours, other):
    """Whether a side's verdict is a failure that the other side does not have."""
    return is_failure(ours) and not is_failure(other)


class Results:
    """The kept outcomes of a guest: {test: {side: {verdict, tries, note}}}, and for each side what it is made of.

    The file holds those of all guests: a side's key there is ISA-SIDE, and `native`, which is the same for all. Several runs may keep
    theirs at the same time: what is saved is what this run found, over what the file holds by then."""

    def __init__(self, path, guest):
        self.path, self.guest = path, guest
        self.tests, self.sides = self.load()
        self.new, self.new_sides = {}, {}

    def key(self, side):
        return side if side == "native" else "%s-%s" % (self.guest, side)

    def load(self):
        try:
            with open(self.path) as f:
                data = json.load(f)
            return data["tests"], data["sides"]
        except (FileNotFoundError, ValueError, KeyError):
            return {}, {}

    def put(self, name, side, verdict, tries, note, digest=None, seconds=0.0):
        row = {"verdict": verdict, "tries": tries, "note": note, "digest": digest, "seconds": round(seconds, 2)}
        self.tests.setdefault(name, {})[self.key(side)] = self.new.setdefault(name, {})[self.key(side)] = row

    def put_side(self, side, text):
        self.sides[self.key(side)] = self.new_sides[self.key(side)] = text

    def side(self, side):
        return self.sides.get(self.key(side))

    def get(self, name, side):
        return self.tests.get(name, {}).get(self.key(side))

    def verdict(self, name, side):
        r = self.get(name, side)
        return r["verdict"] if r else None

    def save(self):
        with open(self.path + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.tests, self.sides = self.load()
            for name, sides in self.new.items():
                self.tests.setdefault(name, {}).update(sides)
            self.sides.update(self.new_sides)
            with open(self.path + ".new", "w") as f:
                json.dump({"tests": self.tests, "sides": self.sides}, f, indent=0, sort_keys=True)
            os.replace(self.path + ".new", self.path)


def identify(side, guest):
    """What a side is made of, for the page's head."""
    def first(cmd):
        try:
            return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()[0]
        except (OSError, IndexError):
            return "?"
    if side == "native":
        return "native: x86-64, Linux %s; built by %s" % (os.uname().release.split("-")[0], first(["gcc", "--version"]))
    if side == "qemu":
        return "QEMU: " + first(["qemu-" + guest.name, "--version"])
    return "Dragoman and QEMU run the same %s files (%s), built by %s" % (guest.name, " ".join(FLAGS[guest.name]), first([guest.cc, "--version"]))


def last_words(outcome):
    """A line of the output that says most, for the log on the terminal."""
    if isinstance(outcome, str):
        return outcome
    lines = [l.strip() for l in outcome.output.splitlines() if l.strip()]
    return lines[-1][:160] if lines else ""


def run_all(cx, tests, sides, results, jobs, say, retries=2):
    """Runs tests on sides and keeps the outcomes. The sides of a test run one after the other."""
    failures = []
    done = [0]

    def one(test, side, tries):
        verdict, outcome = cx.run(test, side)
        digest = None
        if test.equal and verdict == "pass":
            digest = outcome.output
        with cx.lock:
            results.put(test.name, side, verdict, tries, last_words(outcome) if verdict != "pass" else "", digest,
                        0.0 if isinstance(outcome, str) else outcome.seconds)
            other = results.get(test.name, "qemu")
            if test.equal and side == "ours" and verdict == "pass" and other and other["verdict"] == "pass" and other["digest"] != digest:
                verdict = "output"
                results.put(test.name, side, verdict, tries, "other output than QEMU's", digest)
        return verdict, outcome

    def job(test):
        for side in sides:
            if side not in test.sides:
                continue
            verdict, outcome = one(test, side, 1)
            if is_failure(verdict):
                with cx.lock:
                    failures.append((test, side))
        with cx.lock:
            done[0] += 1
            if done[0] % 50 == 0:
                results.save()
                say("%d of %d" % (done[0], len(tests)))

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for f in [pool.submit(job, t) for t in tests]:
            try:
                f.result()
            except OSError as e:  # of the machine, not of the test: the outcome stays missing
                say("not run: %s" % e)
    results.save()
    for test, side in failures:
        verdict, outcome = results.verdict(test.name, side), ""
        for tries in range(2, 2 + (min(retries, 1) if verdict == "time-out" else retries)):
            verdict, outcome = one(test, side, tries)
            if not is_failure(verdict):
                break
        if is_failure(verdict):
            say("%-40s %-8s %s  %s" % (test.name, NAMES[side], verdict, last_words(outcome)))
        else:
            say("%-40s %-8s %s on try %d" % (test.name, NAMES[side], verdict, tries))
    for t in tests:  # logs of what passed are of no use
        for side in sides:
            log = os.path.join(cx.logs, "%s.%s" % (t.name.replace("/", "_"), cx.tag(side)))
            if results.verdict(t.name, side) == "pass" and os.path.exists(log):
                os.unlink(log)
    results.save()


def offences(results, names, known):
    """Failures of ours that native does not have and that are not known: [(name, verdict, note)]."""
    bad = []
    for n in names:
        r = results.get(n, "ours")
        if r and worse(r["verdict"], results.verdict(n, "native") or "pass") and not reason_for(known, n, "ours"):
            bad.append((n, r["verdict"], r["note"]))
    return bad


def stale(results, names, known):
    """Entries of the known list that no failure of ours asks for any more, among the tests named. Those that say why a test is
    not judged are asked for too."""
    return [p for p, sides, _ in known if "ours" in sides and any(fnmatch.fnmatchcase(n, p) for n in names)
            and not any(fnmatch.fnmatchcase(n, p) and (results.verdict(n, "ours") or "pass") != "pass" for n in names)]


def counts(results, names, side):
    c = {"pass": 0, "fail": 0, "skip": 0, "unbuilt": 0, "again": 0, "none": 0}
    for n in names:
        r = results.get(n, side)
        if not r:
            c["none"] += 1
            continue
        v = r["verdict"]
        c[v if v in c else "fail"] += 1
        if v == "pass" and r["tries"] > 1:
            c["again"] += 1
    return c


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def table(suite, command, versions, parts):
    """The suite's page in Markdown. parts: for each guest (name, lines about its sides, results, names of tests, known failures)."""
    out = ["# " + suite.TITLE, "", suite.ABOUT.strip(), "", "Made by `%s`." % command, ""]
    out += ["* " + v for v in versions]
    for guest, lines, results, names, known in parts:
        out += ["", "## " + guest, ""] + ["* " + l for l in lines] + compared(results, names, known)
    return "\n".join(out) + "\n"


def compared(results, names, known):
    """The part of a guest: numbers, where the sides differ, what failed everywhere."""
    sides = [s for s in SIDES if any(results.get(n, s) for n in names)]
    out = ["", "| | %s |" % " | ".join(NAMES[s] for s in sides), "|---|%s" % ("---:|" * len(sides))]
    cs = {s: counts(results, names, s) for s in sides}
    for key, word in [("pass", "passed"), ("again", "– of these at a second or third try"), ("fail", "failed"),
                      ("skip", "not judged (the test itself says so)"), ("unbuilt", "not built (the compiler refuses it)"),
                      ("none", "not run")]:
        if any(cs[s][key] for s in sides) or key in ("pass", "fail"):
            out.append("| %s | %s |" % (word, " | ".join(str(cs[s][key]) for s in sides)))
    new = [n for n in names if worse(results.verdict(n, "ours") or "pass", results.verdict(n, "native") or "pass")]
    beyond = [n for n in new if not is_failure(results.verdict(n, "qemu") or "pass")]
    if "ours" in sides:
        out += ["", "Failures of Dragoman's that native does not have: %d; of these not QEMU's: %d." % (len(new), len(beyond))]
    rows = [n for n in names if len({shown(results.verdict(n, s)) for s in sides if results.verdict(n, s)}) > 1]
    if rows:
        out += ["", "### Where the sides differ", "", "| test | %s | why |" % " | ".join(NAMES[s] for s in sides),
                "|---|%s---|" % ("---|" * len(sides))]
        for n in rows:
            why = []
            for s in ("ours", "qemu", "native"):
                r = reason_for(known, n, s)
                if r and r not in why and (is_failure(results.verdict(n, s) or "") or s == "native"
                                           or results.verdict(n, s) in ("skip", "unbuilt")):
                    why.append(r)
            out.append("| %s | %s | %s |" % (cell(n), " | ".join(shown(results.verdict(n, s)) for s in sides), cell("; ".join(why))))
    same = [n for n in names if n not in rows and is_failure(results.verdict(n, "ours") or "pass")]
    if same:
        out += ["", "### Failed everywhere", ""]
        for why in sorted({reason_for(known, n, sides[-1]) or "" for n in same}):
            those = ["%s (%s)" % (cell(n), results.verdict(n, "ours")) for n in same if (reason_for(known, n, sides[-1]) or "") == why]
            out.append("* %s%s." % (cell(why) + ": " if why else "", ", ".join(those)))
    return out


def shown(verdict):
    return {None: "–", "skip": "not judged", "unbuilt": "not built"}.get(verdict, verdict)


def limit_memory():
    """No core files, and files of at most 4 GiB: a test that runs wild must not fill the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 30, 4 << 30))
