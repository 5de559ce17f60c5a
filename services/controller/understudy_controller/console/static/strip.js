// The strip: inputs and origin endpoints on one axis of programme time.
//
// Whatever is drawn stands at its programme time; the group that holds all of it is moved to the left as time goes by.
// The cursor is where an input that is on time has just delivered up to: now, less the lag of the input that is ahead.
// So a late piece appears behind the cursor, and a deadline, an instant of the clock, is reached by it.
import { clock, draw, seconds } from "./common.js";
import { Resting, zones } from "./resting.js";

const NARROW = 480;
const TICK = 64; // what the words of a tick take
const AXIS = 22;
const ROW = 34;
const BAR = 22;
const LATE = 1.0; // the rule's jitter allowance
const FRESH = 600; // seconds
const AHEAD = 0.12; // of the width, for what is yet to come
const BORROWED = ["repair", "combine"];

/**
 * Where pieces begin that are not there and should be, programme times. By time and not by number: where the segment
 * duration has changed, earlier pieces were numbered otherwise.
 * @param {{start: number, end: number, last: ?boolean}[]} pieces of one input
 * @param {{anchor: number, segment: number}} grid
 * @param {{from: number, due: ?number}} between from where, and up to where it should have delivered by its own lag;
 *   null: it has said that it ends, and nothing more is due
 */
export function missing(pieces, { anchor, segment }, { from, due }) {
  if (!pieces.length) return [];
  const known = pieces.toSorted((one, other) => one.start - other.start);
  const until = due ?? Math.max(...known.map((one) => one.end));
  const begin = Math.max(from, known[0].start + segment / 2);
  const found = [];
  let at = 0;
  for (let start = anchor + Math.floor((begin - anchor) / segment) * segment; start + segment <= until; start += segment) {
    const middle = start + segment / 2;
    while (at < known.length && known[at].end <= middle) at += 1;
    // Behind the last piece of an input that has ended nothing is owed, until it begins again.
    if ((at === known.length || known[at].start > middle) && !known[at - 1]?.last) found.push(start);
  }
  return found;
}

/** Of these, what follows one upon the other as one: an input that is away for long would else be hundreds. */
export function stretches(starts, segment) {
  const found = [];
  for (const start of starts) {
    const last = found.at(-1);
    if (last && start - last.end < segment / 2) last.end = start + segment;
    else found.push({ start, end: start + segment });
  }
  return found;
}

/** A name in so many letters: of two that begin alike, as those of one channel's endpoints do, the ends tell which. */
export function shortened(name, room) {
  if (name.length <= room) return name;
  const front = Math.floor((room - 1) / 3);
  return `${name.slice(0, front)}…${name.slice(front + 1 - room)}`;
}

