"use strict";
// One session: its cells by class, what is done to them, and the differential that follows.
const $ = (id) => document.getElementById(id);
const page = JSON.parse($("data").textContent);
const token = document.querySelector("meta[name=token]").content;
const ABNORMAL = page.asking.filter((label) => label !== "unidentified");
let state = page;
let selected = new Set();
let focused = null; // the cell that the keys start from
let undo = []; // what this page did: lists of {cell, before, after}
let looking = new Set(); // cells that were seen large and are being told to the server
const nodes = new Map(); // cell number -> its button in the gallery

const words = (label) => label.replaceAll("_", " ");
const cellOf = (id) => state.cells.find((cell) => cell.id === id);
const standing = (cell) => (cell.removed ? "" : cell.label);
const locked = () => state.state === "signed" || !page.may_change;

function tell(sentence, where = "told") {
  $(where).textContent = sentence;
  $(where).hidden = !sentence;
}
function speak(sentence) { $("spoken").textContent = sentence; }

async function sent(address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", "x-token": token },
      body: JSON.stringify(body),
    });
  } catch {
    return { refused: { code: "unreachable", message: "leuko-edge cannot be reached: nothing was changed, as far as this page knows; it asks again by itself" } };
  }
  const said = await answer.json().catch(() => ({ code: "error", message: `the server answered ${answer.status}` }));
  return answer.ok ? { answer: said } : { refused: said };
}

async function post(word, body) {
  const { answer, refused } = await sent(`/sessions/${page.id}/${word}`, body);
  if (answer) take(answer);
  return refused || null;
}

async function poll() {
  const answer = await fetch(`/sessions/${page.id}/state?since=${state.revision}`).catch(() => null);
  if (answer && answer.status === 200 && !answer.redirected) take(await answer.json());
}
setInterval(() => document.hidden || poll(), 1500);

// --- changes ---------------------------------------------------------------------------------------------------------

async function change(changes, back = false) {
  changes = changes.filter((one) => one.before !== one.after);
  if (!changes.length) return;
  if (locked()) return tell(state.state === "signed" ? "This session is signed; amend it to change it." : "You may look, not change.");
  const refused = await post("change", { changes, undo: back });
  if (refused) {
    tell(refused.message);
    await poll();
    return;
  }
  tell("");
  if (!back) undo.push(changes);
  const one = changes[0];
  speak(`${changes.length === 1 ? `cell ${one.cell}` : `${changes.length} cells`}: ${one.after ? words(one.after) : "taken out"}`);
}

function into(label) {
  const ids = selected.size ? [...selected] : focused ? [focused] : [];
  if (!ids.length) return tell("Select a cell first.");
  const next = neighbour(1, ids);
  const seen = ids.map(cellOf).filter(Boolean);
  selected = new Set();
  focus(next, false);
  return change(seen.map((cell) => ({ cell: cell.id, before: standing(cell), after: label })));
}

function takeBack() {
  const last = undo.pop();
  if (!last) return tell("There is nothing of yours to undo.");
  return change(last.map((one) => ({ cell: one.cell, before: one.after, after: one.before })), true);
}

function look(id) {
  const cell = cellOf(id);
  if (!cell || !cell.asks || locked() || looking.has(id)) return;
  looking.add(id);
  post("look", { cells: [id] }).then((refused) => {
    looking.delete(id);
    if (refused) tell(refused.message);
  });
}

// --- gallery ---------------------------------------------------------------------------------------------------------

function shown() {
  const filter = $("filter").value;
  const fits = {
    "": (cell) => !cell.removed,
    asks: (cell) => cell.asks || cell.id === focused && !cell.removed,
    unidentified: (cell) => !cell.removed && cell.label === "unidentified",
    abnormal: (cell) => !cell.removed && ABNORMAL.includes(cell.label),
    changed: (cell) => !cell.removed && (cell.by || cell.added),
    removed: (cell) => cell.removed,
  }[filter];
  return state.cells.filter(fits);
}

