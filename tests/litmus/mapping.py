#!/usr/bin/env python3
"""Does the host code of each guest instruction keep the order that the guest's memory model asks for?

mapping.py --dragoman PATH [--guest ISA] [--wrapper COMMAND] [--option OPTION]… [-v]

Litmus tests that run see only what the machine at hand does. This looks at the code instead, for any host: a program of all ordered instructions is run with
--dump=host, the accesses and fences of each one's code are read from the disassembly, and every sequence of up to three guest instructions is tried, over the
same and over different places, with and without dependencies.

All models here (Arm, RVWMO, x86-TSO) have one global order of accesses, and an outcome is forbidden where the order that threads keep locally and who read from
whom and who wrote after whom make a circle. So it suffices that what the guest orders locally the host orders as well. Where an atomic is one access in
the guest (RVWMO) and two in the host (Arm), its store stands for it: nothing comes between the two, so a circle that goes in by the load goes in by the store.

What is not looked at: compare-and-swaps that do not store, and whether dependencies survive translation (tests/ir/filetests/fold.ir). The models are written from
the Arm ARM, B2.3, the RISC-V ISA manual, "RVWMO", and Intel's SDM, 9.2. -v prints the mapping."""
import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import guests

SKIP = 77


class Failed(Exception):
    pass


class Item:
    """An access or a fence in a thread. kind: R, W, RW (an atomic that is one access) or F; tags: what it is ordered by; place: a number; of: the number of the
    guest instruction; pair: R and W of one atomic instruction share it."""

    def __init__(self, kind, tags=(), pair=None):
        self.kind, self.tags, self.pair = kind, frozenset(tags), pair
        self.place = self.of = None

    def at(self, of, place):
        i = Item(self.kind, self.tags, (of, self.pair) if self.pair is not None else None)
        i.of, i.place = of, place
        return i

    def __str__(self):
        return self.kind + ''.join('.' + ('/'.join(t) if isinstance(t, tuple) else t) for t in sorted(self.tags))

    @property
    def reads(self):
        return 'R' in self.kind

    @property
    def writes(self):
        return 'W' in self.kind


# --- the models: what a thread keeps in order, as pairs of positions ---

def closure(n, pairs):
    for k, i in itertools.product(range(n), range(n)):
        if (i, k) in pairs:
            pairs |= {(i, j) for j in range(n) if (k, j) in pairs}
    return pairs


def local_source(items, i, j):
    """Does the load j read what the store i of the same thread wrote (when nobody else stored between)?"""
    a, b = items[i], items[j]
    return a.writes and b.reads and a.place == b.place and not any(c.kind != 'F' and c.writes and c.place == a.place for c in items[i + 1:j])


def accesses(items):
    """(i, j, those between) for each two accesses in program order."""
    for i, j in itertools.combinations(range(len(items)), 2):
        if items[i].kind != 'F' and items[j].kind != 'F':
            yield i, j, items[i + 1:j]


def arm(items, deps):
    out = set()
    both = {p.pair for p in items if p.kind == 'R' and 'A' in p.tags and p.pair is not None and p.pair[1] == 'amo'} \
        & {p.pair for p in items if p.kind == 'W' and 'L' in p.tags}
    for i, j, between in accesses(items):
        a, b = items[i], items[j]
        f = set().union(*(c.tags for c in between if c.kind == 'F'))
        if a.place == b.place and b.writes \
                or 'full' in f or 'ld' in f and a.reads or 'st' in f and a.writes and b.writes \
                or a.reads and a.tags & {'A', 'Q'} or b.writes and 'L' in b.tags \
                or a.writes and 'L' in a.tags and b.reads and 'A' in b.tags \
                or a.pair in both and a.of != b.of or a.pair is not None and a.pair == b.pair:
            out.add((i, j))
        dep = deps.get((a.of, b.of)) if a.reads else None
        if dep in ('addr', 'data') or dep == 'ctrl' and (b.writes or 'isb' in f):
            out.add((i, j))
        if dep == 'addr':  # what comes later is not stored before the address is known
            out |= {(i, k) for k in range(j + 1, len(items)) if items[k].kind == 'W'}
        if dep in ('addr', 'data') and b.writes:
            out |= {(i, k) for k in range(j + 1, len(items)) if items[k].kind == 'R' and local_source(items, j, k)}
        if a.kind == 'R' and a.pair is not None:  # a load-acquire of what an atomic stored is after its load
            for w in range(i + 1, j):
                if items[w].pair == a.pair and items[w].writes and b.reads and b.tags & {'A', 'Q'} and local_source(items, w, j):
                    out.add((i, j))
    return closure(len(items), out)


