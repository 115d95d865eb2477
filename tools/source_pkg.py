#!/usr/bin/env python3
"""Fetches Debian source packages and unpacks the wanted part of their upstream sources.

    source_pkg.py [--dir build/sources] NAME[:FOLDER[,FOLDER…]]…

Other projects' conformance suites lie in their source packages. This script brings one: the machine's own apt
downloads it (with the private state directories of guest_root.py, from the mirror that it is configured for), and the
upstream tarballs are unpacked below --dir, without Debian's patches, only the named folders where some are named.
Tarballs inside of the tarball (gcc's are packed so) are unpacked in turn.

Layout below --dir:

    NAME/           the unpacked files, without the tarball's top folder
    state/NAME      what is unpacked: the tarball and the folders; the same request again needs no network
    state/src/      apt's lists and downloads

Exit status: 0, or 1 with one line on standard error.
"""
import argparse
import fcntl
import os
import re
import shutil
import sys
import tarfile

import guest_root
from guest_root import Failure


def parse_request(text):
    """NAME[:FOLDER,…] as (name, folders)."""
    name, _, folders = text.partition(":")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name):
        raise Failure("%s: not a package name" % (name or "''"))
    folders = [f.strip("/") for f in folders.split(",") if f.strip("/")]
    if any(".." in f.split("/") for f in folders):
        raise Failure("%s: a folder leaves the package" % text)
    return name, folders


def wanted(member, folders):
    """Where a tarball's member goes, or None: without its top folder, and only when it is in one of the folders."""
    path = member.strip("/")
    if path.startswith("./"):
        path = path[2:]
    _, _, path = path.partition("/")
    if not path or ".." in path.split("/"):
        return None
    if folders and not any(path == f or path.startswith(f + "/") for f in folders):
        return None
    return path


def unpack_tar(path, folders, to):
    """Unpacks the wanted members of a tarball. A tarball found directly in its top folder is unpacked in its place.

    Gives the number of files written. Only files, folders, and links that stay inside are made."""
    inner = []
    n = 0
    with tarfile.open(path) as tar:
        for m in tar:
            rel = wanted(m.name, [])
            if rel and m.isfile() and "/" not in rel and re.search(r"\.tar\.(gz|xz|bz2)$", rel):
                os.makedirs(to, exist_ok=True)
                there = os.path.join(to, ".inner-" + rel)
                with open(there, "wb") as f:
                    shutil.copyfileobj(tar.extractfile(m), f)
                inner.append(there)
                continue
            rel = wanted(m.name, folders)
            if not rel:
                continue
            there = os.path.join(to, rel)
            if m.isdir():
                os.makedirs(there, exist_ok=True)
            elif m.isfile():
                os.makedirs(os.path.dirname(there), exist_ok=True)
                with open(there, "wb") as f:
                    shutil.copyfileobj(tar.extractfile(m), f)
                os.chmod(there, 0o755 if m.mode & 0o100 else 0o644)
                n += 1
            elif m.issym():
                end = os.path.normpath(os.path.join(os.path.dirname(rel), m.linkname))
                if not os.path.isabs(m.linkname) and not end.startswith(".."):
                    os.makedirs(os.path.dirname(there), exist_ok=True)
                    if not os.path.lexists(there):
                        os.symlink(m.linkname, there)
    for there in inner:
        n += unpack_tar(there, folders, to)
        os.unlink(there)
    return n


