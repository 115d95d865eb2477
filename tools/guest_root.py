#!/usr/bin/env python3
"""Fetches Debian packages of any architecture into a private root directory.

    guest_root.py [--arch riscv64] [--dir build/roots] SET|PACKAGE…
    guest_root.py --list

Tests, benchmarks and the demo run Debian's own programs, unmodified. This script brings them: it lets the
machine's own apt resolve and download the packages (with private state directories, so that the machine's
package database is neither read nor changed), and unpacks them with dpkg-deb. No maintainer script ever runs,
and no privilege is needed. What those scripts would have made and programs need (the links into /usr, an
/etc/passwd, `awk` and its like) is made here by rule.

Layout below --dir:

    ARCH/           the root itself
    state/ARCH/     apt's lists and downloaded packages, and which packages are unpacked (`unpacked`)
    state/ARCH/sets which sets are complete, with the packages that they asked for

A set that is complete is not touched again, and needs no network. The mirror is the one that the machine's own
apt is configured for. The suite is the same on every machine, so that results can be compared.

Exit status: 0, or 1 with one line on standard error.
"""
import argparse
import fcntl
import os
import re
import subprocess
import sys

SUITE = "trixie"

# What can be asked for by name. A name that is not here is a package.
SETS = {
    "base": ["base-files", "base-passwd", "bash", "dash", "coreutils", "busybox-static", "grep", "sed", "findutils",
             "diffutils", "tar", "gzip", "xz-utils", "bzip2", "util-linux", "procps", "hostname", "debianutils",
             "mawk", "libc-bin", "libc6", "file", "bc", "less", "ncurses-bin", "ncurses-base", "passwd"],
    "python": ["python3", "python3-minimal", "libpython3-stdlib"],
    "python-tests": ["python3", "libpython3.13-testsuite"],
    "perl": ["perl"],
    "lua": ["lua5.4"],
    "sqlite": ["sqlite3"],
    "gawk": ["gawk"],
    "git": ["git"],
    "gcc": ["gcc", "libc6-dev", "make", "binutils"],
    "redis": ["redis-server", "redis-tools"],
    "openssl": ["openssl"],
    "node": ["nodejs"],
    "java": ["openjdk-21-jdk-headless"],
    "go": ["fzf", "restic"],
    "rust": ["ripgrep", "fd-find"],
    "nginx": ["nginx"],
    "wrk": ["wrk"],
    "numpy": ["python3-numpy", "python3-pytest", "python3-hypothesis"],
    "caddy": ["caddy"],
    "oxigraph": ["oxigraph"],
    "ffmpeg": ["ffmpeg"],
    "postgresql": ["postgresql-17"],
    "golang": ["golang-go"],
    "rustc": ["rustc", "gcc", "libc6-dev"],
    "stress": ["stress-ng", "rt-tests"],
    "strace": ["strace", "ltrace"],
}

# Links that `update-alternatives` would have made: link -> candidates, the first that exists wins.
ALTERNATIVES = {
    "usr/bin/awk": ["gawk", "mawk"],
    "usr/bin/nawk": ["gawk", "mawk"],
    "usr/bin/cc": ["gcc"],
    "usr/bin/c++": ["g++"],
    "usr/bin/c99": ["c99-gcc"],
    "usr/bin/which": ["which.debianutils"],
    "usr/bin/pager": ["less", "more"],
    "usr/bin/lua": ["lua5.4"],
    "usr/bin/luac": ["luac5.4"],
    "usr/bin/java": ["../lib/jvm/java-21-openjdk-{arch}/bin/java"],
    "usr/bin/javac": ["../lib/jvm/java-21-openjdk-{arch}/bin/javac"],
    "usr/bin/jar": ["../lib/jvm/java-21-openjdk-{arch}/bin/jar"],
    "usr/bin/fd": ["fdfind"],
    "usr/lib/{triple}/libblas.so.3": ["blas/libblas.so.3"],
    "usr/lib/{triple}/liblapack.so.3": ["lapack/liblapack.so.3"],
}

# The directories below / that live in /usr.
MERGED = {"riscv64": ["bin", "sbin", "lib"], "arm64": ["bin", "sbin", "lib"], "amd64": ["bin", "sbin", "lib", "lib64"]}

TRIPLES = {"riscv64": "riscv64-linux-gnu", "arm64": "aarch64-linux-gnu", "amd64": "x86_64-linux-gnu"}

FILES = {
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n",
    "etc/hostname": "guest\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "etc/environment": "",
    "etc/shells": "/bin/sh\n/bin/bash\n",
}

PASSWD = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"


class Failure(Exception):
    """What could not be done, in one line."""


