"""Videos with labels: folders, manifests, arrays; groups stay on one side."""

import json
from pathlib import Path

import numpy as np
import pytest

from elman.data.given import Files, Given, Splits, Video, given
from elman.data.labeled.rows import LabeledSplits
from elman.data.labeled.videos import VideoOptions, read_labeled_videos, read_more_videos
from elman.data.tables.table import BadRows
from elman.data.video.clips import Clip, FrameArray, VideoLimits
from elman.data.video.read import read_rows
from elman.data.video.rows import VideoColumns, Videos
from elman.errors import InputError
from tests.videos_made import drawn, write_images, write_video

FPS = VideoOptions(VideoColumns(fps=10.0))


def read(data: Given, options: VideoOptions = FPS, *, skip: bool = False) -> LabeledSplits:
    return read_labeled_videos(data, options, None, BadRows(skip))[0]


def refused(data: Given, options: VideoOptions = FPS) -> str:
    with pytest.raises(InputError) as error:
        read(data, options)
    assert "\n" not in str(error.value)
    return str(error.value)


def clips(count: int) -> list[np.ndarray]:
    return [drawn(3, 8, 8)] * count


def arrays(count: int = 20, groups: int = 0) -> Video:
    labels = [f"class {n % 2}" for n in range(count)]
    of = [f"person {n // 2 % groups}" for n in range(count)] if groups else None
    return Video(clips(count), labels, of, 10.0)


def folder_of(root: Path, count: int = 6) -> Path:
    for name in ("jump", "run"):
        (root / name).mkdir(parents=True)
        for number in range(count):
            write_video(root / name / f"{number}.avi", drawn(3))
    return root


def manifest(root: Path, rows: list[dict], name: str = "clips.jsonl") -> Files:
    path = root / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Files((path,))


def videos(splits: LabeledSplits) -> dict[str, Videos]:
    parts = {"train": splits.train, "valid": splits.valid, "test": splits.test}
    return {name: part.inputs for name, part in parts.items() if part}  # type: ignore[misc]


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    found = read(Files((folder_of(tmp_path / "data"),)))
    assert found.names == ("jump", "run")
    assert [len(part) for part in videos(found).values()] == [10, 1, 1]
    clip, label = found.train.inputs.clips[0], found.train.labels.ids[0]  # type: ignore[union-attr]
    assert isinstance(clip, Clip)
    assert clip.path.parent.name == found.names[label]
    assert "12 videos, 3.6 s, 48x32 pixels, 10 frames a second" in found.notes[0]


def test_folders_in_those_of_classes_are_groups(tmp_path: Path) -> None:
    for name in ("jump", "run"):
        for person in ("ann", "bob", "cleo", "dan"):
            (tmp_path / "d" / name / person).mkdir(parents=True)
            write_video(tmp_path / "d" / name / person / "1.avi", drawn(3))
    found = read(Files((tmp_path / "d",)), VideoOptions(valid_fraction=0.25, test_fraction=0.25))
    groups = [set(part.groups or ()) for part in videos(found).values()]
    assert [len(names) for names in groups] == [2, 1, 1]
    assert set.union(*groups) == {"ann", "bob", "cleo", "dan"}


def test_folders_of_images_are_clips(tmp_path: Path) -> None:
    for name in ("jump", "run"):
        for number in range(3):
            write_images(tmp_path / "d" / name / f"clip{number}", drawn(3, 8, 8))
    found = read(
        Files((tmp_path / "d",)), VideoOptions(FPS.columns, test_fraction=0.0, valid_fraction=0.2)
    )
    assert [len(part) for part in videos(found).values()] == [5, 1]
    assert videos(found)["train"].groups is None


