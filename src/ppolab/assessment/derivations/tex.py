"""Writes a parsed line as TeX, so that a learner sees it as a formula."""

from __future__ import annotations

from ppolab.assessment.derivations.language import Call, Name, Negative, Node, Number, Operation
from ppolab.assessment.derivations.worlds import World

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a piece holds together
INDEXED = {"r": "r_{%s}", "V": "V_{%s}", "delta": r"\delta_{%s}", "A": "A^{(%s)}"}
FUNCTIONS = {"log": r"\log", "min": r"\min", "max": r"\max", "clip": r"\mathrm{clip}"}


def tex_of(node: Node, world: World) -> str:
    """The TeX of a line in the symbols of a world."""
    return _Writer({symbol.name: symbol.tex for symbol in world.symbols}).write(node, SUM)


class _Writer:
    def __init__(self, symbols: dict[str, str]) -> None:
        self.symbols = symbols

    def write(self, node: Node, around: int) -> str:
        """A piece, in parentheses where it holds together less tightly than what is around it."""
        text, tightness = self.piece(node)
        return rf"\left({text}\right)" if tightness < around else text

    def piece(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Number):
            return f"{node.value:g}", ATOM
        if isinstance(node, Name):
            return self.symbols.get(node.name) or plain(node.name), ATOM
        if isinstance(node, Negative):
            return f"-{self.write(node.of, PRODUCT)}", PRODUCT
        if isinstance(node, Operation):
            return self.operation(node)
        return self.call(node)

    def operation(self, node: Operation) -> tuple[str, int]:
        left, right, sign = node.left, node.right, node.sign
        if sign in "+-":
            after = PRODUCT if sign == "-" else SUM
            return f"{self.write(left, SUM)} {sign} {self.write(right, after)}", SUM
        if sign == "*":
            return rf"{self.write(left, PRODUCT)}\,{self.write(right, POWER)}", PRODUCT
        if sign == "/":
            return rf"\frac{{{self.write(left, SUM)}}}{{{self.write(right, SUM)}}}", POWER
        return f"{{{self.write(left, ATOM)}}}^{{{self.write(right, SUM)}}}", POWER

    def call(self, node: Call) -> tuple[str, int]:
        name, arguments = node.name, node.arguments
        inner = [self.write(part, SUM) for part in arguments]
        inside = r",\, ".join(inner)
        if name == "sum" and len(arguments) == 4:
            body = self.write(arguments[3], PRODUCT)
            return rf"\sum_{{{inner[0]}={inner[1]}}}^{{{inner[2]}}} {body}", PRODUCT
        if name == "integral" and len(arguments) == 2:
            return rf"\int {self.write(arguments[1], PRODUCT)}\,d{inner[0]}", PRODUCT
        if name in INDEXED:
            return INDEXED[name] % inside, ATOM
        if name == "exp":
            return f"e^{{{inside}}}", POWER
        if name == "abs":
            return rf"\left|{inside}\right|", ATOM
        if name == "grad":
            return rf"\nabla {self.write(arguments[0], POWER)}", POWER
        if name in ("E", "E_old"):
            return rf"{self.symbols[name]}\left[{inside}\right]", ATOM
        if name == "sum":
            return rf"{self.symbols[name]} {self.write(arguments[0], PRODUCT)}", PRODUCT
        function = FUNCTIONS.get(name) or self.symbols.get(name) or plain(name)
        return rf"{function}\left({inside}\right)", ATOM


def plain(name: str) -> str:
    """A name without a meaning of its own, such as a bound letter."""
    escaped = name.replace("_", r"\_")
    return name if len(name) == 1 else rf"\mathrm{{{escaped}}}"
