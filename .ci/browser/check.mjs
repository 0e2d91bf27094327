// Opens reports in Chromium as their readers do, and checks what only a browser can tell:
//
//	node check.mjs OUT [--fleet PAGE] PAGE...
//
// Screenshots and PDFs go to the folder OUT. A page after --fleet is a large one: it is held
// against the bounds on size, first paint and filtering, too. All that is wrong is printed,
// and makes the exit status 1.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(" ");
const mostBytes = 6e6, mostPaint = 1000, mostFilter = 100; // milliseconds

const [out, ...args] = process.argv.slice(2);
const fleet = args[0] === "--fleet" ? args.splice(0, 2)[1] : "";
const pages = fleet ? [...args, fleet] : args;
if (!out || pages.length === 0) throw new Error("usage: node check.mjs OUT [--fleet PAGE] PAGE...");
mkdirSync(out, { recursive: true });

let faults = 0;
const fault = (page, text) => { faults++; console.log(`FAULT ${page}: ${text}`); };
const equal = (page, what, got, want) => { if (got !== want) fault(page, `${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`); };

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
const browser = await chromium.launch({ executablePath, args: flags });
console.log(`Chromium ${browser.version()}`);

// open opens a page and listens for what must not be: messages and requests.
async function open(file, options, fragment = "") {
  const name = path.basename(file);
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  page.on("console", (m) => fault(name, `console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => fault(name, `error: ${e}`));
  const own = pathToFileURL(file).href;
  page.on("request", (r) => { if (r.url().split("#")[0] !== own) fault(name, `request of ${r.url()}`); });
  page.setDefaultTimeout(20000);
  await page.goto(own + fragment);
  return page;
}

const unfold = (page, most) => page.evaluate((most) => {
  for (const d of Array.from(document.querySelectorAll("details")).slice(0, most)) d.open = true;
}, most);

async function accessible(page, name, what) {
  // axe runs as the browser's own tool does, beside the page's policy and not in it.
  const session = await page.context().newCDPSession(page);
  const run = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(axe + ";0");
  const found = await run(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] })
    .then((r) => r.violations.map((v) => v.id + " at " + v.nodes.length + ": " + v.nodes[0].html.slice(0, 200) + " " + v.nodes[0].failureSummary))`);
  for (const v of found) fault(name, `axe, ${what}: ${v}`);
  await session.detach();
}

const wider = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// look checks a page as it is shown: no overflow, accessible, folds closed and open.
async function look(file, large) {
  const name = path.basename(file);
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height] of [[375, 812], [1280, 800]]) {
      const what = `${colorScheme} ${width}`;
      const page = await open(file, { colorScheme, viewport: { width, height }, reducedMotion: "reduce" });
      equal(name, `${what}: pixels too wide`, await wider(page), 0);
      await page.screenshot({ path: path.join(out, `${name}.${colorScheme}.${width}.png`) });
      const many = large || await page.evaluate(() => document.querySelectorAll("*").length > 8000);
      if (many) {
        // A browser lays out what it shows. The whole of a large page takes axe minutes.
        await page.evaluate(() => { for (const el of document.querySelectorAll("section.cluster:nth-of-type(n+12), section.rule:nth-of-type(n+12), .glance tr:nth-child(n+20), .hits > li:nth-child(n+8)")) el.remove(); });
      }
      // What is far off is not laid out, and axe would take the place kept for it for its size.
      await page.evaluate(() => { for (const el of document.querySelectorAll(".rule, .cluster")) el.style.contentVisibility = "visible"; });
      await accessible(page, name, `${what}, folded`);
      await unfold(page, many ? 60 : Infinity);
      equal(name, `${what}, unfolded: pixels too wide`, await wider(page), 0);
      await accessible(page, name, `${what}, unfolded`);
      if (!many) {
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        await page.setViewportSize({ width, height: Math.min(height, 12000) }); // so that all is painted
        await page.screenshot({ path: path.join(out, `${name}.${colorScheme}.${width}.open.png`) });
      }
      await page.context().close();
    }
  }
}

