#!/usr/bin/env python3
"""Makes the tables of the Linux personality's system calls.

Reads personality/linux/syscalls.tab (the calls; its head explains the form), flags.tab (names of constants) and ioctl.tab (device requests), and
writes one of

    header   numbers, structure and set identifiers, declarations of handlers
    calls    the functions behind `pass`, argument descriptions, the dispatch table
    names    tables of constants for --strace
    ioctls   the table of ioctl requests
    x86_64   map from generic numbers to an x86-64 host's
    doc      the support page

Every line is checked; an error names file and line and nothing is written.
"""
import argparse
import re
import sys

LEVELS = ('full', 'partial', 'stub', 'refused')
RETURNS = ('int', 'fd', 'size', 'long', 'hex', 'oct', 'pid', 'uid', 'gid', 'addr', 'none')
PLAIN = {'int': 32, 'uint': 32, 'long': 64, 'ulong': 64, 'hex': 64, 'oct': 32, 'size': 64, 'off': 64, 'pid': 32, 'uid': 32, 'gid': 32, 'sig': 32,
         'dev': 32, 'raw': 64, 'addr': 64, 'fd': 32, 'dirfd': 32,
         'argv': 64, 'envp': 64, 'iovec': 64, 'msghdr': 64, 'sockaddr': 64, 'sockaddr_out': 64, 'pollfds': 64}
# of which these are pointers that only a handler can follow
HANDLED = ('raw', 'argv', 'envp', 'iovec', 'msghdr', 'sockaddr', 'sockaddr_out', 'pollfds')
BUFFERS = ('in', 'out', 'inout', 'mem')
# Sets of flags of which guests have values of their own.
OPEN_SETS = ('open', 'fdflags')
IOCTL_KINDS = ('none', 'int', 'in', 'out', 'inout', 'special', 'refused')


class TableError(Exception):
    pass


class Arg:
    """One argument of a call."""

    def __init__(self, kind, name, param=None, size=None):
        self.kind, self.name, self.param, self.size = kind, name, param, size


class Call:
    def __init__(self, **kw):
        self.__dict__.update(kw)


def fail(path, line, text):
    raise TableError(f'{path}:{line}: {text}')


def parse_size(text, names, where):
    """A size expression -> list of terms of a sum; a term is a list of factors: int, name, ('bits', name), ('pages', name)."""
    terms = []
    for part in text.split('+'):
        factors = []
        for tok in part.split('*'):
            tok = tok.strip()
            fn = re.fullmatch(r'(bits|pages)\((\w+)\)', tok)
            if re.fullmatch(r'\d+', tok):
                factors.append(int(tok))
            elif fn:
                factors.append((fn[1], fn[2]))
            elif re.fullmatch(r'[a-z_]\w*', tok):
                factors.append(tok)
            else:
                fail(*where, f'size "{text}": "{tok}" is no number, argument, bits() or pages()')
            used = factors[-1][1] if isinstance(factors[-1], tuple) else factors[-1]
            if isinstance(used, str) and used not in names:
                fail(*where, f'size "{text}": the call has no argument "{used}"')
        terms.append(factors)
    return terms


