"""Figures and pages: functions of plain values, in one style, written whole or not at all."""

from elman.plots.diagnosis_report import write_report as write_report
