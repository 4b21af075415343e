"""Says where the time of a request goes, for each of several kinds of request.

    python -m benchmarks.profiling [SUBJECT …]

For each it leaves in ``build/profile``: a flame graph of each process (``.svg``, for a
browser), the stacks that such a graph is made of (``.stacks``), and a table (``.md``)
that adds up to what a request costs. ``make profile`` does it for all of them.
"""

import argparse
import sys
from pathlib import Path

import ccfpy
from benchmarks.harness.machine import this_machine
from benchmarks.harness.question import described
from benchmarks.profiling.sampling import Failed, sample
from benchmarks.profiling.stacks import count_owners, dearest, shares, table
from benchmarks.profiling.subjects import SUBJECTS

FUNCTIONS = 20


def our_modules() -> frozenset[str]:
    """Return the dotted names of all modules of the package."""
    top = Path(ccfpy.__file__).parent
    return frozenset(
        ".".join(file.relative_to(top.parent).with_suffix("").parts)
        for file in top.rglob("*.py")
    )


def profile(slug: str, seconds: int, folder: Path) -> str:
    """Profile one kind of request; return its page."""
    what, begin = SUBJECTS[slug]
    modules = our_modules()
    with begin() as subject:
        costs = subject.measure(seconds)
        stacks = sample(subject.processes, seconds, folder, slug)
    counts = {name: count_owners(stacks[name], modules) for name in costs}
    rows = [
        (
            name,
            shares(counts[name], user_us=cost.user_us, kernel_us=cost.kernel_us),
        )
        for name, cost in costs.items()
    ]
    page = [f"# {what}\n", described(this_machine()) + "\n", table(rows)]
    for name in costs:
        count = counts[name].total()
        page.append(f"Of {count} samples of the {name}, by function of ours:\n")
        page += [
            f"* {part:.1%} {function}"
            for function, part in dearest(stacks[name], FUNCTIONS, modules)
        ]
        page.append("")
    return "\n".join(page)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", nargs="*", help=", ".join(SUBJECTS))
    parser.add_argument("--seconds", type=int, default=8, help="for each measurement")
    parser.add_argument("--folder", type=Path, default=Path("build/profile"))
    said = parser.parse_args()
    if unknown := set(said.subject) - set(SUBJECTS):
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    said.folder.mkdir(parents=True, exist_ok=True)
    for slug in said.subject or SUBJECTS:
        try:
            page = profile(slug, said.seconds, said.folder)
        except Failed as failed:
            print(failed)
            return 1
        (said.folder / f"{slug}.md").write_text(page)
        print(page, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
