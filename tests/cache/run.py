#!/usr/bin/env python3
"""Tests of the cache on disk: programs give the same whatever is in it, and what is sound in it is used.

run.py --dragoman PATH --other PATH [CASE…]

--other is another build of the command. How much was translated, and how much was there before, is told by --stats."""
import argparse
import os
import re
import resource
import shutil
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..')
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))
sys.path[:0] = [os.path.join(ROOT, 'tests')]
import cases
import guests
from cases import Failed, Skip, case, check

class Run:
    """What a run gave: output, status, and for each of its processes how many blocks it made and had."""

    def __init__(self, p):
        self.status, self.out, self.err = p.returncode, p.stdout, p.stderr
        self.made = [int(n) for n in re.findall(r'blocks translated +(\d+)', p.stderr)]
        self.had = [int(n) for n in re.findall(r'stored before +(\d+)', p.stderr)]

    def __str__(self):
        return f'status {self.status}\n-- output:\n{self.out}\n-- errors:\n{self.err}'


class Test:
    def __init__(self, opt, tmp):
        self.opt, self.tmp = opt, tmp
        self.cache = os.path.join(tmp, 'cache')

    def build(self, name='work', salt=1, how='-static'):
        out = os.path.join(self.tmp, name)
        missing = self.opt.guest.missing()
        if missing:
            raise Skip(missing)
        guests.build(self.opt.guest.cc, ['-O1', *how.split(), f'-DSALT={salt}'], os.path.join(HERE, 'work.c'), out, ['-lm'])
        return out

    def run(self, *words, command=None, options=None, env=(), before=(), **more):
        options = ['--cache', self.cache] if options is None else options
        e = {k: v for k, v in os.environ.items() if not k.startswith('DRAGOMAN_')}
        e.update(dict(env), LC_ALL='C')
        p = subprocess.run([*before, command or self.opt.dragoman, 'run', '--stats', *options, *words], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, errors='replace', env=e, timeout=120 * PATIENCE, check=False, **more)
        return Run(p)

    def files(self, where=None):
        where = where or self.cache
        return sorted(os.path.join(where, n) for n in os.listdir(where)) if os.path.isdir(where) else []

    def warm(self, program, *words, **more):
        """The program's result; its translations are in the cache after."""
        first = self.run(program, *words, **more)
        check(first.status == 3 and first.out, first)
        return first


def is_warm(r, first):
    """Has next to nothing been translated?"""
    check(r.status == first.status and r.out == first.out, r, first)
    check(sum(r.made) * 20 < sum(first.made) and sum(r.had) > 0, r, first)


def is_cold(r, first):
    check(r.status == first.status and r.out == first.out, r, first)
    check(sum(r.had) == 0 and sum(r.made) * 2 > sum(first.made), r, first)


@case
def second_run(t):
    """What one run has translated, the next one has, at other tiers of effort not."""
    program = t.build()
    first = t.warm(program)
    check(stat.S_IMODE(os.stat(t.cache).st_mode) == 0o700, 'the directory is not ours alone')
    check(t.files() and all(stat.S_IMODE(os.stat(f).st_mode) == 0o600 for f in t.files()), 'files are not ours alone')
    before = [(f, os.stat(f).st_ino) for f in t.files()]
    is_warm(t.run(program), first)
    check(before == [(f, os.stat(f).st_ino) for f in t.files()], 'a run with nothing new has written')
    for options in (['--max-insns', '3'], ['--host-features', 'none']):
        is_cold(t.run(program, options=['--cache', t.cache, *options]), first)
        is_warm(t.run(program, options=['--cache', t.cache, *options]), first)
    is_warm(t.run(program), first)
    for options in (['--tier', 'interp'], ['--dump', 'ir', '-D', '/dev/null']):
        r = t.run(program, options=['--cache', t.cache, *options])
        check(r.status == 3 and r.out == first.out and sum(r.had) == 0, r)


@case
def library_routines(t):
    """Where the C library's routines are host code, that is stored, too; not what it has there by itself."""
    program = t.build(how='')
    if not os.path.isdir(os.path.join(t.opt.guest.libraries, 'lib')):
        raise Skip(f'no {t.opt.guest.libraries}')
    options = ['--cache', t.cache, '-L', t.opt.guest.libraries]
    made = re.compile(r'library routines +(\d+) as host code')
    first = t.warm(program, options=options)
    check(int(made.search(first.err).group(1)) > 0, first)
    second = t.run(program, options=options)
    check(second.status == 3 and second.out == first.out and sum(second.made) == 0, second)
    is_cold(t.run(program, options=[*options, '--no-known']), first)
    third = t.run(program, options=[*options, '--no-known'])
    check(sum(third.made) == 0 and third.out == first.out, third)


