// A channel's page: the strip, why, and what an operator may do about it.
import { age, ask, clock, compared, follow, make, seconds, showViewer, write } from "./common.js";
import { play } from "./player.js";
import { Strip } from "./strip.js";

const id = decodeURIComponent(location.pathname.split("/").pop());
const root = new URL("../../", location.href);
const api = (path) => new URL(path, root);
const own = (path) => api(`understudy/v1/${path}`);
const $ = (name) => document.getElementById(name);

document.title = `${id} · Understudy`;
$("name").textContent = id;

if (innerWidth < 600) $("span").value = "60"; // a phone: what is a hair wide tells nothing
const strip = new Strip($("strip"), { hover: (words) => { $("hover").textContent = words; }, choose: explain, hold: (held) => { $("held").hidden = !held; } });
strip.span = Number($("span").value);
let configured = { channel: null, endpoints: [] };
let told = null;
let mayOrder = true;
showViewer(new URL("../", location.href)).then((viewer) => { mayOrder = !viewer.readOnly; }).catch(() => {});

// --- strip ---

let feeds = 0; // how often all there is was told: what was asked for before counts no more
let isClockKnown = false; // of this connection's status: before, the controller's clock is not known
const recalled = new Map(); // stretches of five minutes that were asked for, each with why it is not known; null: it is
const STRETCH = 300;

/** Ask for what the strip is to show and was before this page was opened. */
async function recall() {
  const newest = Date.now() / 1000 + strip.ahead - strip.back;
  for (let number = Math.floor(newest / STRETCH); number >= Math.floor((newest - strip.span) / STRETCH); number -= 1) {
    if (recalled.has(number)) continue;
    const asked = feeds;
    const put = (words) => { if (asked === feeds) { recalled.set(number, words); sayUnknown(); } };
    put("What inputs delivered then is being loaded.");
    try {
      const { marks, inputs: unknown } = await ask(new URL(`../feed/channels/${encodeURIComponent(id)}/past?begin=${number * STRETCH}&end=${(number + 1) * STRETCH}`, location.href));
      if (asked !== feeds) return;
      strip.recall(marks);
      put(unknown);
    } catch (error) {
      put(`What inputs delivered then could not be loaded: ${error.message}`);
      setTimeout(() => { if (asked === feeds) { recalled.delete(number); quietly(recall); } }, 10000);
      throw error;
    }
  }
}

/** What is blank is what did not come: what is not known is marked, and said. */
function sayUnknown() {
  const now = Date.now() / 1000 + strip.ahead;
  const all = [...recalled].filter(([, words]) => words !== null).map(([number, words]) => ({ from: number * STRETCH, to: Math.min((number + 1) * STRETCH, now), words }));
  strip.mark(all);
  const shown = all.filter((one) => one.from < now - strip.back && one.to > now - strip.back - strip.span);
  write($("unknown"), shown.map((one) => `${clock(one.from).slice(0, 5)} to ${clock(one.to).slice(0, 5)}: ${one.words}`).join(" "));
}

function look(back) {
  strip.look(Number($("span").value), back);
  sayUnknown();
  quietly(recall);
  $("later").disabled = $("live").disabled = strip.back === 0;
}
$("span").addEventListener("change", () => look(strip.back));
$("earlier").addEventListener("click", () => look(strip.back + strip.span / 2));
$("later").addEventListener("click", () => look(strip.back - strip.span / 2));
$("live").addEventListener("click", () => look(0));

