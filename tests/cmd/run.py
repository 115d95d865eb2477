#!/usr/bin/env python3
"""Tests of the command: options, messages, statuses, and what it shows of a run (--stats, --dump, --log, --perf-map, crash reports).

run.py --dragoman PATH --broken PATH [CASE…]"""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..')
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))  # a slow build has more
sys.path[:0] = [os.path.join(ROOT, 'tools'), os.path.join(ROOT, 'tests')]
import cases
import guests
import hostdis
import mangen
from cases import Failed, Skip, case, check

class Result:
    def __init__(self, r):
        self.status, self.out, self.err = r.returncode, r.stdout, r.stderr

    def __str__(self):
        return f'status {self.status}\n-- output:\n{self.out}\n-- errors:\n{self.err}'


# By host: the instruction that arch/<isa>/no_insn.h plants, as bytes and as objdump calls it.
NO_INSN = {'x86_64': ('0f 0b', 'ud2'), 'aarch64': ('00 00 00 00', 'udf'), 'riscv64': ('73 10 00 c0', 'unimp')}


class Test:
    def __init__(self, opt, tmp):
        self.dragoman, self.broken, self.guest, self.host, self.tmp = opt.dragoman, opt.broken, opt.guest, opt.host, tmp

    def build(self, name, *flags):
        out = os.path.join(self.tmp, name)
        if not os.path.exists(out):
            missing = self.guest.missing()
            if missing:
                raise Skip(missing)
            source = os.path.join(HERE, 'programs', name + '.c')
            guests.build(self.guest.cc, ['-O1', '-w', '-static', '-pthread', *flags], source, out)
        return out

    def call(self, *args, env=(), command=None, cwd=None, merge=False):
        e = {k: v for k, v in os.environ.items() if not k.startswith('DRAGOMAN_')}
        e.update({'DRAGOMAN_CACHE': 'off', **dict(env)}, LC_ALL='C')
        r = subprocess.run([command or self.dragoman, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT if merge else subprocess.PIPE, text=True, errors='replace', env=e, cwd=cwd, timeout=120 * PATIENCE)
        return Result(r)


def options():
    with open(os.path.join(ROOT, 'cmd', 'options_def.h'), encoding='utf-8') as f:
        return mangen.parse_options(f.read(), 'options_def.h')


# --- the command line ---

@case
def texts(t):
    """help, version, doctor; the manual page and the help name every option."""
    for words in (['help'], ['--help'], ['-h']):
        r = t.call(*words)
        check(r.status == 0 and not r.err and r.out.startswith('dragoman: run software'), r)
        for name, letter, arg, env, text in options():
            check(re.search(rf'^  {f"-{letter}, " if letter else ""}--{name}{f" {arg}" if arg else ""} ', r.out, re.M), name, r)
            check(text in r.out and (not env or f'[{env}]' in r.out), name, r)
    for words in (['version'], ['--version']):
        r = t.call(*words)
        check(r.status == 0 and re.fullmatch(r'dragoman \d+\.\d+\.\d+\n', r.out), r)
    r = t.call('doctor')
    check(r.status in (0, 1) and 'host ISA' in r.out, r)
    page = os.path.join(os.path.dirname(t.dragoman), 'docs', 'dragoman.1')
    if os.path.exists(page):
        with open(page, encoding='utf-8') as f:
            text = f.read()
        for name, letter, arg, env, _ in options():
            check('\\-\\-' + name.replace('-', '\\-') in text and (not env or env in text), name, 'is not in the manual page')
        if shutil.which('groff'):
            r = subprocess.run(['groff', '-man', '-Tutf8', '-ww', page], capture_output=True, text=True, check=False)
            check(not r.stderr, r.stderr)


@case
def mistakes(t):
    """Each wrong use gives one line and status 125."""
    hello = t.build('hello')
    other = {'riscv64': 'v8.2', 'aarch64': 'rv64'}[t.guest.name]
    for words, says in (([], 'no verb'), (['walk'], 'walk: no such verb'), (['run'], 'no program'), (['run', '--stats'], 'no program'),
                        (['run', '--nonsense', hello], '--nonsense: no such option'), (['run', '-Z', hello], '-Z: no such option'),
                        (['run', '--stats=1', hello], 'takes no value'), (['run', '--root'], 'needs DIR'),
                        (['run', '--cpu', 'rv32', hello], 'no such CPU'), (['run', '--cpu', 'rv64,', hello], 'no such CPU'), (['run', '--cpu', other, hello], 'no such CPU'),
                        (['run', '--root', '/', '-L', '/', hello], 'exclude each other'), (['run', '--tier', 'x', hello], '--tier x'),
                        (['run', '--cache-size', '63K', hello], '--cache-size 63K'), (['run', '--cache-size', '2G', hello], '--cache-size 2G'),
                        (['run', '--cache-size', '-1', hello], '--cache-size -1'), (['run', '--cache-size', '64X', hello], '64X'),
                        (['run', '--max-insns', '0', hello], '--max-insns 0'), (['run', '--max-insns', '1025', hello], '1025'),
                        (['run', '--host-features', 'x87', hello], '--host-features x87'), (['run', '--dump', 'guest,x', hello], '--dump x'),
                        (['run', '--dump-range', '10', hello], '--dump-range 10'), (['run', '--dump-range', '20-10', hello], '20-10'),
                        (['run', '--dump-range', 'x-y', hello], 'x-y'), (['run', '-E', 'novalue', hello], '-E novalue'),
                        (['run', '-E', '=x', hello], '-E =x'), (['run', '-C', '/none', hello], '/none'),
                        (['run', '-D', '/none/log', hello], '/none/log'), (['run', '--root', '/none', hello], '/none'),
                        (['doctor', 'x'], 'no arguments')):
        r = t.call(*words)
        check(r.status == 125 and not r.out and r.err.count('\n') == 1 and says in r.err and r.err.startswith('dragoman: '), words, r)
    r = t.call('run', hello, env={'DRAGOMAN_TIER': 'x'})
    check(r.status == 125 and '--tier x' in r.err, r)


@case
def cpus(t):
    """What a program is told of its CPU, and that it is so: without compressed instructions; with LSE2, over exec too."""
    if t.guest.name == 'aarch64':
        lse2(t)
        return
    cpu = t.build('cpu', '-march=rv64g', '-mabi=lp64d', '-nostdlib')
    for tier in ('baseline', 'interp'):
        for name in ('rv64', 'rv64,c=true', 'rv64,c=false,c=true'):
            r = t.call('run', '--tier', tier, '--cpu', name, cpu)
            check(r.status == 0 and r.out == 'compressed\n' * 2, name, r)
        r = t.call('run', '--tier', tier, '-cpu', 'rv64,c=false', cpu)
        check(r.status == 0 and r.out == 'not compressed\n' * 2, r)


def lse2(t):
    program = t.build('lse2')
    for tier in ('baseline', 'interp'):
        for name, has in (('v8.2', False), ('v8.2,lse2=true,lse2=false', False), ('v8.2,lse2=true', True)):
            r = t.call('run', '--tier', tier, '--cpu', name, program)
            if has and 'in one step' in r.err:
                raise Skip(r.err.strip())
            check(r.status == 0 and r.out == 2 * ('uscat 1 1 1\ninside: works\nacross: SIGBUS ADRALN\n' if has else
                                                  'uscat 0 0 0\ninside: SIGBUS ADRALN\nacross: SIGBUS ADRALN\n'), name, r)
    r = t.call('run', '--cpu', 'v8.2,lse2', program)
    check(r.status == 125 and 'v8.2,lse2=true' in r.err, r)


@case
def other_isa(t):
    """A program of one guest ISA executes one of another, and that one the first again."""
    other = next(g for g in guests.GUESTS.values() if g.name != t.guest.name)
    if other.missing():
        raise Skip(other.missing())
    hello, foreign = t.build('hello'), os.path.join(t.tmp, 'foreign')
    subprocess.run([other.cc, '-O1', '-w', '-static', '-o', foreign, os.path.join(HERE, 'programs', 'hello.c')], check=True)
    cpu = {'riscv64': 'rv64,c=true', 'aarch64': 'v8.2'}[t.guest.name]
    for way in ([], ['--tier', 'interp'], ['--cpu', cpu]):
        r = t.call('run', *way, hello, 'exec', foreign, 'exec', hello, 'exit', '9')
        machines = re.findall('^machine (.*)$', r.out, re.M)
        check(r.status == 9 and machines == [t.guest.name, other.name, t.guest.name], way, r)


@case
def statuses(t):
    hello = t.build('hello')
    for code in (0, 1, 125, 255):
        check(t.call('run', hello, 'exit', str(code)).status == code, code)
    text = os.path.join(t.tmp, 'text')
    with open(text, 'w', encoding='utf-8') as f:
        f.write('not a program\n')
    for words, status in (([t.tmp], 126), ([text], 126), (['/none/such'], 127), (['no-such-program-anywhere'], 127), ([text + '/x'], 127)):
        r = t.call('run', *words)
        check(r.status == status and r.err.count('\n') == 1 and words[0] in r.err, words, r)
    os.chmod(text, 0o755)
    check(t.call('run', text).status == 126, 'a text that may be executed')


@case
def names(t):
    """Under --root a bare name is looked for in PATH, or where programs are wont to be; without, never."""
    root = os.path.join(t.tmp, 'names')
    os.makedirs(os.path.join(root, 'usr/bin'))
    os.makedirs(os.path.join(root, 'opt'))
    shutil.copy(t.build('hello'), os.path.join(root, 'usr/bin/hello-there'))
    shutil.copy(t.build('hello'), os.path.join(root, 'opt/other'))
    with open(os.path.join(root, 'opt/broken'), 'w', encoding='utf-8') as f:
        f.write('not a program\n')
    os.chmod(os.path.join(root, 'opt/broken'), 0o755)
    env = {'PATH': '/nowhere::/opt/:/usr/bin'}
    for name, status in (('hello-there', 3), ('other', 3), ('broken', 126), ('none', 127), ('', 127), ('opt/none', 127)):
        r = t.call('run', '--root', root, name, 'exit', '3', env=env)
        check(r.status == status, name, r)
    check(t.call('run', '--root', root, 'other', 'exit', '3', env={'PATH': '/bin'}).status == 127, 'not in PATH')
    check(t.call('run', 'hello-there', env={'PATH': os.path.join(root, 'usr/bin')}).status == 127, 'without --root')


@case
def settings(t):
    """Options reach the guest; environment variables stand for them, and the command line wins; - or --, = or a word of its own."""
    hello = t.build('hello')
    work = os.path.join(t.tmp, 'work')
    os.mkdir(work)
    r = t.call('run', '-E', 'T_A=1', '-E=T_B=x y', '--unset', 'T_C', '--argv0=name', '-C', work, '--uname', '9.8.7', '--', hello, '-x', '--strace',
               env={'T_C': '3', 'T_D': '4'})
    check(r.status == 0 and r.out == f'argv0 name\narg -x\narg --strace\ncwd {work}\nrelease 9.8.7\nmachine {t.guest.name}\nenv T_D=4\nenv T_A=1\nenv T_B=x y\n', r)
    r = t.call('run', hello, env={'DRAGOMAN_ARGV0': 'twin', 'DRAGOMAN_UNAME': '1.2', 'DRAGOMAN_STATS': '1', 'DRAGOMAN_STRACE': '0'})
    check(r.status == 0 and 'argv0 twin\n' in r.out and 'release 1.2\n' in r.out and 'stats' in r.err and 'write(' not in r.err, r)
    r = t.call('run', '-argv0', 'line', hello, env={'DRAGOMAN_ARGV0': 'twin'})
    check('argv0 line\n' in r.out, r)
    for way in (['--tier', 'interp'], ['--tier=baseline', '--cache-size', '64k'], ['--max-insns=1'], ['--host-features', 'none'],
                ['--host-features=all'], ['--cache-size=1M', '--max-insns', '1024']):
        r = t.call('run', *way, hello)
        check(r.status == 0 and f'machine {t.guest.name}' in r.out and not r.err, way, r)


# --- what it shows ---

@case
def stats(t):
    hello = t.build('hello')
    r = t.call('run', '--stats', hello, 'fork', 'exec')
    check(r.status == 0 and r.err.count('dragoman: stats: pid') == 2, r)
    for block in re.findall(r'blocks translated +(\d+) \((\d+) guest instructions, (\d+) guest bytes, (\d+) host bytes\)', r.err):
        check(int(block[0]) > 50 and int(block[1]) > int(block[0]) and int(block[2]) > int(block[1]) and int(block[3]) > 1000, r)
    for line in re.findall(r'translation time +(\d+) us \((\d+) ns a guest instruction\)', r.err):
        check(all(int(n) > 0 for n in line), r)
    memory = re.findall(r"engine's memory +(\d+) KiB: host code (\d+), blocks (\d+), tables (\d+), vCPUs (\d+), space to work (\d+)\n", r.err)
    check(len(memory) == 2, r)
    for whole, *parts in memory:
        check(all(int(n) > 0 for n in parts) and sum(map(int, parts)) <= int(whole) <= sum(map(int, parts)) + len(parts), r)
    r = t.call('run', '--stats', '--cache-size', '64K', hello)
    flushes = re.search(r'flushes (\d+)', r.err)
    check(flushes and int(flushes.group(1)) > 0, r)
    r = t.call('run', '--stats', '--tier', 'interp', hello)
    check(' 0 host bytes' in r.err, r)
    # System calls that are made from within translated code are no entries into it.
    for way, fewer in (([], t.host == 'x86_64'), (['--strace'], False)):
        r = t.call('run', '--stats', *way, hello, 'calls')
        entries = re.search(r'entries (\d+)', r.err)
        check(r.status == 0 and entries and (int(entries.group(1)) < 10000) == fewer, r.err[-2000:])


@case
def dumps(t):
    hello = t.build('hello')
    nm = subprocess.run([t.guest.tool('nm'), hello], capture_output=True, text=True, check=True).stdout
    start = int(next(line.split()[0] for line in nm.splitlines() if line.endswith(' busy')), 16)
    span = f'--dump-range={start:x}-{start + 1:x}'
    whole = t.call('run', '--dump=guest,ir,host', span, hello).err
    check(whole.startswith(f'block {start:x}: ') and whole.count('block ') == 1, whole)
    check(re.search(rf'^ +{start:x}:  [0-9a-f]+ +\S+', whole, re.M), whole)
    check(f'unit pc={start:#x}\n' in whole and f'  insn {start:#x} ' in whole, whole)
    check(re.search(rf'^  -- {start:x}  \S+', whole, re.M), whole)
    parts = ''.join(t.call('run', '-d', part, span, hello).err for part in ('guest', 'ir', 'host'))
    for pattern in (r'^ +[0-9a-f]+:  [0-9a-f]+ {2}', r'^unit pc', r'^  -- '):
        check(re.search(pattern, parts, re.M), pattern, parts)
    check('unit pc' not in t.call('run', '-d', 'guest', span, hello).err, 'guest shows IR')
    check('  -- ' not in t.call('run', '-d', 'guest,ir', span, hello).err, 'ir shows host code')
    log = os.path.join(t.tmp, 'log')
    r = t.call('run', '-D', log, '--dump', 'guest', '--stats', hello)
    check(r.status == 0 and not r.err, r)
    with open(log, encoding='utf-8') as f:
        text = f.read()
    check(text.count('block ') > 50 and 'dragoman: stats' in text, text[-2000:])
    r = t.call('run', '--tier', 'interp', '--dump', 'guest,ir,host', span, hello)
    check('0 host bytes' in r.err and '  -- ' not in r.err, r)
    if shutil.which('objdump'):
        lines = list(hostdis.convert(whole.splitlines()))
        code = [line for line in lines if re.match(r'^  +[0-9a-f]{8,}:  ([0-9a-f]{2} )+ +\w', line)]
        check(len(code) > 5 and not any('(bad)' in line for line in lines), '\n'.join(lines))


def routines_in(t, *command):
    """How many library routines were host code in a run of one of the programs of test cases below, and how many calls were left to the guest's own."""
    r = t.call('run', '--stats', '--no-cache', *command)
    check(r.status == 0 and r.out == 'well\n', command, r)
    return tuple(int(n) for n in re.search(r'library routines +(\d+) as host code, (\d+) calls', r.err).groups())


@case
def known(t):
    """The C library's routines are found by its own symbols, in the dynamic library or in a program, and not with --no-known."""
    if t.guest.missing():
        raise Skip('no compiler')
    source = os.path.join(HERE, 'programs', 'routines.c')
    kinds = {'static': ['-static'], 'static-pie': ['-static-pie']}
    if os.path.isdir(t.guest.libraries):
        kinds['dynamic'] = []
    for kind, link in kinds.items():
        program = os.path.join(t.tmp, 'routines')
        if subprocess.run([t.guest.cc, '-O1', '-fno-builtin', *link, '-o', program, source], stderr=subprocess.DEVNULL, check=False).returncode:
            check(kind == 'static-pie', kind)
            continue # not every compiler has what such programs begin with
        where = () if link else ('-L', t.guest.libraries)
        counts = [routines_in(t, *way, *where, program)[0]
                  for way in ([], ['--no-known'], ['--tier', 'interp'], ['--max-insns', '1'], ['--host-features', 'none'])]
        if t.host == 'x86_64':
            check(counts[0] >= 19 and counts[4] == counts[0], kind, counts)
            left = [routines_in(t, *where, program, *arg)[1] for arg in ([], ['sets'])]
            check(left[0] == 0 and left[1] >= 3, kind, left)
        check(counts[1:4] == [0, 0, 0], kind, counts)


@case
def known_static(t):
    """In a static program no routine is known without symbols, none that is the program's own, and none beside a sanitizer's."""
    if t.guest.missing():
        raise Skip('no compiler')
    program = os.path.join(t.tmp, 'program')

    def built(name, *how):
        subprocess.run([t.guest.cc, '-O1', '-fno-builtin', '-fno-tree-loop-distribute-patterns', '-static', *how, '-o', program,
                        os.path.join(HERE, 'programs', name)], check=True)
        return routines_in(t, program)[0]

    check(built('routines.c', '-s') == 0)
    asan = os.path.join(t.tmp, 'asan.c')
    with open(asan, 'w', encoding='utf-8') as f:
        f.write('void __asan_init(void) {}\n')
    check(built('routines.c', asan) == 0)
    own = built('own_routines.c')
    if t.host == 'x86_64':
        check(own >= 3, own) # those of the library
    # The same with the program's functions where they come after others, each in a section of its own.
    built('own_routines.c', '-ffunction-sections', '-Wl,--gc-sections')


@case
def perf_map(t):
    """Lines match the translations, carry the guest's names, and a forked child has a file of its own."""
    hello = t.build('hello')
    r = t.call('run', '--perf-map', '--dump=host', '--strace', hello, 'fork', merge=True)
    check(r.status == 0, r)
    pids = set(re.findall(r'^\[(\d+)\] ', r.out, re.M))
    made = [m for m in glob.glob('/tmp/perf-*.map') if re.search(r'\d+', m).group() in pids]
    try:
        check(len(made) == 2, made, r)
        texts = []
        for m in made:
            with open(m, encoding='utf-8') as f:
                texts.append(f.read())
        for text in texts:
            check(re.match(r'^[0-9a-f]+ [0-9a-f]+ dragoman:common\n', text), text[:500])
            check(re.fullmatch(r'([0-9a-f]+ [0-9a-f]+ (guest:[0-9a-f]+( \S+ \(hello\))?|dragoman:common)\n)+', text), text[:500])
            check(re.search(r' guest:[0-9a-f]+ main(\+0x[0-9a-f]+)? \(hello\)$', text, re.M), 'no main')
        check(any(re.search(r' guest:[0-9a-f]+ busy \(hello\)$', text, re.M) for text in texts), 'no busy')
        # The translations that --dump told of are those of the maps.
        blocks = {(int(pc, 16), int(size)) for pc, size in re.findall(r'^block ([0-9a-f]+): .* (\d+) host bytes$', r.out, re.M)}
        lines = {(int(pc, 16), int(size, 16)) for text in texts for size, pc in re.findall(r'^\S+ (\S+) guest:([0-9a-f]+)', text, re.M)}
        check(blocks == lines, f'{len(blocks - lines)} only dumped, {len(lines - blocks)} only in the map')
    finally:
        for m in made:
            os.unlink(m)


@case
def profile(t):
    """tools/prof.py finds the function in which the time goes, its block in both codes, and what the engine does, without perf."""
    if not shutil.which('cc') or not shutil.which('objdump') or t.guest.missing():
        raise Skip('no compiler')
    source, program, base = (os.path.join(HERE, '..', '..', 'bench', 'programs', 'bits.c'), os.path.join(t.tmp, 'bits'), os.path.join(t.tmp, 'profile'))
    guests.build(t.guest.cc, ['-O2', '-std=gnu17', '-static'], source, program)
    r = subprocess.run([sys.executable, os.path.join(HERE, '..', '..', 'tools', 'prof.py'), '--sampler=ptrace', '--annotate', '--blocks', '1', '--out', base, '--build',
                        os.path.dirname(os.path.abspath(t.dragoman)), '--tier=baseline', program, '40'], capture_output=True, text=True, check=False)
    if 'Operation not permitted' in r.stderr:
        raise Skip('no ptrace here')
    said = r.stdout + r.stderr
    check(r.returncode == 0 and 'sampled by ptrace, status 0' in said, said)
    shares = dict((name, float(share)) for share, name in re.findall(r'^ *([0-9.]+)% +[0-9.]+  (\S.*?) *$', said, re.M))
    least = 10 if os.environ.get('TEST_SANITIZER', 'none') != 'none' else 40  # the engine's part is slower there
    check(shares.get('bits', 0) > least, 'guest code:', shares)
    check(any(name.startswith('engine: ') for name in shares), 'engine:', shares)  # printing the blocks, if nothing else was sampled
    check(re.search(r'^ +[0-9.]+% .* main +bits$', said, re.M), said)
    check(re.search(r'^ +[0-9a-f]+  [a-z]', said, re.M) and re.search(r'^ *[0-9.]+% {10}[a-z]+ ', said, re.M), 'annotated block:', said)
    with open(base + '.svg', encoding='utf-8') as f:
        tree = xml.etree.ElementTree.fromstring(f.read())
    check('main' in [e.text for e in tree.iter()], 'picture')


# --- crash reports ---

def broken(t, *args, options=(), program='breaks', signal_=signal.SIGABRT):
    r = t.call('run', *options, t.build(program), *args, command=t.broken)
    check(r.status == -signal_, r)
    check('not broken' not in r.out, r)
    return r.err


REPORT = (r'^dragoman: internal error: {what}.*\nThis is a bug of Dragoman, not of the program that it runs\..*\n  version +dragoman \d\S+ .*Linux .*\n'
          r'  host CPU +\S+: .*\n(  host pc +.*\n)?  our stack +.*\n  guest +thread \d+, last system call \? \(30000\) .*\n  directory +/.*\n'
          r'  command +dragoman run .*\n  vCPU +\d+: pc [0-9a-f]+, .*\n')


@case
def report_fault(t):
    """A fault of our own, in every kind of thread and process; and the command line in it does it again."""
    for who in ('main', 'thread'):
        for way in ([], ['--tier', 'interp'], ['--cache-size', '64K', '--max-insns=3', '--host-features=none', '--uname', '1 2']):
            text = broken(t, who, '0', '24', options=way)
            check(re.search(REPORT.format(what=r'signal 11 \(code 1\) at pc 0x[0-9a-f]+, address 0x18, thread \d+'), text, re.M), text)
            check(re.search(r'^  host pc +\S+\+0x[0-9a-f]+ \(', text, re.M) and '__wrap' not in text, text)
            check(re.search(r'^  entered last:( [0-9a-f]+){3,16}$', text, re.M) and re.search({'riscv64': r'^    zero +0  ra +[0-9a-f]+', 'aarch64': r'^    x0 +[0-9a-f]+  x1 +[0-9a-f]+'}[t.guest.name], text, re.M), text)
            check(text.endswith('End of the report.\n'), text)
            if shutil.which('addr2line'):
                stack = re.search(r'^  our stack +((?:[0-9a-f]+ )+)', text, re.M).group(1).split()
                names = subprocess.run(['addr2line', '-f', '-e', t.broken, *stack], capture_output=True, text=True, check=True).stdout
                check(re.search('^(lx_run|do_call|do_trap|thread_main)$', names, re.M), names)
            command = re.search(r'^  command +dragoman (run .*)$', text, re.M).group(1)
            again = subprocess.run(f'{t.broken} {command}', shell=True, capture_output=True, text=True, check=False, cwd='/')
            check(again.returncode in (-signal.SIGABRT, 128 + signal.SIGABRT), command, again)
            check(re.search(r'^  command +dragoman (run .*)$', again.stderr, re.M).group(1) == command, command, again.stderr)
    text = broken(t, 'exec', '0', '8')
    command = re.search(r"^  command +dragoman (run .*)$", text, re.M).group(1)
    check(command.endswith(f"--argv0 'other name' {t.build('breaks')} main 0 'with space' 'it'\\''s'"), command)
    again = subprocess.run(f'{t.broken} {command}', shell=True, capture_output=True, text=True, check=False)
    check(again.returncode in (-signal.SIGABRT, 128 + signal.SIGABRT), command, again)
    for who in ('fork', 'vfork'):
        r = t.call('run', t.build('breaks'), who, '0', '8', command=t.broken)
        check(r.status == 0 and 'ended by 6\n' in r.out and r.err.count('End of the report.') == 1, r)


@case
def report_assertion(t):
    for way in ([], ['--tier=interp']):
        text = broken(t, 'main', '1', '77', options=way)
        check(re.search(REPORT.format(what=r'\S*broken\.c:\d+: assertion `t->call_arg\[1\] == 0\' failed: the guest asked for 77'), text, re.M), text)
        check('host pc' not in text, text)


@case
def report_translation(t):
    """An illegal instruction in translated code: guest pc, the block in guest and host code, exact registers."""
    for who in ('main', 'thread', 'fork'):
        if who == 'fork':
            r = t.call('run', t.build('breaks'), who, '2', command=t.broken)
            check(r.status == 0 and 'ended by 6\n' in r.out, r)
            text = r.err
        else:
            text = broken(t, who, '2')
        check(re.search(REPORT.format(what=r'signal 4 '), text, re.M), text)
        m = re.search(r'^  block +([0-9a-f]+), key \d+: (\d+) bytes of guest code, \d+ of host code at [0-9a-f]+; stopped at guest pc ([0-9a-f]+)$', text, re.M)
        check(m, text)
        block, length, pc = int(m.group(1), 16), int(m.group(2)), int(m.group(3), 16)
        check(block < pc < block + length, text)
        check(re.search(rf'^  > +{pc:x}:  [0-9a-f]+ +\S', text, re.M), text)
        check(re.search(r'^  host pc +([0-9a-f]+, in memory for code|\S*memfd:code .*)$', text, re.M), text)
        check(re.search(r'^  > +[0-9a-f]+:  ' + NO_INSN[t.host][0], text, re.M) and f'    -- {pc:x}\n' in text, text)
        check(f'--dump=guest,ir,host --dump-range={block:x}-{block + 1:x}' in text, text)
        check(re.search({'riscv64': r'a0 +c  a1 +4\b|a0 +3  a1 +4\b', 'aarch64': r'x0 +c  x1 +4\b|x0 +3  x1 +4\b'}[t.guest.name], text), text)
        check(text.endswith('End of the report.\n'), text)
        if t.host == 'x86_64' and shutil.which('objdump'): # the host that hostdis knows
            lines = list(hostdis.convert(text.splitlines()))
            check(any(re.match(r'^  > +[0-9a-f]+:  %s +%s$' % NO_INSN[t.host], line) for line in lines), '\n'.join(lines))


@case
def report_others(t):
    """Too deep a recursion, a trap, and a report that faults itself."""
    check('signal 11' in broken(t, 'main', '3') and 'signal 11' in broken(t, 'thread', '3'), 'recursion')
    check('signal 4' in broken(t, 'main', '4'), 'trap')
    text = broken(t, 'main', '5')
    check(text.count('internal error') == 2 and 'End of the report' not in text, text)
    log = os.path.join(t.tmp, 'log')
    check(not broken(t, 'main', '0', options=['-D', log]), 'the report is not in the log')
    with open(log, encoding='utf-8') as f:
        check('End of the report.' in f.read(), 'the report is not in the log')


@case
def guest_crash(t):
    """A guest's own crash is its signal, and nothing is written."""
    for way in ([], ['--tier=interp']):
        for command in (t.dragoman, t.broken):
            r = t.call('run', *way, t.build('breaks'), 'guest', '8', command=command)
            check(r.status == -signal.SIGSEGV and not r.err and not r.out, r)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman')
    ap.add_argument('--broken', help='the dragoman of broken.c')
    ap.add_argument('--host', choices=sorted(NO_INSN), default=os.uname().machine, help='what these were built for')
    guests.add_option(ap)
    cases.add_options(ap)
    opt = ap.parse_args()
    for part in ('dragoman', 'broken'):
        if getattr(opt, part):
            setattr(opt, part, os.path.abspath(getattr(opt, part)))
    return cases.run(opt, 'dragoman-cmd-', Test)


if __name__ == '__main__':
    sys.exit(main())
