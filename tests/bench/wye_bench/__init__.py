"""The bench's parts: measured processes, contenders, loads and the report. See tests/bench/run."""