def parse_args(text, structs, sets, where):
    args = []
    raw = []
    depth, start = 0, 0
    for i, ch in enumerate(text + ','):
        if ch in '([':
            depth += 1
        elif ch in ')]':
            depth -= 1
        elif ch == ',' and depth == 0:
            if text[start:i].strip():
                raw.append(text[start:i].strip())
            start = i + 1
    if depth:
        fail(*where, 'brackets do not match')
    if len(raw) > 6:
        fail(*where, f'{len(raw)} arguments; a call has at most six')
    parsed = []
    for item in raw:
        m = re.fullmatch(r'(\w+)(?::([\w(),]+))? (\w+)(?:\[(.+)\])?', item)
        if not m:
            fail(*where, f'argument "{item}" is not KIND NAME')
        parsed.append(m.groups())
    names = [p[2] for p in parsed]
    if len(set(names)) != len(names):
        fail(*where, 'an argument name occurs twice')
    for kind, param, name, size in parsed:
        if size is not None and kind not in BUFFERS:
            fail(*where, f'"{name}": only in, out, inout and mem have a size')
        if kind in PLAIN or kind in ('str', 'ptr'):
            if param:
                fail(*where, f'"{name}": {kind} takes no parameter')
            args.append(Arg(kind, name))
        elif kind in ('flags', 'enum'):
            if param not in sets:
                fail(*where, f'"{name}": no set "{param}" in the flags table')
            args.append(Arg(kind, name, param))
        elif kind == 'path':
            how = re.fullmatch(r'follow|nofollow|create|entry|(nofollow_if|follow_if)\((\w+),(0x[0-9a-fA-F]+|\d+)\)', param or '')
            if not how:
                fail(*where, f'"{name}": how is the path resolved? follow, nofollow, create, entry, nofollow_if(ARG,MASK), follow_if(ARG,MASK)')
            if how[2] and how[2] not in names:
                fail(*where, f'"{name}": the call has no argument "{how[2]}"')
            args.append(Arg(kind, name, (how[1] or how[0], how[2], how[3])))
        elif kind in BUFFERS:
            if (param is None) == (size is None):
                fail(*where, f'"{name}": {kind} wants either a structure or a size')
            if param is not None:
                if param not in structs:
                    fail(*where, f'"{name}": no structure "{param}"')
                args.append(Arg(kind, name, param))
            else:
                args.append(Arg(kind, name, None, parse_size(size, names, where)))
        else:
            fail(*where, f'unknown kind "{kind}"')
    for i, arg in enumerate(args):
        # a dirfd belongs to the path after it; handlers may see the path as a string
        if arg.kind == 'dirfd' and (i + 1 == len(args) or args[i + 1].kind not in ('path', 'str', 'addr')):
            fail(*where, f'"{arg.name}": no path follows this dirfd')
    return args


def parse_calls(text, path, sets):
    calls, structs = [], {}
    for n, line in enumerate(text.splitlines(), 1):
        where = (path, n)
        if not line.strip() or line.startswith('#'):
            continue
        m = re.fullmatch(r'struct (\w+) (\d+)', line.strip())
        if m:
            if m[1] in structs:
                fail(*where, f'structure {m[1]} is here twice')
            structs[m[1]] = int(m[2])
            continue
        m = re.fullmatch(r'(\d+)(?:@(\w+))?\s+(\d+|-)\s+(\w+)\s+(\w+)\s+(\+?\w+)\s+\((.*)\) = (\w+)(?:\s*;\s*(.+))?', line.rstrip())
        if not m:
            fail(*where, 'not NUMBER[@ISA] X86_64 NAME LEVEL HANDLER (ARGUMENTS) = RETURN ; note')
        nr, isa, x86, name, level, handler, args, ret, note = m.groups()
        stays = handler == 'pass' or handler[0] == '+'
        handler = handler.removeprefix('+')
        if level not in LEVELS:
            fail(*where, f'unknown level "{level}"')
        if ret not in RETURNS:
            fail(*where, f'unknown return "{ret}"')
        if not (handler == 'pass' or re.fullmatch(r'sys_[a-z0-9_]+', handler) or re.fullmatch(r'E[A-Z0-9]+', handler)):
            fail(*where, f'handler "{handler}" is neither pass nor sys_NAME nor an errno')
        if (level == 'refused') != (handler[0] == 'E'):
            fail(*where, 'a refused call has an errno as its handler, and only that')
        if level != 'full' and not note and name != 'nfsservctl':
            fail(*where, f'a call that is {level} needs a note')
        if handler == 'pass' and x86 == '-':
            fail(*where, 'a call that is passed needs a host number')
        if stays and (isa or handler[0] == 'E'):
            fail(*where, 'only a call that is made for all guests can be made without leaving')
        call = Call(nr=int(nr), isa=isa, stays=stays, x86=None if x86 == '-' else int(x86), name=name, level=level, handler=handler,
                    args=parse_args(args, structs, sets, where), ret=ret, note=note or '', line=n)
        for other in calls:
            if other.nr == call.nr or other.name == call.name:
                fail(*where, f'{call.name} ({call.nr}) is also in line {other.line}')
            if call.x86 is not None and other.x86 == call.x86:
                fail(*where, f'x86-64 number {call.x86} is also in line {other.line}')
        if handler == 'pass':
            for arg in call.args:
                if arg.kind in HANDLED:
                    fail(*where, f'"{arg.name}": {arg.kind} arguments need a handler')
                if arg.kind == 'dirfd' and call.args[call.args.index(arg) + 1].kind != 'path':
                    fail(*where, f'"{arg.name}": pass wants a path after dirfd')
        calls.append(call)
    if not calls:
        fail(path, 0, 'no calls')
    calls.sort(key=lambda c: c.nr)
    return calls, structs


