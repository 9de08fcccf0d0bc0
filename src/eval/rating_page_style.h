#pragma once

#include <string_view>

namespace mentor {

/// What the page that people rate on has beside the style of all pages.
inline constexpr std::string_view kRatingStyle = R"css(
.question { display: none; } .question.shown { display: block; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 14px; margin: 22px 0; }
.bar output { margin-left: auto; color: var(--quiet); font-variant-numeric: tabular-nums; }
.bar button, .bar input { font: inherit; padding: 7px 14px; border-radius: 6px; color: var(--ink);
                          border: 1px solid var(--rule); background: var(--raised); }
.bar button { cursor: pointer; } .bar button:disabled { opacity: .45; cursor: default; }
.bar .save { border-color: var(--train); color: var(--train); font-weight: 600; }
.asked { font-size: 18px; margin: 0 0 16px; }
.sides { display: grid; gap: 24px; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); }
.sides img { display: block; width: 100%; height: auto; border-radius: 3px; }
.sides figcaption { margin-top: 10px; font-size: 14px; color: var(--quiet); }
fieldset { display: grid; grid-template-columns: repeat(5, 1fr); gap: 6px; border: 0; padding: 0;
           margin: 0 0 16px; min-width: 0; }
legend { padding: 0; margin-bottom: 6px; font-size: 14px; color: var(--ink); }
legend small { display: block; font-size: 12.5px; color: var(--quiet); }
fieldset label { position: relative; padding: 7px 0; text-align: center; cursor: pointer;
                 color: var(--ink); border: 1px solid var(--rule); border-radius: 6px; }
fieldset input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
fieldset label:focus-within { border-color: var(--quiet); }
fieldset label:has(:checked) { border-color: var(--train); background: var(--train);
                               color: var(--page); font-weight: 600; }
)css";

inline constexpr std::string_view kRatingIntroduction = R"html(<p class="quiet">Each time you see a
reference, a text and one picture or two. Say for each picture, from 0 to 4, how much of the
reference's subject is in it (its place and pose may differ; where the reference is a style, judge
the style), and how much of the text. You can stop and come back: this browser remembers. At the end,
or whenever you like, save the file and send it to whoever asked you.</p>
<div class="bar"><button type="button" class="back">Back</button>
<button type="button" class="next">Next</button><output></output>
<input class="rater" placeholder="Your name" aria-label="Your name" maxlength="40"/>
<button type="button" class="save">Save</button></div>
)html";

/// Shows one question after another, remembers, and saves
/// {"rater": NAME, "methods": {SAMPLES: {KEY: [CP, PF]}}, "pictures": {SAMPLES: {KEY: SHA-256}}}.
inline constexpr std::string_view kRatingScript = R"js(
(() => {
  const find = selector => document.querySelector(selector);
  const questions = [...document.querySelectorAll(".question")];
  const inputs = [...document.querySelectorAll("fieldset input")];
  const methods = [...document.querySelectorAll("#methods li")].map(li => li.textContent);
  const groups = new Set(inputs.map(input => input.name)).size;
  const place = "mentor-rate " + find("#methods").dataset.id;
  const memory = (() => {
    try { return JSON.parse(localStorage.getItem(place)) || {}; } catch { return {}; }
  })();
  const scores = memory.scores || {}, rater = find(".rater");
  let at = memory.at || 0;
  rater.value = memory.rater || "";
  for (const input of inputs) input.checked = scores[input.name] === +input.value;
  const remember = () => {
    try { localStorage.setItem(place, JSON.stringify({ scores, at, rater: rater.value })); }
    catch { /* without storage the page works until it is closed */ }
  };
  const show = () => {
    questions.forEach((question, i) => question.classList.toggle("shown", i === at));
    find(".back").disabled = at === 0;
    find(".next").disabled = at === questions.length - 1;
    find("output").textContent = `${at + 1} of ${questions.length}, ` +
      `${Math.round(100 * Object.keys(scores).length / groups)} % rated`;
    remember();
  };
  const go = step => {
    at = Math.min(questions.length - 1, Math.max(0, at + step));
    show();
  };
  find(".back").onclick = () => go(-1);
  find(".next").onclick = () => go(1);
  rater.oninput = remember;
  for (const input of inputs) input.onchange = () => {
    scores[input.name] = +input.value;
    show();
  };
  find(".save").onclick = () => {
    if (!rater.value.trim()) { rater.focus(); return; }
    const saved = { rater: rater.value.trim(), methods: {}, pictures: {} };
    for (const name of methods) saved.methods[name] = {}, saved.pictures[name] = {};
    for (const [name, score] of Object.entries(scores)) {
      const [method, key, picture, task] = name.split("|");
      const pair = saved.methods[methods[method]][key] ??= [null, null];
      pair[task] = score;
      saved.pictures[methods[method]][key] = picture;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(saved, null, 1)]));
    link.download = "ratings of " + saved.rater.replace(/[^\p{L}\p{N}]+/gu, "_") + ".json";
    link.click();
  };
  show();
})();
)js";

}  // namespace mentor
