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
  // hls.js first: what browsers of other engines play by themselves is young, and says little of what went wrong.
  const Hls = await import("./hls.mjs").then((module) => module.default).catch(() => null);
  if (Hls?.isSupported()) {
    playing = new Hls({ enableWorker: false });
    const mine = playing;
    playing.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      said.textContent = data.details === "manifestLoadError" ? "There is nothing to play yet; trying again." : `hls.js stopped: ${data.details}`;
      if (data.details === "manifestLoadError") setTimeout(() => { if (playing === mine) start(video, url, said); }, 2000);
    });
    playing.loadSource(url);
    playing.attachMedia(video);
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = url;
  } else {
    said.textContent = "This browser plays no HLS by itself, and hls.js is not beside this console: play it elsewhere, ";
    said.append(make("a", { href: url }, url), ".");
    return;
  }
  said.textContent = `Playing ${url}`;
  video.play().catch((error) => { said.textContent = error.message; });
}