def parse_sets(text, path):
    """flags.tab: `set NAME` (or `set NAME mask M` …), then `VALUE NAME` lines."""
    sets, current = {}, None
    for n, line in enumerate(text.splitlines(), 1):
        where = (path, n)
        line = line.split('#')[0].strip()
        if not line:
            continue
        m = re.fullmatch(r'set (\w+)(?: mask (0x[0-9a-f]+|\d+))?', line)
        if m:
            if m[1] in sets:
                fail(*where, f'set {m[1]} is here twice')
            current = sets[m[1]] = Call(mask=int(m[2], 0) if m[2] else 0, values=[])
            continue
        if current is None:
            fail(*where, 'a value outside a set')
        for item in line.split():
            m = re.fullmatch(r'(\w+)=(0x[0-9a-fA-F]+|0[0-7]*|-?[1-9]\d*)', item)
            if not m:
                fail(*where, f'"{item}" is not NAME=VALUE')
            text_value = m[2]
            value = int(text_value, 8) if re.fullmatch(r'0[0-7]+', text_value) else int(text_value, 0)
            if any(v[0] == m[1] for v in current.values):
                fail(*where, f'{m[1]} is here twice')
            current.values.append((m[1], value))
    return sets


def parse_ioctls(text, path):
    """ioctl.tab: `REQUEST NAME KIND [SIZE]`."""
    rows = []
    for n, line in enumerate(text.splitlines(), 1):
        where = (path, n)
        line = line.split('#')[0].strip()
        if not line:
            continue
        m = re.fullmatch(r'(0x[0-9a-fA-F]+)\s+(\w+)\s+(\w+)(?:\s+(\w+))?', line)
        if not m:
            fail(*where, 'not REQUEST NAME KIND [SIZE]')
        request, name, kind, extra = int(m[1], 16), m[2], m[3], m[4]
        if kind not in IOCTL_KINDS:
            fail(*where, f'unknown kind "{kind}"')
        if request > 0xffffffff:
            fail(*where, f'request {m[1]} has more than 32 bits')
        if kind in ('in', 'out', 'inout'):
            if not extra or not extra.isdigit():
                fail(*where, f'{kind} wants a size')
        elif kind == 'refused':
            if not extra or not re.fullmatch(r'E[A-Z0-9]+', extra):
                fail(*where, 'refused wants an errno')
        elif kind == 'special':
            if not extra or not re.fullmatch(r'ioctl_[a-z0-9_]+', extra):
                fail(*where, 'special wants a function ioctl_NAME')
        elif extra:
            fail(*where, f'{kind} takes nothing more')
        for other in rows:
            if other[0] == request:
                fail(*where, f'{name}: {other[1]} has the same number')
        rows.append((request, name, kind, extra))
    rows.sort()
    return rows


def banner(source):
    return f'/* Made by tools/syscallgen.py from {source}; not to be edited. */\n'


def set_id(name):
    return f'LX_SET_{name.upper()}'


def struct_id(name):
    return f'LX_STRUCT_{name.upper()}'


