# Objects, dictionaries, strings, big numbers, regular expressions, JSON.
import hashlib
import json
import re


class Account:
    def __init__(self, name):
        self.name, self.balance = name, 0

    def add(self, n):
        self.balance += n
        return self.balance


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


accounts = {("k%d" % i): Account("n%d" % i) for i in range(500)}
total = 0
for i in range(120000):
    total += accounts["k%d" % (i * 7919 % 500)].add(i & 15)
words = " ".join("word%d" % (i * i % 997) for i in range(20000))
count = {}
for w in re.findall(r"\bw\w*?(\d+)\b", words):
    count[w] = count.get(w, 0) + 1
text = json.dumps([{"id": i, "tags": ["a", "b"], "v": i / 3} for i in range(6000)])
back = json.loads(text)
table = sorted(back, key=lambda r: (r["v"] * 7919) % 101)
print(total, len(count), len(text), table[17]["id"], fib(22), pow(3, 4000) % 1000007, hashlib.md5(text.encode()).hexdigest())
