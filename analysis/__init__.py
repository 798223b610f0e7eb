# SPDX-License-Identifier: MIT
"""Statistics, comparison, gate and report over run directories (bench/RUN_FORMAT.md)."""
