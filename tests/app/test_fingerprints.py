"""What an answer stands on: the models that are tried, wherever the settings name them."""

from pathlib import Path
from typing import Any

from app.fingerprints import fingerprints
from app.settings import Settings
from ingest.store import Store


def prints(home: Path, **given: Any) -> dict[str, str]:
    with Store(home / "notes.duckdb", read_only=False) as store:
        return fingerprints(Settings(home=home, **given), store, "analyser")()


def test_the_model_is_known_by_its_file_in_either_setting(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one.gguf", "same.gguf", "other.gguf"))
    for path, content in ((one, b"1" * 99), (same, b"1" * 99), (other, b"2" * 99)):
        path.write_bytes(content)
    found = prints(tmp_path, model=str(one))["model"]
    assert found == prints(tmp_path, models=(str(same),))["model"]
    assert found != prints(tmp_path, models=(str(other),))["model"]
    assert found != prints(tmp_path, models=(str(one), str(other)))["model"]
    assert prints(tmp_path)["model"] == prints(tmp_path, model="none")["model"] == "none"
    at = [f"openai:m@https://{host}.example/v1" for host in "ab"]
    assert prints(tmp_path, models=(at[0],))["model"] != prints(tmp_path, models=(at[1],))["model"]


def test_what_only_takes_room_changes_no_fingerprint(tmp_path: Path) -> None:
    usual = prints(tmp_path)
    assert prints(tmp_path, model_slots=9, model_cache_mb=9, model_shelf_mb=9, model_shelf_disk_mb=9) == usual
    assert prints(tmp_path, model_rope_scale=2.0) != usual
