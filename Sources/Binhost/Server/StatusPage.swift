/// The status page: one HTML file that fetches nothing but `/status.json`.
///
/// Whatever peers sent is put into the page as text nodes only; the policy forbids every other source.
enum StatusPage {
  /// The content security policy that goes with the page.
  static let policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    + "frame-ancestors 'none'"

  /// The page.
  static let html = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Larder</title>
    <link rel="icon" href="data:,">
    <style>
    \(style)\(plotStyle)</style>
    </head>
    <body>
    <header>
    <div class="mark" aria-hidden="true"><i></i><i></i><i></i></div>
    <div><h1>Larder</h1><p id="node" class="quiet">Loading…</p></div>
    <p id="live" class="live" role="status">connecting</p>
    </header>
    <main>
    <noscript><p class="note">This page fills itself by a script. The same facts are at
    <a href="/status.json">/status.json</a> and <a href="/metrics">/metrics</a>.</p></noscript>
    <div id="warnings" aria-live="polite"></div>
    <section class="cards" aria-label="Overview" id="cards"></section>
    <section><h2>Distributed table</h2><div class="cards" id="table"></div>
    <div class="plots"><figure><figcaption>Datagrams a second, the last five minutes: <b>received</b>,
    <i>sent</i></figcaption><svg id="rates" role="img" viewBox="0 0 300 90"
    preserveAspectRatio="none"></svg><p id="ratesNow" class="quiet"></p></figure>
    <figure><figcaption>How long look-ups took, in milliseconds</figcaption><svg id="latency" role="img"
    viewBox="0 0 300 90"></svg><p id="latencyNow" class="quiet"></p></figure></div></section>
    <section><h2>Transfers</h2><div id="transfers"></div></section>
    <section><h2>Build jobs</h2><div id="jobs"></div></section>
    <section><h2>Peers</h2><div id="peers"></div></section>
    </main>
    <footer class="quiet"><span id="key"></span>
    <nav><a href="/status.json">status.json</a> · <a href="/metrics">metrics</a> ·
    <a href="/healthz">healthz</a></nav></footer>
    <script>
    \(script)\(plotScript)\(pollScript)</script>
    </body>
    </html>