// By class in the order of the keys, what asks for a person first; within a class the most doubtful first.
function groups() {
  const order = [...page.asking, ...Object.keys(page.keys).filter((label) => !page.asking.includes(label))];
  const found = new Map(order.map((label) => [label, []]));
  for (const cell of shown()) found.get(cell.label).push(cell);
  for (const cells of found.values()) {
    cells.sort((a, b) => Boolean(a.by) - Boolean(b.by) || a.confidence - b.confidence || a.id - b.id);
  }
  return [...found].filter(([, cells]) => cells.length);
}

function caption(cell) {
  if (cell.by) return `by ${cell.by}`;
  const percent = `${Math.floor(cell.confidence * 100)} %`;
  const second = cell.guesses[1];
  return second ? `${percent} · ${words(second[0])} ${Math.round(second[1] * 100)} %` : percent;
}

function button(cell) {
  let node = nodes.get(cell.id);
  if (!node) {
    node = document.createElement("button");
    node.className = "cell";
    node.dataset.cell = cell.id;
    const image = document.createElement("img");
    image.alt = "";
    image.draggable = false;
    image.loading = "lazy"; // of 200 cells those in view first
    const text = document.createElement("span");
    node.append(image, text);
    node.addEventListener("pointerdown", (event) => Drag.begin(event, image, {
      drop: (label) => {
        if (!selected.has(cell.id)) selected = new Set([cell.id]);
        focused = cell.id;
        into(label);
      },
      hold: () => openField(cell.id),
    }));
    node.addEventListener("contextmenu", (event) => event.preventDefault()); // what holding a finger opens elsewhere
    node.addEventListener("click", (event) => { if (!Drag.moved && !Drag.held) choose(cell.id, event); });
    node.addEventListener("focus", () => { if (focused !== cell.id) focus(cell.id, false); });
    node.addEventListener("dblclick", () => openField(cell.id));
    nodes.set(cell.id, node);
  }
  const source = `/sessions/${page.id}/cells/${cell.id}.png?v=${cell.views}`;
  const image = node.firstChild;
  if (image.getAttribute("src") !== source) image.setAttribute("src", source);
  node.lastChild.textContent = caption(cell);
  node.classList.toggle("asks", cell.asks);
  node.classList.toggle("removed", cell.removed);
  node.classList.toggle("by-hand", Boolean(cell.by));
  node.setAttribute("aria-label", `cell ${cell.id}, ${words(cell.label)}, ${caption(cell)}${cell.asks ? ", must be looked at" : ""}`);
  return node;
}

function drawCells() {
  const sections = groups().map(([label, cells]) => {
    const section = document.createElement("section");
    section.dataset.class = label;
    section.className = "group";
    const heading = document.createElement("h2");
    heading.className = `c-${label}`;
    heading.textContent = `${words(label)} (${cells.length})`;
    const grid = document.createElement("div");
    grid.className = "grid";
    grid.append(...cells.map(button));
    section.append(heading, grid);
    return section;
  });
  const had = document.activeElement && document.activeElement.classList.contains("cell");
  $("cells").replaceChildren(...sections);
  if (!sections.length) $("cells").textContent = $("filter").value === "asks" ? "Every cell that must be looked at has been." : "No cell.";
  if (had && nodes.has(focused)) nodes.get(focused).focus({ preventScroll: true });
}

function mark() {
  for (const [id, node] of nodes) {
    node.classList.toggle("selected", selected.has(id));
    node.setAttribute("aria-pressed", String(selected.has(id)));
    node.classList.toggle("focused", id === focused);
    node.tabIndex = id === focused ? 0 : -1;
  }
  if (!nodes.has(focused) || !nodes.get(focused).isConnected) {
    const first = document.querySelector("#cells .cell");
    if (first) first.tabIndex = 0;
  }
  document.querySelectorAll("#view .outline").forEach((one) => one.classList.toggle("selected", selected.has(Number(one.dataset.cell)) || Number(one.dataset.cell) === focused));
}

function choose(id, event) {
  if (event && (event.ctrlKey || event.metaKey)) {
    if (selected.has(id)) selected.delete(id); else selected.add(id);
  } else if (event && event.shiftKey && focused) {
    const order = sequence(), from = order.indexOf(focused), to = order.indexOf(id);
    if (from >= 0 && to >= 0) order.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((one) => selected.add(one));
  } else selected = new Set([id]);
  focus(id, true);
}

