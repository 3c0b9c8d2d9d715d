/// The part of the status page about the distributed table: cards and two live plots, drawn by the page
/// itself from what `/status.json` says.
extension StatusPage {
  static let plotStyle = """
    .plots { display: grid; gap: .8rem; margin-top: .8rem;
      grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); }
    figure { margin: 0; background: var(--card); border: 1px solid var(--line);
      border-radius: .7rem; padding: .85rem 1rem; }
    figcaption { font-size: .8rem; font-weight: 600; color: var(--quiet); }
    figcaption b { color: var(--accent); } figcaption i { color: var(--bad); font-style: normal; }
    figure svg { display: block; width: 100%; height: 6rem; margin-top: .4rem; }
    polyline { fill: none; stroke: var(--accent); stroke-width: 2;
      vector-effect: non-scaling-stroke; }
    polyline.sent { stroke: var(--bad); }
    rect { fill: var(--bar); stroke: var(--accent); }
    figure text { font-size: 9px; fill: var(--quiet); text-anchor: middle; }

    """

  static let plotScript = #"""
    const draw = (tag, attributes, text) => {
      const shape = document.createElementNS($("rates").namespaceURI, tag);
      for (const name in attributes) shape.setAttribute(name, attributes[name]);
      if (text !== undefined) shape.textContent = text;
      return shape;
    };
    const samples = [], mostSamples = 150;
    const showRates = (t) => {
      const last = samples[samples.length - 1], now = performance.now() / 1000;
      // Counters that fell are those of a new start.
      if (last && t.datagramsReceived < last.received) samples.length = 0;
      samples.push({ at: now, received: t.datagramsReceived, sent: t.datagramsSent });
      if (samples.length > mostSamples) samples.shift();
      const rates = samples.slice(1).map((one, place) => {
        const before = samples[place], span = Math.max(0.1, one.at - before.at);
        return [(one.received - before.received) / span, (one.sent - before.sent) / span];
      });
      const top = Math.max(1, ...rates.flat());
      const line = (which) => rates.map((rate, place) =>
        (300 - 300 * (rates.length - 1 - place) / (mostSamples - 2)).toFixed(1) + ","
          + (88 - 84 * rate[which] / top).toFixed(1)).join(" ");
      const newest = rates[rates.length - 1] || [0, 0];
      const text = newest[0].toFixed(1) + " received, " + newest[1].toFixed(1)
        + " sent now; the scale ends at " + top.toFixed(1);
      $("rates").replaceChildren(draw("polyline", { points: line(0) }),
        draw("polyline", { points: line(1), class: "sent" }));
      $("rates").setAttribute("aria-label", text);
      $("ratesNow").textContent = text;
    };
    const showLatency = (t) => {
      const total = t.lookups.reduce((sum, count) => sum + count, 0);
      const top = Math.max(1, ...t.lookups), width = 300 / Math.max(1, t.lookups.length);
      const shapes = [];
      t.lookups.forEach((count, place) => {
        const height = 66 * count / top;
        shapes.push(draw("rect", { x: place * width + 2, y: 76 - height, width: width - 4, height }));
        const bound = t.lookupBounds[place];
        const label = bound === undefined ? "more" : (place ? "" : "≤ ") + bound * 1000;
        shapes.push(draw("text", { x: (place + 0.5) * width, y: 87 }, label));
      });
      let seen = 0;
      const middle = t.lookups.findIndex((count) => (seen += count) * 2 >= total);
      const bound = t.lookupBounds[middle];
      const text = !total ? "No look-ups yet." : total + " look-ups, half of them "
        + (bound === undefined ? "longer than all bounds" : "within " + bound * 1000 + " ms");
      $("latency").replaceChildren(...shapes);
      $("latency").setAttribute("aria-label", text);
      $("latencyNow").textContent = text;
    };
    const showTable = (t) => {
      const refused = Object.entries(t.storesRefused).sort((one, other) => other[1] - one[1]);
      const total = refused.reduce((sum, [, count]) => sum + count, 0);
      $("table").replaceChildren(
        card("Contacts", t.answering, t.doubtful + " doubtful, " + t.silent + " silent"),
        card("Network", t.estimatedNodes ? "≈ " + t.estimatedNodes : "–", "nodes, by estimate"),
        card("Stores accepted", t.storesAccepted, "records of others"),
        card("Stores refused", total,
          refused.map(([reason, count]) => count + " "
            + reason.replace(/[A-Z]/g, (letter) => " " + letter.toLowerCase())).join(", ") || "none"),
        card("Cookies refused", t.cookiesRefused, "old or guessed"),
        card("Behind schedule", t.publishDelay ? span(t.publishDelay) : "no", "publishing"));
      showRates(t);
      showLatency(t);
    };

    """#
}
