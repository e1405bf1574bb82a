"""Pictures that a note shows and that are not there are told of, and no others."""

import io
import zipfile

from ingest.store import Store


def told(store: Store) -> dict[str, list[tuple[str, dict[str, str | int]]]]:
    return {
        note.source: [(r.key, dict(r.values)) for r in note.remarks] for note in store.notes() if note.remarks
    }


def test_a_missing_picture_is_told_with_its_line(store: Store, write, sync) -> None:
    write({"img/there.png": b"png", "img/with space.png": b"png", "deep/below.png": b"png"})
    sync(
        write(
            {
                "a.md": "# Cells\n\n![there](img/there.png)\n![gone](img/gone.png)\n\n![](img/with%20space.png)\n"
                "![web](https://example.org/x.png)\n![data](data:image/png;base64,AAAA)\n",
                "deep/b.md": "![up](../img/there.png)\n![out](../../outside.png)\n![own](below.png)\n"
                "![no](img/there.png)\n",
                "c.html": "<p>See</p><img src='img/there.png'><img src='none.png' alt='a cell'>",
            }
        )
    )
    found = told(store)
    assert found["a.md"] == [("image_missing", {"name": "img/gone.png", "line": 4})]
    assert found["deep/b.md"] == [("image_missing", {"name": "img/there.png", "line": 4})]
    assert [(key, values["name"]) for key, values in found["c.html"]] == [("image_missing", "none.png")]


def test_obsidian_finds_a_picture_by_its_name_anywhere(store: Store, write, sync) -> None:
    write({"attachments/Cell.png": b"png"})
    sync(write({"deep/a.md": "![[cell.png]]\n\n![[Cell.png|300]]\n\n![[none.png]]\n"}))
    assert told(store) == {"deep/a.md": [("image_missing", {"name": "none.png", "line": 5})]}


def test_pictures_of_an_archive_are_looked_for_in_it(store: Store, write, sync) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export/page.md", "![in](page/in.png)\n![out](page/out.png)\n![[in.png]]\n")
        archive.writestr("export/page/in.png", b"png")
    sync(write({"export/page/out.png": b"png", "notion.zip": packed.getvalue()}))
    assert told(store) == {
        "notion.zip/export/page.md": [("image_missing", {"name": "page/out.png", "line": 2})]
    }


def test_twenty_are_named_and_the_rest_counted(store: Store, write, sync) -> None:
    sync(write({"a.md": "".join(f"![](no{n}.png)\n" for n in range(33))}))
    (remarks,) = told(store).values()
    assert [key for key, _ in remarks] == ["image_missing"] * 20 + ["images_missing"]
    assert remarks[-1][1] == {"count": 13}


def test_doubtful_places_of_a_repair_are_counted(store: Store, write, sync) -> None:
    sentence = "細胞の中には核がある。\n".encode()
    sync(write({"a.txt": sentence * 20 + b"\xff" + sentence + b"\xfe" + sentence}))
    assert told(store) == {"a.txt": [("doubtful", {"places": 2, "line": 21})]}
