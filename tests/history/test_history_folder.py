"""Files are whole or absent, and a run has one writer."""

import os
import signal
import time
from pathlib import Path

import pytest
from history_toys import CONFIG, ENVIRONMENT, before_each_change, in_child, run

from wddkit.history import StorageError, Writer
from wddkit.history.folder import files_of, lock, make_folder, sha256, write_file, write_json


def test_a_file_that_is_being_replaced_is_the_old_or_the_new_one_at_every_moment(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_file(file, b"old")

    def work(at: int) -> None:
        before_each_change(tmp_path, lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == at else None)
        write_file(file, b"new" * 1000)

    seen = []
    for at in (1, 2, 3, 4):  # a folder, a file beside, the renaming; then nothing
        seen.append(in_child(lambda at=at: work(at))[0])
        assert file.read_bytes() in (b"old", b"new" * 1000)
    assert seen == [signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, 0]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", [float("nan")])
    (tmp_path / "b").mkdir()
    with pytest.raises(StorageError, match=r"could not write .*b: a folder stands where a file is needed"):
        write_file(tmp_path / "b", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b"]


def test_an_out_that_is_a_file_or_below_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    file.write_text("mine")
    for path in (file, file / "run"):
        with pytest.raises(StorageError, match=r"a file stands where a folder is needed .* choose another folder"):
            Writer.open(path, config=CONFIG, environment=ENVIRONMENT)
    assert file.read_text() == "mine"


def test_an_out_that_this_user_may_not_write_is_told(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "runs").mkdir(mode=0o555)
        if os.getuid() == 0:  # root may write everywhere
            tmp_path.chmod(0o755)
            os.setuid(65534)
        make_folder(tmp_path / "runs" / "run")

    _, text = in_child(work)
    assert text.startswith(f"StorageError: [Errno 13] could not write {tmp_path / 'runs' / 'run'}"), text
    assert "this user may not write there" in text
    assert "choose another folder or change its permissions" in text


def test_a_storage_error_is_an_os_error_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="File exists") as caught:
        make_folder(tmp_path / "file")
    assert caught.value.errno == 17


def test_a_run_that_another_process_is_writing_is_refused_with_its_number_and_start(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        with Writer.open(path, config=CONFIG, environment=ENVIRONMENT):
            os.write(told, b"!")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    text = rf"this run is being written by process {child} on \S+ since 20\d\d-\S+; wait until it ends"
    with pytest.raises(StorageError, match=text):
        Writer.open(path, config=CONFIG, environment=ENVIRONMENT)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    run(path)  # the lock of a killed process does not outlive it


def test_a_run_has_one_writer_in_a_process_too_and_closing_lets_go(tmp_path: Path) -> None:
    with lock(tmp_path):
        with pytest.raises(StorageError, match=rf"being written by process {os.getpid()} on"), lock(tmp_path):
            pass
        (tmp_path / ".owner").write_text("{")
        with pytest.raises(StorageError, match="being written by another process"), lock(tmp_path):
            pass
    with lock(tmp_path):
        assert (tmp_path / ".owner").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match=r"is not a run of wddkit but holds thesis\.tex; choose a new folder"):
        Writer.open(tmp_path, config=CONFIG, environment=ENVIRONMENT)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_of_another_config_is_refused_by_the_fields_that_differ(tmp_path: Path) -> None:
    Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT).close()
    other = {**CONFIG, "seed": 1, "method": {"kind": "walk", "ipc": 2}}
    with pytest.raises(ValueError, match=r"another config, different in method\.steps, seed; choose another folder"):
        Writer.open(tmp_path / "run", config=other, environment=ENVIRONMENT)
    Writer.open(tmp_path / "run", config=CONFIG, environment={"numpy": "0"}).close()


def test_files_that_are_not_the_runs_do_not_count(tmp_path: Path) -> None:
    run(tmp_path / "run")
    names = files_of(tmp_path / "run")
    for name in ("notes.txt", "recover/.DS_Store", "checkpoint/x", ".lock"):
        write_file(tmp_path / "run" / name, b"")
    assert files_of(tmp_path / "run") == names


def test_sha256_is_that_of_hashlib_also_of_a_beginning(tmp_path: Path) -> None:
    import hashlib

    data = os.urandom(3_000_000)
    write_file(tmp_path / "x", data)
    assert sha256(tmp_path / "x") == hashlib.sha256(data).hexdigest()
    assert sha256(tmp_path / "x", 2_000_001) == hashlib.sha256(data[:2_000_001]).hexdigest()
