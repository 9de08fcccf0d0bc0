#pragma once

#include <string_view>

namespace mentor {

/// Style sheet of all pages. Charts take their colours from it, so dark mode costs nothing.
inline constexpr std::string_view kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --ink: #1d2025; --quiet: #6a7078; --rule: #e6e6e2; --raised: #ffffff;
  --train: #2563a8; --valid: #c2570c; --good: #2e7d4f; --caution: #a86a00; --bad: #c0322b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --ink: #e5e5e2; --quiet: #989ea7; --rule: #2c2f35; --raised: #1d2024;
    --train: #6fa8e6; --valid: #e8985a; --good: #6cc08e; --caution: #dcab52; --bad: #ef7a72;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 1080px; margin: 0 auto; padding: 44px 28px 72px; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -.015em;
     overflow-wrap: anywhere; }
h2 { margin: 52px 0 16px; font-size: 19px; font-weight: 650; letter-spacing: -.01em; }
p { margin: 6px 0; }
.quiet, .unit { color: var(--quiet); }
.state { display: flex; flex-wrap: wrap; gap: 2px 18px; margin-top: 8px; color: var(--quiet); }
.state b { color: var(--tone); font-weight: 600; }
.state b::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px;
                   border-radius: 50%; background: var(--tone); }
.running { --tone: var(--train); } .finished { --tone: var(--good); }
.interrupted { --tone: var(--caution); } .failed { --tone: var(--bad); }
.progress { height: 4px; margin-top: 16px; border-radius: 2px; background: var(--rule); }
.progress div { height: 100%; border-radius: 2px; background: var(--tone); }
.message { margin-top: 16px; padding: 10px 14px; border-left: 3px solid var(--tone);
           background: var(--raised); white-space: pre-wrap; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(108px, 1fr));
           gap: 20px 24px; margin: 32px 0 0; padding: 22px 0 20px;
           border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
.figures div { display: flex; flex-direction: column; }
.figures dt { color: var(--quiet); font-size: 13px; }
.figures dd { margin: 0; font-size: 26px; line-height: 1.3; font-weight: 600;
              letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.figures dd + dd { font-size: 13px; font-weight: 400; letter-spacing: 0; color: var(--quiet); }

.charts { display: grid; gap: 34px 36px;
          grid-template-columns: repeat(auto-fill, minmax(min(290px, 100%), 1fr)); }
figure { display: flow-root; margin: 0; break-inside: avoid; min-width: 0; }
.chart figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 7px;
                    margin-bottom: 10px; font-size: 14px; }
.chart b { font-weight: 600; }
.charts figcaption { flex-wrap: nowrap; white-space: nowrap; }
.charts .unit, .charts b { overflow: hidden; text-overflow: ellipsis; }
.latest { margin-left: auto; font-variant-numeric: tabular-nums; font-weight: 600; }
.unit, .key { font-size: 13px; }
.key { display: flex; flex-wrap: wrap; gap: 0 16px; margin-left: auto; color: var(--quiet); }
.key span::before { content: ""; display: inline-block; width: 16px; margin: 0 6px 4px 0;
                    border-top: 2px solid var(--line); }
.plot { position: relative; height: 132px; margin: 0 0 26px 44px; touch-action: pan-y; }
.tall .plot { height: 320px; }
.plot svg { position: absolute; inset: 0; width: 100%; height: 100%;
            overflow: visible; clip-path: inset(0 -5px -5px); }  /* dots at the border are whole */
.plot > span { position: absolute; font-size: 12px; line-height: 1; color: var(--quiet);
             font-variant-numeric: tabular-nums; white-space: nowrap; }
.plot .y { right: calc(100% + 9px); transform: translateY(-50%); }
.plot .x { top: calc(100% + 9px); transform: translateX(-50%); }
path { fill: none; vector-effect: non-scaling-stroke; }
.grid { stroke: var(--rule); stroke-width: 1; }
.line { stroke: var(--line); stroke-width: 1.75; stroke-linejoin: round; }
.dots { stroke: var(--line); stroke-width: 5; stroke-linecap: round; }
.train { --line: var(--train); } .valid { --line: var(--valid); }
.faint { --line: color-mix(in srgb, var(--train) 38%, var(--page)); }
.line.faint { stroke-width: 1; }
.mark { stroke-width: 1; stroke: var(--quiet); }
.mark.resumed { stroke-dasharray: 3 3; }
.charts .mark { opacity: .5; } .charts .checkpoint { display: none; }
.mark.skipped_step { stroke: var(--bad); stroke-width: 1.5; }
.mark.warning { stroke: var(--caution); stroke-width: 1.5; }
.marks { margin: 4px 0 0 44px; font-size: 13px; color: var(--quiet); }
.marks svg { width: 9px; height: 12px; margin: 0 5px -1px 0; }
.marks span { margin-right: 18px; white-space: nowrap; }
.cross { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--quiet); opacity: .6;
         pointer-events: none; }
.tip { position: absolute; z-index: 1; top: 6px; padding: 7px 10px; border-radius: 6px;
       background: var(--raised); box-shadow: 0 0 0 1px var(--rule), 0 4px 14px rgb(0 0 0 / .12);
       font-size: 12.5px; line-height: 1.55; white-space: nowrap; pointer-events: none;
       font-variant-numeric: tabular-nums; }
.tip div { display: flex; gap: 8px; }
.tip span { margin-left: auto; padding-left: 14px; }
.tip div::before { content: ""; flex: none; align-self: center; width: 10px;
                   border-top: 2px solid var(--line, transparent); }
