// What all pages share: elements, times in words, and a feed that comes back by itself.

/** Make an element: make("td", {class: "x"}, "text", other). Text is text: nothing that was sent becomes markup. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Have an element say something; what it says already is not said again, by screen readers either. */
export function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Make an SVG element. */
export function draw(name, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Seconds since the epoch as 12:00:07.250, UTC like everything that the API answers. */
export function clock(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 23);
}

/** How long ago, roughly. */
export function age(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h`;
}

/** A duration with as many digits as matter. */
export function seconds(value) {
  return value === null || value === undefined ? "unknown" : `${Math.round(value * 1000) / 1000} s`;
}

/** A difference in words: by how much more, or less; never a negative number. */
export function compared(value, more, less) {
  if (value === null || value === undefined) return "unknown";
  if (Math.abs(value) < 0.0005) return "0 s";
  return `${seconds(Math.abs(value))} ${value > 0 ? more : less}`;
}

const LEFT_SECONDS = 2; // after which a page that nobody sees lets go
const BUSY_SECONDS = 5; // after which a page asks again that there was no place for
const AGAIN_SECONDS = 10; // within which a page that was led to sign in is not led there again

/**
 * Follow server-sent events; what is lost is asked for again, and then all comes anew.
 *
 * Only while the page is seen: a browser keeps six connections to a host, and without HTTP/2 seven tabs would take all
 * of them, those of what an operator orders too.
 * @param {string} path of the feed
 * @param {Object<string, function>} handlers by name of the event
 * @param {function()} lost called where it is not known any more how it is
 * @param {number} within how many seconds something is always told; a connection that is silent for longer is lost,
 *   though nobody closed it: a network that went away, a machine that slept, a controller that stands still
 */
export function follow(path, handlers, lost, within) {
  const told = document.getElementById("connection");
  let source = null;
  let unheard = false;
  let again, silent, watch, leaving;

  const say = (words, isLost) => {
    write(told, words);
    told.classList.toggle("lost", isLost);
  };
  const close = () => {
    source?.close();
    source = null;
    for (const timer of [again, silent, watch]) clearTimeout(timer);
    silent = null;
  };
  const fail = (words) => {
    say(words, true);
    silent ??= setTimeout(lost, 3000);
  };
  const listen = () => {
    clearTimeout(watch);
    watch = setTimeout(() => {
      say("connection lost, trying again", true);
      lost();
      open();
    }, within * 1000);
  };
  const open = () => {
    close();
    listen();
    const mine = source = new EventSource(path);
    mine.onerror = () => {
      fail("connection lost, trying again");
      // Where the answer was an error the browser gives up: a controller that is restarted answers so for a moment.
      if (mine.readyState === EventSource.CLOSED) again = setTimeout(askWhy, 1000);
    };
    mine.addEventListener("still", listen);
    mine.addEventListener("again", open);
    for (const [name, handler] of Object.entries(handlers)) {
      mine.addEventListener(name, (event) => {
        const data = JSON.parse(event.data);
        listen();
        clearTimeout(silent);
        silent = null;
        // Not before something is told, and not while the controller itself hears nothing.
        if (data.unheard !== undefined) unheard = data.unheard;
        say(unheard ? "the controller cannot read the logs: NATS may be away" : "live", unheard);
        handler(data);
      });
    }
  };
  /** The browser does not say why. A session that is over is to be begun anew, and everything else to be waited for. */
  const askWhy = async () => {
    const mine = source;
    const options = { headers: { Accept: "text/event-stream" }, redirect: "manual", signal: AbortSignal.timeout(2000) };
    const answer = await fetch(path, options).catch(() => null);
    const said = answer && !answer.ok ? await answer.json().catch(() => null) : null;
    answer?.body?.cancel().catch(() => {});
    if (source !== mine) return;
    if (isSignedOut(answer)) signInAgain(say);
    else if (answer?.status === 404) { close(); say("it is not there any more", true); lost(); }
    else if (answer?.status === 429) { close(); fail(said?.message ?? "too many pages are open"); again = setTimeout(open, BUSY_SECONDS * 1000); }
    else open();
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (!document.hidden) { if (source === null) open(); return; }
    leaving = setTimeout(() => { close(); say("paused: nobody looks", false); lost(); }, LEFT_SECONDS * 1000);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  if (!document.hidden) open();
}

/** Whether who asked is nobody (any more): our own answer, that of a proxy which signs people in, or its way to do it. */
function isSignedOut(answer) {
  return answer !== null && (answer.type === "opaqueredirect" || [401, 403].includes(answer.status));
}

/** Have the page asked for anew, by which one is led to where people sign in. */
function signInAgain(say) {
  const last = Number(sessionStorage.getItem("understudy-led-to-sign-in") ?? 0);
  if (Date.now() - last < AGAIN_SECONDS * 1000) {
    say("you are signed out: load this page again", true);
    return;
  }
  sessionStorage.setItem("understudy-led-to-sign-in", String(Date.now()));
  location.reload();
}

/** Ask the API; an answer that is no success is an Error with the API's own sentence. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.message || body.Message || `${answer.status} ${answer.statusText}`);
  return body;
}

/** Say who looks, and let them leave; what they may do is what is answered. */
export async function showViewer(console) {
  const viewer = await ask(new URL("viewer", console));
  const place = document.getElementById("viewer");
  if (viewer.name) {
    place.hidden = false;
    place.replaceChildren(viewer.name, viewer.readOnly ? " (may look) " : " ");
    if (viewer.hasSession) {
      place.append(make("button", { type: "button", onclick: async () => {
        await fetch(new URL("sign-out", console), { method: "POST" });
        location.assign(new URL("sign-in", console));
      } }, "Sign out"));
    }
  }
  return viewer;
}
