"""Count phrases that readers stumble over, in README, CONTRIBUTING, docs/, and in comments, docstrings and messages of the code.

    python .ci/english.py               counts, and exit code 1 if one is above its limit
    python .ci/english.py PHRASE        every place of one phrase, e.g. "per"
    python .ci/english.py --update      lower the limits to what was counted

The limits are in .ci/english_limits.txt. They only go down: new text avoids these phrases, and who edits a page mends its old ones.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMITS = Path(__file__).with_name("english_limits.txt")
PLACES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/**/*.md",
    "python/**/*.py",
    "include/**/*.hpp",
    "src/**/*.[hc]pp",
    "benchmark/*.py",
)


@dataclass(frozen=True)
class Phrase:
    """A pattern, and what to write in its place."""

    pattern: str
    better: str


_COUNTED = r"(?:one|rows?|samples?|lists?|seconds?|values?|tests?|lines?|ints?|numbers?|entry|entries|arrays?|names?|bytes|float|copy|figures?)"
_EACH = r"(?:batch|sample|row|layer|activation|stage|channel|group|unit|input|output|node|step|pass|axis|class|line|second|worker|image|case|test)"

PHRASES = {
    "per": Phrase(rf"\b{_COUNTED} an? {_EACH}\b", "per batch, for each layer"),
    "is no": Phrase(
        r"\b(?:is|are|was|were) no (?!longer\b|more\b|need\b|such\b)[a-z]+", "is not a …, has no …"
    ),
    "where": Phrase(
        r"\b[Ww]here (?:it|that|there|this|nothing|they|one|none|no|several|some|both|all)\b", "if, when"
    ),
    "what": Phrase(r"\b(?:of|for|from|to|in|by|with|and|than|on) what\b(?! (?:is|are) [a-z]+\?)", "a noun"),
    "goes": Phrase(r"\b(?:goes|gone|stays|stay)\b", "is removed, is kept"),
    "judge": Phrase(r"\b[Jj]udg(?:e|es|ed|ing)\b", "evaluate"),
    "so many": Phrase(r"\bso many\b", "N, this many"),
    "own": Phrase(r"\bof (?:its|their|one's|your) own\b", "its own …, a separate …"),
    "hangs on": Phrase(r"\bhangs? on\b", "depends on"),
    "in turn": Phrase(r"\bin turns?\b", "alternately, one after the other"),
    "of which": Phrase(r"\bof which\b", "two sentences"),
    "for want of": Phrase(r"\bfor want of\b", "because there is no"),
    "mend": Phrase(r"\bmend(?:s|ed|ing)?\b", "fix"),
}


def _prose(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that people read; of code the comments and what stands in quotes."""
    text = path.read_text(encoding="utf-8")
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == ".md":
            yield number, line
        elif path.suffix in (".hpp", ".cpp"):
            comment = re.search(r"//.*", line)
            yield number, " ".join([comment[0] if comment else "", *re.findall(r'"[^"]*"', line)])
        else:
            quotes = line.count('"""')
            if inside or quotes:
                yield number, line
            else:
                comment = re.search(r"#.*", line)
                yield number, " ".join([comment[0] if comment else "", *re.findall(r'"[^"]*"', line)])
            inside ^= quotes % 2 == 1


def places(phrase: Phrase) -> list[str]:
    """Every place of a phrase, as "file:line: text"."""
    pattern = re.compile(phrase.pattern)
    found = []
    for glob in PLACES:
        for path in sorted(ROOT.glob(glob)):
            for number, line in _prose(path):
                found += [f"{path.relative_to(ROOT)}:{number}: {line.strip()}" for _ in pattern.findall(line)]
    return found


def main() -> int:
    """Count, list or update, as the arguments ask."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in PHRASES:
        sys.stdout.write("".join(f"{place}\n" for place in places(PHRASES[arguments[0]])))
        return 0
    counts = {name: len(places(phrase)) for name, phrase in PHRASES.items()}
    limits = {}
    if LIMITS.exists():
        limits = {
            name: int(limit)
            for name, _, limit in (line.rpartition(" ") for line in LIMITS.read_text().splitlines())
        }
    if "--update" in arguments:
        lower = {name: min(count, limits.get(name, count)) for name, count in counts.items()}
        LIMITS.write_text("".join(f"{name} {count}\n" for name, count in lower.items()), encoding="utf-8")
        limits = lower
    above = {name for name, count in counts.items() if count > limits.get(name, 0)}
    print(f"{'phrase':<14}{'count':>6}{'limit':>7}  better")
    for name, count in counts.items():
        mark = "  too many: python .ci/english.py " + repr(name) if name in above else ""
        print(f"{name:<14}{count:>6}{limits.get(name, 0):>7}  {PHRASES[name].better}{mark}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