    """

  private static let style = """
    :root { --bg: #f6f4ef; --card: #ffffff; --text: #23211d; --quiet: #6a655b; --line: #e2ddd2;
      --accent: #2f6f4f; --bar: #cfe3d6; --bad: #a33a2a; --warn: #fff3d6; }
    @media (prefers-color-scheme: dark) { :root { --bg: #171613; --card: #211f1b; --text: #ece8df;
      --quiet: #a59f92; --line: #38342d; --accent: #7fc79f; --bar: #2d4a3a; --bad: #f08a78;
      --warn: #3d3115; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--bg); color: var(--text);
      font: 16px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif; }
    header, main, footer { max-width: 70rem; margin: 0 auto; padding: 1rem 1.25rem; }
    header { display: flex; align-items: center; gap: 1rem; padding-top: 1.75rem; }
    h1 { margin: 0; font-size: 1.5rem; line-height: 1.2; letter-spacing: -0.01em; }
    h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
    p { margin: 0; }
    a { color: var(--accent); }
    a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .quiet { color: var(--quiet); font-size: .875rem; }
    .mark { display: grid; gap: 4px; width: 2.25rem; }
    .mark i { height: 8px; border-radius: 2px; background: var(--accent); }
    .mark i:nth-child(2) { opacity: .65; } .mark i:nth-child(3) { opacity: .35; }
    .live { margin-left: auto; font-size: .875rem; color: var(--quiet); white-space: nowrap; }
    .live::before { content: ""; display: inline-block; width: .6rem; height: .6rem;
      border-radius: 50%; background: var(--quiet); margin-right: .45rem; }
    .live.ok::before { background: var(--accent); } .live.lost { color: var(--bad); }
    .live.lost::before { background: var(--bad); }
    .cards { display: grid; gap: .8rem;
      grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); }
    .card { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
      padding: .85rem 1rem; }
    .card h3 { margin: 0; font-size: .8rem; font-weight: 600; color: var(--quiet); }
    .card strong { display: block; font-size: 1.65rem; font-weight: 600; line-height: 1.3;
      font-variant-numeric: tabular-nums; }
    .card p { font-size: .825rem; color: var(--quiet); }
    .wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
      border-radius: .7rem; }
    table { border-collapse: collapse; width: 100%; font-size: .9rem; }
    th, td { text-align: left; padding: .5rem .9rem; border-top: 1px solid var(--line);
      vertical-align: top; overflow-wrap: anywhere; }
    thead th { border-top: 0; font-size: .78rem; color: var(--quiet); font-weight: 600;
      white-space: nowrap; }
    td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
      white-space: nowrap; }
    .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .825rem; }
    progress { width: 9rem; height: .6rem; accent-color: var(--accent); }
    .empty { color: var(--quiet); background: var(--card); border: 1px dashed var(--line);
      border-radius: .7rem; padding: .8rem 1rem; }
    .note { background: var(--warn); border-radius: .7rem; padding: .7rem 1rem;
      margin-bottom: .8rem; }
    .bad { color: var(--bad); }
    footer { display: flex; flex-wrap: wrap; gap: .5rem 2rem; justify-content: space-between;
      padding-bottom: 2.5rem; }

    """

  private static let script = #"""
    "use strict";
    const $ = (id) => document.getElementById(id);
    const make = (tag, text, name) => {
      const element = document.createElement(tag);
      if (text !== undefined) element.textContent = text;
      if (name) element.className = name;
      return element;
    };
    const bytes = (count) => {
      const units = ["B", "KiB", "MiB", "GiB", "TiB"];
      let unit = 0;
      while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
      return (unit && count < 100 ? count.toFixed(1) : Math.round(count)) + " " + units[unit];
    };
    const span = (seconds) => {
      if (seconds < 90) return Math.round(seconds) + " s";
      if (seconds < 5400) return Math.round(seconds / 60) + " min";
      if (seconds < 129600) return Math.round(seconds / 3600) + " h";
      return Math.round(seconds / 86400) + " d";
    };
    const card = (title, value, detail) => {
      const box = make("article", undefined, "card");
      box.append(make("h3", title), make("strong", value), make("p", detail));
      return box;
    };
    const cell = (content, name) => {
      const td = make("td", content instanceof Node ? undefined : String(content), name);
      if (content instanceof Node) td.append(content);
      return td;
    };
    const table = (place, caption, heads, rows, empty) => {
      if (!rows.length) { $(place).replaceChildren(make("p", empty, "empty")); return; }
      const head = make("tr");
      for (const [text, name] of heads) {
        const th = make("th", text, name);
        th.scope = "col";
        head.append(th);
      }
      const thead = make("thead"), tbody = make("tbody"), grid = make("table");
      grid.setAttribute("aria-label", caption);
      thead.append(head);
      for (const cells of rows) { const tr = make("tr"); tr.append(...cells); tbody.append(tr); }
      grid.append(thead, tbody);
      const wide = make("div", undefined, "wide");
      wide.append(grid);
      $(place).replaceChildren(wide);
    };
    const show = (s) => {
      const tries = s.lookups.hits + s.lookups.misses;
      const rate = tries ? Math.round(100 * s.lookups.hits / tries) + " %" : "–";
      const r = s.records, b = s.blobs;
      $("node").textContent = [s.node.role, s.node.version, "up " + span(s.node.uptime),
        s.node.addresses.join(", ")].filter(Boolean).join(" · ");
      $("key").textContent = s.node.key;
      $("key").className = "mono";
      $("warnings").replaceChildren(...s.warnings.concat(s.refusals).map((text) => make("p", text, "note")));
      $("cards").replaceChildren(
        card("Peers", s.peerCount, s.peerCount ? "known nodes" : "none yet"),
        card("Hit rate", rate, s.lookups.hits + " found, " + s.lookups.misses + " not"),
        card("Packages listed", b.listed, b.indexed
          ? "index of " + new Date(b.indexed * 1000).toLocaleString() : "no index yet"),
        card("Blobs", b.count, bytes(b.bytes) + (b.quota ? " of " + bytes(b.quota) : "")),
        card("Records", r.statements + r.providers,
          r.statements + " statements, " + r.providers + " providers"),
        card("Published here", r.published, r.published ? "own builds" : "nothing yet"),
        card("Received", bytes(s.traffic.received), "since the start"),
        card("Sent", bytes(s.traffic.sent), "since the start"));
      showTable(s.table);
      table("transfers", "Transfers",
        [["Package"], ["Progress"], ["Size", "number"], ["Peers", "number"]],
        s.transfers.map((t) => {
          const bar = make("progress");
          bar.max = Math.max(1, t.size);
          bar.value = t.done;
          bar.setAttribute("aria-label", t.name);
          return [cell(t.name), cell(bar), cell(bytes(t.size), "number"),
            cell(t.peers, "number")];
        }), "Nothing is being fetched.");
      table("jobs", "Build jobs", [["Package"], ["State"], ["For", "number"], ["Detail"]],
        s.jobs.map((j) => [cell(j.name), cell(j.state, j.state === "failed" ? "bad" : ""),
          cell(span(j.age), "number"), cell(j.detail)]), "No builds were asked for.");
      table("peers", "Peers", [["Key"], ["Address"], ["Note"]],
        s.peers.map((p) => [cell(p.key.slice(0, 16), "mono"), cell(p.address, "mono"),
          cell(p.note)]),
        s.peerCount ? "No connection is open, or you look from another machine."
          : "No peers yet. `larder doctor` says why.");
    };

    """#

  private static let pollScript = #"""
    const live = (name, text) => {
      if ($("live").textContent !== text) $("live").textContent = text;
      $("live").className = "live " + name;
    };
    const poll = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch("/status.json", { cache: "no-store" });
          if (!answer.ok) throw new Error(answer.status);
          show(await answer.json());
          live("ok", "live");
        } catch (error) {
          live("lost", "daemon does not answer");
        }
      }
      setTimeout(poll, 2000);
    };
    poll();

    """#
}
