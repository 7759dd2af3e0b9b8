"""Onboard model of the vehicle: inertia as a function of mass."""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import add_scaled3, clamp, load3, scale3

# least difference of full and dry mass to divide by
SPAN_MIN_KG = 1.0


@kernel
def inertia_at(vehicle, mass_kg):
    """Principal moments of inertia, linear in mass between full and dry [kg m^2]."""
    span_kg = float(vehicle.mass_kg) - float(vehicle.dry_mass_kg)
    share = clamp((mass_kg - float(vehicle.dry_mass_kg)) / max(span_kg, SPAN_MIN_KG), 0.0, 1.0)
    full = load3(vehicle.inertia_full_kgm2)
    dry = load3(vehicle.inertia_dry_kgm2)
    return add_scaled3(scale3(dry, 1.0 - share), full, share)
