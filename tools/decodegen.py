#!/usr/bin/env python3
"""Makes a decoder, disassembler and encoder in C from an instruction table.

Purpose. A guest ISA's instructions are written down once, in a table like riscv64.decode; what decodes,
prints, encodes and enumerates them is made here, so that the four cannot disagree.

The table is lines of words; `#` starts a comment. Declarations come before their use:

    prefix rv                        generated names begin with rv_ and RV_
    member rd u8                     a member of struct PREFIX_insn (types u8 u16 u32 s32)
    field imm_b = s 31 7 30:25 11:8 << 1
                                     how a value is put together from bits, highest piece first; `s`: its top bit
                                     is the sign; then shifted left; then `+ N` is added
    format B rs1 rs2 imm=imm_b       which members an instruction has: `m` is field m, `m=f` is field f, `m=7` is
                                     always 7, `m=other` copies a member that stands before it.
                                     `if rm!=5 imm!=0 rd:even` at the end: otherwise it is no such instruction.
                                     `imm:TEST` with another word asks C: bool PREFIX_is_TEST(u32 imm)
    operand target target imm        name in syntax, C printer (print_KIND), member it prints
    suffix order aqrl                formats with this member print it by print_KIND right after the mnemonic
    extension Zba                    what the following instructions belong to
    add 0000000 ..... ..... 000 ..... 0110011 R "xd,xs1,xs2"
                                     (in syntax, operands and punctuation are printed; 'words' stand as they are)
                                     a name, its bits from the highest to bit 0 (`.` belongs to a field, `-` and `+` are
                                     ignored and encoded as 0 and 1; 16 or 32 in all), format, operand syntax. Between the last two may stand
                                     members with a value of their own, as in a format (size=3). What follows a `/` in a name
                                     tells forms of one mnemonic apart (add/imm) and is not printed.
                                     Then, each at most once:
                                     as=NAME      has the semantics of NAME (default: its own)
                                     over=NAME    a special case of NAME that is looked at first
                                     if C...      further conditions, last on the line
    alias mv addi "xd,xs1" if imm=0  how the disassembler may print an addi with imm 0; also `rs1=rs2`, and `@TEST`,
                                     which asks C: bool is_TEST(const struct PREFIX_insn *i). With `+` after its name
                                     the suffixes that the instruction has are printed after the alias too
    include FILE                     what stands there, in place of this line; FILE is beside this one

The table is checked: each error is one line "FILE:LINE: what is wrong", and nothing is written.

Decoding is nested switches: at each level the contiguous run of bits that all candidates fix and that tells
most of them apart; what is left at the end is compared in turn.
"""

import argparse
import os
import re
import sys


class TableError(Exception):
    """Something is wrong in the table; the text begins with FILE:LINE."""


TYPES = {"u8": (0, 0xFF), "u16": (0, 0xFFFF), "u32": (0, 0xFFFFFFFF), "s32": (-(1 << 31), (1 << 31) - 1)}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
MNEMONIC = re.compile(r"[a-z][a-z0-9_.]*(/[a-z0-9_.]+)?\Z")
PIECE = re.compile(r"(\d+)(?::(\d+))?\Z")
CONSTRAINT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(!=|=)(0x[0-9a-fA-F]+|-?\d+|[A-Za-z_][A-Za-z0-9_]*)|:([a-z][a-z0-9_]*))\Z")
TEST = re.compile(r"@([a-z][a-z0-9_]*)\Z")
TOKEN = re.compile(r"'[^']*'|[A-Za-z][A-Za-z0-9]*|[^A-Za-z0-9 ]|[0-9]+| +")