async function explain(mark) {
  const name = strip.name?.[mark.endpoint];
  if (!name) return;
  $("why").hidden = false;
  $("explanation").replaceChildren(make("p", { class: "quiet" }, "Replaying …"));
  try {
    const found = await ask(own(`origin_endpoints/${encodeURIComponent(name)}/explain?sequence=${mark.sequence}`));
    $("explanation").replaceChildren(
      make("p", {}, make("strong", {}, `${name}, number ${found.media_sequence}, slot ${found.slot}`), ` (${found.reason}${found.step ? `, step ${found.step} of the rule` : ""})`),
      ...found.sentences.map((sentence) => make("p", {}, sentence)),
      make("p", { class: "quiet" }, found.basis_is),
      make("ol", { class: "events" }, ...found.moments.map((moment) => make("li", {},
        make("time", {}, moment.at.slice(11, 23)), ` ${moment.input ? `input ${moment.input} ` : ""}${moment.rendition ?? ""} ${moment.what}`))));
  } catch (error) {
    $("explanation").replaceChildren(make("p", { class: "refusal" }, error.message));
  }
}

// --- how it is ---

const MINUTE = 60;

function verdict() {
  const inputs = told.channel.inputs;
  const dead = inputs.filter((one) => one.dead);
  const held = told.endpoints.filter((one) => one.next && one.next.step > 2);
  let words = "Both inputs deliver, and either can stand for the other.";
  let kind = "well";
  const begun = told.endpoints.some((one) => one.last);
  if (told.unheard) [words, kind] = ["Not known: the controller cannot read the logs, and shows what was before.", "bad"];
  else if (!begun) [words, kind] = ["Nothing has been published yet.", "idle"];
  else if (told.endpoints.every((one) => !one.last || one.ended)) [words, kind] = ["The programme is over.", "idle"];
  else if (dead.length === 2) [words, kind] = [`Neither input delivers: input 1 ${gone(inputs[0])}, input 2 ${gone(inputs[1])}.`, "bad"];
  else if (held.length) [words, kind] = [held[0].next.why, "bad"];
  else if (dead.length === 1) [words, kind] = [`Input ${dead[0].input} ${gone(dead[0])}: nothing stands by.`, "care"];
  else if (unsteady().length) [words, kind] = [`Both inputs deliver, but ${unsteady().join(", and ")}.`, "care"];
  else if (told.channel.interchange.grade === "none") [words, kind] = ["Both inputs deliver, and a change between them would be a discontinuity.", "care"];
  const missed = kind === "idle" || told.unheard ? null : strip.missed(told.now);
  if (missed !== null) kind = "bad";
  sayVerdict(words, kind);
  const isKnown = kind !== "idle" && !told.unheard;
  sayHeadline(isKnown ? told.headline : { viewers: "", endpoints: "", advice: [] });
}

/** What viewers saw of it, who follows which input, and what to do. */
function sayHeadline({ viewers, endpoints: followed, advice }) {
  const lines = [viewers, followed, ...advice.map((one) => {
    const pushed = configured.channel?.hlsIngest?.ingestEndpoints?.[one.input_id - 1]?.url;
    return pushed ? `${one.words}; it pushes to ${pushed}` : `${one.words}.`;
  })].filter(Boolean);
  if ($("headline").dataset.said === lines.join("\n")) return;
  $("headline").dataset.said = lines.join("\n");
  $("headline").replaceChildren(...lines.map((line) => make("li", {}, line)));
}

const ago = (value) => (value < 10 ? seconds(value) : age(value));

/** What is with an input that delivers nothing. */
function gone(one) {
  if (one.condition === "never_began") return "never began";
  return `${one.condition === "ended" ? "has ended" : "is lost"} (${age(one.last_segment_age_seconds)})`;
}

/** What of the inputs is not well, or was not lately: alerts count a minute, too. What has only begun was not late. */
function unsteady() {
  const before = (at) => told.now - Date.parse(at) / 1000;
  return told.channel.inputs.filter((one) => one.sessions.length && one.lag_seconds !== null).map((one) => {
    if (one.well_since === null) return `input ${one.input} is late or incomplete`;
    const isNew = before(one.sessions.at(-1).began_at) < MINUTE;
    return before(one.well_since) < MINUTE && !isNew ? `input ${one.input} was late or incomplete within the last minute` : null;
  }).filter(Boolean);
}

