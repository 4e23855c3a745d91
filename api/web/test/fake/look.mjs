// look takes a picture of every screen of the page with the made-up server, at
// two sizes, light and dark, in both languages, and asks axe about each:
//
//     npm run look -- FOLDER
//
// It needs Chromium, and deploy/browser's npm ci.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { preview } from "vite";

const require = createRequire(new URL("../../../../deploy/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");
const folder = process.argv[2] ?? "node_modules/.look";
mkdirSync(folder, { recursive: true });

const server = await preview({ configFile: fileURLToPath(new URL("vite.config.ts", import.meta.url)), preview: { port: 0 } });
const address = server.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

const sizes = {
  wide: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};
const only = process.argv[3];
let wrong = 0;

for (const [size, look] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"]) {
    for (const locale of ["zh-CN", "en-US"]) {
      const name = `${size}-${colorScheme}-${locale.slice(0, 2)}`;
      if (only && !name.includes(only)) continue;
      const context = await browser.newContext({ ...look, colorScheme, locale, bypassCSP: false });
      const page = await context.newPage();
      page.on("pageerror", (err) => complain(name, err));
      page.on("console", (message) => message.type() === "error" && complain(name, message.text()));
      await screens(page, name, size === "phone");
      await context.close();
    }
  }
}
await browser.close();
await server.close();
process.exitCode = wrong > 0 ? 1 : 0;

function complain(name, what) {
  wrong++;
  console.log(`${name}: ${what}`);
}

async function take(page, name, screen) {
  await page.waitForTimeout(350); // what moves has come to rest
  await page.screenshot({ path: `${folder}/${screen}-${name}.png` });
  const axeSource = require("node:fs").readFileSync(axe, "utf8");
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  for (const { id, help, nodes } of violations)
    complain(`${screen}-${name}`, `axe ${id}: ${help}\n    ${nodes.map((n) => n.html.slice(0, 160)).join("\n    ")}`);
}

async function screens(page, name, phone) {
  await page.goto(address);
  await page.getByRole("tab").nth(2).waitFor();
  await take(page, name, "welcome");
  await page.getByRole("tab").nth(1).click();
  await take(page, name, "signup");

  await page.goto(`${address}?as=zhugeliang&talks=14`);
  await page.locator(".entry-row").first().waitFor();
  await take(page, name, "list");
  await page.goto(`${address}?as=zhugeliang&talks=14#/c/c-group`);
  await page.locator(".message").first().waitFor();
  await page.locator(".picture-box img[src]").first().waitFor();
  await page.evaluate(() => globalThis.fake.type("c-group", ["u2", "u4"]));
  await take(page, name, "group");
  await page.locator(".message.mine").last().hover();
  await page.locator(".message.mine .message-more").last().click();
  await take(page, name, "menu");
  await page.keyboard.press("Escape");
  await page.locator(".picture-box").first().click();
  await page.locator(".viewer img[src]").waitFor();
  await take(page, name, "viewer");
  await page.keyboard.press("Escape");
  await page.locator(".lines").evaluate((box) => box.scrollBy(0, -1500));
  await page.evaluate(() => globalThis.fake.receive("c-group", "u2", "Are you there?"));
  await take(page, name, "scrolled");
  if (phone) await page.locator(".conversation-head button").last().click();
  await take(page, name, "members");
  await page.locator(".people-acts .button").first().click();
  await take(page, name, "add");
  await page.keyboard.press("Escape");

  await page.goto(`${address}?as=zhugeliang&talks=14#/c/c-direct`);
  await page.locator(".message").first().waitFor();
  await page.evaluate(() => {
    globalThis.fake.slow = 0;
    globalThis.fake.fail = true;
  });
  await page.locator("textarea").fill("first");
  await page.keyboard.press("Enter");
  await page.evaluate(() => {
    globalThis.fake.slow = 50;
  });
  await page.locator("textarea").fill("second, which fails");
  await page.keyboard.press("Enter");
  await page.evaluate(() => globalThis.fake.become({ phase: "waiting", retryAt: Date.now() + 7_000, unsent: 2 }));
  await page.locator(".connection p").waitFor();
  await take(page, name, "direct");
  await page.goto(`${address}?as=zhugeliang&talks=14#/c/c-direct`);
  await page.goto("about:blank");
  await page.goto(`${address}?as=zhugeliang&talks=2#/`);
  await page.locator(".list .icon-button").last().click();
  await take(page, name, "create");
  await page.getByRole("tab").nth(1).click();
  await page.locator("dialog input").nth(1).fill("zhangfei");
  await page.locator("dialog input").nth(1).press("Enter");
  await page.locator(".chips li").waitFor();
  await take(page, name, "create-group");
}
