#!/usr/bin/env python3
"""Disassembles the host code in what --dump=host or a crash report prints.

    dragoman run --dump=host PROGRAM 2>&1 | tools/hostdis.py

Lines of bytes become lines of instructions, by objdump; everything else passes through."""
import argparse
import re
import subprocess
import sys
import tempfile

# "  7f0123456789:  48 01 f8"; in a crash report, ">" marks where it stopped.
BYTES = re.compile(r'^  ([> ]? ?)([0-9a-f]{8,16}):  ?((?: ?[0-9a-f]{2})+)$')
INSN = re.compile(r'^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(?:\t(.*))?$')
GAP = 16  # bytes of nop between two pieces: an instruction that is cut off does not spoil the next


class Piece:
    """Adjoining bytes; an instruction may go over the end of a line."""

    def __init__(self, address, mark=''):
        self.address, self.mark, self.code, self.lines = address, mark, b'', []


def move(text, delta):
    """The operands that are addresses, for code that lies `delta` higher than objdump was told."""
    text = re.sub(r'^((?:bnd )?(?:j\w+|call\w*|loop\w*) +)0x([0-9a-f]+)$', lambda m: f'{m.group(1)}{int(m.group(2), 16) + delta & (1 << 64) - 1:#x}', text)
    return re.sub(r'# 0x([0-9a-f]+)$', lambda m: f'# {int(m.group(1), 16) + delta & (1 << 64) - 1:#x}', text)


def disassemble(pieces, objdump='objdump', machine='i386:x86-64'):
    """Fills each piece's lines with (address, bytes, text)."""
    with tempfile.NamedTemporaryFile() as f:
        starts, at = [], 0
        for p in pieces:
            starts.append(at)
            f.write(p.code + b'\x90' * GAP)
            at += len(p.code) + GAP
        f.flush()
        if not at:
            return
        r = subprocess.run([objdump, '-D', '-z', '-w', '-b', 'binary', '-m', machine, '-M', 'intel', f.name], capture_output=True, check=False)
    if r.returncode:
        raise OSError(r.stderr.decode(errors='replace').strip() or 'objdump failed')
    i = 0
    for line in r.stdout.decode(errors='replace').splitlines():
        m = INSN.match(line)
        if not m:
            continue
        off = int(m.group(1), 16)
        while i + 1 < len(starts) and off >= starts[i + 1]:
            i += 1
        p = pieces[i]
        code = bytes.fromhex(m.group(2))[:max(0, starts[i] + len(p.code) - off)]
        if code:
            text = re.sub(' +', ' ', (m.group(3) or '').strip())
            p.lines.append((p.address + off - starts[i], code, move(text, p.address - starts[i])))


def convert(lines, objdump='objdump', machine='i386:x86-64'):
    """The lines, with host code disassembled."""
    out, pieces = [], []
    for line in lines:
        m = BYTES.match(line)
        if not m:
            out.append(line)
            continue
        address, code = int(m.group(2), 16), bytes.fromhex(m.group(3))
        last = out[-1] if out else None
        if not isinstance(last, Piece) or address != last.address + len(last.code) or m.group(1).strip():
            last = Piece(address, m.group(1))
            pieces.append(last)
            out.append(last)
        last.code += code
    disassemble(pieces, objdump, machine)
    for o in out:
        if not isinstance(o, Piece):
            yield o
            continue
        for at, code, text in o.lines:
            mark = o.mark if at == o.address else ' ' * len(o.mark)
            yield f'  {mark}{at:8x}:  {code.hex(" "):<30}  {text}'.rstrip()


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--objdump', default='objdump')
    ap.add_argument('--machine', default='i386:x86-64', help="objdump's -m")
    opt = ap.parse_args()
    sys.stdin.reconfigure(errors='replace')
    try:
        for line in convert((s.rstrip('\n') for s in sys.stdin), opt.objdump, opt.machine):
            print(line)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as e:
        print(f'hostdis: {e}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
