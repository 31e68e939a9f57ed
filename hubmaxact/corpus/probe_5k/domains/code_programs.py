"""Programs: functions with typed names in scope, records and tests, in any of `code_languages`.

A program is made as it is printed; names in use are always defined before. It looks like code,
and nobody claims that it is useful.
"""

from collections.abc import Callable, Iterator

from hubmaxact.corpus.probe_5k.domains.code_languages import Language
from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.english import plural
from hubmaxact.corpus.probe_5k.grammar import Grammar, capital
from hubmaxact.corpus.probe_5k.topics import english_grammar

COMPARISONS = ("<", ">", "<=", ">=", "==", "!=")
OPERATORS = ("+", "-", "*", "+", "-", "%", "/")
KINDS = ("num", "num", "list", "text", "num", "flag")
HABITS = {"noun": 26, "verb": 18, "cadj": 10}
MAX_DEPTH = 3


def code_grammar(draw: Draw) -> Grammar:
    """Return a grammar for one file: a topic's words as identifiers, and naming habits."""
    grammar = english_grammar(draw, "code.txt")
    words = [str(thing).replace(" ", "_").replace("-", "_") for thing in grammar.rules["thing"]]
    words = [word for word in words if word.isidentifier() and word.isascii()]
    for rule, count in HABITS.items():
        grammar.narrow(rule, count)
    grammar.bind("word", *words)
    grammar.bind("words", *map(plural, words))
    grammar.bind("nouns", *map(plural, map(str, grammar.rules["noun"])))
    return grammar