// The cells as they stand on the page, from the first to the last.
const sequence = () => [...document.querySelectorAll("#cells .cell")].map((node) => Number(node.dataset.cell));

function neighbour(step, without = []) {
  const order = sequence();
  let at = order.indexOf(without.length ? without[without.length - 1] : focused);
  if (at < 0) return order[0] ?? null;
  do at += step; while (without.includes(order[at]));
  return order[at] ?? order.filter((id) => !without.includes(id)).at(-1) ?? null;
}

function above(direction) {
  const here = nodes.get(focused);
  if (!here || !here.isConnected) return sequence()[0] ?? null;
  const box = here.getBoundingClientRect();
  let best = null, least = Infinity;
  for (const id of sequence()) {
    const other = nodes.get(id).getBoundingClientRect();
    const down = (other.top - box.top) * direction;
    if (down < box.height / 2) continue;
    const distance = down * 10 + Math.abs(other.left - box.left);
    if (distance < least) [best, least] = [id, distance];
  }
  return best ?? focused;
}

function focus(id, grab = true) {
  focused = id;
  mark();
  drawDetail();
  if (!id) return;
  const node = nodes.get(id);
  if (grab && node && node.isConnected && !$("cells").hidden) node.focus();
  look(id);
}

// --- the selected cell -----------------------------------------------------------------------------------------------

function drawDetail() {
  const cell = focused && cellOf(focused);
  const detail = $("detail");
  if (!cell) {
    detail.replaceChildren(Object.assign(document.createElement("p"), { textContent: "Click a cell, or walk with the arrow keys. A key or a drag puts it into another class." }));
    return;
  }
  const image = Object.assign(document.createElement("img"), { src: `/sessions/${page.id}/cells/${cell.id}.png?v=${cell.views}`, alt: `cell ${cell.id}` });
  const text = document.createElement("div");
  const head = Object.assign(document.createElement("strong"), { textContent: `#${cell.id} ${cell.removed ? "taken out" : words(cell.label)}` });
  const who = Object.assign(document.createElement("p"), { textContent: cell.by ? `by ${cell.by}; the model said ${words(cell.model)}` : "by the model" });
  const list = document.createElement("ul");
  for (const [label, share] of cell.guesses) {
    const item = document.createElement("li");
    const bar = Object.assign(document.createElement("meter"), { value: share, max: 1 });
    item.append(bar, ` ${words(label)} ${Math.round(share * 100)} %`);
    list.append(item);
  }
  const open = Object.assign(document.createElement("button"), { textContent: "In its picture" });
  open.addEventListener("click", () => openField(cell.id));
  text.append(head, who, list, open);
  const references = document.createElement("p");
  references.className = "references";
  detail.replaceChildren(image, text, references);
  reference(cell.label, references);
}

const known = new Map(); // class -> cells of signed sessions, asked for once
async function reference(label, where) {
  if (!known.has(label)) known.set(label, fetch(`/reference/${label}`).then((answer) => answer.json()).catch(() => []));
  const cells = (await known.get(label)).filter(([session]) => session !== page.id);
  if (!cells.length) {
    if (label === "unidentified") return;
    where.append("Drawn: ", Object.assign(document.createElement("img"), { className: "drawn", src: `/static/reference/${label}.png`, alt: `four drawn cells: ${words(label)}` }));
    return;
  }
  where.append(`Signed as ${words(label)} here: `);
  for (const [session, cell] of cells.slice(0, 5)) {
    where.append(Object.assign(document.createElement("img"), { src: `/sessions/${session}/cells/${cell}.png`, alt: `cell ${cell} of session ${session}` }));
  }
}

// --- differential and signature --------------------------------------------------------------------------------------

const number = (value, digits = 1) => (value === null ? "–" : value.toFixed(digits));

