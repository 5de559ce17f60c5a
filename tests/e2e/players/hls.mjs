// Plays a live HLS URL with hls.js in Chromium until stdin closes, then prints one JSON report on stdout.
// Arguments: the URL of a multivariant playlist, the path of the browser, an empty directory for its profile.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [url, browserPath, profile] = process.argv.slice(2);
const library = readFileSync(createRequire(import.meta.url).resolve("hls.js/dist/hls.min.js"));
const page = readFileSync(new URL("./hls.html", import.meta.url));

// The page comes from a local server, not from a file: its origin differs from the stream's, as it does on a real site.
const server = createServer((request, response) => {
  const isLibrary = request.url === "/hls.min.js";
  response.setHeader("Content-Type", isLibrary ? "text/javascript" : "text/html");
  response.end(isLibrary ? library : page);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const context = await chromium.launchPersistentContext(profile, {
  executablePath: browserPath,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
  ],
});
const tab = await context.newPage();
const complaints = [];
tab.on("pageerror", (error) => complaints.push(String(error)));
const address = `http://127.0.0.1:${server.address().port}/?url=${encodeURIComponent(url)}`;
await tab.goto(address);
await tab.waitForFunction(() => window.report.playingSince !== null, undefined, { timeout: 60_000 }).catch(() => {});
process.stdout.write("playing\n");

await new Promise((resolve) => {
  process.stdin.on("end", resolve).on("error", resolve).resume();
});
const report = await tab.evaluate(() => window.report);
process.stdout.write(JSON.stringify({ ...report, complaints, browser: context.browser()?.version() }) + "\n");
await context.close();
server.close();