def rvwmo(items, deps):
    out = set()
    for i, j, between in accesses(items):
        a, b = items[i], items[j]
        fenced = any(c.kind == 'F' and any(('r' in p and a.reads or 'w' in p and a.writes) and ('r' in s and b.reads or 'w' in s and b.writes)
                                           for p, s in c.tags) for c in between)
        if a.place == b.place and b.writes or fenced or 'aq' in a.tags or 'rl' in b.tags or 'rl' in a.tags and 'aq' in b.tags \
                or (a.kind == 'RW' or 'sc' in a.tags) and b.reads and local_source(items, i, j) \
                or a.pair is not None and a.pair == b.pair:
            out.add((i, j))
        dep = deps.get((a.of, b.of)) if a.reads or 'sc' in a.tags else None
        if dep in ('addr', 'data') or dep == 'ctrl' and b.writes:
            out.add((i, j))
        if dep == 'addr':
            out |= {(i, k) for k in range(j + 1, len(items)) if items[k].kind != 'F' and items[k].writes}
        if dep in ('addr', 'data') and b.writes:
            out |= {(i, k) for k in range(j + 1, len(items)) if items[k].kind != 'F' and items[k].reads and local_source(items, j, k)}
    return closure(len(items), out)


def tso(items, deps):
    out = set()
    for i, j, between in accesses(items):
        a, b = items[i], items[j]
        f = [c.tags for c in between if c.kind == 'F']
        noted = any('note' in t and any('if noted' in u for u in f[n:]) for n, t in enumerate(f))
        if a.kind != 'W' or b.kind != 'R' or noted or any(c.kind == 'RW' for c in between) or any(not t for t in f):
            out.add((i, j))
    return closure(len(items), out)


# --- guests: instructions, and what their models make of them ---

def a64_instructions():
    R, W = lambda *t: [Item('R', t)], lambda *t: [Item('W', t)]
    ops = {'ldr x8, [x0]': R(), 'ldrb w8, [x0]': R(), 'ldr d0, [x0]': R(), 'str x8, [x0]': W(), 'strh w8, [x0]': W(), 'str d0, [x0]': W()}
    for s, r in ('', 'w'), ('', 'x'), ('b', 'w'), ('h', 'w'):
        ops.update({f'ldar{s} {r}8, [x0]': R('A'), f'ldapr{s} {r}8, [x0]': R('Q'), f'stlr{s} {r}8, [x0]': W('L'), f'ldxr{s} {r}8, [x0]': R(),
                    f'stxr{s} w9, {r}8, [x0]': W(), f'ldaxr{s} {r}8, [x0]': R('A'), f'stlxr{s} w9, {r}8, [x0]': W('L')})
    ops.update({'ldaxp x8, x9, [x0]': R('A'), 'stlxp w10, x8, x9, [x0]': W('L')})
    for order in ('', 'a', 'l', 'al'):
        both = [Item('R', ['A'] if 'a' in order else [], 'amo'), Item('W', ['L'] if 'l' in order else [], 'amo')]
        for insn in ('swp{} x8, x9, [x0]', 'ldadd{} x8, x9, [x0]', 'ldadd{}b w8, w9, [x0]', 'ldclr{} x8, x9, [x0]', 'ldset{} x8, x9, [x0]', 'ldumax{} w8, w9, [x0]',
                     'cas{} x8, x9, [x0]', 'cas{}h w8, w9, [x0]', 'casp{} x4, x5, x6, x7, [x0]'):
            ops[insn.format(order)] = both
    fences = {'dmb ish': 'full', 'dmb sy': 'full', 'dmb ishld': 'ld', 'dmb ishst': 'st', 'dsb ish': 'full', 'isb': 'isb'}
    ops.update({f: [Item('F', [t])] for f, t in fences.items()})
    return ops