// paper prints a page on A4.
async function paper(file, large) {
  const name = path.basename(file);
  const page = await open(file, { viewport: { width: 794, height: 1123 } }); // A4 at 96 pixels an inch
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  equal(name, "print: pixels too wide", await wider(page), 0);
  equal(name, "print: controls that show", await page.evaluate(() => Array.from(document.querySelectorAll(".filter, button, .skip, nav")).filter((e) => e.checkVisibility()).length), 0);
  // What is open is printed though its fold is closed.
  equal(name, "print: findings that do not show", await page.evaluate(() => Array.from(document.querySelectorAll(".kind .hits [id]")).slice(0, 500).filter((e) => e.getBoundingClientRect().height === 0).length), 0);
  if (!large) {
    await page.screenshot({ path: path.join(out, `${name}.print.png`), fullPage: true });
    await page.pdf({ path: path.join(out, `${name}.pdf`), format: "A4", preferCSSPageSize: true, tagged: true, outline: true });
  }
  await page.context().close();
}

// visible counts the findings that are to be seen when all folds of findings are open.
const visible = (page) => page.evaluate(() => {
  for (const d of document.querySelectorAll("details.where, details.list")) d.open = true;
  return new Promise((done) => setTimeout(() => {
    const hits = Array.from(document.querySelectorAll(".kind .hits [id]"));
    const shown = hits.filter((e) => !e.closest("[hidden]")).map((e) => e.id);
    const links = Array.from(document.querySelectorAll("section.cluster h4 + ul a[href^='#f']")).filter((a) => !a.closest("[hidden]") && !a.closest(".settled")).map((a) => a.hash.slice(1));
    done({ all: hits.length, shown: shown.length, agree: String(shown.sort()) === String(links.sort()) });
  }, 50));
});

// filters tries each filter of a page alone, and the link that shares it.
async function filters(file) {
  const name = path.basename(file);
  const page = await open(file, { viewport: { width: 1280, height: 800 } });
  const { all, agree } = await visible(page);
  if (!agree) fault(name, "the views by rule and by cluster hold different findings");
  if (all === 0) return page.context().close();
  const said = async () => parseInt((await page.textContent("#shown")).replaceAll(",", ""), 10);
  equal(name, "findings counted", await said(), all);
  for (const id of ["severity", "status", "change", "project", "rule"]) {
    const values = await page.$$eval(`#${id} option`, (os) => os.map((o) => o.value).filter(Boolean));
    let sum = 0;
    for (const value of values.slice(0, 20)) {
      await page.selectOption("#" + id, value);
      const now = await visible(page);
      equal(name, `${id} ${value}: findings said to be shown`, await said(), now.shown);
      if (!now.agree) fault(name, `${id} ${value}: the views by rule and by cluster show different findings`);
      if (value !== "open" && value !== "undecided") sum += now.shown; // they are among the others
      const link = await page.evaluate(() => location.hash);
      const again = await open(file, {}, link);
      equal(name, `${id} ${value} by ${link}`, parseInt((await again.textContent("#shown")).replaceAll(",", ""), 10), now.shown);
      await again.context().close();
    }
    if (values.length > 0 && values.length <= 20) equal(name, `findings by ${id} together`, sum, all);
    await page.click("#reset");
    equal(name, `findings after ${id} was cleared`, (await visible(page)).shown, all);
  }
  // By keyboard alone: one tab leads from the text to the next field.
  const rule = await page.$eval("section.rule:not(.rest)", (e) => e.id.slice(5));
  await page.focus("#q");
  await page.keyboard.type(rule.toUpperCase());
  const typed = await visible(page);
  if (typed.shown === 0 || !typed.agree) fault(name, `search for ${rule}: ${JSON.stringify(typed)}`);
  equal(name, "rules in the search for one", await page.$eval(`[id="rule-${rule}"]`, (e) => e.hidden), false);
  await page.keyboard.press("Tab");
  equal(name, "field after the search", await page.evaluate(() => document.activeElement.id), "severity");
  await page.fill("#q", "there is no such finding");
  equal(name, "findings that do not exist", (await visible(page)).shown, 0);
  await page.context().close();
}

