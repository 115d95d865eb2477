#!/usr/bin/env python3
"""Where the time of a guest program goes.

    prof.py [--annotate] [--top N] [--out BASE] [--frequency HZ] [--sampler perf|ptrace] [--build DIR] [OPTION…] PROGRAM [ARGUMENT…]

Runs PROGRAM as `dragoman run OPTION… PROGRAM ARGUMENT…` does, samples it and its children many times a second, and says which shares of
their processor time went

* into which guest functions, of the program and its libraries: translated code, joined with guest names by the perf map;
* into what the engine does itself: translating, leaving and entering translated code (dispatch), helpers in C, system calls, and so on, by the source
  file in which the function lies;
* into the kernel (perf only, where the machine lets us see that).

BASE.txt (build/profile/latest.txt) has the tables, and BASE.svg a picture: each box is as wide as its share, and stands on what it is a part of: the whole,
process, library or part of the engine, function, block (guest address). Guest call stacks are not known.

--annotate shows the hottest blocks as guest instructions and below each the host instructions that it became, with the samples that hit them.
Every block is then printed on the way (--dump), which is in what the engine seems to spend.

Samples come from perf where it works, and else from tools/sampler.c, which needs nothing but ptrace; it sees no kernel time apart."""
import argparse
import bisect
import collections
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import hostdis
import svg

# What the engine's functions are for, by source file and, before that, by name. The first that matches counts.
HELPERS = re.compile(r'^(\w+_soft|\w+_vcall|\w+_vec_op|ir_eval|ir_sha|ir_estimate|ir_aes|sfp_|round_pack|nzcv_of|\w+_help|sf_)')
PARTS = [('translator/engine/(run|vcpu|cache)', 'engine: dispatch'), ('translator/engine/fault', 'engine: faults'), ('translator/opt|translator/host/region', 'engine: optimising'),
         ('translator/engine/region', 'engine: optimising'), ('lib/softfp', 'engine: helpers'), ('translator', 'engine: translating'),
         ('personality/linux/(perfmap|symbols)', 'profiling'), ('personality/linux/(mm|mem|elf|exec|sanitize)', 'engine: memory and start'),
         ('personality', 'engine: system calls'), ('kernel', 'engine: kernel interface'), ('lib', 'engine: support'), ('cmd', 'engine: memory and start')]

Sample = collections.namedtuple('Sample', 'pid ip weight symbol dso')  # symbol and dso as perf has them, or None


class Failed(Exception):
    """What could not be done, in one line."""


# --- sampling ---

def perf_works():
    return bool(shutil.which('perf')) and subprocess.run(['perf', 'record', '-q', '-e', 'cpu-clock', '-o', '/dev/null', 'true'], stdout=subprocess.DEVNULL,
                                                         stderr=subprocess.DEVNULL, check=False).returncode == 0


