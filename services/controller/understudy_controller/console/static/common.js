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

/**
 * Follow server-sent events; the browser asks again by itself where the connection is lost, and gets all anew.
 * @param {string} path of the feed
 * @param {Object<string, function>} handlers by name of the event
 * @param {function()} lost called where nothing is told for some seconds after the connection was lost
 */
export function follow(path, handlers, lost) {
  const told = document.getElementById("connection");
  let source = null;
  let again = 0;
  let unheard = false;
  let silent = null;
  const open = () => {
    source = new EventSource(path);
    source.onerror = () => {
      told.textContent = "connection lost, trying again";
      told.classList.add("lost");
      silent ??= setTimeout(lost, 3000);
      // Where the answer was an error the browser gives up: a controller that is restarted answers so for a moment.
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(again);
      again = setTimeout(async () => {
        // Nor does it say why. A session that is over is to be begun anew, and everything else to be waited for.
        const answer = await fetch(path, { headers: { Accept: "text/event-stream" }, signal: AbortSignal.timeout(2000) }).catch(() => null);
        answer?.body?.cancel();
        if (answer?.status === 403) location.reload();
        else if (answer?.status === 404) told.textContent = "it is not there any more";
        else open();
      }, 1000);
    };
    for (const [name, handler] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        const data = JSON.parse(event.data);
        clearTimeout(silent);
        silent = null;
        // Not before something is told, and not while the controller itself hears nothing.
        if (data.unheard !== undefined) unheard = data.unheard;
        const words = unheard ? "the controller cannot read the logs: NATS may be away" : "live";
        if (told.textContent !== words) told.textContent = words;
        told.classList.toggle("lost", unheard);
        handler(data);
      });
    }
  };
  open();
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
