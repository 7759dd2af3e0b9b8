"""Worlds with faults, and all that reaches the flight computer from them."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import INTERPRETED
from fsw.interface.messages import ACTUATOR_COMMAND
from fsw.interface.timing import TICK_NS
from sim.faults.reader import read_faults
from sim.plant.tick import advance, obey, sense
from sim.sensors.records import TICK_MESSAGES
from tests.fault_coverage import note_stretch
from tests.sim.worlds import above_site, undispersed_world

S = 1_000_000_000
MODE = 4  # descent, as the command in force carries it


@dataclass
class Received:
    """What arrived, tick by tick; ranges as (arrival, stamp, seq, value, valid)."""

    world: object
    ranges: list = field(default_factory=list)
    imus: list = field(default_factory=list)
    legs: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    actions: list = field(default_factory=list)
    ticks: list = field(default_factory=list)  # bytes of everything in the tick

    def take(self, t_ns, messages, action):
        """Keep what arrived in one tick."""
        for r in messages.ranges[: messages.n_ranges]:
            self.ranges.append((t_ns, int(r.t_ns), int(r.seq), float(r.range_m), int(r.valid)))
        self.imus += list(messages.imus[: messages.n_imus])
        self.legs += [(t_ns, int(messages.contact.legs))] * int(messages.has_contact)
        self.statuses += [(t_ns, int(messages.propulsion.ready))] * int(messages.has_propulsion)
        self.actions.append(action)
        self.ticks.append(_present(messages) + bytes([action]))

    @property
    def by_seq(self):
        return {r[2]: r for r in self.ranges}

    def delays_ns(self, other):
        """How much later each range arrives than it does in another stream, by seq."""
        mine, theirs = self.by_seq, other.by_seq
        return {seq: mine[seq][0] - theirs[seq][0] for seq in sorted(mine) if seq in theirs}


def faulty_world(faults, height_m=1000.0, **sensors):
    world = undispersed_world(seed=5)
    for name, value in sensors.items():
        world.board.sensors.range[name] = value
    read_faults(world, [({"faults": list(faults)}, "")])
    return above_site(world, height_m, v_up_mps=-30.0, propellant_kg=300.0)


def as_rows(rows):
    """An array of records as a kernel is called with quickest."""
    return rows if INTERPRETED else rows.view(rows.dtype, np.ndarray)


@kernel
def _fly_ticks(worlds, commands, logged, actions):
    """Fly a tick for every row of `logged`, which takes what arrives in it."""
    world = worlds[0]
    for tick in range(len(logged)):
        sense(world, logged[tick])
        actions[tick] = world.computer.action
        advance(world)
        obey(world, commands[0])


def receive(world, seconds, throttle=0.7, torque=5.0, mode=MODE):
    """Fly under one command and keep what arrives."""
    stream = Received(world)
    count = round(seconds * S / TICK_NS)
    logged, actions = TICK_MESSAGES.array(count), np.zeros(count, np.int64)
    commands = ACTUATOR_COMMAND.array(1, throttle=throttle, engine_on=1, mode=mode)
    commands["torque_B_Nm"][0, 0] = torque
    first_ns = int(world.t_ns)
    _fly_ticks(as_rows(world.base), as_rows(commands), as_rows(logged), actions)
    for tick, messages in enumerate(logged):
        stream.take(first_ns + tick * TICK_NS, messages, int(actions[tick]))
    return stream


def received(*faults, seconds=3.0, height_m=1000.0, **sensors):
    stream = receive(faulty_world(faults, height_m, **sensors), seconds)
    if faults:
        note_stretch(faults, stream.ticks != healthy(seconds, height_m, **sensors).ticks)
    return stream


@cache
def healthy(seconds=3.0, height_m=1000.0, **sensors):
    return received(seconds=seconds, height_m=height_m, **sensors)


def _present(messages):
    """The bytes of the messages that are there; what is left over from earlier is none."""
    parts = [bytes(r) for r in messages.ranges[: messages.n_ranges]]
    parts += [bytes(i) for i in messages.imus[: messages.n_imus]]
    if messages.has_contact:
        parts.append(bytes(messages.contact))
    if messages.has_propulsion:
        parts.append(bytes(messages.propulsion))
    return b"|".join(parts)
