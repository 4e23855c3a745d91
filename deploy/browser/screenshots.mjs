// screenshots takes the picture of the README from a running `make run` with a fresh data
// folder: `make screenshots`. The demo accounts are in it as a newcomer meets them.
//
//	node screenshots.mjs DATA PICTURE
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const [data, picture] = process.argv.slice(2);
const run = JSON.parse(await readFile(path.join(data, "run.json"), "utf8").catch(() => {
	console.error(`nothing runs with the data in ${data}: start it with \`make run\` in another terminal`);
	process.exit(1);
}));

const browser = await chromium.launch({ executablePath: process.env.PARLEY_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

const desktop = { viewport: { width: 1120, height: 720 }, deviceScaleFactor: 2, locale: "en-US" };
const phone = { viewport: { width: 360, height: 720 }, deviceScaleFactor: 2, locale: "zh-CN", isMobile: true, hasTouch: true, colorScheme: "dark" };

// enter signs a demo account in and opens the chat with somebody.
async function enter(name, look, to) {
	const page = await (await browser.newContext(look)).newPage();
	await page.goto(`${run.page}#/with/${to}`);
	await page.getByLabel(/^(Name|用户名)/).fill(name);
	await page.getByLabel(/^(Password|密码)/).fill("123456");
	await page.keyboard.press("Enter");
	await page.getByRole("textbox", { name: /^(Write a message|说点什么…)$/ }).waitFor();
	return page;
}

async function say(page, text) {
	const box = page.getByRole("textbox", { name: /^(Write a message|说点什么…)$/ });
	await box.fill(text);
	await box.press("Enter");
	await page.getByRole("article").filter({ hasText: text }).waitFor();
}

const liubei = await enter("liubei", desktop, "zhugeliang");
const zhaoyun = await enter("zhaoyun", phone, "liubei");
await say(liubei, "Good evening! Is the wind with us?");
await say(zhaoyun, "主公，东风已起。");
await say(zhaoyun, "Every message arrives, once, in order.");
await liubei.getByText("Every message arrives").first().waitFor({ state: "attached" });
await liubei.getByRole("navigation").getByRole("link", { name: /^赵云/ }).click();
await say(liubei, "明日出发 🐎");
await zhaoyun.getByRole("article").filter({ hasText: "明日出发" }).waitFor();
await say(zhaoyun, "末将领命！");
await liubei.getByRole("article").filter({ hasText: "末将领命" }).waitFor();
await pause(2000); // marks and presence come to rest, and the pointer's shade goes

// Both screens on one picture.
const shots = [];
for (const page of [liubei, zhaoyun]) shots.push((await page.screenshot()).toString("base64"));
const frame = await (await browser.newContext({ viewport: { width: 1440, height: 800 }, deviceScaleFactor: 1 })).newPage();
await frame.setContent(`<style>
	body { margin: 0; display: flex; gap: 28px; align-items: center; justify-content: center; height: 100vh; background: linear-gradient(120deg, #dfe8e4, #dce3ec) }
	img { display: block; border-radius: 14px; box-shadow: 0 12px 40px rgb(20 40 40 / 0.25) }
</style>
<img width="980" src="data:image/png;base64,${shots[0]}"><img height="630" src="data:image/png;base64,${shots[1]}">`);
await frame.waitForFunction(() => [...document.images].every((i) => i.complete));
await writeFile(picture, await frame.screenshot());
await browser.close();
console.log(`wrote ${picture}`);
