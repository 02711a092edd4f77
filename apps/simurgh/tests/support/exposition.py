"""A page of metrics, read by the parser of Prometheus's own library for Python.

Reads the page from standard input and writes each metric as JSON: its type, its help
and its samples. What the parser does not take, or what is no histogram, fails.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families


def histograms(family):
    """Buckets in their order grow, and the last one has all."""
    series = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        key = json.dumps(labels, sort_keys=True)
        parts = series.setdefault(key, {"buckets": []})
        if sample.name.endswith("_bucket"):
            parts["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            parts[sample.name.removeprefix(family.name)] = sample.value
    for key, parts in series.items():
        buckets = parts["buckets"]
        assert buckets == sorted(buckets), key
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), key
        assert buckets[-1] == (float("inf"), parts["_count"]), key
        assert parts["_sum"] >= 0, key


page = sys.stdin.read()
metrics = {}
for family in text_string_to_metric_families(page):
    if family.type == "histogram":
        histograms(family)
    # The parser takes the end of a counter's name away.
    name = family.name + "_total" if family.type == "counter" else family.name
    assert name not in metrics, name
    samples = [[sample.name, sample.labels, sample.value] for sample in family.samples]
    metrics[name] = {"type": family.type, "help": family.documentation, "samples": samples}
json.dump(metrics, sys.stdout)
