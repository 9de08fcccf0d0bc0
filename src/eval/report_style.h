#pragma once

#include <string_view>

namespace mentor {

/// What the report of an evaluation has beside the style of all pages.
inline constexpr std::string_view kEvaluationStyle = R"css(
.wide { overflow-x: auto; }
.scores { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
.wide .scores { width: 100%; }
.scores + .scores { margin-top: 28px; }
.scores th { text-align: left; font-weight: 400; }
.scores thead th { color: var(--quiet); font-size: 13px; text-align: right; padding-bottom: 2px; }
.scores thead th:first-child { text-align: left; }
.scores thead [colspan] { text-align: center; }
.scores th, .scores td { padding: 5px 0 5px 14px; vertical-align: top; }
.scores th:first-child, .scores .source td { padding-left: 0; }
.scores td { text-align: right; }
.scores tbody tr { border-top: 1px solid var(--rule); }
.scores .total { font-weight: 600; padding-right: 10px; }
.scores small { display: block; font-weight: 400; font-size: 12px; line-height: 1.35;
                color: var(--quiet); }
.ours { background: var(--raised); }
.ours > * { font-weight: 600; }
.scores .source td { text-align: left; padding-top: 20px; font-size: 13px; color: var(--quiet); }
.source div { display: inline-block; position: sticky; left: 0; max-width: min(100%, 88vw); }
.source b { color: var(--ink); font-weight: 600; margin-right: 6px; }
.why { margin: 0; padding-left: 20px; }

.plane { position: relative; height: 520px; margin: 12px 30px 34px 36px;
         border: solid var(--rule); border-width: 0 0 1px 1px; }
.plane svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.plane > span { position: absolute; font-size: 12px; line-height: 15px; color: var(--quiet);
                white-space: nowrap; font-variant-numeric: tabular-nums; }
.plane .y { right: calc(100% + 8px); transform: translateY(-50%); }
.plane .x { top: calc(100% + 8px); transform: translateX(-50%); }
.plane .equal { bottom: 100%; transform: translateX(-50%); font-size: 11px; opacity: .75; }
.plane .label { color: var(--ink); }
.label i { display: none; font-style: normal; } .label b { font-weight: 400; }
.label.our b { font-weight: 650; color: var(--valid); }
.label.right { transform: translate(8px, -50%); } .label.below { transform: translate(-50%, 8px); }
.label.left { transform: translate(calc(-100% - 8px), -50%); }
.label.above { transform: translate(-50%, calc(-100% - 8px)); }
.scatter ol { display: none; }
.scatter figcaption { font-size: 13px; color: var(--quiet); }
.scatter figcaption span { white-space: nowrap; margin: 0 8px; }
.scatter figcaption span::before { content: ""; display: inline-block; width: 8px; height: 8px;
                                   margin-right: 5px; border-radius: 50%; background: var(--line); }
.our { --line: var(--valid); } .board { --line: var(--train); } .paper { --line: var(--good); }
.scatter .dots { stroke-width: 8; } .scatter .dots.our { stroke-width: 11; }

.heats { columns: 2 420px; column-gap: 36px; margin-top: 18px; }
.heat { border-collapse: separate; border-spacing: 1px; width: 100%; font-size: 10.5px;
        margin-bottom: 26px; table-layout: fixed; break-inside: avoid; }
.heat caption { text-align: left; font-size: 14px; font-weight: 600; padding-bottom: 4px; }
.heat th { font-weight: 400; color: var(--quiet); text-align: left; overflow: hidden;
           white-space: nowrap; text-overflow: ellipsis; }
.heat thead th:first-child, .heat tbody th { width: 26%; }
.heat tbody th { font-size: 12px; padding-right: 6px; }
.heat th a { color: var(--ink); text-decoration: none; }
.heat th a:hover { text-decoration: underline; }
.heat td { text-align: center; height: 19px; letter-spacing: -.03em; padding: 0; border-radius: 2px; overflow: hidden;
           background: color-mix(in srgb, var(--train) var(--share, 0%), var(--page)); }
.heat .gap { width: 3%; }
.heat .none { color: var(--bad); }
.h0 { --share: 3%; } .h1 { --share: 9%; } .h2 { --share: 16%; } .h3 { --share: 25%; }
.h4 { --share: 35%; } .h5 { --share: 48%; } .h6 { --share: 62%; } .h7 { --share: 80%; }
.h8 { --share: 100%; } .h7, .h8 { color: var(--page); }

.gallery > details:not(:last-of-type) { border-bottom: 0; }
.shots { display: grid; gap: 18px 16px; padding: 4px 0 22px;
         grid-template-columns: repeat(auto-fill, minmax(min(168px, 44%), 1fr)); }
.shot { aspect-ratio: 1; border: 1px solid transparent; background: border-box padding-box;
        background-image: var(--strip);  /* the border hides what the neighbours blend in */
        background-size: calc(100% * (var(--of) + 1)) 100%;
        background-position: calc(100% * var(--at) / var(--of)) 0; }
.shots figcaption { margin-top: 6px; font-size: 12.5px; line-height: 1.4; overflow-wrap: anywhere; }
.shots figcaption b { display: block; font-weight: 600; font-variant-numeric: tabular-nums; }
.shots figcaption small { display: block; color: var(--quiet); font-variant-numeric: tabular-nums; }
.shots details { border: 0; } .shots summary { padding: 2px 0; font-weight: 400; }
.shots details, .shots summary { color: var(--quiet); }
.shots details p { white-space: pre-line; }

@media (max-width: 560px) {
  .plane { height: 360px; margin-right: 6px; margin-left: 26px; }
  .label i { display: inline; } .plane .label b { display: none; }
  .scatter ol { display: block; columns: 2; column-gap: 28px; margin: 0 0 12px; padding-left: 24px; font-size: 13px; }
  .scores th:first-child { position: sticky; left: 0; background: var(--page); max-width: 132px; }
  .heat { border-spacing: .5px; font-size: 8.5px; } .heat td { height: 17px; }
}
@media print {
  .scores { font-size: 9pt; }
  .wide { overflow: visible; }
  .heats { columns: 2; }
}
)css";

}  // namespace mentor
