"""Grids have the options' own names, choices and defaults; the words that they had before are understood."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import aidge_compress as ac
import pytest
from aidge_compress.options import describe
from aidge_compress.sweeps import CompressGrid, FibnlrGrid, PfaGrid
from helpers.commands import aidge, run
from helpers.reporting import make_data, make_network

METHODS = {"fibnlr": FibnlrGrid, "compress": CompressGrid, "pfa": PfaGrid}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("grids")
    data = str(make_data(folder / "data.npz"))
    return [str(make_network(folder / "model.onnx")), "--data", data, "--eval", data, "--no-timing", "--json"]


def settings(grid: Any) -> list[tuple[tuple[str, Any], ...]]:
    return [tuple(entry.items()) for entry in grid.settings()]


@pytest.mark.parametrize("grid", METHODS.values())
def test_a_grid_has_the_options_names_and_the_values_that_they_say(grid: Any) -> None:
    options = [
        info for kind in (ac.FibnlrOptions, ac.CompressOptions, ac.PfaOptions) for info in describe(kind)
    ]
    for name, info in grid.infos().items():
        assert info in options
        assert getattr(grid(), name) == info.tries
        assert set(info.choices) >= set(info.tries if info.choices else ())
    for name, info in grid.infos(fixed=True).items():
        assert getattr(grid(), name) == info.default
    names = {*grid.infos(), *grid.infos(fixed=True)}
    assert {entry.name for entry in fields(grid)} == names
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(grid(), next(iter(names)), ())
    with pytest.raises(TypeError, match="treshold"):
        grid(treshold=1)


@pytest.mark.parametrize(
    ("grid", "former", "now"),
    [
        (FibnlrGrid, {"normalizations": ("sum",)}, {"normalization": "sum"}),
        (FibnlrGrid, {"groups": ("none",), "methods": ("loose",)}, {"group": ("none",), "method": ("loose",)}),
        (FibnlrGrid, {"criteria": ("x_least_per_group",)}, {"ablation_criteria": ("x_least_per_group",)}),
        (FibnlrGrid, {"thresholds": (0.3,), "x_least": (2,)}, {"ablation_threshold": 0.3, "ablation_x_least": 2}),
        (CompressGrid, {"targets": (0.8,)}, {"keep_macs": (0.8,)}),
        (CompressGrid, {"allocations": ("kl",), "selections": ("random",)}, {"allocation": "kl", "selection": "random"}),
        (CompressGrid, {"compensations": ("none",)}, {"compensation": ["none"]}),
        (PfaGrid, {"energies": (0.5, 0.7)}, {"energy": (0.5, 0.7)}),
        (PfaGrid, {"sizes": (0.5,), "budgets": (0.6,)}, {"size": (0.5,), "keep_macs": (0.6,)}),
        (PfaGrid, {"unit_strategies": ("AbsMax",), "compensations": ("none",)}, {"unit_strategy": "abs_max", "compensation": "none"}),
        (PfaGrid, {"kl": False}, {"strategy": "energy"}),
        (PfaGrid, {"kl": False, "energies": (), "budgets": (0.5, 0.4)}, {"strategy": "budget", "keep_macs": (0.5, 0.4)}),
    ],
)  # fmt: skip
def test_the_former_words_mean_the_same(grid: Any, former: dict[str, Any], now: dict[str, Any]) -> None:
    assert settings(grid(**former)) == settings(grid(**now))
    assert settings(replace(grid(), **former)) == settings(grid(**now))
    assert settings(grid(**now)) != settings(grid())


def test_only_what_matters_makes_a_setting() -> None:
    fibnlr = FibnlrGrid(
        normalization="sum", group="none", method="strict", ablation_threshold=0.1, ablation_x_least=(1, 2)
    )
    assert settings(fibnlr) == [
        (*common, ("ablation_criteria", criterion), ("ablation_threshold", 0.1), *more)
        for common in [(("normalization", "sum"), ("group", "none"), ("method", "strict"))]
        for criterion, more in [
            ("threshold", ()),
            ("x_least_per_group", (("ablation_x_least", 1),)),
            ("x_least_per_group", (("ablation_x_least", 2),)),
        ]
    ]  # fmt: skip
    rest = (("unit_strategy", "l1_max"), ("compensation", "least_squares"))
    assert settings(PfaGrid(energy=(0.9,), keep_macs=(0.5,))) == [
        (("strategy", "kl"), *rest),
        (("strategy", "energy"), ("energy", 0.9), *rest),
        (("strategy", "budget"), ("keep_macs", 0.5), *rest),
    ]
    assert settings(PfaGrid(strategy="size")) == [(("strategy", "size"), ("size", 0.5), *rest)]
    with pytest.raises(ValueError, match="expected at least one of strategy, got none"):
        PfaGrid(kl=False, energy=())
    with pytest.raises(ValueError, match=r"expected strategy as one of kl, energy, size, budget, got 'best'"):
        settings(PfaGrid(strategy="best"))


@pytest.mark.parametrize(
    ("method", "former", "now"),
    [
        ("fibnlr", ["--criterion", "threshold", "--threshold", "0.2", "--x-least", "1"],
         ["--ablation-criteria", "threshold", "--ablation-threshold", "0.2", "--ablation-x-least", "1"]),
        ("compress", ["--macs", "0.8"], ["--keep-macs", "0.8"]),
        ("pfa", ["--budget", "0.8", "--strategy", "budget"], ["--keep-macs", "0.8", "--strategy", "budget"]),
    ],
)  # fmt: skip
def test_the_command_understands_both(
    files: list[str], method: str, former: list[str], now: list[str]
) -> None:
    found = [json.loads(aidge("sweep", *files, "--try", method, *words).stdout) for words in (former, now)]
    assert found[0]["rows"] == found[1]["rows"]
    assert found[0]["rows"]


VALUES = {
    "prunable_types": "ReLU",
    "size": "0.5",
    "keep_macs": "0.8",
    "max_iteration": "2",
    "convergence_threshold": "0.5",
}


@pytest.mark.parametrize(("method", "name"), [(m, n) for m, g in METHODS.items() for n in (*g.infos(), *g.infos(fixed=True))])  # fmt: skip
def test_every_listed_option_works(files: list[str], method: str, name: str) -> None:
    grid = METHODS[method]
    info = {**grid.infos(), **grid.infos(fixed=True)}[name]
    value = VALUES.get(name) or str(info.tries[0] if info.tries else info.choices[0])
    few = {
        "fibnlr": ["--normalization", "sum", "--group", "none"],
        "pfa": ["--energy", "0.9"],
        "compress": [],
    }
    flag = f"--{name.replace('_', '-')}"
    given = [] if flag in few[method] else few[method]
    document = json.loads(aidge("sweep", *files, "--try", method, *given, flag, value).stdout)
    assert {row["method"] for row in document["rows"]} == {method}


def test_a_setting_of_a_method_that_is_not_tried_is_an_error(files: list[str]) -> None:
    done = run("sweep", *files[:-1], "--energy", "0.9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected --try pfa with --energy, got --try fibnlr" in done.stderr
    done = run("sweep", *files[:-1], "--keep-macs", "0.9")
    assert "expected --try compress or pfa with --keep-macs, got --try fibnlr" in done.stderr


def test_the_grids_of_a_result_are_told_by_the_same_names(files: list[str], tmp_path: Path) -> None:
    grid = CompressGrid(keep_macs=(0.8,))
    result = ac.sweep(files[0], files[2], files[4], compress=grid, latency=False)
    assert result.options["compress"] == {
        "keep_macs": [0.8],
        "allocation": ["auto"],
        "selection": ["elimination"],
        "compensation": ["least_squares"],
    }
