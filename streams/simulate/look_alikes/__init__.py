"""Honest trade that resembles a scenario. A detector that cries wolf here is not worth reading."""

from streams.simulate.look_alikes import dense, materials, metals, samples, traders
from streams.simulate.plot import LookAlike

LOOK_ALIKES: tuple[LookAlike, ...] = (
    *samples.LOOK_ALIKES,
    *materials.LOOK_ALIKES,
    *metals.LOOK_ALIKES,
    *dense.LOOK_ALIKES,
    *traders.LOOK_ALIKES,
)