@case
def families(t):
    """Children by fork and by execve find what is there and leave what they made."""
    program = t.build()
    first = t.warm(program, '5', 'family')
    check(first.out.count('status') == 2 and 'status 700' in first.out and 'status 300' in first.out, first)
    is_warm(t.run(program, '5', 'family'), first)


@case
def more_work(t):
    """What a later run does beyond the first is added."""
    program = t.build()
    t.warm(program, '0')
    second = t.run(program, '5', 'family')
    check(sum(second.made) > 50 and sum(second.had) > 0, second)
    is_warm(t.run(program, '5', 'family'), Run(argparse.Namespace(returncode=second.status, stdout=second.out, stderr=second.err)))


@case
def damage(t):
    """Files that are cut short, have bits flipped, or are something else."""
    program = t.build()
    first = t.warm(program)
    sound = {f: open(f, 'rb').read() for f in t.files()}
    largest = max(sound, key=lambda f: len(sound[f]))
    size = len(sound[largest])

    def put(data):
        for f in t.files():
            os.unlink(f)
        for f, was in sound.items():
            with open(f, 'wb') as out:
                out.write(data(f, was))
            os.chmod(f, 0o600)

    def flipped(at):
        return lambda f, was: was if f != largest else was[:at] + bytes([was[at] ^ 16]) + was[at + 1:]

    for data in (lambda f, was: b'', lambda f, was: was[:len(was) // 2], lambda f, was: was[:-1], lambda f, was: was + b'\0', lambda f, was: bytes(len(was)),
                 lambda f, was: sound[max(sound)] if f == min(sound) else sound[min(sound)], lambda f, was: os.urandom(len(was)),
                 *(flipped(at) for at in (0, 9, 30, 44, 60, size // 3, size // 2, size - 2))):
        put(data)
        r = t.run(program)
        check(r.status == 3 and r.out == first.out, r)
        is_warm(t.run(program), first)  # it was written anew


@case
def foreign_files(t):
    """A directory or files that others may write, or that are not plain, are left alone."""
    program = t.build()
    os.mkdir(t.cache)
    for mode in (0o777, 0o770, 0o702):
        os.chmod(t.cache, mode)
        first = t.warm(program)
        check(not t.files(), 'a directory that others may write was written')
    os.chmod(t.cache, 0o700)
    first = t.warm(program)
    for f in t.files():
        os.chmod(f, 0o602)
    r = t.run(program)
    is_cold(r, first)
    is_warm(t.run(program), first)  # by files of its own
    for f in t.files():
        os.rename(f, f + '.x')
        os.symlink(f + '.x', f)
    is_cold(t.run(program), first)
    if os.geteuid() == 0:
        for f in t.files():
            os.chown(f, 1, 1, follow_symlinks=False)
        is_cold(t.run(program), first)
        is_warm(t.run(program), first)
        os.chown(t.cache, 1, 1)
        is_cold(t.run(program), first)
    os.rename(t.cache, t.cache + '.real')
    os.symlink(t.cache + '.real', t.cache)
    check(t.run(program).out == first.out, 'behind a link')


@case
def nowhere(t):
    """No room, no right, no directory: the program does not notice."""
    program = t.build()
    want = t.warm(program).out
    shutil.rmtree(t.cache)
    for where in ('/proc/none', '/dev/null', '/dev/null/x', '/' + 'x' * 300, '/' + 'x/' * 2100):
        r = t.run(program, options=['--cache', where])
        check(r.status == 3 and r.out == want and sum(r.had) == 0, where, r)
    if os.environ.get('TEST_SANITIZER') == 'thread':
        print('left out: a limit on the size of files, which ThreadSanitizer itself does not get over')
        return
    r = t.run(program, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    check(r.status == 3 and r.out == want and not t.files(), r)


@case
def disk_full(t):
    """A disk of some pages."""
    program = t.build()
    first = t.warm(program)
    shutil.rmtree(t.cache)
    os.mkdir(t.cache)
    script = 'mount -t tmpfs -o size=%s,mode=700 none "$0" && shift 0 && "$@"; code=$?; ls "$0" | grep new && exit 90; exit $code'
    for size in ('4k', '32k', '100k'):
        r = t.run(program, before=['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script % size, t.cache])
        if 'unshare:' in r.err or 'mount:' in r.err:
            raise Skip('no namespaces here')
        check(r.status == 3 and r.out == first.out, r)


@case
def many_at_once(t):
    """Processes that store the same at the same time."""
    program = t.build()
    first = t.warm(program)
    shutil.rmtree(t.cache)
    for _ in range(2):
        running = [subprocess.Popen([t.opt.dragoman, 'run', '--stats', '--cache', t.cache, program, str(4 + i % 3)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for i in range(8)]
        texts = [p.communicate(timeout=120 * PATIENCE)[0] for p in running]
        check(all(p.returncode == 3 for p in running) and texts[0] == texts[3] == texts[6] != texts[1], texts)
    is_warm(t.run(program), first)
    check(not [f for f in t.files() if f.endswith('.new')], t.files())


@case
def other_program(t):
    """Another file of the same name and size, or the same file written over, is another program."""
    program = t.build()
    first = t.warm(program)
    other = t.build('other', salt=2)
    want = t.run(other, options=['--no-cache'])
    check(want.out != first.out and os.path.getsize(other) == os.path.getsize(program), 'the programs are not as they should be')
    times = os.stat(program)
    for _ in range(2):
        shutil.copyfile(other, program)  # the same inode
        os.utime(program, ns=(times.st_atime_ns, times.st_mtime_ns))
        r = t.run(program)
        check(r.status == 3 and r.out == want.out, r)
    os.replace(other, program)
    r = t.run(program)
    check(r.status == 3 and r.out == want.out, r)


@case
def other_build(t):
    """Another build of the command has translations of its own."""
    program = t.build()
    first = t.warm(program)
    is_cold(t.run(program, command=t.opt.other), first)
    is_warm(t.run(program, command=t.opt.other), first)
    is_warm(t.run(program), first)


@case
def where_it_is(t):
    """By option, by environment, by default; and off."""
    program = t.build()
    home, xdg = os.path.join(t.tmp, 'home'), os.path.join(t.tmp, 'xdg')
    os.mkdir(home)
    for env, options, where in (({'HOME': home, 'XDG_CACHE_HOME': ''}, [], os.path.join(home, '.cache', 'dragoman')),
                                ({'HOME': home, 'XDG_CACHE_HOME': xdg}, [], os.path.join(xdg, 'dragoman')),
                                ({'HOME': home, 'DRAGOMAN_CACHE': os.path.join(t.tmp, 'env')}, [], os.path.join(t.tmp, 'env')),
                                ({'HOME': home, 'DRAGOMAN_CACHE': 'off'}, ['--cache', os.path.join(t.tmp, 'line')], os.path.join(t.tmp, 'line')),
                                ({'HOME': home}, ['--cache', 'relative'], os.path.join(t.tmp, 'relative'))):
        first = t.run(program, options=options, env=env, cwd=t.tmp)
        check(first.status == 3 and t.files(where), where, first)
        is_warm(t.run(program, options=options, env=env, cwd=t.tmp), first)
    shutil.rmtree(home)
    os.mkdir(home)
    for env, options in (({'HOME': home, 'XDG_CACHE_HOME': '', 'DRAGOMAN_CACHE': 'off'}, []), ({'HOME': home, 'XDG_CACHE_HOME': ''}, ['--no-cache']),
                         ({'HOME': home, 'XDG_CACHE_HOME': ''}, ['--cache', 'off']), ({'HOME': '', 'XDG_CACHE_HOME': ''}, []),
                         ({'HOME': 'x', 'XDG_CACHE_HOME': 'y'}, [])):
        r = t.run(program, options=options, env=env, cwd=t.tmp)
        check(r.status == 3 and sum(r.had) == 0 and not os.listdir(home) and not os.path.exists(os.path.join(t.tmp, 'y')), env, r)


@case
def limit(t):
    """The oldest go when there are too many."""
    program = t.build()
    t.run(program)
    size = max(os.path.getsize(f) for f in t.files())
    most = 3 * size + size // 2
    options = ['--cache', t.cache, '--cache-limit', str(most)]
    for i in range(8):
        with open(program, 'r+b') as f:  # another program, as far as names go
            f.seek(9)
            f.write(bytes([i]))
        for f in t.files():
            os.utime(f, (1000 + i, 1000 + i))
        r = t.run(program, options=options)
        check(r.status == 3, r)
        check(sum(os.path.getsize(f) for f in t.files()) <= most and (i < 2 or len(t.files()) > 1), t.files())
        check(any(os.stat(f).st_mtime > 2000 for f in t.files()), 'the newest is gone')


@case
def looked_after(t):
    """`dragoman cache`: what it counts is what is there; damage is found; nothing but what is the cache's is removed."""
    def cache(*words, env=()):
        e = {k: v for k, v in os.environ.items() if not k.startswith('DRAGOMAN_')}
        p = subprocess.run([t.opt.dragoman, 'cache', *words], capture_output=True, text=True, env={**e, **dict(env)}, timeout=60 * PATIENCE, check=False)
        return p.returncode, p.stdout, p.stderr

    check(cache('--cache', t.cache, 'size') == (0, f'{t.cache}: 0 images, 0 KiB, 0 blocks\n', ''), 'no directory')
    t.run(t.build())
    files = t.files()
    check(files, 'nothing was stored')
    status, out, _ = cache('--cache', t.cache, 'list')
    check(status == 0 and all(os.path.basename(f) in out for f in files) and f'{t.cache}: {len(files)} images, ' in out, out)
    blocks = sum(int(n) for n in re.findall(r' (\d+) blocks of', out))
    status, out, _ = cache('size', env={'DRAGOMAN_CACHE': t.cache})
    check(status == 0 and out.startswith(f'{t.cache}: {len(files)} images, ') and out.endswith(f', {blocks} blocks\n') and blocks > 50, out)
    check(cache(f'--cache={t.cache}', 'verify')[0] == 0, 'sound')
    # One byte is a piece's, one of code, one the head's, the first the format's version. (Between pieces and code, and at the end, are bytes of no meaning.)
    with open(files[0], 'rb') as f:
        good = f.read()
    piece, code = (int.from_bytes(good[i:i + 4], sys.byteorder) for i in (80, 48))
    for at, kind, status in ((piece + 30, 'damaged', 1), (code + 9, 'damaged', 1), (60, 'damaged', 1), (0, 'foreign', 0)):
        with open(files[0], 'wb') as f:
            f.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        got = cache('--cache', t.cache, 'verify')
        check(got[0] == status and got[1].startswith(f'{os.path.basename(files[0])}: {kind}\n') and f'; 1 {kind}\n' in got[1], at, got)
    with open(files[0], 'wb') as f:
        f.write(good[:len(good) - 8])
    check(cache('--cache', t.cache, 'verify')[0] == 1, 'cut short')
    # Others' files stay.
    os.mkdir(os.path.join(t.cache, 'f' * 32))
    for name in ('notes', 'e' * 31, 'E' * 32, 'e' * 32 + '.old'):
        with open(os.path.join(t.cache, name), 'w', encoding='utf-8') as f:
            f.write('mine')
    with open(os.path.join(t.cache, 'e' * 32 + '-1-2.new'), 'w', encoding='utf-8') as f:
        f.write('unfinished')
    check('; 1 unfinished; 1 damaged\n' in cache('--cache', t.cache, 'size')[1], 'unfinished')
    status, out, _ = cache('--cache', t.cache, 'clear')
    check(status == 0 and out.startswith(f'{t.cache}: {len(files) + 1} files removed, '), out)
    check(len(os.listdir(t.cache)) == 5, os.listdir(t.cache))
    os.chmod(t.cache, 0o777)
    check(cache('--cache', t.cache, 'list')[0] == 125 and 'not yours alone' in cache('--cache', t.cache, 'list')[2], 'rights')
    for words in ((), ('walk',), ('list', 'size'), ('--nosuch', 'list')):
        check(cache(*words)[0] == 125, words)
    check(cache('size', env={'DRAGOMAN_CACHE': 'off'})[0] == 125, 'off')


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman')
    ap.add_argument('--other', help='another build')
    guests.add_option(ap)
    cases.add_options(ap)
    opt = ap.parse_args()
    for part in ('dragoman', 'other'):
        if getattr(opt, part):
            setattr(opt, part, os.path.abspath(getattr(opt, part)))
    return cases.run(opt, 'dragoman-cache-', Test)


if __name__ == '__main__':
    sys.exit(main())
