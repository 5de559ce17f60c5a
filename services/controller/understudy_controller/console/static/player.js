// A player: the browser's own HLS, or hls.js where it was put beside the console.
import { make } from "./common.js";

let playing = null;

/** Offer the origin endpoints to be played. */
export function play(place, endpoints) {
  if (place.dataset.for === JSON.stringify(endpoints.map((one) => one.url))) return;
  place.dataset.for = JSON.stringify(endpoints.map((one) => one.url));
  const video = make("video", { controls: true, muted: true, playsinline: true });
  video.muted = true;
  const said = make("p", { class: "quiet", role: "status" }, "Nothing is played.");
  const select = make("select", { "aria-label": "Origin endpoint" }, ...endpoints.map((one) => make("option", { value: one.url }, one.id)));
  const button = make("button", { type: "button" }, "Play");
  button.addEventListener("click", () => start(video, select.value, said));
  place.replaceChildren(endpoints.length ? make("div", { class: "tools" }, select, button) : make("p", {}, "There is no origin endpoint."), video, said);
}

async function start(video, url, said) {
  playing?.destroy();
  playing = null;
  if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = url;
  } else {
    const Hls = await import("./hls.mjs").then((module) => module.default).catch(() => null);
    if (!Hls) {
      said.textContent = "This browser plays no HLS by itself, and hls.js is not beside this console: play it elsewhere, ";
      said.append(make("a", { href: url }, url), ".");
      return;
    }
    playing = new Hls({ liveDurationInfinity: true });
    playing.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) said.textContent = `hls.js stopped: ${data.details}`; });
    playing.loadSource(url);
    playing.attachMedia(video);
  }
  said.textContent = `Playing ${url}`;
  video.play().catch((error) => { said.textContent = error.message; });
}
