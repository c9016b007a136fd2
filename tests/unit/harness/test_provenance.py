"""Which code ran: asked of git, stated by an image, or unknown with the reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import provenance
from harness.provenance import STATED_COMMIT, Commit

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the checkout."""
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.delenv(STATED_COMMIT, raising=False)
    return tmp_path


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("stated", "found"),
    [(HASH, Commit(commit=HASH, dirty=False)), (f"{HASH}-dirty", Commit(commit=HASH, dirty=True))],
)
@pytest.mark.usefixtures("tree")
def test_an_image_states_its_commit(monkeypatch: pytest.MonkeyPatch, stated: str, found: Commit) -> None:
    monkeypatch.setenv(STATED_COMMIT, stated)
    assert provenance.commit() == found


@pytest.mark.usefixtures("tree")
def test_a_folder_without_git_is_unknown_with_the_reason() -> None:
    assert provenance.commit() == Commit(commit=None, dirty=None, reason="not a git checkout")


def test_git_is_asked(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATED_COMMIT, "what an image says does not hold in a checkout")
    git(tree, "init", "-q")
    (tree / "file").write_text("1")
    git(tree, "add", "file")
    git(tree, "commit", "-qm", "first")
    head = git(tree, "rev-parse", "HEAD")
    assert provenance.commit() == Commit(commit=head, dirty=False)
    (tree / "file").write_text("2")
    assert provenance.commit() == Commit(commit=head, dirty=True)
