"""A level-1 product as a folder or as a zip, which is read member by member and never unpacked to the disk."""

from __future__ import annotations

import io
import lzma
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from datasets.common.failures import DataError

MEMBER_LIMIT = 512 << 20
"""Bytes of one member at most; the largest file of a real product is some tens of megabytes."""

TOTAL_LIMIT = 8 << 30
"""Bytes of all members together at most, unpacked."""

MEMBERS_LIMIT = 1000
"""Members at most; a real product has about a hundred."""

PIECE = 1 << 20
"""Bytes that are unpacked at once."""

PRODUCT_NAME = re.compile(r"S3[AB]_SL_1_RBT\w{0,82}")
"""Name of a level-1 product without `.SEN3`: 94 characters. A browser or a file manager puts its own behind that."""

BESIDE = "__MACOSX"
"""Folder that macOS adds to its zips, with a file of its own for each that is packed."""

Product = Path | zipfile.Path
"""A product's folder, on the disk or in a zip."""


def product_name(product: Product) -> str | None:
    """Return the product's name in that of a folder or zip, or in that of what a link leads to; None where it is none.

    Archives give links the names of products and lead them to a store of numbered folders, and the other way round. Of
    a folder in a zip, the zip's name is the second choice.
    """
    holder = product.resolve().name if isinstance(product, Path) else Path(str(product.root.filename)).name
    found = PRODUCT_NAME.match(product.name) or PRODUCT_NAME.match(holder)
    return found[0] if found else None


@contextmanager
def open_product(path: Path) -> Iterator[Product]:
    """Give the product of a folder or of a zip with one product in it, in a `.SEN3` folder or in none.

    Raises DataError where there is none, or the zip is damaged, unsafe or too large.
    """
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise DataError(f"{path}: expected the folder of a product, found none — check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            yield zipfile.Path(archive, _folder(path, archive.infolist()))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise DataError(
            f"{path}: expected a `.SEN3` folder or a whole zip of one, found: {error} — fetch it again"
        ) from None


def stream(member: zipfile.Path) -> io.BytesIO:
    """Return a member's bytes in memory, since HDF5 cannot seek in a compressed stream.

    `_folder` has bounded the size that the zip states. Reading in pieces bounds what a member that states too little
    can unpack before its checksum betrays it: read as a whole, that is gigabytes.
    """
    found = io.BytesIO()
    with member.open("rb") as packed:
        shutil.copyfileobj(packed, found, PIECE)
    found.seek(0)
    return found


def _folder(path: Path, members: Sequence[zipfile.ZipInfo]) -> str:
    """Return the name of the product's folder, after looking at every member."""
    fault = _fault(members)
    if fault:
        raise DataError(f"{path}: {fault} — this is no product as it is distributed; fetch it again")
    names = [name for name in (PurePosixPath(member.filename) for member in members) if BESIDE not in name.parts]
    folders = sorted({str(p) for name in names for p in (name, *name.parents) if p.suffix == ".SEN3"})
    if not folders:  # packed from inside the folder, or under another name
        folders = sorted({str(name.parent) for name in names if name.suffix == ".nc"})
    if len(folders) != 1:
        found = f"{len(folders)} ({', '.join(folders[:3])})" if folders else "none"
        mend = "zip each product by itself" if folders else "fetch it again"
        raise DataError(f"{path}: expected one product, a folder whose name ends in .SEN3, found {found} — {mend}")
    return "" if folders == ["."] else folders[0] + "/"


def _fault(members: Sequence[zipfile.ZipInfo]) -> str | None:
    if len(members) > MEMBERS_LIMIT:
        return f"expected at most {MEMBERS_LIMIT} members, found {len(members)}"
    for member in members:
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename:
            return f"expected names inside the folder, found {member.filename!r}"
        if stat.S_ISLNK(member.external_attr >> 16):
            return f"expected files and folders, found the link {member.filename!r}"
        if member.flag_bits & 1:
            return f"expected no password, found the encrypted member {member.filename!r}"
        if member.file_size > MEMBER_LIMIT:
            most = f"{MEMBER_LIMIT >> 20} MiB"
            return f"expected members of at most {most}, {member.filename!r} has {member.file_size} bytes"
    if len({member.filename for member in members}) < len(members):
        return "expected every name once, found one twice"
    total = sum(member.file_size for member in members)
    return f"expected at most {TOTAL_LIMIT >> 30} GiB in all, found {total} bytes" if total > TOTAL_LIMIT else None
