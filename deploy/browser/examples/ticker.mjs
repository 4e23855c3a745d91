import assert from "node:assert/strict";
import { becomes, kill, play, scene, start, until } from "../stage.mjs";
import { areOnline, looksGood, two } from "./two.mjs";

const cards = (page) => page.getByTestId("card").locator("strong").allTextContents();
const count = async (page) => Number((await page.getByTestId("count").textContent()).split(" ")[0]);
const come = async (page, more) => {
	const had = await count(page);
	await until(`${more} more values come`, async () => await count(page) >= had + more);
};

await play(async () => {
	let ann, bob;
	await scene("values move at once, on every screen", async () => {
		[ann, bob] = await two();
		await areOnline(ann, bob);
		for (const page of [ann, bob]) {
			await becomes("all symbols", async () => (await cards(page)).sort(), ["INK", "IRON", "RICE", "SALT", "SILK", "TEA"]);
			await come(page, 30);
		}
		await bob.getByTestId("card").filter({ hasText: "SILK" }).tap();
		await until("he sees the chart of it", async () => /^SILK {2}\d+\.\d\d {2}[▲▼] \d+\.\d\d %$/.test(await bob.getByTestId("head").textContent()));
	});

	await scene("a symbol that is markup is text", async () => {
		const symbol = "<img src=x onerror=hacked=1>";
		await ann.evaluate((s) => heard({ symbol: s, price: 1, n: 1 }), symbol);
		assert.ok((await cards(ann)).includes(symbol));
		await ann.getByTestId("card").last().click();
		await until("its chart", async () => (await ann.getByTestId("head").textContent()).startsWith(symbol));
		for (const [page, what] of [[ann, "desktop-light"], [bob, "phone-dark"]]) await looksGood(page, what);
	});

	await scene("the api and a worker are killed: the values come again", async () => {
		await kill("worker-2");
		await come(ann, 30);
		await start("worker-2");
		await kill("api");
		await start("api");
		for (const page of [ann, bob]) await come(page, 30);
	});
});