class Sources(guest_root.Root):
    """apt's private state for source packages: guest_root's, with lists of sources in place of binaries."""

    def __init__(self, base):
        self.base = base
        self.dir = base
        self.arch = "amd64"  # apt wants one; no binary package is asked for
        self.state = os.path.join(base, "state", "src")
        self.log = os.path.join(self.state, "log")
        for d in ["apt/lists/partial", "apt/cache/archives/partial", "apt/etc", "download"]:
            os.makedirs(os.path.join(self.state, d), exist_ok=True)

    def lists_here(self):
        return any("Sources" in n for n in os.listdir(os.path.join(self.state, "apt/lists")))

    def prepare_apt(self, refresh):
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        if not os.path.exists(keyring):
            raise Failure("%s is missing (package debian-archive-keyring)" % keyring)
        with open(os.path.join(self.state, "apt/etc/apt.conf"), "w") as f:
            f.write('#clear APT::Architectures;\nAPT::Architectures { "%s"; };\n' % self.arch)
        open(os.path.join(self.state, "apt/status"), "w").close()
        if self.lists_here() and not refresh:
            return
        with open(os.path.join(self.state, "apt/etc/sources.list"), "w") as f:
            f.write("deb-src [signed-by=%s] %s %s main\n" % (keyring, guest_root.find_mirror(), guest_root.SUITE))
        self.apt(["update", "--error-on=any"], "fetching the source lists")

    def files(self, name):
        """The package's files as apt names them: (address, file name). Failure when there is no such package."""
        out = self.apt(["--print-uris", "--only-source", "--download-only", "--tar-only", "source", name], "finding the source of " + name)
        return parse_uris(out)

    def fetch(self, name):
        """Downloads the package; gives the paths of its upstream tarballs."""
        here = os.path.join(self.state, "download")
        cwd = os.getcwd()
        try:
            os.chdir(self.state)  # apt names only the files that are not where it stands
            files = self.files(name)
            os.chdir(here)
            self.apt(["--only-source", "--download-only", "--tar-only", "source", name], "downloading the source of " + name)
        finally:
            os.chdir(cwd)
        return [os.path.join(here, f) for f in upstream(files)]

    def tarballs(self, name):
        """Brings the package and gives the paths of its upstream tarballs, which apt has verified; with lists fetched anew where the present ones do not do."""
        try:
            self.prepare_apt(False)
            tars = self.fetch(name)
        except Failure:
            self.prepare_apt(True)
            tars = self.fetch(name)
        if not tars:
            raise Failure("%s has no upstream tarball" % name)
        return tars

    def unpacked_as(self, name):
        try:
            with open(os.path.join(self.base, "state", name)) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def add(self, name, folders, say):
        """Brings a package's wanted folders to base/name. Quick, and without network, when they are there."""
        want = [guest_root.SUITE] + sorted(folders)
        have = self.unpacked_as(name)
        if have[1:] == want:
            return os.path.join(self.base, name)
        tars = self.tarballs(name)
        there = os.path.join(self.base, name)
        shutil.rmtree(there, ignore_errors=True)
        try:
            n = sum(unpack_tar(t, folders, there) for t in tars)
        except (tarfile.TarError, EOFError, OSError) as e:
            raise Failure("unpacking %s: %s" % (name, e))
        if not n:
            raise Failure("%s holds none of: %s" % (name, " ".join(folders)))
        with open(os.path.join(self.base, "state", name), "w") as f:
            f.write("\n".join([os.path.basename(tars[0])] + want) + "\n")
        say("%s: %d files unpacked" % (name, n))
        return there

    def version(self, name):
        """The upstream version that is unpacked, as the tarball's name says it."""
        have = self.unpacked_as(name)
        m = have and re.fullmatch(r"[^_]+_(.+)\.orig\.tar\.\w+", have[0])
        return m.group(1) if m else "?"


def parse_uris(text):
    """File names from apt's --print-uris: lines 'ADDRESS' NAME SIZE HASH."""
    return re.findall(r"(?m)^'[^']+' (\S+) \d+", text)


def upstream(files):
    """Of a source package's files the upstream tarballs, the main one first (a native package has only one)."""
    main = [f for f in files if re.search(r"\.orig\.tar\.\w+$", f)]
    more = [f for f in files if re.search(r"\.orig-[^.]+\.tar\.\w+$", f)]
    native = [f for f in files if re.search(r"_[^_]*\.tar\.\w+$", f) and not re.search(r"\.(orig|debian)[.-]", f)]
    return main + more if main else native


def bring(base, requests, say):
    """Brings several packages; gives {name: path}. Others who do the same at the same time wait."""
    src = Sources(base)
    paths = {}
    with open(os.path.join(src.state, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, folders in requests:
            paths[name] = src.add(name, folders, say)
    return paths


def bring_tarballs(base, name):
    """Brings a package; gives the paths of its upstream tarballs, as they are."""
    src = Sources(base)
    with open(os.path.join(src.state, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return src.tarballs(name)


def main(argv):
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    ap = argparse.ArgumentParser(description="Fetches Debian source packages.")
    ap.add_argument("--dir", default=os.path.join(here, "build", "sources"))
    ap.add_argument("packages", nargs="+", metavar="NAME[:FOLDER,…]")
    a = ap.parse_args(argv)
    try:
        requests = [parse_request(p) for p in a.packages]
        for name, path in bring(os.path.abspath(a.dir), requests, lambda s: print(s, flush=True)).items():
            print(path)
    except Failure as e:
        print("source_pkg: %s" % e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
