"""Campaigns: the same rows with every executor, and no finished row is lost."""

import json
import os
import select
import subprocess
import sys
import threading

import pytest

from sim.campaign.executors import InThisProcess, ProcessPool, executor
from sim.campaign.runner import fly_row, report_block
from sim.campaign.sampling import make_plan
from sim.campaign.spec import read_spec
from sim.campaign.store import JOURNAL, PARTS, WHOLE, Store, failure_path, read_campaign
from sim.common.errors import InputError
from sim.run.fly import fly
from sim.scenario.load import HOME, load

SPEC = HOME / "campaigns" / "faults.toml"
RUNS = 12


@pytest.fixture(scope="module")
def plan():
    return make_plan(read_spec(SPEC), runs=RUNS, seed=11)


@pytest.fixture(scope="module")
def rows(plan):
    """Every row, flown one after the other here."""
    return {index: fly_row(plan, index) for index in range(RUNS)}


def flown_by(pool, plan, indices):
    rows = {}
    pool.run(plan, fly_row, indices, lambda row: rows.update({row["index"]: row}))
    return rows


# --- reproducible ------------------------------------------------------------------------


def test_two_workers_in_reverse_give_the_rows_of_one(plan, rows):
    assert flown_by(ProcessPool(2), plan, range(RUNS - 1, -1, -1)) == rows


def test_a_row_flown_alone_is_the_row(plan, rows):
    again = make_plan(read_spec(SPEC), runs=10_000, seed=11)
    assert fly_row(again, 7) == rows[7]


def test_a_row_holds_the_draw_and_the_outcome(plan, rows):
    draw, row = plan.draw(3), rows[3]
    assert row["seed"] == draw.seed
    assert json.loads(row["faults"]) == [fault.row for fault in draw.faults]
    assert row["vary.terrain.albedo"] == draw.varied["terrain.albedo"]
    assert len(row["state_sha256"]) == 64 and row["how"] in ("landing", "bound", "open")


def test_as_flown_flies_the_same_draws_with_other_parameters(plan, rows):
    theirs = make_plan(read_spec(SPEC), runs=RUNS, seed=11, params="as-flown")
    row = fly_row(theirs, 3)
    same = ("seed", "kind", "faults", "vary.terrain.albedo")
    assert [row[key] for key in same] == [rows[3][key] for key in same]
    assert row["params"] == "as-flown" and row["state_sha256"] != rows[3]["state_sha256"]


# --- the report's blocks -----------------------------------------------------------------


def test_range_faults_that_leave_less_than_5_s_of_truth_are_blind(plan):
    of_block = {plan.draw(i).block.name: plan.draw(i) for i in range(60)}
    assert report_block(of_block["range"], 5.0) == "range"
    assert report_block(of_block["range"], 4.9) == "blind"
    assert report_block(of_block["range-pairs"], 5.0) == "range-pairs"
    assert report_block(of_block["body"], 0.0) in ("imu", "contact", "engine", "computer")


# --- kept --------------------------------------------------------------------------------


def read(folder):
    return {row["index"]: row for row in read_campaign(folder)[1]}


def keep_all(folder, plan, rows, resume=False):
    store = Store(folder, plan, resume)
    for row in rows:
        store.keep(row)
    store.close()
    return store


def test_a_complete_campaign_is_one_file_whatever_the_order(tmp_path, plan, rows):
    keep_all(tmp_path / "a", plan, rows.values())
    keep_all(tmp_path / "b", plan, list(rows.values())[::-1])
    assert read(tmp_path / "a") == rows
    assert (tmp_path / "a" / WHOLE).read_bytes() == (tmp_path / "b" / WHOLE).read_bytes()
    assert not list((tmp_path / "a" / PARTS).iterdir())


def test_a_row_is_kept_as_soon_as_it_is_finished(tmp_path, plan, rows):
    store = Store(tmp_path, plan, False)
    store.keep(rows[4])
    store.keep(rows[2])
    assert read(tmp_path) == {2: rows[2], 4: rows[4]}  # nothing was closed


def test_a_line_that_was_cut_off_costs_no_other_row(tmp_path, plan, rows):
    Store(tmp_path, plan, False).keep(rows[4])
    with (tmp_path / JOURNAL).open("a") as journal:
        journal.write('\n{"index": 5, "seed"')
    store = Store(tmp_path, plan, True)
    store.keep(rows[6])
    assert read(tmp_path) == {4: rows[4], 6: rows[6]}


def test_an_interrupt_between_part_and_journal_doubles_no_row(tmp_path, plan, rows):
    store = Store(tmp_path, plan, False)
    store.keep(rows[1])
    journal = (tmp_path / JOURNAL).read_bytes()
    store.close()
    (tmp_path / JOURNAL).write_bytes(journal)
    keep_all(tmp_path, plan, [rows[i] for i in range(RUNS) if i != 1], resume=True)
    assert [row["index"] for row in read_campaign(tmp_path)[1]] == list(range(RUNS))


