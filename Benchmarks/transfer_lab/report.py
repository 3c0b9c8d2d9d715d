"""The table, the JSON and the plot of a run."""

import json
import os
import time
from statistics import median

KEYS = ("system", "case", "gigabytes_per_second", "cpu_client", "cpu_server", "rss_client", "rss_server",
        "ratio_to_nginx_tls")


def reached(value, target):
    """Whether a value is on the right side of a target such as `≥ 1.0`; None if there is no target."""
    sign, _, bound = target.partition(" ")
    bound = bound.split(" ")[0]
    if sign not in ("≥", "≤"):
        return None
    return value >= float(bound) if sign == "≥" else value <= float(bound)


class Report:
    """Samples by case and system, and single figures."""

    def __init__(self):
        self.samples, self.figures, self.absent = {}, [], {}
        self.loads = [os.getloadavg()[0]]

    def add(self, case, system, size, sample):
        self.samples.setdefault((case, system), []).append((size, sample))
        self.loads.append(os.getloadavg()[0])

    def figure(self, name, value, target):
        """One number beside what it ought to be."""
        self.figures.append({"figure": name, "value": value, "target": target})
        print(f"{name}: {value} (target {target})", flush=True)

    def rate(self, case, system):
        samples = self.samples.get((case, system))
        return median(size / sample.seconds for size, sample in samples) / 1e9 if samples else None

    def rows(self):
        rows = []
        for (case, system), samples in self.samples.items():
            size = samples[0][0]
            peer = "nginx-tls-sync" if case.endswith("flushed") else "nginx-tls"
            nginx, rate = self.rate(case, peer), self.rate(case, system)

            def middle(name):
                return median(getattr(sample, name) for _, sample in samples)

            rows.append(dict(zip(KEYS, (
                system, case, round(rate, 4), round(middle("cpu_client") / size * 1e9, 3),
                round(middle("cpu_server") / size * 1e9, 3), int(middle("rss_client")),
                int(middle("rss_server")), round(rate / nginx, 3) if nginx else None))))
        return rows

    def write_json(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(
            {"rows": self.rows(), "figures": self.figures, "absent": self.absent, "load": self.load()},
            indent=1) + "\n")

    def load(self):
        """The machine's load average meanwhile: what else runs slows some systems more than others."""
        return [round(min(self.loads), 1), round(max(self.loads), 1)]

    def print_table(self):
        print(f"\n{'case':24} {'system':16} {'GB/s':>8} {'CPU s/GB client':>16} {'server':>8} "
              f"{'MB client':>10} {'server':>7} {'× nginx TLS':>12}")
        for row in self.rows():
            ratio = row["ratio_to_nginx_tls"]
            print(f"{row['case']:24} {row['system']:16} {row['gigabytes_per_second']:8.3f} "
                  f"{row['cpu_client']:16.2f} {row['cpu_server']:8.2f} {row['rss_client'] / 1e6:10.0f} "
                  f"{row['rss_server'] / 1e6:7.0f} {'' if ratio is None else f'{ratio:.2f}':>12}")
        for system, missing in self.absent.items():
            print(f"left out: {system}: {', '.join(missing)} not here")
        print("load average, least and most: {} {}".format(*self.load()))

    def write_document(self, path):
        """Puts the figures beside their targets between the two marks of a document."""
        begin, end = "<!-- bench-transfer -->\n", "<!-- /bench-transfer -->\n"
        text = path.read_text()
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        if not rest or not tail:
            raise RuntimeError(f"{path} has no marks for the figures")
        least, most = self.load()
        lines = [f"Seen on {time.strftime('%-d %B %Y')} at a load average of {least} to {most} on "
                 f"{os.cpu_count()} cores.", "", "| | Bound | Seen |", "|---|---|---|"]
        for figure in self.figures:
            missed = reached(figure["value"], figure["target"]) is False
            lines.append(f"| {figure['figure']} | {figure['target']} | {figure['value']}"
                         f"{', **not met**' if missed else ''} |")
        lines += ["", "| | GB/s | CPU-s/GB client | server | × nginx TLS |", "|---|---|---|---|---|"]
        for row in self.rows():
            ratio = row["ratio_to_nginx_tls"]
            lines.append(f"| {row['case']}: {row['system']} | {row['gigabytes_per_second']:.3f} | "
                         f"{row['cpu_client']:.2f} | {row['cpu_server']:.2f} | "
                         f"{'' if ratio is None else f'{ratio:.2f}'} |")
        path.write_text(head + begin + "\n".join(lines) + "\n" + end + tail)

    def write_plot(self, path):
        """Bars of the rates, a group for each case."""
        rows = [row for row in self.rows() if row["gigabytes_per_second"]]
        cases = list(dict.fromkeys(row["case"] for row in rows))
        lines, y = [], 30
        for case in cases:
            group = [row for row in rows if row["case"] == case]
            most = max(row["gigabytes_per_second"] for row in group)
            lines.append(f'<text x="10" y="{y}" font-weight="bold">{case}</text>')
            for row in sorted(group, key=lambda row: -row["gigabytes_per_second"]):
                y += 20
                width = 380 * row["gigabytes_per_second"] / most
                colour = "#54487a" if row["system"] == "larder" else "#b9b4c9"
                cpu = row["cpu_client"] + row["cpu_server"]
                lines.append(
                    f'<text x="130" y="{y}" text-anchor="end">{row["system"]}</text>'
                    f'<rect x="140" y="{y - 11}" width="{width:.0f}" height="13" fill="{colour}"/>'
                    f'<text x="{145 + width:.0f}" y="{y}">{row["gigabytes_per_second"]:.3g} GB/s, '
                    f'{cpu:.3g} CPU-s/GB</text>')
            y += 34
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {y}" font-family="sans-serif" '
            f'font-size="12">\n<rect width="720" height="{y}" fill="white"/>\n' + "\n".join(lines)
            + "\n</svg>\n")
