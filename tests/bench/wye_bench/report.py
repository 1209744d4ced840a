"""Tables and a plot of what was measured. A result is {"machine": ..., "cases": {label: {contender: [round, ...]}}}."""

import statistics

FIGURES = (("us", "CPU us"), ("user_us", "user"), ("system_us", "system"), ("calls", "calls"),
           ("per_second", "a second"), ("p50_ms", "p50 ms"), ("p95_ms", "p95"), ("p99_ms", "p99"),
           ("cpu_s_per_gb", "CPU s/GB"), ("resident_kib", "resident KiB"),
           ("bytes_each", "bytes a client"), ("idle_ms", "idle, CPU ms/s"))


def median(rounds, figure):
    values = [one[figure] for one in rounds if one.get(figure) is not None]
    return statistics.median(values) if values else None


def ratio(case, contender, other, figure):
    """The median of the rounds' ratios: both were measured in turn, so noise of the machine falls out."""
    pairs = [(a.get(figure), b.get(figure)) for a, b in zip(case.get(contender, ()), case.get(other, ()))]
    values = [a / b for a, b in pairs if a is not None and b]
    return statistics.median(values) if values else None


def shown(value):
    if value is None:
        return "-"
    return "%.0f" % value if abs(value) >= 100 else "%.2f" % value if abs(value) < 10 else "%.1f" % value


def markdown(result):
    machine = result["machine"]
    lines = ["# Measured by tests/bench/run", "",
             "%(date)s, %(cores)d cores, Linux %(kernel)s, %(server)s; %(rounds)d rounds of %(seconds)d s each, in turn; "
             "medians. CPU and calls are those of the proxy's process, for one statement." % machine, ""]
    for label, case in result["cases"].items():
        present = [(key, title) for key, title in FIGURES if any(median(r, key) is not None for r in case.values())]
        lines += ["## " + label, "", "| | %s | CPU / haproxy | CPU / relay |" % " | ".join(t for _, t in present),
                  "|---" * (len(present) + 3) + "|"]
        for name, rounds in case.items():
            cells = [shown(median(rounds, key)) for key, _ in present]
            cells += [shown(ratio(case, name, other, "us")) for other in ("haproxy", "relay")]
            lines.append("| %s | %s |" % (name, " | ".join(cells)))
        lines.append("")
    return "\n".join(lines)


def plot(result, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    labels = [label for label, case in result["cases"].items()
              if any(median(rounds, "us") is not None for rounds in case.values())]
    names = sorted({name for label in labels for name in result["cases"][label]} - {"direct"})
    figure, axes = pyplot.subplots(figsize=(10, 0.5 * len(labels) + 2))
    height = 0.8 / max(1, len(names))
    for i, name in enumerate(names):
        values = [median(result["cases"][label].get(name, []), "us") or 0 for label in labels]
        axes.barh([row + i * height for row in range(len(labels))], values, height, label=name)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(labels))], labels)
    axes.invert_yaxis()
    axes.set_xlabel("CPU microseconds of the proxy for one statement")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
