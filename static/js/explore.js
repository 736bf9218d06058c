/* Exploring a trend: the library is fetched when somebody asks for it, from our own host. Without this script
   the drawing, the table and the file say the same. */
/* The library brings the style sheet of its maps, which our policy refuses and no chart needs; it leaves it
   out where an element of this name stands (tests/portal/test_vendored.py finds another one). */
const MAPS = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
const DAY = 86_400_000;
const DASHES = { pa: "6px,3px", ce: "2px,3px", th: "10px,3px,2px,3px", peer: "dot", all: "solid" };

const load = (address) =>
  new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    if (!document.getElementById(MAPS)) {
      const stands = document.createElement("meta");
      stands.id = MAPS;
      document.head.append(stands);
    }
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });

/* light-dark() is resolved only where a color is used, so a probe uses it. */
const colors = (near) => {
  const probe = document.createElement("span");
  near.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["ink", "ink-2", "ink-3", "line", "line-2", "pa", "ce", "th", "peer", "watch-fill", "surface"];
  const found = Object.fromEntries(names.map((name) => [name, read(name)]));
  found.sans = getComputedStyle(near).fontFamily;
  probe.remove();
  return found;
};

const traces = (figure, color) => [
  ...figure.lines.map((line, index) => ({
    type: "scatter",
    mode: "lines",
    name: line.name,
    x: figure.days,
    y: line.points,
    connectgaps: false,
    hovertemplate: "%{y:.2f}  " + line.name.replace(/[<>&]/g, " ") + "<extra></extra>",
    line: {
      color: line.mark === "all" ? color.ink : color[line.mark] ?? color.peer,
      width: index === 0 ? 2.5 : 1.75,
      dash: index === 0 ? "solid" : DASHES[line.mark] ?? "dot",
    },
  })),
  ...(figure.recomputed
    ? [{
        type: "scatter",
        mode: "lines",
        name: figure.recomputed.name,
        x: figure.recomputed.points.map(([day]) => day),
        y: figure.recomputed.points.map(([, value]) => value),
        connectgaps: false,
        hovertemplate: "%{y:.2f}  Under version " + figure.recomputed.version + "<extra></extra>",
        line: { color: color["ink-3"], width: 1.75, dash: "8px,3px" },
      }]
    : []),
  ...(figure.target.length
    ? [{
        type: "scatter",
        mode: "lines",
        name: "Target",
        x: figure.target.map(([day]) => day),
        y: figure.target.map(([, value]) => value),
        hovertemplate: "%{y:.1f}  Target<extra></extra>",
        line: { color: color["ink-2"], width: 1.75, dash: "4px,4px" },
      }]
    : []),
];

const layout = (figure, color) => {
  const axis = {
    gridcolor: color.line,
    zeroline: false,
    linecolor: color["line-2"],
    ticks: "",
    automargin: true,
    tickfont: { size: 12, color: color["ink-3"] },
  };
  return {
    font: { family: color.sans, size: 12, color: color["ink-2"] },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 28, r: 12, t: 30, b: 24 },
    showlegend: false,
    dragmode: "zoom",
    hovermode: "x unified",
    hoverlabel: { bgcolor: color.surface, bordercolor: color["line-2"], font: { size: 13, color: color.ink } },
    xaxis: { ...axis, type: "date", showgrid: false, hoverformat: "%-d %b %Y" },
    yaxis: { ...axis, nticks: 5, fixedrange: true, range: figure.range },
    shapes: [
      ...(figure.band
        ? [{
            type: "rect", xref: "paper", x0: 0, x1: 1, y0: figure.band.low, y1: figure.band.high,
            fillcolor: color["watch-fill"], opacity: 0.09, line: { width: 0 }, layer: "below",
          }]
        : []),
      ...figure.provisional.map(([first, last]) => ({
        type: "rect", yref: "paper", x0: first, x1: last, y0: 0, y1: 0.015,
        fillcolor: color["ink-3"], line: { width: 0 },
      })),
      ...pins(figure).map(({ day }) => ({
        type: "line", yref: "paper", x0: day, x1: day, y0: 0, y1: 1,
        line: { color: color["line-2"], width: 1, dash: "dot" },
      })),
    ],
    annotations: pins(figure).map(({ day, letter }) => ({
      x: day, yref: "paper", y: 1, yanchor: "bottom", text: letter, showarrow: false,
      font: { size: 11, color: color.ink },
    })),
  };
};

/* Events that share a letter share a pin. */
const pins = (figure) =>
  figure.events.filter((event, index, all) => all.findIndex((each) => each.letter === event.letter) === index);

const CONFIG = { displayModeBar: false, displaylogo: false, responsive: true, scrollZoom: false };

const explore = (place) => {
  const find = (name) => place.querySelector(`[data-${name}]`);
  const open = find("open");
  const canvas = find("canvas");
  const said = find("said");
  let figure;
  let whole;

  const draw = () => {
    const color = colors(place);
    return window.Plotly.react(canvas, traces(figure, color), layout(figure, color), CONFIG);
  };
  const range = () => canvas._fullLayout.xaxis.range.map((each) => new Date(`${each.replace(" ", "T")}Z`).getTime());
  const text = (time) => new Date(time).toISOString().slice(0, 10);
  const look = (first, last) => {
    const wide = Math.min(Math.max(last - first, 7 * DAY), whole[1] - whole[0]);
    const from = Math.min(Math.max((first + last - wide) / 2, whole[0]), whole[1] - wide);
    said.textContent = `From ${text(from)} to ${text(from + wide)}.`;
    return window.Plotly.relayout(canvas, { "xaxis.range": [text(from), text(from + wide)] });
  };

  open.hidden = false;
  open.addEventListener("click", async () => {
    open.setAttribute("aria-busy", "true");
    try {
      const [answer] = await Promise.all([
        fetch(place.dataset.url, { headers: { Accept: "application/json" } }),
        load(place.dataset.library),
      ]);
      if (!answer.ok) throw new Error(String(answer.status));
      figure = await answer.json();
      canvas.hidden = false;
      find("drawn").hidden = true;
      find("tools").hidden = false;
      await draw();
      whole = range();
      open.hidden = true;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", figure.label);
      said.textContent = "Drag over the chart to zoom in. Click a day to compare it with the last one.";
      find("zoom").focus();
      canvas.on("plotly_click", ({ points: [point] }) => {
        const from = document.querySelector("input[name='from']");
        if (!from) return;
        from.value = String(point.x).slice(0, 10);
        said.textContent = `${from.value} is ready to be compared.`;
        from.scrollIntoView({ block: "center" });
      });
      new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    } catch {
      said.textContent = "The chart could not be loaded. The numbers below are complete.";
    } finally {
      open.removeAttribute("aria-busy");
    }
  });
  place.addEventListener("click", ({ target }) => {
    if (!whole) return;
    const { zoom, pan } = target.dataset;
    const [first, last] = range();
    if (zoom) {
      const middle = (first + last) / 2;
      const half = ((last - first) * Number(zoom)) / 2;
      look(middle - half, middle + half);
    } else if (pan) {
      const by = (last - first) * Number(pan);
      look(first + by, last + by);
    } else if ("whole" in target.dataset) look(...whole);
  });
};

document.querySelectorAll("[data-explore]").forEach(explore);