// links follows links to a cluster, a rule and findings, with the script and without.
async function links(file) {
  const name = path.basename(file);
  for (const javaScriptEnabled of [true, false]) {
    const first = await open(file, { javaScriptEnabled, viewport: { width: 1280, height: 800 } });
    const dom = await first.context().newCDPSession(first);
    const { root } = await dom.send("DOM.getDocument", { depth: 0 });
    const ids = [];
    for (const selector of ["section.cluster", "section.rule", "section.rule.rest", ".hits [id]", ".where .hits li:last-child [id], .where .hits li:last-child[id]", ".settled [id]", ".resolved [id]"]) {
      const { nodeIds } = await dom.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector });
      const last = nodeIds.at(-1);
      if (!last) continue;
      const { attributes } = await dom.send("DOM.getAttributes", { nodeId: last });
      ids.push(attributes[attributes.indexOf("id") + 1]);
    }
    await first.context().close();
    for (const id of ids) {
      const page = await open(file, { javaScriptEnabled, viewport: { width: 1280, height: 800 } }, "#" + id);
      await page.waitForTimeout(100);
      const box = await page.locator(`[id="${id}"]`).boundingBox();
      if (!box || box.y < -1 || box.y > 800) fault(name, `link to #${id}${javaScriptEnabled ? "" : " without script"} shows ${JSON.stringify(box)}`);
      await page.context().close();
    }
  }
}

// guarded brings a script and a style into a page as markup that had slipped through would,
// and sees that its policy keeps them from running.
async function guarded(file) {
  const name = path.basename(file);
  const context = await browser.newContext();
  const page = await context.newPage();
  const blocked = [];
  page.on("console", (m) => blocked.push(m.text()));
  await page.goto(pathToFileURL(file).href);
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.ran = 'script'";
    document.body.append(script);
    const button = document.createElement("button");
    button.setAttribute("onclick", "window.ran = 'attribute'");
    document.body.append(button);
    button.click();
    const style = document.createElement("style");
    style.textContent = "h1 { display: none }";
    document.head.append(style);
    const image = new Image();
    image.src = "https://example.com/i.png";
    document.body.append(image);
    await new Promise((done) => setTimeout(done, 200));
    return [window.ran ?? "nothing", getComputedStyle(document.querySelector("h1")).display === "none" ? "style" : "no style"].join(", ");
  });
  equal(name, "what was brought in and ran", ran, "nothing, no style");
  const kinds = ["Executing inline script", "Executing inline event handler", "Applying inline style", "Loading the image"];
  for (const kind of kinds) if (!blocked.some((t) => t.includes(kind) && t.includes("Content Security Policy"))) fault(name, `the policy did not block: ${kind}; it said ${blocked.join(" | ")}`);
  await context.close();
}