function drawDifferential() {
  const now = state.differential, before = state.before;
  $("counted").textContent = `${now.counted} white cells counted (before review ${before.counted})`;
  const rows = Object.entries(now.classes).map(([label, share]) => {
    const row = document.createElement("tr");
    const old = before.classes[label];
    const cells = [words(label), share.count, number(share.percent), `${number(share.ci95[0])}–${number(share.ci95[1])}`,
      share.reference ? share.reference.join("–") : "–", share.flag || "–", old ? `${number(old.percent)}` : "–"];
    cells.forEach((value, n) => {
      const part = document.createElement(n ? "td" : "th");
      if (!n) part.scope = "row";
      part.textContent = value;
      row.append(part);
    });
    row.dataset.label = label;
    row.children[5].className = `flag ${(share.flag || "").replace("?", " maybe")}`;
    if (old && old.count !== share.count) row.children[6].className = "differs";
    return row;
  });
  $("differential").tBodies[0].replaceChildren(...rows);
  const beside = [`nRBC per 100 WBC ${number(now.nrbc_per_100_wbc)}`, `unidentified ${now.unidentified}`];
  if (now.smudges_per_100_wbc) beside.push(`smudge cells per 100 WBC ${number(now.smudges_per_100_wbc)}`);
  beside.push(...Object.entries(now.excluded).map(([label, count]) => `${words(label)} ${count}`));
  $("beside").textContent = beside.join(" · ");
  $("warnings").replaceChildren(...state.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  for (const one of document.querySelectorAll("#palette button")) {
    const count = state.cells.filter((cell) => standing(cell) === one.dataset.class).length;
    one.querySelector(".count").textContent = count || "";
  }
}

function unseenLink(id) {
  const link = Object.assign(document.createElement("a"), { href: "#", id, textContent: `${state.unseen.length} unidentified or abnormal ${state.unseen.length === 1 ? "cell" : "cells"} still to look at` });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    $("sign-dialog").close();
    $("filter").value = "asks";
    tab("cells");
    const first = groups()[0]?.[1][0]; // as it stands on the page: by class, the most doubtful first
    draw();
    if (first) choose(first.id);
  });
  return link;
}

const STATES = { open: "counting, or to resume", closed: "to review", signed: "signed" };

function drawSignature() {
  $("state").textContent = state.amendment !== null ? `being amended: ${state.amendment}` : state.awaits_second ? "signed, waits for a second signature" : STATES[state.state];
  $("state").className = `state ${state.state}`;
  $("unseen").replaceChildren();
  if (state.unseen.length && state.state !== "signed") $("unseen").append(unseenLink("show-unseen"));
  $("signatures").replaceChildren(...state.signatures.map((one) => Object.assign(document.createElement("li"), { textContent: `version ${one.version}, signed by ${one.by || "nobody named"} at ${new Date(one.at).toLocaleString()}${one.second_by ? ` and by ${one.second_by} at ${new Date(one.second_at).toLocaleString()}` : ""}${one.reason ? `: ${one.reason}` : ""}` })));
  $("teach").textContent = page.may_teach ? "" : state.teach; // whoever has the button needs no command
  $("teach-button").hidden = !page.may_teach || !state.teachable;
  $("sign").hidden = state.state === "signed" || !page.may_change;
  $("countersign").hidden = !state.awaits_second || !page.may_change;
  $("amend").hidden = state.state !== "signed" || !page.may_amend;
  for (const id of ["sample", "operator"]) {
    $(id).disabled = locked();
    if (document.activeElement !== $(id)) $(id).value = state[id];
  }
  for (const id of ["undo", "remove", "missed"]) $(id).disabled = locked();
}

function drawHistory() {
  if ($("history").hidden) return;
  $("events").replaceChildren(...[...state.events].reverse().map((one) => {
    const what = one.before !== null || one.after !== null ? ` ${words(one.before || "–")} → ${words(one.after || "–")}` : "";
    const text = `${new Date(one.at).toLocaleString()} · ${one.who || "operator"} · ${one.kind}${one.cell ? ` cell ${one.cell}` : ""}${what}${one.text ? ` (${one.text})` : ""}`;
    return Object.assign(document.createElement("li"), { textContent: text });
  }));
}

function knownName() {
  const name = $("name"); // absent where people log in
  return name ? name.value || state.operator : document.querySelector(".who span").textContent;
}