export class Strip {
  /**
   * @param {HTMLElement} place where it is drawn
   * @param {{hover: function(string), choose: function(object), hold: function(boolean)}} told what is pointed at, what
   *   is chosen, and whether it is held meanwhile
   */
  constructor(place, told) {
    this.told = told;
    this.span = 120;
    this.pinned = null; // the programme time that it is scrolled back to, and stays at; null: live
    this.ahead = 0; // of the page's clock, the server's
    this.lag = 0;
    this.own = { 1: { lag: 0, ended: false }, 2: { lag: 0, ended: false } }; // of each input
    this.segment = null;
    this.anchor = null;
    this.rows = [];
    this.pieces = { 1: new Map(), 2: new Map() };
    this.slots = new Map();
    this.elements = new Map();
    this.chosen = null; // the key of the slot that is explained
    this.unseen = new Set(); // slots that viewers may not see yet
    this.next = [];
    this.heardUntil = null; // the cursor when the logs were read last; null: they are
    this.origin = null; // programme time at x = 0 of the moving group
    this.svg = draw("svg", { role: "group", "aria-label": "Strip of inputs and origin endpoints" });
    place.append(this.svg);
    this.unknown = []; // stretches of the clock of which it is not known what inputs delivered
    this.resting = new Resting(this.svg, () => this.cursor - this.back, told.hold);
    new ResizeObserver(() => this.layout()).observe(place);
    this.svg.addEventListener("keydown", (event) => this.keyed(event));
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let last = 0;
    const turn = (at) => {
      if (at - last > (still.matches ? 1000 : 66)) { last = at; this.move(); }
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }

  /** Programme time of the cursor. */
  get cursor() {
    return Date.now() / 1000 + this.ahead - this.lag;
  }

  /** How far back it is scrolled, seconds; 0: live. */
  get back() {
    return this.pinned === null ? 0 : Math.max(this.cursor - this.pinned, 0);
  }

  /** All there is: endpoints and marks. */
  begin(message) {
    this.rows = [{ input: 1, label: "Input 1" }, { input: 2, label: "Input 2" },
      ...message.endpoints.map((one) => ({ endpoint: one.guid, label: one.id, delay: one.delay }))];
    this.pieces = { 1: new Map(), 2: new Map() };
    this.slots = new Map();
    this.unseen.clear();
    this.next = [];
    this.take(message.marks, false);
    this.layout();
  }

  /** What has come since. */
  more(message) {
    this.take(message.marks, true);
  }

  /** What was before: only what is not known better already. */
  recall(marks) {
    const unknown = marks.filter((mark) => (mark.input !== undefined
      ? !this.pieces[mark.input].has(mark.key) : !this.slots.has(mark.key)));
    this.take(unknown, false);
    this.layout();
  }

  take(marks, drawNow) {
    for (const mark of marks) {
      if (mark.input !== undefined) this.pieces[mark.input].set(mark.key, mark);
      else this.slots.set(mark.key, mark);
      if (drawNow) this.put(mark);
    }
    if (drawNow) this.holes();
  }

  /** Mark what is not known. */
  mark(unknown) {
    this.unknown = unknown;
    this.drawUnknown();
  }

  drawUnknown() {
    this.unknownGroup?.replaceChildren(...[1, 2].flatMap((input) =>
      zones(this.unknown, this.lag, [...this.pieces[input].values()]).map(({ start, end, words }) =>
        this.block(start, end, input - 1, "unknown", words, { input }, false))));
  }

  /** How the channel is, once a second. */
  status(message) {
    this.ahead = message.now - Date.now() / 1000;
    if (message.lag !== null) this.lag = message.lag;
    this.heardUntil = message.silence > 1 ? this.cursor - message.silence : null;
    const changed = this.segment !== message.segment || this.anchor !== message.anchor;
    this.segment = message.segment;
    this.anchor = message.anchor;
    for (const one of message.channel.inputs) this.own[one.input] = { lag: one.lag_seconds ?? this.lag, ended: one.has_ended };
    const rowOf = (one) => this.rows.findIndex((row) => row.endpoint && row.label === one.origin_endpoint);
    this.next = message.endpoints.map((one) => ({ row: rowOf(one), next: one.next })).filter((one) => one.row >= 0);
    this.name = Object.fromEntries(this.rows.filter((row) => row.endpoint).map((row) => [row.endpoint, row.label]));
    if (changed) this.layout();
    this.coming();
    this.holes();
  }

  // --- drawing ---

  get width() { return Math.max(this.svg.clientWidth, 320); }

  get label() { return this.width < NARROW ? 96 : 132; }

  get scale() { return (this.width - this.label) / this.span; }

  x(time) { return (time - this.origin) * this.scale; }

  y(row) { return AXIS + row * ROW + (ROW - BAR) / 2; }

  layout() {
    if (!this.rows.length) return;
    const height = AXIS + this.rows.length * ROW + 6;
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.origin = Math.floor(this.cursor);
    const focused = [...this.elements].find(([, element]) => element.contains(document.activeElement))?.[0];
    this.elements.clear();
    this.holesDrawn = null;
    this.svg.replaceChildren();
    const zone = draw("text", { class: "zone", x: 8, y: 14 });
    zone.textContent = "UTC";
    const clip = draw("clipPath", { id: "strip-clip" });
    clip.append(draw("rect", { x: this.label, y: 0, width: this.width - this.label, height }));
    const clipped = draw("g", { "clip-path": "url(#strip-clip)" });
    this.moving = draw("g");
    this.ticks = draw("g");
    this.holesGroup = draw("g");
    this.unknownGroup = draw("g");
    this.marksGroup = draw("g");
    this.comingGroup = draw("g");
    this.moving.append(this.ticks, this.unknownGroup, this.holesGroup, this.marksGroup, this.comingGroup);
    this.cursorLine = draw("line", { class: "cursor", y1: AXIS - 4, y2: height });
    clipped.append(this.moving, this.cursorLine);
    this.svg.append(clip, clipped, zone);
    this.rows.forEach((row, number) => {
      this.svg.append(draw("line", { class: "rule", x1: 0, x2: this.width, y1: AXIS + number * ROW, y2: AXIS + number * ROW }));
      const text = draw("text", { x: 8, y: this.y(number) + 15 });
      const room = this.width < NARROW ? 13 : 17;
      text.textContent = shortened(row.label, room);
      const title = draw("title");
      title.textContent = row.delay ? `${row.label}, ${row.delay} s delay` : row.label;
      text.append(title);
      this.svg.append(text);
    });
    for (const input of [1, 2]) for (const mark of this.pieces[input].values()) this.put(mark);
    for (const mark of this.slots.values()) this.put(mark);
    this.drawTicks();
    this.drawUnknown();
    this.holes();
    this.coming();
    this.move();
    const again = this.elements.get(focused)?.querySelector("rect[tabindex]");
    if (again) this.enter(again);
    else this.offerStop();
  }

  drawTicks() {
    const step = [10, 20, 30, 60, 120, 300, 600].find((one) => one * this.scale >= TICK) ?? 600;
    this.ticks.replaceChildren();
    this.tickedAt = this.cursor - this.back;
    this.tickedLag = this.lag;
    const from = Math.floor((this.tickedAt + this.lag - this.span) / step) * step;
    for (let instant = from; instant < this.tickedAt + this.lag + this.span; instant += step) {
      const x = this.x(instant - this.lag);
      this.ticks.append(draw("line", { class: "rule", x1: x, x2: x, y1: AXIS - 4, y2: 4000 }));
      const text = draw("text", { class: "quiet", x: x + 3, y: 14 });
      text.textContent = clock(instant).slice(0, 8);
      this.ticks.append(text);
    }
  }

  /** The least and the usual headroom of an endpoint's slots of the last minute; null: none had a deadline. */
  headroom(guid, now) {
    const known = [...this.slots.values()].filter((mark) => mark.endpoint === guid && mark.headroom !== null && now - mark.decided < 60);
    if (!known.length) return null;
    return { least: Math.min(...known.map((mark) => mark.headroom)), usual: known.at(-1).usual };
  }

  /** When viewers last missed something, as the overview tells it: within ten minutes; null: they did not. */
  missed(now) {
    const lost = [...this.slots.values()].filter((mark) => ["gap", "partial"].includes(mark.reason) && now - mark.decided < FRESH);
    return lost.length ? Math.max(...lost.map((mark) => mark.decided)) : null;
  }

  /** Put everything where the time is. */
  move() {
    if (this.origin === null || !this.moving) return;
    const right = (this.resting.at ?? this.cursor - this.back) + this.span * AHEAD;
    const shift = this.width - (right - this.origin) * this.scale;
    this.moving.setAttribute("transform", `translate(${shift.toFixed(1)} 0)`);
    const at = (this.cursor - this.origin) * this.scale + shift;
    this.cursorLine.setAttribute("x1", at.toFixed(1));
    this.cursorLine.setAttribute("x2", at.toFixed(1));
    if (Math.abs(this.cursor - this.back - this.tickedAt) > this.span / 4 || Math.abs(this.lag - this.tickedLag) > 0.5) this.drawTicks();
  }

  put(mark) {
    const old = this.elements.get(mark.key);
    const isFocused = old?.contains(document.activeElement) ?? false;
    const isStop = old?.querySelector('rect[tabindex="0"]');
    old?.remove();
    const begin = this.cursor - this.back - this.span * 1.2;
    if (mark.end < begin || mark.start > begin + this.span * 2.4) { this.elements.delete(mark.key); return; }
    const element = mark.input !== undefined ? this.piece(mark) : this.slot(mark);
    if (!element) return;
    this.elements.set(mark.key, element);
    this.marksGroup.append(element);
    if (mark.key === this.chosen) element.querySelector("rect").classList.add("chosen");
    if (isStop) element.querySelector("rect[tabindex]").setAttribute("tabindex", "0");
    if (isFocused) this.enter(element.querySelector("rect[tabindex]")); // what is drawn anew is where one was
  }

  piece(mark) {
    const kinds = ["piece", mark.filler ? "filler" : `input${mark.input}`];
    if (mark.late > LATE) kinds.push("late");
    if (mark.late < -LATE) kinds.push("early");
    if (mark.missing.length && !mark.filler) kinds.push("partial");
    const group = draw("g", { "data-input": mark.input });
    group.append(this.block(mark.start, mark.end, mark.input - 1, kinds.join(" "), this.pieceWords(mark), mark));
    let before = null;
    for (const one of this.pieces[mark.input].values()) if (one.start < mark.start && (before === null || one.start > before.start)) before = one;
    if (before && before.session !== mark.session) group.append(this.upright(mark.start, mark.input - 1, "discontinuity-mark"));
    return group;
  }

  slot(mark) {
    const row = this.rows.findIndex((one) => one.endpoint === mark.endpoint);
    if (row < 0) return null;
    const words = this.slotWords(mark);
    const group = draw("g", { "data-endpoint": mark.endpoint, "data-sequence": mark.sequence, "data-reason": mark.reason });
    const coming = mark.available > Date.now() / 1000 + this.ahead ? " coming" : "";
    if (coming) this.unseen.add(mark);
    if (!mark.runs.length) group.append(this.block(mark.start, mark.end, row, "gap", words, mark));
    let at = mark.start;
    const all = mark.runs.reduce((sum, run) => sum + run.duration, 0);
    for (const run of mark.runs) {
      const end = Math.min(at + run.duration * Math.min((mark.end - mark.start) / all, 1), mark.end);
      const borrowed = BORROWED.includes(mark.reason) && run.input !== mark.active ? " borrowed" : "";
      const focusable = run === mark.runs[0];
      group.append(this.block(at, end, row, `run input${run.input}${borrowed}${coming}`, words, mark, focusable));
      at = end;
    }
    if (mark.runs.length && (mark.lost.length || mark.reason === "partial")) {
      const bar = draw("rect", { class: "lost-part", x: this.x(mark.start), y: this.y(row) + BAR, width: Math.max(this.x(mark.end) - this.x(mark.start), 1), height: 3 });
      group.append(bar);
    }
    if (mark.discontinuity) group.append(this.upright(mark.start, row, "discontinuity-mark"));
    if (mark.moved) group.append(this.upright(mark.start, row, "moved-mark"));
    if (mark.ended) group.append(this.upright(mark.end, row, "ended-mark"));
    return group;
  }

  block(start, end, row, kind, words, mark, focusable = true) {
    const rect = draw("rect", { class: kind, x: this.x(start).toFixed(1), y: this.y(row), width: Math.max((end - start) * this.scale - 1, 1).toFixed(1), height: BAR, rx: 2 });
    if (focusable) {
      rect.setAttribute("tabindex", "-1");
      rect.setAttribute("role", mark.endpoint ? "button" : "img");
      rect.setAttribute("aria-label", words);
      rect.addEventListener("focus", () => this.told.hover(words));
    }
    rect.addEventListener("pointerenter", () => this.told.hover(words));
    if (mark.endpoint) rect.addEventListener("click", () => this.choose(mark));
    return rect;
  }

  upright(time, row, kind) {
    return draw("line", { class: kind, x1: this.x(time).toFixed(1), x2: this.x(time).toFixed(1), y1: this.y(row) - 4, y2: this.y(row) + BAR + 4 });
  }

  /** What should have come by now and has not; of what is shown. */
  holes() {
    if (!this.holesGroup || this.segment === null) return;
    const from = this.cursor - this.back - this.span;
    const found = [1, 2].map((input) => {
      const { lag, ended } = this.own[input];
      const due = Math.min(this.cursor, this.heardUntil ?? Infinity) + this.lag - lag - LATE;
      const shown = Math.min(due, this.cursor - this.back + this.span);
      return stretches(missing([...this.pieces[input].values()], this, { from, due: ended ? null : shown }), this.segment);
    });
    const drawn = JSON.stringify([this.origin, this.scale, found]);
    if (drawn === this.holesDrawn) return; // pieces come all the time
    this.holesDrawn = drawn;
    this.holesGroup.replaceChildren(...found.flatMap((holes, index) => holes.map(({ start, end }) => {
      const words = `Input ${index + 1} has not delivered what belongs from ${clock(start + this.lag)} to ${clock(end + this.lag)}.`;
      return this.block(start, end, index, "missing", words, { input: index + 1 }, false);
    })));
  }

  /** The slot that comes next, its deadline, and how far viewers are. */
  coming() {
    if (!this.comingGroup) return;
    this.comingGroup.replaceChildren();
    const now = Date.now() / 1000 + this.ahead;
    for (const mark of this.unseen) {
      if (mark.available <= now) { this.unseen.delete(mark); this.put(mark); }
    }
    for (const { row, next } of this.next) {
      const guid = this.rows[row]?.endpoint;
      const mine = [...this.slots.values()].filter((mark) => mark.endpoint === guid && mark.available <= now);
      const edge = mine.length ? Math.max(...mine.map((mark) => mark.end)) : null;
      if (edge !== null) {
        const delay = draw("line", { class: "delay", x1: this.x(edge), x2: this.x(this.cursor), y1: this.y(row) + BAR + 4, y2: this.y(row) + BAR + 4 });
        this.comingGroup.append(delay, this.upright(edge, row, "edge"));
      }
      if (!next || !next.deadline) continue;
      const deadline = Date.parse(next.deadline) / 1000 - this.lag;
      const line = this.upright(deadline, row, "deadline-mark");
      const words = `${next.why} Deadline ${next.deadline.slice(11, 23)}.`;
      const wide = draw("rect", { x: this.x(deadline) - 5, y: this.y(row) - 4, width: 10, height: BAR + 8, fill: "transparent" });
      wide.addEventListener("pointerenter", () => this.told.hover(words));
      this.comingGroup.append(line, wide);
    }
  }

  // --- words ---

  pieceWords(mark) {
    if (mark.filler) return `Input ${mark.input}: marked as no programme (EXT-X-GAP), arrived ${clock(mark.arrived)}.`;
    const late = mark.late === null ? "" : Math.abs(mark.late) <= LATE ? ", on time" : mark.late > 0 ? `, ${seconds(mark.late)} late` : `, ${seconds(-mark.late)} early`;
    const missing = mark.missing.length ? ` It lacks ${mark.missing.join(", ")}.` : "";
    return `Input ${mark.input}: ${seconds(mark.end - mark.start)} arrived ${clock(mark.arrived)}${late}.${missing}`;
  }

  slotWords(mark) {
    const marks = [mark.moved ? "changed input" : null, mark.discontinuity ? "discontinuity" : null, mark.ended ? "the programme ends" : null].filter(Boolean);
    const room = mark.headroom === null ? "" : mark.headroom === 0 ? ", at its deadline" : mark.headroom < 0 ? `, ${seconds(-mark.headroom)} after its deadline` : `, complete ${seconds(mark.headroom)} before its deadline`;
    return `${mark.reason}${marks.length ? ` (${marks.join(", ")})` : ""}: ${mark.words} Decided ${clock(mark.decided)}, shown ${clock(mark.available)}${room}. Number ${mark.sequence}.`;
  }

  // --- keys ---

  choose(mark) {
    this.svg.querySelector(".chosen")?.classList.remove("chosen");
    this.chosen = mark.key;
    this.elements.get(mark.key)?.querySelector("rect")?.classList.add("chosen");
    this.told.choose(mark);
  }

  /** One stop for Tab; arrows go along a row and between rows; Enter asks why. */
  keyed(event) {
    const stops = [...this.marksGroup.querySelectorAll("rect[tabindex]")].map((rect) => ({ rect, x: Number(rect.getAttribute("x")), y: Number(rect.getAttribute("y")) }));
    const here = stops.find((stop) => stop.rect === document.activeElement);
    if (!here) return;
    const beside = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const over = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    let found = null;
    if (beside) {
      const row = stops.filter((stop) => stop.y === here.y && Math.sign(stop.x - here.x) === beside);
      found = row.sort((one, other) => Math.abs(one.x - here.x) - Math.abs(other.x - here.x))[0];
    } else if (over) {
      const rows = stops.filter((stop) => Math.sign(stop.y - here.y) === over);
      found = rows.sort((one, other) => Math.abs(one.y - here.y) - Math.abs(other.y - here.y) || Math.abs(one.x - here.x) - Math.abs(other.x - here.x))[0];
    } else if (event.key === "Enter" || event.key === " ") {
      here.rect.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      event.preventDefault();
      return;
    }
    if (found) { this.enter(found.rect); event.preventDefault(); }
  }

  enter(rect) {
    this.svg.querySelector('rect[tabindex="0"]')?.setAttribute("tabindex", "-1");
    rect.setAttribute("tabindex", "0");
    rect.focus();
  }

  /** Let Tab lead to the newest slot. */
  offerStop() {
    if (this.svg.contains(document.activeElement)) return;
    const newest = [...this.marksGroup.querySelectorAll("rect[tabindex]")].pop();
    this.svg.querySelector('rect[tabindex="0"]')?.setAttribute("tabindex", "-1");
    newest?.setAttribute("tabindex", "0");
  }

  /** Show another stretch: so many seconds wide, so far back. */
  look(span, back) {
    this.span = span;
    this.resting.release();
    this.pinned = back > 0 ? this.cursor - back : null;
    this.layout();
  }
}
