#!/usr/bin/env python3
"""The code that is emitted, as files that are compared: a change of its quality is a diff to read.

run.py --emit PROGRAM --host ISA [--bless] [NAME…]

For each piece of guest code in <guest>/NAME.s there is <host>/NAME.txt, which shows the host code for it, guest instruction by guest
instruction, once with all optional host features and guest memory at host address 0 (all-flat0), once with no feature and memory elsewhere
(none-base). Pieces called hot_* are loops of the benchmark programs (cut.py cuts them out): they are shown as all-flat0 and as the optimising tier makes a region of
them (all-flat0-region). The head says how many host instructions that makes for each guest instruction; what is behind exits of the code is not counted. --bless writes the files anew. Jumps and references into the common code, and helpers, are shown by name, so that a change there is not
one of every file.

Compared are the bytes, not objdump's words for them. Without an assembler for the guest the code is taken from the file itself."""
import argparse
import difflib
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tools'))
import hostdis

PC = 0x10000
WAYS = ('all', 'flat0'), ('none', 'base')
HOT_WAYS = ('all', 'flat0'), ('all', 'flat0', 'region')
# By guest: the binutils' prefix, and options for its assembler and its linker.
GUESTS = {
    'riscv64': ('riscv64-linux-gnu-', ['-march=rv64gc_zba_zbb_zbs', '-mno-relax'], ['--no-relax']),
    'aarch64': ('aarch64-linux-gnu-', ['-march=armv8.2-a+crypto'], []),
}


class Failed(Exception):
    pass


def pieces_of(guest):
    return {os.path.splitext(os.path.basename(p))[0]: guest for p in glob.glob(os.path.join(HERE, guest, '*.s'))}


def assemble(source, guest):
    """The raw code of an assembler file, as if it lay at PC."""
    prefix, as_flags, ld_flags = GUESTS[guest]
    with tempfile.TemporaryDirectory() as tmp:
        obj, elf, raw = (os.path.join(tmp, name) for name in ('o', 'elf', 'raw'))
        for cmd in ([prefix + 'as', *as_flags, '-o', obj, source],
                    [prefix + 'ld', *ld_flags, f'-Ttext={PC:#x}', '-e', '0', '-o', elf, obj],
                    [prefix + 'objcopy', '-O', 'binary', '-j', '.text', elf, raw]):
            r = subprocess.run(cmd, capture_output=True, text=True, check=False)
            if r.returncode:
                raise Failed(f'{source}: {r.stderr.strip()}')
        with open(raw, 'rb') as f:
            return f.read()


def code_in(golden):
    """The guest code that a golden file shows."""
    code = {}
    for m in re.finditer(r'^  -- ([0-9a-f]+): ([0-9a-f]{8}|[0-9a-f]{4}) ', golden, re.M):
        code[int(m.group(1), 16)] = bytes.fromhex(m.group(2))[::-1]
    out = b''
    for pc in sorted(code):
        if pc != PC + len(out):
            raise Failed(f'no instruction at {PC + len(out):x}')
        out += code[pc]
    return out


def emit(program, guest, code, way):
    r = subprocess.run([program, guest, *way], input=code, capture_output=True, check=False)
    if r.returncode == 77:
        return None
    if r.returncode:
        raise Failed(r.stderr.decode().strip() or f'{program}: status {r.returncode}')
    return r.stdout.decode()


def symbolic(piece, names, fields):
    """The lines of a piece of host code; what leads into the common code, and fields of the vCPU that move, by name, and their bytes masked."""
    for at, code, text in piece.lines:
        shown = [f'{b:02x}' for b in code]
        m = re.search(r'0x([0-9a-f]+)$', text)
        f = re.search(r'\+0x([0-9a-f]+)\]$', text)
        to = int(m.group(1), 16) % 2**64 if m else None
        name = names.get(to) or (to and '# ' in text and names.get(to - 8) and names[to - 8] + '+8')
        if name:
            far = to.to_bytes(8, 'little')
            rel = far if far in code else (to - at - len(code)).to_bytes(4, 'little', signed=True)
            where = code.find(rel)
            if where >= 0:
                shown[where:where + len(rel)] = ['??'] * len(rel)
                text = text[:m.start()] + name
                text = re.sub(r'\[rip\+0x[0-9a-f]+\] +#', '[rip] #', text)
        elif f and int(f.group(1), 16) in fields:
            off = int(f.group(1), 16)
            where = code.find(off.to_bytes(4, 'little'))
            shown[where:where + 4] = ['??'] * 4
            text = f'{text[:f.start()]}+{fields[off]}]'
        elif m and re.match(r'(j\w+|call) ', text):
            text = text[:m.start()] + f'.{to - at:+d}'
        yield f'      {" ".join(shown):<32}  {text}'.rstrip()