def out_header(calls, structs, sets, rows):
    out = [banner('syscalls.tab'), '#pragma once\n', '#include "personality/linux/lx.h"\n', '/* Generic system call numbers. */', 'enum {']
    out += [f'    LX_NR_{c.name} = {c.nr},' for c in calls]
    out += [f'    LX_NCALLS = {calls[-1].nr + 1},', '};\n', 'enum {', '    LX_STRUCT_NONE,']
    out += [f'    {struct_id(s)},' for s in structs]
    out += ['    LX_STRUCT_COUNT,', '};', 'enum {']
    out += [f'    LX_SIZE_{s} = {n},' for s, n in structs.items()]
    out += ['};\n', 'enum {', '    LX_SET_NONE,']
    out += [f'    {set_id(s)},' for s in sets]
    out += ['    LX_SET_COUNT,', '};\n', '/* Handlers. */']
    done = set()
    for c in calls:
        if c.handler.startswith('sys_') and c.handler not in done:
            done.add(c.handler)
            out.append(f'lx_syscall_fn {c.handler};')
    return '\n'.join(out) + '\n'


def c_size(call, arg, structs):
    """The C expression of a buffer's extent."""
    if arg.param is not None:
        return str(structs[arg.param])
    index = {a.name: i for i, a in enumerate(call.args)}

    def value(name):
        kind = call.args[index[name]].kind
        wide = PLAIN.get(kind, 32) == 64
        return f'a[{index[name]}]' if wide else f'(u32)a[{index[name]}]'
    total = None
    for term in arg.size:
        product = None
        for f in term:
            if isinstance(f, int):
                text = str(f)
            elif isinstance(f, tuple):
                text = f'call_{f[0]}({value(f[1])})'
            else:
                text = value(f)
            product = text if product is None else f'call_mul({product}, {text})'
        total = product if total is None else f'call_add({total}, {product})'
    return total


def follow_flags(call, arg):
    how, other, mask = arg.param
    if how in ('follow', 'nofollow', 'create', 'entry'):
        base = {'follow': 'LX_PATH_FOLLOW', 'nofollow': '0', 'create': 'LX_PATH_CREATE', 'entry': 'LX_PATH_ENTRY'}[how]
    else:
        i = [a.name for a in call.args].index(other)
        test = f'(a[{i}] & {mask})'
        base = f'({test} ? 0 : LX_PATH_FOLLOW)' if how == 'nofollow_if' else f'({test} ? LX_PATH_FOLLOW : 0)'
    for i, a in enumerate(call.args):
        # AT_EMPTY_PATH; mount calls have it under other numbers
        if a.kind == 'flags' and a.param in ('at', 'faccess'):
            base += f' | (a[{i}] & 0x1000 ? LX_PATH_EMPTY : 0)'
    if call.name == 'utimensat':
        base += ' | LX_PATH_NULL'
    if call.name == 'fanotify_mark':
        base += ' | LX_PATH_NULL'
    if call.name == 'move_mount':
        base += ' | (a[4] & %s ? LX_PATH_EMPTY : 0)' % ('4' if arg.name == 'from_path' else '0x40')
    if call.name in ('open_tree', 'mount_setattr'):
        base += ' | (a[2] & 0x1000 ? LX_PATH_EMPTY : 0)'
    if call.name == 'fspick':
        base += ' | (a[2] & 8 ? LX_PATH_EMPTY : 0)'
    return base


