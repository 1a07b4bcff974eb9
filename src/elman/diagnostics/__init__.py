"""Looking into a network: what it does at each step, and how far back its memory reaches."""

from elman.diagnostics.gradients import GradientByLag as GradientByLag
from elman.diagnostics.gradients import LagProfile as LagProfile
from elman.diagnostics.gradients import gradient_by_lag as gradient_by_lag
from elman.diagnostics.reach import Reach as Reach
from elman.diagnostics.reach import reach_by_gradient as reach_by_gradient
