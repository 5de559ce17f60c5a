// One page in Chromium that does what it is told: a JSON command a line on stdin, a JSON answer a line on stdout.
// Arguments: the path of the browser, an empty directory for its profile.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [browserPath, profile] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const context = await chromium.launchPersistentContext(profile, {
  executablePath: browserPath,
  headless: true,
  bypassCSP: false,
  viewport: { width: 1280, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});
const tab = await context.newPage();
tab.setDefaultTimeout(30_000);
let complaints = [];
tab.on("pageerror", (error) => complaints.push(String(error)));
tab.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`); });

const session = await context.newCDPSession(tab);

/** What an expression is in the page, or in another world of it: said by the browser itself, whatever the page's policy. */
async function evaluate(expression, more = {}) {
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, ...more });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

const can = {
  open: async ({ url }) => { await tab.goto(url); return tab.url(); },
  look: async ({ width, height, scheme }) => { await tab.setViewportSize({ width, height }); await tab.emulateMedia({ colorScheme: scheme }); },
  until: async ({ script, seconds }) => {
    const end = Date.now() + seconds * 1000;
    while (!(await evaluate(`Boolean(${script})`))) {
      if (Date.now() > end) throw new Error(`not within ${seconds} s: ${script}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    return { at: Date.now() / 1000 };
  },
  say: async ({ script }) => evaluate(script),
  click: async ({ selector }) => { await tab.click(selector); },
  hover: async ({ selector }) => { await tab.hover(selector); },
  press: async ({ key }) => { await tab.keyboard.press(key); },
  fill: async ({ selector, text }) => { await tab.fill(selector, text); },
  picture: async ({ path, selector }) => { await (selector ? tab.locator(selector) : tab).screenshot({ path }); },
  complaints: async () => { const found = complaints; complaints = []; return found; },
  accessibility: async () => {
    // In a world of its own: the page's policy lets no other script in, and need not.
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
    await evaluate(`${readFileSync(axe, "utf8")}; 0`, { contextId: executionContextId });
    return evaluate(
      "axe.run(document).then((found) => found.violations.map((one) => ({id: one.id, impact: one.impact, nodes: one.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3)})))",
      { contextId: executionContextId },
    );
  },
};

process.stdout.write('{"ready": true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: (await can[command](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await context.close();