.tip div.step { font-weight: 600; } .tip div.step::before, .tip div.event::before { display: none; }
.tip div.event { color: var(--quiet); display: block; max-width: 230px; white-space: normal; }

.pictures { display: grid; gap: 30px 28px;
            grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); }
.pictures figure:first-child { grid-column: 1 / -1; }
.pictures figcaption { margin-bottom: 8px; font-size: 14px; }
.pictures img { display: block; width: 100%; height: auto; border-radius: 3px;
                background: #fff; box-shadow: 0 0 0 1px var(--rule); }
.pictures ol { margin: 10px 0 0; padding-left: 22px; font-size: 13px; color: var(--quiet);
               columns: 2 320px; column-gap: 32px; overflow-wrap: anywhere; }
.cases { display: grid; gap: 26px 30px;
         grid-template-columns: repeat(auto-fill, minmax(min(480px, 100%), 1fr)); }
.case { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 8px;
        break-inside: avoid; }
.case p { grid-column: 1 / -1; margin: 0; }
.case figcaption { margin-top: 5px; font-size: 12px; line-height: 1.35; color: var(--quiet); }
.case b { color: var(--ink); }
img.pixels { display: block; width: 100%; height: auto; image-rendering: pixelated;
             border-radius: 3px; box-shadow: 0 0 0 1px var(--rule); }
.numbers { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.numbers th { font-weight: 400; font-size: 13px; color: var(--quiet); }
.numbers th, .numbers td { padding: 4px 0 4px 26px; text-align: right;
                           border-bottom: 1px solid var(--rule); }
.numbers th:first-child, .numbers td:first-child { padding-left: 0; text-align: left; }
h2 a { color: inherit; }
details { border-top: 1px solid var(--rule); }
details:last-of-type { border-bottom: 1px solid var(--rule); }
summary { padding: 11px 2px; cursor: pointer; font-weight: 600; }
summary span { font-weight: 400; color: var(--quiet); }
pre, .events { margin: 0 0 16px; font: 12.5px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas,
               "DejaVu Sans Mono", monospace; }
pre { padding: 14px 16px; overflow-x: auto; border-radius: 6px; background: var(--raised);
      box-shadow: 0 0 0 1px var(--rule); tab-size: 2; }
.events { width: 100%; border-collapse: collapse; }
.events td { padding: 3px 20px 3px 0; vertical-align: top; overflow-wrap: anywhere; }
.events td:first-child { width: 1%; white-space: nowrap; text-align: right;
                         font-variant-numeric: tabular-nums; }
.events td:nth-child(2) { width: 1%; white-space: nowrap; color: var(--quiet); }
footer { margin-top: 28px; font-size: 13px; color: var(--quiet); }

@media (max-width: 560px) {
  main { padding: 26px 18px 48px; }
  h1 { font-size: 25px; }
  h2 { margin-top: 40px; }
  .tall .plot { height: 230px; }
  .figures { grid-template-columns: 1fr 1fr; gap: 16px 20px; }
  .figures dd { font-size: 22px; }
  .key { width: 100%; margin: 2px 0 0; }
  .pictures ol { columns: auto; }
}
@media print {
  :root {
    --page: #fff; --ink: #000; --quiet: #555; --rule: #ddd; --raised: #fff;
    --train: #2563a8; --valid: #c2570c; --good: #2e7d4f; --caution: #a86a00; --bad: #c0322b;
  }
  body { font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0 14px; }
  h2 { break-after: avoid; margin-top: 28px; }
  pre { white-space: pre-wrap; }
}
)css";

/// The values under the pointer. Everything else on the page works without it.
inline constexpr std::string_view kPageScript = R"js(
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const number = v => Math.abs(v) >= 1e5 ? Math.round(v).toLocaleString("en") :
    v !== 0 && Math.abs(v) < 1e-3 ? v.toExponential(2) : String(+v.toPrecision(5));
  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) { const mid = (low + high) >> 1; xs[mid] < x ? low = mid : high = mid; }
    return x - xs[low] < xs[high] - x ? low : high;
  };
  const element = (parent, name, text) => {
    const made = parent.appendChild(document.createElement("div"));
    made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  document.querySelectorAll(".plot").forEach((plot, index) => {
    const { unit, steps: [first, last], marks, series } = charts[index];
    let cross, tip;
    const hide = () => { cross?.remove(); tip?.remove(); cross = tip = undefined; };
    const show = event => {
      const box = plot.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      const x = first + share * (last - first);
      const shown = series.filter(s => s.x.length);
      if (!shown.length) return;
      const step = shown[0].x[nearest(shown[0].x, x)];
      hide();
      cross = element(plot, "cross");
      cross.style.left = 100 * (step - first) / (last - first) + "%";
      tip = element(plot, "tip");
      element(tip, "step", "step " + step.toLocaleString("en"));
      for (const s of shown) {
        const i = nearest(s.x, step), row = element(tip, s.style);
        const far = Math.abs(s.x[i] - step) > .02 * (last - first);
        row.append(s.name, document.createElement("span"));
        row.lastChild.textContent = far ? "–" : number(s.y[i]) + (unit.startsWith("%") ? " %" : "");
      }
      for (const [at, text] of marks) {
        if (Math.abs(at - x) * box.width < 5 * (last - first)) element(tip, "event", text);
      }
      const place = share * box.width;
      if (share > .55) tip.style.right = box.width - place + 12 + "px";
      else tip.style.left = place + 12 + "px";
    };
    plot.addEventListener("pointermove", show);
    plot.addEventListener("pointerdown", show);
    plot.addEventListener("pointerleave", hide);
  });
})();
)js";

}  // namespace mentor