class Program:
    """One source file being written."""

    def __init__(self, language: Language, draw: Draw) -> None:
        self.language = language
        self.draw = draw
        self.grammar = code_grammar(draw)
        self.scope: dict[str, list[str]] = {}
        self.functions: list[tuple[str, int]] = []  # name, how many numbers it takes

    def name(self, rule: str) -> str:
        """Return an identifier in the language's manner."""
        head, *rest = self.grammar(rule).split("_")
        if not self.language.camel:
            return "_".join([head, *rest])
        return head + "".join(map(capital, rest))

    def fresh(self, kind: str) -> str:
        """Return a new name in scope."""
        name = self.name("ident")
        while any(name in names for names in self.scope.values()):
            name += str(self.draw.between(2, 9))
        self.scope.setdefault(kind, []).append(name)
        return name

    def number(self) -> str:
        """Return a numeric expression."""
        names = self.scope.get("num")
        lists = self.scope.get("list")
        pick = self.draw.below(10)
        if pick < 4 and names:
            return self.draw.choice(names)
        if pick < 6 and lists:
            return self.language.length % self.draw.choice(lists)
        if pick == 6 and self.functions:
            name, arity = self.draw.choice(self.functions)
            return self.language.call % (name, ", ".join(self.atom() for _ in range(arity)))
        if pick == 7 and lists:
            return self.language.item % (self.draw.choice(lists), self.atom())
        if pick == 8:
            return f"({self.atom()} {self.draw.choice(OPERATORS)} {self.atom()})"
        return str(self.draw.choice((0, 1, 2, self.draw.below(1000), self.draw.below(65536))))

    def atom(self) -> str:
        """Return a name or a literal."""
        names = self.scope.get("num")
        return (
            self.draw.choice(names) if names and self.draw.chance(60) else str(self.draw.below(99))
        )

    def known(self) -> str:
        """Return a name in scope when there is one."""
        names = self.scope.get("num")
        return self.draw.choice(names) if names else self.number()

    def arithmetic(self) -> str:
        """Return a sum or product of two numeric expressions."""
        return f"{self.number()} {self.draw.choice(OPERATORS)} {self.number()}"

    def condition(self) -> str:
        """Return a comparison, or two joined."""
        left, right = self.known(), self.number()
        if left == right:
            right = str(self.draw.below(99))
        first = f"{left} {self.draw.choice(COMPARISONS)} {right}"
        if self.draw.chance(25):
            joint = self.draw.choice((self.language.both, self.language.either))
            second = f"{self.atom()} {self.draw.choice(COMPARISONS)} {self.number()}"
            return joint % (first, second)
        return first

    def statement(self, depth: int) -> list[str]:
        """Return the lines of one statement."""
        kinds = SIMPLE if depth >= MAX_DEPTH else STATEMENTS
        return self.draw.choice(kinds)(self, depth)

    def body(self, depth: int, count: int) -> list[str]:
        """Return statements, indented; what they define ends with them."""
        outer = {kind: list(names) for kind, names in self.scope.items()}
        lines = [line for _ in range(count) for line in self.statement(depth)]
        lines += self.add(depth)  # a block of nothing but comments is none in every language
        self.scope = outer
        return self.indented(lines)

    def indented(self, lines: list[str]) -> list[str]:
        """Return the lines one level deeper."""
        return [self.language.indent + line for line in lines]

    def block(self, header: str, lines: list[str]) -> list[str]:
        """Return a header, its lines, and what closes it."""
        return [header, *lines, *([self.language.close] if self.language.close else [])]

    def let(self, _depth: int) -> list[str]:
        """A new number."""
        value = self.arithmetic()
        form = {"value": value, "type": self.language.types["num"], "name": self.fresh("num")}
        return [self.language.let % form]

    def add(self, depth: int) -> list[str]:
        """An accumulation."""
        if not self.scope.get("num"):
            return self.let(depth)
        form = {"name": self.draw.choice(self.scope["num"]), "value": self.number()}
        return [self.draw.choice((self.language.add, self.language.assign)) % form]

    def remark(self, _depth: int) -> list[str]:
        """A comment."""
        return [self.language.comment % self.grammar("note")]

    def guard(self, _depth: int) -> list[str]:
        """An early failure."""
        return (self.language.guard % (self.condition(), self.grammar("problem"))).split("\n")

    def when(self, depth: int) -> list[str]:
        """A branch, perhaps with its opposite."""
        lines = self.body(depth + 1, self.draw.between(1, 3))
        if self.draw.chance(35):
            lines += [self.language.otherwise, *self.body(depth + 1, self.draw.between(1, 2))]
        return self.block(self.language.when % self.condition(), lines)

    def each(self, depth: int) -> list[str]:
        """A loop over a list, or over a range when there is none."""
        if not self.scope.get("list"):
            header = self.language.count % ("i", self.atom(), self.number())
            return self.block(header, self.body(depth + 1, self.draw.between(1, 3)))
        source, item = self.draw.choice(self.scope["list"]), self.fresh("num")
        return self.block(
            self.language.each % (item, source), self.body(depth + 1, self.draw.between(1, 3))
        )

    def loop(self, depth: int) -> list[str]:
        """A loop on a condition."""
        lines = self.body(depth + 1, self.draw.between(1, 3))
        return self.block(self.language.loop % self.condition(), lines)

    def stop(self, _depth: int) -> list[str]:
        """A branch that returns."""
        value = self.language.indent + self.language.back % self.number()
        return self.block(self.language.when % self.condition(), [value])

    def function(self) -> str:
        """Return a function with its comment."""
        self.scope = {}
        kinds = [self.draw.choice(KINDS) for _ in range(self.draw.between(1, 4))]
        params = [(self.fresh(kind), kind) for kind in kinds]
        listed = ", ".join(
            self.language.parameter % {"name": name, "type": self.language.types[kind]}
            for name, kind in params
        )
        name = self.name("fname")
        header = self.language.function % {
            "name": name,
            "params": listed,
            "type": self.language.types["num"],
        }
        lines = self.body(1, self.draw.between(2, 8))
        lines += self.indented([self.language.back % self.number()])
        if all(kind == "num" for kind in kinds):
            self.functions.append((name, len(kinds)))
        doc = self.language.comment % self.grammar("doc")
        return "\n".join([doc, *self.block(header, lines)]) + "\n\n"

    def record(self) -> str:
        """Return a record type."""
        fields = [
            self.language.field
            % {"name": self.name("ident"), "type": self.language.types[self.draw.choice(KINDS)]}
            for _ in range(self.draw.between(2, 7))
        ]
        name = capital(self.grammar("cadj")) + capital(self.grammar("noun"))
        lines = [self.language.record % name, *self.indented(fields), self.language.record_end]
        return "\n".join(lines).rstrip() + "\n\n"

    def test(self) -> str:
        """Return a run of assertions."""
        self.scope = {}
        lines = [
            self.language.check % (self.number(), self.draw.below(5000))
            for _ in range(self.draw.between(2, 6))
        ]
        header = self.language.function % {
            "name": self.name("fname"),
            "params": "",
            "type": self.language.types["flag"],
        }
        body = [part for line in lines for part in line.split("\n")]
        return "\n".join(self.block(header, self.indented(body))) + "\n\n"

    def data(self) -> str:
        """Return a table of literals, as tests and drivers hold them."""
        head, row, end = self.language.table
        rows = [
            row
            % (
                self.draw.below(9999),
                self.draw.below(1 << 24),
                self.language.text % self.grammar("thing"),
            )
            for _ in range(self.draw.between(2, 8))
        ]
        note = self.language.comment % self.grammar("note")
        return "\n".join([note, head % self.name("ident"), *self.indented(rows), end]) + "\n\n"


Statement = Callable[[Program, int], list[str]]
SIMPLE: tuple[Statement, ...] = (Program.let, Program.add, Program.add, Program.remark)
STATEMENTS: tuple[Statement, ...] = (
    *SIMPLE,
    Program.let,
    Program.guard,
    Program.when,
    Program.each,
    Program.loop,
    Program.stop,
)


def source_file(language: Language) -> Callable[[Draw], Iterator[str]]:
    """Return the writer of source files in a language."""

    def write(draw: Draw) -> Iterator[str]:
        program = Program(language, draw)
        yield language.comment % program.grammar("license") + "\n"
        yield draw.choice(language.open) + "\n"
        parts = (program.function, program.function, program.function, program.record)
        while True:
            yield draw.choice((*parts, *parts, program.test, program.data))()

    return write