def parse_targets(text):
    """Picks the mirror from the output of `apt-get indextargets` in our format. None when there is none.

    Each line is ORIGIN|LABEL|RELEASE|URI. Origin and label are only known when the lists have been fetched, so a
    location that ends in /debian will do as well. Suites with a dash (updates, security, backports) are not asked:
    they may live elsewhere."""
    best = None
    for line in text.splitlines():
        parts = line.split("|")
        if len(parts) != 4:
            continue
        origin, label, suite, uri = parts
        if "-" in suite or not uri:
            continue
        named = origin == "Debian" and label == "Debian"
        looks = not origin and re.search(r"/debian/?$", uri)
        if named:
            return uri.rstrip("/")
        if looks and best is None:
            best = uri.rstrip("/")
    return best


def parse_plan(text):
    """The packages that `apt-get --simulate install` would install, as (name, version, arch), in its order."""
    plan = []
    for line in text.splitlines():
        m = re.match(r"Inst (\S+) (?:\[[^]]*\] )?\((\S+) .*\[([a-z0-9]+)\]\)", line)
        if m:
            plan.append((m.group(1).split(":")[0], m.group(2), m.group(3)))
    return plan


def deb_name(name, version, arch):
    """The file name under which apt keeps a package."""
    return "%s_%s_%s.deb" % (name, version.replace(":", "%3a"), arch)


def find_mirror():
    out = run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(RELEASE)|$(REPO_URI)",
               "Created-By: Packages"], "asking apt for its mirror")
    mirror = parse_targets(out)
    if not mirror:
        raise Failure("apt on this machine has no Debian mirror configured (see sources.list(5))")
    return mirror


def run(cmd, what, log=None, env=None):
    """Runs a command and gives its standard output. Failure with the last line of its errors."""
    try:
        p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=env)
    except FileNotFoundError:
        raise Failure("%s: %s is not installed" % (what, cmd[0]))
    if log:
        with open(log, "a") as f:
            f.write("$ %s\n%s%s\n" % (" ".join(cmd), p.stdout, p.stderr))
    if p.returncode:
        lines = [l for l in p.stderr.splitlines() if l.strip()]
        errors = [l for l in lines if l.startswith("E:")] or lines or ["exit status %d" % p.returncode]
        raise Failure("%s: %s%s" % (what, errors[0], " (log: %s)" % log if log else ""))
    return p.stdout


