"""`init`: what is in the working folder before the program starts, and what an attempt fails with that has it not."""

from dataclasses import replace

import pytest

from planner.model.run import Phase
from reconciler.backends.machine.dockerfile import dockerfile
from reconciler.backends.machine.modes import changed
from reconciler.errors import Refused
from tests.reconciler.backends.local.test_surroundings import phase

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

LEAVES = """cd $PLUMBLINE_ARTIFACTS/outputs
mkdir -p models/deep; printf model > models/deep/best; chmod u+x models/deep/best; printf x > report.html
ln -s /etc/passwd models/link"""
LOOK = """for f in $(find . -type f | sort); do echo "f$(echo $f | tr ./ __)=$(cat $f)" >> $PLUMBLINE_OUTPUT; done"""


def with_init(order, *entries):
    (group,) = order.run.gang.replicas
    gang = replace(order.run.gang, replicas=(replace(group, pod={"init": list(entries)}),))
    return replace(order, run=replace(order.run, gang=gang))


async def upstream(machine, backend):
    """A run that left something; returns its folder and its key."""
    order = machine.shell("train", LEAVES)
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    return end.artifacts.folder, order.key


async def outputs_of(machine, backend, order):
    await backend.ensure(order)
    return (await phase(machine, backend, order.key, Phase.ENDED)).outputs


async def test_a_file_is_written_and_kept_with_the_outputs(machine):
    backend = machine.open()
    order = with_init(
        machine.shell("eval", f"test -x conf/run.sh && {LOOK}"),
        {"file": {"content": "hi", "filename": "run.sh", "chmod": "u+x"}, "path": "conf"},
        {"file": {"content": "plain"}},
    )
    assert await outputs_of(machine, backend, order) == {"f__conf_run_sh": "hi", "f__file": "plain"}
    assert [one.path for one in await backend.artifacts(order.key)] == ["file", "run.sh"]
    again = machine.shell("eval", "rm $PLUMBLINE_ARTIFACTS/outputs/file", attempt=2)
    assert await outputs_of(machine, backend, again) == {}
    assert [one.path for one in await backend.artifacts(order.key)] == ["run.sh"]


async def test_artifacts_of_another_run_are_put_in_place(machine):
    backend = machine.open()
    folder, _ = await upstream(machine, backend)
    name = folder.split("/")[-2]
    order = with_init(
        machine.shell("eval", LOOK),
        {"paths": [f"{folder}/outputs/report.html", [f"{name}/outputs/report.html", "again/copy"]]},
        {"artifacts": {"dirs": [f"{folder}/outputs/models"], "files": [[f"{folder}/outputs/models/deep/best", "b"]]}},
        {"paths": [f"{name}/outputs/models/deep"], "path": "below"},
    )
    assert await outputs_of(machine, backend, order) == {
        "f__report_html": "x",
        "f__again_copy": "x",
        "f__b": "model",
        "f__models_deep_best": "model",
        "f__below_deep_best": "model",
    }


WRONG = {
    "nothing there": ({"paths": ["{o}/nothing"]}, "init paths[0]: {o}/nothing does not exist"),
    "a link": ({"paths": ["{o}/models/link"]}, "init paths[0]: {o}/models/link does not exist"),
    "a file of the machine": ({"paths": ["/etc/passwd"]}, "init paths[0]: /etc/passwd is in no run's folder"),
    "a path out": ({"paths": ["../x"]}, "init paths[0]: '../x' is no path into a run's folder"),
    "exported code": ({"paths": [".trees/x"]}, "init paths[0]: '.trees/x' is no path into a run's folder"),
    "to a path out": (
        {"paths": [["{o}/report.html", "../../x"]]},
        "init paths[0]: '../../x' leads out of the working folder",
    ),
    "twice": (
        {"paths": [["{o}/report.html", "a"], ["{o}/report.html", "a"]]},
        "init: a is there already",
    ),
    "a file as folder": (
        {"artifacts": {"dirs": ["{o}/report.html"]}},
        "init artifacts.dirs[0]: {o}/report.html is a file, and a folder is wanted",
    ),
    "a folder as file": (
        {"artifacts": {"files": ["{o}/models"]}},
        "init artifacts.files[0]: {o}/models is a folder, and a file is wanted",
    ),
    "a file name that leads out": (
        {"file": {"content": "a", "filename": ".."}},
        "init file: '..' leads out of the working folder",
    ),
    "no mode": ({"file": {"content": "a", "chmod": "no"}}, "init file: 'no' is no change of a file's mode"),
    "a place of the machine": (
        {"file": {"content": "a"}, "path": "/etc"},
        "init[0].path: '/etc' leads out of the working folder",
    ),
    "a clone": ({"git": {"url": "https://example.com/x"}}, "init git: other repositories cannot be cloned here"),
}