// copied copies the first commands of a page.
async function copied(file) {
  const name = path.basename(file);
  const page = await open(file, { viewport: { width: 1280, height: 800 } });
  const fold = page.locator("details:has(> pre)").first();
  if (await fold.count() > 0) {
    await fold.evaluate((d) => { for (let e = d; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true; });
    await fold.locator("> .copy").first().click();
    await page.waitForTimeout(50);
    equal(name, "copied", await page.evaluate(() => navigator.clipboard.readText()), await fold.locator("> pre").first().textContent());
  }
  await page.context().close();
}

// named has the commands of a large page filled with the names of a place.
async function named(file) {
  const name = path.basename(file);
  const page = await open(file, { viewport: { width: 1280, height: 800 } });
  const kind = page.locator("#rule-boot-disk-cmek .kind").first();
  await kind.locator("> .where > summary").click();
  await kind.locator("button.names").nth(1).click();
  const text = (await kind.locator("> .fix").locator("code").allTextContents()).join("\n");
  const [pool, cluster, project] = await kind.evaluate((k) => [k.querySelectorAll(".hits i")[1].textContent.split(" ").pop(), k.querySelector(".hits li li a").textContent, k.querySelector(".hits bdi").textContent]);
  for (const flag of [`gke-nodepool=${pool}`, `--cluster=${cluster}`, `--project=${project}`, "--location=europe-west4"]) if (!text.includes(flag)) fault(name, `${flag} is not in ${text}`);
  equal(name, "fold of the commands is open", await kind.locator("> .fix").evaluate((d) => d.open), true);
  await page.context().close();
}

// measured holds a large page against the bounds: the median of five runs each.
async function measured(file) {
  const name = path.basename(file);
  const median = (ns) => ns.sort((a, b) => a - b)[Math.floor(ns.length / 2)];
  const size = statSync(file).size;
  const paints = [], filterings = [], frames = [];
  for (let i = 0; i < 5; i++) {
    const page = await open(file, { viewport: { width: 1280, height: 800 } });
    paints.push(await page.evaluate(async () => {
      const seen = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
      while (!seen()) await new Promise((done) => setTimeout(done, 10));
      return seen();
    }));
    await page.waitForTimeout(1000); // nobody types before that
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async () => (await session.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value * 1000;
    const of = (id) => page.$eval(`#${id} option:nth-child(9)`, (o) => o.value);
    for (const [id, value] of [["q", "web-1"], ["q", "web-1 pool"], ["q", ""], ["severity", "high"], ["severity", ""],
      ["project", await of("project")], ["project", ""], ["rule", await of("rule")], ["rule", ""]]) {
      const before = await busy();
      // From the change of a field to the frame that shows what comes of it.
      frames.push(await page.evaluate(([id, value]) => new Promise((done) => {
        const field = document.getElementById(id), start = performance.now();
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        requestAnimationFrame(() => { const channel = new MessageChannel(); channel.port1.onmessage = () => done(performance.now() - start); channel.port2.postMessage(0); });
      }), [id, value]));
      filterings.push(await busy() - before);
    }
    await page.context().close();
  }
  // The processor time of the page is what is held against the bound: that of the clock is
  // as long as a busy machine makes it.
  const [paint, filtering, frame] = [median(paints), median(filterings), median(frames)];
  console.log(`${name}: ${(size / 1e6).toFixed(2)} MB; first paint ${paint.toFixed(0)} ms; filtering takes ${filtering.toFixed(0)} ms of the processor, at worst ${Math.max(...filterings).toFixed(0)} ms, and ${frame.toFixed(0)} ms by the clock`);
  if (size > mostBytes) fault(name, `${size} bytes, at most ${mostBytes}`);
  if (paint > mostPaint) fault(name, `first paint after ${paint} ms, at most ${mostPaint}`);
  if (filtering > mostFilter) fault(name, `filtering takes ${filtering} ms, at most ${mostFilter}`);
}

function valid(files) {
  const jar = require.resolve("vnu-jar/build/dist/vnu.jar");
  try {
    execFileSync("java", ["-jar", jar, "--errors-only", ...files], { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26 });
  } catch (e) {
    fault("the Nu checker", String(e.stderr).slice(0, 4000) || String(e));
  }
}

for (const file of pages) {
  const large = file === fleet;
  const took = [];
  for (const check of large ? [look, paper, links, guarded, copied, named, measured] : [look, paper, filters, links, guarded, copied]) {
    const start = performance.now();
    await check(file, large);
    took.push(`${check.name} ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
  console.log(`${path.basename(file)}: ${took.join(", ")}`);
}
await browser.close();
valid(pages);
console.log(faults === 0 ? `${pages.length} pages without a fault` : `${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