def out_pass(call, structs):
    n = len(call.args)
    host = ['0'] * 6
    checks, paths = [], []
    for i, arg in enumerate(call.args):
        if arg.kind == 'path':
            with_dir = i > 0 and call.args[i - 1].kind == 'dirfd'
            if with_dir:
                get = f'lx_path_get(t, &p{i}, (int)a[{i - 1}], a[{i}], {follow_flags(call, arg)})'
                host[i - 1] = f'(u64)(s64)p{i}.dirfd'
            else:
                get = f'lx_path_get_full(t, &p{i}, a[{i}], {follow_flags(call, arg)})'
            host[i] = f'(u64)p{i}.name'
            paths.append((i, get))
        elif arg.kind == 'fd':
            checks.append(f'    if (lx_fd_hidden(a[{i}]))\n        return -EBADF;')
            host[i] = f'a[{i}]'
        elif arg.kind in ('str', 'ptr'):
            host[i] = f'call_in(t, a[{i}], 1)'
        elif arg.kind == 'in':
            host[i] = f'call_in(t, a[{i}], {c_size(call, arg, structs)})'
        elif arg.kind == 'mem':
            host[i] = f'call_mem(t, a[{i}], {c_size(call, arg, structs)})'
        elif arg.kind in ('out', 'inout'):
            host[i] = f'call_out(t, a[{i}], {c_size(call, arg, structs)})'
        elif arg.kind == 'flags' and arg.param in OPEN_SETS:
            host[i] = f'lx_open_flags(t, a[{i}])'
        elif arg.kind != 'dirfd':
            host[i] = f'a[{i}]'
    if not paths:
        out = [f'static s64 ready_{call.name}(struct lx_thread *t, const u64 *a, u64 *h)', '{'] + checks
        out += [f'    h[{i}] = {host[i]};' for i in range(6)]
        return out + ['    return 0;', '}']
    out = [f'static s64 pass_{call.name}(struct lx_thread *t, const u64 *a)', '{']
    out += checks
    enter = f'prov_call(&t->vcpu->poll, {call.nr}, {", ".join(host)})'
    for i, _ in paths:
        out.append(f'    struct lx_path p{i};')
    for i, _ in paths:
        out.append(f'    lx_path_init(&p{i});')
    first = True
    for i, get in paths:
        out.append(f'    s64 r = {get};' if first else f'    if (r == 0)\n        r = {get};')
        first = False
    out.append(f'    if (r == 0)\n        r = {enter};')
    for i, arg in enumerate(call.args):
        if arg.kind == 'fd': # a bad descriptor is found before a bad path
            out.append(f'    else\n        r = call_fd_first(a[{i}], r);')
            break
    for i, _ in reversed(paths):
        out.append(f'    lx_path_put(&p{i});')
    out += ['    return r;', '}']
    return out


def arg_initializer(call, arg, structs):
    fields = [f'.kind = LX_ARG_{arg.kind.upper()}', f'.name = "{arg.name}"']
    if arg.kind in ('flags', 'enum'):
        fields.append(f'.set = {set_id(arg.param)}')
    if arg.kind in BUFFERS:
        if arg.param is not None:
            fields.append(f'.type = {struct_id(arg.param)}')
        elif len(arg.size) == 1 and not any(isinstance(f, tuple) for f in arg.size[0]):
            scale, source = 1, None
            for f in arg.size[0]:
                if isinstance(f, int):
                    scale *= f
                else:
                    source = f
            fields.append(f'.scale = {scale}')
            if source is not None:
                index = [a.name for a in call.args].index(source)
                fields.append(f'.size_arg = {index + 1}')
    return '{' + ', '.join(fields) + '}'


def out_calls(calls, structs, sets, rows):
    out = [banner('syscalls.tab'), '#include "personality/linux/syscall.h"\n', '#include <errno.h>\n', '#include "personality/linux/fd.h"',
           '#include "personality/linux/path.h"', '#include "personality/linux/provider.h"\n']
    for c in calls:
        if c.handler == 'pass':
            out += out_pass(c, structs) + ['']
    for c in calls:
        if c.args:
            out.append(f'static const struct lx_arg args_{c.name}[] = {{')
            out += [f'    {arg_initializer(c, a, structs)},' for a in c.args]
            out.append('};')
    out.append('\nconst struct lx_call lx_calls[LX_NCALLS] = {')
    for c in calls:
        fields = [f'.name = "{c.name}"', f'.level = LX_{c.level.upper()}', f'.ret = LX_RET_{c.ret.upper()}', f'.nargs = {len(c.args)}']
        if c.isa:
            fields.append(f'.isa = "{c.isa}"')
        if c.args:
            fields.append(f'.args = args_{c.name}')
        if c.handler == 'pass':
            fields.append(f'.fn = pass_{c.name}' if any(a.kind == 'path' for a in c.args) else f'.ready = ready_{c.name}')
        elif c.handler[0] == 'E':
            fields.append(f'.error = {c.handler}')
        else:
            fields.append(f'.fn = {c.handler}')
        if c.stays:
            fields.append('.stays = true')
        out.append(f'    [{c.nr}] = {{{", ".join(fields)}}},')
    out.append('};')
    return '\n'.join(out) + '\n'


