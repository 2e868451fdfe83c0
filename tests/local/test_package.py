import io
import os
import zipfile
from pathlib import Path

import pytest

from local import LocalStackError
from local.package import Package, build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "functions" / "upload"
    (folder / "inner" / "__pycache__").mkdir(parents=True)
    (folder / "app.py").write_text("print('upload')\n")
    (folder / "inner" / "part.py").write_text("")
    (folder / "inner" / "__pycache__" / "part.cpython-313.pyc").write_bytes(b"compiled")
    (folder / "old.pyc").write_bytes(b"compiled")
    (tmp_path / "page.html").write_text("<html>")
    (folder / "index.html").symlink_to("../../page.html")
    return folder


def names(package: Package) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(package.body)).namelist()


def test_code_keeps_its_import_path_and_compiled_files_are_left_out(folder: Path) -> None:
    assert names(build(folder, "functions/upload")) == [
        "functions/upload/app.py",
        "functions/upload/index.html",
        "functions/upload/inner/part.py",
    ]


def test_a_package_without_a_prefix_has_its_files_at_the_top(folder: Path) -> None:
    assert names(build(folder, ""))[0] == "app.py"


def test_a_symbolic_link_is_packed_as_the_file_it_points_to(folder: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(build(folder, "f").body))
    assert archive.read("f/index.html") == b"<html>"
    assert archive.getinfo("f/index.html").external_attr >> 16 == 0o100644


def test_dates_and_modes_do_not_change_the_package(folder: Path) -> None:
    first = build(folder, "f")
    os.utime(folder / "app.py", (0, 0))
    (folder / "app.py").chmod(0o700)
    assert build(folder, "f") == first


def test_changed_content_changes_the_key(folder: Path) -> None:
    first = build(folder, "f")
    (folder / "app.py").write_text("print('changed')\n")
    assert build(folder, "f").key != first.key


def test_a_broken_link_is_reported_by_name(folder: Path) -> None:
    (folder / "lost.html").symlink_to("../nowhere.html")
    with pytest.raises(LocalStackError, match=r"lost\.html cannot be packed"):
        build(folder, "f")


def test_replacing_a_file_keeps_the_others(folder: Path) -> None:
    first = build(folder, "f")
    changed = first.with_files({"f/app.py": b"", "elsewhere.py": b"x"})
    archive = zipfile.ZipFile(io.BytesIO(changed.body))
    assert archive.namelist() == names(first)
    assert (archive.read("f/app.py"), archive.read("f/index.html")) == (b"", b"<html>")
    assert changed.key != first.key
    assert first.with_files({}) == first
