#!/usr/bin/env python3
"""Makes the manual page from its template and the table of options.

    mangen.py --template docs/dragoman.1.in --options cmd/options_def.h --passes translator/ir/passes.def --version V

@OPTIONS@ becomes one entry per OPT() of the table, @ENVIRONMENT@ the twins in the environment, @PASSES@ one entry per PASS() of
their table, @VERSION@ the version. Prints the page. An error names file and line, and nothing is printed.
"""
import argparse
import re
import sys


class TableError(Exception):
    pass


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)


def parse_options(text, name="options"):
    """(long, short, argument, twin, help) of every OPT() in the table."""
    text = strip_comments(text)
    out = []
    at = 0
    item = re.compile(r"""\s*OPT\(\s*\w+\s*,\s*"([\w-]+)"\s*,\s*(?:'([^'])'|0)\s*,\s*(?:"([^"]*)"|NULL)\s*,\s*(?:"([A-Z0-9_]+)"|NULL)\s*,\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)""")
    while text[at:].strip():
        m = item.match(text, at)
        if not m:
            line = text[:at].count("\n") + 1 + len(re.match(r"\s*", text[at:]).group(0).split("\n")) - 1
            raise TableError("%s:%d: not an OPT(id, \"long\", 'short' or 0, \"ARG\" or NULL, \"TWIN\" or NULL, \"help\")" % (name, line))
        words = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', m.group(5))).replace('\\"', '"')
        out.append((m.group(1), m.group(2), m.group(3), m.group(4), words))
        at = m.end()
    seen = set()
    for long, short, _, twin, _ in out:
        for key in filter(None, (long, short and "-" + short, twin)):
            if key in seen:
                raise TableError("%s: %s is there twice" % (name, key))
            seen.add(key)
    if not out:
        raise TableError("%s: no options" % name)
    return out


def parse_passes(text, name="passes"):
    """(name, what it does, whether it is done unless asked for) of every PASS() in the table."""
    text = strip_comments(text)
    item = re.compile(r"""\s*PASS\(\s*\w+\s*,\s*"([a-z-]+)"\s*,\s*(?:UNIT|REGION|HOST|RUN)\s*,\s*([01])\s*,\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)""")
    out, at = [], 0
    while text[at:].strip():
        m = item.match(text, at)
        if not m:
            line = text[:at].count("\n") + 1 + len(re.match(r"\s*", text[at:]).group(0).split("\n")) - 1
            raise TableError("%s:%d: not a PASS(id, \"name\", UNIT|REGION|HOST|RUN, 0|1, \"what it does\")" % (name, line))
        out.append((m.group(1), "".join(re.findall(r'"((?:\\.|[^"\\])*)"', m.group(3))), m.group(2) == "1"))
        at = m.end()
    if len({o[0] for o in out}) != len(out):
        raise TableError("%s: a name is there twice" % name)
    return out


def roff(text):
    """Text as troff takes it literally."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def option_entry(long, short, arg, twin, help_text):
    names = ([r"\fB\-%s\fR" % short] if short else []) + [r"\fB\-\-%s\fR" % roff(long)]
    head = ", ".join(names) + (r" \fI%s\fR" % roff(arg) if arg else "")
    return ".TP\n%s\n%s" % (head, roff(help_text[:1].upper() + help_text[1:] + "."))


def make(template, options, passes, version):
    for key in ("@OPTIONS@", "@ENVIRONMENT@", "@PASSES@", "@VERSION@"):
        if key not in template:
            raise TableError("the template has no %s" % key)
    entries = "\n".join(option_entry(*o) for o in options)
    twins = "\n".join(".TP\n\\fB%s\\fR\n\\fB\\-\\-%s\\fR" % (roff(o[3]), roff(o[0])) for o in options if o[3])
    # the head comment speaks of the keys; only lines that are a key alone are filled in
    text = re.sub(r"(?m)^@OPTIONS@$", lambda m: entries, template)
    text = re.sub(r"(?m)^@ENVIRONMENT@$", lambda m: twins, text)
    named = "\n".join(".TP\n\\fB%s\\fR\n%s" % (roff(p[0]), roff(p[1] + ("" if p[2] else " (not done unless asked for)"))) for p in passes)
    text = re.sub(r"(?m)^@PASSES@$", lambda m: named, text)
    return text.replace("@VERSION@", version)


def main(argv):
    ap = argparse.ArgumentParser(description="Makes the manual page.")
    ap.add_argument("--template", required=True)
    ap.add_argument("--options", required=True)
    ap.add_argument("--passes", required=True)
    ap.add_argument("--version", required=True)
    a = ap.parse_args(argv)
    try:
        with open(a.template, encoding="utf-8") as t, open(a.options, encoding="utf-8") as o, open(a.passes, encoding="utf-8") as p:
            sys.stdout.write(make(t.read(), parse_options(o.read(), a.options), parse_passes(p.read(), a.passes), a.version))
    except (OSError, TableError) as e:
        print("mangen: %s" % e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