function askToSign() {
  tell("", "sign-told");
  $("sign-second").hidden = !state.awaits_second;
  $("signer").value = knownName();
  $("sign-dialog").showModal();
  $("signer").focus();
}
for (const id of ["sign", "countersign"]) $(id).addEventListener("click", askToSign);
$("sign-dialog").addEventListener("submit", async (event) => {
  if (event.submitter.value === "cancel") return;
  event.preventDefault();
  if (!(await saveName($("signer").value))) return tell("A signature needs a name.", "sign-told");
  const refused = await post(state.awaits_second ? "countersign" : "sign", {});
  if (refused) {
    tell(refused.message, "sign-told");
    await poll();
    if (refused.code === "unseen") $("sign-told").append(" ", unseenLink("show-unseen-now"));
    return;
  }
  $("sign-dialog").close();
  undo = [];
  speak("signed");
});
$("teach-button").addEventListener("click", () => {
  tell("", "teach-told");
  $("teach-lines").replaceChildren();
  $("teach-what").textContent = `You named ${state.teachable} cells in this session of classes with enough of them.`;
  $("teach-site").value ||= page.site;
  $("teacher").value = knownName();
  $("teach-dialog").showModal();
});
$("teach-dialog").addEventListener("submit", async (event) => {
  if (event.submitter.value === "cancel") return;
  event.preventDefault();
  tell("", "teach-told");
  if (!(await saveName($("teacher").value))) return tell("Who teaches it needs a name.", "teach-told");
  $("teach-now").disabled = true;
  $("teach-lines").replaceChildren(Object.assign(document.createElement("li"), { textContent: "learning: some seconds …" }));
  const { answer, refused } = await sent(`/sessions/${page.id}/teach`, { site: $("teach-site").value });
  $("teach-now").disabled = false;
  $("teach-lines").replaceChildren(...(answer ? answer.lines : []).map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  tell(refused ? refused.message : "", "teach-told");
});
$("amend").addEventListener("click", () => { tell("", "amend-told"); $("reason").value = ""; $("amend-dialog").showModal(); });
$("amend-dialog").addEventListener("submit", async (event) => {
  if (event.submitter.value === "cancel") return;
  event.preventDefault();
  const refused = await post("amend", { reason: $("reason").value });
  if (refused) return tell(refused.message, "amend-told");
  $("amend-dialog").close();
});

async function saveName(name) {
  if (!$("name")) return true; // logged in: the name is known
  if (!name.trim()) return false;
  const answer = await fetch("/name", { method: "POST", headers: { "x-token": token }, body: JSON.stringify({ name }) }).catch(() => null);
  if (answer && answer.ok) $("name").value = name.trim();
  return Boolean(answer && answer.ok);
}
if ($("name-form")) {
  $("name-form").addEventListener("submit", (event) => { event.preventDefault(); saveName($("name").value); });
  $("name").addEventListener("change", () => saveName($("name").value));
}
async function identify(event) {
  event.preventDefault();
  const refused = await post("identify", { sample: $("sample").value, operator: $("operator").value });
  tell(refused ? refused.message : "");
}
$("identity").addEventListener("submit", identify);
$("identity").addEventListener("change", identify);

// --- the picture -----------------------------------------------------------------------------------------------------

const field = new FieldView(page.id, $("view"), {
  selected: () => selected,
  select: (id, event) => { choose(id, event); $("view").focus(); },
  add: async (area, x, y) => {
    const count = state.cells.length;
    const refused = await post("add", { picture: area, x, y });
    setAdding(false);
    if (refused) return tell(refused.message);
    tell("");
    const added = state.cells.slice(count).at(-1) || state.cells.at(-1);
    undo.push([{ cell: added.id, before: "", after: added.label }]);
    choose(added.id);
    speak(`cell ${added.id} added: ${words(added.label)}`);
  },
});

function setAdding(adding) {
  $("missed").setAttribute("aria-pressed", String(adding));
  field.setAdding(adding);
  $("field-told").textContent = adding ? "Click the missed cell, or move the ring with the arrow keys and press Enter." : "";
}

async function drawField() {
  if ($("field").hidden) return;
  const areas = state.pictures.length ? state.pictures.filter((one) => one.refused === null).map((one) => [one.number, one.path.split("/").at(-1)])
    : [...new Set(state.cells.map((cell) => cell.area))].sort((a, b) => a - b).map((area) => [area, `area ${area}`]);
  const chosen = Number($("area").value) || areas[0]?.[0];
  $("area").replaceChildren(...areas.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text, selected: value === chosen })));
  $("missed").hidden = !state.pictures.length;
  if (chosen) await field.show(state, chosen);
  mark();
}