/** What is to be said besides of a change to an input that is called delivering, and is not well now. */
function doubt(input) {
  const one = told.channel.inputs.find((found) => found.input === input);
  return one.dead || one.well_since !== null ? null : `Input ${input} is late or incomplete now: the last of it came ${age(one.last_segment_age_seconds)} ago.`;
}

function sayVerdict(words, kind) {
  const place = $("verdict");
  if (place.textContent !== words) place.textContent = words;
  place.className = `verdict state ${kind}`;
}

function definitions(pairs) {
  return make("dl", {}, ...pairs.filter(Boolean).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function inputs() {
  $("inputs").replaceChildren(...told.channel.inputs.map((one) => make("div", { class: "card" },
    make("p", {}, make("span", { class: `lamp on${one.input}` }, String(one.input)), make("strong", {}, one.condition.replace("_", " "))),
    definitions([
      ["last segment", one.last_segment_at ? `${one.last_segment_at.slice(11, 23)}, ${ago(one.last_segment_age_seconds)} ago` : "none"],
      ["complete and on time", one.well_since ? `for ${age(told.now - Date.parse(one.well_since) / 1000)}` : "no"],
      one.dead ? null : ["lag", compared(one.lag_seconds, "after its own time", "before its own time")],
      ["renditions", Object.keys(one.playlists).join(", ") || "none"],
    ]))));
  $("inputs").append(pair(told.channel));
}

/** How the inputs compare; while one is silent they do not, and what was last seen of them is told as that. */
function pair({ inputs: both, interchange: between }) {
  const silent = both.filter((one) => one.dead);
  const last = silent.map((one) => one.last_segment_at).filter(Boolean).sort()[0];
  return make("div", { class: "card" }, definitions([
    ["interchangeable", silent.length && last ? `${between.grade}, as of ${last.slice(11, 19)}` : between.grade],
    silent.length || between.arrival_skew_seconds === null ? null : ["input 2 arrives", compared(between.arrival_skew_seconds, "later", "earlier")],
    silent.length || between.date_skew_seconds === null ? null : ["dates of input 2 are", compared(between.date_skew_seconds, "ahead", "behind")],
  ]));
}

function jump(outlook) {
  if (outlook.seam === "seamless") return "seamless";
  if (outlook.seam === "impossible") return "impossible";
  return `a discontinuity${outlook.jump_seconds === null ? "" : `, jump ${seconds(outlook.jump_seconds)}`}`;
}

function drill() {
  $("drill").replaceChildren(...told.channel.inputs.map((one) => {
    const other = 3 - one.input;
    const outlook = told.channel.interchange.outlook.find((found) => found.to_input === other);
    const following = told.endpoints.filter((endpoint) => endpoint.active_input === one.input && !endpoint.ended);
    const [alone, moved] = [true, false].map((off) => following.filter((endpoint) => (endpoint.policy?.policy === "off") === off).map((endpoint) => endpoint.origin_endpoint).join(", "));
    const sentences = [
      one.dead ? `Input ${one.input} delivers nothing already.` : null,
      !one.dead && following.length === 0 ? `If input ${one.input} died now, no viewer would notice: no endpoint follows it.` : null,
      !one.dead && alone ? `If input ${one.input} died now, ${alone} would hold: its redundancy is off.` : null,
      !one.dead && moved ? (outlook.seam === "impossible" ? `If input ${one.input} died now, ${moved} would hold: input ${other} does not deliver.`
        : `If input ${one.input} died now, ${moved} would go to input ${other}: ${jump(outlook)}.`) : null,
      !one.dead && moved ? doubt(other) : null,
    ];
    return make("p", {}, sentences.filter(Boolean).join(" "));
  }));
}

/** How near its deadlines an endpoint was: what falls before anything breaks. */
function headroom(name) {
  const guid = Object.keys(strip.name).find((one) => strip.name[one] === name);
  const found = strip.headroom(guid, told.now);
  if (found === null) return "unknown";
  return `${seconds(found.least)} at least within a minute${found.usual === null ? "" : `, ${seconds(found.usual)} usually`}`;
}

function endpoints() {
  const place = $("endpoints");
  for (const one of told.endpoints) {
    let card = place.querySelector(`[data-id="${CSS.escape(one.origin_endpoint)}"]`);
    if (!card) {
      const button = make("button", { type: "button", onclick: () => switchOver(one.origin_endpoint) }, "Switch over …");
      card = make("div", { class: "card", "data-id": one.origin_endpoint }, make("div", {}), button);
      place.append(card);
    }
    card.firstElementChild.replaceChildren(
      make("p", {}, make("strong", {}, one.origin_endpoint), " follows ", one.active_input === null ? "nothing yet"
        : make("span", { class: `lamp on${one.active_input}` }, `input ${one.active_input}`)),
      definitions([
        ["policy", one.policy ? `${one.policy.policy}${["preferred", "pinned"].includes(one.policy.policy) ? ` input ${one.policy.input}` : ""}` : "unknown"],
        ["newest slot", one.last ? `${one.last.media_sequence} (${one.last.reason}), shown ${one.last.available_at.slice(11, 23)}` : "none"],
        ["headroom", headroom(one.origin_endpoint)],
        ["next", one.next ? one.next.why : "nothing is waited for"],
        ["order", one.order ? `to input ${one.order.input}, stands until ${one.order.stands_until.slice(11, 19)}` : "none"],
      ]));
    card.querySelector("button").disabled = one.active_input === null || !mayOrder;
  }
  const there = new Set(told.endpoints.map((one) => one.origin_endpoint));
  for (const card of [...place.children]) if (!there.has(card.dataset.id)) card.remove();
}

// --- switchover ---

let ordered = null; // what was said of the last order, for as long as it stands

function forgetOrder() {
  if (ordered === null || told.now - ordered.at < 2 || told.endpoints.some((one) => one.origin_endpoint === ordered.name && one.order)) return;
  if ($("hover").textContent === ordered.words) $("hover").textContent = "";
  ordered = null;
}

function switchOver(name) {
  const endpoint = told.endpoints.find((one) => one.origin_endpoint === name);
  const input = 3 - endpoint.active_input;
  const outlook = told.channel.interchange.outlook.find((one) => one.to_input === input);
  const force = outlook.seam === "discontinuity";
  $("confirm-title").textContent = `Switch ${name} to input ${input}`;
  const would = outlook.seam === "impossible" ? "It is not possible now." : `It would be ${jump(outlook)}.`;
  $("confirm-words").textContent = [would, outlook.why, doubt(input)].filter(Boolean).join(" ");
  $("confirm-refusal").hidden = true;
  const dialog = $("confirm");
  const button = $("confirm-do");
  button.disabled = outlook.seam === "impossible";
  button.textContent = force ? "Switch over all the same" : "Switch over";
  button.onclick = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await ask(own(`origin_endpoints/${encodeURIComponent(name)}/switchover`), {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ input, force }),
      });
      $("hover").textContent = answer.message;
      ordered = { name, words: answer.message, at: told.now };
      dialog.close();
    } catch (error) {
      $("confirm-refusal").textContent = error.message;
      $("confirm-refusal").hidden = false;
      button.disabled = false;
    }
  };
  dialog.showModal();
}

