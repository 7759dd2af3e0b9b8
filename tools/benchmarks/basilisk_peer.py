"""A closed loop in Basilisk for comparison. Run it with a Python that has `bsk`.

A rigid spacecraft under lunar gravity, simple navigation, inertial pointing by MRP feedback and
the torque that it commands, in one task at 100 Hz: what its own tutorials call a closed loop.
No terrain, rangefinder, legs, filter or guidance. It prints when it begins and when it is done, so
that the caller can measure the time between; start-up does not count.
"""

import sys

from Basilisk.architecture import messaging
from Basilisk.fswAlgorithms import attTrackingError, inertial3D, mrpFeedback
from Basilisk.simulation import extForceTorque, simpleNav, spacecraft
from Basilisk.utilities import SimulationBaseClass, macros, simIncludeGravBody

INERTIA_KGM2 = (420.0, 0.0, 0.0, 0.0, 420.0, 0.0, 0.0, 0.0, 300.0)


def closed_loop(duration_s: float) -> SimulationBaseClass.SimBaseClass:
    """The simulation, ready to run for duration_s."""
    simulation = SimulationBaseClass.SimBaseClass()
    process = simulation.CreateNewProcess("process")
    process.addTask(simulation.CreateNewTask("task", macros.sec2nano(0.01)))

    lander = spacecraft.Spacecraft()
    lander.hub.mHub = 720.0  # [kg]
    lander.hub.IHubPntBc_B = [list(INERTIA_KGM2[i : i + 3]) for i in (0, 3, 6)]
    lander.hub.r_CN_NInit = [[1757400.0], [0.0], [0.0]]  # [m]
    lander.hub.v_CN_NInit = [[0.0], [1680.0], [0.0]]  # [m/s]
    lander.hub.sigma_BNInit = [[0.1], [0.2], [-0.3]]
    lander.hub.omega_BN_BInit = [[0.001], [-0.01], [0.03]]  # [rad/s]
    bodies = simIncludeGravBody.gravBodyFactory()
    bodies.createMoon().isCentralBody = True
    bodies.addBodiesTo(lander)
    torque = extForceTorque.ExtForceTorque()
    lander.addDynamicEffector(torque)

    navigation = simpleNav.SimpleNav()
    pointing = inertial3D.inertial3D()
    error = attTrackingError.attTrackingError()
    feedback = mrpFeedback.mrpFeedback()
    feedback.K, feedback.Ki, feedback.P = 3.5, -1.0, 30.0
    for module in (lander, torque, navigation, pointing, error, feedback):
        simulation.AddModelToTask("task", module)

    vehicle = messaging.VehicleConfigMsgPayload(ISCPntB_B=list(INERTIA_KGM2))
    simulation.vehicle = messaging.VehicleConfigMsg().write(vehicle)
    navigation.scStateInMsg.subscribeTo(lander.scStateOutMsg)
    error.attNavInMsg.subscribeTo(navigation.attOutMsg)
    error.attRefInMsg.subscribeTo(pointing.attRefOutMsg)
    feedback.guidInMsg.subscribeTo(error.attGuidOutMsg)
    feedback.vehConfigInMsg.subscribeTo(simulation.vehicle)
    torque.cmdTorqueInMsg.subscribeTo(feedback.cmdTorqueOutMsg)

    simulation.modules = (lander, torque, navigation, pointing, error, feedback, bodies)
    simulation.InitializeSimulation()
    simulation.ConfigureStopTime(macros.sec2nano(duration_s))
    return simulation


if __name__ == "__main__":
    loop = closed_loop(float(sys.argv[1]))
    print("begin", flush=True)
    loop.ExecuteSimulation()
    print("done", flush=True)