def rv_instructions():
    ops = {'ld t0, (a0)': [Item('R')], 'lbu t0, (a0)': [Item('R')], 'fld fa0, (a0)': [Item('R')], 'sd t0, (a0)': [Item('W')], 'sh t0, (a0)': [Item('W')],
           'fsd fa0, (a0)': [Item('W')]}
    for n, order in enumerate(('', '.rl', '.aq', '.aqrl')):
        tags = [t for t in ('aq', 'rl') if t in order]
        for size in 'wd':
            ops[f'lr.{size}{order} t0, (a0)'] = [Item('R', tags)]
            ops[f'sc.{size}{order} t1, t0, (a0)'] = [Item('W', [*tags, 'sc'])]
            for insn in 'amoswap', 'amoadd', 'amomax', 'amoand':
                ops[f'{insn}.{size}{order} t1, t0, (a0)'] = [Item('RW', tags)]
        for size, funct3 in ('w', 2), ('d', 3), ('q', 4):  # amocas t1, a6, (a0); the word for assemblers that do not know it
            word = 0x28000000 | n << 25 | 16 << 20 | 10 << 15 | funct3 << 12 | 6 << 7 | 0x2f
            ops[f'.word {word:#x} # amocas.{size}{order}'] = [Item('RW', tags)]
    for f in 'rw,rw', 'r,r', 'w,w', 'r,rw', 'rw,w', 'w,r', 'r,w', 'iorw,iorw':
        before, after = (''.join(c for c in s if c in 'rw') for s in f.split(','))
        ops['fence ' + f] = [Item('F', [(before, after)])]
    ops['fence.tso'] = [Item('F', [('r', 'rw'), ('w', 'w')])]
    return ops


START = {
    'aarch64': ('mov x0, #0; mov x1, #4096; mov x2, #3; mov x3, #33; mov x4, #-1; mov x5, #0; mov x8, #222; svc #0', 'mov x0, #0; mov x8, #93; svc #0',
                '.arch armv8.2-a+lse+rcpc', []),
    'riscv64': ('li a0, 0; li a1, 4096; li a2, 3; li a3, 33; li a4, -1; li a5, 0; li a7, 222; ecall', 'li a0, 0; li a7, 93; ecall', '', ['-march=rv64gc', '-Wa,-mno-relax']),
}
GUESTS = {'aarch64': (a64_instructions, arm), 'riscv64': (rv_instructions, rvwmo)}


# --- hosts: accesses and fences from the disassembly ---

def x86_items(text):
    m = re.match(r'(mov|cmp) DWORD PTR \[rbp\+0x[c-f][0-9a-f]{2}\],0x[01]$', text)  # vcpu.unseen, behind slots and what is spilled
    if m:
        return [Item('F', ['note' if m.group(1) == 'mov' else 'if noted'])]
    if re.match(r'lock or\w* .*\[rbp', text):
        return [Item('F')]
    m = re.search(r'\[([^]]*)\]', text)
    if not m or re.match(r'[rw]*(rbp|rsp|rip)\b', m.group(1)) or re.match('lea|nop|j|call', text):
        return []
    if text.startswith('lock') or text.startswith('xchg'):
        return [Item('RW')]
    insn, _, operands = text.partition(' ')
    if not re.match('mov', insn):
        raise Failed(f'what is {text}?')
    return [Item('W' if '[' in operands.split(',')[0] else 'R')]


def a64_items(text):
    insn, _, operands = text.partition(' ')
    if insn in ('dmb', 'isb'):
        return [Item('F', [{'ish': 'full', 'ishld': 'ld', 'ishst': 'st'}[operands.strip()] if insn == 'dmb' else 'isb'])]
    m = re.search(r'(?<!\])\[(x\d+|sp)', operands)
    if not m or m.group(1) in ('x28', 'x26', 'sp'):
        return []
    if re.fullmatch('ldar[bh]?|ldapr[bh]?', insn):
        return [Item('R', ['A' if insn.startswith('ldar') else 'Q'])]
    if re.fullmatch('stlr[bh]?', insn):
        return [Item('W', ['L'])]
    m = re.fullmatch('ld(a?)x[rp][bh]?', insn)
    if m:
        return [Item('R', ['A'] if m.group(1) else [], 'loop')]
    m = re.fullmatch('st(l?)x[rp][bh]?', insn)
    if m:
        return [Item('W', ['L'] if m.group(1) else [], 'loop')]
    m = re.fullmatch('(?:swp|casp?|ld(?:add|clr|eor|set|[su](?:max|min)))(a?)(l?)[bh]?', insn)
    if m:
        return [Item('R', ['A'] if m.group(1) else [], 'amo'), Item('W', ['L'] if m.group(2) else [], 'amo')]
    if re.match('ld[ru]|ldp', insn):
        return [Item('R')]
    if re.match('st[ru]|stp', insn):
        return [Item('W')]
    raise Failed(f'what is {text}?')


