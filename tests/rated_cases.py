"""A source package of ratings in small, made as the real one is."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

KINDS = {"tweets": "tweets", "amazonReviewSnippets": "products",
         "movieReviewSnippets": "films", "nytEditorialSnippets": "editorials"}  # fmt: skip


def write_ratings(folder: Path, texts: list[tuple[str, list[int]]]) -> Path:
    """Write the eight files with these texts and ratings as tweets, and two of each other kind.

    One tweet more has a mean in one file that is not that of its ratings in the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in KINDS:
        rows = list(texts) if name == "tweets" else [
            (f"a good {name}", [2, 3]), (f"a bad {name}", [-2, -3])
        ]  # fmt: skip
        said, told = [], []
        for number, (text, ratings) in enumerate(rows, start=1):
            mean = sum(ratings) / len(ratings)
            said.append(f"{number}\t{mean:.9f}\t{text}\r\n")
            told.append(f"{number}\t{mean:.9f}\t1.0\t{ratings}\r\n")
        if name == "tweets":
            said.append("999\t1.5\tsomebody else's ratings\r\n")
            told.append("999\t2.0\t1.0\t[2, 2]\r\n")
        (folder / f"{name}_GroundTruth.txt").write_bytes("".join(said).encode("utf-8-sig"))
        (folder / f"{name}_anonDataRatings.txt").write_bytes("".join(told).encode("utf-8-sig"))
    return folder


def packed(folder: Path, outer: Path) -> Path:
    """Put the files into an archive within an archive, as the source package has them."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        archive.add(folder, "hutto_ICWSM_2014")
    with tarfile.open(outer, "w:gz") as archive:
        member = tarfile.TarInfo("vaderSentiment-3.3.2/additional/hutto_ICWSM_2014.tar.gz")
        member.size = len(inner.getvalue())
        archive.addfile(member, io.BytesIO(inner.getvalue()))
    return outer