class Root:
    def __init__(self, base, arch):
        self.arch = arch
        self.dir = os.path.join(base, arch)
        self.state = os.path.join(base, "state", arch)
        self.log = os.path.join(self.state, "log")
        self.sets_dir = os.path.join(self.state, "sets")
        self.unpacked_file = os.path.join(self.state, "unpacked")
        for d in ["sets", "apt/lists/partial", "apt/cache/archives/partial", "apt/etc"]:
            os.makedirs(os.path.join(self.state, d), exist_ok=True)
        os.makedirs(self.dir, exist_ok=True)

    def apt(self, args, what):
        apt_dir = os.path.join(self.state, "apt")
        options = {
            "APT::Architecture": self.arch,
            "Dir::Etc::sourcelist": apt_dir + "/etc/sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::State": apt_dir,
            "Dir::State::lists": apt_dir + "/lists",
            "Dir::State::status": apt_dir + "/status",
            "Dir::State::extended_states": apt_dir + "/extended_states",
            "Dir::Cache": apt_dir + "/cache",
            "Dir::Cache::archives": apt_dir + "/cache/archives",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled": "false",
            "APT::Keep-Downloaded-Packages": "true",
            "Debug::NoLocking": "true",
            "quiet": "2",
        }
        cmd = ["apt-get"]
        for k, v in options.items():
            cmd += ["-o", "%s=%s" % (k, v)]
        env = dict(os.environ, LC_ALL="C", APT_CONFIG=apt_dir + "/etc/apt.conf", DEBIAN_FRONTEND="noninteractive")
        return run(cmd + args, what, self.log, env)

    def prepare_apt(self, refresh):
        """Writes apt's private configuration, and fetches the lists unless they are here."""
        etc = os.path.join(self.state, "apt/etc")
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        if not os.path.exists(keyring):
            raise Failure("%s is missing (package debian-archive-keyring)" % keyring)
        with open(os.path.join(self.state, "apt/etc/apt.conf"), "w") as f:
            f.write('#clear APT::Architectures;\nAPT::Architectures { "%s"; };\n' % self.arch)
        status = os.path.join(self.state, "apt/status")
        open(status, "w").close()
        have_lists = any(n.endswith("Packages") or "Packages." in n for n in os.listdir(os.path.join(self.state, "apt/lists")))
        if have_lists and not refresh:
            return
        with open(os.path.join(etc, "sources.list"), "w") as f:
            f.write("deb [arch=%s signed-by=%s] %s %s main\n" % (self.arch, keyring, find_mirror(), SUITE))
        self.apt(["update", "--error-on=any"], "fetching the package lists")

    def plan(self, packages):
        return parse_plan(self.apt(["--simulate", "install"] + packages, "resolving packages"))

    def download(self, packages):
        self.apt(["--download-only", "--yes", "install"] + packages, "downloading packages")

    def unpacked(self):
        try:
            with open(self.unpacked_file) as f:
                return set(f.read().split())
        except FileNotFoundError:
            return set()

    def skeleton(self):
        for d in MERGED[self.arch]:
            os.makedirs(os.path.join(self.dir, "usr", d), exist_ok=True)
            link = os.path.join(self.dir, d)
            if not os.path.lexists(link):
                os.symlink("usr/" + d, link)
        for d, mode in [("proc", 0o755), ("sys", 0o755), ("dev", 0o755), ("run", 0o755), ("root", 0o700), ("home", 0o755),
                        ("tmp", 0o1777), ("var/tmp", 0o1777), ("etc", 0o755), ("var/lib", 0o755), ("var/log", 0o755)]:
            path = os.path.join(self.dir, d)
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)

    def unpack(self, plan):
        have = self.unpacked()
        self.skeleton()
        for name, version, arch in plan:
            deb = deb_name(name, version, arch)
            if deb in have:
                continue
            path = os.path.join(self.state, "apt/cache/archives", deb)
            if not os.path.exists(path):
                raise Failure("%s was not downloaded" % deb)
            run(["dpkg-deb", "-x", path, self.dir], "unpacking %s" % deb, self.log)
            with open(self.unpacked_file, "a") as f:
                f.write(deb + "\n")
            yield deb

    def finish(self):
        """Makes by rule what maintainer scripts would have made."""
        for path, text in FILES.items():
            self.write_once(path, text)
        for name, text in [("passwd", PASSWD), ("group", GROUP)]:
            master = os.path.join(self.dir, "usr/share/base-passwd", name + ".master")
            if os.path.exists(master):
                with open(master) as f:
                    text = re.sub(r"(?m)^([^:]+):\*:", r"\1:x:", f.read())
            self.write_once("etc/" + name, text)
        for link, candidates in ALTERNATIVES.items():
            path = os.path.join(self.dir, link.format(triple=TRIPLES[self.arch]))
            for c in candidates:
                c = c.format(arch=self.arch)
                there = os.path.join(os.path.dirname(path), c)
                if os.path.exists(there):
                    if os.path.islink(path):
                        os.unlink(path)
                    if not os.path.lexists(path):
                        os.symlink(c, path)
                    break

    def write_once(self, path, text):
        full = os.path.join(self.dir, path)
        if os.path.lexists(full):
            return
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)

    def is_complete(self, name):
        try:
            with open(os.path.join(self.sets_dir, name)) as f:
                return f.read().split() == [SUITE] + SETS.get(name, [name])
        except FileNotFoundError:
            return False

    def add(self, name, say):
        """Brings one set into the root. Quick, and without network, when it is there."""
        if self.is_complete(name):
            return
        packages = SETS.get(name, [name])
        try:
            self.prepare_apt(False)
            plan = self.plan(packages)
            self.download(packages)
        except Failure:
            # Old lists name packages that the mirror has replaced meanwhile.
            self.prepare_apt(True)
            plan = self.plan(packages)
            self.download(packages)
        if not plan:
            raise Failure("apt found nothing to install for %s" % name)
        n = sum(1 for _ in self.unpack(plan))
        self.finish()
        with open(os.path.join(self.sets_dir, name), "w") as f:
            f.write("\n".join([SUITE] + packages) + "\n")
        say("%s: %s: %d packages unpacked" % (self.arch, name, n))


def main(argv):
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    ap = argparse.ArgumentParser(description="Fetches Debian packages into a private root.")
    ap.add_argument("--arch", default="riscv64", choices=sorted(MERGED))
    ap.add_argument("--dir", default=os.path.join(here, "build", "roots"))
    ap.add_argument("--list", action="store_true", help="name the sets, and which are complete")
    ap.add_argument("--quiet", action="store_true", help="say nothing but errors")
    ap.add_argument("sets", nargs="*", metavar="SET|PACKAGE")
    a = ap.parse_args(argv)
    base = os.path.abspath(a.dir)
    if a.list:
        root = Root(base, a.arch)
        for name in SETS:
            print("%-14s %s %s" % (name, "here" if root.is_complete(name) else "-   ", " ".join(SETS[name])))
        return 0
    if not a.sets:
        ap.error("name a set or package, or --list")
    for name in a.sets:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", name):
            print("guest_root: %s: not a package name" % name, file=sys.stderr)
            return 1
    root = Root(base, a.arch)
    failed = 0
    with open(os.path.join(root.state, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in a.sets:
            try:
                root.add(name, lambda s: a.quiet or print(s, flush=True))
            except Failure as e:
                print("guest_root: %s: %s" % (name, e), file=sys.stderr)
                failed = 1
    if not a.quiet:
        print(root.dir)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