async function openField(id) {
  const cell = cellOf(id);
  if (!cell) return;
  focus(id, false);
  tab("field");
  await drawField();
  $("area").value = String(cell.area);
  await drawField();
  field.centre(cell);
  $("view").focus();
}
$("area").addEventListener("change", drawField);
$("closer").addEventListener("click", () => field.resize(1.4));
$("farther").addEventListener("click", () => field.resize(1 / 1.4));
$("missed").addEventListener("click", () => setAdding(!field.adding));

// --- the running count ------------------------------------------------------------------------------------------------

const live = new LiveView(page.id, {
  classes: page.keys,
  runs: (runs) => {
    const first = runs && $("tab-live").hidden && !selected.size && !focused;
    $("tab-live").hidden = !runs;
    if (first) tab("live");
    if (!runs && !$("live").hidden) tab("cells");
  },
  press: async (key) => {
    const { refused } = await sent("/live/key", { key });
    tell(refused ? refused.message : "");
    live.ask();
  },
});

// --- the page --------------------------------------------------------------------------------------------------------

const TABS = ["live", "cells", "field", "history"];

function tab(name) {
  for (const one of TABS) {
    $(one).hidden = one !== name;
    $(`tab-${one}`).setAttribute("aria-selected", String(one === name));
  }
  $("palette").hidden = name === "live"; // its keys are the display's, and it needs the room
  if (name === "field") drawField();
  if (name === "live") live.open();
  drawHistory();
}
for (const one of TABS) $(`tab-${one}`).addEventListener("click", () => tab(one));
$("filter").addEventListener("change", () => { draw(); });
$("undo").addEventListener("click", takeBack);
$("remove").addEventListener("click", () => into(""));
$("keys-button").addEventListener("click", () => $("keys").showModal());
for (const one of document.querySelectorAll("#palette button")) one.addEventListener("click", () => into(one.dataset.class));

const byKey = Object.fromEntries(Object.entries(page.keys).map(([label, key]) => [key, label]));
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, dialog[open]") || event.altKey) return;
  const key = event.key;
  if (!$("live").hidden && !event.ctrlKey && !event.metaKey && live.key(key)) return event.preventDefault();
  if ((event.ctrlKey || event.metaKey) && key === "z") return event.preventDefault(), takeBack();
  if (event.ctrlKey || event.metaKey) return;
  const walk = { ArrowRight: () => neighbour(1), ArrowLeft: () => neighbour(-1), ArrowDown: () => above(1), ArrowUp: () => above(-1) }[key];
  if (walk && !$("cells").hidden) {
    event.preventDefault();
    const from = focused, to = walk();
    if (event.shiftKey && from) { selected.add(from); selected.add(to); focus(to); } else choose(to);
  } else if (byKey[key]) into(byKey[key]);
  else if (key === "Delete" || key === "Backspace") into("");
  else if (key === "u") takeBack();
  else if (key === "n") { const next = state.unseen.find((id) => id !== focused); if (next) { $("filter").value = ""; tab("cells"); draw(); choose(next); } else tell("Every cell that must be looked at has been."); }
  else if (key === "f") { if ($("field").hidden) openField(focused); else { tab("cells"); focus(focused); } }
  else if (key === "a" && !$("field").hidden && !$("missed").hidden && !locked()) setAdding(!field.adding);
  else if (key === "+") field.resize(1.4);
  else if (key === "-") field.resize(1 / 1.4);
  else if (key === "?") $("keys").showModal();
  else if (key === " " && focused && event.target.closest(".cell")) { if (selected.has(focused)) selected.delete(focused); else selected.add(focused); mark(); }
  else if (key === "Escape") { selected = new Set(); setAdding(false); mark(); }
  else return;
  event.preventDefault();
});

function take(fresh) {
  state = fresh;
  draw();
}

function draw() {
  drawCells();
  drawDetail();
  drawDifferential();
  drawSignature();
  drawHistory();
  drawField();
  mark();
}
draw();