class Field:
    """Pieces (hi, lo) from the highest to the lowest, a sign, a shift and an addend."""

    def __init__(self, name, signed, pieces, shift, add):
        self.name, self.signed, self.pieces, self.shift, self.add = name, signed, pieces, shift, add
        self.width = sum(hi - lo + 1 for hi, lo in pieces)

    @property
    def mask(self):
        m = 0
        for hi, lo in self.pieces:
            m |= ((1 << (hi - lo + 1)) - 1) << lo
        return m

    def range(self):
        lo = -(1 << (self.width - 1)) if self.signed else 0
        hi = (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1
        return (lo << self.shift) + self.add, (hi << self.shift) + self.add

    def extract_c(self):
        """C expression of the value in word `w`."""
        if self.signed and len(self.pieces) == 1 and self.pieces[0][0] == 31:
            lo = self.pieces[0][1]
            expr = "(s32)w >> %d" % lo if lo != self.shift else "(s32)(w & 0x%xu)" % self.mask
            shift = 0 if lo == self.shift else self.shift
            expr = "(s32)((u32)(%s) << %d)" % (expr, shift) if shift else expr
            return "(%s) + %d" % (expr, self.add) if self.add else expr
        at = self.width
        parts = []
        for hi, lo in self.pieces:
            n = hi - lo + 1
            at -= n
            part = "(w >> %d & 0x%x)" % (lo, (1 << n) - 1) if lo else "(w & 0x%x)" % ((1 << n) - 1)
            parts.append("%s << %d" % (part, at) if at else part)
        expr = " | ".join(parts)
        if self.signed:
            up = 32 - self.width
            expr = "(s32)((%s) << %d) >> %d" % (expr, up, up)
            if self.shift:
                expr = "(s32)((u32)(%s) << %d)" % (expr, self.shift)
        elif self.shift:
            expr = "(%s) << %d" % (expr, self.shift)
        return "(%s) + %d" % (expr, self.add) if self.add else expr

    def insert_c(self, value):
        """C expression of the word's bits for C expression `value`."""
        v = "(u32)(%s)" % value
        if self.add:
            v = "(%s - %d)" % (v, self.add)
        at = self.width + self.shift
        parts = []
        for hi, lo in self.pieces:
            n = hi - lo + 1
            at -= n
            part = "(%s >> %d & 0x%xu)" % (v, at, (1 << n) - 1)
            parts.append("%s << %d" % (part, lo) if lo else part)
        return " | ".join(parts)

    def value_of(self, known_mask, known_value):
        """The value when all its bits are known, else None."""
        if self.mask & ~known_mask:
            return None
        v = 0
        for hi, lo in self.pieces:
            n = hi - lo + 1
            v = v << n | (known_value >> lo & ((1 << n) - 1))
        if self.signed and v >> (self.width - 1):
            v -= 1 << self.width
        return (v << self.shift) + self.add


class Format:
    def __init__(self, name, members, conds):
        self.name, self.members, self.conds = name, members, conds  # members: [(member, Field | int | str)]

    def source(self, member):
        """The Field or constant that ends up in `member`, or None."""
        for m, src in self.members:
            if m == member:
                return self.source(src) if isinstance(src, str) else src
        return None

    @property
    def mask(self):
        m = 0
        for _, src in self.members:
            if isinstance(src, Field):
                m |= src.mask
        return m


class Cond:
    """op: "=", "!=", or ":" with the name of a test as value; "@" is a test of the whole instruction."""

    def __init__(self, member, op, value):
        self.member, self.op, self.value = member, op, value

    def holds(self, v):
        """False when it fails for value v; True when it holds or only C can tell."""
        if self.op == ":":
            return v % 2 == 0 if self.value == "even" else True
        return (v != self.value) if self.op == "!=" else (v == self.value)

    def c(self, value, prefix):
        if self.op == "@":
            return "is_%s(i)" % self.value
        if self.op == ":":
            return "%s %% 2 == 0" % value if self.value == "even" else "%s_is_%s((u32)(%s))" % (prefix, self.value, value)
        other = "i->" + self.value if isinstance(self.value, str) else "%d" % self.value
        return "%s %s %s" % (value, "!=" if self.op == "!=" else "==", other)


class Insn:
    def __init__(self, where, name, width, mask, value, fmt, syntax, ext):
        self.where, self.name, self.width, self.mask, self.value = where, name, width, mask, value
        self.fmt, self.syntax, self.ext = fmt, syntax, ext
        self.sem, self.over, self.conds = name, None, []
        self.ones = 0  # bits that the decoder ignores and the encoder sets

    @property
    def all_conds(self):
        return self.fmt.conds + self.conds


class Alias:
    def __init__(self, name, of, syntax, conds, suffixes):
        self.name, self.of, self.syntax, self.conds, self.suffixes = name, of, syntax, conds, suffixes


class Table:
    def __init__(self):
        self.prefix = None
        self.members, self.fields, self.formats, self.operands = {}, {}, {}, {}
        self.suffix, self.extensions, self.insns, self.aliases = {}, [], [], []


# --- reading ---


def split_words(line, where):
    """Words of a line; a quoted string is one word that keeps its opening quote."""
    words, rest = [], line
    while rest:
        rest = rest.lstrip()
        if not rest or rest[0] == "#":
            break
        if rest[0] == '"':
            end = rest.find('"', 1)
            if end < 0:
                raise TableError("%s: the string is not closed" % where)
            words.append(rest[:end])
            rest = rest[end + 1:]
        else:
            word = re.match(r"[^\s#\"]+", rest).group(0)
            words.append(word)
            rest = rest[len(word):]
    return words


def number(text, where):
    try:
        return int(text, 0)
    except ValueError:
        raise TableError("%s: '%s' is not a number" % (where, text)) from None


def read_field(words, where):
    if len(words) < 3 or words[1] != "=" or not NAME.match(words[0]):
        raise TableError("%s: a field is `field NAME = [s] BITS... [<< N] [+ N]`" % where)
    name, rest, signed, pieces, shift, add = words[0], words[2:], False, [], 0, 0
    if rest[0] == "s":
        signed, rest = True, rest[1:]
    while rest and PIECE.match(rest[0]):
        m = PIECE.match(rest[0])
        hi = int(m.group(1))
        lo = int(m.group(2)) if m.group(2) else hi
        if hi < lo or hi > 31:
            raise TableError("%s: field %s: bits %s are not HIGH:LOW within 31:0" % (where, name, rest[0]))
        pieces.append((hi, lo))
        rest = rest[1:]
    while rest:
        if len(rest) < 2 or rest[0] not in ("<<", "+"):
            raise TableError("%s: field %s: '%s' is not understood" % (where, name, rest[0]))
        n = number(rest[1], where)
        shift, add = (n, add) if rest[0] == "<<" else (shift, n)
        rest = rest[2:]
    if not pieces:
        raise TableError("%s: field %s has no bits" % (where, name))
    seen = 0
    for hi, lo in pieces:
        piece = ((1 << (hi - lo + 1)) - 1) << lo
        if seen & piece:
            raise TableError("%s: field %s uses a bit twice" % (where, name))
        seen |= piece
    field = Field(name, signed, pieces, shift, add)
    if field.width + shift > 32 or shift < 0:
        raise TableError("%s: field %s has more than 32 bits" % (where, name))
    return field


def read_conds(words, fmt_members, where, alias=False):
    conds = []
    for w in words:
        if alias and TEST.match(w):
            conds.append(Cond("", "@", TEST.match(w).group(1)))
            continue
        m = CONSTRAINT.match(w)
        value = m.group(3) if m else None
        if not m or (m.group(2) == "=" and not alias) or (value and NAME.match(value) and not alias):
            raise TableError("%s: '%s' is no condition (MEMBER!=N or MEMBER:TEST%s)"
                             % (where, w, "; in an alias also MEMBER=N, MEMBER=MEMBER and @TEST" if alias else ""))
        for member in [m.group(1)] + ([value] if value and NAME.match(value) else []):
            if member not in fmt_members:
                raise TableError("%s: condition '%s' is about a member that the format does not have" % (where, w))
        if value and not NAME.match(value):
            value = int(value, 0)
        conds.append(Cond(m.group(1), m.group(2) or ":", m.group(4) or value))
    if not conds:
        raise TableError("%s: nothing follows `if`" % where)
    return conds


def cut_if(words):
    """(words before `if`, words after or None)"""
    if "if" in words:
        at = words.index("if")
        return words[:at], words[at + 1:]
    return words, None


def read_format(t, words, where):
    words, conds = cut_if(words)
    if not words or not NAME.match(words[0]):
        raise TableError("%s: a format is `format NAME MEMBER[=SOURCE]... [if CONDITIONS]`" % where)
    members = []
    for w in words[1:]:
        member, eq, src = w.partition("=")
        src = src if eq else member
        if member not in t.members:
            raise TableError("%s: format %s: there is no member '%s'" % (where, words[0], member))
        if member in (m for m, _ in members):
            raise TableError("%s: format %s sets %s twice" % (where, words[0], member))
        lo, hi = TYPES[t.members[member]]
        if re.match(r"-?\d", src):
            source = number(src, where)
            smin = smax = source
        elif src in (m for m, _ in members):
            source, smin, smax = src, lo, hi
        elif src in t.fields:
            source = t.fields[src]
            smin, smax = source.range()
        else:
            raise TableError("%s: format %s: '%s' is neither a field nor an earlier member" % (where, words[0], src))
        if smin < lo or smax > hi:
            raise TableError("%s: format %s: %s does not fit into %s" % (where, words[0], src, t.members[member]))
        members.append((member, source))
    fmt = Format(words[0], members, [])
    if conds is not None:
        fmt.conds = read_conds(conds, [m for m, _ in members], where)
    return fmt


def with_constants(t, fmt, words, where):
    """The format that is fmt and sets further members to constants."""
    name = "_".join([fmt.name] + [re.sub(r"[^A-Za-z0-9]", "_", w) for w in words])
    if name not in t.formats:
        members = list(fmt.members)
        for w in words:
            member, eq, value = w.partition("=")
            if not eq or member not in t.members or not re.match(r"-?\d", value):
                raise TableError("%s: '%s' is no MEMBER=NUMBER" % (where, w))
            if member in (m for m, _ in members):
                raise TableError("%s: format %s sets %s already" % (where, fmt.name, member))
            lo, hi = TYPES[t.members[member]]
            if not lo <= number(value, where) <= hi:
                raise TableError("%s: %s does not fit into %s" % (where, value, t.members[member]))
            members.append((member, number(value, where)))
        t.formats[name] = Format(name, members, fmt.conds)
    return t.formats[name]


def check_syntax(t, syntax, fmt, where, name):
    """[("text", s) | ("operand", kind, member)]"""
    out = []
    for tok in TOKEN.findall(syntax):
        if tok.isspace():
            continue
        if re.match(r"[A-Za-z]", tok):
            if tok not in t.operands:
                raise TableError("%s: %s: there is no operand '%s'" % (where, name, tok))
            kind, member = t.operands[tok]
            if fmt.source(member) is None:
                raise TableError("%s: %s: operand %s prints %s, which format %s does not set"
                                 % (where, name, tok, member, fmt.name))
            out.append(("operand", kind, member, tok))
        else:
            out.append(("text", tok.strip("'")))
    return out


def read_insn(t, words, where, ext):
    name = words[0]
    if not MNEMONIC.match(name):
        raise TableError("%s: '%s' is neither a declaration nor a mnemonic" % (where, name))
    bits, rest = "", words[1:]
    while rest and re.match(r"[01.+\-]+\Z", rest[0]):
        bits += rest[0]
        rest = rest[1:]
    if len(bits) not in (16, 32):
        raise TableError("%s: %s has %d bits, not 16 or 32" % (where, name, len(bits)))
    more = 1
    while more < len(rest) and not rest[more].startswith('"'):
        more += 1
    if more >= len(rest):
        raise TableError("%s: %s: after the bits come a format and \"SYNTAX\"" % (where, name))
    if rest[0] not in t.formats:
        raise TableError("%s: %s: there is no format '%s'" % (where, name, rest[0]))
    if ext is None:
        raise TableError("%s: %s stands before any `extension`" % (where, name))
    if any(i.name == name for i in t.insns):
        raise TableError("%s: there are two instructions %s" % (where, name))
    fmt = t.formats[rest[0]]
    if more > 1:
        fmt = with_constants(t, fmt, rest[1:more], where)
        rest = [fmt.name] + rest[more:]
    mask, value, dots, ones = (int("".join("01"[c in which] for c in bits), 2) for which in ("01", "1", ".", "+"))
    if fmt.mask & mask:
        raise TableError("%s: %s: format %s takes bits %s, which are fixed" % (where, name, fmt.name, hex(fmt.mask & mask)))
    if fmt.mask & ~dots:
        raise TableError("%s: %s: format %s takes bits %s, which are not its own" % (where, name, fmt.name, hex(fmt.mask & ~dots)))
    if dots & ~fmt.mask:
        raise TableError("%s: %s: no field of format %s takes bits %s" % (where, name, fmt.name, hex(dots & ~fmt.mask)))
    syntax = check_syntax(t, rest[1][1:], fmt, where, name)
    insn = Insn(where, name, len(bits), mask, value, fmt, syntax, ext)
    insn.ones = ones
    rest, conds = cut_if(rest[2:])
    seen = set()
    for w in rest:
        key, eq, val = w.partition("=")
        if not eq or key not in ("as", "over") or key in seen or not val:
            raise TableError("%s: %s: '%s' is not understood" % (where, name, w))
        seen.add(key)
        if key == "as":
            insn.sem = val
        else:
            insn.over = val
    if conds is not None:
        insn.conds = read_conds(conds, [m for m, _ in fmt.members], where)
    for c in insn.all_conds:
        src = fmt.source(c.member)
        if isinstance(src, int) and not c.holds(src):
            raise TableError("%s: %s: its condition on %s can never hold" % (where, name, c.member))
    return insn


def excluded(cond, insn, mask, value):
    """Does `cond` of insn fail for every word with these known bits?"""
    src = insn.fmt.source(cond.member)
    v = src if isinstance(src, int) else src.value_of(mask, value)
    return v is not None and not cond.holds(v)


def overlap(a, b):
    if a.width != b.width or (a.value ^ b.value) & a.mask & b.mask:
        return False
    mask, value = a.mask | b.mask, a.value | b.value
    return not any(excluded(c, i, mask, value) for i in (a, b) for c in i.all_conds)


def check_insns(t):
    by_name = {i.name: i for i in t.insns}
    for i in t.insns:
        if i.over is not None:
            o = by_name.get(i.over)
            if o is None or o is i:
                raise TableError("%s: %s: there is no other instruction '%s' to stand over" % (i.where, i.name, i.over))
            if o.width != i.width or o.mask & ~i.mask or (o.value ^ i.value) & o.mask or o.mask == i.mask:
                raise TableError("%s: %s is no special case of %s" % (i.where, i.name, o.name))
        if i.sem != i.name:
            o = by_name.get(i.sem)
            if o is not None and o.sem != o.name:
                raise TableError("%s: %s has the semantics of %s, which has those of %s" % (i.where, i.name, o.name, o.sem))
            if o is None and not NAME.match(i.sem):
                raise TableError("%s: %s: '%s' can not name semantics" % (i.where, i.name, i.sem))
    for n, a in enumerate(t.insns):
        for b in t.insns[n + 1:]:
            if a.over != b.name and b.over != a.name and overlap(a, b):
                raise TableError("%s: %s and %s (%s) overlap" % (b.where, b.name, a.name, a.where))
    idents = {}
    for i in t.insns:
        if c_name(i.name) in idents:
            raise TableError("%s: %s and %s have the same name in C" % (i.where, i.name, idents[c_name(i.name)]))
        idents[c_name(i.name)] = i.name


def read_file(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def read_lines(t, ext, text, filename, outer, read):
    """Reads the lines of one file into t, after extension `ext`; returns the extension at its end."""
    for n, line in enumerate(text.splitlines(), 1):
        where = "%s:%d" % (filename, n)
        words = split_words(line, where)
        if not words:
            continue
        kind, args = words[0], words[1:]
        if kind == "include":
            if len(args) != 1 or "/" in args[0]:
                raise TableError("%s: it is `include FILE`, a name without a path" % where)
            path = os.path.join(os.path.dirname(filename), args[0])
            if path in outer or path == filename:
                raise TableError("%s: %s includes itself" % (where, path))
            try:
                inner = read(path)
            except (OSError, UnicodeDecodeError) as e:
                raise TableError("%s: %s cannot be read: %s" % (where, path, e)) from None
            ext = read_lines(t, ext, inner, path, outer + [filename], read)
        elif kind == "prefix":
            if len(args) != 1 or not NAME.match(args[0]) or t.prefix:
                raise TableError("%s: there is one `prefix NAME`" % where)
            t.prefix = args[0]
        elif kind == "member":
            if len(args) != 2 or not NAME.match(args[0]) or args[1] not in TYPES:
                raise TableError("%s: a member is `member NAME TYPE` with type %s" % (where, " ".join(TYPES)))
            if args[0] in t.members or args[0] in ("op", "len"):
                raise TableError("%s: there are two members %s" % (where, args[0]))
            t.members[args[0]] = args[1]
        elif kind == "field":
            field = read_field(args, where)
            if field.name in t.fields:
                raise TableError("%s: there are two fields %s" % (where, field.name))
            t.fields[field.name] = field
        elif kind == "format":
            fmt = read_format(t, args, where)
            if fmt.name in t.formats:
                raise TableError("%s: there are two formats %s" % (where, fmt.name))
            t.formats[fmt.name] = fmt
        elif kind in ("operand", "suffix"):
            want = 3 if kind == "operand" else 2
            if len(args) != want or not all(NAME.match(a) for a in args) or args[-1] not in t.members:
                raise TableError("%s: it is `operand NAME KIND MEMBER` or `suffix KIND MEMBER`" % where)
            if kind == "operand":
                if args[0] in t.operands:
                    raise TableError("%s: there are two operands %s" % (where, args[0]))
                t.operands[args[0]] = (args[1], args[2])
            else:
                t.suffix[args[1]] = args[0]
        elif kind == "extension":
            if len(args) != 1 or not NAME.match(args[0]):
                raise TableError("%s: it is `extension NAME`" % where)
            ext = args[0]
            if ext not in t.extensions:
                t.extensions.append(ext)
        elif kind == "alias":
            args, conds = cut_if(args)
            suffixes = bool(args) and args[0].endswith("+")
            if suffixes:
                args[0] = args[0][:-1]
            if len(args) != 3 or not args[2].startswith('"') or not MNEMONIC.match(args[0]) or "/" in args[0]:
                raise TableError("%s: an alias is `alias NAME[+] INSN \"SYNTAX\" [if CONDITIONS]`" % where)
            of = next((i for i in t.insns if i.name == args[1]), None)
            if of is None:
                raise TableError("%s: alias %s: there is no instruction '%s' above" % (where, args[0], args[1]))
            cs = read_conds(conds, [m for m, _ in of.fmt.members], where, True) if conds is not None else []
            t.aliases.append(Alias(args[0], of, check_syntax(t, args[2][1:], of.fmt, where, args[0]), cs, suffixes))
        else:
            t.insns.append(read_insn(t, words, where, ext))
    return ext


def read_table(text, filename, read=read_file):
    """The checked Table that `text` describes, with what it includes; TableError otherwise."""
    t = Table()
    read_lines(t, None, text, filename, [], read)
    if not t.prefix:
        raise TableError("%s: no `prefix`" % filename)
    if not t.insns:
        raise TableError("%s: no instructions" % filename)
    check_insns(t)
    return t


# --- writing ---


def c_name(name):
    return name.replace(".", "_").replace("/", "_").upper()


def mnemonic(name):
    return name.partition("/")[0]


def banner(source, what):
    return "/* %s Made by tools/decodegen.py from %s. */\n" % (what, os.path.basename(source))


def make_header(t, source):
    p, up = t.prefix, t.prefix.upper()
    sems = []
    for i in t.insns:
        if i.sem not in sems:
            sems.append(i.sem)
    o = [banner(source, "Instructions: what decoding gives, and who decodes."), "#pragma once\n\n#include \"lib/types.h\"\n"]
    o.append("enum %s_op {\n    %s_ILLEGAL, /* no instruction */" % (p, up))
    o += ["    %s_%s," % (up, c_name(i.name)) for i in t.insns]
    o.append("    %s_NOPS\n};\n" % up)
    o.append("enum %s_ext {" % p)
    o += ["    %s_EXT_%s," % (up, e.upper()) for e in t.extensions]
    o.append("    %s_NEXTS\n};\n" % up)
    o.append("enum %s_operand {" % p)
    o += ["    %s_OPERAND_%s," % (up, name.upper()) for name in t.operands]
    o.append("};\n")
    o.append("struct %s_insn {\n    u16 op; /* enum %s_op */\n    u8 len; /* bytes */" % (p, p))
    o += ["    %s %s;" % (ty, m) for m, ty in t.members.items()]
    o.append("};\n")
    o.append("/* Decodes the low 16 or all 32 bits of w into *i, members that the instruction does not have being 0.\n"
             " * False, with op and len 0, when it is no instruction. */")
    o += ["bool %s_decode%d(u32 w, struct %s_insn *i);" % (p, n, p) for n in (16, 32)]
    tests = {c.value for i in t.insns for c in i.all_conds if c.op == ":"} - {"even"}
    if tests:
        o.append("\n/* Conditions of the table that are decided in C. */")
        o += ["bool %s_is_%s(u32 value);" % (p, x) for x in sorted(tests)]
    o.append("\n/* For tests: the bits of *i. False when a member's value can not be encoded. */")
    o.append("bool %s_encode(const struct %s_insn *i, u32 *w);\n" % (p, p))
    o.append("/* For tests: what is fixed in each instruction's bits. */\nstruct %s_op_bits {\n"
             "    const char *name;\n    u8 ext; /* enum %s_ext */\n    u8 width; /* bits */\n    u32 mask, value;\n"
             "    u64 operands; /* 1ull << %s_OPERAND_* for each that its syntax names; of the first 64 */\n};" % (p, p, up))
    o.append("extern const struct %s_op_bits %s_op_bits[%s_NOPS];\nextern const char *const %s_ext_names[%s_NEXTS];\n"
             % (p, p, up, p, up))
    o.append("/* X(semantics) for each semantics function there must be. */\n#define %s_SEMANTICS(X) \\" % up)
    o.append(" \\\n".join("    X(%s)" % c_name(s).lower() for s in sems) + "\n")
    o.append("/* X(OP, semantics) for each instruction. */\n#define %s_INSNS(X) \\" % up)
    o.append(" \\\n".join("    X(%s, %s)" % (c_name(i.name), c_name(i.sem).lower()) for i in t.insns))
    return "\n".join(o) + "\n"


def cond_c(insn, cond, prefix):
    src = insn.fmt.source(cond.member)
    return cond.c("(%s)" % src.extract_c() if isinstance(src, Field) else str(src), prefix)


def runs(mask):
    """Contiguous runs (lo, width) of a mask, at most 8 wide."""
    out, lo = [], 0
    while mask >> lo:
        if mask >> lo & 1:
            n = 1
            while mask >> (lo + n) & 1 and n < 8:
                n += 1
            out.append((lo, n))
            lo += n
        else:
            lo += 1
    return out


def emit_tree(t, insns, tested, depth, o):
    """Decides between insns, which agree with w in the bits `tested`. Falls through when it is none."""
    pad = "    " * depth
    common = ~tested
    for i in insns:
        common &= i.mask
    best = None
    if len(insns) > 1:
        for lo, n in runs(common & 0xFFFFFFFF):
            kinds = len({i.value >> lo & ((1 << n) - 1) for i in insns})
            if kinds > 1 and (best is None or kinds > best[0]):
                best = (kinds, lo, n)
    if best:
        _, lo, n = best
        m = (1 << n) - 1
        o.append("%sswitch (%s) {" % (pad, "w >> %d & 0x%x" % (lo, m) if lo else "w & 0x%x" % m))
        for v in sorted({i.value >> lo & m for i in insns}):
            o.append("%scase 0x%x:" % (pad, v))
            emit_tree(t, [i for i in insns if i.value >> lo & m == v], tested | m << lo, depth + 1, o)
            if not o[-1].lstrip().startswith("return") or o[-2].lstrip().startswith("if"):
                o.append("%s    return false;" % pad)
        o.append("%s}" % pad)
        return
    # Special cases first.
    for i in sorted(insns, key=lambda i: -bin(i.mask).count("1")):
        left = i.mask & ~tested
        tests = ["(w & 0x%x) == 0x%x" % (left, i.value & left)] if left else []
        tests += [cond_c(i, c, t.prefix) for c in i.all_conds if not isinstance(i.fmt.source(c.member), int)]
        body = "return x_%s(w, %s_%s, i);" % (i.fmt.name, t.prefix.upper(), c_name(i.name))
        if tests:
            o.append("%sif (%s)\n%s    %s" % (pad, " && ".join("(%s)" % x if len(tests) > 1 else x for x in tests), pad, body))
        else:
            o.append("%s%s" % (pad, body))


def make_decoder(t, source, header):
    p = t.prefix
    o = [banner(source, "The decoder."), "#include \"%s\"\n" % header]
    used = {}
    for i in t.insns:
        used.setdefault(i.fmt.name, i.width)
        if used[i.fmt.name] != i.width:
            raise TableError("%s: format %s is used with 16 and with 32 bits" % (i.where, i.fmt.name))
    for name, width in used.items():
        fmt = t.formats[name]
        o.append("static inline bool x_%s(u32 w, u32 op, struct %s_insn *i)\n{" % (name, p))
        o.append("    i->op = (u16)op;\n    i->len = %d;" % (width // 8))
        for m, src in fmt.members:
            v = "i->" + src if isinstance(src, str) else src.extract_c() if isinstance(src, Field) else "%d" % src
            o.append("    i->%s = (%s)(%s);" % (m, t.members[m], v))
        o.append("    return true;\n}\n")
    for width in (16, 32):
        insns = [i for i in t.insns if i.width == width]
        o.append("bool %s_decode%d(u32 w, struct %s_insn *i)\n{\n    *i = (struct %s_insn){0};" % (p, width, p, p))
        if insns:
            emit_tree(t, insns, 0, 1, o)
        o.append("    return false;\n}\n")
    return "\n".join(o)


def print_c(t, syntax):
    o, text = [], ""
    for tok in syntax:
        if tok[0] == "text":
            text += tok[1]
            continue
        if text:
            o.append("sb_puts(o, \"%s\");" % text)
            text = ""
        o.append("print_%s(o, i, i->%s);" % (tok[1], tok[2]))
    if text:
        o.append("sb_puts(o, \"%s\");" % text)
    return o


def name_c(name, suffixes, syntax):
    """Lines that print a mnemonic with its suffixes [(kind, member)]."""
    put = "put_name(o, \"%s\", %s);" % ("" if suffixes else name, "true" if syntax else "false")
    if not suffixes:
        return [put]
    return ["sb_puts(o, \"%s\");" % name] + ["print_%s(o, i, i->%s);" % s for s in suffixes] + [put]


def make_disasm(t, source):
    """To be included by a file that has put_name and the operands' print_KIND."""
    p, up = t.prefix, t.prefix.upper()
    o = [banner(source, "The disassembler's cases.")]
    o.append("static void print_insn(struct strbuf *o, const struct %s_insn *i, bool aliases)\n{\n    switch (i->op) {" % p)
    for i in t.insns:
        o.append("    case %s_%s:" % (up, c_name(i.name)))
        suffixes = [(k, m) for m, k in t.suffix.items() if i.fmt.source(m) is not None]
        for a in (a for a in t.aliases if a.of is i):
            test = " && ".join(["aliases"] + [c.c("i->" + c.member, p) for c in a.conds])
            o.append("        if (%s) {" % test)
            o += ["            " + line for line in name_c(a.name, suffixes if a.suffixes else [], a.syntax)]
            o += ["            " + line for line in print_c(t, a.syntax)]
            o.append("            return;\n        }")
        o += ["        " + line for line in name_c(mnemonic(i.name), suffixes, i.syntax)]
        o += ["        " + line for line in print_c(t, i.syntax)]
        o.append("        return;")
    o.append("    }\n}")
    return "\n".join(o) + "\n"


def make_encoder(t, source, header):
    p, up = t.prefix, t.prefix.upper()
    o = [banner(source, "The encoder and the list of instructions, for tests."), "#include \"%s\"\n" % header]
    o.append("const struct %s_op_bits %s_op_bits[%s_NOPS] = {" % (p, p, up))
    for i in t.insns:
        places = [list(t.operands).index(name) for name in {tok[3] for tok in i.syntax if tok[0] == "operand"}]
        operands = sum(1 << n for n in places if n < 64)
        o.append("    [%s_%s] = {\"%s\", %s_EXT_%s, %d, 0x%xu, 0x%xu, 0x%xull},"
                 % (up, c_name(i.name), i.name, up, i.ext.upper(), i.width, i.mask, i.value, operands))
    o.append("};\n\nconst char *const %s_ext_names[%s_NEXTS] = {%s};\n" % (p, up, ", ".join('"%s"' % e for e in t.extensions)))
    o.append("/* The bits, if they decode to *i again. */\nstatic bool encode(const struct %s_insn *i, u32 *w)\n{\n    switch (i->op) {" % p)
    for i in t.insns:
        parts = ["0x%xu" % (i.value | i.ones)]
        parts += [src.insert_c("i->" + m) for m, src in i.fmt.members if isinstance(src, Field)]
        o.append("    case %s_%s:\n        *w = %s;\n        return true;" % (up, c_name(i.name), " |\n             ".join(parts)))
    o.append("    }\n    return false;\n}\n")
    same = " && ".join("back.%s == i->%s" % (m, m) for m in ["op"] + list(t.members))
    o.append("bool %s_encode(const struct %s_insn *i, u32 *w)\n{\n    struct %s_insn back;\n    if (!encode(i, w))\n        return false;\n"
             "    bool ok = %s_op_bits[i->op].width == 16 ? %s_decode16(*w, &back) : %s_decode32(*w, &back);\n    return ok && %s;\n}"
             % (p, p, p, p, p, p, same))
    return "\n".join(o) + "\n"


def main(argv):
    ap = argparse.ArgumentParser(description="Makes C from an instruction table.")
    ap.add_argument("table")
    ap.add_argument("--include", default=None, help="how the generated files include the header")
    for what in ("header", "decoder", "disasm", "encoder"):
        ap.add_argument("--" + what, metavar="FILE", help="where to write the " + what)
    args = ap.parse_args(argv)
    try:
        with open(args.table, encoding="utf-8") as f:
            t = read_table(f.read(), args.table)
        include = args.include or os.path.basename(args.header or "")
        made = [
            (args.header, lambda: make_header(t, args.table)),
            (args.decoder, lambda: make_decoder(t, args.table, include)),
            (args.disasm, lambda: make_disasm(t, args.table)),
            (args.encoder, lambda: make_encoder(t, args.table, include)),
        ]
        texts = [(path, make()) for path, make in made if path]
        for path, text in texts:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    except (TableError, OSError, UnicodeDecodeError) as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