def sample_perf(command, frequency, tmp, stdout=None):
    data = os.path.join(tmp, 'perf.data')
    status = subprocess.run(['perf', 'record', '-q', '-e', 'cpu-clock', '-F', str(frequency), '-o', data, '--', *command], stdout=stdout, check=False).returncode
    text = subprocess.run(['perf', 'script', '-i', data, '-F', 'pid,ip,sym,dso'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    return status, read_perf(text.decode(errors='replace'), 1 / frequency)


def read_perf(text, weight):
    """The output of `perf script -F pid,ip,sym,dso`."""
    out = []
    for m in re.finditer(r'^ *(\d+) +([0-9a-f]+) (.*?)(?:\+0x[0-9a-f]+)? \(((?:[^()]|\(deleted\))*)\)$', text, re.M):
        out.append(Sample(int(m.group(1)), int(m.group(2), 16), weight, m.group(3), m.group(4)))
    return out


def sample_ptrace(command, frequency, tmp, stdout=None):
    program, data = os.path.join(tmp, 'sampler'), os.path.join(tmp, 'samples')
    subprocess.run(['cc', '-O2', '-o', program, os.path.join(HERE, 'sampler.c')], check=True)
    status = subprocess.run([program, str(1000000 // frequency), data, *command], stdout=stdout, check=False).returncode
    with open(data, encoding='utf-8', errors='replace') as f:
        return status, read_ptrace(f.read())


def read_ptrace(text):
    """The lines of sampler.c; what lies where is looked up in those of the maps."""
    maps, out = collections.defaultdict(list), []
    for line in text.splitlines():
        m = re.match(r'map (\d+) ([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \S+ *(.*)', line)
        if m:
            maps[int(m.group(1))].append((int(m.group(2), 16), int(m.group(3), 16), int(m.group(4), 16), m.group(5)))
            continue
        f = line.split()
        if len(f) == 4:
            out.append(Sample(int(f[0]), int(f[2], 16), int(f[3]) / 1e9, None, None))
    names = {}
    for i, s in enumerate(out):
        for lo, hi, off, file in reversed(maps[s.pid]):
            if lo <= s.ip < hi:
                if file not in names:
                    names[file] = Symbols(file)
                out[i] = s._replace(symbol=names[file].at(s.ip - lo + off), dso=file)
                break
    return out


class Symbols:
    """The functions of a host program or library, by offset in its file."""

    def __init__(self, path):
        self.at_list, self.names = [], []
        found, base = {}, []
        for table in ([], ['-D']):
            r = subprocess.run(['nm', *table, '--defined-only', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
            for m in re.finditer(r'^([0-9a-f]+) [tTwWi] (\S+)$', r.stdout, re.M):
                found[int(m.group(1), 16)] = m.group(2)
        r = subprocess.run(['readelf', '-lW', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        for m in re.finditer(r'^ +LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)', r.stdout, re.M):
            base.append(tuple(int(x, 16) for x in m.groups()))
        for address in sorted(found):
            for off, vaddr, size in base:
                if vaddr <= address < vaddr + size:
                    self.at_list.append(address - vaddr + off)
                    self.names.append(found[address])
                    break

    def at(self, offset):
        i = bisect.bisect_right(self.at_list, offset) - 1
        return self.names[i] if i >= 0 else '[unknown]'


# --- what a sample hit ---

class Translations:
    """A process's perf map: which guest code a host address is. A later line wins over an earlier one: the code cache was emptied."""

    LINE = re.compile(r'^([0-9a-f]+) ([0-9a-f]+) (dragoman:common|guest:([0-9a-f]+)(?: (\S+))?(?: \((\S+)\))?)$', re.M)

    def __init__(self, text):
        self.rows = sorted((int(m.group(1), 16), n, int(m.group(2), 16), m) for n, m in enumerate(self.LINE.finditer(text)))
        self.starts = [r[0] for r in self.rows]

    def find(self, ip):
        """(host start, guest pc or None for the common code, function, file), or None."""
        best, i = None, bisect.bisect_right(self.starts, ip) - 1
        for start, n, size, m in reversed(self.rows[max(0, i - 64):i + 1]):
            if ip < start + size and (best is None or n > best[0]):
                best = n, start, m
        if best is None:
            return None
        _, start, m = best
        if not m.group(4):
            return start, None, '(entering and leaving)', 'engine: dispatch'
        pc, name = int(m.group(4), 16), m.group(5)
        function = re.sub(r'\+0x[0-9a-f]+$', '', name) if name else 'no file'
        if name and function == m.group(6):  # no name of its own: its address, to a kilobyte
            function = '%s+0x%x…' % (function, int(name.rpartition('+')[2], 16) >> 10 << 10)
        return start, pc, function, m.group(6) or 'made at run time'


def sources_of(program):
    """function -> source file of the command, as its debug information says."""
    r = subprocess.run(['nm', '--defined-only', program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    found = re.findall(r'^([0-9a-f]+) [tT] (\S+)$', r.stdout, re.M)
    lines = subprocess.run(['addr2line', '-e', program], input='\n'.join(a for a, _ in found), stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    return {name: os.path.relpath(line.rpartition(':')[0], ROOT) if line.startswith('/') else line for (_, name), line in zip(found, lines)}


def part_of(symbol, dso, sources):
    """Which part of the engine a host function is: (part, function)."""
    name = re.sub(r'(\.(isra|part|constprop|cold)\.?\d*)+$', '', symbol or '[unknown]')
    if dso and ('kernel' in dso or dso.startswith('[guest')):
        return 'kernel', name
    if dso and os.path.basename(dso) == 'dragoman':
        if HELPERS.match(name):
            return 'engine: helpers', name
        source = sources.get(symbol) or sources.get(name) or ''
        for pattern, part in PARTS:
            if re.search(r'(^|/)' + pattern, source):
                return part, name
        return 'engine: support', name
    if dso and re.search(r'\.so|vdso', dso):
        return 'engine: C library', name
    return 'translations that are gone', name


Hit = collections.namedtuple('Hit', 'pid weight part function pc start ip')  # pc, start: of a translation, else None


def resolve(samples, maps, sources):
    for s in samples:
        t = maps[s.pid].find(s.ip) if s.pid in maps else None
        if t:
            yield Hit(s.pid, s.weight, t[3], t[2], t[1], t[0], s.ip)
        else:
            part, function = part_of(s.symbol, s.dso, sources)
            yield Hit(s.pid, s.weight, part, function, None, None, s.ip)


# --- showing it ---

OWN = ('engine:', 'kernel', 'profiling', 'translations that are gone')


def table(head, rows, total):
    yield '%7s %9s  %s' % ('share', 'ms', head)
    for weight, name in rows:
        yield '%6.2f%% %9.1f  %s' % (100 * weight / total, weight * 1e3, name)


def summed(hits, key):
    c = collections.Counter()
    for h in hits:
        k = key(h)
        if k is not None:
            c[k] += h.weight
    return [(w, k) for k, w in sorted(c.items(), key=lambda i: (-i[1], str(i[0])))]


def report(hits, top):
    total = sum(h.weight for h in hits) or 1
    guest = [h for h in hits if not h.part.startswith(OWN)]
    lines = ['%.0f ms of processor time in %d samples, of %d processes; %.1f %% in guest code' % (
        total * 1e3, len(hits), len({h.pid for h in hits}), 100 * sum(h.weight for h in guest) / total), '']
    lines += list(table('file, or part of the engine', summed(hits, lambda h: h.part), total)) + ['']
    lines += list(table('guest function', summed(guest, lambda h: '%-40s %s' % (h.function, h.part))[:top], total)) + ['']
    lines += list(table('block', summed(guest, lambda h: '%x %s' % (h.pc, h.function))[:top], total)) + ['']
    own = [h for h in hits if h.part.startswith(OWN)]
    return lines + list(table('function of ours or of the kernel', summed(own, lambda h: '%-40s %s' % (h.function, h.part))[:top], total))


def colour(part, depth):
    if part.startswith('kernel'):
        return '#b0a8d8'
    if part.startswith(OWN):
        return '#7fb0d6'
    return ('#e8a33d', '#e8873d', '#e4703f', '#f0b860')[depth % 4]


def flame(hits, title):
    """Towers: process, part, function, block."""
    width, row, left = 1200, 17, 10
    total = sum(h.weight for h in hits) or 1
    several = len({h.pid for h in hits}) > 1
    tree = {}
    for h in hits:
        path = (['process %d' % h.pid] if several else []) + [h.part, h.function] + (['%x' % h.pc] if h.pc is not None else [])
        node = tree
        for step in path:
            entry = node.setdefault(step, [0, {}, h.part])
            entry[0] += h.weight
            node = entry[1]
    depth = 5 if several else 4
    d = svg.Drawing(width, 60 + row * (depth + 1), 11)
    d.text(left, 20, title, font_size=14, font_weight='bold')
    bottom = 40 + row * depth
    scale = (width - 2 * left) / total
    d.rect(left, bottom, total * scale, row - 1, '#cccccc', 'all: %.0f ms' % (total * 1e3))
    d.text(left + 4, bottom + 12, 'all: %.0f ms' % (total * 1e3))

    def draw(node, x, level):
        for name, (weight, below, part) in sorted(node.items(), key=lambda i: (-i[1][0], i[0])):
            w = weight * scale
            if w >= 0.4:
                y = bottom - row * (level + 1)
                d.rect(x, y, max(0.3, w - 0.5), row - 1, colour(part, level), '%s: %.1f ms, %.2f %%' % (name, weight * 1e3, 100 * weight / total))
                if w > 30:
                    d.text(x + 3, y + 12, name if len(name) * 6.4 < w - 6 else name[:max(1, int((w - 10) / 6.4))] + '…')
                draw(below, x, level + 1)
            x += w

    draw(tree, left, 0)
    return str(d)


def blocks_of(log):
    """(guest pc, host size) -> the lines of the last translation so printed. Others of the same pc and size are the same code."""
    out, lines = {}, None
    for line in log.splitlines():
        m = re.match(r'(block|region) ([0-9a-f]+): .*?(\d+) host bytes$', line)
        if m:
            lines = [line]
            at = int(m.group(2), 16)
        elif lines is not None:
            lines.append(line)
            b = hostdis.BYTES.match(line)
            if b and len(lines) and not any(hostdis.BYTES.match(l) for l in lines[:-1]):
                out[at, int(b.group(2), 16)] = lines
    return out


def annotate(hits, log, top):
    """The hottest translations as text, host instructions with their share of all samples."""
    total = sum(h.weight for h in hits) or 1
    printed = blocks_of(log)
    first = {}
    for (pc, at), lines in printed.items():
        first.setdefault(pc, []).append((at, lines))
    weights = collections.defaultdict(lambda: collections.defaultdict(float))
    names = {}
    for h in hits:
        if h.pc is not None:
            weights[h.pc, h.start][h.ip] += h.weight
            names[h.pc, h.start] = '%s (%s)' % (h.function, h.part)
    for (pc, start), by_ip in sorted(weights.items(), key=lambda i: -sum(i[1].values()))[:top]:
        yield ''
        yield '%.2f%% %x %s' % (100 * sum(by_ip.values()) / total, pc, names[pc, start])
        lines = printed.get((pc, start))
        if not lines:
            yield '  (not printed)'
            continue
        yield '  ' + lines[0]
        for line in hostdis.convert(lines[1:]):
            m = re.match(r'  +([0-9a-f]+):  ((?:[0-9a-f]{2} ?)+) +(\S.*)$', line)
            if m:
                w = by_ip.get(int(m.group(1), 16), 0)
                yield '%8s          %s' % ('%.2f%%' % (100 * w / total) if w else '', m.group(3))
            elif line.startswith('  -- '):
                yield '%8s  %s' % ('', line[5:])


# --- main ---

def main(argv):
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0], usage='prof.py [options] PROGRAM [ARGUMENT…]')
    ap.add_argument('--annotate', action='store_true', help='show the hottest blocks in guest and host instructions')
    ap.add_argument('--top', type=int, default=20, help='rows of a table (20)')
    ap.add_argument('--blocks', type=int, default=10, help='how many blocks --annotate shows (10)')
    ap.add_argument('--out', default=os.path.join(ROOT, 'build', 'profile', 'latest'), metavar='BASE')
    ap.add_argument('--frequency', type=int, default=1997, metavar='HZ', help='samples a second (1997)')
    ap.add_argument('--sampler', choices=['perf', 'ptrace'], help='what takes the samples (perf where it works)')
    ap.add_argument('--build', default=os.path.join(ROOT, 'build'), metavar='DIR')
    end = 0  # of our own options: what follows is as after `dragoman run`
    while end < len(argv):
        option = ap._option_string_actions.get(argv[end].partition('=')[0])
        if not option:
            break
        end += 1 if '=' in argv[end] or option.nargs == 0 else 2
    a = ap.parse_args(argv[:end])
    words = argv[end:][1:] if argv[end:end + 1] == ['--'] else argv[end:]
    if not words:
        ap.error('name a program')
    dragoman = os.path.abspath(os.path.join(a.build, 'dragoman'))
    if not os.path.exists(dragoman):
        print('prof: %s is not there (run ./dev build)' % dragoman, file=sys.stderr)
        return 1
    os.makedirs(os.path.dirname(os.path.abspath(a.out)), exist_ok=True)
    sampler = a.sampler or ('perf' if perf_works() else 'ptrace')
    with tempfile.TemporaryDirectory(prefix='dragoman-profile-') as tmp:
        log = os.path.join(tmp, 'log')
        command = [dragoman, 'run', '--perf-map', *(['--dump=host', '--log', log] if a.annotate else []), *words]
        before = {m: os.stat(m).st_mtime_ns for m in glob.glob('/tmp/perf-*.map')}
        status, samples = (sample_perf if sampler == 'perf' else sample_ptrace)(command, a.frequency, tmp)
        made = [m for m in glob.glob('/tmp/perf-*.map') if before.get(m) != os.stat(m).st_mtime_ns and int(re.search(r'\d+', m).group()) in {s.pid for s in samples}]
        maps = {}
        for path in made:
            with open(path, encoding='utf-8', errors='replace') as f:
                maps[int(re.search(r'\d+', path).group())] = Translations(f.read())
            os.unlink(path)
        text = ''
        if a.annotate and os.path.exists(log):
            with open(log, encoding='utf-8', errors='replace') as f:
                text = f.read()
    samples = [s for s in samples if s.pid in maps]  # perf itself, and what began before there was a map
    if not samples:
        print('prof: no samples: the program ended too soon (status %d)' % status, file=sys.stderr)
        return 1
    hits = list(resolve(samples, maps, sources_of(dragoman)))
    lines = ['dragoman run %s' % shlex.join(words), 'sampled by %s, status %d' % (sampler, status), ''] + report(hits, a.top)
    if a.annotate:
        lines += list(annotate(hits, text, a.blocks))
    with open(a.out + '.txt', 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')
    with open(a.out + '.svg', 'w', encoding='utf-8') as f:
        f.write(flame(hits, 'dragoman run ' + shlex.join(words)))
    print('\n'.join(lines))
    print('prof: written to %s.txt and .svg' % os.path.relpath(a.out))
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        sys.stderr.close()
    except Failed as e:
        print('prof: %s' % e, file=sys.stderr)
        sys.exit(1)