def rv_items(text):
    insn, _, operands = text.partition(' ')
    if insn.startswith('fence'):
        p, s = operands.strip().split(',')
        return [Item('F', [(p, s)])]
    m = re.match(r'\.\w+ .*0x([0-9a-f]{8})$', text)
    if m and int(m.group(1), 16) & 0xf800007f == 0x2800002f:  # amocas, for an objdump that does not know it
        return [Item('RW', [t for n, t in ((26, 'aq'), (25, 'rl')) if int(m.group(1), 16) >> n & 1])]
    m = re.search(r'\((\w+)\)', operands)
    if not m or m.group(1) in ('s0', 's1', 'sp'):
        return []
    tags = [t for t in ('aq', 'rl') if re.search(rf'\.(aq)?{t}', insn)]
    if insn.startswith('lr'):
        return [Item('R', tags, 'loop')]
    if insn.startswith('sc.'):
        return [Item('W', [*tags, 'sc'], 'loop')]
    if insn.startswith('amo'):
        return [] if re.match('amoor.*zero,zero', text) else [Item('RW', tags)]  # of a compare-and-swap that does not store
    if re.match('l[bhwd]u?$|fl[wd]$', insn):
        return [Item('R')]
    if re.match('s[bhwd]$|fs[wd]$', insn):
        return [Item('W')]
    raise Failed(f'what is {text}?')


HOSTS = {'x86_64': ('objdump', 'i386:x86-64', ['-M', 'intel'], x86_items, tso),
         'aarch64': ('aarch64-linux-gnu-objdump', 'aarch64', [], a64_items, arm),
         'riscv64': ('riscv64-linux-gnu-objdump', 'riscv:rv64', ['-M', 'no-aliases'], rv_items, rvwmo)}


# What is done by a call: the kernel interface's compare-and-swap, which has a fence on both sides (kernel/hosted/arch).
CALLS = {('riscv64', name): [Item('F', [('rw', 'rw')]), Item('RW'), Item('F', [('rw', 'rw')])] for name in ('casp', 'stxp', 'stlxp', 'amocas.q')}


def host_of(program):
    with open(program, 'rb') as f:
        head = f.read(20)
    return {62: 'x86_64', 183: 'aarch64', 243: 'riscv64'}[head[18]]


def disassemble(host, code):
    objdump, machine, flags, _, _ = HOSTS[host]
    if not code:
        return
    with tempfile.NamedTemporaryFile() as f:
        f.write(code)
        f.flush()
        r = subprocess.run([objdump, '-D', '-z', '-w', '-b', 'binary', '-m', machine, *flags, f.name], capture_output=True, text=True, check=True)
    for line in r.stdout.splitlines():
        m = re.match(r'\s*[0-9a-f]+:\t(?:[0-9a-f]{2} )+\s*\t(.*)|\s*[0-9a-f]+:\t[0-9a-f]{4,8}\s*\t(.*)', line)
        if m:
            text = re.sub(r'\s+', ' ', (m.group(1) or m.group(2))).strip()
            yield re.sub(r' *(//|#|<).*', '', text)