def test_a_manifest_has_times_groups_and_splits(tmp_path: Path) -> None:
    write_video(tmp_path / "long.avi", drawn(12))
    rows = [
        {"path": "long.avi", "label": f"c{n % 2}", "start": n / 10, "end": n / 10 + 0.4,
         "person": role, "split": role}
        for role, count in (("train", 4), ("valid", 2), ("test", 2))
        for n in range(count)
    ]  # fmt: skip
    found = read(manifest(tmp_path, rows))
    parts = videos(found)
    assert [len(part) for part in parts.values()] == [4, 2, 2]
    assert parts["train"].clips[3] == Clip(tmp_path / "long.avi", 0.3, 0.7)
    assert parts["valid"].groups == ("valid", "valid")
    assert "start" in found.notes[0]


def test_a_manifest_of_text_has_a_header_or_says_which(tmp_path: Path) -> None:
    for number in range(4):
        write_video(tmp_path / f"{number}.avi", drawn(2))
    path = tmp_path / "list.csv"
    path.write_text("path,label\n" + "".join(f"{n}.avi,c{n % 2}\n" for n in range(4)))
    rows = read_rows(Files((path,)), VideoColumns(), BadRows(), labeled=True)
    assert rows.answers == (("c0",), ("c1",), ("c0",), ("c1",))
    path.write_text("x,y,z\n" + "".join(f"{n}.avi,c{n % 2},d\n" for n in range(4)))
    with pytest.raises(InputError, match=r"no column of the label found.*--label-column"):
        read_rows(Files((path,)), VideoColumns(), BadRows(), labeled=True)
    rows = read_rows(Files((path,)), VideoColumns(label="y"), BadRows(), labeled=True)
    assert rows.answers == (("c0",), ("c1",), ("c0",), ("c1",))


def test_arrays_have_labels_and_a_rate() -> None:
    found = read(arrays())
    source = videos(found)["train"].clips[0]
    assert isinstance(source, FrameArray)
    assert source.fps == 10
    part = given((clips(2), ["a", "b"]))
    assert isinstance(part, Video)
    assert part.labels == ["a", "b"]
    assert isinstance(given(drawn(3)), Video)
    assert "give fps=" in refused(Video(clips(2), ["a", "b"]), VideoOptions())
    assert "2 inputs and 1 labels" in refused_given(Video(clips(2), ["a"], fps=1.0))
    assert "2 videos and 1 groups" in refused_given(Video(clips(2), None, ["a"], 1.0))


def refused_given(part: Video) -> str:
    with pytest.raises(InputError) as error:
        given(part)
    return str(error.value)


def test_no_group_is_in_two_parts_that_are_drawn() -> None:
    for seed in range(5):
        options = VideoOptions(valid_fraction=0.2, test_fraction=0.2, seed=seed)
        found = read(arrays(40, groups=5), options)
        groups = [set(part.groups or ()) for part in videos(found).values()]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 5
        assert [len(part) for part in videos(found).values()] == [24, 8, 8]
    assert any("split by group, 5 of them" in note for note in found.notes)


@pytest.mark.remedy
def test_too_few_groups_are_an_error_and_not_a_mixture() -> None:
    message = refused(arrays(20, groups=2))
    assert "2 groups are too few to hold some out" in message
    assert "or three parts of your own" in message
    parts = Splits(arrays(8), arrays(4), arrays(4))
    assert len(read(parts).train) == 8