def leaving(out, names):
    """How many host instructions only lead out: what stands behind an unconditional jump and ends with one into the common code."""
    n, run, cold = 0, 0, False
    for o in out:
        if not isinstance(o, hostdis.Piece):
            if re.match(r'unit|region', o):
                run, cold = 0, False
            continue
        for _, _, text in o.lines:
            run += 1
            m = re.match(r'(?:jmp +0x([0-9a-f]+)$|ret\b|jmp\b)', text)
            if m:
                n += run if cold and m.group(1) and int(m.group(1), 16) in names else 0
                run, cold = 0, True
    return n


def show(text, objdump):
    """The output of emit as a golden file has it, and (guest instructions, host instructions, host bytes, those that lead out)."""
    names, fields, out, pieces = {}, {}, [], []
    for line in text.splitlines():
        m = re.fullmatch(r'(?:common|helper) (\S+) ([0-9a-f]+)', line)
        if m:
            names[int(m.group(2), 16)] = m.group(1)
            continue
        m = re.fullmatch(r'field (\S+) ([0-9a-f]+)', line)
        if m:
            fields[int(m.group(2), 16)] = m.group(1)
            continue
        m = hostdis.BYTES.match(line)
        if m:
            pieces.append(hostdis.Piece(int(m.group(2), 16)))
            pieces[-1].code = bytes.fromhex(m.group(3))
            out.append(pieces[-1])
            continue
        out.append(line)
    if objdump:
        hostdis.disassemble(pieces, objdump)
    lines = []
    for o in out:
        lines.extend(symbolic(o, names, fields) if isinstance(o, hostdis.Piece) else [o])
    guest = sum(int(n) for n in re.findall(r'^(?:unit|region) \S+ (\d+)', text, re.M))
    return lines, (guest, sum(len(p.lines) for p in pieces), sum(len(p.code) for p in pieces), leaving(out, names))


def golden_text(name, guest, code, program, objdump):
    """The whole file; None when it cannot be made on this machine."""
    with open(os.path.join(HERE, guest, name + '.s'), encoding='utf-8') as f:
        title = f.readline().lstrip('#/ ').strip()
    head, body = [title], []
    for way in HOT_WAYS if name.startswith('hot_') else WAYS:
        text = emit(program, guest, code, way)
        if text is None:
            return None
        lines, (insns, host, size, cold) = show(text, objdump)
        head.append(f'{"-".join(way)}: {insns} guest instructions, {host} host instructions, {size} bytes' +
                    (f'; {(host - cold) / insns:.2f} host instructions each, without {cold} that only lead out' if insns and name.startswith('hot_') else ''))
        body += ['', f'=== {"-".join(way)}', *lines]
    return '\n'.join(head + body) + '\n'


def essence(text):
    """What of a file is compared: not objdump's words."""
    return [re.sub(r'^(      (?:(?:[0-9a-f?]{2}) )+).*', r'\1', line).rstrip() for line in text.splitlines()]


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--emit', required=True)
    ap.add_argument('--host', default='x86_64')
    ap.add_argument('--bless', action='store_true', help='write the files anew')
    ap.add_argument('--objdump', default='objdump')
    ap.add_argument('--list', action='store_true', help='print the names')
    ap.add_argument('name', nargs='*')
    opt = ap.parse_args()
    guest_of = {}
    for guest in GUESTS:
        guest_of.update(pieces_of(guest))
    if opt.list:
        print(*sorted(guest_of))
        return 0
    if not shutil.which(opt.objdump):
        print(f'no {opt.objdump}')
        return 77
    changed = 0
    try:
        for name in opt.name or sorted(guest_of):
            guest = guest_of[name]
            have_as = shutil.which(GUESTS[guest][0] + 'as')
            if opt.bless and not have_as:
                print(f'--bless: no {GUESTS[guest][0]}as')
                return 1
            path = os.path.join(HERE, opt.host, name + '.txt')
            old = ''
            if os.path.exists(path):
                with open(path, encoding='utf-8') as f:
                    old = f.read()
            source = os.path.join(HERE, guest, name + '.s')
            code = assemble(source, guest) if have_as else code_in(old)
            new = golden_text(name, guest, code, opt.emit, opt.objdump)
            if new is None:
                print('skipped: the fixed addresses are taken')
                return 77
            if old == new or not opt.bless and essence(old) == essence(new):
                continue
            changed += 1
            if opt.bless:
                with open(path, 'w', encoding='utf-8') as f:
                    f.write(new)
                print(f'{name}: written')
            else:
                sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), path, 'now', n=4))
    except Failed as e:
        print(f'FAILED: {e}')
        return 1
    if changed and not opt.bless:
        print(f'{changed} files differ. When the new code is meant: tests/golden/run.py --emit {opt.emit} --bless')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