// --- what is asked of the API, now and then ---

async function configuration() {
  const [channel, { originEndpoints }] = await Promise.all([
    ask(api(`channels/${encodeURIComponent(id)}`)), ask(api(`origin_endpoints?channelId=${encodeURIComponent(id)}`))]);
  configured = { channel, endpoints: originEndpoints };
  const hidden = structuredClone(configured);
  for (const one of hidden.channel.hlsIngest?.ingestEndpoints ?? []) one.password = "…";
  $("configuration").textContent = JSON.stringify(hidden, null, 2);
  $("ingest").replaceChildren(...(channel.hlsIngest?.ingestEndpoints ?? []).map(pushTo));
  play($("player"), originEndpoints);
}

function copied(text, label) {
  const button = make("button", { type: "button" }, `Copy ${label}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => { button.textContent = `Copy ${label}`; }, 2000);
  });
  return button;
}

/** A test picture, epoch-locked: two of these, one for each input, are in step whenever each was started. */
function encoderLine(url) {
  return [
    `INPUT='${url}' SEGMENT=2`,
    "START=$(( ($(date +%s) / SEGMENT + 1) * SEGMENT ))",
    'while [ "$(date +%s)" -lt "$START" ]; do sleep 0.01; done',
    "ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=25 -re -f lavfi -i sine=sample_rate=48000 \\",
    "    -c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 2M -maxrate 2M -bufsize 4M \\",
    "    -g $((25 * SEGMENT)) -keyint_min $((25 * SEGMENT)) -sc_threshold 0 -c:a aac -b:a 128k \\",
    "    -output_ts_offset $START -start_number $((START / SEGMENT)) \\",
    "    -f hls -hls_time $SEGMENT -hls_list_size 10 -hls_flags program_date_time \\",
    '    -hls_segment_filename "${INPUT}_1_%d.ts" -master_pl_name channel.m3u8 \\',
    '    -method PUT -http_persistent 1 "${INPUT}_1.m3u8"',
  ].join("\n");
}

function pushTo(one, number) {
  const url = new URL(one.url);
  url.username = one.username;
  url.password = one.password;
  return make("div", { class: "card" },
    make("p", {}, make("span", { class: `lamp on${number + 1}` }, String(number + 1)), make("code", {}, one.url)),
    make("p", {}, "user ", make("code", {}, one.username)),
    make("div", { class: "tools" }, copied(one.url, "URL"), copied(one.username, "user"), copied(one.password, "password"),
      copied(encoderLine(url), "line for FFmpeg")));
}

async function events() {
  const { events: found } = await ask(own(`events?channel=${encodeURIComponent(id)}&limit=50`));
  $("events").replaceChildren(...found.reverse().map((one) => make("li", { "data-kind": one.kind },
    make("time", { datetime: one.at }, one.at.slice(11, 23)), ` ${one.origin_endpoint ?? ""} `, make("strong", {}, one.kind), ` ${one.words}`)));
}

let eventsDue = null;
/** At once, and then not for a second: repairs come with every slot. */
function eventsSoon() {
  if (eventsDue !== null) return;
  quietly(events);
  eventsDue = setTimeout(() => { eventsDue = null; quietly(events); }, 1000);
}

let complaint = null;
function quietly(work) {
  return work().then(() => {
    if (complaint !== null && $("hover").textContent === complaint) $("hover").textContent = "";
    complaint = null;
  }).catch((error) => { $("hover").textContent = complaint = error.message; });
}

// --- the feed ---

follow(new URL(`../feed/channels/${encodeURIComponent(id)}`, location.href), {
  strip(message) {
    strip.begin(message);
    recalled.clear();
    feeds += 1;
    sayUnknown();
    isClockKnown = false;
    quietly(configuration);
    quietly(events);
  },
  more(message) {
    strip.more(message);
    if (message.marks.some((mark) => mark.endpoint && mark.reason !== "keep")) eventsSoon();
  },
  status(message) {
    told = message;
    strip.status(message);
    strip.offerStop();
    if (!isClockKnown) { isClockKnown = true; quietly(recall); }
    verdict();
    inputs();
    drill();
    endpoints();
    forgetOrder();
  },
}, () => {
  sayVerdict("Not known: the connection is lost, and this is what was before.", "bad");
  sayHeadline({ viewers: "", endpoints: "", advice: [] });
}, 6);
setInterval(() => { if (!document.hidden) quietly(events); }, 10000);