def out_names(calls, structs, sets, rows):
    out = [banner('flags.tab and ioctl.tab'), '#include "personality/linux/strace.h"\n', '#include "personality/linux/syscalls_gen.h"\n']
    for name, s in sets.items():
        values = s.values
        if name == 'ioctl':
            values = values + [(r[1], r[0]) for r in rows]
        if not values:
            values = [('?', -1)]
        out.append(f'static const struct lx_name names_{name}[] = {{')
        out += [f'    {{{v:#x}, "{n}"}},' if v >= 0 else f'    {{(u64){v}, "{n}"}},' for n, v in values]
        out.append('};')
    out.append('\nconst struct lx_set lx_sets[LX_SET_COUNT] = {')
    for name, s in sets.items():
        out.append(f'    [{set_id(name)}] = {{names_{name}, sizeof(names_{name}) / sizeof(names_{name}[0]), {s.mask:#x}}},')
    out.append('};')
    return '\n'.join(out) + '\n'


def out_ioctls(calls, structs, sets, rows):
    out = [banner('ioctl.tab'), '/* Sorted by request. */']
    for fn in sorted({r[3] for r in rows if r[2] == 'special'}):
        out.append(f'static ioctl_fn {fn};')
    out.append('static const struct request requests[] = {')
    for request, name, kind, extra in rows:
        fields = [f'{request:#x}', f'REQ_{kind.upper()}']
        if kind in ('in', 'out', 'inout'):
            fields.append(f'.size = {extra}')
        elif kind == 'refused':
            fields.append(f'.error = {extra}')
        elif kind == 'special':
            fields.append(f'.fn = {extra}')
        out.append('    {' + ', '.join(fields) + f'}}, /* {name} */')
    out.append('};')
    return '\n'.join(out) + '\n'


def out_x86_64(calls, structs, sets, rows):
    out = [banner('syscalls.tab'), 'static const s16 host_number[] = {']
    out += [f'    [{c.nr}] = {c.x86} + 1, /* {c.name} */' for c in calls if c.x86 is not None]
    out.append('};')
    return '\n'.join(out) + '\n'


def out_doc(calls, structs, sets, rows):
    count = {level: sum(c.level == level for c in calls) for level in LEVELS}
    out = ['# System calls', '',
           'What a guest program can expect of each Linux system call. Made from `personality/linux/syscalls.tab`.', '',
           '* **full**: behaves as Linux does', '* **partial**: works but for what the note says', '* **stub**: succeeds without the effect named',
           '* **refused**: always fails with the error named, as a kernel without it or an unprivileged caller would see it', '',
           '| level | calls |', '|---|---|']
    out += [f'| {level} | {count[level]} |' for level in LEVELS]
    out += ['', '| number | call | level | note |', '|---|---|---|---|']
    for c in calls:
        note = (f'`{c.handler}`: ' if c.level == 'refused' else '') + (f'{c.isa} only' if c.isa else '') + ('; ' if c.isa and c.note else '') + c.note
        out.append(f'| {c.nr} | `{c.name}` | {c.level} | {note} |')
    return '\n'.join(out) + '\n'


OUTPUTS = {'header': out_header, 'calls': out_calls, 'names': out_names, 'ioctls': out_ioctls, 'x86_64': out_x86_64, 'doc': out_doc}


def read(path):
    try:
        with open(path, encoding='utf-8') as f:
            return f.read()
    except (OSError, UnicodeDecodeError) as e:
        raise TableError(f'{path}: {e}') from e


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('what', choices=sorted(OUTPUTS))
    ap.add_argument('calls')
    ap.add_argument('flags')
    ap.add_argument('ioctls')
    ap.add_argument('-o', '--output')
    opt = ap.parse_args(argv)
    try:
        sets = parse_sets(read(opt.flags), opt.flags)
        calls, structs = parse_calls(read(opt.calls), opt.calls, sets)
        rows = parse_ioctls(read(opt.ioctls), opt.ioctls)
        text = OUTPUTS[opt.what](calls, structs, sets, rows)
    except TableError as e:
        print(f'syscallgen: {e}', file=sys.stderr)
        return 1
    if opt.output:
        with open(opt.output, 'w', encoding='utf-8') as f:
            f.write(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())
