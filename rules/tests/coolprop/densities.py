"""Reads "T/K P/Pa CO2=0.98 N2=0.02" a line and prints the density in kg/m3, or "-" where the state
has two phases or CoolProp finds no answer."""

import sys

import CoolProp
from CoolProp.CoolProp import AbstractState, PT_INPUTS

NAMES = {"CO2": "CO2", "N2": "Nitrogen", "CH4": "Methane", "H2": "Hydrogen", "O2": "Oxygen", "Ar": "Argon"}
states = {}

for line in sys.stdin:
    kelvins, pascals, *fractions = line.split()
    parts = [part.split("=") for part in fractions]
    key = " ".join(fractions)
    if key not in states:
        states[key] = AbstractState("HEOS", "&".join(NAMES[name] for name, _ in parts))
        states[key].set_mole_fractions([float(x) for _, x in parts])
    state = states[key]
    try:
        state.update(PT_INPUTS, float(pascals), float(kelvins))
        two = state.phase() == CoolProp.iphase_twophase
        print("-" if two else repr(state.rhomass()))
    except ValueError:
        print("-")
