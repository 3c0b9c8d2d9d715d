"""Draws how long operations took as one SVG: a panel a case and phase, a curve a system.

A curve says which share of the operations had ended well after a time, so one that ends below the top
had failures. Times are on a logarithmic scale.
"""

import math
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 270, 170, 58, 74, 34
FROM_MS, TO_MS = 20, 60_000
TICKS = ((20, "20 ms"), (100, "100 ms"), (1_000, "1 s"), (10_000, "10 s"), (60_000, ""))
CASES = {"plain": "256 nodes", "lossy": "128 nodes, 5 % loss"}
STYLE = """
  text { font: 12px system-ui, "Noto Sans", sans-serif; fill: #4d483f; }
  .title { font-size: 15px; font-weight: 600; fill: #23211d; }
  .head { font-size: 13px; font-weight: 600; fill: #23211d; }
  .grid { stroke: #e2ddd2; } .back { fill: #fdfcf9; }
  .panel { fill: #ffffff; stroke: #e2ddd2; }
  path { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .larder { stroke: #1d7a4c; stroke-width: 3; } .libtorrent { stroke: #b4552d; }
  .opendht { stroke: #4c6fb1; } .kademlia { stroke: #9a7fb8; }
  @media (prefers-color-scheme: dark) {
    text { fill: #a59f92; } .title, .head { fill: #ece8df; }
    .back { fill: #171613; } .panel { fill: #211f1b; stroke: #38342d; } .grid { stroke: #38342d; }
    .larder { stroke: #7fc79f; } .libtorrent { stroke: #e59a72; } .opendht { stroke: #8fb0ec; }
    .kademlia { stroke: #c3aee0; }
  }
"""


def across(milliseconds):
    inside = min(max(milliseconds, FROM_MS), TO_MS)
    return WIDTH * math.log(inside / FROM_MS) / math.log(TO_MS / FROM_MS)


def curve(of):
    """A step up at the end of each operation that ended well."""
    points, level = [f"M0 {HEIGHT}"], 0.0
    for milliseconds in of["latencies_ms"]:
        level += 1 / max(1, of["ops"])
        points.append(f"H{across(milliseconds):.1f}V{HEIGHT * (1 - level):.1f}")
    points.append(f"H{WIDTH}")
    return "".join(points)


def panel(title, x, y, results, phase):
    out = [f'<g transform="translate({x} {y})"><text class="head" y="-10">{escape(title)}</text>',
           f'<rect class="panel" width="{WIDTH}" height="{HEIGHT}"/>']
    for share in (0.25, 0.5, 0.75):
        out.append(f'<path class="grid" style="stroke-width:1" d="M0 {HEIGHT * share}H{WIDTH}"/>')
    for milliseconds, label in TICKS:
        place = across(milliseconds)
        out.append(f'<path class="grid" style="stroke-width:1" d="M{place:.1f} 0V{HEIGHT}"/>')
        out.append(f'<text x="{place:.1f}" y="{HEIGHT + 16}" text-anchor="middle">{label}</text>')
    # Ours last, so that it lies on top.
    for one in sorted(results, key=lambda one: one["system"] == "larder"):
        out.append(f'<path class="{one["system"]}" d="{curve(one[phase])}"/>')
    return "\n".join(out) + "\n</g>"


def svg(results, phases):
    """The plot of the results of Benchmarks/dht; `phases` gives each phase's title."""
    cases = [case for case in CASES if any(one["case"] == case for one in results)]
    width = LEFT + len(phases) * (WIDTH + GAP) + 8
    height = TOP + len(cases) * (HEIGHT + 76) - 36
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
           'aria-label="Share of operations that had ended after a time, for each system">',
           f"<style>{STYLE}</style>", f'<rect class="back" width="{width}" height="{height}"/>',
           f'<text class="title" x="{LEFT}" y="24">Share of operations that had ended well</text>']
    place, named = LEFT + 370, {}
    for one in results:
        named.setdefault(one["system"], one["impl"])
    for system, name in named.items():
        out.append(f'<path class="{system}" d="M{place:.0f} 20h22"/>'
                   f'<text x="{place + 28:.0f}" y="24">{escape(name)}</text>')
        place += 46 + 6.6 * len(name)
    for row, case in enumerate(cases):
        y = TOP + row * (HEIGHT + 76)
        for share in (0, 0.5, 1):
            out.append(f'<text x="{LEFT - 8}" y="{y + 4 + HEIGHT * (1 - share)}" '
                       f'text-anchor="end">{share:.0%}</text>')
        for column, (phase, title) in enumerate(phases.items()):
            shown = [one for one in results if one["case"] == case]
            heading = f"{title}" if column else f"{title}: {CASES[case]}"
            out.append(panel(heading, LEFT + column * (WIDTH + GAP), y, shown, phase))
    return "\n".join(out) + "\n</svg>\n"