def mapping(opt, host, guest, instructions):
    """instruction -> items of its host code."""
    start, end, head, flags = START[guest.name]
    lines = [head, '.globl _start', '_start:', *(s.strip() for s in start.split(';')), 'mov x20, x0' if guest.name == 'aarch64' else 'mv s2, a0']
    for n, insn in enumerate(instructions):  # each in a block of its own
        lines += ['mov x0, x20' if guest.name == 'aarch64' else 'mv a0, s2', f'op{n}: {insn}', f'{"b" if guest.name == "aarch64" else "j"} 1f', '1:']
    lines += [s.strip() for s in end.split(';')]
    with tempfile.TemporaryDirectory(prefix='dragoman-') as tmp:
        source, program = os.path.join(tmp, 'ops.s'), os.path.join(tmp, 'ops')
        with open(source, 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines) + '\n')
        subprocess.run([guest.cc, *flags, '-nostdlib', '-static', '-o', program, source], check=True)
        symbols = subprocess.run([guest.tool('nm'), program], stdout=subprocess.PIPE, text=True, check=True).stdout
        at = {int(a, 16): int(n) for a, n in re.findall(r'^([0-9a-f]+) \w op(\d+)$', symbols, re.M)}
        r = subprocess.run([*opt.wrapper.split(), opt.dragoman, 'run', '--dump=host', *opt.option, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if r.returncode:
        raise Failed(f'status {r.returncode}: {r.stderr[-500:]}')
    code, pc = {}, None
    for line in r.stderr.splitlines():
        m = re.match(r'  -- ([0-9a-f]+)\s', line + ' ')
        if m:
            pc = int(m.group(1), 16)
            code[pc] = b''
            continue
        m = re.match(r'  [0-9a-f]{8,16}: ((?: ?[0-9a-f]{2})+)$', line)
        if m and pc is not None:
            code[pc] += bytes.fromhex(m.group(1))
        elif not m:
            pc = None
    out = {}
    names = list(instructions)
    for pc, n in at.items():
        if pc not in code:
            raise Failed(f'no code of {names[n]}')
        text = list(disassemble(host, code[pc]))
        out[names[n]] = text, [i for t in text for i in HOSTS[host][3](t)] or CALLS.get((host, re.search(r'casp|[sl][td]a?l?xp|amocas.q|$', names[n]).group()), [])
    return out


# --- the comparison ---

def place(parts, places):
    return [item.at(n, p) for n, (part, p) in enumerate(zip(parts, places)) for item in part]


def stands_for(items, of, kind):
    """The position of the access that is the guest's `kind` of instruction `of`."""
    mine = [n for n, i in enumerate(items) if i.of == of and i.kind != 'F']
    for want in (('RW',), ('W',)) if 'W' in kind else (('RW',), ('R',)):
        for n in mine:
            if items[n].kind in want:
                return n
    raise Failed(f'no access for a {kind}')


def classes(instructions, host_items):
    """Instructions whose guest and host parts are alike are tried once: [(name, guest part, host part)]."""
    seen = {}
    for name, part in instructions.items():
        key = tuple((str(i), i.pair) for i in part), tuple((str(i), i.pair) for i in host_items[name])
        seen.setdefault(key, (name, part, host_items[name]))
    return list(seen.values())


def is_fence(part):
    return part[0].kind == 'F'


def sequences(ops):
    """Guest instructions, their places, and which depends on which."""
    memory, fences = [o for o in ops if not is_fence(o[1])], [o for o in ops if is_fence(o[1])]
    no = {}
    for a, b in itertools.product(memory, memory):
        for places in (0, 0), (0, 1):
            yield (a, b), places, no
            for dep in 'addr', 'data', 'ctrl':
                if any(i.reads for i in a[1]):
                    yield (a, b), places, {(0, 1): dep}
        for f in fences:
            for places in (0, None, 0), (0, None, 1):
                yield (a, f, b), places, no
                yield (a, f, b), places, {(0, 2): 'ctrl'}
        for c in memory:
            for places in (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2):
                yield (a, b, c), places, no
                if any(i.reads for i in a[1]):
                    yield (a, b, c), places, {(0, 1): 'addr'}
                    yield (a, b, c), places, {(0, 1): 'data'}


def check(host, guest, ops):
    """Complaints."""
    guest_model, host_model = GUESTS[guest][1], HOSTS[host][4]
    bad, tried = {}, 0
    for insns, places, deps in sequences(ops):
        tried += 1
        wanted = place([i[1] for i in insns], places)
        have = place([i[2] for i in insns], places)
        kept = None
        for i, j in guest_model(wanted, deps):
            a, b = wanted[i], wanted[j]
            if a.of == b.of:
                continue
            kept = kept if kept is not None else host_model(have, deps)
            if (stands_for(have, a.of, a.kind), stands_for(have, b.of, b.kind)) not in kept:
                names = '; '.join(n[0] + (f' [{"xyz"[p]}]' if p is not None else '') for n, p in zip(insns, places))
                dep = ''.join(f' ({d} from {s + 1} to {t + 1})' for (s, t), d in deps.items())
                bad.setdefault((insns[a.of][0], insns[b.of][0]), f'{names}{dep}: {a} of {a.of + 1} has to come before {b} of {b.of + 1}; host: '
                               + ' '.join(str(h) for h in have))
    return list(bad.values()), tried


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    guests.add_option(ap)
    ap.add_argument('--wrapper', default='', help='what runs dragoman')
    ap.add_argument('--host', choices=sorted(HOSTS), help='what dragoman is built for (else its own file says so)')
    ap.add_argument('--option', action='append', default=[], help='of dragoman run')
    ap.add_argument('-v', action='store_true', help='print the mapping')
    opt = ap.parse_args()
    if opt.guest.missing():
        print(opt.guest.missing())
        return SKIP
    try:
        host = opt.host or host_of(opt.dragoman)
        instructions = GUESTS[opt.guest.name][0]()
        code = mapping(opt, host, opt.guest, instructions)
        if opt.v:
            for name in instructions:
                print(f'{name:<44} {" ".join(map(str, instructions[name])):<16} {" ".join(map(str, code[name][1]))}')
        for name, part in instructions.items():
            if not is_fence(part) and not code[name][1]:
                raise Failed(f'{name}: no access in {code[name][0]}')
        bad, tried = check(host, opt.guest.name, classes(instructions, {n: c[1] for n, c in code.items()}))
    except Failed as e:
        print(f'FAILED: {e}')
        return 1
    for b in bad[:40]:
        print(f'FAILED: {b}')
    print(f'{opt.guest.name} on {host}: {len(instructions)} instructions, {tried} sequences, {len(bad)} pairs not kept in order')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
