"""The reports folder: files that are there whole or not at all."""

import datetime as dt
import errno
import os
import threading
from pathlib import Path

import pytest

from vol_assets.errors import ReportError
from vol_assets.gold.folder import DOCUMENT, PDF, Reports

SESSION = dt.date(2024, 3, 15)


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path)


def contents(reports: Reports) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in reports.path(SESSION, DOCUMENT).parent.iterdir()}


def test_a_file_is_replaced_and_others_left_alone(reports: Reports):
    reports.write(SESSION, DOCUMENT, b"{}")
    assert reports.write(SESSION, PDF, b"%PDF") == reports.root / "gold" / "2024-03-15" / PDF
    reports.write(SESSION, DOCUMENT, b"[1]")
    assert contents(reports) == {DOCUMENT: b"[1]", PDF: b"%PDF"}
    assert reports.read_document(SESSION) == [1]


def test_a_disk_that_is_full_leaves_the_file_as_it_was(reports: Reports, monkeypatch: pytest.MonkeyPatch):
    reports.write(SESSION, PDF, b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        reports.write(SESSION, PDF, b"new")
    assert contents(reports) == {PDF: b"old"}


def test_who_reads_while_a_file_is_replaced_reads_one_of_the_two_whole(reports: Reports):
    both = [bytes([letter]) * 300_000 for letter in b"ab"]
    path = reports.write(SESSION, PDF, both[0])
    done = threading.Event()
    seen = set()

    def read():
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(40):
            reports.write(SESSION, PDF, both[i % 2])
    finally:
        done.set()
        reader.join()
    assert seen <= set(both)


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match=r"file/gold/2024-03-15.*VOL_ASSETS_DATA"):
        Reports(tmp_path / "file").write(SESSION, PDF, b"")


def test_a_document_that_is_not_there_or_broken_is_named_with_what_to_do(reports: Reports):
    with pytest.raises(ReportError, match="materialize gold/surface_data of 2024-03-15 first"):
        reports.read_document(SESSION)
    reports.write(SESSION, DOCUMENT, b"{")
    with pytest.raises(ReportError, match="no JSON any more.*materialize gold/surface_data again"):
        reports.read_document(SESSION)