def test_a_resumed_campaign_ends_as_one_that_was_not_interrupted(tmp_path, plan, rows, monkeypatch):
    monkeypatch.setattr("sim.campaign.store.PART_ROWS", 2)
    keep_all(tmp_path / "whole", plan, rows.values())
    keep_all(tmp_path / "halves", plan, [rows[i] for i in (0, 1, 2, 7, 3)])
    store = Store(tmp_path / "halves", plan, True)
    missing = [i for i in range(RUNS) if i not in store.rows]
    assert len(missing) == RUNS - 5
    for index in missing:
        store.keep(rows[index])
    store.close()
    whole, halves = (tmp_path / name / WHOLE for name in ("whole", "halves"))
    assert whole.read_bytes() == halves.read_bytes()


def test_more_runs_can_be_added(tmp_path, plan, rows):
    few = make_plan(plan.spec, runs=5, seed=11)
    keep_all(tmp_path, few, [rows[i] for i in range(5)])
    keep_all(tmp_path, plan, [rows[i] for i in range(5, RUNS)], resume=True)
    assert read(tmp_path) == rows


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 12}, "another --seed"),
        ({"overrides": (("start.propellant_kg", "370"),)}, "another --set"),
        ({"params": "as-flown"}, "other --params"),
    ],
)
def test_another_campaign_s_folder_is_refused(tmp_path, plan, changes, difference):
    Store(tmp_path, plan, False)
    other = make_plan(plan.spec, runs=RUNS, **{"seed": 11, **changes})
    with pytest.raises(InputError) as caught:
        Store(tmp_path, other, True)
    assert str(caught.value) == f"--resume {tmp_path}: was begun with {difference}"


def test_a_folder_that_holds_a_campaign_is_not_written_over(tmp_path, plan):
    Store(tmp_path, plan, False)
    with pytest.raises(InputError, match="holds a campaign; --resume continues it"):
        Store(tmp_path, plan, False)


def test_a_folder_that_cannot_be_made_is_named(tmp_path, plan):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=f"--out {tmp_path}/file: "):
        Store(tmp_path / "file", plan, False)


def test_another_folder_is_no_campaign(tmp_path):
    with pytest.raises(InputError, match="not the folder of a campaign"):
        read_campaign(tmp_path)


def test_a_failure_is_a_scenario_that_ends_in_the_same_bytes(tmp_path, plan, rows):
    lost = {**rows[3], "verdict": "crashed", "survivable": True, "loss": "navigation"}
    store = keep_all(tmp_path, plan, [lost])
    path = failure_path(tmp_path, 3)
    assert store.failures() == [str(path)]
    scenario = load(str(path))
    assert (scenario.seed, scenario.params_name) == (rows[3]["seed"], "default")
    assert "lost by navigation" in scenario.doc
    assert fly(scenario, scenario.seed).state_sha256 == rows[3]["state_sha256"]


# --- executors ---------------------------------------------------------------------------


def process_of(plan, index):
    """A task for a pool: which process it was done in."""
    return {"index": index, "process": os.getpid(), "plan": plan}


@pytest.mark.parametrize("pool", [InThisProcess(), ProcessPool(2)], ids=lambda c: type(c).__name__)
def test_every_index_is_flown_once(pool):
    rows = []
    pool.run("plan", process_of, range(40), rows.append)
    assert sorted(row["index"] for row in rows) == list(range(40))
    assert {row["plan"] for row in rows} == {"plan"}
    here = {row["process"] for row in rows} == {os.getpid()}
    assert here == isinstance(pool, InThisProcess)


def test_an_interrupted_pool_hands_over_what_it_has_begun():
    rows = []

    def keep(row):
        rows.append(row)
        if len(rows) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ProcessPool(2).run("plan", process_of, range(1000), keep)
    indices = {row["index"] for row in rows}
    assert 3 <= len(indices) < 40
    assert indices == set(range(len(indices)))  # nothing that was begun is missing


def test_jobs_are_processes_and_none_is_a_bad_number():
    assert isinstance(executor(1), InThisProcess)
    assert isinstance(executor(2), ProcessPool)
    with pytest.raises(InputError, match="--jobs: expected a number not below 0, not -1"):
        executor(-1)


def never_done(pipe_path, index):
    """A run that writes its process into a pipe, and does not end."""
    with open(pipe_path, "w") as pipe:
        pipe.write(f"{os.getpid()}\n")
    threading.Event().wait()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open to see a process end")
def test_workers_end_with_a_campaign_that_was_killed(tmp_path):
    pipe_path = str(tmp_path / "pipe")
    os.mkfifo(pipe_path)
    start = (
        "from sim.campaign.executors import ProcessPool\n"
        "from tests.sim.campaign.test_runner import never_done\n"
        f"if __name__ == '__main__': ProcessPool(1).run({pipe_path!r}, never_done, [0], print)\n"
    )
    script = tmp_path / "start.py"
    script.write_text(start)
    path = {"PYTHONPATH": os.pathsep.join([str(HOME.parent), os.environ.get("PYTHONPATH", "")])}
    campaign = subprocess.Popen(
        [sys.executable, script], env={**os.environ, **path}, stderr=subprocess.DEVNULL
    )
    with open(pipe_path) as pipe:
        worker = os.pidfd_open(int(pipe.readline()))
    campaign.kill()
    campaign.wait()
    ended, _, _ = select.select([worker], [], [], 30.0)
    os.close(worker)
    assert ended