def filled(value, outputs):
    if isinstance(value, dict):
        return {name: filled(inner, outputs) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, outputs) for inner in value]
    return value.replace("{o}", outputs)


@pytest.mark.parametrize(("entry", "message"), WRONG.values(), ids=WRONG)
async def test_what_cannot_be_put_in_place_fails_the_attempt_and_leaves_nothing(machine, entry, message):
    backend = machine.open()
    folder, _ = await upstream(machine, backend)
    order = with_init(machine.shell("eval", "true"), filled(entry, f"{folder}/outputs"))
    with pytest.raises(Refused) as refused:
        await backend.ensure(order)
    assert filled(message, f"{folder}/outputs") in str(refused.value)
    home = machine.settings.runs / order.key.run.dns_name("default", "demo")
    assert not list(home.glob("a1-*"))
    assert machine.starts(order.key) == 0


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("", 0o600),
        ("0644", 0o644),
        ("755", 0o755),
        ("+x", 0o711),
        ("u+x", 0o700),
        ("u+x,g+r", 0o740),
        ("a=r", 0o444),
        ("u-w", 0o400),
        ("u+s", 0o600),
        ("4755", 0o755),
        ("go+X", 0o600),
        ("u+x,go+X", 0o711),
    ],
)
def test_modes(said, mode):
    assert changed(0o600, said) == mode


def test_a_dockerfile_is_written_in_the_order_in_which_an_image_is_made():
    text = dockerfile(
        {
            "image": "python:3.12",
            "env": {"A": 'say "hi"', "B": "$HOME/x"},
            "path": ["/opt/bin"],
            "copy": ["src", ["a", "/b"]],
            "run": ["pip install x", "one\ntwo"],
            "postRunCopy": "late",
            "langEnv": "C.UTF-8",
            "uid": 1000,
            "gid": 1000,
            "username": "me",
            "workdirPath": "./module",
        }
    )
    assert text.splitlines() == [
        "FROM python:3.12",
        'SHELL ["/bin/bash", "-c"]',
        'ENV LC_ALL="C.UTF-8"',
        'ENV LANG="C.UTF-8"',
        'ENV LANGUAGE="C.UTF-8"',
        'ENV A="say \\"hi\\""',
        'ENV B="$HOME/x"',
        'ENV PATH="/opt/bin:$PATH"',
        "WORKDIR /code",
        'COPY ["src", "/code"]',
        'COPY ["a", "/b"]',
        "RUN pip install x",
        'RUN ["/bin/bash", "-c", "one\\ntwo"]',
        'COPY ["late", "/code"]',
        'COPY ["./module", "/code"]',
        "RUN groupadd -g 1000 -r me && useradd -r -m -s /bin/bash -g me -u 1000 me",
        "USER 1000:1000",
    ]


async def test_a_dockerfile_is_put_in_place(machine):
    backend = machine.open()
    order = with_init(machine.shell("eval", "true"), {"dockerfile": {"image": "python:3.12"}, "path": "image"})
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    (work,) = machine.settings.runs.glob("eval-*/a1-*/main-0/work")
    assert (work / "image/Dockerfile").read_text().startswith("FROM python:3.12\n")


async def test_a_tensorboard_sees_what_runs_leave_while_they_run(machine):
    backend = machine.open()
    folder, _ = await upstream(machine, backend)
    name = folder.split("/")[-2]
    shown = {"tensorboard": {"runs": [[name, "r-1"], ["eval-later", "later"]]}, "path": "logs"}
    look = 'echo "x=$(cat logs/tensorboard/r-1/report.html)" >> $PLUMBLINE_OUTPUT; test -L logs/tensorboard/later'
    assert await outputs_of(machine, backend, with_init(machine.shell("board", look), shown)) == {"x": "x"}
