// The overview: a line for each channel, the worst first.
import { age, follow, make, showViewer, write } from "./common.js";

const lines = new Map();
const drawn = new Map();
const SHOWN_MAX = 300;
let ahead = 0;
let unheard = false; // the logs are not read, or the connection is lost

const rows = document.getElementById("rows");
const find = document.getElementById("find");
const unwell = document.getElementById("unwell");

function inputLamps(line) {
  return line.inputs.map((one) => make("span", {
    class: `lamp ${one.lost ? "lost" : `on${one.input}`}`,
    title: one.lost ? `input ${one.input} ${one.ended ? "has ended" : "is lost"}` : `input ${one.input} is not lost`,
  }, String(one.input)));
}

function endpointLamps(line) {
  return line.endpoints.map((one) => make("span", {
    class: `lamp ${one.active === null ? "none" : `on${one.active}`}`,
    title: one.active === null ? `${one.id}: nothing yet` : `${one.id} follows input ${one.active}${one.held ? ", and holds" : ""}`,
  }, one.active === null ? "–" : `${one.active}${one.held ? " ‖" : ""}`));
}

function state(line) {
  return line.since === null ? line.words : `${line.words.replace(/\.$/, "")} (${age(Date.now() / 1000 + ahead - line.since)}).`;
}

function row(line) {
  return make("tr", { class: line.state, "data-id": line.id },
    make("th", { scope: "row" }, make("a", { href: `channels/${encodeURIComponent(line.id)}` }, line.id),
      line.description ? make("bdi", { class: "description" }, line.description) : null),
    make("td", { class: "state" }, state(line)),
    make("td", {}, ...inputLamps(line)),
    make("td", {}, ...endpointLamps(line)));
}

function order(one, other) {
  return other.severity - one.severity || (one.id < other.id ? -1 : 1);
}

/** What has not changed keeps its element, and its place unless it has another: a thousand lines stay fluent. */
function place(visible) {
  const focused = document.activeElement;
  const keep = new Set(visible.map((line) => line.guid));
  for (const [guid, old] of drawn) if (!keep.has(guid)) { old.element.remove(); drawn.delete(guid); }
  let focusOn = rows.contains(focused) ? focused : null;
  let next = rows.firstElementChild;
  for (const line of visible) {
    const old = drawn.get(line.guid);
    let element = old?.element;
    if (old?.line !== line) {
      element = row(line);
      if (old?.element.contains(focused)) focusOn = element.querySelector("a");
      if (old) { if (old.element === next) next = element; old.element.replaceWith(element); }
      drawn.set(line.guid, { line, element });
    } else if (line.since !== null) {
      write(element.querySelector(".state"), state(line));
    }
    // One that has gone further down is taken out, and put back where its turn comes: all others stay where they are.
    if (next !== null && next !== element && next.nextElementSibling === element) { next.remove(); next = element; }
    if (next === element) next = element.nextElementSibling;
    else rows.insertBefore(element, next);
  }
  if (focusOn !== null && document.activeElement !== focusOn && focusOn.isConnected) focusOn.focus({ preventScroll: true });
}

function show() {
  const wanted = find.value.trim().toLowerCase();
  const all = [...lines.values()].sort(order);
  const fit = all.filter((line) => (!unwell.checked || line.severity > 0) && `${line.id}\n${line.description}`.toLowerCase().includes(wanted));
  const visible = fit.slice(0, SHOWN_MAX);
  place(visible);
  const unwellNow = all.filter((line) => line.severity > 2).length;
  write(document.getElementById("summary"),
    `${all.length} ${all.length === 1 ? "channel" : "channels"}, ${unheard ? "as they were before: how they are now is not known" : unwellNow === 0 ? "none needs anybody" : `${unwellNow} ${unwellNow === 1 ? "needs" : "need"} a look`}.`);
  write(document.getElementById("more"), fit.length > SHOWN_MAX ? `${fit.length - SHOWN_MAX} more: find them by name.` : "");
}

let due = false;
function showSoon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; show(); });
}

find.addEventListener("input", showSoon);
unwell.addEventListener("change", showSoon);
setInterval(showSoon, 5000);

showViewer(new URL("./", location.href)).catch(() => {});
follow("feed/overview", {
  heard(message) {
    unheard = message.unheard;
    showSoon();
  },
  lines(message) {
    ahead = message.now - Date.now() / 1000;
    if (message.all) lines.clear();
    for (const line of message.lines) lines.set(line.guid, line);
    for (const guid of message.gone) lines.delete(guid);
    showSoon();
  },
}, () => { unheard = true; showSoon(); }, 12);