@pytest.mark.remedy
def test_a_group_on_both_sides_of_a_given_split_is_an_error(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", drawn(3))
    rows = [
        {"path": "a.avi", "label": f"c{n % 2}", "group": "ann" if n < 5 else "bob",
         "split": ("train", "test")[n >= 4]}
        for n in range(8)
    ]  # fmt: skip
    for number in (2, 3):
        rows[number] |= {"split": "valid", "group": "eve"}
    message = refused(manifest(tmp_path, rows))
    assert message.startswith(f"{tmp_path / 'clips.jsonl'}:5: group 'ann' is in test and, at ")
    assert "clips.jsonl:1, in train; move all of it to one part" in message
    rows[4]["group"] = "bob"
    assert len(read(manifest(tmp_path, rows)).train) == 2


@pytest.mark.remedy
def test_a_label_with_one_clip_is_named_or_left_out() -> None:
    part = Video(clips(21), [*(f"c{n % 2}" for n in range(20)), "rare"], fps=10.0)
    message = refused(part)
    assert message.startswith("data:21: the only video of 'rare'")
    assert "leave it out with --skip-bad-rows" in message
    found = read(part, skip=True)
    assert found.names == ("c0", "c1")
    assert found.skipped == 1


@pytest.mark.remedy
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"path": "none.avi"}, "none.avi: no such file; correct the path, or give --video-root"),
        ({"path": "../out.avi"}, "../out.avi: out of .*; give --video-root, a folder with all of"),
        ({"path": "link.avi"}, "link.avi: out of .*; give --video-root"),
        (
            {"path": "a.avi", "end": 99},
            "ends after 0.300 s, but the row at 99 s; correct the times",
        ),
        ({"path": "a.avi", "start": "x"}, "its start is 'x', expected seconds"),
        ({"path": "empty.avi"}, "empty.avi: is empty; get it again"),
        ({"path": "a.avi", "label": ""}, "has no label; correct the row, or leave"),
        ({"path": 3}, "its video is 3, expected a path"),
    ],
)
def test_rows_that_can_not_be_read_are_named_or_skipped(
    tmp_path: Path, row: dict, message: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_video(tmp_path / "out.avi", drawn(3))
    write_video(root / "a.avi", drawn(3))
    (root / "link.avi").symlink_to(tmp_path / "out.avi")
    (root / "empty.avi").touch()
    good = [{"path": "a.avi", "label": f"c{n % 2}", "start": 0, "end": 0.3} for n in range(20)]
    data = manifest(root, [*good, {"label": "c0", "start": 0, "end": 0.3, **row}])
    with pytest.raises(InputError, match=f"clips.jsonl:21: .*{message}"):
        read(data)
    found = read(data, skip=True)
    assert (found.skipped, sum(map(len, videos(found).values()))) == (1, 20)


def test_a_root_leads_to_videos_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "a.avi", drawn(3))
    data = manifest(
        tmp_path / "lists", [{"path": "a.avi", "label": f"c{n % 2}"} for n in range(20)]
    )
    columns = VideoColumns(root=tmp_path / "videos")
    assert len(read(data, VideoOptions(columns)).train) == 16


def test_other_data_have_the_classes_of_training(tmp_path: Path) -> None:
    data = Files((folder_of(tmp_path / "more", 2),))
    found = read_more_videos(
        data, VideoColumns(), ("hop", "jump", "run"), "one", None, BadRows(), VideoLimits()
    )
    assert found.labels.ids.tolist() == [1, 1, 2, 2]
    with pytest.raises(InputError, match="the label 'jump' is not in the training data"):
        read_more_videos(data, VideoColumns(), ("a",), "one", None, BadRows(), VideoLimits())


def test_rows_without_labels_are_files_of_any_number(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "d", 2)
    paths = tuple(sorted((root / "jump").iterdir()))
    assert len(read_rows(Files(paths), VideoColumns(), BadRows(), labeled=False)) == 2
    assert len(read_rows(Files((root,)), VideoColumns(), BadRows(), labeled=False)) == 4


def test_what_holds_no_videos_is_named(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    assert "holds no videos; give a folder for each class" in refused(Files((tmp_path / "d",)))
    assert "there is no such file or folder" in refused(Files((tmp_path / "e",)))
    (tmp_path / "a.wmv").touch()
    assert ".wmv is not read; give MP4" in refused(Files((tmp_path / "a.wmv",)))
    write_video(tmp_path / "a.avi", drawn(3))
    assert "has no label; put it in a folder" in refused(Files((tmp_path / "a.avi",)))
