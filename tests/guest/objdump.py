"""What the tests of our disassemblers share: GNU objdump's text for many words, and the comparison."""

import re
import shutil
import subprocess


def run(argv, data=None):
    return subprocess.run(argv, input=data, stdout=subprocess.PIPE, check=True).stdout


class Binutils:
    """The GNU tools for one architecture."""

    def __init__(self, prefix, tmp):
        self.objdump, self.assembler, self.objcopy = (prefix + x for x in ("objdump", "as", "objcopy"))
        self.tmp = tmp

    def there(self):
        return all(shutil.which(x) for x in (self.objdump, self.assembler, self.objcopy))

    def assembles(self, *options):
        """Makes an object file whose .text is then replaced. False when the assembler does not take these options."""
        empty = self.tmp / "empty.s"
        empty.write_text("nop\n")
        return subprocess.run([self.assembler, *options, "-o", str(self.tmp / "e.o"), str(empty)],
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def texts(self, words, normal, *options):
        """{offset: text} of what `words` (bytes) disassemble to, each text through normal()."""
        (self.tmp / "words").write_bytes(words)
        run([self.objcopy, "--update-section", ".text=" + str(self.tmp / "words"), str(self.tmp / "e.o"), str(self.tmp / "w.o")])
        out = run([self.objdump, "-d", "-z", *options, str(self.tmp / "w.o")]).decode()
        texts = {}
        for line in out.splitlines():
            m = re.match(r"\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)", line)
            if m:
                texts[int(m.group(1), 16)] = normal(m.group(2))
        return texts


def compare(words, ours, theirs, excused):
    """Counts and prints differences but those that excused(ours, theirs, word) accepts. The exit status."""
    bad = legal = 0
    for n, line in enumerate(ours):
        mine, his = re.sub(r"\s+", " ", line), theirs.get(n * 4, "missing")
        word = int.from_bytes(words[n * 4:n * 4 + 4], "little")
        legal += mine != "illegal"
        if mine == his or excused(mine, his, word):
            continue
        bad += 1
        if bad <= 40:
            print("%08x: ours '%s', objdump '%s'" % (word, mine, his))
    print("%d words, %d of them instructions; %d differ" % (len(ours), legal, bad))
    return 1 if bad or not legal else 0
