# SPDX-License-Identifier: GPL-3.0-or-later
"""Naming tables: rigs of each convention are known by their names, and what is not known says the way out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from headcast.core.errors import RigError, WrongFileError
from headcast.core.landmarks import arkit, naming
from headcast.core.landmarks.naming import Match, match_bones, match_points, match_shapes, polyline_weights, tables

SIDED = [f"{name}_{side}" for name in ("eyeBlink", "mouthSmile", "browDown", "eyeWide", "noseSneer") for side in "LR"]
SHAPES = {
    "ARKit 52": list(arkit.EXPRESSIONS),
    "ARKit 52 with _L and _R": ["Basis", "browInnerUp", "jawOpen", "mouthPucker", "mouthClose", *SIDED],
    "MetaHuman controls": [
        *(f"CTRL_expressions_{name}{side}" for name in ("eyeBlink", "mouthCornerPull", "browDown") for side in "LR"),
        *(f"CTRL_expressions_mouthLipsPurse{corner}" for corner in ("UL", "UR", "DL", "DR")),
        "CTRL_expressions_jawOpen",
    ],
    "MetaHuman mesh": [
        *(f"head_lod0_mesh__{name}" for name in ("jaw_open", "eye_blink_L", "eye_blink_R", "mouth_cornerPull_left")),
        *(f"head_lod0_mesh__{name}" for name in ("mouth_cornerPull_right", "mouth_lipsPurse_UL", "mouth_lipsPurse_UR")),
        *(f"head_lod0_mesh__{name}" for name in ("mouth_lipsPurse_DL", "mouth_lipsPurse_DR")),
    ],
    "Microsoft visemes": [f"viseme_{i}" for i in range(22)],
    "MikuMikuDance": [*"あいうえお", "まばたき", "笑い", "ウィンク", "ウィンク右", "にこり", "にやり", "困る"],
    "Oculus visemes": [
        f"viseme_{name}" for name in ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", *"EIOU")
    ],
    "Reallusion CC3 and CC4": [
        *("Eye_Blink_L", "Eye_Blink_R", "Mouth_Smile_L", "Mouth_Smile_R", "Jaw_Open", "V_Open", "V_Wide"),
        *("Mouth_Pucker_Up_L", "Mouth_Pucker_Up_R", "Mouth_Pucker_Down_L", "Mouth_Pucker_Down_R", "Brow_Raise_Inner_L"),
    ],
    "VRChat": [
        f"vrc.{name}" for name in ("v_aa", "v_e", "v_ih", "v_oh", "v_ou", "v_pp", "v_sil", "blink_left", "blink_right")
    ],
    "VRM expressions": ["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight", "happy", "angry", "surprised", "neutral"],
    "VRoid": ["Fcl_ALL_Joy", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R", *(f"Fcl_MTH_{vowel}" for vowel in "AIUEO")],
}
BLINK, SMILE = {"eyeBlinkLeft", "eyeBlinkRight"}, {"mouthSmileLeft", "mouthSmileRight"}
SPEECH_ONLY = ("Microsoft visemes", "Oculus visemes")
"""Visemes alone cannot blink."""


def test_every_shipped_table_has_a_rig_here() -> None:
    assert {table.name for table in tables("shapes")} == set(SHAPES)
    assert all(table.about for kind in naming.TARGETS for table in tables(kind))


@pytest.mark.parametrize("convention", SHAPES)
def test_a_face_of_shape_keys_is_known_by_its_names(convention: str) -> None:
    found = match_shapes(SHAPES[convention])
    assert found.convention == convention
    driven = {match.target for match in found.matches}
    assert driven <= set(arkit.EXPRESSIONS)
    assert set(found.missing) == set(arkit.EXPRESSIONS) - driven
    assert {"jawOpen", "mouthPucker", *SMILE, *(() if convention in SPEECH_ONLY else BLINK)} <= driven


@pytest.mark.parametrize("convention", ["ARKit 52", "MetaHuman controls", "Reallusion CC3 and CC4"])
def test_keys_that_make_one_expression_together_make_it_once(convention: str) -> None:
    matches = match_shapes(SHAPES[convention]).matches
    pucker = sum(match.weight for match in matches if match.target == "mouthPucker")
    assert pucker == pytest.approx(1.0)


THREE = ["jawOpen", "eyeBlinkLeft", "mouthSmileRight"]
SPELLINGS = {
    "snake": ["jaw_open", "eye_blink_left", "mouth_smile_right"],
    "words": ["Jaw Open", "Eye Blink Left", "Mouth Smile Right"],
    "kebab": ["jaw-open", "eye-blink-left", "mouth-smile-right"],
    "upper snake": ["JAW_OPEN", "EYE_BLINK_LEFT", "MOUTH_SMILE_RIGHT"],
    "sides before": ["JawOpen", "L_EyeBlink", "R_MouthSmile"],
    "sides with a dot": ["jawOpen", "eyeBlink.L", "mouthSmile.R"],
    "a character": [f"Anna_{name}" for name in THREE],
    "a namespace": [f"anna02:{name}" for name in THREE],
    "a node": [f"head_geo__{name}" for name in THREE],
    "a node of capitals": [f"HEAD{name[0].upper()}{name[1:]}" for name in THREE],
    "a path": [f"|root|Head.001|{name}" for name in THREE],
    "both": ["Anna_jaw_open", "Anna_eye_blink_l", "Anna_mouth_smile_r"],
    "behind": [f"{name}_Anna" for name in THREE],
    "Blender's numbers": [f"{name}.001" for name in THREE],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_names_in_another_spelling_or_of_a_character(spelling: str) -> None:
    found = {match.source: match.target for match in match_shapes(["Basis", "Anna_breathe", *SPELLINGS[spelling]]).matches}
    assert found == dict(zip(SPELLINGS[spelling], THREE, strict=True))


def test_words_before_one_name_alone_are_not_a_character() -> None:
    """A corrective key, and one of another character, drive nothing."""
    names = [*(f"Anna_{name}" for name in arkit.EXPRESSIONS), "Bob_jawOpen", "fix_Anna_jawOpen"]
    found = match_shapes(names)
    assert {match.source for match in found.matches} == set(names[:-2])
    assert len(found.matches) == 52
    plain = match_shapes([*arkit.EXPRESSIONS, "old_jawOpen", "old_mouthClose", "old_mouthPucker", "old_eyeBlinkLeft"])
    assert {match.source for match in plain.matches} == set(arkit.EXPRESSIONS)


def test_case_widths_and_prefixes_do_not_count() -> None:
    assert match_shapes(["EYEBLINKLEFT", "Wolf3D_Head.jawOpen", "!ex-mouthPucker"]).matches == (
        Match("EYEBLINKLEFT", "eyeBlinkLeft"),
        Match("Wolf3D_Head.jawOpen", "jawOpen"),
        Match("!ex-mouthPucker", "mouthPucker"),
    )
    assert "eyeBlinkRight" in {match.target for match in match_shapes(["あ", "い", "ウィンク2右"]).matches}


def test_a_name_without_its_side_means_both() -> None:
    smiles = [
        match for match in match_shapes(["mouthSmile", "viseme_aa", "viseme_PP"]).matches if match.source == "mouthSmile"
    ]
    assert smiles == [Match("mouthSmile", "mouthSmileLeft"), Match("mouthSmile", "mouthSmileRight")]


def test_visemes_beside_arkit_keys_are_read_too() -> None:
    found = match_shapes([*SHAPES["ARKit 52"], *SHAPES["Oculus visemes"]])
    assert found.convention == "ARKit 52 + Oculus visemes"
    assert {"jawOpen", "viseme_aa"} <= {match.source for match in found.matches if match.target == "jawOpen"}


@pytest.mark.parametrize("table", tables("bones"), ids=lambda table: table.name)
def test_a_face_of_bones_is_known_by_its_names(table: naming.NamingTable) -> None:
    rest = {f"{prefix}{end}": (i, i % 3, 0) for i, end in enumerate(table.names) for prefix in ("", *table.prefixes[:1])}
    found = match_bones(rest)
    assert found.convention == table.name
    assert {"lm_08", "lm_30", "lm_37", "lm_41", "lm_48", "lm_51", "lm_54", "lm_57", "lm_68"} <= {
        m.target for m in found.matches
    }
    for landmark in set(naming.LANDMARKS) - set(found.missing):
        assert sum(match.weight for match in found.matches if match.target == landmark) == pytest.approx(1.0)
    assert all(match.source.startswith(table.prefixes[:1]) for match in found.matches if table.prefixes)


def test_bones_in_a_namespace_are_known() -> None:
    table = "Rigify face"
    ends = next(found for found in tables("bones") if found.name == table).names
    rest = {f"anna:DEF-{end}": (i, i % 3, 0) for i, end in enumerate(ends)}
    found = match_bones(rest)
    assert found.convention == table
    assert {match.source for match in found.matches} <= set(rest)


def test_landmarks_lie_evenly_along_a_straight_line_of_bones() -> None:
    ends = np.array([[0, 0, 0], [1, 0, 0], [4, 0, 0], [6, 0, 0]], float)
    weights = polyline_weights(5, ends)
    assert np.allclose(weights @ ends, np.linspace([0, 0, 0], [6, 0, 0], 5))
    assert (np.count_nonzero(weights, axis=1) <= 2).all()
    assert np.allclose(polyline_weights(1, ends) @ ends, [[3, 0, 0]])
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    assert np.allclose(polyline_weights(8, square, closed=True)[::2], np.eye(4))


SPELT = {
    "nose_tip": 30,
    "Nose.Tip": 30,
    "noseTip": 30,
    "NOSETIP": 30,
    "eye_outer.R": 36,
    "R eye outer": 36,
    "mouthCornerL": 54,
}
SPELT |= {"Chin.001": 8, "Right pupil": 68, "lm_07": 7, "LM 7": 7}


@pytest.mark.parametrize("name", SPELT)
def test_tracks_are_known_however_they_are_spelt(name: str) -> None:
    others = ["brow inner L", "Brow inner R", "Subnasale", "Upper lip", "lm_10", "lm_11", "lm_12", "lm_13"]
    assert Match(name, f"lm_{SPELT[name]:02d}") in match_points([name, *others]).matches


def test_every_landmark_has_a_name_and_no_name_means_two() -> None:
    labels = naming.landmark_labels()
    assert labels[8] == "Chin"
    assert [match.target for match in match_points(labels).matches] == list(naming.LANDMARKS)
    for table in tables("points"):
        for landmark, known in table.points.items():
            for name in known:
                found = match_points([name, *labels]).matches
                assert {match.target for match in found if match.source == name} <= {landmark}


def test_presets_of_tracks_grow() -> None:
    presets = naming.track_presets()
    assert [len(landmarks) for landmarks in presets.values()] == [8, 14, 22, 68, 70]
    assert {36, 39, 42, 45, 48, 54, 8} <= set(presets["8 points"]) <= set(presets["14 points"]) <= set(presets["22 points"])


def test_names_that_nobody_knows_say_the_way_out() -> None:
    with pytest.raises(RigError, match="blob") as strange:
        match_shapes(["blob", "blub"])
    assert "ARKit 52" in strange.value.hint
    with pytest.raises(RigError) as near:
        match_bones({"DEF-lid.T.R@head": (0, 0, 0), "DEF-lid.T.R@tail": (1, 0, 0), "ORG-eye.R@tail": (0, 1, 0)})
    assert "Rigify face" in near.value.hint
    assert "jaw.R@head" in near.value.hint


def test_a_table_of_the_users_own_is_read_and_a_broken_one_named(tmp_path: Path) -> None:
    keys = {"Grin": {"mouthSmile": 1.0}, "Gape": {"jawOpen": 1.0}, "Kiss": {"mouthPucker": 1.0}}
    table = {"name": "Ours", "kind": "shapes", "about": "our studio", "keys": keys}
    (tmp_path / "ours.json").write_text(json.dumps(table), "utf-8")
    assert match_shapes(["grin", "gape", "kiss"], [tmp_path]).convention == "Ours"
    (tmp_path / "ours.json").write_text(json.dumps(table | {"keys": {"Grin": {"smirk": 1.0}}}), "utf-8")
    with pytest.raises(WrongFileError, match=r"ours\.json.*smirk"):
        tables("shapes", [tmp_path])


def test_a_corrected_map_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    matches = (Match("lid.T.R@head", "lm_36", 0.25), Match("lid.T.R@tail", "lm_36", 0.75))
    naming.save_matches(path, "Our hero", "bones", matches)
    kind, found = naming.load_matches(path)
    assert (kind, found.convention, found.matches) == ("bones", "Our hero", matches)
    assert len(found.missing) == 69
    assert naming.tables("bones", [tmp_path]) == naming.tables("bones")
    path.write_text("{}", "utf-8")
    with pytest.raises(WrongFileError, match=r"map\.json"):
        naming.load_matches(path)
