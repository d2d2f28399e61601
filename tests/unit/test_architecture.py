"""Who may import whom, and what names the code location."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.architecture

IMPORT_ALL = """
import importlib, pkgutil, sys
import observatory
for module in pkgutil.walk_packages(observatory.__path__, "observatory."):
    importlib.import_module(module.name)
banned = sorted(name for name in sys.modules if name.split(".")[0] in ("dagster", "assets"))
assert not banned, banned
heavy = sorted(name for name in sys.modules if name.split(".")[0] == "great_expectations")
assert not heavy, heavy
"""


def test_the_library_imports_neither_dagster_nor_assets():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_workspace_and_project_name_the_same_module():
    workspace = yaml.safe_load((PROJECT / "workspace.yaml").read_text())
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    (location,) = workspace["load_from"]
    assert location["python_module"]["module_name"] == "assets.definitions"
    assert project["tool"]["dg"]["project"]["code_location_target_module"] == "assets.definitions"
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["observatory", "assets"]


def test_every_dependency_has_its_reason_in_the_readme():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    readme = (PROJECT / "README.md").read_text()
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    for requirement in [*project["dependencies"], *extras]:
        name = requirement.split("[")[0].split(">")[0].split("<")[0].split("=")[0]
        if name != "observatory":
            assert f"`{name}`" in readme, f"{name} has no reason in README.md"


def test_no_module_is_named_after_the_standard_library():
    modules = {path.stem for root in ("observatory", "assets") for path in (PROJECT / root).rglob("*.py")}
    assert not modules & set(sys.stdlib_module_names) - {"__init__"}


def test_every_pinned_dependency_is_installed_as_pinned():
    from importlib.metadata import PackageNotFoundError, version

    wrong = {}
    for line in (PROJECT / "constraints.txt").read_text().splitlines():
        name, _, pinned = line.partition("==")
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        if installed != pinned:
            wrong[name] = (pinned, installed)
    assert not wrong
