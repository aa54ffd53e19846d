"""Reads "T/K P/Pa CO2=0.98 N2=0.02" a line and prints the density in kg/m3, "two phases", or "-" where
CoolProp finds no answer.

Of cold mixtures CoolProp 8.0.0 may take a root that lies between the phases, where no fluid is (491
instead of 1161 kg/m3 for 2 % N2 at 237 K and 34 MPa), and what it took before leads it there. So each
state is fresh, dense ones are told that they are liquid, and what lies between is no answer."""

import sys

from CoolProp.CoolProp import AbstractState, PT_INPUTS, iphase_liquid, iphase_twophase

NAMES = {"CO2": "CO2", "N2": "Nitrogen", "CH4": "Methane", "H2": "Hydrogen", "O2": "Oxygen", "Ar": "Argon"}

for line in sys.stdin:
    kelvins, pascals, *fractions = line.split()
    kelvins, pascals = float(kelvins), float(pascals)
    parts = [part.split("=") for part in fractions]
    state = AbstractState("HEOS", "&".join(NAMES[name] for name, _ in parts))
    state.set_mole_fractions([float(x) for _, x in parts])
    if kelvins < 290 and pascals > 12e6:
        state.specify_phase(iphase_liquid)
    try:
        state.update(PT_INPUTS, pascals, kelvins)
        density = state.rhomass()
        between = kelvins < 285 and 250 < density < 650
        two = state.phase() == iphase_twophase
        print("two phases" if two else "-" if between else repr(density))
    except ValueError:
        print("-")
