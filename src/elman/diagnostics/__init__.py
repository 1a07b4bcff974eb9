"""What a network does at each step, how far back its memory reaches, and what to change.

`elman.plots.write_report` writes a diagnosis to a folder.
"""

from elman.diagnostics.diagnosis import Diagnosis as Diagnosis
from elman.diagnostics.diagnosis import diagnose as diagnose
from elman.diagnostics.diagnosis_input import DiagnosisInput as DiagnosisInput
from elman.diagnostics.gradients import GradientByLag as GradientByLag
from elman.diagnostics.gradients import LagProfile as LagProfile
from elman.diagnostics.gradients import gradient_by_lag as gradient_by_lag
from elman.diagnostics.intervention import Intervention as Intervention
from elman.diagnostics.intervention import intervene as intervene
from elman.diagnostics.jacobians import jacobians as jacobians
from elman.diagnostics.jacobians import lyapunov as lyapunov
from elman.diagnostics.jacobians import step_jacobian as step_jacobian
from elman.diagnostics.measurements import Layer as Layer
from elman.diagnostics.measurements import Measurements as Measurements
from elman.diagnostics.reach import Reach as Reach
from elman.diagnostics.reach import reach_by_gradient as reach_by_gradient
from elman.diagnostics.saturation import activity as activity
from elman.diagnostics.verdicts import THRESHOLDS as THRESHOLDS
from elman.diagnostics.verdicts import Verdict as Verdict
