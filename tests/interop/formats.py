"""Reads a folder's latency.hlog by HdrHistogram's own Python reader, and holds its junit.xml against the schema.

Prints a line for each tag with its count, `-` for the untagged, and a last line.
"""

import sys
from pathlib import Path

import xmlschema
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

folder = Path(sys.argv[1])

counts: dict[str, int] = {}
reader = HistogramLogReader(str(folder / "latency.hlog"), HdrHistogram(1, 3_600_000_000, 2))
while True:
    histogram = reader.get_next_interval_histogram()
    if histogram is None:
        break
    tag = histogram.get_tag() or "-"
    counts[tag] = counts.get(tag, 0) + histogram.get_total_count()
for tag in sorted(counts):
    print(tag, counts[tag])

schema = xmlschema.XMLSchema(str(Path(__file__).parent.parent / "data" / "junit.xsd"))
schema.validate(str(folder / "junit.xml"))
print("junit.xml is valid")
